"""What study 13 claims of distance from English, how each claim is judged, and how it is shown."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from xstilts import plots
from xstilts.analysis import rulings
from xstilts.analysis.distance import CONTROLS
from xstilts.analysis.effects import Effect, adjusted, effect
from xstilts.analysis.ranks import SURE, Rank, rank, verdict, words


class Claim(NamedTuple):
    """Two things by language and the sign they should go together with (0: any), what is held."""

    x: pd.Series
    y: pd.Series
    sign: int
    held: pd.DataFrame | None = None


def claims(told: pd.DataFrame, xnli: Mapping, tagged: Mapping, longer: pd.DataFrame):
    """The secondary claims of the study by their words; `xnli` and `tagged` are of `outcomes`.

    `longer`: seeds x languages, what XNLI gains by as many updates on its own set alone.
    """
    x, size, other = told["distance"], told["log size"], told[list(CONTROLS)]
    mean = {name: table.mean() for name, table in xnli.items()}
    beyond = (xnli["gain"] - longer).dropna(how="all").mean()
    return {
        "XNLI: the drop grows with distance, before": Claim(x, mean["drop before"], 1),
        "XNLI: the drop grows with distance, after": Claim(x, mean["drop after"], 1),
        "XNLI: the same before, size and fertility held": Claim(x, mean["drop before"], 1, other),
        "XNLI: the drop shrinks with size, distance held": Claim(
            size, mean["drop before"], -1, told[["distance"]]
        ),
        "XNLI: the intermediate task widens the drop of far ones": Claim(x, mean["widening"], 1),
        "XNLI: relative transfer falls with distance, after": Claim(x, mean["relative after"], -1),
        "XNLI: what is gained beyond equal updates goes with distance": Claim(x, beyond, 0),
        "UD-POS: the drop grows with distance, size held": Claim(
            x, tagged["drop before"].mean(), 1, told[["log size"]]
        ),
    }


def judged(claims: Mapping[str, Claim], family: pd.Series) -> pd.DataFrame:
    """A row per claim: rank correlation in words, p as Holm adjusts it, verdict."""
    found = {name: rank(c.x, c.y, c.held, family) for name, c in claims.items()}
    p = adjusted([one.p for one in found.values()])
    alpha = SURE / max(1, np.isfinite(p).sum())
    rows = [(name, words(one), q, verdict(one, claims[name].sign, q, alpha))
            for (name, one), q in zip(found.items(), p, strict=True)]  # fmt: skip
    return pd.DataFrame(rows, columns=["claim", "rank correlation", "p", "verdict"]).set_index(
        "claim"
    )


def predicted(first: Rank, gain: pd.Series, judged: pd.DataFrame) -> pd.DataFrame:
    """What literature makes one expect of this study, each with its verdict.

    `gain`: XNLI's, by seed. That there is none means less than a point.
    """
    none = rulings.ruling(effect(1 - gain))
    said = judged["verdict"].tolist()
    rows = {
        "XNLI gains less than a point": (rulings.words(effect(gain)), none),
        "the drop from English grows with distance": (judged.iloc[0, 0], said[0]),
        "for NLI, size explains it": (judged.iloc[3, 0], said[3]),
        "for tagging, syntax explains it": (judged.iloc[-1, 0], said[-1]),
        "far languages get less from an intermediate task": (words(first), verdict(first, -1)),
    }
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
        axis.set_title(title, fontsize=9, loc="left")
    return figure


def closing(name: str, first: Rank, slope: Effect, gain: Effect, judged: pd.DataFrame) -> str:
    """What was found for one setting, how surely, and what could not be told."""
    told = f"{name}: XNLI gains {rulings.words(gain)} from MNLI outside English. "
    told += f"Does the gain go with distance from English? {verdict(first, 0)}: "
    told += f"rank correlation {words(first)}"
    told += f", permutation p {first.p:.3f}. " if np.isfinite(first.p) else ". "
    told += f"Per unit of distance: {rulings.words(slope)}. "
    told += f"Of {len(judged)} secondary claims"
    for start, what in (("holds", "hold"), ("does not", "do not hold")):
        own = list(judged.index[judged["verdict"].str.startswith(start)])
        told += f" {len(own)} {what}" + (f" ({'; '.join(own)})," if own else ",")
    return f"{told} {judged['verdict'].str.startswith('cannot').sum()} are open."
