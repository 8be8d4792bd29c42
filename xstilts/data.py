"""A task's rows in one language, with the same columns wherever they come from.

Columns by form, plus `domain` where the source has one:

    classify  id text_a text_b label                    label: one of the task's
    choose    id context choices label                  label: index of the right choice
    tag       id tokens tags                            a tag for each token
    span      id question context answers               {text: [...], answer_start: [...]}
    pairs     id side text gold                         side: query or candidate
    mlm       id text

`answer_start` counts characters; -1 says that the context does not hold the text, which can be
scored but not trained on. No answers at all: unanswerable. `gold` of a query lists the ids of its
candidates. Tatoeba's queries are English, BUCC's the other language; LAReQA's gold ids carry the
language, since its candidates are those of all languages together.

Splits are train, dev and test; test labels are kept. How a table's columns become these is in the
task's record and in `xstilts.readings`; where tables lie is in `xstilts.sources`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from xstilts import sources
from xstilts.languages import in_world, language, languages
from xstilts.paths import BadInput, MissingData
from xstilts.readings import Rows, inputs, read
from xstilts.records import within
from xstilts.sources import Source
from xstilts.tasks import COLUMNS, SPLITS, Hub, Task, check


def load(
    task: Task, split: str, lang: str, *, data: str, limit: int | None = None, errors: float = 0
):
    """The rows of `task` as a `datasets.Dataset` with the columns of its form.

    `data` is "world" or "hub" (a task with files of its own ignores it). `limit` keeps the first
    rows, for pairs the first queries with every candidate. `errors` is the rate of wrong words in
    the synthetic world's translations of training rows. Raises MissingData when the rows are not
    to be had, BadInput when they are not what the record says.
    """
    if split not in SPLITS:
        raise BadInput(f"unknown split '{split}'; there are {', '.join(SPLITS)}")
    check(task)
    made_up = in_world(task, data)
    if made_up:
        rows = _world(task, split, lang, errors)
    elif errors:
        raise BadInput(f"{task.name}: only the synthetic world's translations have `errors`")
    else:
        rows = _real(task, split, lang)
    rows = list(_queries(rows, limit) if task.form == "pairs" else islice(rows, limit))
    if not made_up:
        _paired(task, split, rows, f"{task.name}, {split}, '{lang}'")
    if not rows:
        raise MissingData(f"{task.name}: no labelled rows in '{lang}', split {split}")
    return _dataset(task.form, rows)


def labelled(task: Task, *, data: str) -> Task:
    """`task` with its classes: a tagging task that lists none takes its training split's tags."""
    if task.labels or task.form != "tag":
        return task
    tags = load(task, "train", "en", data=data)["tags"]
    return replace(task, labels=tuple(sorted({tag for row in tags for tag in row})))


def needed(task: Task, split: str, lang: str) -> tuple[Source, ...]:
    """Every table of the hub that `load` reads for these rows."""
    return tuple(_source(task, hub, split, code) for hub, code in _places(task, split, lang))


def _world(task: Task, split: str, lang: str, errors: float) -> list[dict]:
    from xstilts import world

    if not task.world:
        raise MissingData(f"{task.name} is not in the synthetic world; use data: hub")
    known = ("en", *world.LANGS)
    if lang not in known:
        raise MissingData(f"{task.name}: no '{lang}' in the synthetic world, {' '.join(known)}")
    return world.rows(task.world, split, lang, errors=errors)


def _real(task: Task, split: str, lang: str) -> Iterator[dict]:
    known = languages(task, "hub")
    if lang not in {*known, "en"}:
        raise MissingData(f"{task.name}: no '{lang}' among its languages, {' '.join(known)}")
    if task.files:
        path = _own_file(task, split, lang)
        return read(task.form, Rows(task, None, sources.read((path,)), lang, split))
    rows = []
    for hub, code in _places(task, split, lang):
        with within(f"{task.name}, {split}, '{lang}'"):
            table = sources.table(_source(task, hub, split, code))
        rows.append(Rows(task, hub, table, code, split))
    return read(task.shape or task.form, *rows)


def _own_file(task: Task, split: str, lang: str) -> Path:
    if split not in task.files:
        raise MissingData(f"{task.name}: its files have no {split} split, only "
                          + ", ".join(task.files))  # fmt: skip
    path = Path(task.files[split].format(**vars(language(lang))))
    if not path.is_file():
        expected = ", ".join(inputs(task, None))
        raise MissingData(f"{task.name}, {split}, '{lang}': no file {path} (columns: {expected})")
    return path


def _places(task: Task, split: str, lang: str) -> list[tuple[Hub, str]]:
    """The hub entries to read and in which language; the first holds the queries' own rows.

    Mining joins several tables, and LAReQA's right answers are in every language.
    """
    found = [h for h in task.hub if split in h.splits and (not h.langs or lang in h.langs)]
    if not found:
        raise MissingData(f"{task.name}: no {split} split in '{lang}'")
    if task.shape == "mining":
        return [(hub, lang) for hub in found]
    others = languages(task, "hub") if task.shape == "answers" and split == "test" else ()
    return [(found[0], code) for code in (lang, *(o for o in others if o != lang))]


def _source(task: Task, hub: Hub, split: str, lang: str) -> Source:
    config = hub.config.format(**vars(language(lang)))
    columns = tuple(inputs(task, hub))
    return Source(hub.repo, config, hub.splits[split], hub.revision, hub.local, columns)


def _paired(task: Task, split: str, rows: Sequence[Mapping], where: str) -> None:
    """Refuse ids that come twice, by which results are paired, and gold that nothing answers to."""
    if split == "train":
        return
    seen: set = set()
    for number, row in enumerate(rows, start=1):
        own = row.get("side"), row["id"]
        if own in seen:
            raise BadInput(f"{where}: the id '{row['id']}' comes twice, again in row {number}")
        seen.add(own)
    gold = {one for row in rows for one in row.get("gold", ())}
    candidates = {at for side, at in seen if side == "candidate"}
    if gold and candidates and not gold & candidates and not task.shape:
        raise BadInput(f"{where}: no 'gold', such as '{min(gold)}', is the id of a candidate")


def _queries(rows: Iterable[dict], limit: int | None) -> Iterator[dict]:
    """The first `limit` queries and every candidate."""
    seen = 0
    for row in rows:
        seen += row["side"] == "query"
        if row["side"] == "candidate" or limit is None or seen <= limit:
            yield row


def _dataset(form: str, rows: list[dict]):
    import pyarrow
    from datasets import Dataset, Features, List, Value

    text = Value("string")
    special = {
        "choices": List(text), "tokens": List(text), "tags": List(text), "gold": List(text),
        "label": Value("int32") if form == "choose" else text,
        "answers": {"text": List(text), "answer_start": List(Value("int32"))},
    }  # fmt: skip
    names = COLUMNS[form] + (("domain",) if "domain" in rows[0] else ())
    schema = Features({name: special.get(name, text) for name in names}).arrow_schema
    columns = {name: [row[name] for row in rows] for name in names}
    return Dataset(pyarrow.table(columns, schema=schema))
