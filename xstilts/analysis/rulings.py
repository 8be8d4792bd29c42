"""What an effect lets one say: in words, as a ruling on a prediction, as a line in a picture."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from xstilts import plots, tables
from xstilts.analysis.effects import Effect, adjusted, effect
from xstilts.stats import Interval, detectable, fewest

MOST = 200  # seeds: nobody runs more


def limits(one: Effect, languages: Interval) -> str:
    """What a contrast could have shown, and its interval over languages drawn at random."""
    ends = (tables.signed(end) for end in (languages.low, languages.high))
    told = [f"languages at random: {' to '.join(ends)}"]
    if one.seeds > 1:
        told += [f"least difference that {one.seeds} seeds show: {one.detectable:.1f} points"]
    return "; ".join(told) if languages.low == languages.low else "no intervals yet"


def seeds_needed(one: Effect, alpha: float = 0.05) -> int | None:
    """How many seeds would show an effect of this size with this noise; None if over MOST."""
    if not np.isfinite(one.detectable) or not one.detectable or not one.estimate:
        return None
    return fewest(lambda seeds: _shown(one, seeds, alpha), abs(one.estimate), MOST)


def _shown(one: Effect, seeds: int, alpha: float) -> float:
    """What so many seeds would show at the level `alpha`, with the noise of this effect."""
    return one.detectable * detectable(1, seeds, alpha=alpha) / detectable(1, one.seeds)


def brief(one: Effect) -> str:
    """The estimate alone, for titles."""
    return tables.signed(one.estimate) if one.seeds else "no runs"


def words(one: Effect) -> str:
    """The size with interval and seeds."""
    if not one.seeds:
        return "no runs"
    size = f"{tables.signed(one.estimate)} points"
    if one.seeds < 2:
        return f"{size} (one seed, no interval)"
    few = f" {tables.FEW}" if one.seeds < tables.SEEDS else ""
    ends = f"{tables.signed(one.low)} to {tables.signed(one.high)}"
    return f"{size} (95 % interval {ends}, {one.seeds} seeds{few})"


def ruling(one: Effect, p: float | None = None, alpha: float = 0.05) -> str:
    """Whether a predicted gain holds: by `p` (adjusted) if given, else by the effect's own.

    Where one cannot tell: what would, at the level `alpha`, with a probability of 80 %.
    """
    p = one.p if p is None else p
    if p < 0.05:
        return "holds" if one.estimate > 0 else "does not hold: the other way"
    if one.seeds < 2:
        return f"cannot tell ({'needs two seeds or more' if one.seeds else 'no runs'})"
    least = _shown(one, one.seeds, alpha)
    need = seeds_needed(one, alpha)
    more = f" or {need} seeds" if need and need > one.seeds else ""
    return f"cannot tell (would need {least:.1f} points{more})"


def side(one: Effect, above: str, below: str) -> str:
    """Which of two the sign of a contrast speaks for, if it does."""
    said = ruling(one)
    return above if said == "holds" else below if said.startswith("does not") else said


def verdicts(claims: Mapping[str, pd.Series]) -> pd.DataFrame:
    """A row per claim, which says that its paired differences are above zero on average: effect,
    Holm's p over all these claims, and the ruling."""
    found = {claim: effect(values) for claim, values in claims.items()}
    holm = adjusted([one.p for one in found.values()])
    alpha = 0.05 / max(1, sum(one.seeds > 1 for one in found.values()))
    rows = [(claim, words(one), p, ruling(one, p, alpha))
            for (claim, one), p in zip(found.items(), holm, strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["claim", "effect", "p", "verdict"]).set_index("claim")


def forest(effects: Mapping[str, Effect], title: str, label: str):
    """A line per effect, the first on top: its estimate and interval; grey if it spans zero.

    What has no runs is left out; of nothing at all only the title is drawn.
    """
    effects = {name: one for name, one in effects.items() if one.seeds}
    height = 1.2 + 0.32 * len(effects) if effects else 0.5
    figure, (axis,) = plots.axes(1, 1, width=7, height=height)
    for place, one in enumerate(effects.values()):
        sure = one.low > 0 or one.high < 0
        colour = plots.GREY if not sure else plots.BLUE if one.estimate > 0 else plots.ORANGE
        axis.hlines(place, one.low, one.high, color=colour, lw=2)
        axis.scatter([one.estimate], [place], color=colour, s=30, zorder=3)
    axis.axvline(0, color=plots.INK, lw=0.8 if effects else 0)
    axis.set_yticks(range(len(effects)), list(effects))
    axis.set(ylim=(len(effects) - 0.4, -0.6), xlabel=label)
    axis.set_title(title, fontsize=10, loc="left")
    axis.grid(axis="y", visible=False)
    if not effects:
        axis.set_axis_off()
    return figure
