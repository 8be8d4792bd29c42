"""What makes a table doubtful without showing in its figures: said in lines below it.

Models that learnt nothing, and recipes that stand beside other seeds than the ones they are
compared with. Takes Scores and `tables.averages`, reads no file.
"""

from collections.abc import Iterable
from statistics import fmean

import pandas as pd

from xstilts import tables
from xstilts.scores import GUESS
from xstilts.tables import Column


def notes(scores: pd.DataFrame, averages: pd.DataFrame, setting, columns: Iterable[Column]):
    """The lines that must stand below a table of one setting; none if all is well."""
    learnt, seeds = at_guess(scores, setting, columns), unpaired(averages)
    abroad = [name for name in at_guess(scores, setting, columns, english=False)
              if name not in learnt]  # fmt: skip
    lines = {
        f"In English no better than a trivial baseline: {', '.join(learnt)}": learnt,
        "In the other languages no better than a trivial baseline, so that differences there mean "
        f"little: {', '.join(abroad)}": abroad,
        'Differences use only the seeds that a recipe shares with the baseline "none", so they '
        f"need not equal the difference of the means shown: {'; '.join(seeds)}": seeds,
    }  # fmt: skip
    return [f"{line}." for line, some in lines.items() if some]


def at_guess(scores: pd.DataFrame, setting, columns: Iterable[Column], english=True) -> list[str]:
    """Columns and recipes whose score in English (or the mean over the other languages), averaged
    over seeds, is at or below the guess.

    Where Scores hold no guess (retrieval, other tools' tables) nothing can be said.
    """
    found = []
    for column in columns:
        mine = tables.of_column(scores, setting, column)
        mine = mine[(mine["lang"] == "en") == english]
        for recipe, part in mine.groupby("recipe", sort=False):
            own, guess = [], []
            for _, run in part.groupby("run"):
                own += tables.by_language(run[~run["metric"].str.startswith(GUESS)]).to_list()
                guess += tables.by_language(run, GUESS).to_list()
            if guess and fmean(own) <= fmean(guess):
                found.append(f"{column.title} after {recipe}")
    return found


def unpaired(averages: pd.DataFrame) -> list[str]:
    """Recipes that lack a seed of none, or have one that none lacks, in any column."""
    whole = averages.dropna(subset="value")
    seeds = whole.groupby(["column", "recipe"], sort=False)["seed"].agg(frozenset)
    every, found, told = seeds.groupby("recipe").size(), {}, {}
    for (column, recipe), own in seeds.items():
        none = seeds.get((column, "none"), own)
        if own != none:
            mine, theirs = (" ".join(map(str, sorted(some))) for some in (own, none))
            found.setdefault((recipe, mine, theirs), []).append(column)
    for (recipe, mine, theirs), names in found.items():
        line = f"seed{'s' * (' ' in mine)} {mine}, none {theirs}"
        line += f", in {', '.join(names)}" if len(names) < every[recipe] else ""
        told.setdefault(line, []).append(recipe)
    return [f"{', '.join(recipes)} {'have' if len(recipes) > 1 else 'has'} {line}"
            for line, recipes in told.items()]  # fmt: skip
