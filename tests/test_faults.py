"""The quick part of the campaign of faults (`make faults` runs all of it), and of what it rests on.

Notebooks that do next to nothing; three harms, one after the other. What they must find: the same
results as without any, and nothing left behind.
"""

import os
import random
import shutil
import subprocess
import sys

import faults
import pytest

from xstilts import files
from xstilts.checksums import damage, seal
from xstilts.files import beside, read_record, replaced, write_json


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A light site whose undisturbed results are known."""
    home = tmp_path_factory.mktemp("f")
    site = faults.Site(home, real=False)
    site.learn()
    return site


@pytest.mark.parametrize("kind", ["everything", "kernel", "cut"])
def test_a_harmed_grid_ends_as_an_undisturbed_one(kind, site):
    one = faults.Round(random.randrange(1000), kind, 1, site, site.root / kind)
    faults.HARMS[kind](one)
    one.recover()
    assert not one.wrong, one.line()
    assert site.undisturbed == faults.results(one.out) != {}


def test_the_campaign_sees_what_is_lost_changed_or_left(site):
    """A campaign that could find nothing would prove nothing."""
    one = faults.Round(0, "none", 1, site, site.root / "seen")
    shutil.copytree(site.root / "undisturbed/out", one.out)
    one.compare()
    assert not one.wrong and not faults.leftovers(one)
    tables = sorted(one.out.rglob("scores.csv"))
    tables[0].unlink()
    tables[1].write_text(tables[1].read_text().replace("4", "5"))
    (tables[1].parent / ".scores.csv.host.1").write_text("half")
    one.compare()
    assert [words.split(":")[0] for words in one.wrong] == ["1 lost", "1 changed"]
    stay = f"import time; print('up', flush=True); time.sleep(60)  # {one.out}"
    with subprocess.Popen([sys.executable, "-c", stay], stdout=subprocess.PIPE,
                          env=os.environ | {"XSTILTS_OUT": str(one.out)}) as stray:  # fmt: skip
        stray.stdout.readline()
        assert stray.pid in one.processes()
        stray.kill()
    assert faults.leftovers(one)[0].startswith("1 files left")


# -- seals ----------------------------------------------------------------------------------------


@pytest.fixture
def sealed(tmp_path):
    write_json(tmp_path / "run.json", {"id": "a"})
    (tmp_path / "model").mkdir()
    for name in ("scores.csv", "curve.csv", "notebook.ipynb", "model/weights", "model/.stamp"):
        (tmp_path / name).write_text("a,b\n1,2\n")
    seal(tmp_path)
    return tmp_path


def test_a_seal_names_every_file_but_hidden_ones(sealed):
    record = read_record(sealed)
    assert record["id"] == "a"
    assert sorted(record["left"]) == ["curve.csv", "model/weights", "scores.csv"]
    assert damage(sealed) == ""


@pytest.mark.parametrize(
    ("name", "content", "seen"),
    [
        ("scores.csv", "a,b\n1,3\n", True),  # as long as before
        ("scores.csv", "a,b\n", True),
        ("scores.csv", None, True),
        ("curve.csv", "", True),
        ("model/weights", "a,b\n1", True),
        ("model/.stamp", "more", False),
        ("notebook.ipynb", "opened and saved", False),
        ("run.json", '{"id":', True),
    ],
)
def test_what_is_done_to_a_sealed_run_shows(name, content, seen, sealed):
    (sealed / name).unlink() if content is None else (sealed / name).write_text(content)
    assert damage(sealed) == (f"damaged {name}" if seen else "")


def test_a_model_that_was_dropped_is_no_damage(sealed):
    shutil.rmtree(sealed / "model")
    assert damage(sealed, "model") == "" != damage(sealed)


def test_a_run_without_a_seal_is_believed(tmp_path):
    write_json(tmp_path / "run.json", {"id": "a"})
    assert damage(tmp_path) == "" == damage(tmp_path / "nothing")


def test_a_damaged_run_is_made_again_and_those_on_it_are_not_stale(checkout):
    """Made from what it was made from, it comes out as it was."""
    grid = checkout.grid("settings: [tiny-xlmr]\nseeds: [1]\nrecipes: [mnli]\nretrieval: true\n")
    assert checkout.call("xstilts", "run", grid).returncode == 0
    home = checkout.out / "tiny-xlmr.s1/mnli"
    before = (home / "retrieval/scores.csv").read_bytes()
    (home / "encoder/model/story.txt").write_text("")
    planned = checkout.call("xstilts", "plan", grid).stdout.splitlines()[-1]
    assert planned == "small: 2 runs: 1 to do, 1 done"
    said = checkout.call("xstilts", "run", grid)
    assert said.returncode == 0, said.stderr
    assert "made again: tiny-xlmr.s1/mnli/encoder (damaged model/story.txt)" in said.stdout
    assert (home / "encoder/model/story.txt").read_text().startswith("tiny-xlmr")
    assert (home / "retrieval/scores.csv").read_bytes() == before
    assert "nothing to do" in checkout.call("xstilts", "run", grid).stdout


# -- parts of files --------------------------------------------------------------------------------


def test_parts_of_the_dead_go_and_those_of_the_living_stay(tmp_path):
    path = tmp_path / "table.csv"
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], text=True,
                          capture_output=True).stdout.strip()  # fmt: skip
    own = beside(path).name.rpartition(".")[0]
    for name in (f"{own}.{dead}", f"{own}.1", f".table.csv.elsewhere.{dead}", f"{own}x.{dead}"):
        (tmp_path / name).write_text("half")
    with replaced(path) as part:
        part.write_text("whole")
    left = {one.name for one in tmp_path.iterdir()}
    assert left == {"table.csv", f"{own}.1", f".table.csv.elsewhere.{dead}", f"{own}x.{dead}"}


def test_a_folder_of_the_dead_goes_too(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_lives", lambda pid: False)
    part = beside(tmp_path / "model")
    part.mkdir()
    (part / "weights").write_text("half")
    beside(tmp_path / "model")
    assert not part.exists()
