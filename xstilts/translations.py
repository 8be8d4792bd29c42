"""Into which languages a task's English training rows are translated, and where those rows lie.

In the synthetic world: all it has. At real sizes: those of a folder of the user's, else the
published set that the task's record names. A native training split is no translation and does not
count. Looks at folders, opens no file and asks no network.
"""

from collections.abc import Iterable
from dataclasses import replace

from xstilts import tasks
from xstilts.languages import in_world, language, languages
from xstilts.paths import TABLES, MissingData, hub_dir, translated_dir
from xstilts.recipes import Recipe
from xstilts.tasks import Task


def translation(record: Task, data: str) -> Task | None:
    """The task whose training split in other languages is the English one of `record`, translated.

    Files `<task>/<lang>.jsonl` (or another table) in XSTILTS_TRANSLATED have the columns of the
    form, under their own names. In the synthetic world it is the task itself.
    """
    if in_world(record, data):
        return record
    home = translated_dir() and translated_dir() / record.name
    files = sorted(file for file in home.glob("*") if file.suffix in TABLES) if home else []
    if not files:
        return tasks.task(record.translated) if record.translated else None
    kind = files[0].suffix
    return replace(
        record, langs={"own": tuple(file.stem for file in files if file.suffix == kind)}, train={},
        labels=() if record.form == "choose" else record.labels, columns={}, shape="", hub=(),
        files={"train": f"{home}/{{code}}{kind}"},
    )  # fmt: skip


def translations(task: Task, data: str) -> tuple[str, ...]:
    """The languages into which the English training rows of `task` are translated.

    None for retrieval, whose queries and candidates would have to stay together.
    """
    if task.form == "pairs":
        return ()
    if in_world(task, data):
        from xstilts.world import tasks as made

        return made.translations(task.world) if task.world else ()
    source = translation(task, data)
    known = languages(source, "hub") if source else ()
    return tuple(code for code in known if code != "en" and _in_reach(source, code))


def _in_reach(task: Task, lang: str) -> bool:
    """Whether a training split can be had; what XSTILTS_HUB holds of a repository is all of it."""
    hub = next((hub for hub in task.hub if "train" in hub.splits), None)
    if not hub or not hub_dir() or not (hub_dir() / hub.repo).is_dir():
        return True
    folder = hub_dir() / hub.repo / hub.config.format(**vars(language(lang)))
    return any(folder.glob(f"{hub.splits['train']}*"))


def spoken(recipe: Recipe, records: Iterable[Task], data: str) -> tuple[str, ...]:
    """The languages in which `recipe` reads the training rows of its tasks, `records`.

    Raises MissingData for what is not translated.
    """
    known = [(task, translations(task, data)) for task in records if recipe.translate]
    if known and recipe.errors and data != "world":
        raise MissingData("errors are drawn in the synthetic world; real translations have theirs")
    asked = recipe.translate or ("en",)
    if "all" in asked:
        shared = [code for code in known[0][1] if all(code in own for _, own in known)]
        asked = ("en", *(shared or ("any language",)))
    for task, own in known:
        if gone := [code for code in asked if code not in ("en", *own)]:
            way = "the synthetic world has none"
            if not in_world(task, data):
                way = f"set XSTILTS_TRANSLATED to a folder with {task.name}/<language>.jsonl"
            raise MissingData(f"{task.title} translated into {', '.join(gone)}; {way}")
    return asked
