"""Rank correlations over a few languages: how strong, how sure, and what could have been seen.

Takes numbers by language and reads nothing. Languages are the points, and what is said of them is
said of languages like these; a slope by seed says how sure it is of these very ones.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from xstilts.analysis.rulings import ALPHA, NAN, UNTESTED, verdict
from xstilts.stats import fewest

DRAWS = 4000  # permutations
MOST = 500  # languages that anybody could have


class Rank(NamedTuple):
    """Spearman's rho over `n` languages, its 95 % interval (a random sample of languages), p by
    permutation of the languages within families, how many controls were held, and the sign that
    is expected (0: any). NaN below five languages."""

    rho: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN
    n: int = 0
    held: int = 0
    sign: int = 0

    @property
    def words(self) -> str:
        """The correlation with its interval and number of languages."""
        if np.isnan(self.rho):
            return f"too few languages ({self.n})" if self.n else "no data"
        return f"{self.rho:+.2f} [{self.low:+.2f}, {self.high:+.2f}], {self.n} languages"

    def ruling(self, p: float | None = None, alpha: float = ALPHA) -> str:
        """Whether a correlation of the expected sign is there; `p`: adjusted, else its own.

        Where one cannot tell: what would show, at the level `alpha`, with a probability of 80 %.
        """
        if not self.n:
            return UNTESTED
        needs = "too few languages"
        if not np.isnan(self.rho):
            langs = fewest(lambda n: weakest(n, alpha), abs(self.rho), MOST) or 0
            more = f" or {langs + self.held} languages" if langs + self.held > self.n else ""
            needs = f"would need |rho| {weakest(self.n - self.held, alpha):.2f}{more}"
        expected = not self.sign or self.sign * self.rho > 0
        return verdict(self.p if p is None else p, expected, needs)


def rank(x: pd.Series, y: pd.Series, controls: pd.DataFrame | None = None, family=None,
         sign: int = 0) -> Rank:  # fmt: skip
    """The rank correlation of `x` and `y`, of what is left of their ranks besides the `controls`.

    `family` (by language) keeps permutations within families; a language alone in its family then
    stays where it is.
    """
    controls = pd.DataFrame(index=x.index) if controls is None else controls
    both = pd.concat([x.rename("x"), y.rename("y"), controls], axis=1, join="inner").dropna()
    n, held = len(both), controls.shape[1]
    if n - held < 5 or both["x"].nunique() < 2 or both["y"].nunique() < 2:
        return Rank(n=n, held=held, sign=sign)
    ranks = both.rank().to_numpy()
    rest = np.column_stack([np.ones(n), ranks[:, 2:]])
    a, b = (_less(ranks[:, i], rest) for i in (0, 1))
    rho = _cosine(a, b)
    groups = None if family is None else family.reindex(both.index).to_numpy()
    drawn = _cosine(a, _less(_dealt(b, groups).T, rest).T)  # the controls are held in each draw
    p = (1 + (np.abs(drawn) >= abs(rho) - 1e-9).sum()) / (1 + DRAWS)
    half = 1.96 * np.sqrt((1 + rho**2 / 2) / (n - held - 3))  # Bonett and Wright (2000)
    low, high = np.tanh(np.arctanh(np.clip(rho, -0.9999, 0.9999)) + np.array([-half, half]))
    return Rank(float(rho), float(low), float(high), float(p), n, held, sign)


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


def weakest(n: int, alpha: float = ALPHA) -> float:
    """The weakest |rho| that `n` languages show four times out of five (Fisher's z)."""
    from scipy.stats import norm

    if n < 4:
        return NAN
    return float(np.tanh((norm.ppf(1 - alpha / 2) + norm.ppf(0.8)) / np.sqrt(n - 3)))


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
