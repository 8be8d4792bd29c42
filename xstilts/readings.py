"""From a table's rows to a task's: columns by the record, and the few readings it cannot express.

A reading is a generator of our rows (their columns: see `xstilts.data`). It checks what it reads,
and an error names the file, the row and the column. It opens nothing.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from string import Formatter
from weakref import WeakKeyDictionary
from zlib import crc32

from xstilts.languages import language
from xstilts.paths import BadInput
from xstilts.sources import Table
from xstilts.tasks import COLUMNS, Hub, Task

OPTIONAL = ("domain", "sentence_breaks")  # read where there is such a column
HELD_OUT = 10  # one value in so many goes from a shared train split to dev
SENTENCE = re.compile(r"""\S.*?(?:[.!?]+["')\]]*(?=\s)|\s*\Z)""", re.DOTALL)


class Rows:
    """A table seen through a record: iterates over rows with our columns, raw in their values.

    Rows that do not belong are left out. Iterating checks first that every column read is there,
    then each row for nulls.
    """

    def __init__(self, task: Task, hub: Hub | None, table: Table, lang: str, split: str):
        self.task, self.hub, self.table, self.lang, self.split = task, hub, table, lang, split
        self.where, self.at = table.where, 0  # the row being read
        self.specs = {n: n for n in ("id", *OPTIONAL) if n in table.columns} | _specs(task, hub)
        if self.specs.get("id") not in table.columns:
            self.specs.pop("id", None)  # rows are numbered

    def __iter__(self) -> Iterator[dict]:
        wanted = inputs(self.task, self.hub)
        for column, ours in wanted.items():
            if column not in self.table.columns:
                raise BadInput(
                    f"{self.where}: no column '{column}', which {self.task.name} reads as "
                    f"'{ours}'; it has {', '.join(self.table.columns)}"
                )
        specs = {ours: _parse(spec)[1] for ours, spec in self.specs.items()}
        kept = ((at, raw) for at, raw in enumerate(self.table, start=1) if self._belongs(raw))
        for number, (at, raw) in enumerate(kept):
            self.at = at
            for column in (*wanted, *filter(None, [self.specs.get("id")])):
                if raw[column] is None:
                    raise BadInput(f"{self.where}, row {at}: '{column}' is empty")
            row = {"id": number} | {ours: get(raw) for ours, get in specs.items()}
            yield row | {ours: str(row[ours]).strip() for ours in ("id", "domain") if ours in row}

    def _belongs(self, raw: dict) -> bool:
        hub = self.hub
        if hub and hub.keep:
            column, start = hub.keep
            start = start.format(**vars(language(self.lang))).casefold()
            if not raw[column].casefold().startswith(start):
                return False
        if hub and hub.hold_out and self.split != "test":
            held_out = crc32(raw[hub.hold_out].encode()) % HELD_OUT == 0
            return held_out == (self.split == "dev")
        return True

    def bad(self, row: dict, what: str) -> BadInput:
        return BadInput(f"{self.where}, id {row['id']}: {what}")

    def namer(self, ours: str) -> Callable[[object, dict], str | None]:
        """How a class (its number or name) in a row becomes one of the task's labels.

        None for -1, by which sets on the hub say that annotators did not agree.
        """
        labels = self.task.labels
        names = self.table.classes.get(self.specs[ours], [])
        known = {label: label for label in labels} | {-1: None}
        known |= {n: name for n, name in enumerate(names) if not labels or name in labels}

        def name(value, row: dict) -> str | None:
            value = value if value in known else str(value).strip()
            if labels and value not in known:
                raise self.bad(row, f"{ours} '{value}' is none of {', '.join(labels)}")
            return known.get(value, value)

        return name

    def labelled(self) -> Iterator[tuple[dict, str]]:
        """Rows that have a label, and which."""
        name = self.namer("label")
        named = ((row, name(row["label"], row)) for row in self)
        return ((row, label) for row, label in named if label is not None)


def inputs(task: Task, hub: Hub | None) -> dict[str, str]:
    """Every source column that must be there, and ours for which it is read first."""
    specs, found = _specs(task, hub), {}
    number = specs.pop("id", "id")
    if task.form == "pairs" and task.shape != "bitext" and "source" not in specs:
        specs = {"id": number} | specs  # which gold refers to; else rows may be numbered
    for ours, spec in specs.items():
        found |= {column: ours for column in _parse(spec)[0] if column not in found}
    return found


def _specs(task: Task, hub: Hub | None) -> dict[str, str | tuple[str, ...]]:
    """Our columns and the record's word on each."""
    ours = () if task.shape else COLUMNS[task.form][1:]
    return {name: name for name in ours} | {**task.columns, **(hub.columns if hub else {})}


def _parse(spec: str | tuple[str, ...]) -> tuple[list[str], Callable[[dict], object]]:
    """The source columns that a record's word on one of ours needs, and how to get it."""
    if isinstance(spec, tuple):
        parts = [_parse(one) for one in spec]
        return sum((needs for needs, _ in parts), []), lambda row: [get(row) for _, get in parts]
    if "{" in spec:
        fields = [field for _, field, _, _ in Formatter().parse(spec) if field]
        return [re.split(r"[.\[]", field)[0] for field in fields], spec.format_map
    outer, _, inner = spec.partition(".")
    if inner:
        return [outer], lambda row: row[outer][inner]
    return ([spec], lambda row: row[spec]) if spec else ([], lambda row: "")


def clean(text: str) -> str:
    """`text` without outer white space, and without the quotes that a CSV writer put around it."""
    if not isinstance(text, str | int | float) or text != text:
        raise TypeError(f"{text!r:.40} is no text")
    text = str(text).strip()
    inner = text[1:-1]
    if text[:1] == text[-1:] == '"' and '""' in inner and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"').strip()
    return text


def classify(rows: Rows) -> Iterator[dict]:
    for row, label in rows.labelled():
        texts = {ours: clean(row[ours]) for ours in ("text_a", "text_b")}
        yield row | texts | {"label": label}


def choose(rows: Rows) -> Iterator[dict]:
    order = list(rows.task.labels)
    for row, label in rows.labelled():
        choices = [clean(choice) for choice in _listed(row["choices"])]
        if order and len(choices) != len(order):
            raise rows.bad(row, f"{len(choices)} choices, not {len(order)}")
        right = order.index(label) if order else int(label)
        if not 0 <= right < len(choices):
            raise rows.bad(row, f"label '{label}', but {len(choices)} choices")
        yield row | {"context": clean(row["context"]), "choices": choices, "label": right}


def tag(rows: Rows) -> Iterator[dict]:
    """Words lose white space and zero-width non-joiners inside, as XTREME writes UD's words."""
    name = rows.namer("tags")
    for row in rows:
        words, tags = _listed(row["tokens"]), [name(tag, row) for tag in _listed(row["tags"])]
        if len(words) != len(tags) or not words:
            raise rows.bad(row, f"{len(words)} words, {len(tags)} tags")
        words = ["".join(word.replace("\u200c", "").split()) or word for word in words]
        yield row | {"tokens": words, "tags": tags}


def span(rows: Rows) -> Iterator[dict]:
    for row in rows:
        told = row["answers"]
        if not isinstance(told, Mapping) or not {"text", "answer_start"} <= set(told):
            raise rows.bad(row, "'answers' is not {text, answer_start}")
        texts, starts = list(told["text"]), told["answer_start"]
        if len(texts) != len(starts):
            raise rows.bad(row, "'answers' has a text without a start")
        if not all(type(at) is int for at in starts):
            raise rows.bad(row, f"'answer_start' {starts!r:.40}: whole numbers, in characters")
        starts = [settle(row["context"], *pair) for pair in zip(texts, starts, strict=True)]
        answers = {"text": texts, "answer_start": starts}
        yield row | {"question": clean(row["question"]), "answers": answers}


def settle(context: str, answer: str, start: int) -> int:
    """`start` if the answer is there, else where it occurs nearest to it, else -1."""
    if start >= 0 and context.startswith(answer, start):
        return start
    found = [match.start() for match in re.finditer(re.escape(answer), context)]
    return min(found, key=lambda at: abs(at - start), default=-1)


def pairs(rows: Rows) -> Iterator[dict]:
    for row in rows:
        if row["side"] not in ("query", "candidate"):
            raise rows.bad(row, f"side '{row['side']}', not query or candidate")
        yield row | {"text": clean(row["text"]), "gold": _listed(row["gold"])}


def bitext(rows: Rows) -> Iterator[dict]:
    """Translation pairs as XTREME has Tatoeba: English sorted, candidates by their line numbers."""
    both = [(clean(row["english"]), clean(row["text"])) for row in rows]
    for number, at in enumerate(sorted(range(len(both)), key=lambda at: both[at][0])):
        yield _pair(f"en-{number}", "query", both[at][0], [str(at)])
    for at, (_, translation) in enumerate(both):
        yield _pair(str(at), "candidate", translation)


def mining(gold: Rows, sources: Rows, targets: Rows) -> Iterator[dict]:
    """BUCC: all sentences of two languages, and which few of them are translations."""
    right: dict[str, list[str]] = {}
    for row in gold:
        right.setdefault(row["source"], []).append(row["target"])
    missing = dict.fromkeys(right, sources)
    missing |= {at: targets for found in right.values() for at in found}
    for rows, side in ((sources, "query"), (targets, "candidate")):
        for row in rows:
            missing.pop(row["id"], None)
            yield _pair(row["id"], side, row["text"], right.get(row["id"], ()))
    for at, rows in missing.items():
        raise BadInput(f"{gold.where}: '{at}' is not among the sentences of {rows.where}")


def answers(own: Rows, *others: Rows) -> Iterator[dict]:
    """LAReQA: questions, and as candidates every sentence followed by its paragraph.

    A candidate is `<lang>_<paragraph>_<sentence>`; right is the sentence in which an answer to
    the same question starts, in every language. In training only right candidates are given.
    """
    right: dict[str, list[str]] = {}
    for rows in (own, *others):
        for at, names in _right(rows).items():
            right.setdefault(at, []).extend(names)
    told: dict[str, str] = {}
    for row, sentences in _sentences(own):
        yield _pair(row["id"], "query", row["question"], right[row["id"]])
        for name, (begin, end), holds in sentences:
            if name not in told and (holds or own.split != "train"):
                told[name] = (row["context"][begin:end] + row["context"]).replace("\n", "")
    for at, text in told.items():
        yield _pair(at, "candidate", text)


def _right(rows: Rows) -> dict[str, list[str]]:
    """Question -> its right candidates in one language; found once, though all languages ask."""
    if rows.table not in _FOUND:
        _FOUND[rows.table] = {row["id"]: [name for name, _, holds in sentences if holds]
                              for row, sentences in _sentences(rows)}  # fmt: skip
    return _FOUND[rows.table]


_FOUND: WeakKeyDictionary[Table, dict[str, list[str]]] = WeakKeyDictionary()


def _sentences(rows: Rows) -> Iterator[tuple[dict, list[tuple[str, Sequence[int], bool]]]]:
    """Row, and (name, [begin, end], whether an answer starts there) of every sentence."""
    numbers: dict[str, int] = {}
    for row in rows:
        paragraph = f"{rows.lang}_{numbers.setdefault(row['context'], len(numbers))}"
        breaks = row.get("sentence_breaks") or [
            match.span() for match in SENTENCE.finditer(row["context"])
        ]
        starts = row["answers"]["answer_start"]
        yield row, [(f"{paragraph}_{n}", (begin, end), any(begin <= s < end for s in starts))
                    for n, (begin, end) in enumerate(breaks)]  # fmt: skip


def _pair(at: str, side: str, text: str, gold: Sequence[str] = ()) -> dict:
    return {"id": at, "side": side, "text": clean(text), "gold": list(gold)}


def _listed(value) -> list:
    """A list of texts or numbers, or words with white space between. TypeError for others."""
    value = value.split() if isinstance(value, str) else value
    if not isinstance(value, list) or any(one is None for one in value):
        raise TypeError(f"{value!r:.40} is no list of texts")
    return value


def mlm(rows: Rows) -> Iterator[dict]:
    for row in rows:
        yield row | {"text": clean(row["text"])}


READINGS: dict[str, Callable[..., Iterator[dict]]] = {
    f.__name__: f for f in (classify, choose, tag, span, pairs, mlm, bitext, mining, answers)
}


def read(reading: str, *rows: Rows) -> Iterator[dict]:
    """What a reading makes of `rows`; a value that it cannot take is told with its row."""
    try:
        yield from READINGS[reading](*rows)
    except (TypeError, AttributeError, LookupError, ValueError) as error:
        where = f"{rows[0].where}, row {rows[0].at}"
        raise BadInput(f"{where}: no {rows[0].task.form} row: {error}") from error
