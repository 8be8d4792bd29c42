"""The same grid, executed in different ways, leaves the very same bytes.

Real runs, as the campaign of faults has them: two at a time in forked processes, and one after the
other with ordinary kernels. That a seed gives the same weights is in test_train, that a training
which was killed does in test_resume, one forked run beside an ordinary one in test_launch. On GPUs
sums may be taken in another order: there figures agree within the noise of bf16, not to the bit.
"""

import faults


def test_workers_and_kernels_do_not_matter(tmp_path):
    site = faults.Site(tmp_path)
    site.learn()
    batch = site.place / "xstilts/batch.py"
    text = batch.read_text()
    assert "\nFEW = 3 " in text
    batch.write_text(text.replace("\nFEW = 3 ", "\nFEW = 99 "))  # no parent that forks
    alone = faults.Round(0, "none", 1, site, tmp_path / "alone")
    alone.begin(workers=1)
    said, _ = alone.runner.communicate()
    assert alone.runner.returncode == 0, said
    assert "1 at a time" in said
    found = faults.results(alone.out)
    assert found == site.undisturbed
    assert sum(name.endswith("scores.csv") for name in found) >= 2
    assert any(name.endswith("model.safetensors") for name in found)
