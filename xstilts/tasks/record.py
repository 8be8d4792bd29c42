"""What a task is: two frozen records and nothing else.

A record says which rows there are, how a source's columns become ours, and what is measured. It
does nothing itself: `xstilts.data` reads the rows, a form turns them into features and answers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from xstilts.languages import Language
from xstilts.metrics import METRICS
from xstilts.paths import TABLES, BadInput
from xstilts.records import check_known, check_once

CODE = re.compile(r"\w[\w-]{0,31}")  # becomes part of file names
COLUMNS = {  # of a row, by form; `xstilts.data` says what they mean
    "classify": ("id", "text_a", "text_b", "label"),
    "choose": ("id", "context", "choices", "label"),
    "tag": ("id", "tokens", "tags"),
    "span": ("id", "question", "context", "answers"),
    "pairs": ("id", "side", "text", "gold"),
    "mlm": ("id", "text"),
}
FORMS = tuple(COLUMNS)
SPLITS = ("train", "dev", "test")
SHAPES = ("", "bitext", "mining", "answers")


@dataclass(frozen=True)
class Hub:
    """Some splits of a task in one repository of the Hugging Face hub, or of a folder like it.

    `config` and the second part of `keep` are templates over `{code} {iso3} {name} {treebank}` of
    the language. `splits` maps our split (train, dev, test) to the repository's. `langs` limits
    it to these languages. `keep=(column, start)` drops rows whose column does not begin so.
    `hold_out` names a column: where train and dev read one split, a tenth of its values, chosen
    by CRC-32, make dev. `columns` overrides the task's. `revision` None: the lock's, else the
    newest. `local` says that no hub has it and how a folder of one's own must come by it.
    """

    repo: str
    config: str
    splits: Mapping[str, str]
    langs: tuple[str, ...] = ()
    keep: tuple[str, str] | None = None
    hold_out: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    revision: str | None = None
    local: str = ""


@dataclass(frozen=True)
class Task:
    """One data set in all its languages.

    `form` says how a model answers it. `langs` is keyed by suite ("xtreme", "xtreme-r"); a task
    in no suite is trained on, in English, and not reported. `train` names, by suite, the recipe
    that fine-tunes it; none: evaluated as the encoder stands.

    `columns` maps our column to a source column (`"premise"`), a path in it (`"choices.text"`), a
    template (`"{premise} What was the {question}?"`) or, for a list, a tuple of these; a column
    not mentioned has our name. `shape` names the reading where a source row is not a row of ours:
    bitext (translation pairs), mining (pools and gold pairs), answers (questions to retrieve).
    `labels` orders the classes, or for `choose` the values that stand for first, second, ...; a
    tagging task without them takes those of its training split. `files` replaces the hub by own
    files, `{split: path}`, as CSV, TSV, JSON lines or Parquet. `translated` names the task whose
    training split in another language is this one's, translated. `max_len` counts subwords.
    """

    name: str
    title: str
    form: str
    metric: str = "accuracy"
    labels: tuple[str, ...] = ()
    langs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    train: Mapping[str, str] = field(default_factory=dict)
    hub: tuple[Hub, ...] = ()
    columns: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    shape: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    world: str = ""
    translated: str = ""
    max_len: int = 256
    cite: str = ""


def in_both(codes: str, more: str = "") -> dict[str, tuple[str, ...]]:
    """One language list for XTREME and the same, widened by `more`, for XTREME-R."""
    return {"xtreme": tuple(codes.split()), "xtreme-r": tuple(f"{codes} {more}".split())}


def check(task: Task) -> None:
    """BadInput when a record (somebody's own, most likely) cannot be meant."""
    where = f"task '{task.name}'"
    check_known(task.form, FORMS, where, "form")
    check_known(task.metric, METRICS, where, "metric")
    check_known(task.shape, SHAPES, where, "shape")
    if task.form == "classify" and len(set(task.labels)) < 2:
        raise BadInput(f"{where}: 'labels' must name its classes, two or more")
    if not (task.hub or task.files or task.world):
        raise BadInput(f"{where}: no 'files', 'hub' or 'world', so it has no rows")
    for file in task.files.values():
        if not file.endswith(TABLES):
            raise BadInput(f"{where}: files: '{file}' should end in {', '.join(TABLES)}")
    for split in (*task.files, *(split for hub in task.hub for split in hub.splits)):
        check_known(split, SPLITS, where, "split")
    for column in () if task.shape else (*task.columns, *(c for h in task.hub for c in h.columns)):
        check_known(column, (*COLUMNS[task.form], "domain"), where, "column")
    for suite in task.train:
        check_known(suite, task.langs, where, "suite in 'train'")
    check_once(task.labels, f"{where}: labels")
    for suite, codes in task.langs.items():
        check_once(codes, f"{where}: langs '{suite}'")
        if not codes:
            raise BadInput(f"{where}: langs '{suite}': no language")
        if wrong := [code for code in codes if not CODE.fullmatch(code)]:
            raise BadInput(f"{where}: langs: '{wrong[0]:.40}' is no language's code, such as de")
    templates = [*task.files.values(), *(hub.config for hub in task.hub)]
    for template in (*templates, *(hub.keep[1] for hub in task.hub if hub.keep)):
        try:
            template.format(**vars(Language("en", "eng", "English")))
        except (KeyError, IndexError, ValueError):
            known = "{code} {iso3} {name} {treebank}"
            raise BadInput(f"{where}: '{template}' may hold {known} and nothing else") from None
