"""Evaluation data that training has seen: texts that stand in a training set, whole or nearly.

A row's text is all that a model reads of it, without its label. Case, punctuation and white space
do not count. Nearly means that seven tenths of its runs of eight words occur somewhere in the
training set (the rule of PaLM: Chowdhery et al. 2022, section 8); a shorter text is one run.
For languages that write spaces between words: `rows` compares English.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from xstilts.data import load
from xstilts.paths import MissingData
from xstilts.tasks import TASKS

RUN = 8  # words
NEAR = 0.7
READ = {"classify": ("text_a", "text_b"), "choose": ("context", "choices"), "tag": ("tokens",),
        "span": ("context", "question"), "pairs": ("text",)}  # fmt: skip

Words = tuple[str, ...]


def rows(data: str) -> Iterator[dict]:
    """Measures of every training set that is there beside every English test set that is there.

    `task` is "trained>tested", `overlap_whole` and `overlap_near` are per cent of the test rows.
    """
    tested = dict(_told("test", data))
    for name, trained in _told("train", data):
        for other, (whole, near) in overlap(tested, trained).items():
            where = {"task": f"{name}>{other}", "lang": "en"}
            yield where | {"measure": "overlap_whole", "value": whole}
            yield where | {"measure": "overlap_near", "value": near}


def _told(split: str, data: str) -> Iterator[tuple[str, list[Words]]]:
    for name, task in TASKS.items():
        if split == "train" or task.train:
            try:
                yield name, [words(row, task.form) for row in load(task, split, "en", data=data)]
            except MissingData:
                continue


def words(row: Mapping, form: str) -> Words:
    return tuple(re.findall(r"\w+", text(row, form).lower()))


def text(row: Mapping, form: str) -> str:
    """All that a model of this form reads of a row, its parts one after the other."""
    parts = [row.get(column) or "" for column in READ[form]]
    return " ".join(part if isinstance(part, str) else " ".join(part) for part in parts)


def overlap(
    tested: Mapping[str, Sequence[Words]], trained: Iterable[Words]
) -> dict[str, tuple[float, float]]:
    """Per cent of each set of texts that stand in the training set: (whole, whole or nearly)."""
    texts = {text for own in tested.values() for text in own}
    sought = {run for text in texts for run in _runs(text)}
    whole, found = set(), set()
    for text in trained:
        whole.update({text} & texts)
        found.update(run for run in _runs(text) if run in sought)
    near = {text for text in texts if text in whole or _share(text, found) >= NEAR}
    return {name: tuple(100 * sum(text in kind for text in own) / len(own)
                        for kind in (whole, near))
            for name, own in tested.items()}  # fmt: skip


def _runs(text: Words) -> Iterator[Words]:
    for begin in range(max(1, len(text) - RUN + 1)):
        yield text[begin : begin + RUN]


def _share(text: Words, found: set[Words]) -> float:
    runs = list(_runs(text))
    return sum(run in found for run in runs) / len(runs)
