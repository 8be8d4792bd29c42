"""Rows of an arm: translated, lengthened, words shuffled, labels dealt out anew, a column hidden.

Set beside the task as it is, they tell what it needs: English, word order, the first text, labels
that are true. Every draw follows from the rows themselves, never from a run's seed, so all seeds
see the same data. Training rows are translated, they and English dev are altered; test rows never
come here.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from zlib import crc32

import numpy as np

from xstilts.data import load
from xstilts.paths import BadInput, nearest
from xstilts.recipes import Recipe
from xstilts.settings import Hyper
from xstilts.tasks import Task
from xstilts.tasks import task as task_called
from xstilts.translations import translation

WORD = re.compile(r"\w+(?:[-'’]\w+)*|[^\w\s]")
TEXTS = {"classify": ("text_a", "text_b"), "choose": ("context", "choices"), "tag": ("tokens",),
         "span": ("question", "context")}  # fmt: skip
LONGER = {"classify": ("text_a",), "choose": ("context",), "tag": ("tokens", "tags"),
          "span": ("context",)}  # what `concat` makes longer  # fmt: skip


def training_rows(task: Task, recipe: Recipe, hyper: Hyper, data: str) -> list[dict]:
    """What `recipe` trains on; its languages are as `translations.spoken` has them.

    In a turn the languages share the rows by their ids, so it is as large as the English set; in
    the next turn each row is in another language.
    """
    langs, rows = recipe.translate or ("en",), []
    for place, lang in enumerate(langs):
        chosen = recipe.domains or recipe.nearest
        limit = None if chosen else hyper.examples  # of pairs: the queries, not the rows
        own = translated(task, lang, data=data, errors=recipe.errors, limit=limit)
        if chosen:
            own = _of_domains(own, recipe.domains, recipe, task)
            own = _nearest(own, recipe, task, hyper.examples, data)[: hyper.examples]
        wanted = {(place + turn) % len(langs) for turn in range(turns(recipe, hyper))}
        rows += [row for row in own if crc32(row["id"].encode()) % len(langs) in wanted]
    return altered(rows, recipe, task, train=True)


def _of_domains(rows: list[dict], domains, recipe: Recipe, task: Task) -> list[dict]:
    """The rows of these domains, or all; BadInput for a domain that no row is from."""
    known = {row.get("domain") for row in rows}
    for name in domains:
        if name not in known:
            hint = nearest(name, filter(None, known)) if any(known) else "its rows name none"
            raise BadInput(f"recipe '{recipe.name}': task '{task.name}' has no rows of domain "
                           f"'{name}': {hint}")  # fmt: skip
    return [row for row in rows if row["domain"] in domains] if domains else rows


def _nearest(rows: list[dict], recipe: Recipe, task: Task, count: int, data: str) -> list[dict]:
    """The `count` rows, in their order, whose words are likest those of `recipe.nearest`.

    By the difference of cross-entropies under two models of single words, one of the wanted texts
    and one of these rows (Moore and Lewis, 2010), averaged over a row's words.
    """
    if not recipe.nearest:
        return rows
    wanted: Counter = Counter()
    for name in recipe.nearest:
        like, _, domain = name.partition("/")
        like = task_called(like)
        own = load(like, "train", "en", data=data).to_list()
        own = _of_domains(own, (domain,) if domain else (), recipe, like)
        wanted.update(word for row in own for word in _vocabulary(row, like))
    said = [list(_vocabulary(row, task)) for row in rows]
    usual = Counter(word for words in said for word in words)
    more = math.log((usual.total() + len(usual)) / (wanted.total() + len(usual)))
    gain = {word: math.log((wanted[word] + 1) / (n + 1)) + more for word, n in usual.items()}
    score = [sum(map(gain.get, words)) / max(1, len(words)) for words in said]
    chosen = sorted(range(len(rows)), key=lambda place: -score[place])[:count]
    return [rows[place] for place in sorted(chosen)]


def _vocabulary(row: dict, task: Task) -> Iterable[str]:
    """The words of all texts of a row, in small letters."""
    return (word.lower() for text in _texts([row], task) for word in WORD.findall(text))


def turns(recipe: Recipe, hyper: Hyper) -> int:
    """In how many languages each row is read: one an epoch, so updates are those of English."""
    return min(len(recipe.translate) or 1, max(1, math.ceil(hyper.epochs)))


def translated(
    task: Task, lang: str, *, data: str, errors: float = 0, limit: int | None = None
) -> list[dict]:
    """English training rows in a language, in English as they are."""
    if lang == "en":
        return load(task, "train", "en", data=data, limit=limit).to_list()
    source = translation(task, data)
    return load(source, "train", lang, data=data, limit=limit, errors=errors).to_list()


def altered(rows: list[dict], recipe: Recipe, task: Task, *, train: bool) -> list[dict]:
    """The rows as `recipe` wants them; labels are dealt out anew in training only."""
    if recipe.hide:
        rows = [row | {recipe.hide: ""} for row in rows]
    if recipe.concat > 1:
        rows = [_among(row, rows, recipe.concat, task) for row in rows]
    if recipe.scramble == "words":
        usual = {word for text in _texts(rows, task) for word in WORD.findall(text)}
        rows = [_SHUFFLE[task.form](row, usual) for row in rows]
    if recipe.scramble == "labels" and train:
        dice = np.random.default_rng([crc32(task.name.encode()), len(rows)])
        rows = _DEAL[task.form](rows, dice)
    return rows


def _texts(rows: list[dict], task: Task) -> Iterable[str]:
    for row in rows:
        for name in TEXTS.get(task.form, ("text",)):
            text = row.get(name) or ""
            yield from (text,) if isinstance(text, str) else text


# -- length: a row's own text among those of other rows --------------------------------------------


def _among(row: dict, rows: list[dict], size: int, task: Task) -> dict:
    """The row's longer text in a random place among those of `size - 1` other rows.

    All else stays its own. What the others say may, rarely, bear on the label.
    """
    names, dice = LONGER[task.form], np.random.default_rng(crc32(row["id"].encode()))
    drawn = (rows[i] for i in dice.integers(len(rows), size=10 * size))
    others = [other for other in drawn if other[names[0]] != row[names[0]]][: size - 1]
    place = int(dice.integers(len(others) + 1))
    both = [*others[:place], row, *others[place:]]
    if task.form == "tag":
        return row | {name: [item for one in both for item in one[name]] for name in names}
    texts = [one[names[0]] for one in both if one[names[0]]]
    longer = row | {names[0]: " ".join(texts)}
    if task.form == "span":
        before = sum(len(one["context"]) + 1 for one in both[:place])
        starts = [at + before if at >= 0 else at for at in row["answers"]["answer_start"]]
        longer["answers"] = row["answers"] | {"answer_start": starts}
    return longer


# -- words: a bag of them, which must not tell what stood first or last ----------------------------


def _order(salt: str, text: str, size: int) -> list[int]:
    """A permutation that two columns with the same text do not share."""
    return np.random.default_rng(crc32(f"{salt} {text}".encode())).permutation(size).tolist()


def _words(text: str, usual: set[str], first: bool = True) -> list[str]:
    """Words and punctuation; a sentence's first word as it is `usual` within one."""
    return _lowered(WORD.findall(text), usual, first)


def _lowered(words: Sequence[str], usual: set[str], first: bool = True) -> list[str]:
    before = [first, *(word in (".", "!", "?", "…") for word in words)]
    return [word.lower() if begins and word.lower() in usual else word
            for word, begins in zip(words, before, strict=False)]  # fmt: skip


def _mixed(salt: str, text: str | None, usual: set[str]) -> str:
    words = _words(text or "", usual)
    return " ".join(words[i] for i in _order(salt, text or "", len(words)))


def _shuffle_texts(row: dict, usual: set[str]) -> dict:
    """All texts of a row, each in itself."""
    names = {"text_a", "text_b", "context"} & row.keys()
    new = {name: _mixed(name, row[name], usual) for name in names}
    if "choices" in row:
        new["choices"] = [_mixed("choice", choice, usual) for choice in row["choices"]]
    return row | new


def _shuffle_tokens(row: dict, usual: set[str]) -> dict:
    """Tokens, and their tags along with them."""
    tokens = _lowered(row["tokens"], usual)
    order = _order("tokens", " ".join(tokens), len(tokens))
    return row | {
        "tokens": [tokens[i] for i in order],
        "tags": [row["tags"][i] for i in order],
    }


def _shuffle_passage(row: dict, usual: set[str]) -> dict:
    """Question and context; the first answer stays in one piece and can be found again."""
    context, answers = row["context"], row["answers"]
    text, begin = ([*answers["text"], ""][0], [*answers["answer_start"], -1][0])
    held = bool(text) and begin >= 0 and context[begin : begin + len(text)] == text
    before = _words(context[:begin] if held else context, usual)
    after = _words(context[begin + len(text) :], usual, first=False) if held else []
    units = [*before, *([text] if held else ()), *after]
    order = _order("context", context, len(units))
    starts = [-1] * len(answers["text"])
    if held:
        left = [units[i] for i in order[: order.index(len(before))]]
        starts[0] = sum(len(unit) + 1 for unit in left)
    return row | {
        "question": _mixed("question", row["question"], usual),
        "context": " ".join(units[i] for i in order),
        "answers": {"text": answers["text"], "answer_start": starts},
    }


_SHUFFLE = {"classify": _shuffle_texts, "choose": _shuffle_texts, "tag": _shuffle_tokens,
            "span": _shuffle_passage}  # fmt: skip


# -- labels: as many of each as before, on other rows ----------------------------------------------


def _deal_labels(rows: list[dict], dice) -> list[dict]:
    return [row | {"label": rows[i]["label"]}
            for row, i in zip(rows, dice.permutation(len(rows)), strict=True)]  # fmt: skip


def _deal_tags(rows: list[dict], dice) -> list[dict]:
    """Tags of all words of all rows."""
    tags = [tag for row in rows for tag in row["tags"]]
    dealt = iter([tags[i] for i in dice.permutation(len(tags))])
    return [row | {"tags": [next(dealt) for _ in row["tags"]]} for row in rows]


def _deal_answers(rows: list[dict], dice) -> list[dict]:
    """Each row answers where another's answer stands in its context, in as many words."""
    return [_answer_like(row, rows[i])
            for row, i in zip(rows, dice.permutation(len(rows)), strict=True)]  # fmt: skip


def _answer_like(row: dict, other: dict) -> dict:
    words = list(re.finditer(r"\S+", row["context"]))
    if not other["answers"]["text"] or not words:
        return row | {"answers": {"text": [], "answer_start": []}}
    length = max(1, len(other["answers"]["text"][0].split()))
    place = max(0, other["answers"]["answer_start"][0]) / max(1, len(other["context"]))
    first = min(int(place * len(words)), max(0, len(words) - length))
    begin, end = words[first].start(), words[min(first + length, len(words)) - 1].end()
    return row | {"answers": {"text": [row["context"][begin:end]], "answer_start": [begin]}}


_DEAL = {"classify": _deal_labels, "choose": _deal_labels, "tag": _deal_tags,
         "span": _deal_answers}  # fmt: skip
