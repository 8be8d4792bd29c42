"""A run's answers as a submission: predictions and, where known, labels in XTREME's layout.

Copies the answers from the evaluations of one setting, recipe and seed; it computes neither answers
nor scores. On the two folders, XTREME's scorer and ours give the figures of the runs.
"""

from collections.abc import Iterable
from pathlib import Path

from xstilts.files import replaced
from xstilts.grid import Run, plan
from xstilts.gridfile import read
from xstilts.languages import languages
from xstilts.paths import BadInput, MissingData, nearest, runs_dir
from xstilts.provenance import standing
from xstilts.scores import MEMBERS
from xstilts.submission import answers_path, write_labels
from xstilts.tasks import Task


def export(grid, setting: str, recipe: str, seed: int, folder: Path) -> None:
    """Write `folder`/predictions and `folder`/labels from the runs of `grid` that are done.

    Prints what it found of each task. Raises BadInput for names the grid does not have, for
    results out of date and for a folder in use; MissingData if no run is finished.
    """
    for side in ("predictions", "labels"):
        if (folder / side).exists():
            raise BadInput(f"{folder / side} exists already: choose another folder, or delete it")
    grid, files = read(grid), {}
    for task, run in _owners(_evaluations(grid, setting, recipe, seed)):
        files |= _files(task, run)
    if not files:
        raise MissingData(f"{grid.where}: these runs answered no test rows")
    for path, text in files.items():
        with replaced(folder / path) as part:
            part.write_text(text, encoding="utf-8")
    suite = _suite(grid.setting(setting).data, {path.parts[1] for path in files})
    print(f"to score it: xstilts score {folder}/predictions {folder}/labels --suite {suite}")


def _suite(data: str, names: set[str]) -> str:
    """The suite that counts most of the tasks `names`, XTREME before XTREME-R."""
    if data == "world":
        return "world"
    return max(MEMBERS, key=lambda suite: len(names.intersection(MEMBERS[suite])))


def _evaluations(grid, setting: str, recipe: str, seed: int) -> list[Run]:
    """The finished runs that hold answers; the others are named and left out."""
    runs = plan(grid, settings=[setting], seeds=[seed])
    scored = [run for run in runs if run.leaves == "scores"]
    wanted = [run for run in scored if run.params["recipe"] == recipe]
    if not wanted:
        hint = nearest(recipe, {run.params["recipe"] for run in scored})
        raise BadInput(f"{grid.where}: no evaluations after recipe '{recipe}': {hint}")
    states = standing(runs)
    for run in wanted:
        if states[run.id] == "missing":
            print(f"{run.id} has not been run: left out")
        elif states[run.id]:
            raise BadInput(f"{run.id} is out of date ({states[run.id]} changed): "
                           f"first `xstilts run {grid.where} --redo`")  # fmt: skip
    if not (done := [run for run in wanted if not states[run.id]]):
        raise MissingData(f"no finished run to export: first `xstilts run {grid.where}`")
    return done


def _owners(runs: Iterable[Run]) -> list[tuple[Task, Run]]:
    """Every task with the run whose answers count: the one after the task's own fine-tuning set
    where several evaluate it, as XCOPA is after COPA alone and after Social IQa and COPA."""
    found: dict[str, tuple[Task, Run]] = {}
    for run in runs:
        for task in run.tasks:
            if task.name not in found or run.params.get("target") in task.train.values():
                found[task.name] = (task, run)
    return list(found.values())


def _files(task: Task, run: Run) -> dict[Path, str]:
    """Answers and labels of one task in the languages that have answers, by path."""
    from xstilts.evaluate import rows_read

    files, there, unlabelled = {}, [], []
    langs, home = languages(task, run.setting.data), runs_dir() / run.id / "answers"
    for lang in langs:
        path = answers_path(task, "test", lang)
        if not (home / path).is_file():
            continue
        there.append(lang)
        files["predictions" / path] = (home / path).read_text("utf-8")
        try:
            rows = rows_read(task, run.setting, "test", lang)
            files["labels" / path] = write_labels(task, rows)
        except MissingData:
            unlabelled.append(lang)
    parts = [f"{len(there)} of {len(langs)} languages from {run.id}"]
    for word, some in (("without", set(langs) - set(there)), ("no labels for", unlabelled)):
        parts += [f"{word} {' '.join(sorted(some))}"] if some else []
    print(f"{task.name}: {', '.join(parts)}")
    return files
