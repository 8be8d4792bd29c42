from dataclasses import replace

import pytest

from xstilts.grid import plan
from xstilts.languages import table
from xstilts.metrics import METRICS
from xstilts.paths import BadInput
from xstilts.readings import READINGS
from xstilts.recipes import RECIPES, Recipe
from xstilts.tasks import FORMS, SHAPES, TASKS, Task, check, task, trained_by

UD_33 = (
    "af ar bg de el en es et eu fa fi fr he hi hu id it ja kk ko mr nl pt ru ta te th tl tr ur "
    "vi yo zh"
)
PANX_40 = (
    "ar he vi id jv ms tl eu ml ta te af nl en de el bn hi mr ur fa fr it pt es bg ru ja ka ko "
    "th sw yo my zh kk tr et fi hu"
)
TATOEBA_36 = (
    "ar he vi id jv tl eu ml ta te af nl de el bn hi mr ur fa fr it pt es bg ru ja ka ko th sw "
    "zh kk tr et fi hu"
)
LISTS = {
    "xnli": ("ar bg de el en es fr hi ru sw th tr ur vi zh", ""),
    "pawsx": ("de en es fr ja ko zh", None),
    "udpos": (UD_33, "lt pl uk wo ro"),
    "panx": (PANX_40, "qu pl uk az lt pa gu ro"),
    "xquad": ("en es de el ru tr ar vi th zh hi", "ro"),
    "mlqa": ("en es de ar hi vi zh", ""),
    "tydiqa": ("en ar bn fi id ko ru sw te", ""),
    "bucc2018": ("de fr ru zh", None),
    "tatoeba": (TATOEBA_36, "az lt pl uk ro"),
    "xcopa": (None, "et ht id it qu sw ta th tr vi zh"),
    "lareqa": (None, "ar de el en es hi ru th tr vi zh"),
    "mewslix": (None, "ar de en es fa ja pl ro ta tr uk"),
}
COUNTS = {
    "xtreme": dict(xnli=15, pawsx=7, udpos=33, panx=40, xquad=11, mlqa=7, tydiqa=9, bucc2018=4,
                   tatoeba=36),
    "xtreme-r": dict(xnli=15, xcopa=11, udpos=38, panx=48, xquad=12, mlqa=7, tydiqa=9,
                     tatoeba=41, mewslix=11, lareqa=11),
}  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_record(name):
    record = TASKS[name]
    check(record)
    assert record.name == name and record.title and record.cite
    assert record.form in FORMS and record.shape in SHAPES and record.metric in METRICS
    assert (record.shape or record.form) in READINGS
    assert record.form not in ("classify", "choose") or len(set(record.labels)) >= 2
    assert {code for codes in record.langs.values() for code in codes} <= set(table())
    assert all(len(set(codes)) == len(codes) for codes in record.langs.values())
    assert set(record.train) <= set(record.langs)
    assert set(record.train.values()) <= set(RECIPES)
    assert record.world and 0 < record.max_len <= 512


@pytest.mark.parametrize("name", TASKS)
def test_every_language_of_a_record_has_a_place_on_the_hub(name):
    record = TASKS[name]
    split = "test" if record.langs else "train"
    for code in {code for codes in record.langs.values() for code in codes} or {"en"}:
        places = [h for h in record.hub if split in h.splits and (not h.langs or code in h.langs)]
        assert len(places) == (3 if record.shape == "mining" else 1), code
        for hub in places:
            assert hub.config.format(**vars(table()[code])), (code, hub.config)
            assert hub.local or "x-stilts" not in hub.repo


@pytest.mark.parametrize("name", LISTS)
def test_language_lists_are_xtreme_s_own(name):
    xtreme, more = LISTS[name]
    expected = {}
    if xtreme:
        expected["xtreme"] = tuple(xtreme.split())
    if more is not None:
        expected["xtreme-r"] = tuple(f"{xtreme or ''} {more}".split())
    assert TASKS[name].langs == expected


@pytest.mark.parametrize("suite", COUNTS)
def test_suites_hold_their_tasks_and_so_many_languages(suite):
    found = {t.name: len(t.langs[suite]) for t in TASKS.values() if suite in t.langs}
    assert found == COUNTS[suite]


def test_every_task_that_a_recipe_names_exists():
    assert {name for recipe in RECIPES.values() for name in recipe.tasks} <= set(TASKS)


def test_xtreme_needs_six_fine_tunings_and_xtreme_r_three_more():
    ways = {suite: {t.train[suite] for t in TASKS.values() if suite in t.train}
            for suite in ("xtreme", "xtreme-r")}  # fmt: skip
    assert ways["xtreme"] == {"mnli", "pawsx", "udpos", "panx", "squad_v1", "tydiqa"}
    assert ways["xtreme-r"] - ways["xtreme"] == {"copa", "lareqa", "mewslix"}


def test_nli_labels_stand_in_the_hub_s_order():
    for name in ("snli", "mnli", "anli_r1", "anli_r2", "anli_r3", "xnli"):
        assert TASKS[name].labels == ("entailment", "neutral", "contradiction")


@pytest.mark.parametrize(
    ("recipe", "evaluated"),
    [
        (RECIPES["squad_v1"], ["xquad", "mlqa"]),
        (RECIPES["pawsx"], ["pawsx"]),
        (RECIPES["copa"], ["xcopa"]),
        (RECIPES["siqa-copa"], ["xcopa"]),
        (RECIPES["qqp"], []),
        (Recipe("own", tasks=("xnli",)), ["xnli"]),
        (replace(RECIPES["mnli"], name="mnli@64", max_len=64), ["xnli"]),
        (Recipe("both", tasks=("mnli", "squad_v1")), []),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_trained_by(recipe, evaluated):
    assert [t.name for t in trained_by(recipe)] == evaluated


def test_a_task_of_one_s_own_comes_first_and_is_evaluated():
    own = Task("mine", "Mine", "tag", files={"train": "x.csv"}, langs={"own": ("qrr",)},
               train={"own": "udpos"})  # fmt: skip
    assert task("mine", (own,)) is own
    assert own in trained_by(RECIPES["udpos"], known=(own,))
    with pytest.raises(BadInput, match="unknown task 'mime': did you mean 'mine'"):
        task("mime", (own,))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"form": "clasify"}, "unknown form 'clasify': did you mean 'classify'"),
        ({"metric": "acuracy"}, "unknown metric 'acuracy': did you mean 'accuracy'"),
        ({"labels": ("yes",)}, "'labels' must name its classes"),
        ({"files": {}}, "so it has no rows"),
        ({"files": {"train": "{lang}.csv"}}, r"'\{lang\}.csv' may hold \{code\}"),
        ({"files": {"training": "x.csv"}}, "unknown split 'training': did you mean 'train'"),
        ({"columns": {"text_c": "b"}}, "unknown column 'text_c': did you mean 'text_"),
        ({"train": {"mine": "mnli"}}, "unknown suite in 'train' 'mine'"),
    ],
)
def test_a_record_that_cannot_be_meant_is_refused(change, message):
    good = Task("own", "Own", "classify", labels=("no", "yes"), files={"train": "{code}.csv"})
    check(good)
    with pytest.raises(BadInput, match=message):
        check(replace(good, **change))


def test_a_grid_s_own_task_is_checked_when_the_grid_is_read():
    own = {"name": "own", "title": "Own", "form": "classify", "labels": ["no", "yes"],
           "langs": {"mine": ["en"]}, "train": {"mine": "own"},
           "files": {"training": "x.csv"}}  # fmt: skip
    grid = {"settings": ["mbert"], "seeds": [1], "recipes": ["none"], "tasks": [own],
            "targets": [{"name": "own", "tasks": ["own"]}]}  # fmt: skip
    with pytest.raises(BadInput, match="^grid: task 'own': unknown split 'training'"):
        plan(grid)
    own["files"] = {"train": "x.csv"}
    assert [run.notebook for run in plan(grid)] == ["03_target", "04_zero_shot"]
