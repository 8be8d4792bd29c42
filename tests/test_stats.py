"""Statistics agree with scipy, statsmodels, hand-worked values and simulation."""

import numpy as np
import pytest
from scipy import stats as reference

from xstilts import stats

FIVE = [1.2, -0.3, 0.8, 2.1, 0.4]


def test_t_interval_is_scipys():
    found = stats.t_interval(FIVE)
    want = reference.ttest_1samp(FIVE, 0).confidence_interval(0.95)
    assert found.estimate == pytest.approx(0.84)
    assert found[1:] == pytest.approx((want.low, want.high))
    assert stats.p_value(FIVE) == pytest.approx(reference.ttest_1samp(FIVE, 0).pvalue)


def test_one_seed_has_no_interval_and_missing_values_are_refused():
    assert np.isnan(stats.t_interval([3.0]).low) and stats.t_interval([3.0]).estimate == 3.0
    assert np.isnan(stats.t_interval([])).all() and np.isnan(stats.over_languages([])).all()
    with pytest.raises(ValueError, match="no missing"):
        stats.t_interval([1.0, float("nan")])


def test_languages_as_a_sample():
    differences = np.array([[1.0, 2.0, 6.0], [3.0, 2.0, 4.0]])
    assert stats.over_languages(differences) == stats.t_interval([2.0, 2.0, 5.0])


def counts(hits):
    """(languages, items) of right and wrong -> hit, said, gold."""
    hits = np.asarray(hits, float)
    return np.stack([hits, np.ones_like(hits), np.ones_like(hits)], axis=-1)


def test_bootstrap_of_one_language_is_near_the_binomial():
    hits = np.arange(400) % 4 == 0
    found = stats.bootstrap(counts([hits]))
    want = reference.binomtest(100, 400).proportion_ci(0.95, method="wilson")
    assert found.estimate == 25.0
    assert found[1:] == pytest.approx((100 * want.low, 100 * want.high), abs=0.7)


def test_items_are_drawn_with_all_their_translations():
    hits = np.arange(200) % 2 == 0
    same, opposite = stats.bootstrap(counts([hits, hits])), stats.bootstrap(counts([hits, ~hits]))
    assert same.high - same.low > 10  # a translation adds no information
    assert opposite == pytest.approx((50.0, 50.0, 50.0))


def test_bootstrap_of_f1_uses_the_counts():
    table = np.array([[[2, 3, 4], [0, 1, 0], [1, 1, 2]]], float)
    assert stats.bootstrap(table).estimate == pytest.approx(200 * 3 / (5 + 6))


def test_corrections_by_hand_and_as_statsmodels_has_them():
    multipletests = pytest.importorskip("statsmodels.stats.multitest").multipletests
    assert stats.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert stats.benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert np.isnan(stats.holm([0.01, np.nan, 0.04])[1])  # not tested: does not count
    for correct in (stats.holm, stats.benjamini_hochberg):
        assert (correct([0.01, np.nan, 0.04])[[0, 2]] == correct([0.01, 0.04])).all()
        assert np.isnan(correct([np.nan, np.nan])).all() and not len(correct([]))
    generator = np.random.default_rng(2)
    for size in (1, 2, 9, 40):
        p = generator.random(size) ** 2
        assert stats.holm(p) == pytest.approx(multipletests(p, method="holm")[1])
        assert stats.benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_equivalence_is_the_interval_inside_the_margin():
    """TOST at 5 % is the same as the 90 % interval lying within the margin."""
    above = reference.ttest_1samp(FIVE, -1.0, alternative="greater").pvalue
    below = reference.ttest_1samp(FIVE, 1.0, alternative="less").pvalue
    assert stats.equivalent(FIVE, 1.0) == pytest.approx(max(above, below))
    for margin in (0.5, 1.0, 1.7, 2.5):
        inside = reference.ttest_1samp(FIVE, 0).confidence_interval(0.9)
        within = -margin < inside.low and inside.high < margin
        assert (stats.equivalent(FIVE, margin) < 0.05) == within
    assert stats.equivalent(FIVE, 5.0) < 0.01 < 0.05 < stats.equivalent(FIVE, 1.0)


def test_runs_that_do_not_differ():
    assert stats.p_value([0.0, 0.0, 0.0]) == 1.0
    assert stats.p_value([2.0, 2.0, 2.0]) == 0.0
    assert stats.equivalent([0.1, 0.1], 1.0) == 0.0 and stats.equivalent([3.0, 3.0], 1.0) == 1.0
    assert np.isnan(stats.p_value([1.0]))


def test_what_is_detectable_falls_with_seeds():
    """That it is detected so often stands in `test_simulated`."""
    assert stats.detectable(2.0, 10) < stats.detectable(2.0, 5) < stats.detectable(2.0, 3)
    assert stats.detectable(1.0, 1) == float("inf")
    assert stats.fewest(lambda seeds: stats.detectable(2.0, seeds), 1.0, 999) > 30
    assert stats.fewest(lambda seeds: stats.detectable(2.0, seeds), 1.0, 9) is None
