"""What study 13 claims of distance from English, and how it is shown."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from xstilts import plots
from xstilts.analysis.distance import CONTROLS
from xstilts.analysis.ranks import Rank, rank
from xstilts.analysis.rulings import HOLDS, Effect, effect, tally


def claims(told: pd.DataFrame, xnli: Mapping, tagged: Mapping, longer: pd.DataFrame):
    """{claim: Rank} of the study's secondary claims; `xnli` and `tagged` are of `outcomes`.

    `longer`: seeds x languages, what XNLI gains by as many updates on its own set alone.
    """

    def tried(sign: int, outcome: pd.DataFrame, x: str = "distance", held: Sequence[str] = ()):
        return rank(told[x], outcome.mean(), told[list(held)], told["family"], sign)

    before, after = xnli["drop before"], xnli["drop after"]
    beyond = (xnli["gain"] - longer).dropna(how="all")
    once = " (one seed)" * (len(beyond) == 1)
    return {
        "XNLI: the drop grows with distance, before": tried(1, before),
        "XNLI: the drop grows with distance, after": tried(1, after),
        "XNLI: the same before, size and fertility held": tried(1, before, held=CONTROLS),
        "XNLI: the drop shrinks with size, distance held": tried(
            -1, before, "log size", ["distance"]
        ),
        "XNLI: the intermediate task widens the drop of far ones": tried(1, xnli["widening"]),
        "XNLI: relative transfer falls with distance, after": tried(-1, xnli["relative after"]),
        f"XNLI: what is gained beyond equal updates goes with distance{once}": tried(0, beyond),
        "UD-POS: the drop grows with distance, size held": tried(
            1, tagged["drop before"], held=["log size"]
        ),
    }


def predicted(first: Rank, gain: pd.Series, judged: pd.DataFrame) -> pd.DataFrame:
    """What literature makes one expect of this study, each with its verdict.

    `gain`: XNLI's, by seed. That there is none means less than a point.
    """
    found, said = (judged[name].tolist() for name in ("rank correlation", "verdict"))
    rows = {
        "XNLI gains less than a point": (effect(gain).words, effect(1 - gain).ruling()),
        "the drop from English grows with distance": (found[0], said[0]),
        "for NLI, size explains it": (found[3], said[3]),
        "for tagging, syntax explains it": (found[-1], said[-1]),
        "far languages get less from an intermediate task": (
            first.words, first._replace(sign=-1).ruling()
        ),
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index", columns=["found", "verdict"])


def scatter(x: pd.Series, values: Mapping[str, pd.Series], label: str, titles: Sequence[str]):
    """A panel per series of `values` (by language) over distance, each language by its code."""
    figure, panels = plots.axes(1, len(values), width=4.4 * len(values), height=3.3)
    for axis, (name, own), title in zip(panels, values.items(), titles, strict=True):
        both = pd.concat([x.rename("x"), own.rename("y")], axis=1, join="inner").dropna()
        axis.axhline(0, color=plots.GREY, lw=0.8)
        axis.scatter(both["x"], both["y"], color=plots.BLUE, s=22, zorder=3)
        for lang, row in both.iterrows():
            axis.annotate(lang, (row["x"], row["y"]), xytext=(4, 3), fontsize=7,
                          textcoords="offset points", color=plots.INK)  # fmt: skip
        if len(both) > 2 and both["x"].nunique() > 1:
            ends = np.array([both["x"].min(), both["x"].max()])
            axis.plot(ends, np.polyval(np.polyfit(both["x"], both["y"], 1), ends),
                      color=plots.ORANGE, lw=1.4)  # fmt: skip
        axis.set(xlabel=label, ylabel=name)
        axis.set_title(title, fontsize=9)
    return figure


def closing(name: str, first: Rank, slope: Effect, gain: Effect, judged: pd.DataFrame) -> str:
    """What was found for one setting, how surely, and what could not be told."""
    told = f"{name}: does XNLI's gain from MNLI go with distance from English? {first.ruling()}: "
    told += f"rank correlation {first.words}"
    told += f", permutation p {first.p:.3f}.\n" if np.isfinite(first.p) else ".\n"
    told += f"The gain is {gain.words} outside English. "
    told += f"Per unit of distance: {slope.words}. "
    holding = list(judged.index[judged["verdict"].str.startswith(HOLDS)])
    told += f"Of {len(judged)} secondary claims: {tally(judged['verdict'])}"
    return told + (f" (holding: {'; '.join(holding)})." if holding else ".")
