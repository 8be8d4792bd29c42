"""XTREME's submission layout: `<task>/test-<lang>.<ext>`, written and read.

One side is predictions, the other labels, in the same layout. A layout says how one file holds
its answers; which one a task uses follows from its name for XTREME's own tasks, else from its
form. What is malformed is an error that names file and line. Nothing here knows models or scores
(see `scoring`), and text is UTF-8 with `\\n` whatever the platform.
"""

import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from xstilts.paths import BadInput

_OWN = {"tatoeba": "index", "bucc2018": "pairs"}  # the two whose form does not tell the layout
_FORMS = {
    "classify": "label", "choose": "choice", "tag": "tags", "span": "text", "pairs": "ranking",
}  # fmt: skip
_EXTENSIONS = {
    "label": "tsv", "index": "tsv", "tags": "tsv", "pairs": "tsv",
    "choice": "jsonl", "text": "json", "ranking": "json",
}  # fmt: skip


def layout(task) -> str:
    """How a task's file holds its answers: label, index, tags, pairs, choice, text or ranking."""
    return _OWN.get(task.name) or _FORMS[task.form]


def extension(task) -> str:
    """tsv, json or jsonl, without a point."""
    return _EXTENSIONS[layout(task)]


def answers_path(task, split: str, lang: str) -> Path:
    """Where a language's answers lie inside a submission: `xnli/test-de.tsv`."""
    return Path(task.name) / f"{split}-{lang}.{extension(task)}"


# Writing


def write_answers(task, ids: Sequence[str], answers: Sequence) -> str:
    """The file's text: one answer per row, in the order of the data.

    An answer is a label (label), the index of the source sentence (index), a list of tags (tags),
    the index of a choice (choice), a text (text), the ids of candidates best first (ranking), or
    the ids mined for the sentence `ids[i]`, often none (pairs).
    """
    kind = layout(task)
    if len(ids) != len(answers):
        raise BadInput(f"{len(answers)} answers for {len(ids)} ids")
    if kind in ("text", "ranking"):
        if len(set(ids)) != len(ids):
            raise BadInput(f"the id '{_twice(ids)}' comes twice; one answer for each")
        return json.dumps(dict(zip(ids, answers, strict=True)), indent=1) + "\n"
    if kind == "choice":
        return "".join(json.dumps({"label": int(answer)}) + "\n" for answer in answers)
    if kind == "pairs":
        rows = zip(ids, answers, strict=True)
        return "".join(f"{_word(i)}\t{_word(o)}\n" for i, mined in rows for o in mined)
    if kind == "tags":
        return "".join("".join(f"{_word(tag)}\n" for tag in tags) + "\n" for tags in answers)
    return "".join(f"{_word(answer)}\n" for answer in answers)


_GOLD = {"label": "label", "choice": "label", "tags": "tags", "pairs": "gold", "ranking": "gold"}


def write_labels(task, rows: Sequence[Mapping]) -> str:
    """The file of right answers to one language's rows, in the columns of `data.load`.

    SQuAD's JSON for texts, one paragraph a question; otherwise as `write_answers` writes them.
    """
    kind = layout(task)
    if kind == "text":
        paragraphs = [_paragraph(row) for row in rows]
        return json.dumps({"version": "1.1", "data": [{"paragraphs": paragraphs}]}, indent=1) + "\n"
    asked = [row for row in rows if row.get("side") != "candidate"]
    if kind == "index":
        candidates = [row["id"] for row in rows if row["side"] == "candidate"]
        place = {name: n for n, name in enumerate(candidates)}
        right = [place[row["gold"][0]] for row in asked]
    else:
        right = [row[_GOLD[kind]] for row in asked]
    return write_answers(task, [row["id"] for row in asked], right)


def _paragraph(row: Mapping) -> dict:
    told = zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)
    answers = [{"text": text, "answer_start": start} for text, start in told]
    question = {"id": row["id"], "question": row["question"], "answers": answers}
    return {"context": row["context"], "qas": [question]}


def _word(value) -> str:
    """`value` as one field of one line; white space at its ends or a tab would not come back."""
    text = str(value)
    if not text or text != text.strip() or any(c in text for c in "\t\r\n"):
        raise BadInput(f"{text!r} cannot stand in a line: it is empty or has white space in it")
    return text


def _twice(ids: Sequence[str]) -> str:
    return Counter(ids).most_common(1)[0][0]


# Reading


def read_answers(task, text: str, where: str = "answers") -> list | dict:
    """Answers as `write_answers` wrote them: a list, for text and ranking a dict by id.

    Pairs come as a list of (source id, target id). `where` names the file in errors.
    """
    kind = layout(task)
    if kind in ("text", "ranking"):
        return _read_json(text, kind, where)
    lines = [line.strip() for line in io.StringIO(text, newline=None)]
    if kind == "tags":
        return _sentences(lines)
    return [_answer(kind, line, f"{where}, line {n}") for n, line in enumerate(lines, start=1)]


def _read_json(text: str, kind: str, where: str) -> dict:
    found = _json(text, where, once=True)
    if isinstance(found, dict) and isinstance(found.get("data"), dict):
        found = found["data"]  # XTREME's scorer looks inside
    if not isinstance(found, dict):
        raise BadInput(f"{where}: expected an object {{id: answer}}")
    if kind == "text" and isinstance(found.get("data"), list):
        raise BadInput(f"{where}: labels, where an object {{id: answer}} is expected")
    for i, answer in found.items():
        texts = [answer] if kind == "text" else answer
        if not isinstance(texts, list) or not all(isinstance(one, str) for one in texts):
            wanted = "text" if kind == "text" else "list of ids, best first"
            place = f"{where}, line {_line(text, i)}"
            raise BadInput(f"{place}: the answer to '{i}' is not a {wanted}")
    return found


def read_golds(text: str, where: str = "labels") -> dict[str, list[str]]:
    """Question id -> right texts, of a data set in SQuAD's JSON."""
    found = _json(text, where)
    try:
        articles = found.get("data", found) if isinstance(found, dict) else found
        questions = [
            ("" + qa["id"], ["" + answer["text"] for answer in qa["answers"]])
            for article in articles
            for paragraph in article["paragraphs"]
            for qa in paragraph["qas"]
        ]
    except (KeyError, TypeError) as error:
        wanted = "data, paragraphs, qas, id, answers, text"
        raise BadInput(f"{where}: no labels in SQuAD's layout ({wanted}): {error}") from error
    if len(golds := dict(questions)) < len(questions):
        name = _twice([i for i, _ in questions])
        place = f"{where}, line {_line(text, name, second=True, before=_ID)}"
        raise BadInput(f"{place}: the id '{name}' comes twice")
    return golds


def _sentences(lines: Iterable[str]) -> list[list[str]]:
    """Tags line by line; an empty line closes a sentence, the last one may do without."""
    done, tags = [], []
    for line in lines:
        if line:
            tags.append(line)
        else:
            done.append(tags)
            tags = []
    return [*done, tags] if tags else done


# What a line is, and how that is called. An empty one is a pair of no sentences, and wrong, as in
# XTREME's scorer.
_LINES = {
    "label": (".+", "a label"), "index": (r"\d+", "the index of a sentence"),
    "pairs": (r"([^\t]+\t[^\t]+)?", "two ids with a tab between"),
}  # fmt: skip


def _answer(kind: str, line: str, where: str) -> str | tuple | int:
    """What one line says; pairs are tuples, choices numbers."""
    if kind == "choice":
        return _choice(line, where)
    form, what = _LINES[kind]
    if not re.fullmatch(form, line):
        raise BadInput(f"{where}: expected {what}, found '{line}'")
    return tuple(line.split("\t")) if kind == "pairs" else line


def _choice(line: str, where: str) -> int:
    try:
        label = json.loads(line)["label"]
    except (ValueError, KeyError, TypeError):
        label = None
    if type(label) is not int:
        raise BadInput(f'{where}: expected {{"label": <number of the choice>}}, found {line!r}')
    return label


def _json(text: str, where: str, once: bool = False):
    """What `text` holds; `once`: an object that has a key twice is an error."""

    def unique(pairs: list[tuple]) -> dict:
        if len(found := dict(pairs)) < len(pairs):
            name = _twice([key for key, _ in pairs])
            place = f"{where}, line {_line(text, name, second=True)}"
            raise BadInput(f"{place}: the id '{name}' comes twice")
        return found

    try:
        return json.loads(text, object_pairs_hook=unique if once else None)
    except json.JSONDecodeError as error:
        raise BadInput(f"{where}, line {error.lineno}: malformed JSON ({error.msg})") from error
    except RecursionError as error:
        raise BadInput(f"{where}: malformed JSON (nested too deep)") from error


_ID = r'"id"\s*:\s*'


def _line(text: str, name: str, *, second: bool = False, before: str = "") -> int:
    """The line of JSON on which the key `name` stands, or the value `name` after `before`."""
    forms = "|".join(re.escape(json.dumps(name, ensure_ascii=ascii)) for ascii in (True, False))
    places = list(re.finditer(f"{before}({forms})" if before else rf"({forms})\s*:", text))
    return text.count("\n", 0, places[second].start()) + 1 if len(places) > second else 1
