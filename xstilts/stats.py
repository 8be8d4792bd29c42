"""How sure a difference is: intervals, corrections, equivalence, and what could have been seen.

Effects first: a size with its interval, then a corrected p-value. Nothing here draws or prints.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

POWER = 0.8  # of what is called detectable


class Interval(NamedTuple):
    """An estimate with its two-sided confidence interval, in the unit of what went in."""

    estimate: float
    low: float
    high: float


def around(estimate: float, error: float, free: float) -> Interval:
    """The 95 % t interval of an estimate with this standard error; NaN bounds without freedom."""
    from scipy.stats import t

    half = t.ppf(0.975, free) * error if free > 0 else float("nan")
    return Interval(float(estimate), float(estimate - half), float(estimate + half))


def t_interval(values: Sequence[float]) -> Interval:
    """The mean of independent values (one a seed) and its t interval.

    NaN bounds for one value; all NaN for none.
    """
    values = _finite(values)
    if len(values) < 2:
        return around(values[0] if len(values) else float("nan"), 0, 0)
    return around(values.mean(), values.std(ddof=1) / np.sqrt(len(values)), len(values) - 1)


def over_languages(differences) -> Interval:
    """The mean difference (seeds, languages) as if the languages were a random sample, too.

    Seeds and languages are crossed random effects: what a seed does to all languages at once does
    not average out over them. Mean squares give the variance, Satterthwaite's rule its degrees of
    freedom. NaN bounds for one seed or one language; all NaN without any.
    """
    table = _finite(differences)
    if not table.size:
        return around(float("nan"), 0, 0)
    (seeds, langs), mean = table.shape, float(table.mean())
    if min(seeds, langs) < 2:
        return around(mean, 0, 0)
    by_seed, by_lang, rest = mean_squares(table)
    variance = max(by_seed + by_lang - rest, by_seed, by_lang)
    if not variance:
        return Interval(mean, mean, mean)
    free = variance**2 / (by_seed**2 / (seeds - 1) + by_lang**2 / (langs - 1))
    return around(mean, np.sqrt(variance / (seeds * langs)), max(free, min(seeds, langs) - 1))


def mean_squares(table: np.ndarray) -> tuple[float, float, float]:
    """Mean squares between rows, between columns, and of what neither accounts for."""
    rows, columns = table.shape
    by_row, by_column = table.mean(axis=1), table.mean(axis=0)
    rest = table - by_row[:, None] - by_column + table.mean()
    return (float(columns * by_row.var(ddof=1)), float(rows * by_column.var(ddof=1)),
            float((rest**2).sum() / ((rows - 1) * (columns - 1))))  # fmt: skip


def bootstrap(counts, *, repeats: int = 2000, seed: int = 0) -> Interval:
    """A score's mean over languages, items drawn anew with all their translations.

    `counts` (languages, items, 3): hit, said, gold of every example, zeros where a language lacks
    an item; a language's score is 200 * hit / (said + gold). 95 % percentile interval.
    """
    counts = _finite(counts)
    items = counts.shape[1]
    flat, even = np.moveaxis(counts, 1, 0).reshape(items, -1), np.full(items, 1 / items)
    generator = np.random.default_rng(seed)
    sums = np.stack([generator.multinomial(items, even) @ flat for _ in range(repeats)])
    low, high = np.quantile(_percent(sums.reshape(repeats, -1, 3)), [0.025, 0.975])
    return Interval(float(_percent(counts.sum(axis=1))), float(low), float(high))


def _percent(sums: np.ndarray) -> np.ndarray:
    """(..., languages, 3) -> (...): the mean score."""
    size = sums[..., 1] + sums[..., 2]
    return (200 * sums[..., 0] / np.where(size, size, 1)).mean(axis=-1)


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's adjusted p-values: family-wise error within the claims of one study.

    A NaN, a claim that was not tested, stays NaN and does not count.
    """
    p, order = np.asarray(p, float), np.argsort(p)  # NaN comes last
    steps = np.maximum.accumulate(p[order] * (np.isfinite(p).sum() - np.arange(len(p))))
    return np.minimum(steps, 1)[np.argsort(order)]


def benjamini_hochberg(p: Sequence[float]) -> np.ndarray:
    """Benjamini and Hochberg's adjusted p-values: false discovery rate in a matrix.

    NaN as in `holm`.
    """
    p, order = np.asarray(p, float), np.argsort(p)
    ratios = p[order] * np.isfinite(p).sum() / np.arange(1, len(p) + 1)
    return np.fmin.accumulate(ratios[::-1])[::-1][np.argsort(order)]


def p_value(differences: Sequence[float]) -> float:
    """Two-sided p of the paired t test that the mean difference is zero; NaN for one seed."""
    values = _finite(differences)
    return 2 * min(_above(values, 0), _above(-values, 0))


def equivalent(differences: Sequence[float], margin: float) -> float:
    """TOST: p of the claim that the mean difference lies within `margin` either way."""
    values = _finite(differences)
    return max(_above(values, -margin), _above(-values, -margin))


def _above(values: np.ndarray, bound: float) -> float:
    """One-sided p of the t test that the mean is above `bound`."""
    from scipy.stats import t

    if len(values) < 2:
        return float("nan")
    lead, error = values.mean() - bound, values.std(ddof=1) / np.sqrt(len(values))
    if not error:  # the same in every run: sure, unless it is the bound itself
        return 0.5 if not lead else float(lead < 0)
    return float(t.sf(lead / error, len(values) - 1))


def detectable(deviation: float, seeds: int, alpha: float = 0.05) -> float:
    """The least true difference that `seeds` paired runs would show four times out of five.

    `deviation`: standard deviation of the paired differences. Two-sided t test at `alpha`.
    """
    return _least(seeds, alpha) * deviation if seeds > 1 else float("inf")


def margin(deviation: float, seeds: int) -> float:
    """The least margin within which `seeds` paired runs would show that a difference which is none
    lies (`equivalent`), four times out of five."""
    from scipy.stats import t

    both_sides = t.ppf(0.95, seeds - 1) + t.ppf((1 + POWER) / 2, seeds - 1)
    return float(both_sides * deviation / seeds**0.5)


@cache
def _least(seeds: int, alpha: float) -> float:
    """`detectable`, in standard deviations."""
    from scipy.optimize import brentq
    from scipy.stats import chi2, norm, t

    free, critical = seeds - 1, t.ppf(1 - alpha / 2, seeds - 1)
    # the test's bound in units of the true error, over the spread of the estimated one
    bound = critical * np.sqrt(chi2.ppf((np.arange(4000) + 0.5) / 4000, free) / free)

    def shortfall(shift: float) -> float:
        return float((norm.sf(bound - shift) + norm.cdf(-bound - shift)).mean()) - POWER

    return float(brentq(shortfall, 0, 20 * critical) / np.sqrt(seeds))


def fewest(shown: Callable[[int], float], size: float, most: int) -> int | None:
    """The fewest seeds, two or more, for which `shown` (falls with them) is at most `size`; None
    if that takes more than `most`."""
    enough = bisect_left(range(2, most + 1), True, key=lambda seeds: shown(seeds) <= size)
    return 2 + enough if 2 + enough <= most else None


def _finite(values) -> np.ndarray:
    array = np.asarray(values, float)
    if not np.isfinite(array).all():
        raise ValueError("expected no missing numbers")
    return array
