"""Which intermediate task helps which target: the matrix, its null model, two encoders compared.

Takes the figures of one setting (see `effects.figures`) and plain tables of gains, recipes as rows,
tasks as columns. No number here depends on the order of recipes.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import NamedTuple

import numpy as np
import pandas as pd

from xstilts import costs, plots, stats
from xstilts.analysis.effects import differences, gap
from xstilts.analysis.rulings import NAN, Effect, effect
from xstilts.tasks import task

TRIED = 5000  # relabellings of eight recipes or more; all of fewer


def matrix(figures: pd.DataFrame, recipes: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """A row per recipe and column: its gain over none as an Effect, and `q`, the p-value after
    Benjamini-Hochberg correction over the whole matrix. A cell without runs has 0 seeds."""
    rows = []
    for recipe in recipes:
        gaps = differences(figures, recipe, "none").reindex(columns=list(columns))
        rows += [(recipe, c, *effect(gaps[c].dropna())) for c in columns]
    table = pd.DataFrame(rows, columns=["recipe", "column", *Effect._fields])
    return table.assign(q=stats.benjamini_hochberg(table["p"]))


def training_rows(grid, recipe: str, setting) -> float:
    """How many rows a recipe trains on, all its tasks together; NaN where that is unknown."""
    one = grid.recipe(recipe)
    sizes = (costs.size(task(t, grid.tasks), setting.data, {}).train for t in one.tasks)
    return sum(min(rows, one.examples or rows) for rows in sizes)


def by_size(grid, setting, figures: pd.DataFrame, like: str, columns: Sequence[str]):
    """Gain over none (Effect) by rows, of all recipes that differ from `like` only in size.

    `equal`: whether a recipe has as many updates as `like`.
    """
    free, rows = {"examples": None, "updates": None, "batch": None}, []
    model = grid.recipe(like)
    for name in dict.fromkeys(r for block in grid.blocks for r in block.recipes):
        one = grid.recipe(name)
        if replace(one, name=like, **free) == replace(model, **free):
            size, equal = training_rows(grid, name, setting), one.updates == model.updates
            gaps = {column: gap(figures, name, "none", [column]) for column in columns}
            rows += [(name, size, equal, column, *effect(gaps[column])) for column in gaps]
    head = ["recipe", "rows", "equal", "column", *Effect._fields]
    return pd.DataFrame(rows, columns=head).sort_values(["column", "rows"], ignore_index=True)


def picture(curves, base, titles: Sequence[str], lines):
    """A panel per target: gain by rows, filled where updates are equal; dotted: `base`, the gain of
    as many updates without labels. `curves`: task -> `by_size`; `lines`: the contrast by target."""
    if not titles:
        return plots.nothing("No runs yet")
    ticks = sorted({rows for table in curves.values() for rows in table["rows"]})
    figure, panels = plots.axes(1, len(titles), width=3.1 * len(titles), height=3.1)
    for axis, title in zip(panels, titles, strict=True):
        for (name, table), colour in zip(curves.items(), (plots.BLUE, plots.ORANGE), strict=True):
            part = table[(table["column"] == title) & (table["seeds"] > 0)]
            same = part[part["equal"]]
            axis.plot(same["rows"], same["estimate"], color=colour, lw=1.6, label=name)
            axis.vlines(part["rows"], part["low"], part["high"], color=colour, lw=1)
            axis.scatter(part["rows"], part["estimate"], edgecolor=colour, zorder=3,
                         facecolor=np.where(part["equal"], colour, "white"))  # fmt: skip
        axis.axhline(0, color=plots.INK, lw=0.8)
        axis.axhline(base.get(title, NAN), color=plots.GREY, lw=1.2, ls=":")
        axis.set(xscale="log", xlabel="rows", ylabel="points over none",
                 xlim=(0.8 * ticks[0], 1.3 * ticks[-1]))  # fmt: skip
        axis.set_xticks(ticks, [f"{tick / 1000:g}k" for tick in ticks], fontsize=7)
        axis.minorticks_off()
        axis.set_title(f"{title}: QA minus NLI {lines[title].brief}", fontsize=9)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def gains(table: pd.DataFrame) -> pd.DataFrame:
    """The estimates of `matrix`, recipes x columns, without rows and columns that have none."""
    wide = table.pivot(index="recipe", columns="column", values="estimate")
    wide = wide.reindex(index=table["recipe"].unique(), columns=table["column"].unique())
    return wide.dropna(how="all").dropna(axis=1, how="all")


class Additive(NamedTuple):
    """How much of the gains' variance is the task's, the target's, and neither's (shares of 1).

    `beyond` is the part of the rest that seed noise does not account for, `p` the test that it is
    zero, `recipes`, `columns` and `seeds` the data used.
    """

    rows: float = NAN
    targets: float = NAN
    rest: float = NAN
    beyond: float = NAN
    p: float = NAN
    recipes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    seeds: int = 0


def additive(figures: pd.DataFrame, recipes: Sequence[str], columns: Sequence[str]) -> Additive:
    """The null model gain = task + target (Choshen et al. 2022) against an interaction.

    Centred by row and column within each seed, so that the run without an intermediate task, which
    all gains of a column share, cancels. F test with the degrees of freedom of Greenhouse and
    Geisser, as targets differ in noise. It uses the recipes that leave the most degrees of freedom.
    """
    found = {name: differences(figures, name, "none").reindex(columns=list(columns)).dropna()
             for name in recipes}  # fmt: skip
    order = sorted((name for name in found if len(found[name]) > 1), key=lambda n: -len(found[n]))
    best, seeds = [], []
    for k in range(2, len(order) + 1):
        shared = set.intersection(*(set(found[name].index) for name in order[:k]))
        if (k - 1) * (len(shared) - 1) > (len(best) - 1) * (len(seeds) - 1):
            best, seeds = order[:k], sorted(shared)
    if len(best) < 2 or len(seeds) < 2 or len(columns) < 2:
        return Additive()
    cube = np.stack([found[name].loc[seeds].to_numpy(float).T for name in best])
    return Additive(*_variance(cube), tuple(best), tuple(columns), len(seeds))


def _variance(cube: np.ndarray) -> tuple[float, ...]:
    """Shares of row, column, rest, rest beyond noise, and p, of gains (row, column, seed)."""
    from scipy.stats import f

    r, c, s = cube.shape
    free, means = (r - 1) * (c - 1), cube.mean(axis=2)
    if not means.var():
        return 0.0, 0.0, 0.0, 0.0, NAN
    by_row, by_column = (cube.mean(axis=axis, keepdims=True) for axis in (1, 0))
    rest = cube - by_row - by_column + cube.mean(axis=(0, 1), keepdims=True)
    mean = rest.mean(axis=2, keepdims=True)
    left = rest - mean
    noise = (left**2).sum() / (free * (s - 1))
    apart = means.mean(axis=1).var() * r * c, means.mean(axis=0).var() * r * c, (mean**2).sum()
    beyond = max(0.0, apart[2] - free * noise / s)
    cov = np.einsum("rcs,rds->cd", left, left)
    shrunk = np.trace(cov) ** 2 / ((c - 1) * (cov**2).sum()) if noise else 1.0
    ratio = s * apart[2] / free / noise if noise else (np.inf if apart[2] > 1e-12 else 0.0)
    p = float(f.sf(ratio, shrunk * free, shrunk * free * (s - 1)))
    return *(float(part / (means.var() * r * c)) for part in (*apart, beyond)), p


class Agreement(NamedTuple):
    """Spearman's correlation of two rankings of recipes, averaged over `columns` targets, and the
    one-sided permutation p (recipes relabelled, in all targets alike)."""

    rho: float = NAN
    p: float = NAN
    recipes: int = 0
    columns: int = 0


def agreement(one: pd.DataFrame, other: pd.DataFrame) -> Agreement:
    """How similarly two tables of gains rank the recipes, within each target."""
    both = [t.reindex(index=one.index.intersection(other.index, sort=False),
                      columns=one.columns.intersection(other.columns, sort=False))
            for t in (one, other)]  # fmt: skip
    whole = both[0].notna().all(axis=1) & both[1].notna().all(axis=1)
    ranks = [t[whole].rank().to_numpy(float) for t in both]
    told = (ranks[0].std(axis=0) > 0) & (ranks[1].std(axis=0) > 0) if whole.any() else [False]
    n = int(whole.sum())
    if n < 3 or not np.any(told):
        return Agreement()
    a, b = ((t - t.mean(axis=0))[:, told] / t.std(axis=0)[told] for t in ranks)
    rho = float((a * b).mean())
    generator = np.random.default_rng(0)
    drawn = (generator.permutation(n) for _ in range(TRIED - 1))
    orders = list(permutations(range(n))) if n < 8 else [range(n), *drawn]
    hits = sum((a * b[list(order)]).mean() >= rho - 1e-12 for order in orders)
    return Agreement(rho, hits / len(orders), n, int(np.sum(told)))
