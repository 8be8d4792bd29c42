"""What figures let one say: effects and how sure they are, verdicts, a table and a picture of them.

A verdict, wherever it stands, is one of the four below.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from xstilts import plots, stats, tables

HOLDS, NOT, UNSURE, UNTESTED = "holds", "does not hold", "cannot tell", "not tested"
ALPHA = 0.05
NAN = float("nan")


def verdict(p: float, expected: bool, needs: str) -> str:
    """HOLDS if p is small and the sign the `expected` one; UNSURE with what it `needs` if not."""
    if p < ALPHA:
        return HOLDS if expected else f"{NOT}: the other way"
    return f"{UNSURE} ({needs})"


class Effect(NamedTuple):
    """A mean paired difference in points: 95 % t interval, p, seeds, and the least true difference
    that so many seeds would show (80 % power). NaN where there are too few seeds to say."""

    estimate: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN
    seeds: int = 0
    detectable: float = NAN

    @property
    def brief(self) -> str:
        """The estimate alone, for titles."""
        return tables.signed(self.estimate) if self.seeds else "no runs"

    @property
    def words(self) -> str:
        """The size with interval and seeds."""
        if self.seeds < 2:
            return f"{self.brief} points (one seed, no interval)" if self.seeds else self.brief
        few = f" {tables.FEW}" if self.seeds < tables.SEEDS else ""
        ends = f"{tables.signed(self.low)} to {tables.signed(self.high)}"
        return f"{self.brief} points (95 % interval {ends}, {self.seeds} seeds{few})"

    def shown(self, seeds: int, alpha: float = ALPHA) -> float:
        """What so many seeds would show at the level `alpha`, with the noise of this effect."""
        one, mine = stats.detectable(1, seeds, alpha), stats.detectable(1, self.seeds)
        return self.detectable * one / mine

    def needed(self, size: float, alpha: float = ALPHA, most: int = 200) -> int | None:
        """How many seeds would show `size` points with this noise; None if over `most`."""
        return stats.fewest(lambda seeds: self.shown(seeds, alpha), abs(size), most)

    def ruling(self, p: float | None = None, alpha: float = ALPHA) -> str:
        """Whether a predicted gain holds: by `p` (adjusted) if given, else by the effect's own.

        Where one cannot tell: what would, at the level `alpha`, with a probability of 80 %.
        """
        if not self.seeds:
            return UNTESTED
        needs = "needs two seeds or more"
        if self.seeds > 1:
            seeds = self.needed(self.estimate, alpha) or 0
            more = f" or {seeds} seeds" if seeds > self.seeds and self.estimate > 0 else ""
            needs = f"would need {self.shown(self.seeds, alpha):.1f} points{more}"
        return verdict(self.p if p is None else p, self.estimate > 0, needs)


def effect(values: Iterable[float]) -> Effect:
    """The effect behind paired differences, one a seed."""
    values = np.asarray(list(values), float)
    least = stats.detectable(values.std(ddof=1), len(values)) if len(values) > 1 else NAN
    return Effect(*stats.t_interval(values), stats.p_value(values), len(values), least)


def limits(one: Effect, languages: stats.Interval) -> str:
    """What a contrast could have shown, and its interval over languages drawn at random, too."""
    if np.isnan(languages.low):
        return "no intervals yet"
    ends = f"{tables.signed(languages.low)} to {tables.signed(languages.high)}"
    told = f"95 % interval over seeds and languages: {ends}"
    least = f"; minimum detectable effect (80 % power): {one.detectable:.1f} points"
    return told + least * (one.seeds > 1)


def side(one: Effect, above: str, below: str) -> str:
    """Which of two the sign of a contrast speaks for, if it does."""
    said = one.ruling()
    return above if said == HOLDS else below if said.startswith(NOT) else said


def count(found: Iterable[Effect], above: str, below: str) -> str:
    """How many of those with runs speak for which side, for titles."""
    said = Counter(side(one, above, below).partition(" (")[0] for one in found if one.seeds)
    return ", ".join(f"{number} {what}" for what, number in said.items()) or "no runs yet"


def table(found: Mapping, what: str = "effect") -> pd.DataFrame:
    """A row per claim, an Effect or a Rank: it in words, Holm's p over all of them, the ruling."""
    holm = stats.holm([one.p for one in found.values()])
    alpha = ALPHA / max(1, np.isfinite(holm).sum())
    rows = [(claim, one.words, p, one.ruling(p, alpha))
            for (claim, one), p in zip(found.items(), holm, strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["claim", what, "p", "verdict"]).set_index("claim")


def verdicts(claims: Mapping[str, Iterable[float]]) -> pd.DataFrame:
    """`table` of claims that say that their paired differences are above zero on average."""
    return table({claim: effect(values) for claim, values in claims.items()})


def tally(verdicts: Iterable[str]) -> str:
    """How many claims came out which way, in the words of the four verdicts."""
    verdicts = list(verdicts)
    counts = {kind: sum(one.startswith(kind) for one in verdicts)
              for kind in (HOLDS, NOT, UNSURE, UNTESTED)}  # fmt: skip
    return ", ".join(f'{count} "{kind}"' for kind, count in counts.items() if count) or "none"


def forest(effects: Mapping[str, Effect], title: str, label: str):
    """A line per effect, the first on top: its estimate and interval; grey if it spans zero.

    What has no runs is left out; of nothing at all only the title is drawn.
    """
    effects = {name: one for name, one in effects.items() if one.seeds}
    if not effects:
        return plots.nothing(title)
    figure, (axis,) = plots.axes(1, 1, width=7, height=1.2 + 0.32 * len(effects))
    for place, one in enumerate(effects.values()):
        sure = one.low > 0 or one.high < 0
        colour = plots.GREY if not sure else plots.BLUE if one.estimate > 0 else plots.ORANGE
        axis.hlines(place, one.low, one.high, color=colour, lw=2)
        axis.scatter([one.estimate], [place], color=colour, s=30, zorder=3)
    axis.axvline(0, color=plots.INK, lw=0.8)
    axis.set_yticks(range(len(effects)), list(effects))
    axis.set(ylim=(len(effects) - 0.4, -0.6), xlabel=label)
    axis.set_title(title)
    axis.grid(axis="y", visible=False)
    return figure
