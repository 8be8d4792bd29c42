"""Run folders: round trips, scratch beside published runs, provenance, staleness."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from xstilts import paths, provenance, runs, settings, tasks
from xstilts.files import read_record, replaced, told, write_rows
from xstilts.grid import plan
from xstilts.paths import BadInput, MissingData, UserError
from xstilts.provenance import standing
from xstilts.runs import collect, open_run

GRID = {"settings": ["tiny-xlmr"], "seeds": [1], "recipes": ["none", "mnli"],
        "targets": ["udpos"], "retrieval": True}  # fmt: skip
PARAMS = {"setting": "tiny-xlmr", "recipe": "none", "target": "udpos", "seed": 1}
ZERO = "tiny-xlmr.s1/none/zero-udpos"
ROWS = pd.DataFrame([
    {"task": "udpos", "lang": lang, "suite": "xtreme xtreme-r", "split": "test", "metric": "f1",
     "value": value, "n": 7, "selection": "best"}
    for lang, value in (("en", 0.1 + 0.2), ("no", 100 / 3))
])  # fmt: skip


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """Stub notebooks instead of the real ones."""
    from conftest import NAMES, stub

    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.ipynb").write_text(stub(name))
    monkeypatch.setattr(provenance, "NOTEBOOKS", folder)
    provenance.code.cache_clear()
    yield folder
    provenance.code.cache_clear()


@pytest.fixture
def driven(out, notebooks, monkeypatch):
    """A run as the driver's kernel sees it, by notebook and parameters."""

    def make(notebook, name, **params):
        monkeypatch.setenv("XSTILTS_RUN", name)
        return open_run(notebook, **params)

    return make


def test_scores_come_back_as_they_were(driven):
    run = driven("04_zero_shot", ZERO, **PARAMS)
    run.save(scores=ROWS)
    back, measures, missing, stale = collect(plan(GRID))
    assert back["value"].tolist() == ROWS["value"].tolist()  # to the last bit
    assert back["lang"].tolist() == ["en", "no"]
    identity = back[["setting", "seed", "recipe", "target", "run"]].drop_duplicates()
    assert identity.values.tolist() == [["tiny-xlmr", 1, "none", "udpos", ZERO]]
    assert len(measures) == 0 and stale == []
    assert missing == ["tiny-xlmr.s1/none/retrieval", "tiny-xlmr.s1/mnli/zero-udpos",
                       "tiny-xlmr.s1/mnli/retrieval"]  # fmt: skip


def test_everything_a_run_makes_lies_in_its_folder(driven, out):
    run = driven("04_zero_shot", ZERO, **PARAMS)
    examples = pd.DataFrame({"task": ["udpos"], "id": ["1"], "hit": [1.0]})
    curve = [{"step": 1, "loss": 0.1}, {"step": 2, "dev": 3}]
    answers = {("udpos", "test", "en"): "NOUN\n\n"}
    run.save(scores=ROWS, examples=examples, curve=curve, answers=answers)
    files = {str(p.relative_to(out / ZERO)) for p in (out / ZERO).rglob("*") if p.is_file()}
    assert files == {"run.json", "scores.csv", "examples.parquet", "curve.csv",
                     "answers/udpos/test-en.tsv"}  # fmt: skip
    assert (out / ZERO / "curve.csv").read_text() == "step,loss,dev\n1,0.1,\n2,,3\n"


def test_provenance_is_complete(driven, out):
    run = driven("03_target", "tiny-xlmr.s1/none/target-udpos", **PARAMS)
    run.save(dev={"udpos": 71.25})
    record = read_record(run.path)
    assert record["params"] == PARAMS and record["notebook"] == "03_target"
    assert record["hyper"]["lr"] == run.hyper.lr and record["hyper"]["source"]
    assert len(record["key"]) == 64 and record["key"] == provenance.key(record["made_from"])
    assert {"torch", "transformers", "python", "xstilts"} <= set(record["versions"])
    assert record["commit"] and record["dirty"] in (True, False, "unknown")
    assert record["seconds"] >= 0 and record["peak_memory_mb"] > 10 and record["device"]
    assert record["headline"] == "dev udpos 71.2"


def test_by_hand_means_scratch(out, notebooks):
    run = open_run("04_zero_shot", **PARAMS)
    run.save(scores=ROWS)
    assert run.path == out / "scratch" / ZERO and (run.path / "scores.csv").is_file()
    assert len(collect(plan(GRID))[0]) == 0
    assert "scratch" in repr(run)


def test_the_driver_and_the_parameters_must_agree(driven):
    with pytest.raises(BadInput, match="its parameters say otherwise"):
        driven("04_zero_shot", ZERO, **(PARAMS | {"seed": 2}))
    with pytest.raises(BadInput, match="did you mean 'mnli'"):
        driven("04_zero_shot", ZERO, **(PARAMS | {"recipe": "mnly"}))


def test_a_need_is_a_model_made_with_this_code(driven, out):
    name = "tiny-xlmr.s1/none/target-udpos"
    target = driven("03_target", name, **PARAMS)
    run = driven("04_zero_shot", ZERO, **PARAMS)
    with pytest.raises(MissingData, match="has not been run"):
        run.need("target")
    (target.folder("model")).mkdir()
    target.save()
    assert run.need("target") == out / name / "model"
    record = out / name / "run.json"
    record.write_text(record.read_text().replace('"cells": "', '"cells": "0'))
    with pytest.raises(MissingData):
        run.need("target")
    with pytest.raises(BadInput, match="builds on no 'model'"):
        run.need("model")


def test_real_models_are_not_made_in_passing(out, notebooks):
    run = open_run("04_zero_shot", **(PARAMS | {"setting": "xlmr-base"}))
    with pytest.raises(MissingData, match="python -m xstilts.execute 03_target setting=xlmr-base"):
        run.need("target")


def test_stale_results_are_set_apart_and_say_why(driven, out, notebooks):
    target = driven("03_target", "tiny-xlmr.s1/none/target-udpos", **PARAMS)
    target.save()
    driven("04_zero_shot", ZERO, **PARAMS).save(scores=ROWS)
    assert standing(plan(GRID))[ZERO] == ""
    path = notebooks / "03_target.ipynb"
    path.write_text(path.read_text().replace('"loss\\": 0.5', '"loss\\": 0.25'))
    states = standing(plan(GRID))
    assert states["tiny-xlmr.s1/none/target-udpos"] == "cells"
    assert states[ZERO] == "tiny-xlmr.s1/none/target-udpos"
    scores, _, missing, stale = collect(plan(GRID))
    assert stale == [ZERO] and len(scores) == 0 and ZERO not in missing


def test_a_measurement_goes_stale_with_what_it_reads_and_trains_on(monkeypatch):
    def parts(measure):
        grid = {"settings": ["mbert"], "seeds": [1], "recipes": ["none"]}
        return provenance.made_from(plan(grid | {"measures": [measure]})[0])

    before = {name: parts(name) for name in ("few", "text")}
    monkeypatch.setitem(settings.PAPER["target"], "udpos", (1, 2, 8, 1e-5, "elsewhere"))
    assert provenance.differing(before["few"], parts("few")) == ["hyper"]
    assert provenance.differing(before["text"], parts("text")) == []
    one = replace(tasks.TASKS["tatoeba"], max_len=9)
    monkeypatch.setitem(tasks.TASKS, "tatoeba", one)
    assert provenance.differing(before["text"], parts("text")) == ["tasks"]


def test_another_number_makes_stale(driven):
    driven("03_target", "tiny-xlmr.s1/none/target-udpos", **PARAMS).save()
    name = "tiny-xlmr.s1/none/target-udpos"
    assert standing(plan(GRID))[name] == ""
    now = provenance.made_from(plan(GRID)[0])
    assert provenance.differing(now, now | {"hyper": now["hyper"] | {"lr": 0.5}}) == ["hyper"]
    assert provenance.differing(now, now | {"start": None}) == []  # cannot be looked at


def test_a_broken_record_is_damage(driven, out):
    run = driven("04_zero_shot", ZERO, **PARAMS)
    run.save(scores=ROWS)
    (out / ZERO / "run.json").write_text('{"id": ')
    assert standing(plan(GRID))[ZERO] == "damaged run.json"
    assert collect(plan(GRID))[3] == [ZERO]
    assert read_record(out / ZERO) == {}


def test_comments_and_docstrings_do_not_count():
    first = 'def f(x):\n    """Says."""\n    # why\n    return x + 1\n'
    same = "def f(x):\n\n    return x + 1  # another\n"
    other = "def f(x):\n    return x + 2\n"
    assert provenance.essence(first) == provenance.essence(same) != provenance.essence(other)
    assert "kept" in provenance.essence('x = f("kept")\n')


def test_code_follows_imports_and_leaves_bookkeeping_out(notebooks):
    text = json.loads((notebooks / "04_zero_shot.ipynb").read_text())
    text["cells"][1]["source"] += (
        "\nfrom xstilts import plots\nfrom xstilts.scoring import score_folder"
    )
    (notebooks / "04_zero_shot.ipynb").write_text(json.dumps(text))
    found = provenance.code("04_zero_shot", provenance.OUTSIDE + provenance.PICTURES)
    assert {"scoring", "submission", "metrics", "scores"} <= set(found)
    assert not {"plots", "runs", "grid", "recipes", "paths"} & set(found)


def test_code_is_kept_by_content_and_read_without_a_place_to_keep_it(
    notebooks, tmp_path, monkeypatch
):
    def told(cache):
        monkeypatch.setenv("XSTILTS_CACHE", str(cache))
        provenance.code.cache_clear()
        return provenance.code("04_zero_shot")

    first, kept = told(tmp_path / "cache"), len(list((tmp_path / "cache/code").iterdir()))
    assert kept == len([name for name in first if not name.endswith(".toml")])
    monkeypatch.setattr(provenance, "essence", lambda source: 1 / 0)  # never asked again
    assert told(tmp_path / "cache") == first
    monkeypatch.undo()
    monkeypatch.setattr(provenance, "NOTEBOOKS", notebooks)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "code").write_text("in the way")
    assert told(tmp_path / "full") == first


def test_files_appear_whole_or_not_at_all(tmp_path):
    path = tmp_path / "table.csv"
    write_rows(path, [{"a": 0.1}])
    with pytest.raises(RuntimeError), replaced(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert path.read_text() == "a\n0.1\n" and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("number", "words"), [(28, "no space left"), (13, "may not write")])
def test_full_disks_and_forbidden_folders_are_one_line(tmp_path, number, words):
    with pytest.raises(UserError, match=words), told(tmp_path):
        raise OSError(number, "system's words")


def test_start_names_the_missing_encoder(monkeypatch, tmp_path):
    from xstilts.settings import SETTINGS

    monkeypatch.setattr(paths, "ENCODERS", tmp_path)
    with pytest.raises(MissingData, match="no encoder 'tiny-xlmr'"):
        runs.start(SETTINGS["tiny-xlmr"])
    (tmp_path / "tiny-xlmr").mkdir()
    assert runs.start(SETTINGS["tiny-xlmr"]) == tmp_path / "tiny-xlmr"
    assert runs.start(SETTINGS["xlmr-base"]) == "FacebookAI/xlm-roberta-base"


def test_english_dev_of_fine_tunings_comes_from_their_records(out, monkeypatch):
    """Their models are gone by then; what is stale does not count."""
    planned = plan(GRID)
    for run, dev in zip([r for r in planned if r.leaves == "temp"], (70.5, 71.5), strict=True):
        (out / run.id).mkdir(parents=True)
        (out / run.id / "run.json").write_text(json.dumps({"dev": {"udpos": dev}}))
    stale = {run.id: "code" * ("mnli" in run.id) for run in planned}
    monkeypatch.setattr(runs, "standing", lambda planned: stale)
    (row,) = runs.english_dev(planned).to_dict("records")
    names = ("recipe", "target", "task", "lang", "split", "value", "run")
    assert [row[name] for name in names] == [
        "none", "udpos", "udpos", "en", "dev", 70.5, "tiny-xlmr.s1/none/target-udpos",
    ]  # fmt: skip
