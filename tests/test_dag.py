"""A whole grid through Snakemake and papermill, with notebooks that do next to nothing."""

import fcntl
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

GRID = """
settings: [tiny-xlmr]
seeds: [1]
recipes: [none, mnli]
targets: [udpos]
retrieval: true
reports: [main_table]
"""
BASE = "tiny-xlmr.s1"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A checkout in which the small grid was run once, and what that said."""
    from conftest import Checkout

    checkout = Checkout(tmp_path_factory.mktemp("dag"))
    grid = checkout.grid(GRID)
    return checkout, grid, checkout.call("xstilts", "run", grid)


def test_the_grid_runs_and_tells_of_every_run(done):
    checkout, _, first = done
    assert first.returncode == 0, first.stdout + first.stderr
    lines = first.stdout.splitlines()
    assert sum(line.startswith("[") for line in lines) == 8
    assert any("zero-udpos" in line and "udpos 44.0 (en 43.0)" in line for line in lines)
    assert lines[-1].startswith("open ") and (checkout.root / lines[-1].split()[1]).is_file()


def test_it_leaves_scores_encoders_and_no_target_models(done):
    out = done[0].out / BASE
    assert (out / "mnli/encoder/model/story.txt").read_text().startswith("tiny-xlmr ")
    for recipe in ("none", "mnli"):
        assert (out / recipe / "zero-udpos/scores.csv").is_file()
        assert (out / recipe / "target-udpos/run.json").is_file()
        assert not (out / recipe / "target-udpos/model").exists()
    assert not list(done[0].out.rglob(".work"))
    assert not [p for p in done[0].out.rglob("*.csv") if p.name.startswith(".")]


def test_a_second_call_does_nothing(done):
    checkout, grid, _ = done
    again = checkout.call("xstilts", "run", grid)
    assert again.returncode == 0 and "8 of 8 runs are done, nothing to do" in again.stdout
    assert checkout.call("xstilts", "plan", grid).stdout.splitlines()[-1] == "small: 8 runs: 7 done"


def test_two_at_once_are_refused(done):
    checkout, grid, _ = done
    with (checkout.out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = checkout.call("xstilts", "run", grid)
    assert said.returncode == 2 and "another `xstilts run` is at work" in said.stderr


def test_changed_code_is_refused_then_redone(done):
    """Also: a notebook that fails is kept, and the report is made from what there is."""
    checkout, grid, _ = done
    changed = checkout.read("05_retrieval").replace("40.0", "30.0")
    broken = changed.replace("rows = [", "1 / (run.params['recipe'] != 'mnli')\\nrows = [")
    checkout.write("05_retrieval", broken)
    refused = checkout.call("xstilts", "run", grid)
    assert refused.returncode == 2 and "out of date" in refused.stderr
    assert "cells changed" in refused.stderr and len(refused.stderr.splitlines()) == 1
    redone = checkout.call("xstilts", "run", grid, "--redo")
    assert redone.returncode == 1, redone.stdout + redone.stderr
    assert "tatoeba 34.0 (en 33.0)" in redone.stdout
    assert f"failed: {BASE}/mnli/retrieval" in redone.stdout
    failed = checkout.out / BASE / "mnli/retrieval"
    assert "ZeroDivisionError" in (failed / "notebook.ipynb").read_text()
    assert not (failed / "run.json").exists() and not (failed / "scores.csv").exists()
    report = (checkout.out / "small/main_table/notebook.ipynb").read_text()
    assert "6 rows, 1 missing" in report
    again = checkout.call("xstilts", "plan", grid).stdout.splitlines()
    assert again[-1] == "small: 8 runs: 1 to do, 6 done"


def test_a_killed_grid_goes_on_and_leaves_nothing_behind(checkout):
    slow = checkout.read("02_intermediate").replace(
        "model = run", "import time\\nif not list(run.path.parent.glob('*/again')):\\n"
        "    (run.folder('again')).mkdir()\\n    time.sleep(60)\\nmodel = run"
    )  # fmt: skip
    checkout.write("02_intermediate", slow)
    grid = checkout.grid(GRID.replace("none, ", "").replace("targets: [udpos]", "targets: []"))
    words = [sys.executable, "-m", "xstilts", "run", str(grid)]
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's "&" leaves it deaf
    child = subprocess.Popen(words, cwd=checkout.root, env=checkout.environment(), text=True,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             preexec_fn=heard)  # fmt: skip
    flag = checkout.out / BASE / "mnli/encoder/again"
    until = time.time() + 60
    while not flag.is_dir() and time.time() < until:
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    _, said = child.communicate(timeout=60)
    assert (child.returncode, "interrupted" in said) == (130, True), said
    done = checkout.call("xstilts", "run", grid)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (checkout.out / BASE / "mnli/retrieval/scores.csv").is_file()
    assert not [p for p in Path("/proc").glob("[0-9]*") if _belongs(p, checkout.root)]


def _belongs(process: Path, root: Path) -> bool:
    """Whether a process has to do with the checkout at `root`."""
    try:
        return str(root) in (process / "cmdline").read_text()
    except OSError:
        return False


def test_scratch_makes_what_it_needs(checkout):
    """A notebook by hand: its need is executed first, in scratch, and found the next time."""
    said = checkout.call("xstilts.execute", "04_zero_shot", "recipe=none")
    assert said.returncode == 0, said.stdout + said.stderr
    scratch = checkout.out / "scratch" / BASE / "none"
    assert (scratch / "zero-udpos/scores.csv").is_file()
    assert (scratch / "target-udpos/model/story.txt").is_file()
    assert not (checkout.out / BASE).exists()
