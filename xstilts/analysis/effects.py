"""Differences between recipes, paired by seed: how large they are, and how sure.

What the studies of tasks and chains share. Reads Scores and a grid's records, never a model. The
outcome is a task's headline figure averaged over the languages other than English.
"""

from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

import numpy as np
import pandas as pd

from xstilts import stats, tables

NAN = float("nan")
COLUMNS = ("setting", "column", "task", "target", "form", "recipe", "seed", "missing", "value")


class Effect(NamedTuple):
    """A mean paired difference in points: 95 % t interval, p, seeds, and the least true difference
    that so many seeds would show (80 % power). NaN where there are too few seeds to say."""

    estimate: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN
    seeds: int = 0
    detectable: float = NAN


def effect(values: Iterable[float]) -> Effect:
    """The effect behind paired differences, one a seed; none at all give one of NaN."""
    values = np.asarray(list(values), float)
    if len(values) < 2:
        return Effect(values.mean() if len(values) else NAN, seeds=len(values))
    least = stats.detectable(values.std(ddof=1), len(values))
    return Effect(*stats.t_interval(values), stats.p_value(values), len(values), least)


def figures(scores: pd.DataFrame, grid) -> pd.DataFrame:
    """One row per run and task that is there, columns as COLUMNS.

    `column` is the task's title, `missing` the languages it lacks (space between), `value` the
    mean over those other than English, in percent. Rows without a value are left out.
    """
    found = [pd.DataFrame(columns=list(COLUMNS))]
    for name, one in grid.used.items():
        columns = tables.of_setting(tables.columns(grid), scores, one)
        rows = tables.averages(scores, one, columns).assign(setting=name)
        rows["value"] = rows["non_english"].astype(float)
        known = {c.title: (c.target, c.task.form) for c in columns}
        rows["target"] = [known[title][0] for title in rows["column"]]
        rows["form"] = [known[title][1] for title in rows["column"]]
        found.append(rows[list(COLUMNS)].dropna(subset="value"))
    return pd.concat([part for part in found if len(part)] or found, ignore_index=True)


def differences(figures: pd.DataFrame, after: str, before: str) -> pd.DataFrame:
    """Seeds x columns of one setting: recipe `after` less `before`, NaN where one is not there.

    Two figures are compared only if they are over the same languages.
    """
    key = ["seed", "column", "missing"]
    one, other = (figures[figures["recipe"] == name].set_index(key)["value"].astype(float)
                  for name in (after, before))  # fmt: skip
    gap = (one - other).dropna().rename("gap").reset_index()
    return gap.pivot(index="seed", columns="column", values="gap")


def gap(figures: pd.DataFrame, after, before, columns: Iterable[str]) -> pd.Series:
    """By seed, `after` less `before` averaged over `columns`, of the seeds that have all of it.

    `after` and `before` are recipes, or lists of them, which are averaged too.
    """
    columns, found = list(columns), []
    pairs = product(*([one] if isinstance(one, str) else one for one in (after, before)))
    for one, other in pairs:
        part = differences(figures, one, other).reindex(columns=columns).dropna()
        found.append(part.mean(axis=1))
    if not (found and columns):
        return pd.Series(dtype=float)
    return pd.concat(found, axis=1).dropna().mean(axis=1)


def with_mean(figures: pd.DataFrame, columns: Iterable[str], title: str) -> pd.DataFrame:
    """`figures` and, of every run that has them all, the mean over `columns` as a column more."""
    columns, key = list(columns), ["setting", "recipe", "seed"]
    mine = figures[figures["column"].isin(columns)].sort_values("column", kind="stable")
    made = mine.groupby(key, as_index=False).agg(
        value=("value", "mean"), n=("column", "nunique"), missing=("missing", " / ".join)
    )
    made = made[made["n"] == len(columns)].drop(columns="n")
    return pd.concat([figures, made.assign(column=title)], ignore_index=True).fillna("")


def over_languages(scores, setting, columns, after: str, before: str, seeds) -> stats.Interval:
    """The difference as if the languages were a random sample, too; tasks averaged first."""
    mine = scores[scores["seed"].isin(list(seeds)) & (scores["lang"] != "en")]
    table = by_language(mine, setting, columns, after, before).dropna(axis=1)
    return stats.over_languages(table.to_numpy()) if table.size else stats.Interval(NAN, NAN, NAN)


def gained(scores: pd.DataFrame, setting, columns, after: str, before: str) -> dict[int, pd.Series]:
    """seed -> (task's title, language) -> `after` less `before`, where both are there."""
    found = {}
    for seed, part in scores[scores["recipe"].isin([after, before])].groupby("seed"):
        table = tables.per_language(part, setting, columns)
        table = table.pivot_table(index=["column", "lang"], columns="recipe", values="value")
        if {after, before} <= set(table):
            found[int(seed)] = (table[after] - table[before]).dropna()
    return found


def by_language(scores, setting, columns, after: str, before: str) -> pd.DataFrame:
    """Seeds x languages of one setting: recipe `after` less `before`, averaged over `columns`.

    A seed is left out that lacks one of the recipes; NaN where no column has the language.
    """
    found = gained(scores, setting, columns, after, before)
    found = {seed: one.groupby("lang").mean() for seed, one in found.items()}
    return pd.DataFrame.from_dict(found, orient="index", dtype=float)


def adjusted(p, how=stats.holm) -> np.ndarray:
    """p-values as `how` adjusts those that are known; NaN stays NaN."""
    p = np.array(p, float)
    known = np.isfinite(p)
    if known.any():
        p[known] = how(p[known])
    return p


def progress(runs, collected) -> pd.DataFrame:
    """How many of the planned runs that leave scores are done, missing or stale, by setting and
    recipe in the grid's order."""
    lacking = {name: "missing" for name in collected.missing} | dict.fromkeys(
        collected.stale, "stale"
    )
    made = [(r.params["setting"], r.params["recipe"], lacking.get(r.id, "done"))
            for r in runs if r.leaves == "scores"]  # fmt: skip
    made = pd.DataFrame(made, columns=["setting", "recipe", "runs"])
    table = made.groupby(["setting", "recipe"], sort=False)["runs"].value_counts().unstack()
    return table.reindex(columns=["done", "missing", "stale"]).fillna(0).astype(int)
