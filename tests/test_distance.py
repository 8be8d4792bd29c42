"""Study 13: correlations and slopes with a known answer, and what its notebook does with runs."""

import json

import numpy as np
import pandas as pd
import pytest
from test_notebooks import collected, play, score

from xstilts import snapshot
from xstilts.analysis import distance, knobs, ranks
from xstilts.grid import plan
from xstilts.paths import GRIDS, UserError
from xstilts.scores import COLUMNS, MEASURE_COLUMNS
from xstilts.settings import setting
from xstilts.tables import Column
from xstilts.tasks import TASKS
from xstilts.world.languages import ALL, LANGS
from xstilts.world.languages import distance as world_distance

X = pd.Series({lang: world_distance(lang) for lang in LANGS})
NOTHING = pd.DataFrame(columns=list(MEASURE_COLUMNS))


def series(values, index=LANGS):
    return pd.Series(list(values), index=list(index), dtype=float)


def test_fourteen_languages_show_a_rho_of_069():
    assert ranks.weakest(14) == pytest.approx(0.69, abs=0.005)
    assert ranks.needed(0.69) == 14 and ranks.needed(0.001) is None


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


def test_permutation_p_errs_as_often_as_it_says():
    dice = np.random.default_rng(0)
    p = [ranks.rank(X, series(dice.normal(size=14))).p for _ in range(500)]
    assert 0.03 <= np.mean(np.array(p) < 0.05) <= 0.07


def test_slopes_by_seed_are_covered():
    from xstilts.stats import t_interval

    dice, hits = np.random.default_rng(0), 0
    for _ in range(500):
        table = pd.DataFrame(dice.normal(0, 2, (5, 14)) + 3 * X.to_numpy(), columns=list(LANGS))
        told = t_interval(ranks.slopes(table, X))
        hits += told.low <= 3 <= told.high
    assert 0.92 <= hits / 500 <= 0.98


def test_inflation():
    table = pd.DataFrame({"a": X, "b": series(np.random.default_rng(0).normal(size=14))})
    assert ranks.inflation(table).max() < 1.5
    assert ranks.inflation(table.assign(c=2 * X)).loc["c"] == float("inf")


@pytest.mark.parametrize(
    ("rho", "p", "sign", "said"),
    [(0.8, 0.01, 1, "holds"), (0.8, 0.01, -1, "does not"), (0.3, 0.4, 1, "cannot tell")],
)
def test_verdicts(rho, p, sign, said):
    assert ranks.verdict(ranks.Rank(rho, 0, 1, p, 14), sign).startswith(said)
    assert ranks.verdict(ranks.Rank(), sign) == "cannot tell (no data)"


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
        for knob in knobs.TURNED:
            other = getattr(ALL[lang], knob) != getattr(ALL["en"], knob)
            way, sign = (knobs.TOWARDS, -1) if other else (knobs.AWAY, 1)
            change = sign * effect + novelty + noise * dice.normal()
            rows.append((lang, f"{knob} {way}", 50 + change))
    table = pd.DataFrame(rows, columns=["lang", "domain", "value"])
    return table.assign(measure="accuracy", task="tatoeba", recipe="none", setting="tiny-xlmr",
                        seed=1, layer=2)  # fmt: skip


def test_turning_tells_the_knob_from_novelty():
    table = knobs.accuracies(turning(-3, -8, 0.5), "tatoeba", "none")
    found = knobs.turned(table)["estimate"].unstack()
    assert found["knob"].between(-3.5, -2.5).all() and found["novelty"].between(-8.5, -7.5).all()
    assert knobs.compared(knobs.accuracies(NOTHING, "tatoeba", "none")).empty


def test_slopes_over_languages_find_what_knobs_do():
    design = knobs.design()
    values = 60 - 5 * design["order"] + 3 * design["script"]
    table = pd.DataFrame({"": values})
    found = knobs.observed(table)["estimate"].unstack()
    assert found.loc["order", "together"] == pytest.approx(-5)
    assert found.loc["script", "together"] == pytest.approx(3)


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
    runs = list(runs)
    scores = collected([r for r in runs if r.notebook == "04_zero_shot"])
    after, far = scores["recipe"] == "mnli", scores["lang"].map({"en": 0.0} | X.to_dict())
    wobble = np.random.default_rng(0).normal(0, 0.3, len(scores))
    scores["value"] = 60 - 10 * far + after * (8 - 10 * far) + wobble
    fertility = [(lang, "fertility", 1 + 0.1 * (place % 3)) for place, lang in enumerate(LANGS)]
    text = pd.DataFrame(fertility, columns=["lang", "measure", "value"])
    text = text.assign(setting="tiny-xlmr", recipe="none", seed=1, task="parallel", domain="")
    measures = pd.concat([text, turning(-3, -8, 0.5)]).reindex(columns=list(MEASURE_COLUMNS))
    if spoil == "too large":
        scores.loc[3, "value"] = 150.0
    elif spoil == "a stranger":
        scores.loc[3, "run"] = "mbert.s1/none/zero-mnli"
    elif spoil == "twice":
        scores = pd.concat([scores, scores.iloc[[3]]], ignore_index=True)
    elif spoil == "no number":
        measures.iloc[0, -1] = float("nan")
    elif spoil == "English measured":
        measures.iloc[0, list(MEASURE_COLUMNS).index("lang")] = "en"
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
    assert (space["judged"]["tiny-xlmr"]["verdict"] == "cannot tell (no data)").all()


def test_the_study_reads_one_seed_and_few_real_languages(grid, monkeypatch):
    def few(runs):
        whole = results(runs)
        names = dict(zip(LANGS, ("ar", "de", "hi", "sw", "th", "zh"), strict=False)) | {"en": "en"}
        mine = whole.scores[(whole.scores["seed"] == 1) & whole.scores["lang"].isin(list(names))]
        scores = mine.assign(lang=mine["lang"].map(names)).reset_index(drop=True)
        return snapshot.Collected(scores, NOTHING, NOTHING, scores[:0], [], [], "a slice")

    monkeypatch.setattr("xstilts.snapshot.collect", few)
    content = QUICK | {"settings": [{"name": "slice", "encoder": "tiny-xlmr", "data": "hub"}]}
    content["also"] = []
    path = GRIDS.__class__(grid).with_name("real.json")
    path.write_text(json.dumps(content))
    monkeypatch.setattr(
        "xstilts.snapshot.collect",
        lambda runs: _renamed(few(plan(json.loads(json.dumps(QUICK)))), "slice"),
    )
    space = play(BOOK, grid=str(path))
    assert space["first"]["slice"].n == 6 and space["slope"]["slice"].seeds == 1
    assert "genetic" in space["sixes"]["slice"].index


def _renamed(found, name):
    run = found.scores["run"].str.replace("tiny-xlmr", name, regex=False)
    scores = found.scores.assign(setting=name, run=run)
    return snapshot.Collected(scores, found.measures, NOTHING, scores[:0], [], [], found.source)


SPOILT = ("too large", "a stranger", "twice", "no number", "English measured")


@pytest.mark.parametrize("spoil", SPOILT)
def test_the_study_refuses_spoilt_results(grid, spoil, monkeypatch):
    monkeypatch.setattr("xstilts.snapshot.collect", lambda runs: results(runs, spoil))
    with pytest.raises((AssertionError, UserError)):
        play(BOOK, grid=grid)


def test_the_stock_grid_plans_at_real_sizes_too():
    runs = plan("distance")
    assert {r.params["recipe"] for r in runs if "recipe" in r.params} == {
        "none",
        "mnli",
        "squad_v1",
    }
    assert set(COLUMNS) and sum(r.notebook == "10_measures" for r in runs) == 15
