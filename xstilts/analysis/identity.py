"""What each English task needs: itself, beside itself with a text hidden or its words shuffled.

    python -m xstilts.analysis.identity identity xstilts/world/README.md

A task whose answers can be had from half of its input teaches less than its name says. The same
encoder is trained the same way on the whole and on the reduced input, and read on English dev.
"""

import numpy as np
import pandas as pd

from xstilts import report
from xstilts.grid import plan
from xstilts.gridfile import read
from xstilts.paths import MissingData, runs_dir
from xstilts.provenance import standing
from xstilts.scores import COLUMNS
from xstilts.scores import read as read_scores
from xstilts.tasks import task

ORDER = ("dev rows", "guess", "one text hidden", "words shuffled", "whole")
CAPTION = """\
Accuracy on English dev; for spans the mean of EM and F1, for tagging F1. *Guess*: the best constant
answer; for spans, a random stretch of the passage as long as the gold answer, or always "no answer"
where that does better. *One text hidden*: the first text of a pair (hypothesis only), the context
of a choice (no passage, no question where that is the context), the question of a span.
*Words shuffled*: in every text, with their tags; a bag of words. One encoder, trained alike on all,
read after its last step; one seed. To repeat: `xstilts run {grid}`, then
`python -m xstilts.analysis.identity {grid} xstilts/world/README.md`."""


def table(grid, scores: pd.DataFrame, guesses: dict[str, float]) -> pd.DataFrame:
    """One row a set of tasks that a recipe trains together, averaged by their numbers of rows.

    `scores`: the dev rows of every run of `grid`; `guesses`: percent by task. Columns as ORDER.
    """
    rows: dict[tuple, dict] = {}
    for name, part in scores.groupby("recipe", sort=False):
        recipe = grid.recipe(name)
        row = rows.setdefault(recipe.tasks, {"dev rows": int(part["n"].sum())})
        row["guess"] = np.average(part["task"].map(guesses), weights=part["n"])
        row[_column(recipe)] = np.average(part["value"], weights=part["n"])
    titles = [", ".join(task(t, grid.tasks).title for t in tasks) for tasks in rows]
    return pd.DataFrame(list(rows.values()), pd.Index(titles, name="task"), ORDER)


def _column(recipe) -> str:
    return "one text hidden" if recipe.hide else "words shuffled" if recipe.scramble else "whole"


def _guesses(grid, names) -> dict[str, float]:
    """What the trivial baseline scores on English dev, by task."""
    from xstilts.data import labelled, load
    from xstilts.evaluate import guess
    from xstilts.metrics import headline

    data, found = grid.settings[0].data, {}
    for name in names:
        one = labelled(task(name, grid.tasks), data=data)
        rows = load(one, "dev", "en", data=data).to_list()
        found[name] = headline(guess(one, rows, "en").percent)
    return found


def quote(name: str) -> str:
    """The table of a grid that has run, for a page; missing and stale runs are left out."""
    grid = read(name)
    states = standing(plan(grid))
    there = [run for run, why in states.items() if not why]
    if not there:
        raise MissingData(f"no scores in {runs_dir()}: first `xstilts run {name}`")
    scores = pd.concat(read_scores(runs_dir() / run / "scores.csv", COLUMNS) for run in there)
    found = table(grid, scores, _guesses(grid, scores["task"].unique()))
    lacking = [f"{len(states) - len(there)} runs are missing."] * (len(there) < len(states))
    return "\n\n".join([report.markdown(found), CAPTION.format(grid=name), *lacking])


if __name__ == "__main__":
    report.program(quote)
