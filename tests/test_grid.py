"""Grids: what they expand to, and how a mistake in one is told."""

from collections import Counter

import pytest

from xstilts.grid import PRODUCT, alone, lacking, plan
from xstilts.gridfile import Grid, freeze, read, restrict
from xstilts.paths import GRIDS, NOTEBOOKS, ROOT, BadInput

SMALL = {"settings": ["tiny-xlmr"], "seeds": [1], "recipes": ["none", "mnli"],
         "targets": ["udpos", "squad_v1"], "retrieval": True}  # fmt: skip
TEXTLESS = "no text: set XSTILTS_TEXT to a folder of xx.txt or xx.txt.xz"
STOCK = sorted(path.stem for path in GRIDS.glob("*.yaml"))


@pytest.mark.parametrize("name", STOCK)
def test_ids_are_unique_and_needs_come_first(name):
    runs = plan(name)
    seen = set()
    for run in runs:
        assert run.id not in seen
        assert set(run.needs) <= seen
        assert run.leaves in PRODUCT
        assert not set(run.id) & set(" >=:*?\\")
        seen.add(run.id)


@pytest.mark.parametrize("name", STOCK)
def test_notebooks_exist_and_declare_what_they_are_given(name):
    from xstilts.execute import check

    for run in {run.notebook: run for run in plan(name)}.values():
        if not (NOTEBOOKS / f"{run.notebook}.ipynb").is_file():
            pytest.fail(f"{run.notebook} is planned and not there")
        check(NOTEBOOKS / f"{run.notebook}.ipynb", run.params)


def test_the_core_grid_is_the_study():
    runs = plan("core")
    counts = Counter(run.notebook for run in runs)
    assert counts["02_intermediate"] == 2 * 10 * 5  # two encoders; nine tasks, all together; seeds
    assert counts["03_target"] == counts["04_zero_shot"] == 2 * 11 * 9 * 5
    assert counts["05_retrieval"] == 2 * 11 * 5
    assert {"tiny-xlmr.s3/mnli/encoder", "tiny-mbert.s3/mnli/encoder"} <= {run.id for run in runs}


def test_ids_carry_the_phase():
    ids = [run.id for run in plan(SMALL)]
    assert ids == [
        "tiny-xlmr.s1/none/target-udpos",
        "tiny-xlmr.s1/none/zero-udpos",
        "tiny-xlmr.s1/none/target-squad_v1",
        "tiny-xlmr.s1/none/zero-squad_v1",
        "tiny-xlmr.s1/none/retrieval",
        "tiny-xlmr.s1/mnli/encoder",
        "tiny-xlmr.s1/mnli/target-udpos",
        "tiny-xlmr.s1/mnli/zero-udpos",
        "tiny-xlmr.s1/mnli/target-squad_v1",
        "tiny-xlmr.s1/mnli/zero-squad_v1",
        "tiny-xlmr.s1/mnli/retrieval",
    ]


def test_one_checkpoint_serves_both_question_sets():
    zero = {run.id: run for run in plan(SMALL)}["tiny-xlmr.s1/none/zero-squad_v1"]
    assert {"xquad", "mlqa"} <= {task.name for task in zero.tasks}


def test_an_encoder_from_text_is_pretrained_once():
    own = {"name": "mine", "encoder": "text", "data": "hub"}
    runs = {run.id: run for run in plan(SMALL | {"settings": [own], "seeds": [1, 2]})}
    assert runs["mine.s2/none/target-udpos"].needs == ("mine/base",)
    assert runs["mine.s1/mnli/encoder"].needs == ("mine/base",)
    assert Counter(run.notebook for run in runs.values())["01_prepare_encoder"] == 1


def test_chains_need_what_they_come_after():
    chain = {"name": "mnli-squad", "tasks": ["squad_v1"], "after": "mnli"}
    runs = {run.id: run for run in plan(SMALL | {"recipes": [chain]})}
    assert runs["tiny-xlmr.s1/mnli-squad/encoder"].needs == ("tiny-xlmr.s1/mnli/encoder",)
    assert "tiny-xlmr.s1/mnli/zero-udpos" not in runs
    runs = {run.id: run for run in plan(SMALL | {"targets": ["siqa-copa"]})}
    assert runs["tiny-xlmr.s1/mnli/target-siqa-copa"].needs == ("tiny-xlmr.s1/mnli/target-siqa",)
    assert "tiny-xlmr.s1/mnli/zero-siqa-copa" in runs


def test_masked_language_modelling_has_a_notebook_and_needs_text(monkeypatch):
    monkeypatch.delenv("XSTILTS_TEXT", raising=False)
    mixed = {"name": "mixed", "tasks": ["mnli"], "mlm": 0.3}
    grid = SMALL | {"recipes": ["mlm", mixed], "targets": [], "retrieval": False}
    runs = plan(grid)
    assert [(run.notebook, run.leaves) for run in runs] == [("06_mlm_baseline", "model")] * 2
    assert [run.hyper.mlm for run in runs] == [1.0, 0.3] and not lacking(runs)
    real = plan(grid | {"settings": ["xlmr-base"]})
    assert set(lacking(real).values()) == {TEXTLESS}


def test_translated_rows_have_a_notebook_in_both_phases(monkeypatch, tmp_path):
    monkeypatch.delenv("XSTILTS_HUB", raising=False)
    own = {"name": "tydiqa-tr", "tasks": ["tydiqa"], "translate": ["all"]}
    grid = SMALL | {"recipes": ["mnli-translated"], "targets": [own], "retrieval": False}
    runs = plan(grid)
    assert [(run.notebook, run.leaves, run.phase) for run in runs] == [
        ("07_translate_train", "model", "intermediate"),
        ("07_translate_train", "temp", "target"), ("04_zero_shot", "scores", "")]  # fmt: skip
    assert runs[1].params["target"] == runs[1].trained.name == "tydiqa-tr" and not lacking(runs)
    by_hand = alone("07_translate_train", runs[0].params | {"target": ""}, Grid("none", "no grid"))
    assert by_hand[-1] == runs[0]
    real = plan(grid | {"settings": ["xlmr-base"]})
    assert [task.name for task in real[0].sources] == ["xnli"] and not real[2].sources
    without = lacking(real)
    assert real[0].id not in without and len(without) == 2
    assert "no data: TyDiQA-GoldP translated into any language" in without[real[1].id]
    (tmp_path / "tydiqa").mkdir()
    (tmp_path / "tydiqa" / "fi.jsonl").touch()
    monkeypatch.setenv("XSTILTS_TRANSLATED", str(tmp_path))
    assert not lacking(real)


def test_parts_of_a_grid_add_up_and_share_runs():
    also = [{"recipes": ["mnli", "qqp"], "targets": ["udpos"]}]
    ids = {run.id for run in plan(SMALL | {"also": also})}
    assert ids == {run.id for run in plan(SMALL)} | {
        f"tiny-xlmr.s1/qqp/{phase}" for phase in ("encoder", "target-udpos", "zero-udpos")
    }


def test_restriction_keeps_ids():
    some = {run.id for run in plan("core", seeds=[2], settings=["tiny-xlmr"])}
    assert some == {run.id for run in plan("core") if run.id.startswith(("tiny-xlmr.s2/", "core/"))}
    with pytest.raises(BadInput, match="no '7' among its seeds"):
        plan("core", seeds=[7])


def test_a_frozen_grid_is_the_same_grid(tmp_path):
    import json

    also = [{"recipes": ["qqp"], "targets": ["udpos"]}]
    grid = restrict(read(SMALL | {"also": also, "seeds": [1, 2]}), seeds=[2])
    path = tmp_path / "other.json"
    path.write_text(json.dumps(freeze(grid)))
    assert plan(path) == plan(grid)
    assert read(path).name == grid.name


def test_a_notebook_by_itself_is_the_run_that_a_plan_holds():
    grid = Grid("none", "no grid")
    params = {"setting": "tiny-xlmr", "recipe": "mnli", "target": "udpos", "seed": 1}
    chain = alone("04_zero_shot", params, grid)
    planned = {run.id: run for run in plan(SMALL)}
    assert [run.id for run in chain] == [
        f"tiny-xlmr.s1/mnli/{phase}" for phase in ("encoder", "target-udpos", "zero-udpos")
    ]
    assert all(planned[run.id] == run for run in chain)
    assert alone("00_tour", params, grid)[-1].id.startswith("00_tour/")
    with pytest.raises(BadInput, match="nothing to do"):
        alone("02_intermediate", {"setting": "tiny-xlmr", "recipe": "none", "seed": 1}, grid)


def test_missing_data_are_marked_on_all_that_needs_them(monkeypatch, tmp_path):
    (tmp_path / "google/xtreme").mkdir(parents=True)
    monkeypatch.setenv("XSTILTS_HUB", str(tmp_path))
    monkeypatch.delenv("XSTILTS_TEXT", raising=False)
    own = {"name": "mine", "encoder": "org/some-model", "data": "hub"}
    runs = plan(SMALL | {"settings": [own], "recipes": ["none", "ccg"], "targets": ["mewslix"]})
    without = lacking(runs)
    assert without["mine.s1/ccg/encoder"].startswith("no data: CCG")
    assert without["mine.s1/ccg/retrieval"].startswith("no data: CCG")
    assert "Mewsli-X" in without["mine.s1/none/zero-mewslix"]
    assert "mine.s1/none/retrieval" not in without
    text = plan(SMALL | {"settings": [{"name": "mine", "encoder": "text"}]})
    assert set(lacking(text)) == {run.id for run in text}


def test_the_example_in_the_readme_is_a_grid(tmp_path):
    """With a task, in a language and from files, that the package has never heard of."""
    text = (ROOT / "papermill_runs/README.md").read_text()
    path = tmp_path / "example.yaml"
    path.write_text(text.split("```yaml\n")[1].split("```")[0])
    runs = {run.id: run for run in plan(path)}
    (reviews,) = runs["tiny-xlmr.s5/multi/zero-reviews"].tasks
    assert reviews.labels == ("good", "bad") and reviews.langs == {"own": ("en", "qaa")}
    assert reviews.files["test"] == str(tmp_path / "reviews-{code}.csv")
    assert "tiny-xlmr.s1/qqp/zero-udpos" in runs and "tiny-xlmr.s1/qqp/retrieval" not in runs
