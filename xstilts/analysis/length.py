"""Scores of short and long texts, and whether an intermediate task moves the two apart.

A figure is the headline score of a task's examples in one bin of lengths; a contrast of two recipes
is taken seed by seed, over the languages other than English. Bins come with the Groups table
(`snapshot.groups`), or are recomputed from single examples (`windows`).
"""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from xstilts import plots, tables
from xstilts.analysis.ranks import slopes
from xstilts.metrics import headline

BINS = ("short", "middle", "long")
CELL = ("seed", "recipe", "target", "task", "lang")


def figures(groups: pd.DataFrame, *, bins="bin", even=()) -> pd.DataFrame:
    """One row per CELL and bin: value (percent) and n, from sums of hit, said and gold.

    `bins` names the column of bins; "" takes all lengths together, as bin "all". Columns in `even`
    are averaged over their values with equal weight, where a bin has all of these.
    """
    groups = groups.assign(bin=groups[bins] if bins else "all")
    key = [*CELL, "bin", *even]
    sums = groups.groupby([*key, "metric"])[["hit", "said", "gold", "n"]].sum().astype(float)
    size = sums["said"] + sums["gold"]
    sums["value"] = 200 * sums["hit"] / size.where(size > 0)
    found = [_headlines(part, key) for _, part in sums.groupby("task")]
    table = pd.concat(found) if found else pd.DataFrame(columns=[*key, "value", "n"])
    if even:
        whole = table.groupby(["task", *even]).ngroups / max(1, table["task"].nunique())
        table = table.groupby([*CELL, "bin"]).agg(
            value=("value", "mean"), n=("n", "sum"), parts=("value", "count")
        )
        table = table[table.pop("parts") == whole].reset_index()
    return table


def _headlines(sums: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    """Rows of one task: its metrics combined into its headline score."""
    values = sums["value"].unstack("metric")
    n = sums["n"].groupby(level=list(key)).first()
    return pd.DataFrame({"value": headline(values), "n": n}).reset_index()


def contrast(figures: pd.DataFrame, weights: Mapping[tuple[str, str], float]) -> pd.DataFrame:
    """Seeds x (task, language): the sum of figures weighted by (recipe, bin).

    Leaves out languages that no seed has in all cells, then seeds that lack one of the others.
    """
    table = figures.pivot_table("value", ["recipe", "bin"], ["seed", "task", "lang"])
    if not weights or not set(weights) <= set(table.index):
        return pd.DataFrame(dtype=float)
    part = pd.Series(weights)
    cells = table.loc[part.index]
    found = cells.mul(part, axis=0).sum(axis=0).where(cells.notna().all())
    return found.unstack(["task", "lang"]).dropna(axis=1, how="all").dropna()


def by_language(figures: pd.DataFrame, target: str, after: str, before: str, bins=BINS[::2]):
    """`contrast` of `after` minus `before` on the last of `bins`, minus that on the first; with one
    bin, on that alone. English is included."""
    weights = {(after, bins[-1]): 1, (before, bins[-1]): -1}
    if len(bins) > 1:
        weights |= {(after, bins[0]): -1, (before, bins[0]): 1}
    return contrast(figures[figures["target"] == target], weights)


def over(differences: pd.DataFrame, english=False) -> pd.Series:
    """By seed: the mean over languages other than English (or English alone), then over tasks."""
    if differences.empty:
        return pd.Series(dtype=float)
    is_english = differences.columns.get_level_values("lang") == "en"
    mine = differences.loc[:, is_english == english]
    return mine.T.groupby(level="task").mean().mean().dropna()


def interaction(figures, target: str, after: str, before: str, **more) -> pd.Series:
    """By seed: how much more `after` gains over `before` on long texts than on short ones."""
    return over(by_language(figures, target, after, before), **more)


def restored(figures: pd.DataFrame, scores: pd.DataFrame) -> pd.Series:
    """Figures over all lengths minus the scores of the same runs (points)."""
    scores = scores[scores["metric"].isin(["exact_match", "f1", "accuracy"])]
    parts = [
        headline(part.pivot_table(index=list(CELL), columns="metric", values="value"))
        for _, part in scores[scores["split"] == "test"].groupby("task")
    ]
    if not parts:
        return pd.Series(dtype=float)
    known = pd.concat(parts)
    return (figures.set_index(list(CELL))["value"] - known).dropna()


def cost(figures: pd.DataFrame, recipe: str, wide: str, narrow: str, langs: Iterable[str]):
    """By seed: what the windows of target `narrow`, rather than `wide`, cost a recipe in `langs`,
    minus what they cost it in the other languages except English."""
    mine = figures[(figures["recipe"] == recipe) & figures["target"].isin([wide, narrow])]
    table = mine.pivot_table(index=["seed", "lang"], columns="target", values="value")
    if not {wide, narrow} <= set(table):
        return pd.Series(dtype=float)
    loss = (table[wide] - table[narrow]).unstack("lang").drop(columns="en").dropna()
    chosen = loss.columns.isin(list(langs))
    if chosen.all() or not chosen.any():
        return pd.Series(dtype=float)
    return loss.loc[:, chosen].mean(axis=1) - loss.loc[:, ~chosen].mean(axis=1)


def decline(figures: pd.DataFrame, target: str, recipe: str, far: Mapping[str, float]) -> pd.Series:
    """By seed: points lost per unit of distance from English, by least squares."""
    mine = figures[(figures["target"] == target) & (figures["recipe"] == recipe)]
    table = mine[mine["lang"].isin(far)].pivot_table(index="seed", columns="lang", values="value")
    return -slopes(table, pd.Series(far, dtype=float))


def picture(figures: pd.DataFrame, target: str, recipes: Sequence[str], title: str):
    """Mean score of short, middle and long texts after each recipe, English and the others."""
    mine = figures[(figures["target"] == target) & figures["recipe"].isin(recipes)]
    colours = dict(zip(recipes, (plots.ORANGE, plots.BLUE, plots.GREY, plots.GREEN), strict=False))
    picture, panels = plots.axes(1, 2, width=7.5, height=2.9)
    sides = (("the other languages", mine["lang"] != "en"), ("English", mine["lang"] == "en"))
    for panel, (side, rows) in zip(panels, sides, strict=True):
        runs = mine[rows].groupby(["recipe", "seed", "task", "bin"])["value"].mean()
        runs = runs.groupby(["recipe", "seed", "bin"]).mean().unstack("bin")
        for recipe, own in runs.reindex(columns=BINS).groupby("recipe"):
            panel.plot(BINS, own.T, color=colours[recipe], lw=0.5, alpha=0.4)
            panel.plot(BINS, own.mean(), color=colours[recipe], marker="o", label=recipe)
        few = runs.index.get_level_values("seed").nunique() < tables.SEEDS
        panel.set(ylabel=f"score (%){tables.FEW if few else ''}", ylim=(0, None))
        panel.set_title(side, fontsize=9)
    if len(mine):
        panels[0].legend(fontsize=8)
    picture.suptitle(title, x=0.01, ha="left", fontsize=10)
    return picture
