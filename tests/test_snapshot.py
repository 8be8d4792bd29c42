"""The snapshot: what is read back is what runs left, and every row leads to its run."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from faked import GRID, fill
from pandas.testing import assert_frame_equal

from xstilts import kept as books
from xstilts import snapshot
from xstilts.analysis import windows
from xstilts.files import read_record
from xstilts.grid import plan
from xstilts.gridfile import STUDIES
from xstilts.paths import NOTEBOOKS, REPORTS, BadInput, runs_dir
from xstilts.scores import EXAMPLE_COLUMNS

STUDY = GRID | {"studies": ["sequence_length"]}
ZERO = "tiny-xlmr.s1/none/zero-mnli"
FRAMES = ("scores", "measures", "examples", "dev")


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """A snapshot of one's own, empty."""
    monkeypatch.setattr(snapshot, "SNAPSHOT", tmp_path / "snapshot")
    return snapshot.SNAPSHOT


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An output folder in which every run of GRID is done."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XSTILTS_OUT", str(folder))
        patch.setattr("xstilts.provenance._git", lambda *words: "c0ffee" * (words[0] != "status"))
        fill(GRID)
    return folder


@pytest.fixture
def done(out, made):
    """That, as a copy of one's own."""
    shutil.copytree(made, out, dirs_exist_ok=True)
    return out


def sorted_by_run(frame):
    return frame.sort_values("run", kind="stable", ignore_index=True) if "run" in frame else frame


def test_the_snapshot_gives_back_what_the_runs_gave(done, kept, tmp_path, monkeypatch):
    here = snapshot.collect(plan(GRID), examples=True)
    assert here.source == f"runs in {done}" and not here.missing and not here.stale
    assert snapshot.take([STUDY]) == len(plan(GRID))
    monkeypatch.setenv("XSTILTS_OUT", str(tmp_path / "nothing here"))
    there = snapshot.collect(plan(GRID), examples=True)
    assert there.source.startswith("snapshot of c0ffee") and not there.missing
    for name in FRAMES:
        one, two = (sorted_by_run(getattr(found, name)) for found in (here, there))
        assert len(one) == len(two) and list(one.columns) == list(two.columns)
        if len(one):
            assert_frame_equal(one, two, check_dtype=False, check_exact=True)
    assert len(there.scores) and len(there.examples) and len(there.dev)


def test_every_row_leads_to_the_run_that_made_it(done, kept):
    cell = {"cell_type": "code", "source": str(done), "metadata": {"papermill": 1, "tags": ["a"]}}
    for name in (ZERO, "tiny-xlmr.s2/mnli/zero-udpos"):  # the other is less like the defaults
        (done / name / "notebook.ipynb").write_text(json.dumps({"cells": [cell], "metadata": {}}))
    snapshot.take([GRID])
    book = json.loads((kept / "notebooks" / "04_zero_shot.ipynb").read_text("utf-8"))
    assert book["cells"][0] | {"source": "out", "metadata": {"tags": ["a"]}} == book["cells"][0]
    assert book["metadata"]["xstilts"]["run"] == ZERO
    runs = snapshot.load("runs").set_index("run")
    for name in snapshot.TABLES:
        assert set(snapshot.load(name)["run"]) <= set(runs.index)
    record = read_record(done / ZERO)
    assert runs.loc[ZERO, "key"] == record["key"] and runs.loc[ZERO, "commit"] == record["commit"]
    assert runs.loc[ZERO, "finished"] == record["finished"]
    versions = snapshot.about()["versions"]
    assert versions[int(runs.loc[ZERO, "versions"])] == record["versions"]


def test_of_a_report_what_is_large_is_not_kept(tmp_path):
    (run,) = (run for run in plan(GRID | {"reports": ["main_table"]}) if run.leaves == "report")
    tables = tmp_path / run.id / "tables"
    tables.mkdir(parents=True)
    (tmp_path / run.id / "notebook.ipynb").write_text('{"cells": [], "metadata": {}}')
    for name, size in (("small.csv", 9), ("large.csv", books.LARGEST + 1)):
        (tables / name).write_bytes(b"x" * size)
    (tmp_path / "kept" / "notebooks").mkdir(parents=True)
    books.keep(run, tmp_path, tmp_path / "kept")
    assert [file.name for file in (tmp_path / "kept" / "tables").rglob("*.csv")] == ["small.csv"]


def test_groups_add_up_and_translations_share_their_bin(done):
    found = snapshot.collect(plan(GRID), examples=True).examples
    own = found[found["run"] == ZERO]
    assert (own.groupby("lang")["n"].sum() == 12).all() and own["truncated"].sum() == 15
    english, other = (
        own[own["lang"] == lang].set_index(["domain", "bin"]) for lang in ("en", "qaa")
    )
    assert english["n"].sort_index().equals(other["n"].sort_index())
    assert english.loc[("home", "short"), "truncated"] == 1  # i0: shortest in English
    assert other.loc[("home", "short"), "truncated"] == 1  # and so elsewhere, where it is longest
    assert own["hit"].round(2).equals(own["hit"]) and own["hit"].sum() == pytest.approx(
        15 * 8, abs=0.5
    )
    apart = found[(found["task"] == "udpos") & (found["lang"] == "qaa")]
    assert apart.loc[apart["truncated"] > 0, "bin"].unique().tolist() == ["long"]  # its own length
    assert set(found["bin"]) == set(snapshot.BINS)


def test_groups_and_examples_are_kept_for_the_studies_that_read_them(done, kept):
    books = {name: NOTEBOOKS / f"{notebook}.ipynb" for name, notebook in STUDIES.items()}
    for words, studies in (("examples=True", snapshot.SUMMED),
                           ("windows.examples(", snapshot.SINGLE)):  # fmt: skip
        reads = {name for name, book in books.items() if words in book.read_text("utf-8")}
        assert reads == studies
    snapshot.take([GRID])
    assert snapshot.load("groups").empty and snapshot.load("examples").empty
    first = STUDY | {"recipes": ["none"], "also": [{"recipes": ["mnli"], "targets": ["mnli"]}]}
    snapshot.take([first])
    tables = [snapshot.load(name) for name in ("groups", "examples")]
    assert set(tables[0]["recipe"]) == {"none", "mnli"}
    assert set(tables[1]["run"]) == {run.id for run in plan(GRID | {"recipes": ["none"]})
                                     if (done / run.id / "examples.parquet").is_file()}  # fmt: skip
    planned = plan(first)
    here, there = (
        windows.examples(planned, GRID["targets"], kept=kept)
        .query("recipe == 'none'")
        .sort_values(["seed", "target", *EXAMPLE_COLUMNS[:5]], ignore_index=True)
        for kept in (False, True)
    )
    assert_frame_equal(here, there, check_dtype=False, atol=5e-4)
    snapshot.take([GRID])  # which does not ask for them, and lets them be
    assert all(snapshot.load(name).equals(was)
               for name, was in zip(("groups", "examples"), tables, strict=True))  # fmt: skip


def test_rows_of_a_run_are_replaced_and_those_of_others_stay(done, kept):
    snapshot.take([GRID])
    before = snapshot.load("scores")
    path = done / ZERO / "scores.csv"
    rows = pd.read_csv(path)
    rows.loc[0, "value"] = 99.5
    rows.to_csv(path, index=False)
    snapshot.take([GRID | {"recipes": ["none"], "seeds": [1]}])
    after = snapshot.load("scores")
    assert len(after) == len(before) and 99.5 in set(after.loc[after["run"] == ZERO, "value"])
    other = after["run"].str.contains("/mnli/")
    assert after[other].equals(before[other])


def test_half_of_a_grid_is_named_and_nothing_is_refused(out, made, kept, tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="no run of grid is done"):
        snapshot.take([GRID])
    shutil.copytree(made, out, dirs_exist_ok=True)
    for folder in out.glob("*/mnli"):
        shutil.rmtree(folder)
    snapshot.take([GRID])
    here = snapshot.collect(plan(GRID), examples=True).missing
    monkeypatch.setenv("XSTILTS_OUT", str(tmp_path / "nothing here"))
    assert snapshot.collect(plan(GRID), examples=True).missing == here
    assert here and all("/mnli/" in name for name in here)


def test_a_stale_run_here_is_not_passed_over_for_the_snapshot(done, kept):
    snapshot.take([GRID])
    for record in done.rglob("run.json"):
        record.write_text(record.read_text().replace('"cells": "', '"cells": "0'))
    found = snapshot.collect(plan(GRID), examples=True)
    assert found.source.startswith("runs in") and len(found.scores) == 0 and found.stale
    assert snapshot.take([GRID]) == len(plan(GRID))  # its record says what made it


def test_without_a_snapshot_all_is_missing(out, kept):
    found = snapshot.collect(plan(GRID), examples=True)
    assert found.source == f"runs in {runs_dir()}" and len(found.missing) == 16
    assert [len(getattr(found, name)) for name in FRAMES] == [0, 0, 0, 0]
    assert list(found.examples.columns) == list(snapshot.GROUP_COLUMNS)


@pytest.mark.slow
def test_reports_are_executed_from_the_snapshot_and_kept(out, kept, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    grid = Path("small.yaml")  # though a kernel works in another folder
    grid.write_text("settings: [tiny-xlmr]\nseeds: [1]\nrecipes: [none, mnli]\n"
                    "targets: [mnli]\nreports: [main_table]\n")  # fmt: skip
    assert books.reports([grid], kept) == []
    path = kept / "notebooks" / "20_main_table.small.ipynb"
    book = json.loads(path.read_text("utf-8"))
    assert book["metadata"]["xstilts"] == {"run": "small/main_table", "grid": "small"}
    said = "".join("".join(o.get("text", "")) for c in book["cells"] for o in c.get("outputs", ()))
    whence = "snapshot of" if (REPORTS / "snapshot" / "runs.csv").is_file() else "runs in"
    assert whence in said and "xstilts 0" in said  # its first section, and its last line
    assert not list(out.rglob("run.json")) and "papermill" not in json.dumps(book["metadata"])
    tables = kept / "tables" / "small" / "main_table"
    assert {"main_table-tiny-xlmr.csv", "main_table-tiny-xlmr.tex"} <= {
        file.name for file in tables.iterdir()}  # fmt: skip
    before = path.read_text("utf-8")
    grid.write_text(grid.read_text() + "tasks: 3\n")
    with pytest.raises(BadInput):
        books.reports([grid], kept)
    grid.write_text(grid.read_text().replace("tasks: 3\n", ""))
    monkeypatch.setattr(books.sys, "executable", shutil.which("false"))
    assert books.reports([grid], kept) == ["small/main_table"]
    assert "20_main_table failed: no reason given" in capsys.readouterr().err
    assert path.read_text("utf-8") == before


def test_one_command_takes_and_executes_and_says_what_failed(done, kept, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(snapshot, "reports", lambda *given: asked.append(given) or ["x/claims"])
    (kept.parent / "grid.yaml").write_text(json.dumps(GRID))
    words = [str(kept.parent / "grid.yaml")]
    assert snapshot.main(words) == 1 and asked == [(words, kept)]
    assert f"{len(plan(GRID))} runs taken" in capsys.readouterr().out
    shutil.rmtree(done)
    assert snapshot.main(words) == 1 and len(asked) == 2  # from what the snapshot has
    assert "0 runs taken" in capsys.readouterr().out
    with pytest.raises(BadInput, match="give grids"):
        snapshot.main([])


def test_what_is_committed_is_small_and_whole():
    folder = REPORTS / "snapshot"
    if not (folder / "runs.csv").is_file():
        pytest.skip("no snapshot yet")
    assert snapshot.size() <= snapshot.LIMIT
    made = set(snapshot.load("runs")["run"])
    for name in snapshot.TABLES:
        assert set(snapshot.load(name)["run"]) <= made
