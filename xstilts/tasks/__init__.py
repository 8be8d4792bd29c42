"""Every stock task, by name, and which of them a fine-tuning set is evaluated on."""

from collections.abc import Iterable

from xstilts.recipes import RECIPES, Recipe
from xstilts.records import named
from xstilts.tasks import intermediate, xtreme, xtreme_r
from xstilts.tasks.record import COLUMNS, FORMS, SHAPES, SPLITS, Hub, Task, check

__all__ = ["COLUMNS", "FORMS", "SHAPES", "SETS", "SPLITS", "TASKS", "Hub", "Task", "check", "task",
           "trained_by"]  # fmt: skip

TASKS = {t.name: t for t in (*intermediate.TASKS, *xtreme.TASKS, *xtreme_r.TASKS)}
SETS = tuple(dict.fromkeys(name for t in TASKS.values() for name in t.train.values()))


def task(name: str, known: Iterable[Task] = ()) -> Task:
    """The task called `name`, a grid's own (`known`) before the stock ones."""
    return named(name, TASKS, known, "task")


def trained_by(recipe: Recipe, known: Iterable[Task] = ()) -> tuple[Task, ...]:
    """The tasks that a model fine-tuned by `recipe` is evaluated on.

    Those whose `train` names it, or names a recipe with the same tasks (COPA after Social IQa
    still answers XCOPA), and a task of some suite that is itself all that was trained on
    (XNLI's own English training set).
    """

    def wanted(t: Task) -> bool:
        ways = set(t.train.values())
        sets = [RECIPES[way].tasks for way in ways if way in RECIPES]
        return bool(t.langs) and (recipe.name in ways or recipe.tasks in (*sets, (t.name,)))

    return tuple(t for t in {**TASKS, **{t.name: t for t in known}}.values() if wanted(t))
