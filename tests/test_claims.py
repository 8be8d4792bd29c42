"""The ledger of claims: the files agree, and planted effects get the verdicts they deserve."""

import math

import made
import numpy as np
import pandas as pd
import pytest

from xstilts import claims, paper
from xstilts.analysis import ledger
from xstilts.claims import HOLDS, NOT, UNSURE, UNTESTED
from xstilts.gridfile import read
from xstilts.recipes import MULTI, RECIPES, SINGLE
from xstilts.scores import COLUMNS
from xstilts.settings import SETTINGS, setting
from xstilts.tasks import TASKS

TINY, LARGE = setting("tiny-xlmr"), setting("xlmr-large")
NINE = [recipe.name for recipe in SINGLE]
STATEMENTS = claims.statements()
NOISE = (-0.2, 0.1, 0.0, 0.2, -0.1)  # of none, by seed
TARGETS = {task.train["xtreme"] for task in TASKS.values() if "xtreme" in task.train}


def planted(gains, seeds=5, noise=1.0, drop=()):
    """As `claims.figures` puts it: 50 for none, and what `gains` {(recipe, task or "")} adds."""
    tasks = [task for task in TASKS.values() if "xtreme" in task.langs and task.name not in drop]
    rows = {}
    for recipe in dict.fromkeys(["none", *(recipe for recipe, _ in gains)]):
        for seed in range(seeds):
            luck = NOISE[seed] * noise * (1 if recipe == "none" else -1)
            rows[recipe, seed + 1] = {
                t.name: 50.0 + gains.get((recipe, t.name), gains.get((recipe, ""), 0.0)) + luck
                for t in tasks}  # fmt: skip
    found = pd.DataFrame.from_dict(rows, orient="index")
    return found.rename_axis(index=["recipe", "seed"])


def on_dev(gains, seeds=5, of=TINY):
    rows = [{name: "" for name in COLUMNS} | {
                "setting": of.name, "seed": seed + 1, "recipe": recipe, "target": target,
                "task": target, "lang": "en", "split": "dev", "value": 60.0 + gain}
            for target in TARGETS for recipe, gain in gains.items()
            for seed in range(seeds)]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


EMPTY = pd.DataFrame(columns=COLUMNS)


def judged(gains, dev=EMPTY, **more):
    """Findings on planted figures, without the way through Scores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "figures", lambda *_: planted(gains, **more))
        return claims.judge(EMPTY, dev, TINY, STATEMENTS)


def verdicts(gains, dev=EMPTY, **more):
    return {key: one.verdict for key, one in judged(gains, dev, **more).items()}


def evenly(gain, *recipes, **more):
    return {(recipe, ""): gain for recipe in recipes} | more


# The files


def test_all_rows_of_the_five_documents_are_there():
    rows = claims.read("claims")
    assert len({(row["document"], row["row"]) for row in rows}) == len(rows) == 47
    counts = pd.Series([row["document"] for row in rows]).value_counts()
    assert counts.to_dict() == {"000": 10, "001": 9, "002": 10, "003": 9, "004": 9}
    assert len({row["claim"] for row in rows}) == 12
    assert all(row["mark"] == "✓" and 0.1 < float(row["confidence"]) < 0.5 for row in rows)
    assert len({(row["document"], row["title"]) for row in rows}) == 5


def test_every_claim_has_statements_and_every_statement_a_rule():
    rules = {row["rule"] for row in claims.read("rules")}
    assert {one.claim for one in STATEMENTS} == {row["claim"] for row in claims.read("claims")}
    assert len({(one.claim, one.part) for one in STATEMENTS}) == len(STATEMENTS)
    for one in STATEMENTS:
        assert one.rule in rules and one.role in ("verdict", "beside") and one.statement
        assert one.statistic in (*claims.SCORED, "record", "printed")
        if one.statistic in claims.SCORED:
            assert set(one.tasks) <= set(TASKS) and one.pairs
            assert 1 <= one.least <= len(one.pairs)
            known = {name for pair in one.pairs for name in pair}
            arms = known - set(RECIPES)
            assert all(name.rpartition("-")[0] in ("multi-no", *RECIPES) for name in arms)
    best = next(one for one in STATEMENTS if one.statistic == "best")
    assert [ours for ours, _ in best.pairs] == [*NINE, MULTI.name]
    assert (best.printed, best.printed_split) == (5.4, "test")
    assert {one.printed_split for one in STATEMENTS if one.printed > 6} == {"dev"}


def test_a_claim_of_no_effect_asks_for_equivalence():
    (one,) = [one for one in STATEMENTS if one.kind == "no effect"]
    assert (one.rule, one.tasks, claims.SIZE) == ("no benefit", ("xnli",), 1.0)


# Verdicts


def test_planted_gains_hold_and_their_opposites_do_not():
    up = verdicts(evenly(3.0, *NINE) | {("multi", ""): 6.0}, on_dev({"none": 0} | {
        name: 1.0 for name in NINE}))  # fmt: skip
    for part in ("squad_v1", "mnli", "hellaswag"):
        assert up["three_tasks", part] == HOLDS
    assert up["multi_task", "gain"] == up["multi_task", "first"] == HOLDS
    assert up["retrieval", "tatoeba"] == up["tydiqa_xnli", "tydiqa"] == HOLDS
    assert up["best_per_target", "gain"] == HOLDS
    assert up["tydiqa_xnli", "xnli"] == NOT
    assert up["three_tasks", "order"] == UNSURE  # all alike
    assert up["alternatives", "mlm"] == UNTESTED
    down = verdicts(evenly(-3.0, *NINE) | {("multi", ""): -6.0})
    assert {down[key] for key in down if key[0] in ("three_tasks", "retrieval")} == {NOT, UNSURE}
    assert down["three_tasks", "mnli"] == down["multi_task", "first"] == NOT
    assert down["tydiqa_xnli", "xnli"] == HOLDS  # a loss is no benefit


def test_nothing_is_no_effect_only_within_a_point():
    assert verdicts(evenly(0.0, *NINE))["tydiqa_xnli", "xnli"] == HOLDS
    assert verdicts(evenly(0.3, *NINE))["tydiqa_xnli", "xnli"] == HOLDS
    noisy = judged(evenly(0.0, *NINE), noise=20.0)
    assert noisy["tydiqa_xnli", "xnli"].verdict == UNSURE


def test_what_cannot_be_told_says_what_could_have_been_and_how_many_seeds_it_takes():
    found = judged({("mnli", ""): 0.1})
    mnli = found["three_tasks", "mnli"]
    assert mnli.verdict == UNSURE and mnli.low < mnli.effect < mnli.high
    deviation = np.std([-2 * x for x in NOISE], ddof=1)
    assert mnli.least == pytest.approx(claims.stats.detectable(deviation, 5))
    assert claims.stats.detectable(deviation, int(mnli.needed)) <= 1.0
    assert claims.stats.detectable(deviation, int(mnli.needed) - 1) > 1.0
    assert claims.needed(1000.0) == math.inf and claims.needed(0.0) == 2


def test_one_seed_tells_nothing():
    found = judged(evenly(9.0, *NINE, "multi"), seeds=1)
    tested = {key for key, one in found.items() if one.verdict != UNTESTED}
    assert tested and {found[key].verdict for key in tested} == {UNSURE}
    assert found["best_per_target", "gain"].verdict == UNTESTED
    assert math.isnan(found["multi_task", "gain"].low) and "one seed" in (
        found["multi_task", "gain"].why)  # fmt: skip


def test_missing_tasks_languages_and_recipes_are_no_verdict():
    found = judged(evenly(3.0, "mnli"), drop=("pawsx",))
    assert found["three_tasks", "mnli"].verdict == UNTESTED
    assert "PAWS-X" in found["three_tasks", "mnli"].why
    assert found["tydiqa_xnli", "xnli"].why == "1 of 9 comparisons have runs, 5 are needed"
    grid = read({"settings": ["tiny-xlmr"], "seeds": [1, 2, 3, 4, 5], "recipes": ["none", "mnli"],
                 "targets": sorted(TARGETS), "retrieval": True})  # fmt: skip
    scores = made.scores(grid, lambda run, task: 3.0 * (run.params["recipe"] == "mnli"), noise=0.2)
    gone = scores["task"].eq("udpos") & scores["lang"].eq("qaa")
    for part, verdict in ((scores, HOLDS), (scores[~gone], UNTESTED)):
        found = claims.judge(part, EMPTY, TINY, STATEMENTS)
        assert found["three_tasks", "mnli"].verdict == verdict


def test_most_means_more_than_half():
    few = evenly(20.0, *NINE[:4]) | evenly(-0.5, *NINE[4:])
    assert verdicts(few)["retrieval", "tatoeba"] == NOT
    most = evenly(20.0, *NINE[:5]) | evenly(-0.5, *NINE[5:])
    assert verdicts(most)["retrieval", "tatoeba"] == HOLDS


def test_gaps_cost_as_little_as_can_be():
    table = pd.DataFrame(1.0, index=range(1, 6), columns=list("abcd"))
    assert claims.whole(table, 2).shape == (5, 4)
    table.loc[1:3, "a"] = table.loc[5, "b"] = math.nan
    assert claims.whole(table, 3).shape == (4, 3)  # a goes, then the fifth seed
    assert claims.whole(table, 2).shape == (4, 3)
    assert claims.whole(table, 4).index.tolist() == [4]
    assert claims.whole(table.drop(index=4), 4).empty


def test_a_grid_with_holes_is_judged_on_what_there_is():
    def holes(gains):
        found = planted(gains)
        return found.drop([("none", 1), ("mnli", 2), ("anli", 3), ("multi", 4)])

    with pytest.MonkeyPatch.context() as patch:
        gains = evenly(3.0, *NINE) | {("multi", ""): 6.0}
        patch.setattr(claims, "figures", lambda *_: holes(gains))
        found = claims.judge(EMPTY, EMPTY, TINY, STATEMENTS)
    assert found["three_tasks", "mnli"].seeds == 3 and found["retrieval", "tatoeba"].seeds == 4
    assert "7 of 9 comparisons" in found["retrieval", "tatoeba"].why
    assert found["multi_task", "first"].verdict == HOLDS  # each on its own seeds


def test_the_best_recipe_is_chosen_on_dev_of_the_other_seeds():
    """What dev likes gains nothing; what gains is not chosen, except in retrieval: no dev."""
    gains = evenly(0.0, *NINE) | {("ccg", ""): 9.0}
    dev = on_dev({"none": 0.0, "csqa": 9.0} | {name: 1.0 for name in NINE[:-1]})
    found = judged(gains, dev, noise=0.0)
    assert found["best_per_target", "gain"].effect == pytest.approx(2 * 9.0 / 9)


def test_many_statements_are_corrected_together():
    """What one test alone would show is no finding among a dozen."""
    gains = evenly(0.45, "mnli", "squad_v1", "hellaswag")
    found = judged(gains)["three_tasks", "mnli"]
    alone = claims.stats.p_value([0.45 - 2 * luck for luck in NOISE])
    assert 0.01 < alone < claims.ALPHA < found.p == pytest.approx(4 * alone)
    assert found.verdict == UNSURE and found.low > 0


# Records, print, and the ledger


def test_records_say_what_is_claimed_and_would_say_otherwise(monkeypatch):
    described = [one for one in STATEMENTS if one.statistic == "record"]
    assert {ledger.check(one).verdict for one in described} == {HOLDS}
    monkeypatch.setattr(ledger, "SINGLE", SINGLE[:3])
    assert {one.part for one in described if ledger.check(one).verdict == NOT} == {
        "number", "kinds", "formats"}  # fmt: skip


def test_print_decides_only_where_it_was_seen():
    (one,) = [one for one in STATEMENTS if one.statistic == "printed"]
    assert ledger.check(one).verdict == HOLDS
    assert "tatoeba" not in paper.highest("XLM-R Large", ["mBERT"], one.tasks)  # recalled


def test_the_ledger_of_nothing_has_every_row():
    found = ledger.findings(EMPTY, EMPTY, {"tiny-xlmr": TINY})
    book = ledger.ledger(found)
    assert len(book) == 47 and set(book["real"]) == {UNTESTED, HOLDS}
    assert set(book.loc[book["by"] == "scores", ["world", "real"]].to_numpy().ravel()) == {UNTESTED}
    world = found[found["side"] == "world"]
    assert ledger.verdicts(world, "tiny") == 'tiny: of 13 statements, 13 "not tested"'
    assert set(ledger.shown(book)["effect (95 %)"]) == {"–"}
    ledger.drawn(world, "nothing")._repr_png_()


def test_the_ledger_names_the_statement_that_decided():
    gains = evenly(3.0, *NINE) | {("multi", ""): 2.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(claims, "figures", lambda *_: planted(gains))
        found = ledger.findings(EMPTY, EMPTY, {"tiny-xlmr": TINY, "xlmr-large": LARGE})
    book = ledger.ledger(found)
    own = book[book["claim"] == "multi_task"]
    assert set(own["world"]) == set(own["real"]) == {NOT} and set(own["part"]) == {"first"}
    text = ledger.shown(own).iloc[0]
    assert text["effect (95 %)"].startswith("-1.0 [") and text["seeds"] == 5


def test_a_limited_real_setting_tests_nothing():
    from dataclasses import replace

    part = replace(LARGE, name="part", budget={"target": {"examples": 600}})
    assert claims.sides({"part": part})["real"] is None
    assert claims.sides({"part": part, "l": LARGE})["real"] == LARGE
    assert claims.sides(SETTINGS)["world"] == TINY
