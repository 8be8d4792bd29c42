"""What paired seeds tell: how noisy a difference is, and what choosing a recipe is worth.

A recipe that is chosen on some seeds and judged on the same ones owes part of its lead to luck;
here it is judged on the others, beside none with as many tries. Takes tables, reads no file.
"""

import math
from collections.abc import Sequence
from statistics import fmean

import pandas as pd

from xstilts.tables import WITH, WITHOUT, Column

BEST, TRIES = "best recipe for each", "best seed of none"
LACKING = f"{BEST} (needs two seeds)"


def spread(averages: pd.DataFrame) -> dict[str, float]:
    """By column, the standard deviation of a recipe's difference to none from seed to seed.

    Pooled over recipes; only columns with two seeds or more that a recipe and none both have,
    over the same languages.
    """
    found = {}
    for column, part in averages.groupby("column", sort=False):
        values = part.pivot_table(index=["seed", "missing"], columns="recipe", values="value")
        if "none" in values:
            gains = values.drop(columns="none").sub(values["none"], axis=0)
            free = (gains.count() - 1).clip(lower=0).sum()
            if free:
                found[column] = float((((gains - gains.mean()) ** 2).sum().sum() / free) ** 0.5)
    return found


def best(averages: pd.DataFrame, dev: pd.DataFrame, columns: Sequence[Column]):
    """(rows as of `tables.cells`, notes): every target after the recipe that is best for it.

    The recipe is chosen by English dev (`dev`: Scores of one setting) on the first half of the
    seeds; value and gain over none are of the other half. Below it, of as many seeds of none as
    there were recipes to choose from, the one with the best English dev; its gain is over the
    mean of them. Recipes count that have all seeds of none, in as many languages. Retrieval
    without fine-tuning has no English dev and no figure; without a second seed nothing has.
    """
    found, told = {}, []
    for column in columns:
        test, seen = _by_seed(averages, dev, column)
        recipes = test.columns.drop("none", errors="ignore")
        half = len(test) // 2
        if not half or recipes.empty:
            continue
        chosen = seen[recipes][:half].mean().idxmax()
        later = test[half:]
        found[BEST, column.title] = (
            later[chosen].mean(), (later[chosen] - later["none"]).mean(), len(later)
        )  # fmt: skip
        tries = test["none"][: len(recipes)]
        lucky = tries[seen["none"][tries.index].idxmax()]
        found[TRIES, column.title] = lucky, lucky - tries.mean(), len(tries)
        told.append(f"{column.title} {chosen} ({len(recipes)} recipes, {len(tries)} seeds of none)")
    if not told:
        return _cells([LACKING], found, columns), []
    notes = [
        f"{BEST}: chosen on English dev on the first half of the seeds, figures of the others: "
        f"{', '.join(told)}.",
        f"{TRIES}: chosen on English dev; in brackets, less the mean of these seeds.",
    ]
    return _cells([BEST, TRIES], found, columns), notes


def _by_seed(averages: pd.DataFrame, dev: pd.DataFrame, column: Column):
    """Test and English dev of a column, seeds x recipes, where both are whole."""
    test = averages[averages["column"] == column.title]
    lacking = test.loc[test["recipe"] == "none", "missing"]
    test = test[test["missing"] == min(lacking, key=lambda langs: len(langs.split()), default="")]
    seen = dev[(dev["target"] == column.target) & (column.target != "")]
    test, seen = (part.astype({"value": float})
                  .pivot_table(index="seed", columns="recipe", values="value", sort=False)
                  .sort_index() for part in (test, seen))  # fmt: skip
    if "none" not in test or "none" not in seen:
        return test[:0], seen[:0]
    seeds = test.index[test["none"].notna()].intersection(seen.index[seen["none"].notna()])
    test, seen = (table.reindex(seeds).dropna(axis=1) for table in (test, seen))
    both = test.columns.intersection(seen.columns, sort=False)
    return test[both], seen[both]


def _cells(rows: Sequence[str], found: dict, columns: Sequence[Column]) -> pd.DataFrame:
    """Every row and column of the main table; a mean where all of its columns are there."""
    first = {column.task.name: column for column in reversed(columns)}.values()
    over = {WITHOUT: [column.title for column in first if column.task.form != "pairs"]}
    if len(over[WITHOUT]) < len(first):
        over[WITH] = [column.title for column in first]
    made = []
    for row in rows:
        own = {title: figures for (name, title), figures in found.items() if name == row}
        for mean, titles in over.items():
            if titles and own.keys() >= set(titles):
                values, gains, seeds = zip(*(own[title] for title in titles), strict=True)
                own[mean] = fmean(values), fmean(gains), min(seeds)
        for title in (*(column.title for column in columns), *over):
            value, gain, seeds = own.get(title, (math.nan, math.nan, 0))
            made.append((row, title, value, gain, seeds, "", ""))
    return pd.DataFrame(
        made, columns=["recipe", "column", "value", "gain", "seeds", "langs", "how"]
    )
