"""How sure a difference is: intervals, corrections, equivalence, and what could have been seen.

Effects first: a size with its interval, then a corrected p-value. Nothing here draws or prints.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np


class Interval(NamedTuple):
    """An estimate with its two-sided confidence interval, in the unit of what went in."""

    estimate: float
    low: float
    high: float


def t_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """The mean of independent values (one a seed) and its t interval; NaN bounds below two."""
    from scipy.stats import t

    values = _finite(values)
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, float("nan"), float("nan"))
    half = t.ppf((1 + level) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return Interval(mean, float(mean - half), float(mean + half))


def paired(after: Sequence[float], before: Sequence[float], level: float = 0.95) -> Interval:
    """The mean difference of runs paired by seed, with its t interval."""
    return t_interval(_finite(after) - _finite(before), level)


def over_languages(differences, level: float = 0.95) -> Interval:
    """The mean difference (seeds, languages) as if the languages were a random sample, too.

    Seeds and languages are crossed random effects: what a seed does to all languages at once does
    not average out over them. Mean squares give the variance, Satterthwaite's rule its degrees of
    freedom. NaN bounds for one seed or one language.
    """
    from scipy.stats import t

    table = _finite(differences)
    (seeds, langs), mean = table.shape, float(table.mean())
    if min(seeds, langs) < 2:
        return Interval(mean, float("nan"), float("nan"))
    by_seed, by_lang, rest = mean_squares(table)
    variance = max(by_seed + by_lang - rest, by_seed, by_lang)
    if not variance:
        return Interval(mean, mean, mean)
    free = variance**2 / (by_seed**2 / (seeds - 1) + by_lang**2 / (langs - 1))
    half = t.ppf((1 + level) / 2, max(free, min(seeds, langs) - 1))
    half *= np.sqrt(variance / (seeds * langs))
    return Interval(mean, float(mean - half), float(mean + half))


def mean_squares(table: np.ndarray) -> tuple[float, float, float]:
    """Mean squares between rows, between columns, and of what neither accounts for."""
    rows, columns = table.shape
    by_row, by_column = table.mean(axis=1), table.mean(axis=0)
    rest = table - by_row[:, None] - by_column + table.mean()
    return (float(columns * by_row.var(ddof=1)), float(rows * by_column.var(ddof=1)),
            float((rest**2).sum() / ((rows - 1) * (columns - 1))))  # fmt: skip


def bootstrap(
    counts, other=None, *, level: float = 0.95, repeats: int = 2000, seed: int = 0
) -> Interval:
    """A score's mean over languages, items drawn anew with all their translations.

    `counts` (languages, items, 3): hit, said, gold of every example, zeros where a language lacks
    an item; a language's score is 200 * hit / (said + gold). With `other`, the same items by
    another run, the interval is of the difference `counts - other`. Percentile interval.
    """
    both = np.stack([_finite(c) for c in ([counts] if other is None else [counts, other])])
    items = both.shape[2]
    flat = np.moveaxis(both, 2, 0).reshape(items, -1)
    generator, even = np.random.default_rng(seed), np.full(items, 1 / items)
    sums = np.stack([generator.multinomial(items, even) @ flat for _ in range(repeats)])
    drawn = _contrast(sums.reshape(repeats, *both.shape[:2], 3))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    estimate = _contrast(both.sum(axis=2)[None])[0]
    return Interval(float(estimate), float(low), float(high))


def _contrast(sums: np.ndarray) -> np.ndarray:
    """(draws, runs, languages, 3) -> (draws,): mean score, the first run's less the second's."""
    size = sums[..., 1] + sums[..., 2]
    score = (200 * sums[..., 0] / np.where(size, size, 1)).mean(axis=2)
    return score[:, 0] - score[:, 1] if score.shape[1] == 2 else score[:, 0]


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's adjusted p-values: family-wise error within the claims of one study."""
    p, order = _finite(p), np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    return np.minimum(steps, 1)[np.argsort(order)]


def benjamini_hochberg(p: Sequence[float]) -> np.ndarray:
    """Benjamini and Hochberg's adjusted p-values: false discovery rate in a matrix."""
    p, order = _finite(p), np.argsort(p)
    ratios = p[order] * len(p) / np.arange(1, len(p) + 1)
    return np.minimum.accumulate(ratios[::-1])[::-1][np.argsort(order)]


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


def detectable(deviation: float, seeds: int, power: float = 0.8, alpha: float = 0.05) -> float:
    """The least true difference that `seeds` paired runs would show with probability `power`.

    `deviation`: standard deviation of the paired differences. Two-sided t test at `alpha`.
    """
    return _least(seeds, power, alpha) * deviation if seeds > 1 else float("inf")


@cache
def _least(seeds: int, power: float, alpha: float) -> float:
    """`detectable`, in standard deviations."""
    from scipy.optimize import brentq
    from scipy.stats import chi2, norm, t

    free, critical = seeds - 1, t.ppf(1 - alpha / 2, seeds - 1)
    # the test's bound in units of the true error, over the spread of the estimated one
    bound = critical * np.sqrt(chi2.ppf((np.arange(4000) + 0.5) / 4000, free) / free)

    def shortfall(shift: float) -> float:
        return float((norm.sf(bound - shift) + norm.cdf(-bound - shift)).mean()) - power

    return float(brentq(shortfall, 0, 20 * critical) / np.sqrt(seeds))


def fewest(shown: Callable[[int], float], size: float, most: int) -> int | None:
    """The fewest seeds, two or more, for which `shown` (falls with them) is at most `size`; None
    if that takes more than `most`."""
    low, high = 1, most
    if shown(high) > size:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if shown(middle) <= size else (middle, high)
    return high


def _finite(values) -> np.ndarray:
    array = np.asarray(values, float)
    if not array.size or not np.isfinite(array).all():
        raise ValueError("expected at least one number and no missing ones")
    return array
