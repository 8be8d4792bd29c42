"""On simulated results, as noisy as real ones, the statistics keep what they promise.

95 % intervals cover the truth in 92 to 98 of a hundred repetitions, tests err in 3 to 7, and an
effect is found as often as the power says. Fixed dice: a figure here never changes by itself.
"""

import made
import numpy as np
import pandas as pd
import pytest

from xstilts import stats, tables
from xstilts.analysis import effects, length, ranks, rulings, simulate
from xstilts.analysis.simulate import FITTED, Noise
from xstilts.settings import SETTINGS
from xstilts.tasks import TASKS
from xstilts.world import LANGS, distance

MANY, SEEDS = 1000, 5
TRUE = 1.5
STRAY = Noise(3.0, 1.0, 2.0)  # seeds that move all languages at once
NOISES = pytest.mark.parametrize("noise", [*FITTED.values(), STRAY], ids=[*FITTED, "stray seeds"])
TAILS = pytest.mark.parametrize("tails", [None, 4], ids=["normal", "heavy tails"])


def draw(
    noise: Noise, repeats: int, seeds: int, langs: int, dice, *, effect=0.0, slope=None, tails=None
) -> np.ndarray:
    """Differences (repeats, seeds, languages): the truth, and what is drawn anew on top.

    `slope` (languages,) is added to each; `tails` gives the seed's own and the rest Student's t
    with so many degrees of freedom, scaled to the same deviation, for runs that go astray.
    """

    def one(deviation: float, *shape: int, heavy=False) -> np.ndarray:
        if heavy and tails:
            return deviation * dice.standard_t(tails, shape) * ((tails - 2) / tails) ** 0.5
        return deviation * dice.standard_normal(shape)

    found = one(noise.seed, repeats, seeds, 1, heavy=True) + one(noise.language, repeats, 1, langs)
    found = found + one(noise.rest, repeats, seeds, langs, heavy=True) + effect
    return found if slope is None else found + np.asarray(slope, float)


def drawn(noise, seed=1, **more):
    return draw(noise, MANY, SEEDS, len(LANGS), np.random.default_rng(seed), **more)


def share(flags) -> float:
    return 100 * float(np.mean(list(flags)))


def covered(intervals, truths) -> float:
    return share(i.low <= true <= i.high for i, true in zip(intervals, truths, strict=True))


# What is simulated


@NOISES
def test_noise_is_found_again_in_what_it_made(noise):
    """Mean squares give back the variances, on average."""
    tables = drawn(noise)
    squares = np.mean([np.square(simulate.fitted(table)) for table in tables], axis=0)
    slack = 0.1 * sum(np.square(noise)) + 0.05  # a negative variance counts as none
    assert squares == pytest.approx(np.square(noise), abs=slack)


def test_noise_needs_two_seeds():
    with pytest.raises(ValueError, match="two seeds"):
        simulate.fitted([[1.0, 2.0]])


def test_planted_differences_come_back_from_scores():
    """By the road of real Scores; from there on only numbers are simulated."""
    grid, title = made.small(), TASKS["tydiqa"].title
    planted = draw(STRAY, 1, SEEDS, 1, np.random.default_rng(2), effect=TRUE)[0, :, 0]
    scores = made.scores(grid, lambda run, task: planted[run.params["seed"] - 1]
                         * (run.params["recipe"] == "mnli"), noise=0)  # fmt: skip
    (column,) = (c for c in tables.columns(grid) if c.title == title)
    found = effects.gained(scores, SETTINGS["tiny-xlmr"], [column], "mnli", "none").unstack("seed")
    assert found.to_numpy() == pytest.approx(np.tile(planted, (1 + len(LANGS), 1)))
    by_seed = effects.gap(effects.figures(scores, grid), "mnli", "none", [title])
    assert rulings.effect(by_seed)[:3] == pytest.approx(stats.t_interval(planted))


# Contrasts paired by seed


@TAILS
@NOISES
def test_a_paired_interval_covers_the_effect_on_these_languages(noise, tails):
    """The languages stay, so the truth has their own share in it."""
    langs = noise.language * np.random.default_rng(4).standard_normal(len(LANGS))
    tables = drawn(noise._replace(language=0), effect=TRUE, slope=langs, tails=tails)
    intervals = [stats.t_interval(table.mean(axis=1)) for table in tables]
    assert 92 <= covered(intervals, [TRUE + langs.mean()] * MANY) <= 98


@TAILS
@NOISES
def test_a_paired_test_errs_as_often_as_it_says(noise, tails):
    by_seed = drawn(noise._replace(language=0), seed=5, tails=tails).mean(axis=2)
    p = np.array([stats.p_value(values) for values in by_seed])
    assert (2 if tails else 3) <= share(p < 0.05) <= 7


# Languages as a sample


@TAILS
@NOISES
def test_languages_as_a_sample_cover_the_effect_on_any_language(noise, tails):
    tables = drawn(noise, seed=6, effect=TRUE, tails=tails)
    intervals = [stats.over_languages(table) for table in tables]
    assert 92 <= covered(intervals, [TRUE] * MANY) <= 98.5


def test_an_interval_over_languages_alone_would_not():
    """Why seeds enter `over_languages`: what they do to all languages at once stays."""
    tables = drawn(STRAY, seed=6, effect=TRUE)
    alone = [stats.t_interval(table.mean(axis=0)) for table in tables]
    assert covered(alone, [TRUE] * MANY) < 80


# Distance


FAR = pd.Series({lang: distance(lang) for lang in LANGS})


@NOISES
def test_slopes_by_seed_cover_what_was_planted_on_these_languages(noise):
    """The languages stay: what is their own bends the slope, and is part of the truth."""
    own = noise.language * np.random.default_rng(4).standard_normal(len(LANGS))
    made = drawn(noise._replace(language=0), seed=7, slope=-8 * FAR.to_numpy() + own)
    true = -8 + np.polyfit(FAR, own, 1)[0]
    every = pd.DataFrame(made.reshape(MANY * SEEDS, -1), columns=list(LANGS))
    by_seed = ranks.slopes(every, FAR).to_numpy().reshape(MANY, SEEDS)
    intervals = [stats.t_interval(one) for one in by_seed]
    assert 92 <= covered(intervals, [true] * MANY) <= 98


@pytest.mark.parametrize("r", [0.0, 0.6])
def test_a_rank_correlation_covers_what_was_planted_and_errs_as_often_as_it_says(r):
    """Fourteen languages of a normal population, whose rank correlation is known."""
    x, rest = np.random.default_rng(9).standard_normal((2, 500, len(LANGS)))
    y, true = r * x + (1 - r**2) ** 0.5 * rest, 6 / np.pi * np.arcsin(r / 2)
    found = [ranks.rank(*(pd.Series(one, LANGS) for one in pair))
             for pair in zip(x, y, strict=True)]  # fmt: skip
    assert 92 <= share(one.low <= true <= one.high for one in found) <= 98
    assert r or 3 <= share(one.p < 0.05 for one in found) <= 7


# Short and long texts


def test_the_contrast_of_long_and_short_texts_covers_what_was_planted():
    """From counts of right answers: 83 texts a bin, as many seeds as there are repetitions."""
    dice, many = np.random.default_rng(12), 500
    long_gain, langs = 6.0, LANGS[:6]
    axes = {"seed": range(many * SEEDS), "recipe": ("a", "b"), "bin": ("short", "long"),
            "lang": langs}  # fmt: skip
    table = pd.MultiIndex.from_product(axes.values(), names=axes).to_frame(index=False)
    stray = dice.normal(0, 2, size=(many * SEEDS, 2))  # a run's own, on all its texts
    better = (table["recipe"] == "b").to_numpy()
    share_right = 30 + stray[table["seed"], better.astype(int)] - 8 * (table["bin"] == "long")
    share_right += long_gain * (better & (table["bin"] == "long"))
    hits = dice.binomial(83, share_right / 100)
    groups = table.assign(target="t", task="xnli", metric="accuracy", hit=hits, said=83, gold=83,
                          n=83)  # fmt: skip
    found = length.interaction(length.figures(groups), "t", "b", "a").to_numpy()
    families = found.reshape(many, SEEDS)
    intervals = [stats.t_interval(one) for one in families]
    assert 92 <= covered(intervals, [long_gain] * many) <= 98
    p = np.array([stats.p_value(one - long_gain) for one in families])
    assert 3 <= share(p < 0.05) <= 7


# Several claims, equivalence, power


def test_holm_keeps_the_error_of_a_family_whose_claims_share_their_baseline():
    dice = np.random.default_rng(9)
    none, arms = dice.normal(size=(700, SEEDS, 1)), dice.normal(size=(700, SEEDS, 4))
    families = [[stats.p_value(claim) for claim in run.T] for run in arms - none]
    assert share(min(stats.holm(p)) < 0.05 for p in families) <= 6
    apart = [[stats.p_value(claim) for claim in run.T] for run in arms]
    assert 3 <= share(min(stats.holm(p)) < 0.05 for p in apart) <= 7
    assert share(min(p) < 0.05 for p in apart) > 12  # what it is there for


@pytest.mark.parametrize("side", [-1, 1])
def test_equivalence_errs_at_the_margin_as_often_as_it_says(side):
    runs = np.random.default_rng(10).normal(side * 2.0, 0.8, size=(MANY, SEEDS))
    assert 3 <= share(stats.equivalent(run, 2.0) < 0.05 for run in runs) <= 7
    within = runs - side * 2.0
    assert share(stats.equivalent(run, 2.0) < 0.05 for run in within) > 80


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_the_power_curve_goes_through_the_detectable_effect(seeds):
    noise = FITTED["TyDiQA, a gain"].of_mean(len(LANGS))
    least = stats.detectable(noise, seeds)
    dice = np.random.default_rng(11)
    nothing, some, more = simulate.power(noise, [0, least, 2 * least], seeds, dice, repeats=8000)
    assert 0.04 <= nothing <= 0.06 and some == pytest.approx(0.8, abs=0.02) and more > 0.99


def test_power_curves_rise_and_are_drawn():
    noises = {"one": 1.0, "two": 2.0, "unknown": float("nan")}
    curves = simulate.curves(noises, most=6.0)
    assert set(curves["what"]) == {"one", "two"} and curves["power"].between(0, 1).all()
    wide = curves.pivot(index="effect", columns=["what", "seeds"], values="power")
    assert (wide.diff().dropna() >= -0.01).all(axis=None)
    assert (wide["one"] >= wide["two"] - 0.03).all(axis=None)
    assert len(simulate.picture(curves, noises).axes) == 2
