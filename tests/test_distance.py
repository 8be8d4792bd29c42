"""Study 13: correlations and slopes with a known answer, and what its notebook does with runs."""

import json
from pathlib import Path

import made
import numpy as np
import pandas as pd
import pytest
from test_notebooks import play, score

from xstilts import minimal, snapshot
from xstilts.analysis import distance, knobs, ranks
from xstilts.grid import plan
from xstilts.paths import UserError
from xstilts.scores import MEASURE_COLUMNS
from xstilts.settings import setting
from xstilts.tables import Column
from xstilts.tasks import TASKS
from xstilts.world.languages import LANGS
from xstilts.world.languages import distance as world_distance

X = pd.Series({lang: world_distance(lang) for lang in LANGS})
NOTHING = pd.DataFrame(columns=list(MEASURE_COLUMNS))


def series(values, index=LANGS):
    return pd.Series(list(values), index=list(index), dtype=float)


def test_fourteen_languages_show_a_rho_of_069():
    assert ranks.weakest(14) == pytest.approx(0.69, abs=0.005)
    weak = ranks.Rank(0.5, 0, 1, 0.2, 14).ruling()
    assert weak == "cannot tell (would need |rho| 0.69 or 30 languages)"
    assert ranks.weakest(30) <= 0.5 < ranks.weakest(29)


def test_ranks_of_known_series():
    assert ranks.rank(X, X**3).rho == pytest.approx(1) and ranks.rank(X, -X).rho == pytest.approx(
        -1
    )
    assert ranks.rank(X, X).p < 0.001
    assert np.isnan(ranks.rank(X, X * 0).rho)
    assert ranks.rank(X[:4], X[:4]).n == 4 and np.isnan(ranks.rank(X[:4], X[:4]).rho)


def test_the_rank_correlation_is_spearmans():
    from scipy.stats import spearmanr

    y = series(np.random.default_rng(1).normal(size=14))
    assert ranks.rank(X, y).rho == pytest.approx(spearmanr(X, y).statistic)


def test_what_is_held_explains():
    dice = np.random.default_rng(3)
    size = series(dice.normal(size=14))
    near, outcome = (size + series(dice.normal(0, 0.2, 14)) for _ in range(2))
    assert ranks.rank(near, outcome).rho > 0.8
    assert abs(ranks.rank(near, outcome, size.to_frame("size")).rho) < 0.6


def test_permutations_stay_within_families():
    groups = np.array(["a", "b"] * 7)
    dealt = ranks._dealt(np.arange(14.0), groups)
    assert (dealt % 2 == np.arange(14) % 2).all() and (np.sort(dealt) == np.arange(14)).all()
    alone = series(range(14), LANGS).map(str)
    assert ranks.rank(X, X, family=alone).p == 1  # nobody can be exchanged


def test_inflation():
    table = pd.DataFrame({"a": X, "b": series(np.random.default_rng(0).normal(size=14))})
    assert ranks.inflation(table).max() < 1.5
    assert ranks.inflation(table.assign(c=2 * X)).loc["c"] == float("inf")


@pytest.mark.parametrize(
    ("rho", "p", "sign", "said"),
    [(0.8, 0.01, 1, "holds"), (0.8, 0.01, -1, "does not"), (0.3, 0.4, 1, "cannot tell")],
)
def test_verdicts(rho, p, sign, said):
    assert ranks.Rank(rho, 0, 1, p, 14, sign=sign).ruling().startswith(said)
    assert ranks.Rank(sign=sign).ruling() == "not tested"


def test_a_gain_in_english_alone_widens_the_drop():
    rows = []
    for recipe, lead in (("none", 0), ("mnli", 10)):
        for lang in ("en", *LANGS):
            for metric, value in (("accuracy", 70 + lead if lang == "en" else 50),
                                  ("guess_accuracy", 40)):  # fmt: skip
                rows.append(score(TASKS["xnli"], lang, value, metric=metric, recipe=recipe,
                                  setting="tiny-xlmr", target="mnli", seed=1))  # fmt: skip
    column = Column(TASKS["xnli"], "mnli", "XNLI")
    found = distance.outcomes(pd.DataFrame(rows), setting("tiny-xlmr"), column, "mnli")
    assert (found["gain"] == 0).all(axis=None)
    assert np.allclose(found["drop before"], 100 * 20 / 60)
    assert np.allclose(found["widening"], 100 * 10 / 60)
    assert np.allclose(found["relative after"], 100 * 10 / 40)


def test_predictors_of_real_and_constructed_languages():
    measures = pd.DataFrame({"measure": ["fertility"] * 2, "lang": ["qaa", "de"], "value": [2, 3]})
    told = distance.predictors(["en", "qaa", "de", "yo", "xx"], measures)
    assert list(told.index) == ["qaa", "de", "yo"]
    assert told.loc["qaa", "distance"] == world_distance("qaa")
    assert told.loc["de", "distance"] == told.loc["de", "syntactic"] < told.loc["yo", "distance"]
    assert told.loc["de", "family"] == "IE" and np.isfinite(told["log size"]).all()
    assert told.loc["de", "fertility"] == 3


def turning(effect, novelty, noise=0.0):
    """Accuracies as of the group knobs: turning any knob away costs `effect`, and `novelty`."""
    dice, rows = np.random.default_rng(0), []
    for lang in LANGS:
        rows.append((lang, "", 50.0))
        for knob in minimal.OTHER:
            away = not minimal.differs(lang, knob)
            way, sign = (minimal.AWAY, 1) if away else (minimal.TOWARDS, -1)
            change = sign * effect + novelty + noise * dice.normal()
            rows.append((lang, f"{knob} {way}", 50 + change))
    table = pd.DataFrame(rows, columns=["lang", "domain", "value"])
    return table.assign(measure="accuracy", task="tatoeba", recipe="none", setting="tiny-xlmr",
                        seed=1, layer=2)  # fmt: skip


def test_turning_tells_the_knob_from_novelty():
    found = knobs.compared(knobs.accuracies(turning(-3, -8, 0.5), "tatoeba", "none"))
    assert list(found.index) == list(minimal.OTHER)
    assert found["effect"].between(-3.5, -2.5).all()
    assert (found["effect low"] < found["effect"]).all()
    assert knobs.compared(knobs.accuracies(NOTHING, "tatoeba", "none")).empty


def test_slopes_over_languages_find_what_knobs_do():
    design = knobs.design()
    table = pd.DataFrame({"": 60 - 5 * design["order"] + 3 * design["script"]})
    for knob, slope in (("order", -5), ("script", 3)):
        assert knobs.slopes(table, knob)["slope together"].estimate == pytest.approx(slope)


# The notebook

BOOK = "13_linguistic_distance"
QUICK = {
    "settings": ["tiny-xlmr"], "seeds": [1, 2], "recipes": ["none", "mnli"],
    "targets": ["mnli", "udpos", {"name": "mnli-equal", "tasks": ["mnli"], "updates": 9}],
    "also": [{"recipes": ["none"], "seeds": [1], "measures": ["text", "knobs"]}],
    "studies": ["linguistic_distance"],
}  # fmt: skip


@pytest.fixture
def grid(out):
    path = out.with_name("quick.json")
    path.write_text(json.dumps(QUICK))
    return str(path)


def results(runs, spoil=None):
    """A whole grid: far languages gain less from MNLI, the more the farther."""
    scores = made.scores(runs[0].grid)
    scores = scores[scores["target"] != ""].reset_index(drop=True)
    after, far = scores["recipe"] == "mnli", scores["lang"].map({"en": 0.0} | X.to_dict())
    wobble = np.random.default_rng(0).normal(0, 0.3, len(scores))
    scores["value"] = 60 - 10 * far + after * (8 - 10 * far) + wobble
    fertility = [(lang, "fertility", 1 + 0.1 * (place % 3)) for place, lang in enumerate(LANGS)]
    text = pd.DataFrame(fertility, columns=["lang", "measure", "value"])
    text = text.assign(setting="tiny-xlmr", recipe="none", seed=1, task="parallel", domain="")
    measures = pd.concat([text, turning(-3, -8, 0.5)]).reindex(columns=list(MEASURE_COLUMNS))
    if spoil == "twice":
        scores = pd.concat([scores, scores.iloc[[3]]], ignore_index=True)
    elif spoil:
        table, column, value = SPOILT[spoil]
        table = scores if table == "scores" else measures
        table.iloc[3, list(table).index(column)] = value
    return snapshot.Collected(scores, measures, NOTHING, scores[:0], [], [], "runs of a test")


def test_the_study_finds_what_was_planted(grid, monkeypatch):
    monkeypatch.setattr("xstilts.snapshot.collect", results)
    space = play(BOOK, grid=grid)
    first, slope = space["first"]["tiny-xlmr"], space["slope"]["tiny-xlmr"]
    assert first.rho < -0.95 and first.p < 0.01 and slope.estimate == pytest.approx(-10, abs=1.5)
    judged = space["judged"]["tiny-xlmr"]["verdict"]
    assert judged.iloc[0] == "holds" and judged.iloc[-2] == "holds"
    assert any("holds: rank correlation" in part for part in space["said"])
    assert ("tiny-xlmr", "tatoeba", "none") in space["turned"]


def test_the_study_shows_a_grid_that_has_not_run(grid, monkeypatch):
    lacking = [r.id for r in plan(QUICK) if r.leaves in ("scores", "measures")]
    empty = results(plan(QUICK))
    empty = snapshot.Collected(empty.scores[:0], empty.measures[:0], NOTHING, empty.dev, lacking,
                               [], "nothing")  # fmt: skip
    monkeypatch.setattr("xstilts.snapshot.collect", lambda runs: empty)
    space = play(BOOK, grid=grid)
    assert len(space["found"].missing) == len(space["planned"]) == 14
    assert (space["judged"]["tiny-xlmr"]["verdict"] == "not tested").all()


def test_the_study_reads_one_seed_and_few_real_languages(grid, monkeypatch):
    content = QUICK | {"settings": [{"name": "slice", "encoder": "tiny-xlmr", "data": "hub"}]}
    Path(grid).write_text(json.dumps(content | {"also": []}))
    names = dict(zip(LANGS, ("ar", "de", "hi", "sw", "th", "zh"), strict=False)) | {"en": "en"}

    def few(_):
        whole = results(plan(QUICK)).scores
        mine = whole[(whole["seed"] == 1) & whole["lang"].isin(list(names))]
        scores = mine.assign(lang=mine["lang"].map(names), setting="slice",
                             run=mine["run"].str.replace("tiny-xlmr", "slice"))  # fmt: skip
        return snapshot.Collected(scores, NOTHING, NOTHING, scores[:0], [], [], "a slice")

    monkeypatch.setattr("xstilts.snapshot.collect", few)
    space = play(BOOK, grid=grid)
    assert space["first"]["slice"].n == 6 and space["slope"]["slice"].seeds == 1
    assert "genetic" in space["sixes"]["slice"].index


SPOILT = {
    "twice": (),
    "too large": ("scores", "value", 150.0),
    "a stranger": ("scores", "run", "mbert.s1/none/zero-mnli"),
    "no number": ("measures", "value", float("nan")),
    "English measured": ("measures", "lang", "en"),
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_the_study_refuses_spoilt_results(grid, spoil, monkeypatch):
    monkeypatch.setattr("xstilts.snapshot.collect", lambda runs: results(runs, spoil))
    with pytest.raises((AssertionError, UserError)):
        play(BOOK, grid=grid)


def test_the_stock_grid_plans_at_real_sizes_too():
    runs = plan("distance")
    used = {r.params["recipe"] for r in runs if "recipe" in r.params}
    assert used == {"none", "mnli", "squad_v1"}
    assert sum(r.notebook == "10_measures" for r in runs) == 15
