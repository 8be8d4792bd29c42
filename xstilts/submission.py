"""XTREME's submission layout: `<task>/test-<lang>.<ext>`, written, read, and scored.

One side is predictions, the other labels, in the same layout. A layout says how one file holds
its answers; which one a task uses follows from its name for XTREME's own tasks, else from its
form. Nothing here knows models, and text is UTF-8 with `\\n` whatever the platform.

`score_folder` gives what XTREME's scorer writes. It is stricter: what that one would misread or
die of (a missing language, a line too many, an unknown label, an id twice) is an error that names
file and line. Tags are never refused, since malformed ones have a defined score.
"""

import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from xstilts.metrics import headline, measure, pair_f1
from xstilts.paths import BadInput, MissingData, nearest
from xstilts.scores import suite_averages

_OWN = {"tatoeba": "index", "bucc2018": "pairs"}  # the two whose form does not tell the layout
_FORMS = {
    "classify": "label", "choose": "choice", "tag": "tags", "span": "text", "pairs": "ranking",
}  # fmt: skip
_NAMES = _OWN | {
    "xnli": "label", "pawsx": "label", "xcopa": "choice", "udpos": "tags", "panx": "tags",
    "xquad": "text", "mlqa": "text", "tydiqa": "text", "lareqa": "ranking", "mewslix": "ranking",
}  # fmt: skip
_EXTENSIONS = {
    "label": "tsv", "index": "tsv", "tags": "tsv", "pairs": "tsv",
    "choice": "jsonl", "text": "json", "ranking": "json",
}  # fmt: skip


def layout(task) -> str:
    """How a task's file holds its answers: label, index, tags, pairs, choice, text or ranking.

    `task`: a Task record, or the name of one of XTREME's tasks.
    """
    if isinstance(task, str):
        if task not in _NAMES:
            raise BadInput(f"no submission layout for '{task}': {nearest(task, _NAMES)}")
        return _NAMES[task]
    return _OWN.get(task.name) or _FORMS[task.form]


def extension(task) -> str:
    """tsv, json or jsonl, without a point."""
    return _EXTENSIONS[layout(task)]


def answers_path(task, split: str, lang: str) -> Path:
    """Where a language's answers lie inside a submission: `xnli/test-de.tsv`."""
    name = task if isinstance(task, str) else task.name
    return Path(name) / f"{split}-{lang}.{extension(task)}"


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
    return [_LINES[kind](line, f"{where}, line {n}") for n, line in enumerate(lines, start=1)]


def _read_json(text: str, kind: str, where: str) -> dict:
    found = _json(text, where)
    wanted = str if kind == "text" else list
    if not isinstance(found, dict):
        raise BadInput(f"{where}: expected an object {{id: answer}}")
    for i, answer in found.items():
        if not isinstance(answer, wanted):
            raise BadInput(f"{where}: the answer to '{i}' is not a {_KINDS[kind]}")
    return found


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


def _pair(line: str, where: str) -> tuple[str, str]:
    fields = tuple(line.split("\t"))
    if len(fields) != 2 or not all(fields):
        raise BadInput(f"{where}: expected two ids with a tab between, found '{line}'")
    return fields


def _choice(line: str, where: str) -> int:
    found = _json(line, where)
    label = found.get("label") if isinstance(found, dict) else None
    if type(label) is not int:
        raise BadInput(f'{where}: expected {{"label": <number of the choice>}}, found {line!r}')
    return label


def _index(line: str, where: str) -> str:
    if not line.isdecimal():
        raise BadInput(f"{where}: expected the index of a sentence, found '{line}'")
    return line


def _label(line: str, where: str) -> str:
    if not line:
        raise BadInput(f"{where}: expected a label, found nothing")
    return line


_LINES: dict[str, Callable] = {"label": _label, "index": _index, "choice": _choice, "pairs": _pair}
_KINDS = {"text": "text", "ranking": "list of ids, best first"}


def _json(text: str, where: str):
    """Parsed JSON in which no object has a key twice."""

    def once(pairs):
        if len(found := dict(pairs)) < len(pairs):
            raise BadInput(f"{where}: the id '{_twice([k for k, _ in pairs])}' comes twice")
        return found

    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise BadInput(f"{where}: malformed JSON at line {error.lineno} ({error.msg})") from error


# Scoring


def score_folder(
    predictions: Path | str, labels: Path | str, suite: str, tasks: Iterable
) -> dict[str, dict | float]:
    """Every task that has a folder on both sides, as XTREME's scorer writes it.

    Groups and `all_task` of `suite` first, where complete; then per task
    `{metric: {lang: percent}, "avg_<metric>": mean, "avg_metric": the headline of the means}`.
    A task outside the suite is scored in the languages of its own, but enters no average.
    """
    predictions, labels = Path(predictions), Path(labels)
    for side in (predictions, labels):
        if not side.is_dir():
            raise MissingData(f"{side}: no such folder")
    done = {
        task.name: score_task(predictions, labels, task, suite)
        for task in tasks
        if task.langs and all((side / task.name).is_dir() for side in (predictions, labels))
    }
    if not done:
        raise MissingData(f"{predictions} and {labels} have no task's folder in common")
    averages = suite_averages({name: found["avg_metric"] for name, found in done.items()}, suite)
    return averages | done


def score_task(predictions: Path, labels: Path, task, suite: str) -> dict:
    """One task in all its languages; means are added up in the order of the languages."""
    langs = task.langs.get(suite) or next(iter(task.langs.values()))
    found: dict[str, dict | float] = {}
    for lang in langs:
        for metric, value in _score_file(predictions, labels, task, lang).items():
            found.setdefault(metric, {})[lang] = value
    means = {metric: sum(values.values()) / len(values) for metric, values in found.items()}
    averages = {f"avg_{metric}": mean for metric, mean in means.items()}
    return found | averages | {"avg_metric": headline(means)}


def _score_file(predictions: Path, labels: Path, task, lang: str) -> dict[str, float]:
    kind, path = layout(task), answers_path(task, "test", lang)
    answers, truth = _text(predictions / path), _text(labels / path)
    said = read_answers(task, answers, str(predictions / path))
    if kind == "text":
        golds = right_texts(truth, str(labels / path))
        return measure(task.metric, [said.get(i) for i in golds], [*golds.values()], lang).percent
    gold = read_answers(task, truth, str(labels / path))
    if kind == "pairs":
        return pair_f1(said, gold)
    if kind == "ranking":
        return measure(task.metric, [said.get(i, ()) for i in gold], [*gold.values()]).percent
    _same_shape(said, gold, kind, predictions / path, labels / path)
    if kind == "label" and task.labels:
        _known_labels(said, task.labels, predictions / path)
    return measure(task.metric, said, gold, lang).percent


def right_texts(text: str, where: str = "labels") -> dict[str, list[str]]:
    """Question id -> right texts, of a data set in SQuAD's JSON."""
    found = _json(text, where)
    try:
        questions = [
            (qa["id"], [answer["text"] for answer in qa["answers"]])
            for article in found["data"]
            for paragraph in article["paragraphs"]
            for qa in paragraph["qas"]
        ]
    except (KeyError, TypeError) as error:
        raise BadInput(f"{where}: not SQuAD's layout: no {error}") from error
    if len(golds := dict(questions)) < len(questions):
        raise BadInput(f"{where}: the id '{_twice([i for i, _ in questions])}' comes twice")
    return golds


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingData(f"{path} is missing; every language of the task is needed") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 at byte {error.start}") from error


def _same_shape(said: Sequence, gold: Sequence, kind: str, mine: Path, theirs: Path) -> None:
    what = "sentences" if kind == "tags" else "lines"
    if len(said) != len(gold):
        raise BadInput(f"{mine}: {len(said)} {what}; {theirs} has {len(gold)}")
    if kind != "tags":
        return
    line = 1
    for tags, right in zip(said, gold, strict=True):
        if len(tags) != len(right):
            raise BadInput(f"{mine}, line {line}: a sentence of {len(tags)} tags; "
                           f"in {theirs} it has {len(right)}")  # fmt: skip
        line += len(tags) + 1


def _known_labels(said: Sequence[str], labels: Mapping | Sequence[str], mine: Path) -> None:
    for n, label in enumerate(said, start=1):
        if label not in labels:
            raise BadInput(f"{mine}, line {n}: unknown label '{label}': {nearest(label, labels)}")
