"""What paired seeds tell: how noisy a difference is, and what choosing a recipe is worth.

A recipe that is chosen on some seeds and judged on the same ones owes part of its lead to luck;
here it is judged on the others, beside none with as many tries. Takes tables, reads no file.
"""

import math
from collections.abc import Sequence
from itertools import product
from statistics import fmean

import pandas as pd

from xstilts.languages import languages
from xstilts.stats import over_languages, t_interval
from xstilts.tables import Column, bounds, by_seed, comparable, over, per_language

BEST, TRIES = "best recipe for each", "best seed of none"
LACKING = f"No row for the {BEST} target: choosing takes two seeds."


def gains(averages: pd.DataFrame) -> pd.DataFrame:
    """Differences to none of the same seed, over the same languages: recipe, column, seed, gain."""
    there = averages.dropna(subset="value").astype({"value": float})
    values = there.pivot_table("value", ["column", "missing", "seed"], "recipe")
    if "none" not in values:
        return pd.DataFrame(columns=["recipe", "column", "seed", "gain"])
    found = values.sub(values["none"], axis=0).stack().dropna().rename("gain").reset_index()
    return found[["recipe", "column", "seed", "gain"]]


def spread(averages: pd.DataFrame) -> dict[str, float]:
    """By column, the standard deviation of a recipe's difference to none from seed to seed.

    Pooled over recipes; only columns with two seeds or more that a recipe and none both have.
    """
    found = gains(averages).query("recipe != 'none'")
    each = found.groupby(["column", "recipe"])["gain"].agg(["var", "count"])
    each["free"] = each["count"] - 1
    sums = each.assign(squares=each["var"] * each["free"]).groupby("column").sum()
    noise = ((sums["squares"] / sums["free"]) ** 0.5).dropna()
    return {name: float(noise[name]) for name in dict.fromkeys(averages["column"]) if name in noise}


def best(averages: pd.DataFrame, dev: pd.DataFrame, columns: Sequence[Column]):
    """(rows as of `tables.cells`, notes): every target after the recipe that is best for it.

    Chosen as in `held_out`, by English dev (`dev`: Scores of one setting). Below it, of as many
    seeds of none as there were recipes to choose from, the one with the best English dev; its gain
    is over the mean of them. Retrieval without fine-tuning has no English dev: its recipe is chosen
    by the figure itself, and no seed of none. Without a second seed there are no rows.
    """
    found, told = {}, []
    for column in columns:
        test, seen = _by_seed(averages, dev, column)
        part = tried(test, seen)
        recipes = part[0].columns.drop("none", errors="ignore")
        if len(part[0]) < 2 or recipes.empty:
            continue
        own = held_out(*part)
        found[BEST, column.title] = own["value"].mean(), own["gain"], len(own)
        names = "/".join(dict.fromkeys("/".join(own["recipe"]).split("/")))
        told.append(f"{column.title} {names} ({len(recipes)} recipes)")
        if column.target:
            both = pd.concat([test["none"], seen["none"]], axis=1).dropna()
            tries = test["none"][both.index[: len(recipes)]]
            lucky = tries[seen["none"][tries.index].idxmax()]
            gain = pd.Series([lucky - tries.mean()])
            found[TRIES, column.title] = lucky, gain, len(tries)
    if not told:
        return _cells([], found, columns), [LACKING]
    notes = [
        f"{BEST}: for each seed the recipe that is best on English dev (retrieval: in that very "
        f"figure) over the other seeds: {', '.join(told)}.",
        f"{TRIES}: of as many seeds as there are recipes, or of all, chosen on English dev; in "
        "brackets, minus their mean.",
    ]
    return _cells([BEST, TRIES], found, columns), notes


def held_out(test: pd.DataFrame, seen: pd.DataFrame) -> pd.DataFrame:
    """By seed, the `recipe` with the best mean of `seen` over the other seeds, its `value` in
    `test`, and its `gain` over none. Both tables are seeds x recipes, of two seeds or more.

    Of recipes that tie, as at the top of an easy dev set, the mean; their names with / between.
    """
    rows = {}
    for seed in test.index:
        known = seen.drop(index=seed, columns="none").mean()
        best = sorted(known.index[known == known.max()])
        value = test.loc[seed, best].mean()
        rows[seed] = "/".join(best), value, value - test.loc[seed, "none"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["recipe", "value", "gain"])


def tried(test: pd.DataFrame, seen: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The part of two tables, seeds x recipes, that has none and no gaps in either.

    Of the parts there are, the one with most recipes times seeds, not counting none and one seed.
    """
    there = test.notna() & seen.reindex_like(test).notna()
    if "none" not in there or not there["none"].any():
        return test.iloc[:0, :0], seen.iloc[:0, :0]
    order = there[there["none"]].sum(axis=1).sort_values(ascending=False, kind="stable").index
    parts = [order[:n].sort_values() for n in range(1, len(order) + 1)]
    parts = [(seeds, there.columns[there.loc[seeds].all()]) for seeds in parts]
    seeds, recipes = max(parts, key=lambda p: ((len(p[1]) - 1) * (len(p[0]) - 1), len(p[0])))
    return test.loc[seeds, recipes], seen.loc[seeds, recipes]


def _by_seed(averages: pd.DataFrame, dev: pd.DataFrame, column: Column):
    """Test and English dev of a column (retrieval has none: test again), seeds x recipes."""
    test = averages[averages["column"] == column.title]
    lacking = test.loc[test["recipe"] == "none", "missing"]
    test = test[test["missing"] == min(lacking, key=lambda langs: len(langs.split()), default="")]
    seen = dev[dev["target"] == column.target] if column.target else test
    return (part.astype({"value": float})
            .pivot_table(index="seed", columns="recipe", values="value", sort=False)
            .sort_index() for part in (test, seen))  # fmt: skip


def _cells(rows: Sequence[str], found: dict, columns: Sequence[Column]) -> pd.DataFrame:
    """Every row and column of the main table; a mean where all of its columns are there."""
    made, none = [], (math.nan, pd.Series(dtype=float), 0)
    for row in rows:
        own = {title: figures for (name, title), figures in found.items() if name == row}
        for mean, titles in over(columns).items():
            if titles and own.keys() >= set(titles):
                values, gains, seeds = zip(*(own[title] for title in titles), strict=True)
                own[mean] = fmean(values), sum(gains) / len(gains), min(seeds)
        for title in (*(column.title for column in columns), *over(columns)):
            value, gain, seeds = own.get(title, none)
            made.append((row, title, value, *t_interval(gain.dropna()), seeds, "", ""))
    names = ["recipe", "column", "value", "gain", "low", "high", "seeds", "langs", "how"]
    return pd.DataFrame(made, columns=names)


def contributions(averages: pd.DataFrame, recipes: Sequence[str], columns: Sequence[Column]):
    """Where a mean's gain comes from: the points that each task adds to it, recipe by recipe.

    Columns: recipe, mean, column, points. A mean's points add up to its gain in `tables.cells`:
    of the same seeds and languages, each task's gain over the number of tasks.
    """
    means, rows = over(columns), []
    figures = by_seed(averages, means)
    for mean, recipe in product(means, recipes):
        own, base, _ = comparable(*(figures.get((name, mean), {}) for name in (recipe, "none")))
        seeds = own.index.intersection(base.index)
        for title in [column.title for column in columns if column.title in means[mean]]:
            gains = [figures[recipe, title][seed][0] - figures["none", title][seed][0]
                     for seed in seeds]  # fmt: skip
            points = fmean(gains) / len(means[mean]) if gains else math.nan
            rows.append((recipe, mean, title, points))
    return pd.DataFrame(rows, columns=["recipe", "mean", "column", "points"])


def by_cell(scores: pd.DataFrame, setting, columns: Sequence[Column]) -> pd.DataFrame:
    """The headline figures of single runs: (seed, column, lang) x recipe."""
    parts = {seed: per_language(part, setting, columns) for seed, part in scores.groupby("seed")}
    if not any(map(len, parts.values())):
        return pd.DataFrame(index=pd.MultiIndex.from_tuples([], names=["seed", "column", "lang"]))
    found = pd.concat(parts, names=["seed"])
    return found.pivot_table("value", ["seed", "column", "lang"], "recipe")


def by_language(gained: pd.Series, columns: Sequence[Column], data: str) -> pd.DataFrame:
    """Seeds x languages, their mean the mean over tasks of the means over languages.

    `gained` is by (seed, column, lang). A language's figure is that mean and how far its cells lie
    from the means of their tasks, so that a task with many languages counts no more than others.
    Of each task the languages of its suite. Cells that no seed has are left out, then seeds that
    lack one of the others.
    """
    known = {c.title: languages(c.task, data, c.suite) for c in columns}
    mine = [lang in known[title] for _, title, lang in gained.index]
    cells = gained[mine].unstack(["column", "lang"]).dropna(axis=1, how="all").dropna().T
    if cells.empty:
        return pd.DataFrame()
    of_task = cells.mean(axis=1).groupby("column").transform
    apart = cells.sub(of_task("mean"), axis=0).div(of_task("size"), axis=0)
    tasks, langs = (cells.index.unique(level) for level in ("column", "lang"))
    mean = cells.groupby("column").mean().to_numpy().mean()
    return mean + apart.groupby("lang").sum().T * len(langs) / len(tasks)


def abroad(scores: pd.DataFrame, setting, columns: Sequence[Column]) -> pd.DataFrame:
    """By recipe, the mean gain outside English, over languages and then the tasks of the main
    table's mean, with two 95 % intervals. "over seeds": of these languages, another run. "over
    languages": as if they were drawn at random, too. Both as text; whole seeds alone.
    """
    *_, mean = over(columns).values()
    columns, rows = [column for column in columns if column.title in mean], {}
    values = by_cell(scores[scores["lang"] != "en"], setting, columns)
    for recipe in values.columns.drop("none") if "none" in values else ():
        gains = (values[recipe] - values["none"]).dropna()
        table, plain = by_language(gains, columns, setting.data), gains.groupby("lang").mean()
        if table.size:
            rows[recipe] = {
                "over seeds": bounds(*t_interval(table.mean(axis=1))),
                "over languages": bounds(*over_languages(table)),
                "languages that gain": f"{(plain[table.columns] > 0).sum()} of {table.shape[1]}",
                "tasks": gains.index.unique("column").size,
                "seeds": len(table),
            }
    return pd.DataFrame.from_dict(rows, orient="index")
