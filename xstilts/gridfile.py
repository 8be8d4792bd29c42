"""A grid file, read and checked: YAML in, records out.

Every key, name and type is checked here, so that what follows may trust them; an error names
the file, the place in it and the nearest known name. What the grid means is `grid.plan`'s.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from xstilts import records, tasks
from xstilts.paths import GRIDS, BadInput, nearest
from xstilts.recipes import RECIPES, Recipe, check, recipe
from xstilts.settings import PAPER, SETTINGS, Setting, resolve, setting

STUDIES = {  # name -> notebook
    "domain_shift": "11_domain_shift",
    "choice_of_task": "12_choice_of_task",
    "linguistic_distance": "13_linguistic_distance",
    "sequence_length": "14_sequence_length",
    "task_chains": "15_task_chains",
}
REPORTS = {
    "main_table": "20_main_table",
    "per_language": "21_per_language",
    "claims": "22_claims",
}
MEASURES = {  # name -> what it measures
    "text": "pieces per English piece and pieces shared with English, of the same sentences",
    "positions": "the encoder's own masked-language loss by position in the text",
    "space": "likeness of translations and of random sentences, and languages apart, by layer",
    "domains": "how far domains lie apart, in subwords and by layer, raw and centred",
    "knobs": "retrieval of sentences said with one knob of their language changed (world only)",
    "overlap": "English test rows that stand in a training set, whole or nearly",
    "few": "English dev of each target's fine-tuning set after a few of its rows",
    "likeness": "how alike intermediate tasks and targets are, in texts and in what they ask",
}

PHASES = ("pretrain", *PAPER, "evaluate")
BLOCK = ("settings", "seeds", "recipes", "targets", "retrieval", "measures")
KEYS = (*BLOCK, "also", "studies", "reports", "tasks")
FROZEN = ("name", "folder", "only")  # what a frozen copy says besides: see `freeze`


@dataclass(frozen=True)
class Block:
    """One full product: every setting and seed with every recipe, target and measure."""

    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    recipes: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    retrieval: bool = False
    measures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Grid:
    """A grid: its products, and the records that it declares itself (`recipes`, `tasks`)."""

    name: str
    where: str
    blocks: tuple[Block, ...] = ()
    settings: tuple[Setting, ...] = ()
    recipes: tuple[Recipe, ...] = ()
    tasks: tuple["tasks.Task", ...] = ()
    studies: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    content: Mapping | None = None  # as it was read
    folder: Path = Path()  # where its relative paths start

    @property
    def used(self) -> dict[str, Setting]:
        """The settings of its products by name, in the grid's order."""
        return {one.name: one for block in self.blocks for one in block.settings}

    def recipe(self, name: str) -> Recipe:
        """The recipe called `name`: the grid's own, or a stock one."""
        return recipe(name, self.recipes)

    def setting(self, name: str) -> Setting:
        """The setting called `name`: the grid's own, or a stock one."""
        return setting(name, self.settings)

    def evaluated(self, target: str) -> tuple["tasks.Task", ...]:
        """The tasks that a model fine-tuned on `target` is evaluated on."""
        return tasks.trained_by(self.recipe(target), known=self.tasks)


def read(grid: str | Path | Mapping | Grid) -> Grid:
    """The grid called `grid`, in the file `grid`, or given as a mapping; checked.

    Raises BadInput for a file, key, name or type that is not understood.
    """
    if isinstance(grid, Grid):
        return grid
    if isinstance(grid, Mapping):
        return _check(grid, "grid", "grid", Path.cwd())
    path = Path(grid)
    if path.suffix not in (".yaml", ".yml", ".json"):
        path = GRIDS / f"{grid}.yaml"
    if not path.is_file():
        stock = [p.stem for p in GRIDS.glob("*.yaml")]
        raise BadInput(f"no grid '{grid}': {nearest(Path(grid).stem, stock)}")
    return _check(records.read_yaml(path), path.stem, str(grid), path.resolve().parent)


def at_hand(params: Mapping) -> Grid:
    """The grid that names are looked up in: XSTILTS_GRID's, a report's own, or an empty one."""
    where = os.environ.get("XSTILTS_GRID") or params.get("grid")
    return read(where) if where else Grid("none", "no grid")


def restrict(grid: Grid, settings=None, seeds=None) -> Grid:
    """`grid` with only some of its settings (names) and seeds; both must be among its own."""
    for what, wanted in (("settings", settings), ("seeds", seeds)):
        if wanted is None:
            continue
        key = (lambda s: s.name) if what == "settings" else (lambda s: s)
        named = {key(x) for block in grid.blocks for x in getattr(block, what)}
        for name in wanted:
            if name not in named:
                hint = nearest(name, named)
                raise BadInput(f"{grid.where}: no '{name}' among its {what}: {hint}")
        blocks = tuple(
            replace(block, **{what: tuple(x for x in getattr(block, what) if key(x) in wanted)})
            for block in grid.blocks
        )
        grid = replace(grid, blocks=blocks)
    return grid


def freeze(grid: Grid) -> dict:
    """`grid` as plain JSON that reads back as the same grid, restricted alike, from anywhere."""
    only = {
        "settings": sorted(grid.used),
        "seeds": sorted({seed for block in grid.blocks for seed in block.seeds}),
    }
    return {**grid.content, "name": grid.name, "folder": str(grid.folder), "only": only}


def _check(content: Mapping, name: str, where: str, folder: Path) -> Grid:
    """The records behind `content`. Top level and `also` parts are blocks of one form."""
    records.check_keys(content, (*KEYS, *FROZEN), where)
    name, folder = content.get("name", name), Path(content.get("folder", folder))
    records.check_name(name, "grid", where)
    own = tuple(_task(t, folder, where) for t in records.list_of(content, "tasks", where))
    records.check_once([t.name for t in own], f"{where}: tasks")
    grid = Grid(name, where, tasks=own, content=content, folder=folder)
    grid = _block(grid, content, where)
    for number, part in enumerate(records.list_of(content, "also", where)):
        records.check_keys(part, BLOCK, f"{where}: also[{number}]")
        grid = _block(grid, part, f"{where}: also[{number}]")
    for key, known in (("studies", STUDIES), ("reports", REPORTS)):
        grid = replace(grid, **{key: _names(content, key, known, where)})
    with records.within(where):
        _recipes_and_budgets(grid)
    only = content.get("only", {})
    records.check_keys(only, ("settings", "seeds"), f"{where}: only")
    return restrict(grid, **only)


def _names(content: Mapping, key: str, known, where: str) -> tuple[str, ...]:
    """A list of names among those `known`."""
    names = tuple(records.list_of(content, key, where))
    for name in names:
        records.check_known(name, known, f"{where}: {key}")
    return names


def _task(given, folder: Path, where: str) -> "tasks.Task":
    """A task record of the grid's own, with the whole paths of its files."""
    made = records.record(tasks.Task, given, f"{where}: tasks")
    with records.within(where):
        tasks.check(made)
    return replace(made, files={split: str(folder / file) for split, file in made.files.items()})


def _block(grid: Grid, part: Mapping, where: str) -> Grid:
    """`grid` with one block more; an `also` part takes the first's settings and seeds."""
    first = grid.blocks[0] if grid.blocks else Block((), ())
    settings, recipes = list(grid.settings), list(grid.recipes)
    here = [
        _setting(s, settings, grid.folder, where) for s in records.list_of(part, "settings", where)
    ]
    named = {
        key: tuple(
            _recipe(r, recipes, f"{where}: {key}") for r in records.list_of(part, key, where)
        )
        for key in ("recipes", "targets")
    }
    seeds = tuple(records.list_of(part, "seeds", where))
    for seed in seeds:
        if type(seed) is not int or not 0 <= seed < records.SEEDS:
            raise BadInput(f"{where}: seeds: {seed!r:.40} is no whole number from 0 to 2**32 - 1")
    for key, names in (named | {"seeds": seeds}).items():
        records.check_once(names, f"{where}: {key}")
    retrieval = part.get("retrieval", False)
    if not isinstance(retrieval, bool):
        raise BadInput(f"{where}: retrieval: {retrieval!r} is neither true nor false")
    block = Block(tuple(here) or first.settings, seeds or first.seeds, retrieval=retrieval,
                  measures=_names(part, "measures", MEASURES, where), **named)  # fmt: skip
    for key in ("settings", "seeds", "recipes"):
        if not getattr(block, key):
            raise BadInput(f"{where}: '{key}' is missing or empty, so there is nothing to run")
    return replace(grid, blocks=(*grid.blocks, block), settings=tuple(settings),
                   recipes=tuple(recipes))  # fmt: skip


def _setting(given, own: list[Setting], folder: Path, where: str) -> Setting:
    """A stock setting by name, or the grid's own, which is added to `own`."""
    if isinstance(given, str):
        with records.within(f"{where}: settings"):
            return setting(given, own)
    made = records.record(Setting, given, f"{where}: settings")
    place = f"{where}: setting '{made.name}'"
    records.check_numbers(asdict(made), place)
    if not made.encoder:
        raise BadInput(f"{place}: no encoder: a folder or a hub id")
    if made.data not in ("world", "hub"):
        raise BadInput(f"{place}: data: 'world' or 'hub', not '{made.data}'")
    for key, value in made.budget.items():
        phase, _, name = key.partition("/")
        records.check_known(phase, PHASES, f"{place}, budget '{key}'")
        records.check_numbers(value, f"{place}, budget '{key}'")
        if phase in PAPER:
            with records.within(where):
                resolve(Recipe(name), made, phase)
        elif phase == "evaluate":
            records.check_keys(value, ("examples",), f"{place}, budget '{key}'")
    if (folder / made.encoder).is_dir():
        made = replace(made, encoder=str((folder / made.encoder).resolve()))
    return _declare(made, own, SETTINGS, where)


def _recipe(given, own: list[Recipe], where: str) -> str:
    """The name of a stock recipe, or of the grid's own, which is added to `own`."""
    if isinstance(given, str):
        with records.within(where):
            return recipe(given, own).name
    made = records.record(Recipe, given, where)
    records.check_once(made.tasks, f"{where}: recipe '{made.name}': tasks")
    if not made.tasks:
        raise BadInput(f"{where}: recipe '{made.name}': no tasks, so it trains on nothing: 'none'?")
    return _declare(made, own, RECIPES, where).name


def _declare(made, own: list, stock: Mapping, where: str):
    """Add an own record; the same one may be said twice, another by that name may not."""
    records.check_name(made.name, type(made).__name__.lower(), where)
    same = next((o for o in own if o.name == made.name), None) or stock.get(made.name)
    if same is not None and same != made:
        raise BadInput(f"{where}: '{made.name}' already means something else; choose a new name")
    own.append(made)
    return made


def _recipes_and_budgets(grid: Grid) -> None:
    """What takes the whole grid: recipes that others name exist, and no chain bites its tail."""
    for start in grid.recipes:
        with records.within(f"recipe '{start.name}'"):
            own_tasks = [tasks.task(name, grid.tasks) for name in start.tasks]
        check(start, own_tasks)
        seen, one = [], start
        while one.after:
            if one.name in seen:
                raise BadInput(f"recipe '{start.name}': its 'after' runs in a circle: "
                               f"{' -> '.join(seen)}")  # fmt: skip
            seen.append(one.name)
            one = grid.recipe(one.after)
    known = {*RECIPES, *tasks.TASKS, *(own.name for own in (*grid.recipes, *grid.tasks))}
    for one in grid.settings:
        for key in one.budget:
            if name := key.partition("/")[2]:
                records.check_known(name, known, f"setting '{one.name}', budget '{key}'", "recipe")
    for name in (name for block in grid.blocks for name in block.targets):
        if not grid.recipe(name).tasks or grid.recipe(name).mlm == 1:
            raise BadInput(f"targets: '{name}' trains on nothing")
        if not grid.evaluated(name):
            raise BadInput(f"targets: no task is evaluated after '{name}'")
