"""A form is everything that tasks of one shape share: encode, head, loss, decode.

One module a form, each with the same four functions:

    encode(rows, tokenizer, task, max_len) -> list[Feature]
    head(width, task) -> nn.Module          # (hidden [B, T, width], block) -> out, one row an input
    loss(out, batch) -> (sum, count)        # the caller divides, so a step may come in parts
    decode(outs, features, rows, task) -> answers, one a row; an out is a feature's own numpy array

Nothing here knows a task or a language by name, and nothing here reads data or trains.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from torch import nn

from xstilts import metrics
from xstilts.paths import BadInput, nearest

FORMS = ("classify", "choose", "tag", "span", "pairs")
UNTAUGHT = ("mlm", "moments")  # of running text: no rows, so no decode
IGNORED = -100  # torch's mark for "no label here"


@dataclass(frozen=True, slots=True)
class Input:
    """One sequence for the encoder: piece ids with specials; `second` is where text two begins."""

    ids: np.ndarray
    second: int


@dataclass(frozen=True, slots=True)
class Feature:
    """What the encoder reads of row number `row`: one input, or several (choices, two sides).

    `target` is None where the row cannot teach (no label). `pieces` counts the whole example
    before it was cut or split; `cut` tells whether something of it was lost. `place` is what the
    form needs to find its way back into the row.
    """

    row: int
    inputs: tuple[Input, ...]
    target: Any
    pieces: int
    cut: bool = False
    place: Any = None

    @property
    def length(self) -> int:
        """Pieces this feature takes up in a batch, were nothing longer beside it."""
        return len(self.inputs) * max(len(i.ids) for i in self.inputs)


class Frame:
    """Sets a tokenizer's special pieces around one text or two, as the tokenizer itself does."""

    def __init__(self, tokenizer):
        self.start, self.end = _specials(tokenizer("a"))
        _, self.between, self.close = _specials(tokenizer("a", "a"))

    def single(self, *pieces: np.ndarray) -> Input:
        """One text, which may come in parts."""
        ids = np.concatenate([self.start, *pieces, self.end])
        return Input(ids, len(ids))

    def pair(self, first: np.ndarray, second: np.ndarray) -> Input:
        ids = np.concatenate([self.start, first, self.between, second, self.close])
        return Input(ids, len(self.start) + len(first) + len(self.between))

    def room(self, max_len: int, *, pair: bool) -> int:
        """How many pieces of text fit beside the specials."""
        taken = len(self.between) + len(self.close) if pair else len(self.end)
        return max_len - len(self.start) - taken


def _specials(encoded) -> list[np.ndarray]:
    """The special pieces of one encoded example, parted where its texts stood."""
    parts, last = [[]], None
    for piece, text in zip(encoded["input_ids"], encoded.sequence_ids(0), strict=True):
        if text is None:
            parts[-1].append(piece)
        elif text != last:
            parts.append([])
        last = text
    return [np.array(part, np.int32) for part in parts]


def form(name: str) -> ModuleType:
    """The module of a form, e.g. `form("span").decode`."""
    if name not in FORMS + UNTAUGHT:
        raise BadInput(f"unknown form '{name}': {nearest(name, FORMS)}")
    return import_module(f"xstilts.forms.{name}")


def number(label: str | None, row: dict, task) -> int | None:
    """The place of a label among the task's, None for a row that has none.

    Raises BadInput for a label that the task does not know.
    """
    if label is None or label == "":
        return None
    try:
        return task.labels.index(label)
    except ValueError:
        hint = nearest(label, task.labels) if len(task.labels) < 50 else "see the task's labels"
        raise BadInput(
            f"{task.name}: row '{row['id']}' has the unknown label '{label}'; {hint}"
        ) from None


GOLD = {"classify": "label", "choose": "label", "tag": "tags", "span": "answers", "pairs": "gold"}


def blind(rows: Sequence[dict], task) -> list[dict]:
    """The rows without what is to be found out; a dual encoder's gold never reaches its inputs."""
    hidden = GOLD[task.form] if task.form != "pairs" else ""
    return [{k: v for k, v in row.items() if k != hidden} for row in rows]


def asked(rows: Sequence[dict]) -> list[int]:
    """Which rows are to be answered: all but the candidates of `pairs`."""
    return [i for i, row in enumerate(rows) if row.get("side") != "candidate"]


def judge(task, rows: Sequence[dict], answers: Sequence, lang: str) -> metrics.Measured:
    """The task's metrics over one language's rows (for pairs: its queries)."""
    gold = [row[GOLD[task.form]] for row in rows]
    if task.form == "span":
        gold = [answer["text"] for answer in gold]
    return metrics.measure(task.metric, answers, gold, lang)


class Sentence(nn.Module):
    """dropout -> dense -> tanh -> dropout -> linear on the first piece (jiant's classifier)."""

    def __init__(self, width: int, outputs: int):
        super().__init__()
        self.dense, self.out = nn.Linear(width, width), nn.Linear(width, outputs)
        self.dropout = nn.Dropout()

    def forward(self, hidden, block):
        pooled = self.dense(self.dropout(hidden[:, 0])).tanh()
        return self.out(self.dropout(pooled))
