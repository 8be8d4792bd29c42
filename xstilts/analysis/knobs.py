"""One knob of a constructed language: what it goes with, and what it does when it is turned.

The slope over languages, which differ in much else, beside the effect of changing nothing else
(Measures of the group "knobs", see `xstilts.minimal`); of doing otherwise than English, in points.
"""

import numpy as np
import pandas as pd

from xstilts import plots
from xstilts.minimal import AWAY, OTHER, TOWARDS, differs
from xstilts.stats import Interval, around
from xstilts.world.languages import ALL, LANGS

LOOKS = {"effect": (plots.BLUE, "changed alone"),
         "slope alone": (plots.ORANGE, "slope over languages"),
         "slope together": (plots.GREY, "slope, all knobs together")}  # fmt: skip


def design() -> pd.DataFrame:
    """Languages x knobs: 1 where a language does otherwise than English; `no cognates` is the share
    of words that are not, `little text` minus the logarithm of the share of text."""
    rows = {lang: {knob: float(differs(lang, knob)) for knob in (*OTHER, "script")}
            | {"no cognates": 1 - ALL[lang].cognates, "little text": -np.log(ALL[lang].share)}
            for lang in LANGS}  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index")


def accuracies(measures: pd.DataFrame, task: str, recipe: str) -> pd.DataFrame:
    """Languages x what was done ("": nothing), averaged over seeds; empty without such rows."""
    rows = measures[(measures["measure"] == "accuracy") & (measures["task"] == task)]
    rows = rows[rows["recipe"] == recipe].fillna({"domain": ""})
    return rows.pivot_table(index="lang", columns="domain", values="value", aggfunc="mean")


def turned(table: pd.DataFrame, knob: str) -> Interval | None:
    """The effect of doing otherwise than English; None with fewer than two languages either way.

    Half the difference between changing languages away from English and towards it, so that what
    being new costs cancels; 95 % t interval over languages (Welch).
    """
    from scipy.stats import ttest_ind

    done = [f"{knob} {way}" for way in (AWAY, TOWARDS)]
    if not {"", *done} <= set(table):
        return None
    away, towards = ((table[name] - table[""]).dropna() for name in done)
    if min(len(away), len(towards)) < 2:
        return None
    low, high = ttest_ind(away, towards, equal_var=False).confidence_interval()
    return Interval((away.mean() - towards.mean()) / 2, low / 2, high / 2)


def slopes(table: pd.DataFrame, knob: str) -> dict[str, Interval]:
    """The slope of a knob over languages as they are, alone, and together with all other knobs.

    Least squares with 95 % t intervals; together there are few degrees of freedom.
    """
    values = table[""].reindex(LANGS).dropna()
    knobs = design().loc[values.index]
    return {f"slope {what}": _slope(some.assign(constant=1.0), values.to_numpy(), knob)
            for what, some in (("alone", knobs[[knob]]), ("together", knobs))}  # fmt: skip


def _slope(x: pd.DataFrame, y: np.ndarray, knob: str) -> Interval:
    free, at = len(x) - x.shape[1], list(x).index(knob)
    x = x.to_numpy()
    if free < 1 or np.linalg.matrix_rank(x) < x.shape[1]:
        return around(np.nan, 0, 0)
    inverse = np.linalg.inv(x.T @ x)
    weights = inverse @ x.T @ y
    noise = ((y - x @ weights) ** 2).sum() / free
    return around(weights[at], np.sqrt(noise * inverse[at, at]), free)


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """Knobs that can be turned: `turned` and `slopes`, their bounds as "effect low", "effect high".

    Empty without measurements.
    """
    rows = {}
    for knob in OTHER:
        if effect := turned(table, knob):
            found = {"effect": effect} | slopes(table, knob)
            rows[knob] = {name: one.estimate for name, one in found.items()}
            rows[knob] |= {f"{name} low": one.low for name, one in found.items()}
            rows[knob] |= {f"{name} high": one.high for name, one in found.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def picture(table: pd.DataFrame, title: str):
    """By knob, the effect of turning it and the two slopes, each with its interval."""
    figure, (axis,) = plots.axes(1, 1, width=7.5, height=1.2 + 0.55 * len(table))
    for row, (_, own) in enumerate(table.iterrows()):
        for lower, (what, (colour, name)) in enumerate(LOOKS.items()):
            place = row + 0.22 * (lower - 1)
            axis.hlines(place, own[f"{what} low"], own[f"{what} high"], color=colour, lw=2)
            axis.scatter([own[what]], [place], color=colour, s=24, zorder=3,
                         label=name if not row else None)  # fmt: skip
    axis.axvline(0, color=plots.INK, lw=0.8)
    axis.set_yticks(range(len(table)), list(table.index))
    axis.set(
        ylim=(len(table) - 0.4, -0.6), xlabel="change in accuracy where a language differs, points"
    )
    clear = [k for k, own in table.iterrows() if own["effect high"] < 0 or own["effect low"] > 0]
    found = f"interval excludes 0 for {', '.join(clear) or 'no knob'}"
    axis.set_title(f"{title}: {found}")
    axis.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8)
    return figure


def told(table: pd.DataFrame, name: str) -> str:
    """Whether slopes and effects agree, and how much the slopes could have told."""
    signs = np.sign(table["effect"]) == np.sign(table["slope alone"])
    agree = table["effect"].between(table["slope alone low"], table["slope alone high"])
    wide = (table["slope alone high"] - table["slope alone low"]).mean()
    sharp = (table["effect high"] - table["effect low"]).mean()
    return (f"{name}: the effect of turning a knob lies within its slope's interval for "
            f"{agree.sum()} of {len(table)} knobs, with the same sign for {signs.sum()}; "
            f"the slopes' intervals are {wide:.0f} points wide, the effects' {sharp:.0f}, "
            f"so agreement {'says little' if wide > 3 * sharp else 'says something'}.")  # fmt: skip
