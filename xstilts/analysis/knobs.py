"""One knob of a constructed language: what it goes with, and what it does when it is turned.

The slope over languages, which differ in much else, beside the effect of changing one knob of a
language and nothing else (Measures of the group "knobs", see `xstilts.minimal`). Effects are those
of doing otherwise than English, in points of accuracy.
"""

import numpy as np
import pandas as pd

from xstilts import plots
from xstilts.analysis.ranks import interval
from xstilts.world.languages import ALL, LANGS

TURNED = ("order", "adjective", "adposition", "case", "plural", "tense")
TOWARDS, AWAY = "towards English", "away from English"
COLUMNS = ("estimate", "low", "high", "n")
NAMES = {"effect": "turned alone", "slope alone": "slope over languages",
         "slope together": "slope, all knobs together"}  # fmt: skip


def design() -> pd.DataFrame:
    """Languages x knobs: 1 where a language does otherwise than English; `no cognates` is the share
    of words that are not, `little text` minus the logarithm of the share of text."""
    english, rows = ALL["en"], {}
    for lang in LANGS:
        own = ALL[lang]
        rows[lang] = {knob: float(getattr(own, knob) != getattr(english, knob))
                      for knob in (*TURNED, "script")}  # fmt: skip
        rows[lang] |= {"no cognates": 1 - own.cognates, "little text": -np.log(own.share)}
    return pd.DataFrame.from_dict(rows, orient="index")


def accuracies(measures: pd.DataFrame, task: str, recipe: str) -> pd.DataFrame:
    """Languages x what was done ("": nothing), averaged over seeds; empty without such rows."""
    rows = measures[(measures["measure"] == "accuracy") & (measures["task"] == task)]
    rows = rows[rows["recipe"] == recipe].fillna({"domain": ""})
    return rows.pivot_table(index="lang", columns="domain", values="value", aggfunc="mean")


def turned(table: pd.DataFrame) -> pd.DataFrame:
    """By knob, the effect of doing otherwise than English, and that of being new to the encoder.

    Half the difference between changing languages towards English and away from it, and half
    the sum of the two; 95 % t intervals over languages (Welch). `n`: languages.
    """
    made = {}
    for knob in TURNED:
        towards, away = (_changes(table, f"{knob} {way}") for way in (TOWARDS, AWAY))
        if min(len(towards), len(away)) < 2:
            continue
        parts = [own.var(ddof=1) / len(own) for own in (towards, away)]
        error, free = np.sqrt(sum(parts)) / 2, _free(parts, (len(towards), len(away)))
        effects = (away.mean() - towards.mean()) / 2, (away.mean() + towards.mean()) / 2
        n = len(towards) + len(away)
        for what, value in zip(("knob", "novelty"), effects, strict=True):
            made[knob, what] = (*interval(value, error, free), n)
    index = pd.MultiIndex.from_tuples(made, names=["knob", "effect"]) if made else None
    return pd.DataFrame(list(made.values()), columns=list(COLUMNS), index=index)


def _changes(table: pd.DataFrame, done: str) -> pd.Series:
    if done not in table or "" not in table:
        return pd.Series(dtype=float)
    return (table[done] - table[""]).dropna()


def _free(parts, sizes) -> float:
    """Welch's degrees of freedom."""
    lower = sum(v**2 / (n - 1) for v, n in zip(parts, sizes, strict=True))
    return sum(parts) ** 2 / lower if lower else 0.0


def observed(table: pd.DataFrame) -> pd.DataFrame:
    """By knob, the slope over languages as they are: alone, and together with all other knobs.

    Least squares with 95 % t intervals; together there are few degrees of freedom.
    """
    knobs = design()
    values = table[""].reindex(knobs.index) if "" in table else pd.Series(np.nan, knobs.index)
    knobs, values = knobs[values.notna()], values.dropna()
    made = {}
    for knob in knobs:
        for what, some in (("alone", [knob]), ("together", list(knobs))):
            made[knob, what] = (*_slope(knobs[some], values, knob), len(values))
    index = pd.MultiIndex.from_tuples(made, names=["knob", "slope"])
    return pd.DataFrame(list(made.values()), columns=list(COLUMNS), index=index)


def _slope(knobs: pd.DataFrame, values: pd.Series, knob: str):
    x = np.column_stack([knobs.to_numpy(float), np.ones(len(values))])
    free = len(values) - x.shape[1]
    if free < 1 or np.linalg.matrix_rank(x) < x.shape[1]:
        return interval(np.nan, np.nan, 0)
    inverse, at = np.linalg.inv(x.T @ x), list(knobs).index(knob)
    weights = inverse @ x.T @ values.to_numpy()
    noise = ((values.to_numpy() - x @ weights) ** 2).sum() / free
    return interval(weights[at], np.sqrt(noise * inverse[at, at]), free)


def compared(table: pd.DataFrame) -> pd.DataFrame:
    """Knobs that can be turned: slope alone, slope together, effect, novelty, and whether the
    effect lies in the interval of each slope."""
    effects, rows = turned(table), {}
    if effects.empty:
        return pd.DataFrame()
    slopes = observed(table)[list(COLUMNS[:3])]
    for knob in dict.fromkeys(effects.index.get_level_values("knob")):
        effect = effects.loc[(knob, "knob")]
        told = {"effect": effect, "novelty": effects.loc[(knob, "novelty")]}
        told |= {f"slope {what}": slopes.loc[(knob, what)] for what in ("alone", "together")}
        rows[knob] = {name: own["estimate"] for name, own in told.items()}
        rows[knob] |= {f"{name} {end}": own[end] for name, own in told.items()
                       for end in ("low", "high")}  # fmt: skip
        for what in ("alone", "together"):
            own = told[f"slope {what}"]
            rows[knob][f"agrees, {what}"] = own["low"] <= effect["estimate"] <= own["high"]
    return pd.DataFrame.from_dict(rows, orient="index")


def picture(table: pd.DataFrame, title: str):
    """By knob, the effect of turning it and the two slopes, each with its interval."""
    figure, (axis,) = plots.axes(1, 1, width=7.5, height=1.2 + 0.55 * len(table))
    looks = {"effect": plots.BLUE, "slope alone": plots.ORANGE, "slope together": plots.GREY}
    for row, (_, own) in enumerate(table.iterrows()):
        for lower, (what, colour) in enumerate(looks.items()):
            place = row + 0.22 * (lower - 1)
            axis.hlines(place, own[f"{what} low"], own[f"{what} high"], color=colour, lw=2)
            axis.scatter([own[what]], [place], color=colour, s=24, zorder=3,
                         label=NAMES[what] if not row else None)  # fmt: skip
    axis.axvline(0, color=plots.INK, lw=0.8)
    axis.set_yticks(range(len(table)), list(table.index))
    axis.set(ylim=(len(table) - 0.4, -0.6), xlabel="points of accuracy, otherwise than English")
    clear = [k for k, own in table.iterrows() if own["effect high"] < 0 or own["effect low"] > 0]
    found = f"turning {', '.join(clear)} does something" if clear else "no knob clearly does"
    axis.set_title(f"{title}: {found}", fontsize=10, loc="left")
    axis.grid(axis="y", visible=False)
    figure.legend(loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def told(table: pd.DataFrame, name: str) -> str:
    """Whether slopes and effects agree, and how much the slopes could have told."""
    signs = np.sign(table["effect"]) == np.sign(table["slope alone"])
    agree = table["agrees, alone"].astype(bool)
    wide = (table["slope alone high"] - table["slope alone low"]).mean()
    sharp = (table["effect high"] - table["effect low"]).mean()
    return (f"{name}: the effect of turning a knob lies within its slope's interval for "
            f"{agree.sum()} of {len(table)} knobs, with the same sign for {signs.sum()}; "
            f"the slopes' intervals are {wide:.0f} points wide, the effects' {sharp:.0f}, "
            f"so agreement {'says little' if wide > 3 * sharp else 'says something'}.")  # fmt: skip
