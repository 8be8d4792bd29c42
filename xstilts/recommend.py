"""`xstilts recommend TARGET`: which English task to train on first, and how sure that is.

Reads what the runs of a grid have left, or the committed snapshot; trains nothing. It says "cannot
tell" where intervals do.
"""

from collections.abc import Iterator
from math import isnan

from xstilts import snapshot, tables
from xstilts.analysis import effects
from xstilts.analysis.advice import Advice, advise
from xstilts.analysis.rulings import ALPHA
from xstilts.grid import plan
from xstilts.gridfile import Grid, read
from xstilts.paths import BadInput, MissingData, nearest

SHOWN = 5  # recipes named in a line


def recommend(target: str, grid, setting: str | None = None) -> Iterator[str]:
    """The lines of the recommendation for `target`: a task's name or title, or a fine-tuning set.

    `grid` is a stock name or a file; `setting` None means all of its settings. Raises BadInput for
    names that the grid does not have, MissingData if there are no results of that target.
    """
    grid = read(grid)
    wanted = _columns(grid, target)
    chosen = grid.used
    if setting is not None and setting not in chosen:
        raise BadInput(f"{grid.where}: no setting '{setting}': {nearest(setting, chosen)}")
    chosen = {name: one for name, one in chosen.items() if setting in (None, name)}
    collected = snapshot.collect(plan(grid, settings=list(chosen)))
    figures = effects.figures(collected.scores, grid)
    figures = figures[figures["target"].isin({c.target for c in wanted})]
    figures = figures[figures["task"].isin({c.task.name for c in wanted})]
    recipes = list(dict.fromkeys(r for block in grid.blocks for r in block.recipes))
    said = False
    for name, one in chosen.items():
        mine = figures[figures["setting"] == name]
        for title in mine["column"].unique():
            found = advise(mine, title, recipes)
            if found.best:
                yield from _told(title, name, found)
                yield from _beside(grid, title, mine, found, recipes)
                yield from filter(None, [tables.stamp([one]), ""])
                said = True
    if not said:
        raise MissingData(f"no results for {target} after any intermediate task and after none: "
                          f"first `xstilts run {grid.where}`")  # fmt: skip
    yield f"read from: {collected.source}"


def _columns(grid: Grid, target: str) -> list[tables.Column]:
    """The columns that `target` means: a task by name or title, or all of a fine-tuning set."""
    columns, known = tables.columns(grid), {}
    names = {name for c in columns for name in (c.task.name, c.target) if name}
    for c in columns:
        for word in (c.task.name, c.title, c.task.title, c.target):
            known.setdefault(word.lower(), []).append(c)
    known.pop("", None)
    if target.lower() not in known:
        raise BadInput(f"{grid.where}: no target '{target}': {nearest(target.lower(), names)}")
    return known[target.lower()]


def _told(title: str, setting: str, found: Advice) -> Iterator[str]:
    """A table, best first, and what may be concluded from it."""
    yield f"{title}, {setting}: gain over no intermediate task, in points, outside English"
    width = max(len("train first on"), *map(len, found.effects))
    yield f"  {'train first on':{width}}  {'gain':>6}  {'95 % interval':>16}  seeds"
    for name, one in found.effects.items():
        ends = f"{tables.signed(one.low)} to {tables.signed(one.high)}" if one.seeds > 1 else "–"
        few = f" {tables.FEW}" if one.seeds < tables.SEEDS else ""
        gain = tables.signed(one.estimate)
        yield f"  {name:{width}}  {gain:>6}  {ends:>16}  {one.seeds}{few}"
    yield f"{verdict(found)}"
    if any(one.seeds < tables.SEEDS for one in found.effects.values()):
        yield tables.PROVISIONAL


def _beside(grid, title: str, mine, found: Advice, recipes) -> Iterator[str]:
    """What to know of the table: gains that are longer training, and what was not tried."""
    target = mine.loc[mine["column"] == title, "target"].iloc[0]
    rows = set(grid.recipe(target).tasks) if target else set()
    same = [name for name in found.effects if rows & {*grid.recipe(name).tasks}]
    if same:
        yield f"{', '.join(same)}: the rows {title} is fine-tuned on; a gain is more training."
    untried = [name for name in recipes if name not in found.effects and name != "none"]
    if untried:
        yield f"No results yet after: {', '.join(untried)} (`xstilts run {grid.where}`)."


def verdict(found: Advice) -> str:
    """One recommendation in a sentence or two, with its certainty."""
    best, gain = found.best, found.effects[found.best]
    if gain.seeds < 2:
        return f"Cannot tell: {best} came out best, but one seed shows no interval."
    tested = sum(not isnan(p) for p in found.p.values())  # one seed has none
    p = f"p = {found.p[best]:.2g}, Holm-corrected over {tested} task{'s' * (tested > 1)}"
    if not found.helps and gain.high < 1:
        return f"No intermediate task: even {best}, the best, gains less than a point ({p})."
    if not found.helps:
        need = gain.needed(gain.estimate, ALPHA / tested) or 0
        came, more = "came out best, but below none", ""
        if gain.estimate > 0:
            came = "came out best"
            more = f" To show a gain of this size takes {need} seeds." * (need > gain.seeds)
        return f"Cannot tell whether any helps: {best} {came} ({p}).{more}"
    others = ", ".join(found.alike[:SHOWN])
    lead = f", over the next {found.lead.words}" if found.lead.seeds else ""
    others += f" and {len(found.alike) - SHOWN} more" if len(found.alike) > SHOWN else ""
    if found.alike:
        return f"Train first on {best}: it helps ({p}). Cannot tell it from {others}{lead}."
    if len(found.effects) < 2:
        return f"Train first on {best}: it helps ({p}). No other was tried."
    return f"Train first on {best}: it helps ({p}) and is better than all others tried."
