"""Languages: their codes, and the forms of their names that data sets use.

Facts live in `facts/languages.csv` (where its numbers are from: `facts/LICENSE-languages`). Which
languages a task has is the task's own record (on the hub) or the world's (in the world).
"""

import csv
from dataclasses import dataclass, fields
from functools import cache

from xstilts.paths import FACTS, BadInput, nearest


@dataclass(frozen=True)
class Language:
    """`code` as in XTREME, `iso3` as in Tatoeba's file names, `name` in English, `treebank` as
    Universal Dependencies calls the one used, `script`, `family`."""

    code: str
    iso3: str
    name: str
    treebank: str = ""
    script: str = ""
    family: str = ""


SUITES = ("xtreme", "xtreme-r")  # those with official language lists
URIEL = ("genetic", "geographic", "syntactic", "phonological", "inventory", "featural")


@cache
def facts() -> dict[str, dict[str, str]]:
    """Every column of the table, as texts, by code.

    Besides `Language`'s: `order` (of subject, verb, object; several where none rules), distances
    from English in [0, 1] (URIEL), `attested` (share of the 289 features behind them that somebody
    recorded, not predicted), `cc100_gib` (0: not in CC-100) and `wikipedia_million` (articles;
    empty: not known), both sizes of pretraining text.
    """
    with (FACTS / "languages.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: row for row in csv.DictReader(file)}


@cache
def table() -> dict[str, Language]:
    """Every real language by code."""
    names = [field.name for field in fields(Language)]
    return {code: Language(*map(row.get, names)) for code, row in facts().items()}


def language(code: str) -> Language:
    """The language of `code`; one that the table lacks is known by its code alone."""
    return table().get(code) or Language(code, code, code)


def in_world(task, data: str) -> bool:
    """Whether the rows of `task` are the synthetic world's; one with files of its own has those."""
    return data == "world" and not task.files


def languages(task, data: str, suite: str | None = None) -> tuple[str, ...]:
    """The languages `task` is evaluated in, in the order in which averages add them.

    `data` is "world" or "hub"; `suite` None means every suite the task is in. A task outside the
    suite has none; one in no suite at all has English.
    """
    if suite is not None and suite not in task.langs:
        if not task.langs or suite in SUITES:
            return ()
        raise BadInput(f"task '{task.name}' has no suite '{suite}': {nearest(suite, task.langs)}")
    if not task.langs:
        return ("en",)
    if in_world(task, data):
        from xstilts.world import tasks

        english = any("en" in codes for codes in task.langs.values())  # XCOPA has none
        return tuple(code for code in tasks.languages(task.world) if english or code != "en")
    lists = task.langs.values() if suite is None else [task.langs[suite]]
    return tuple(dict.fromkeys(code for codes in lists for code in codes))
