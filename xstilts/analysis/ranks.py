"""Rank correlations over a few languages: how strong, how sure, and what could have been seen.

Takes numbers by language and reads nothing. Languages are the points, and what is said of them is
said of languages like these; a slope by seed says how sure it is of these very ones.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from xstilts.stats import Interval

NAN = float("nan")
DRAWS = 4000  # permutations
SURE = 0.05


class Rank(NamedTuple):
    """Spearman's rho over `n` languages, its 95 % interval (a random sample of languages), p by
    permutation of the languages within families, and how many controls were held. NaN below five
    languages."""

    rho: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN
    n: int = 0
    held: int = 0


def rank(x: pd.Series, y: pd.Series, controls: pd.DataFrame | None = None, family=None) -> Rank:
    """The rank correlation of `x` and `y`, of what is left of their ranks besides the `controls`.

    `family` (by language) keeps permutations within families; a language alone in its family then
    stays where it is.
    """
    controls = pd.DataFrame(index=x.index) if controls is None else controls
    both = pd.concat([x.rename("x"), y.rename("y"), controls], axis=1, join="inner").dropna()
    n, held = len(both), controls.shape[1]
    if n - held < 5 or both["x"].nunique() < 2 or both["y"].nunique() < 2:
        return Rank(n=n, held=held)
    ranks = both.rank().to_numpy()
    rest = np.column_stack([np.ones(n), ranks[:, 2:]])
    a, b = (_less(ranks[:, i], rest) for i in (0, 1))
    rho = _cosine(a, b)
    groups = None if family is None else family.reindex(both.index).to_numpy()
    drawn = _cosine(a, _dealt(b, groups))
    p = (1 + (np.abs(drawn) >= abs(rho) - 1e-9).sum()) / (1 + DRAWS)
    half = 1.96 * np.sqrt((1 + rho**2 / 2) / (n - held - 3))  # Bonett and Wright (2000)
    low, high = np.tanh(np.arctanh(np.clip(rho, -0.9999, 0.9999)) + np.array([-half, half]))
    return Rank(float(rho), float(low), float(high), float(p), n, held)


def _less(values: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """What a regression on `rest`, which has the constant, leaves of the values."""
    return values - rest @ np.linalg.lstsq(rest, values, rcond=None)[0]


def _cosine(a: np.ndarray, b: np.ndarray):
    size = np.linalg.norm(a) * np.linalg.norm(b, axis=-1)
    return b @ a / np.where(size > 0, size, np.inf)


def _dealt(values: np.ndarray, groups=None) -> np.ndarray:
    """(DRAWS, n): the values dealt out anew, within groups if there are any; a fixed draw."""
    dice, keys = np.random.default_rng(0), np.zeros(len(values))
    if groups is not None:
        keys = np.unique(groups.astype(str), return_inverse=True)[1].astype(float)
    order = np.argsort(keys[None] + dice.random((DRAWS, len(values))), axis=1)
    places = np.argsort(keys, kind="stable")
    made = np.empty((DRAWS, len(values)))
    made[:, places] = values[order]
    return made


def slopes(table: pd.DataFrame, x: pd.Series) -> pd.Series:
    """By seed, points of `table` (seeds x languages) per unit of `x`, by least squares."""
    both = table.columns.intersection(x.dropna().index)
    x = x.reindex(both) - x.reindex(both).mean()
    rows = table[both].dropna()
    if len(both) < 3 or not (x**2).sum():
        return pd.Series(dtype=float)
    return (rows @ x) / (x**2).sum()


def weakest(n: int, power: float = 0.8, alpha: float = SURE) -> float:
    """The weakest |rho| that `n` languages show with probability `power` (Fisher's z)."""
    from scipy.stats import norm

    if n < 4:
        return NAN
    return float(np.tanh((norm.ppf(1 - alpha / 2) + norm.ppf(power)) / np.sqrt(n - 3)))


def inflation(table: pd.DataFrame) -> pd.Series:
    """Variance inflation of each predictor by the others: 1 none, above 5 not to be told apart."""
    table = table.dropna()
    if len(table) <= table.shape[1] + 1:
        return pd.Series(NAN, index=table.columns)
    made = {}
    for name in table:
        rest = np.column_stack([np.ones(len(table)), table.drop(columns=name).to_numpy(float)])
        own = table[name].to_numpy(float)
        left = (_less(own, rest) ** 2).sum() / ((own - own.mean()) ** 2).sum()
        made[name] = 1 / left if left > 1e-9 else float("inf")
    return pd.Series(made)


def interval(estimate: float, error: float, free: float) -> Interval:
    """A t interval at 95 %; NaN bounds without degrees of freedom."""
    from scipy.stats import t

    half = t.ppf(0.975, free) * error if free > 0 else NAN
    return Interval(float(estimate), float(estimate - half), float(estimate + half))


def words(one: Rank) -> str:
    """The correlation with its interval and number of languages."""
    if np.isnan(one.rho):
        return f"too few languages ({one.n})" if one.n else "no data"
    return f"{one.rho:+.2f} [{one.low:+.2f}, {one.high:+.2f}], {one.n} languages"


def verdict(one: Rank, sign: int, p: float | None = None, alpha: float = SURE) -> str:
    """Whether a correlation of that sign (0: of any) is there; `p`: adjusted, else its own.

    Where one cannot tell: what would show, at the level `alpha`, with a probability of 80 %.
    """
    p = one.p if p is None else p
    if p < SURE and not np.isnan(p):
        return "holds" if not sign or sign * one.rho > 0 else "does not hold: the other way"
    if np.isnan(one.rho):
        return "cannot tell (no data)" if not one.n else "cannot tell (too few languages)"
    more = needed(one.rho, alpha=alpha)
    more = f" or {more + one.held} languages" if more and more + one.held > one.n else ""
    least = weakest(one.n - one.held, alpha=alpha)
    return f"cannot tell (would need |rho| {least:.2f}{more})"


def needed(rho: float, most: int = 500, alpha: float = SURE) -> int | None:
    """How many languages would show a correlation of this size; None if over `most`."""
    return next((n for n in range(5, most + 1) if weakest(n, alpha=alpha) <= abs(rho)), None)
