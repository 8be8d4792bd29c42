"""What a grid costs, beside the encoders and tables themselves and by hand."""

import json
import math

import pytest

from xstilts import costs, lock, speeds
from xstilts.data import needed
from xstilts.grid import plan
from xstilts.gridfile import read
from xstilts.languages import languages
from xstilts.paths import ENCODERS, ROOT
from xstilts.settings import SETTINGS
from xstilts.tasks import TASKS

OWN = {"name": "own", "encoder": "FacebookAI/xlm-roberta-base", "data": "hub",
       "budget": {"intermediate": {"batch": 10, "epochs": 2, "examples": 95, "max_len": 40,
                                   "eval_examples": 7, "evaluate_every": 8, "mlm_batch": 3},
                  "evaluate": {"examples": 100}}}  # fmt: skip
GRID = {"settings": [OWN], "seeds": [1], "recipes": ["none", "mnli"], "targets": ["pawsx"]}
BODY = costs.PUBLISHED[OWN["encoder"]]


@pytest.mark.parametrize("name", SETTINGS)
def test_parameters_are_those_of_the_model(name):
    """Every weight that `transformers` gives a model of this configuration."""
    import torch

    from xstilts.encoder import FAMILIES

    body = costs.shape(SETTINGS[name])
    config, model = FAMILIES["bert" if body.types == 2 else "xlm-roberta"]
    with torch.device("meta"):
        made = model(config(**dict(zip(costs.CONFIG, body, strict=True), num_attention_heads=4)))
    assert body.parameters == sum(weight.numel() for weight in made.parameters())


def test_a_saved_model_takes_four_bytes_a_parameter():
    """The files that ship hold half-precision weights."""
    body = costs.shape(SETTINGS["tiny-xlmr"])
    size = (ENCODERS / "tiny-xlmr" / "model.safetensors").stat().st_size
    assert body.bytes == pytest.approx(2 * size, rel=0.01)


def test_sizes_agree_with_what_was_published():
    """With the lock: exact in English, about right as a mean over languages."""
    pins, checked = lock.published(), 0
    for task in TASKS.values():
        own = costs.size(task, "hub", {})
        for split in ("train", "dev", "test"):
            langs = languages(task, "hub") if split == "test" else ("en",)
            tables = [
                needed(task, split, lang)[0].key
                for lang in langs
                if any(split in h.splits and lang in (h.langs or (lang,)) for h in task.hub)
            ]
            rows = [int(pins[key].rows) for key in tables if key in pins]  # fmt: skip
            if rows and task.shape != "mining" and task.name != "tydiqa":
                mean = sum(rows) / len(rows)
                assert getattr(own, split) == pytest.approx(mean, rel=0.1), (task.name, split)
                checked += 1
    assert checked > 20


def test_every_stock_task_has_a_size_in_both_worlds():
    for task in TASKS.values():
        assert all(value == value for value in costs.size(task, "hub", {})), task.name
        assert costs.size(task, "world", {task.name: 9.0}).pieces == 9.0
        assert math.isnan(costs.size(task, "world", {}).pieces)


def test_a_training_by_hand():
    runs = {run.id: run for run in plan(GRID)}
    found = costs.cost(runs["own.s1/mnli/encoder"], {})
    row = BODY.reading(40)  # cut to max_len
    assert (found.examples, found.updates) == (190, 20)  # ten updates an epoch, the last of five
    assert found.learnt == pytest.approx(3 * 190 * row)
    assert found.read == pytest.approx(3 * 7 * row)  # dev at 8, 16 and the end
    zero = costs.cost(runs["own.s1/none/zero-pawsx"], {"pawsx": 10.0})
    assert (zero.examples, zero.updates, zero.learnt) == (700, 0, 0)
    assert zero.read == pytest.approx(700 * BODY.reading(10))


def test_running_text_takes_its_share_of_the_updates():
    half = {"name": "half", "tasks": ["mnli"], "mlm": 0.5}
    runs = {run.id: run for run in plan(GRID | {"recipes": ["mlm", half], "targets": []})}
    window = BODY.reading(40, hidden=costs.HIDDEN)
    alone = costs.cost(runs["own.s1/mlm/encoder"], {})
    assert (alone.examples, alone.updates, alone.read) == (60, 20, 0)
    assert alone.learnt == pytest.approx(3 * 60 * window)
    mixed = costs.cost(runs["own.s1/half/encoder"], {})
    assert (mixed.examples, mixed.updates) == (95 + 30, 20)
    assert mixed.learnt == pytest.approx(3 * (95 * BODY.reading(40) + 30 * window))


def test_flops_of_a_piece_are_two_a_parameter_and_attention():
    body = costs.Shape(1, 8, 32, 100, 10, 1)
    assert body.matrices == 4 * 64 + 2 * 8 * 32
    assert body.reading(6) == 6 * 2 * body.matrices + 2 * 2 * 6 * 6 * 8  # scores, then a mean
    assert body.reading(6, texts=2) == 2 * body.reading(3)


def test_what_is_unknown_stays_unknown():
    own = {"name": "mine", "encoder": "nobody/knows", "data": "hub"}
    runs = plan(GRID | {"settings": [own]})
    found = {run.id: costs.cost(run, {}) for run in runs}
    assert math.isnan(found["mine.s1/mnli/encoder"].learnt)
    assert found["mine.s1/mnli/encoder"].updates == 2 * 16363
    assert all(math.isnan(size) for size in costs.disk(runs, found, 2))


def test_disk_by_hand():
    runs = plan(GRID)  # one encoder; two fine-tunings and evaluations
    found = {run.id: costs.cost(run, {}) for run in runs}
    kept, most = costs.disk(runs, found, 3)
    assert kept == pytest.approx(BODY.bytes + 5 * costs.RUN + 1400 * costs.EXAMPLE)
    assert most - kept == pytest.approx(3 * 5 * BODY.bytes)


def test_time_is_shared_work_or_the_longest_chain():
    runs = plan(GRID)
    seconds = {run.id: 10.0 for run in runs}
    assert costs.wall(runs, seconds, 1) == 50
    assert costs.wall(runs, seconds, 4) == 30  # encoder, fine-tuning, evaluation


def test_a_measurement_is_kept_until_the_next(monkeypatch, tmp_path):
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path))
    one, other = SETTINGS["tiny-xlmr"], SETTINGS["tiny-mbert"]
    for update in (1.0, 4.0):
        speeds.remember(one, speeds.Speed(update, 10.0, 20.0, "by hand", {"mnli": 9.0}))
    found = speeds.probed(one)
    assert found.lengths == {"mnli": 9.0}
    assert found.seconds(costs.Cost(1, 3, 50.0, 60.0)) == 3 * 4 + 5 + 3
    assert speeds.probed(other) is None
    (tmp_path / speeds.NAME).write_text("torn")
    assert speeds.probed(one) is None


def test_durations_have_a_unit_that_suits():
    assert [speeds.spell(s) for s in (90, 7100, 7200, 431_000, 864_000)] == [
        "2 minutes", "118 minutes", "2 hours", "120 hours", "10 days",
    ]  # fmt: skip


def test_the_readme_has_the_full_study_as_it_is_reckoned():
    page = (ROOT / "papermill_runs" / "README.md").read_text("utf-8")
    assert speeds.on_paper("full") in page


def test_the_full_grid_holds_the_study():
    grid = read("full")
    runs = plan(grid)
    assert {run.setting.name for run in runs if run.setting} == {"xlmr-large", "mbert"}
    tasks = {task.name for run in runs if run.leaves == "scores" for task in run.tasks}
    assert tasks >= {task.name for task in TASKS.values() if task.langs}
    equal = [r for r in grid.recipes if r.name.endswith("-equal")]
    steps = {run.params["target"]: costs.cost(run, {}).updates for run in runs
             if run.phase == "target" and run.params["recipe"] == "none"}  # fmt: skip
    mnli = next(run for run in runs if run.id == "xlmr-large.s1/mnli/encoder")
    for one in equal:
        both = steps[one.name.removesuffix("-equal")] + costs.cost(mnli, {}).updates
        assert one.updates == pytest.approx(both, rel=0.001), one.name
    json.dumps([costs.cost(run, {}) for run in runs], allow_nan=False)  # nothing is unknown
