"""What is said below a table: models that learnt nothing, and seeds that do not match."""

import pandas as pd
import pytest

from xstilts import caveats, tables
from xstilts.grid import plan
from xstilts.scores import COLUMNS
from xstilts.settings import SETTINGS

SETTING = SETTINGS["tiny-xlmr"]
GRID = plan({"settings": ["tiny-xlmr"], "seeds": [1, 2], "recipes": ["none", "mnli"],
             "targets": ["pawsx"]})[0].grid  # fmt: skip
PAWSX = tables.columns(GRID)


def scores(*runs) -> pd.DataFrame:
    """Runs as (recipe, seed, English accuracy, guess)."""
    rows = []
    for recipe, seed, value, guess in runs:
        same = {"setting": "tiny-xlmr", "seed": seed, "recipe": recipe, "target": "pawsx",
                "task": "pawsx", "suite": "xtreme", "split": "test", "n": 100,
                "selection": "best English dev", "run": f"{recipe} {seed}"}  # fmt: skip
        for lang in ("en", "qaa"):
            rows.append(same | {"lang": lang, "metric": "accuracy", "value": value})
            if guess is not None:
                rows.append(same | {"lang": lang, "metric": "guess_accuracy", "value": guess})
    return pd.DataFrame(rows, columns=list(COLUMNS))


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ([("none", 1, 70.0, 55.0), ("mnli", 1, 55.0, 55.0)], ["PAWS-X after mnli"]),
        ([("none", 1, 54.0, 55.0), ("mnli", 1, 55.1, 55.0)], ["PAWS-X after none"]),
        ([("none", 1, 50.0, 55.0), ("none", 2, 61.0, 55.0)], []),  # the mean over seeds is above
        ([("none", 1, 10.0, None)], []),  # no guess, so nothing can be said
    ],
)
def test_a_model_at_the_guess_is_named(runs, said):
    assert caveats.at_guess(scores(*runs), SETTING, PAWSX) == said


def test_languages_at_the_guess_are_told_apart_from_english():
    table = scores(("none", 1, 70.0, 50.0), ("mnli", 1, 70.0, 50.0))
    table.loc[(table["lang"] == "qaa") & (table["run"] == "mnli 1"), "value"] = 50.0
    assert caveats.at_guess(table, SETTING, PAWSX) == []
    assert caveats.at_guess(table, SETTING, PAWSX, english=False) == ["PAWS-X after mnli"]
    (line,) = caveats.notes(table, tables.averages(table, SETTING, PAWSX), SETTING, PAWSX)
    assert line.startswith("In the other languages no better") and "PAWS-X after mnli" in line


def test_seeds_that_differ_are_named():
    table = scores(("none", 1, 70.0, 50.0), ("none", 2, 70.0, 50.0), ("mnli", 2, 71.0, 50.0))
    averages = tables.averages(table, SETTING, PAWSX)
    assert caveats.unpaired(averages) == ["mnli has seed 2, none 1 2"]
    lines = caveats.notes(table, averages, SETTING, PAWSX)
    assert lines == ["Differences use only the seeds that a recipe shares with the baseline "
                     '"none", so they need not equal the difference of the means shown: '
                     "mnli has seed 2, none 1 2."]  # fmt: skip


def test_recipes_with_the_same_seeds_share_a_line_and_columns_are_named_where_not_all_differ():
    both = {"none": (1, 2), "qqp": (1,), "csqa": (1,)}
    seeds = {"XNLI": both | {"mnli": (1, 2)}, "PAN-X": both | {"mnli": (1,)}}
    rows = [(column, recipe, seed, 50.0) for column, own in seeds.items()
            for recipe, some in own.items() for seed in some]  # fmt: skip
    averages = pd.DataFrame(rows, columns=["column", "recipe", "seed", "value"])
    assert caveats.unpaired(averages) == ["qqp, csqa have seed 1, none 1 2",
                                          "mnli has seed 1, none 1 2, in PAN-X"]  # fmt: skip


def test_where_all_is_well_or_nothing_there_no_line_is_said():
    for table in (scores(("none", 1, 70.0, 50.0), ("mnli", 1, 70.0, 50.0)), scores()):
        averages = tables.averages(table, SETTING, PAWSX)
        assert caveats.notes(table, averages, SETTING, PAWSX) == []
