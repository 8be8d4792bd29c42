"""Differences between recipes, paired by seed: how large they are, and how sure.

What the studies of tasks and chains share. Reads Scores and a grid's records, never a model. The
outcome is a task's headline figure averaged over the languages other than English.
"""

from collections.abc import Iterable
from itertools import product

import pandas as pd

from xstilts import paired, stats, tables

COLUMNS = ("setting", "column", "task", "target", "form", "recipe", "seed", "missing", "value")


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


def by_seed(figures: pd.DataFrame, recipes: Iterable[str]) -> pd.DataFrame:
    """Figures of one setting, (seed, column, missing languages) x `recipes`, NaN where none is.

    Rows that two recipes share are over the same languages: only these may be compared.
    """
    mine = figures.astype({"value": float})
    table = mine.pivot(index=["seed", "column", "missing"], columns="recipe", values="value")
    return table.reindex(columns=list(dict.fromkeys(recipes)))


def differences(figures: pd.DataFrame, after: str, before: str) -> pd.DataFrame:
    """Seeds x columns of one setting: recipe `after` less `before`, NaN where one is not there."""
    mine = by_seed(figures[figures["recipe"].isin([after, before])], [after, before])
    gap = (mine[after] - mine[before]).dropna().rename("gap").reset_index()
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


def gained(scores: pd.DataFrame, setting, columns, after: str, before: str) -> pd.Series:
    """`after` less `before` by (seed, task's title, language), where both are there."""
    found = paired.by_cell(scores[scores["recipe"].isin([after, before])], setting, columns)
    found = found.reindex(columns=[after, before]).astype(float)
    return (found[after] - found[before]).dropna()


def over_languages(scores, setting, columns, after: str, before: str, seeds) -> stats.Interval:
    """The difference, over languages and then tasks, as if languages were a random sample, too."""
    mine = scores[scores["seed"].isin(list(seeds)) & (scores["lang"] != "en")]
    found = gained(mine, setting, columns, after, before)
    return stats.over_languages(paired.by_language(found, columns, setting.data))


def progress(runs, collected, *by: str) -> pd.DataFrame:
    """How many planned scores and measures are done, missing or stale: a row each value of `by`.

    `by`: parameters of a run ("–" where it has none), or "run", the end of its id.
    """
    lacking = dict.fromkeys(collected.missing, "missing") | dict.fromkeys(collected.stale, "stale")
    rows = [{"run": run.id.split("/")[-1], **run.params, "state": lacking.get(run.id, "done")}
            for run in runs if run.leaves in ("scores", "measures")]  # fmt: skip
    table = pd.DataFrame(rows, columns=[*by, "state"], dtype=object).fillna("–")
    table = table.groupby(list(by), sort=False)["state"].value_counts().unstack()
    return table.reindex(columns=["done", "missing", "stale"]).fillna(0).astype(int)
