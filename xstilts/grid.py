"""A grid in, the runs out: what has to be executed, in which order, with which parameters.

Expands settings x seeds x recipes x targets into `Run` records. It reads no data, trains nothing,
and imports neither torch nor pandas, because Snakemake and the command line make a plan for every
job. Grid files are read and checked by `gridfile`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from xstilts import tasks
from xstilts.gridfile import REPORTS, STUDIES, Block, Grid, read, restrict
from xstilts.measured import ENGLISH, MEASURED
from xstilts.paths import BadInput, MissingData, hub_dir, text_dir
from xstilts.recipes import Recipe
from xstilts.settings import Hyper, Setting, resolve
from xstilts.translations import spoken, translation

PRODUCT = {  # what a run leaves for others, by kind; Snakemake's rules go by these
    "model": "model",
    "temp": "model",  # a fine-tuned model: dropped as soon as its scores are there
    "scores": "scores.csv",
    "measures": "measures.csv",
    "report": "notebook.html",
}
PARAMETERS = ("setting", "recipe", "target", "seed", "measure")  # in every notebook's order
TRAIN = ("02_intermediate", "03_target", "06_mlm_baseline", "07_translate_train")


@dataclass(frozen=True)
class Run:
    """One notebook to execute. `id` is its folder below the output folder and names the phase.

    `params` go into the notebook's parameters cell, `needs` are the ids of the runs it depends on,
    `leaves` is a key of PRODUCT, `grid` holds the records behind the names.
    """

    id: str
    notebook: str
    params: Mapping[str, str | int]
    needs: tuple[str, ...]
    leaves: str
    grid: Grid = field(repr=False, compare=False)

    @property
    def product(self) -> str:
        """The file whose presence marks the run as done, as a path below the output folder."""
        return f"{self.id}/{PRODUCT[self.leaves]}"

    @property
    def setting(self) -> Setting | None:
        return self.grid.setting(self.params["setting"]) if "setting" in self.params else None

    @property
    def phase(self) -> str:
        """`intermediate` or `target` if the run trains, else empty."""
        if self.notebook not in TRAIN:
            return ""
        return "target" if self.params.get("target") else "intermediate"

    @property
    def recipe(self) -> Recipe:
        return self.grid.recipe(self.params["recipe"])

    @property
    def target(self) -> Recipe:
        """The recipe that fine-tunes."""
        return self.grid.recipe(self.params["target"])

    @property
    def evaluated(self) -> tuple["tasks.Task", ...]:
        """The tasks on which a model of this target is evaluated."""
        return self.grid.evaluated(self.params["target"])

    @property
    def trained(self) -> Recipe | None:
        """What the run trains on, if it trains."""
        if not self.phase:
            return None
        return self.target if self.phase == "target" else self.recipe

    @property
    def tasks(self) -> tuple["tasks.Task", ...]:
        """The tasks whose data the run reads."""
        if self.trained:
            return tuple(tasks.task(name, self.grid.tasks) for name in self.trained.tasks)
        if self.notebook == "04_zero_shot":
            return self.evaluated
        if self.notebook == "05_retrieval":
            every = (*self.grid.tasks, *tasks.TASKS.values())
            return tuple(t for t in every if t.form == "pairs" and t.langs and not t.train)
        return ()

    @property
    def measured(self) -> tuple[tuple["tasks.Task", str, bool], ...]:
        """(task, split, whether in English only) that a measurement reads."""
        kind = self.params.get("measure")
        pairs = MEASURED.get(kind) or ENGLISH.get(kind, ())
        return tuple((tasks.task(name), split, kind in ENGLISH) for name, split in pairs)

    @property
    def sources(self) -> tuple["tasks.Task", ...]:
        """Other tasks that shape the training rows: sources of translations, and tasks that
        `nearest` selects rows to resemble."""
        if not self.trained:
            return ()
        like = [tasks.task(name.partition("/")[0]) for name in self.trained.nearest]
        data = self.setting.data
        said = [translation(t, data) for t in self.tasks] if self.trained.translate else []
        found = [t for t in (*said, *like) if t]
        return tuple(t for i, t in enumerate(found) if t not in found[:i])

    @property
    def hyper(self) -> Hyper | None:
        """The hyper-parameters of the run, if it trains."""
        return resolve(self.trained, self.setting, self.phase) if self.trained else None


def plan(
    grid, *, settings: Iterable[str] | None = None, seeds: Iterable[int] | None = None
) -> tuple[Run, ...]:
    """Every run of `grid` (a stock name, a path, or a mapping), each after the runs it depends on.

    `settings` and `seeds` restrict it. Runs that several parts share appear once. Raises
    BadInput, naming the file and the nearest known name, for anything it cannot interpret.
    """
    grid = restrict(read(grid), settings, seeds)
    runs: dict[str, Run] = {}
    for block in grid.blocks:
        for one in block.settings:
            for seed in block.seeds:
                _expand(runs, grid, block, one.name, seed)
    scores = tuple(r.id for r in runs.values() if r.leaves in ("scores", "measures"))
    for name in (*grid.studies, *grid.reports):
        own, notebook = f"{grid.name}/{name}", (STUDIES | REPORTS)[name]
        runs[own] = Run(own, notebook, {"grid": grid.name}, scores, "report", grid)
    return tuple(runs.values())


def alone(notebook: str, params: Mapping, grid: Grid) -> tuple[Run, ...]:
    """The run of `notebook` with `params`, last, after the runs that it needs.

    `grid` need not plan it; it only serves to look names up. A notebook that is in no plan at all
    is a run of its own, named after the notebook.
    """
    runs: dict[str, Run] = {}
    if {"setting", "recipe", "seed"} <= set(params):
        targets = (params["target"],) if params.get("target") else ()
        measures = (params["measure"],) if params.get("measure") else ()
        block = Block((grid.setting(params["setting"]),), (params["seed"],), (params["recipe"],),
                      targets, retrieval=True, measures=measures)  # fmt: skip
        _expand(runs, grid, block, params["setting"], params["seed"])
    elif "setting" in params:
        _encoder(runs, grid, {"setting": params["setting"], "recipe": "none"})
    given = {name: value for name, value in params.items() if value != ""}
    found = [r for r in runs.values() if r.notebook == notebook and r.params == given]
    if not found and notebook in PLANNED and "recipe" in params:
        raise BadInput(f"{notebook}: recipe '{params['recipe']}' leaves nothing to do here")
    if not found:
        words = [str(value) for value in params.values()]
        return (Run("/".join([notebook, *words]), notebook, dict(params), (), "report", grid),)
    return (*_before(found[0], runs), found[0])


PLANNED = (*TRAIN, "04_zero_shot", "05_retrieval", "10_measures")


def _before(run: Run, runs: Mapping[str, Run]) -> tuple[Run, ...]:
    """Everything that `run` needs, directly or not, in the order of execution."""
    found: dict[str, Run] = {}
    for name in run.needs:
        for one in (*_before(runs[name], runs), runs[name]):
            found[one.id] = one
    return tuple(found.values())


def pretrained(setting: Setting) -> bool:
    """Whether a setting pretrains its encoder first: "text" or "world", or "text/bert"."""
    return setting.encoder.partition("/")[0] in ("text", "world")


def lacking(runs: Iterable[Run]) -> dict[str, str]:
    """{id: why} of runs without data, as far as that can be told without the network."""
    found: dict[str, str] = {}
    for run in runs:
        reasons = [found[need] for need in run.needs if need in found]
        if run.leaves == "report":
            continue
        real = run.setting.data == "hub"
        base = run.notebook == "01_prepare_encoder" and run.setting.encoder.startswith("text")
        if (base or (run.trained and run.trained.mlm and real)) and text_dir() is None:
            reasons.append("no text: set XSTILTS_TEXT to a folder of xx.txt or xx.txt.xz")
        if run.trained:
            try:
                spoken(run.trained, run.tasks, run.setting.data)
            except MissingData as error:
                reasons.append(f"no data: {error}")
        if real:
            gone = [t for t in run.tasks if not (t.files or any(map(_there, t.hub)))]
            if gone and (run.hyper or len(gone) == len(run.tasks)):
                reasons.append(f"no data: {', '.join(t.title for t in gone)}")
        if reasons:
            found[run.id] = reasons[0]
    return found


def _there(source) -> bool:
    """Whether `source` is available: on the hub, or in the user's folder."""
    return not source.local or (hub_dir() is not None and (hub_dir() / source.repo).is_dir())


# What follows fills `runs`; `own` is the setting, recipe and seed that a run belongs to.


def _expand(runs: dict[str, Run], grid: Grid, block: Block, setting: str, seed: int) -> None:
    """The runs of one setting and seed."""
    for recipe in block.recipes:
        own = {"setting": setting, "recipe": recipe, "seed": seed}
        encoder = _encoder(runs, grid, own)
        for target in block.targets:
            tuned = _target(runs, grid, own, target, encoder)
            if grid.evaluated(target):
                _add(runs, grid, own | {"target": target}, "zero", "04_zero_shot", "scores", tuned)
        if block.retrieval:
            _add(runs, grid, own, "retrieval", "05_retrieval", "scores", encoder)
        for measure in block.measures:
            more = own | {"measure": measure}
            _add(runs, grid, more, "measure", "10_measures", "measures", encoder)


def _encoder(runs: dict[str, Run], grid: Grid, own: Mapping) -> tuple[str, ...]:
    """Add the runs that make the recipe's encoder; the id of the last, () if the encoder exists."""
    needs, recipe = (), grid.recipe(own["recipe"])
    if pretrained(grid.setting(own["setting"])):  # once, for every seed of the grid
        base, params = f"{own['setting']}/base", {"setting": own["setting"], "seed": 1}
        runs.setdefault(base, Run(base, "01_prepare_encoder", params, (), "model", grid))
        needs = (base,)
    if recipe.after:
        needs = _encoder(runs, grid, own | {"recipe": recipe.after})
    if not recipe.tasks:
        return needs
    notebook = "06_mlm_baseline" if recipe.mlm else "02_intermediate"
    notebook = "07_translate_train" if recipe.translate else notebook
    return _add(runs, grid, own, "encoder", notebook, "model", needs)


def _target(runs, grid: Grid, own: Mapping, target: str, needs: tuple[str, ...]) -> tuple[str, ...]:
    """Add the run that fine-tunes on `target`, and before it those it comes `after`; its id."""
    recipe = grid.recipe(target)
    if recipe.after:
        needs = _target(runs, grid, own, recipe.after, needs)
    notebook = "07_translate_train" if recipe.translate else "03_target"
    return _add(runs, grid, own | {"target": target}, "target", notebook, "temp", needs)


def _add(runs, grid: Grid, given: Mapping, phase: str, notebook, leaves, needs) -> tuple[str]:
    """Add the run if it is new; return its id, which ends in the phase and, if any, the target or
    measure."""
    params = {name: given[name] for name in PARAMETERS if name in given}
    last = [given[name] for name in ("target", "measure") if name in given]
    name = f"{given['setting']}.s{given['seed']}/{given['recipe']}/{'-'.join([phase, *last])}"
    runs.setdefault(name, Run(name, notebook, params, needs, leaves, grid))
    return (name,)
