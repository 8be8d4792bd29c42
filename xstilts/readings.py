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
from xstilts.tasks import Hub, Task

COLUMNS = {
    "classify": ("id", "text_a", "text_b", "label"),
    "choose": ("id", "context", "choices", "label"),
    "tag": ("id", "tokens", "tags"),
    "span": ("id", "question", "context", "answers"),
    "pairs": ("id", "side", "text", "gold"),
    "mlm": ("id", "text"),
}
HELD_OUT = 10  # one value in so many goes from a shared train split to dev
SENTENCE = re.compile(r"""\S.*?(?:[.!?]+["')\]]*(?=\s)|\s*\Z)""", re.DOTALL)


class Rows:
    """A table seen through a record: iterates over (id, row), rows that do not belong left out.

    Iterating checks first that every column read is there, then each row for nulls.
    """

    def __init__(self, task: Task, hub: Hub | None, table: Table, lang: str, split: str):
        self.task, self.hub, self.table, self.lang, self.split = task, hub, table, lang, split
        self.columns = _columns(task, hub)
        self.where = table.where
        there = "domain" in {*self.columns, *table.columns}
        self.domain = ("domain",) if there else ()

    def __iter__(self) -> Iterator[tuple[str, dict]]:
        wanted = inputs(self.task, self.hub)
        for column, ours in wanted.items():
            if column not in self.table.columns:
                raise BadInput(
                    f"{self.where}: no column '{column}', which {self.task.name} reads as "
                    f"'{ours}'; it has {', '.join(self.table.columns)}"
                )
        key = self.columns.get("id", "id")
        key = key if key in self.table.columns else None
        kept = ((at, row) for at, row in enumerate(self.table, start=1) if self._belongs(row))
        for number, (at, row) in enumerate(kept):
            for column in wanted:
                if row[column] is None:
                    raise BadInput(f"{self.where}, row {at}: '{column}' is empty")
            yield str(row[key] if key else number), row

    def _belongs(self, row: dict) -> bool:
        hub = self.hub
        if hub and hub.keep:
            column, start = hub.keep
            start = start.format(**vars(language(self.lang))).casefold()
            if not row[column].casefold().startswith(start):
                return False
        if hub and hub.hold_out and self.split != "test":
            held_out = crc32(row[hub.hold_out].encode()) % HELD_OUT == 0
            return held_out == (self.split == "dev")
        return True

    def get(self, ours: str) -> Callable[[dict], object]:
        """How our column is got out of a row."""
        return _getter(self.columns.get(ours, ours), self.table.columns)

    def namer(self, ours: str) -> Callable[[object, str], str | None]:
        """How a class (its number or name) and a row's id become one of the task's labels.

        None for -1, by which sets on the hub say that annotators did not agree.
        """
        labels = self.task.labels
        names = self.table.classes.get(self.columns.get(ours, ours), [])
        known = {label: label for label in labels} | {-1: None}
        known |= {n: name for n, name in enumerate(names) if not labels or name in labels}

        def name(value, at: str) -> str | None:
            value = value if value in known else str(value).strip()
            if labels and value not in known:
                options = ", ".join(labels)
                raise BadInput(f"{self.where}, id {at}: {ours} '{value}' is none of {options}")
            return known.get(value, value)

        return name


def inputs(task: Task, hub: Hub | None) -> dict[str, str]:
    """Every source column that a record reads, and ours for which it is read first."""
    columns = _columns(task, hub)
    ours = () if task.shape else COLUMNS[task.form]
    found = {}
    for name in dict.fromkeys((*ours, *columns)):
        spec = columns.get(name, name)
        for one in (spec if isinstance(spec, tuple) else (spec,)) if name != "id" else ():
            fields = [field for _, field, _, _ in Formatter().parse(one) if field]
            for field in fields or filter(None, [one]):
                found.setdefault(re.split(r"[.\[]", field)[0], name)
    return found


def _columns(task: Task, hub: Hub | None) -> dict:
    return {**task.columns, **(hub.columns if hub else {})}


def _getter(spec: str | tuple[str, ...], columns: Sequence[str]) -> Callable[[dict], object]:
    if isinstance(spec, tuple):
        parts = [_getter(one, columns) for one in spec]
        return lambda row: [part(row) for part in parts]
    if "{" in spec:
        return spec.format_map
    if spec in columns:
        return lambda row: row[spec]
    outer, _, inner = spec.partition(".")
    return (lambda row: row[outer][inner]) if inner else lambda row: ""


def clean(text: str) -> str:
    """`text` without outer white space, and without the quotes that a CSV writer put around it."""
    text = str(text).strip()
    inner = text[1:-1]
    if text[:1] == text[-1:] == '"' and '""' in inner and '"' not in inner.replace('""', ""):
        return inner.replace('""', '"').strip()
    return text


def classify(rows: Rows) -> Iterator[dict]:
    texts = {ours: rows.get(ours) for ours in ("text_a", "text_b", *rows.domain)}
    label, name = rows.get("label"), rows.namer("label")
    for at, row in rows:
        if (named := name(label(row), at)) is not None:
            told = {ours: clean(get(row)) for ours, get in texts.items()}
            yield {"id": at, "label": named, **told}


def choose(rows: Rows) -> Iterator[dict]:
    texts = {ours: rows.get(ours) for ours in ("context", *rows.domain)}
    choices, label, name = rows.get("choices"), rows.get("label"), rows.namer("label")
    order = {label: n for n, label in enumerate(rows.task.labels)}
    for at, row in rows:
        if (named := name(label(row), at)) is None:
            continue
        told = [clean(choice) for choice in choices(row)]
        right = order[named] if order else int(named)
        if not 0 <= right < len(told):
            raise BadInput(f"{rows.where}, id {at}: label '{named}', but {len(told)} choices")
        yield {"id": at, "choices": told, "label": right,
               **{ours: clean(get(row)) for ours, get in texts.items()}}  # fmt: skip


def tag(rows: Rows) -> Iterator[dict]:
    """Words lose white space and zero-width non-joiners inside, as XTREME writes UD's words."""
    tokens, tags, name = rows.get("tokens"), rows.get("tags"), rows.namer("tags")
    for at, row in rows:
        words, told = _listed(tokens(row)), [name(one, at) for one in _listed(tags(row))]
        if len(words) != len(told) or not words:
            raise BadInput(f"{rows.where}, id {at}: {len(words)} words, {len(told)} tags")
        words = ["".join(word.replace("\u200c", "").split()) or word for word in words]
        yield {"id": at, "tokens": words, "tags": told, **_domain(rows, row)}


def span(rows: Rows) -> Iterator[dict]:
    question, context, answers = map(rows.get, ("question", "context", "answers"))
    for at, row in rows:
        text, told = context(row), answers(row)
        if not isinstance(told, Mapping) or not {"text", "answer_start"} <= set(told):
            raise BadInput(f"{rows.where}, id {at}: 'answers' is not {{text, answer_start}}")
        if len(told["text"]) != len(told["answer_start"]):
            raise BadInput(f"{rows.where}, id {at}: 'answers' has a text without a start")
        found = zip(told["text"], told["answer_start"], strict=True)
        starts = [settle(text, answer, start) for answer, start in found]
        yield {"id": at, "question": clean(question(row)), "context": text,
               "answers": {"text": list(told["text"]), "answer_start": starts},
               **_domain(rows, row)}  # fmt: skip


def settle(context: str, answer: str, start: int) -> int:
    """`start` if the answer is there, else where it occurs nearest to it, else -1."""
    if start >= 0 and context.startswith(answer, start):
        return start
    found = [match.start() for match in re.finditer(re.escape(answer), context)]
    return min(found, key=lambda at: abs(at - start), default=-1)


def pairs(rows: Rows) -> Iterator[dict]:
    side, text, gold = map(rows.get, ("side", "text", "gold"))
    for at, row in rows:
        if side(row) not in ("query", "candidate"):
            raise BadInput(f"{rows.where}, id {at}: side '{side(row)}', not query or candidate")
        yield _pair(at, side(row), text(row), _listed(gold(row)))


def bitext(rows: Rows) -> Iterator[dict]:
    """Translation pairs as XTREME has Tatoeba: English sorted, candidates by their line numbers."""
    text, english = rows.get("text"), rows.get("english")
    both = [(clean(english(row)), clean(text(row))) for _, row in rows]
    for number, at in enumerate(sorted(range(len(both)), key=lambda at: both[at][0])):
        yield _pair(f"en-{number}", "query", both[at][0], [str(at)])
    for at, (_, translation) in enumerate(both):
        yield _pair(str(at), "candidate", translation)


def mining(gold: Rows, sources: Rows, targets: Rows) -> Iterator[dict]:
    """BUCC: all sentences of two languages, and which few of them are translations."""
    source, target = gold.get("source"), gold.get("target")
    right: dict[str, list[str]] = {}
    for _, row in gold:
        right.setdefault(source(row), []).append(target(row))
    text = sources.get("text")
    for at, row in sources:
        yield _pair(at, "query", text(row), right.pop(at, ()))
    for at in right:
        raise BadInput(f"{gold.where}: '{at}' is not among the sentences of {sources.where}")
    for at, row in targets:
        yield _pair(at, "candidate", text(row))


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
    for at, row, sentences in _sentences(own):
        yield _pair(at, "query", row["question"], right[at])
        for name, (begin, end), holds in sentences:
            if name not in told and (holds or own.split != "train"):
                told[name] = (row["context"][begin:end] + row["context"]).replace("\n", "")
    for at, text in told.items():
        yield _pair(at, "candidate", text)


def _right(rows: Rows) -> dict[str, list[str]]:
    """Question -> its right candidates in one language; found once, though all languages ask."""
    if rows.table not in _FOUND:
        _FOUND[rows.table] = {at: [name for name, _, holds in sentences if holds]
                              for at, _, sentences in _sentences(rows)}  # fmt: skip
    return _FOUND[rows.table]


_FOUND: WeakKeyDictionary[Table, dict[str, list[str]]] = WeakKeyDictionary()


def _sentences(rows: Rows) -> Iterator[tuple[str, dict, list[tuple[str, Sequence[int], bool]]]]:
    """(id, row, (name, [begin, end], whether an answer starts there) of every sentence)."""
    numbers: dict[str, int] = {}
    for at, row in rows:
        paragraph = f"{rows.lang}_{numbers.setdefault(row['context'], len(numbers))}"
        breaks = row.get("sentence_breaks") or [
            match.span() for match in SENTENCE.finditer(row["context"])
        ]
        starts = row["answers"]["answer_start"]
        yield at, row, [(f"{paragraph}_{n}", (begin, end), any(begin <= s < end for s in starts))
                        for n, (begin, end) in enumerate(breaks)]  # fmt: skip


def _pair(at: str, side: str, text: str, gold: Sequence[str] = ()) -> dict:
    return {"id": at, "side": side, "text": clean(text), "gold": list(gold)}


def _listed(value) -> list:
    """A list, or words with white space between."""
    return value.split() if isinstance(value, str) else value


def _domain(rows: Rows, row: dict) -> dict[str, str]:
    return {name: str(rows.get(name)(row)) for name in rows.domain}


def mlm(rows: Rows) -> Iterator[dict]:
    text = rows.get("text")
    for at, row in rows:
        yield {"id": at, "text": clean(text(row))}


READINGS: dict[str, Callable[..., Iterator[dict]]] = {
    f.__name__: f for f in (classify, choose, tag, span, pairs, mlm, bitext, mining, answers)
}
