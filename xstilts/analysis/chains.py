"""One intermediate task after another: what a chain is compared with, and two suites compared.

Reads a grid's records and Scores. XTREME and XTREME-R differ in tasks and in languages, so their
averages are split into what both measure and what only one does.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

import pandas as pd

from xstilts.analysis.rulings import Effect, effect
from xstilts.languages import SUITES, languages

ROLES = ("chain", "control", "first", "second", "reverse", "again", "both", "long first",
         "long second")  # fmt: skip
PARTS = ("shared cells", "languages only there", "tasks only there", "average")


def updates(grid, recipe: str) -> int | None:
    """The updates of a recipe and of those it comes after; None where one does not say."""
    one = grid.recipe(recipe)
    if not one.tasks:
        return 0
    before = updates(grid, one.after) if one.after else 0
    return None if None in (one.updates, before) else one.updates + before


def roles(grid) -> dict[str, str]:
    """The recipes of a grid by their role for its chain ("" for none), keys as in ROLES.

    The first part of the grid names control and chain, in this order: the second task after itself,
    and after the `first` task. `again`: the first after itself. `reverse`: the other order. `both`:
    mixed. `long first` and `long second`: one task without a restart. The last three have as many
    updates as the chain.
    """
    control, chain = grid.blocks[0].recipes
    first, second = grid.recipe(chain).after or "", grid.recipe(control).after or ""
    a, b = (set(grid.recipe(name).tasks) for name in (first, second))
    others = {r: grid.recipe(r) for block in grid.blocks for r in block.recipes}

    def like(after: str, tasks: set[str]) -> str:
        fits = [name for name, one in others.items()
                if name not in (chain, control) and set(one.tasks) == tasks
                and (one.after or "") == after and not one.mlm
                and (after or updates(grid, name) == updates(grid, chain))]  # fmt: skip
        return fits[-1] if fits else ""

    found = (chain, control, first, second, like(second, a), like(first, a), like("", a | b),
             like("", a), like("", b))  # fmt: skip
    return dict(zip(ROLES, found, strict=True))


def shift_share(cells: Mapping[tuple[str, str], float], langs: Mapping[str, Sequence[str]],
                others: Mapping[str, Sequence[str]]) -> dict[str, float]:  # fmt: skip
    """One suite's average as parts: the cells that `others`, the other suite, has too; what its
    additional languages add to the shared tasks; what its additional tasks add to that.

    `cells`: (task, language) -> value; `langs` and `others`: task -> languages, of the two suites.
    The three parts add up to the average: the mean over tasks of the means over languages. Raises
    ValueError if the suites share no cell of a task that both have.
    """
    shared = {task: [lang for lang in own if lang in others[task]]
              for task, own in langs.items() if task in others}  # fmt: skip
    if not shared or not all(shared.values()):
        raise ValueError("suites that share no cells cannot be compared")
    same = fmean(_mean(cells, task, both) for task, both in shared.items())
    wider = fmean(_mean(cells, task, langs[task]) for task in shared)
    whole = fmean(_mean(cells, task, own) for task, own in langs.items())
    return dict(zip(PARTS, (same, wider - same, whole - wider, whole), strict=True))


def _mean(cells, task: str, langs: Sequence[str]) -> float:
    return fmean(cells[task, lang] for lang in langs)


def suites(columns, data: str, cells) -> tuple[dict[str, dict[str, tuple[str, ...]]], list[str]]:
    """suite -> task's title -> languages, of the tasks that have all cells of every suite they are
    in; and the titles of the others."""
    found, lacking = {suite: {} for suite in SUITES}, []
    for c in columns:
        langs = {s: languages(c.task, data, s) for s in SUITES if s in c.task.langs}
        if not all((c.title, lang) in cells for own in langs.values() for lang in own):
            lacking.append(c.title)
            continue
        for suite, own in langs.items():
            found[suite][c.title] = own
    return found, lacking


def compared(gained: pd.Series, columns, data: str):
    """A gain on XTREME and on XTREME-R: (suite -> part -> Effect over seeds, the Effect of XTREME-R
    minus XTREME, titles of tasks left out).

    `gained`: see `effects.gained`, English counts like any language, as in the suites' averages. It
    uses the seeds that have every task there is or, if they are fewer than two, the tasks that
    every seed has. No effects if the suites share none of them.
    """
    table = gained.unstack("seed")
    cells = table.dropna(axis=1)
    cells = cells if cells.shape[1] > 1 else table.dropna()
    which, lacking = suites(columns, data, set(cells.index))
    parts = {}
    for suite, other in (SUITES, SUITES[::-1]):
        try:
            parts[suite] = pd.DataFrame({seed: shift_share(own, which[suite], which[other])
                                         for seed, own in cells.items()})  # fmt: skip
        except ValueError:
            return {}, Effect(), lacking
    if cells.empty:
        return {}, Effect(), lacking
    old, new = (parts[suite].loc["average"] for suite in SUITES)
    found = {s: {p: effect(own.loc[p]) for p in PARTS} for s, own in parts.items()}
    return found, effect(new - old), lacking
