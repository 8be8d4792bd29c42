"""What paired seeds tell, by hand: noise of a difference, the best recipe for each target."""

import math

import made
import numpy as np
import pandas as pd
import pytest

from xstilts import paired, tables
from xstilts.gridfile import read
from xstilts.languages import languages
from xstilts.settings import setting
from xstilts.stats import over_languages

TINY = setting("tiny-xlmr")
GRID = read({
    "settings": ["tiny-xlmr"], "seeds": [1, 2, 3, 4], "recipes": ["none", "mnli", "qqp"],
    "targets": ["udpos", "panx"], "retrieval": True,
})  # fmt: skip
COLS = tables.columns(GRID)
UDPOS, PANX = (column.title for column in COLS[:2])
TEST = {  # of UD-POS, by seed
    "none": (50.0, 54.0, 52.0, 51.0),
    "mnli": (51.0, 55.0, 53.0, 56.0),
    "qqp": (60.0, 60.0, 60.0, 60.0),
}
DEV = {  # without its last seed qqp would not be the best
    "none": (70.0, 69.0, 80.0, 80.0),
    "mnli": (80.0, 80.0, 80.0, 80.0),
    "qqp": (79.0, 79.0, 79.0, 99.0),
}


def found(seeds=4, tasks=("udpos", "panx"), recipes=tuple(TEST)):
    """(averages, dev): PAN-X is ten points above UD-POS on test."""

    def gain(run, task):
        own = TEST[run.params["recipe"]][run.params["seed"] - 1]
        return own - 50 + 10.0 * (task.name == "panx")

    there = {"seed": range(1, seeds + 1), "target": tasks, "recipe": recipes}
    scores = made.scores(GRID, gain, noise=0.0, lack=lambda run: not all(
        run.params.get(key) in known for key, known in there.items()))  # fmt: skip
    dev = [{"seed": seed, "recipe": recipe, "target": target, "value": DEV[recipe][seed - 1]}
           for target in tasks for recipe in recipes for seed in there["seed"]]  # fmt: skip
    return tables.averages(scores, TINY, COLS), pd.DataFrame(dev)


def cells(**more):
    rows, notes = paired.best(*found(**more), COLS)
    return rows.set_index(["recipe", "column"]), notes


def test_the_best_recipe_is_chosen_on_the_other_seeds():
    """qqp gains 10, 6 and 8 on the first three, for which the last one speaks; mnli 5 on that."""
    rows, notes = cells()
    assert rows.loc[(paired.BEST, UDPOS), ["value", "gain", "seeds"]].tolist() == [59.0, 7.25, 4]
    assert rows.loc[(paired.BEST, tables.WITHOUT), ["value", "gain"]].tolist() == [64.0, 7.25]
    assert f"{UDPOS} qqp/mnli (2 recipes)" in notes[0]


def test_recipes_that_tie_are_averaged_in_whatever_order_they_come():
    seen = pd.DataFrame({"none": 1.0, "b": 99.8, "a": 99.8, "c": 99.0}, [1, 2])
    test = pd.DataFrame({"none": [50.0, 50], "b": [60.0, 62], "a": [50.0, 60], "c": 90.0}, [1, 2])
    for order in (list(seen), list(seen)[::-1]):
        found = paired.held_out(test[order], seen[order])
        assert found["recipe"].tolist() == ["a/b", "a/b"]
        assert found["gain"].tolist() == [5.0, 11.0]


def test_none_has_as_many_tries_as_there_are_recipes():
    """The first of two seeds is better on dev and worse on test."""
    rows, _ = cells()
    assert rows.loc[(paired.TRIES, UDPOS), ["value", "gain", "seeds"]].tolist() == [50.0, -2.0, 2]
    rows, _ = cells(recipes=("none", "mnli"))
    assert rows.loc[(paired.TRIES, UDPOS), ["value", "gain", "seeds"]].tolist() == [50.0, 0.0, 1]
    rows, _ = cells(seeds=2)
    assert rows.loc[(paired.BEST, UDPOS), ["value", "gain", "seeds"]].tolist() == [53.0, 1.0, 2]


def test_tries_are_of_all_seeds_of_none_however_few_the_recipes_have():
    """Both recipes on the last two seeds: of the first two of none the first is better on dev."""
    averages, dev = found()
    gone = averages["recipe"].ne("none") & averages["seed"].isin([1, 2])
    rows, _ = paired.best(averages[~gone], dev, COLS)
    rows = rows.set_index(["recipe", "column"])
    assert rows.loc[(paired.BEST, UDPOS), "seeds"] == 2
    assert rows.loc[(paired.TRIES, UDPOS), ["value", "gain", "seeds"]].tolist() == [50.0, -2.0, 2]


def test_retrieval_has_no_english_dev_and_is_chosen_by_its_own_figure():
    """UD-POS's figures again: qqp is always the best."""
    rows, notes = cells(tasks=(None, "udpos", "panx"))
    assert rows.loc[(paired.BEST, "Tatoeba"), ["value", "gain"]].tolist() == [60.0, 8.25]
    assert rows.loc[(paired.BEST, tables.WITH), "gain"] == pytest.approx(7.75)  # of two tasks each
    assert "Tatoeba qqp (" in notes[0] and rows.loc[(paired.TRIES, "Tatoeba"), "seeds"] == 0


def test_what_leaves_most_to_choose_from_is_compared():
    """Without mnli's last seed: two recipes on three seeds; without two more, one on four."""
    averages, dev = found()
    for lost, told, figures in (([4], "mnli (2 recipes)", [53.0, 3]),
                                ([2, 3, 4], "qqp (1 recipes)", [60.0, 4])):  # fmt: skip
        gone = averages["recipe"].eq("mnli") & averages["seed"].isin(lost)
        rows, notes = paired.best(averages[~gone], dev, COLS)
        own = rows.set_index(["recipe", "column"]).loc[(paired.BEST, UDPOS)]
        assert own[["value", "seeds"]].tolist() == figures and f"{UDPOS} {told}" in notes[0]


def test_a_target_that_is_missing_empties_the_mean():
    rows, _ = cells(tasks=("udpos",))
    assert rows.loc[(paired.BEST, UDPOS), "value"] == 59.0
    assert rows.loc[(paired.BEST, [PANX, tables.WITHOUT]), "value"].isna().all()


def test_one_seed_has_no_row_and_a_note_says_why():
    rows, notes = cells(seeds=1)
    assert rows.empty and notes == [paired.LACKING]
    both = pd.concat([tables.cells(found(seeds=1)[0], list(TEST), COLS), rows.reset_index()])
    assert list(tables.printed(both).index) == list(TEST)


def test_the_row_of_the_best_has_its_interval():
    rows, _ = cells()
    gain, low, high = rows.loc[(paired.BEST, UDPOS), ["gain", "low", "high"]]
    assert low < gain == 7.25 < high and gain - low == pytest.approx(high - gain)
    assert math.isnan(rows.loc[(paired.TRIES, UDPOS), "low"])


def test_what_tasks_add_is_what_the_mean_gains():
    averages, _ = found()
    own = tables.cells(averages, list(TEST), COLS).set_index(["recipe", "column"])
    added = paired.contributions(averages, list(TEST), COLS)
    without = added[added["mean"] == tables.WITHOUT].groupby("recipe")["points"].sum()
    for recipe in TEST:
        gain = own.loc[(recipe, tables.WITHOUT), "gain"]
        assert without[recipe] == pytest.approx(gain) and (recipe == "none") == (gain == 0)
    one = added.set_index(["recipe", "mean", "column"])["points"]
    assert one["mnli", tables.WITHOUT, UDPOS] == pytest.approx(2.0 / 2)
    assert added.loc[added["mean"] == tables.WITH, "points"].isna().all()  # no retrieval here


def test_a_task_with_many_languages_counts_no_more_than_one_with_few():
    """Tasks gain 0, -1 and 11 in every language: the mean over tasks, whatever the seed's share."""
    columns = tables.columns(read({"settings": ["xlmr-base"], "seeds": [1], "recipes": ["none"],
                                   "targets": ["pawsx", "panx", "tydiqa"]}))  # fmt: skip
    planted = {"PAWS-X": 0.0, "PAN-X": -1.0, "TyDiQA-GoldP": 11.0}
    cells = {(seed, c.title, lang): planted[c.title] + seed + 0.1 * (lang < "h")
             for seed in (-1, 0, 1) for c in columns
             for lang in (*languages(c.task, "hub", c.suite), "gu")}  # fmt: skip
    gained = pd.Series(cells).rename_axis(["seed", "column", "lang"])
    table = paired.by_language(gained, columns, "hub")
    assert set(table) == {lang for c in columns for lang in languages(c.task, "hub", c.suite)}
    wanted = gained.drop("gu", level="lang")  # a language of XTREME-R alone
    wanted = wanted.groupby(["seed", "column"]).mean()
    for seed, value in wanted.groupby("seed").mean().items():
        assert table.loc[seed].mean() == pytest.approx(value)
    low, high = over_languages(table)[1:]
    assert low < 10 / 3 < high and high - low < 8  # two seeds' worth, not the tasks' differences


def test_where_tasks_have_the_same_languages_tasks_are_averaged_first():
    dice = np.random.default_rng(0)
    scores = made.scores(GRID, lambda run, task: dice.normal(), noise=0.0)
    cells = paired.by_cell(scores, TINY, COLS[:2])
    gained = cells["mnli"] - cells["none"]
    table = paired.by_language(gained, COLS[:2], "world")
    plain = gained.groupby(["seed", "lang"]).mean().unstack()
    pd.testing.assert_frame_equal(table, plain[table.columns], check_names=False)


def test_a_task_with_fewer_seeds_takes_seeds_from_the_mean_not_itself_out_of_it():
    scores = made.scores(GRID, lambda run, task: 0.0, noise=1.0)
    short = (scores["task"] == COLS[0].task.name) & (scores["seed"] == 1)
    cells = paired.by_cell(scores[~short], TINY, COLS[:2])
    gained = cells["mnli"] - cells["none"]
    table = paired.by_language(gained, COLS[:2], "world")
    whole = gained.drop(1, level="seed")
    assert 1 not in table.index and len(table) == whole.index.unique("seed").size
    assert table.loc[2].mean() == pytest.approx(whole.loc[2].groupby("column").mean().mean())


def test_the_noise_is_that_of_paired_differences_pooled_over_recipes():
    noise = paired.spread(found()[0])
    mnli, qqp = [1.0, 1.0, 1.0, 5.0], [10.0, 6.0, 8.0, 9.0]
    both = [*(x - 2.0 for x in mnli), *(x - 8.25 for x in qqp)]
    assert noise[UDPOS] == pytest.approx(math.sqrt(sum(x * x for x in both) / 6))
    assert "Tatoeba" not in noise and paired.spread(found(seeds=1)[0]) == {}
