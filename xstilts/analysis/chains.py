"""One intermediate task after another: what a chain is compared with, and two suites compared.

Reads a grid's records and Scores. XTREME and XTREME-R differ in tasks and in languages, so their
averages are taken apart into what both measure and what only one does.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean

import pandas as pd

from xstilts.analysis.effects import Effect, effect, gap
from xstilts.languages import SUITES, languages

ROLES = ("chain", "control", "first", "second", "reverse", "again", "both", "long first",
         "long second")  # fmt: skip
PARTS = ("shared cells", "languages only there", "tasks only there", "average")


def updates(grid, recipe: str) -> int | None:
    """The updates of a recipe and of those it comes after; None where one does not say."""
    found, name = 0, recipe
    while grid.recipe(name).tasks:
        one = grid.recipe(name)
        if one.updates is None:
            return None
        found += one.updates
        if not one.after:
            break
        name = one.after
    return found


def roles(grid) -> dict[str, str]:
    """The recipes of a grid by what they are to its chain ("" for none), keys as ROLES.

    The first part of the grid names control and chain, in this order: the second task after itself,
    and after the `first` task. `again`: the first after itself. `reverse`: the other order. `both`:
    mixed. `long first` and `long second`: one task without a restart. The last three have as many
    updates as the chain.
    """
    control, chain = grid.blocks[0].recipes
    first, second = grid.recipe(chain).after or "", grid.recipe(control).after or ""
    a, b, total = (*grid.recipe(first).tasks,), (*grid.recipe(second).tasks,), updates(grid, chain)
    found = dict.fromkeys(ROLES, "") | {"chain": chain, "control": control}
    found |= {"first": first, "second": second}
    for name in dict.fromkeys(r for block in grid.blocks for r in block.recipes):
        one = grid.recipe(name)
        if one.after and name not in (chain, control):
            role = {(first, a): "again", (second, a): "reverse"}.get((one.after, one.tasks))
        elif not one.after and not one.mlm and updates(grid, name) == total:
            role = {frozenset(a + b): "both"}.get(frozenset(one.tasks))
            role = {a: "long first", b: "long second"}.get(one.tasks, role)
        else:
            role = None
        if role:
            found[role] = name
    return found


def shift_share(cells: Mapping[tuple[str, str], float], langs: Mapping[str, Sequence[str]],
                others: Mapping[str, Sequence[str]]) -> dict[str, float]:  # fmt: skip
    """One suite's average as parts: the cells that `others`, the other suite, has too; what its
    own further languages add to the shared tasks; what its own further tasks add to that.

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


def compared(gained: Mapping[int, pd.Series], columns, data: str):
    """A gain on XTREME and on XTREME-R: (suite -> part -> Effect over seeds, the Effect of XTREME-R
    less XTREME, titles of tasks left out).

    `gained`: see `effects.gained`, English a language like others, as in the suites' averages. The
    tasks are those that every seed has. No effects if the suites share none of them.
    """
    if not gained:
        return {}, Effect(), [c.title for c in columns]
    common = set.intersection(*(set(cells.index) for cells in gained.values()))
    which, lacking = suites(columns, data, common)
    values: dict[str, dict[str, list[float]]] = {s: {p: [] for p in PARTS} for s in SUITES}
    for cells in gained.values():
        for suite, other in (SUITES, SUITES[::-1]):
            try:
                parts = shift_share(cells, which[suite], which[other])
            except ValueError:
                return {}, Effect(), lacking
            for part, value in parts.items():
                values[suite][part].append(value)
    old, new = (values[suite]["average"] for suite in SUITES)
    apart = effect([b - a for a, b in zip(old, new, strict=True)])
    found = {s: {p: effect(v) for p, v in own.items()} for s, own in values.items()}
    return found, apart, lacking


def path(figures: pd.DataFrame, stations: Sequence[str], columns: Sequence[str]) -> list[Effect]:
    """The gain over none at every station of a chain, averaged over `columns`."""
    return [effect(gap(figures, name, "none", columns)) for name in stations]
