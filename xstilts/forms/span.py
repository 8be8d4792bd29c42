"""A stretch of the context that answers the question, or nothing.

Long contexts are read in overlapping windows. Answers are found and cut out by character offsets
into the original context, so scripts without spaces come out right (XTREME's own decoder returns
whole white-space chunks there). Decoding follows BERT's SQuAD rules: the 20 best starts and ends,
at most 30 of the encoder's own pieces, a start only where its piece has the most context, "" where
the SQuAD v2 null score wins. It does not look for the answer's text: an answer whose offset does
not point at it cannot teach. One that begins or ends inside a piece comes back with all of it.
"""

from dataclasses import dataclass

import numpy as np
from torch import nn
from torch.nn.functional import cross_entropy

from xstilts.forms import Feature, Frame
from xstilts.metrics import NO_ANSWER
from xstilts.wordpieces import located, tokenise

STRIDE = 128  # pieces from one window's start to the next
QUESTION = 64  # pieces of the question, at most
BEST = 20  # starts and ends looked at
LONGEST = 30  # pieces of an answer
NONE = (-1, -1)  # the pieces of no answer
NOWHERE = (0, 0)  # the first special piece stands for "not here"


@dataclass(frozen=True, slots=True)
class Window:
    """Where a window's context lies: `first` is its position in the input, `offsets` [n, 2] are
    its pieces' character bounds in the context, `core` [n] marks those best seen from here."""

    first: int
    offsets: np.ndarray
    core: np.ndarray


def encode(rows, tokenizer, task, max_len) -> list[Feature]:
    """One feature a window; the target is (start, end) as positions in the input, inclusive."""
    frame = Frame(tokenizer)
    room = frame.room(max_len, pair=True)
    longest = min(QUESTION, room // 2)
    questions = tokenise((row["question"] for row in rows), tokenizer)
    contexts = located((row["context"] for row in rows), tokenizer)
    features = []
    for i, row in enumerate(rows):
        full, (ids, offsets) = questions[row["question"]], contexts[row["context"]]
        question = full[:longest]
        whole = len(full) + len(ids) + max_len - room
        bounds = windows(len(ids), room - len(question))
        answer = _pieces(row, offsets, task)
        if answer and answer != NONE and not any(_within(answer, bound) for bound in bounds):
            answer = None  # windows that each see a part of it would teach that there is none
        for (begin, end), core in zip(bounds, _cores(bounds, len(ids)), strict=True):
            made = frame.pair(question, ids[begin:end])
            window = Window(made.second, offsets[begin:end], core[begin:end])
            target = _place(answer, begin, end, made.second)
            cut = len(full) > longest
            features.append(Feature(i, (made,), target, whole, cut, window))
    return features


def lost(features, rows) -> set[int]:
    """The rows none of whose answers stands whole in a window: they can hardly be answered."""
    held = {i for i, row in enumerate(rows) if not row["answers"]["text"]}
    for feature in features:
        own, seen = rows[feature.row]["answers"], feature.place.offsets
        for text, start in zip(own["text"], own["answer_start"], strict=True):
            unknown = start < 0
            if unknown or (len(seen) and seen[0, 0] <= start and start + len(text) <= seen[-1, 1]):
                held.add(feature.row)
    return set(range(len(rows))) - held


def windows(length: int, room: int) -> list[tuple[int, int]]:
    """Bounds of windows of `room` pieces that together cover `length` pieces.

    They start STRIDE pieces apart, or half a room where that is less, so that they overlap.
    """
    step = min(STRIDE, max(1, room // 2))
    starts = range(0, max(1, length - room + step), step)
    return [(begin, min(begin + room, length)) for begin in starts]


def _cores(bounds, length: int) -> np.ndarray:
    """Which pieces each window sees with more context than any other, [windows, length].

    BERT's rule: the smaller of the two sides, plus 0.01 of the window's size; the first on ties.
    """
    if len(bounds) == 1:
        return np.ones((1, length), bool)
    begin, end = np.array(bounds)[:, :1], np.array(bounds)[:, 1:]
    place = np.arange(length)
    seen = np.minimum(place - begin, end - 1 - place) + 0.01 * (end - begin)
    seen = np.where((begin <= place) & (place < end), seen, -np.inf)
    return seen.argmax(0) == np.arange(len(bounds))[:, None]


def _pieces(row, offsets, task) -> tuple[int, int] | None:
    """First and last piece of the row's first answer; NONE where it is right to say nothing.

    None if the row cannot teach: it has no answer, or one that is not where it is said to be.
    """
    answers = row.get("answers")
    if not answers or not answers["text"]:
        return NONE if answers and task.metric in NO_ANSWER else None
    text, begin = answers["text"][0], answers["answer_start"][0]
    end = begin + len(text)
    if not text or row["context"][begin:end] != text:
        return None
    first = int(np.searchsorted(offsets[:, 1], begin, "right"))
    last = int(np.searchsorted(offsets[:, 0], end, "left")) - 1
    return (first, last) if first <= last else None


def _within(answer: tuple[int, int], bounds: tuple[int, int]) -> bool:
    return bounds[0] <= answer[0] and answer[1] < bounds[1]


def _place(answer, begin: int, end: int, shift: int) -> tuple[int, int] | None:
    if answer is None:
        return None
    if _within(answer, (begin, end)):
        return answer[0] - begin + shift, answer[1] - begin + shift
    return NOWHERE


class Pointer(nn.Module):
    """One linear map to a start and an end score; padding can be neither."""

    def __init__(self, width: int):
        super().__init__()
        self.out = nn.Linear(width, 2)

    def forward(self, hidden, block):
        return self.out(hidden).float().masked_fill(~block.mask[..., None], -np.inf)


def head(width, task) -> nn.Module:
    """Start and end scores [B, T, 2]."""
    return Pointer(width)


def loss(out, batch):
    """Mean of the two cross-entropies, summed over the windows, and how many they are."""
    both = cross_entropy(out, batch.target, reduction="sum")  # positions are dimension 1
    return both / 2, len(batch.target)


def decode(outs, features, rows, task) -> list[str]:
    """The best stretch of every row's context over its windows, or ""."""
    best = [(-np.inf, "") for _ in rows]
    null = np.full(len(rows), np.inf)
    for feature, out in zip(features, outs, strict=True):
        row = feature.row
        out = np.asarray(out, np.float64)
        null[row] = min(null[row], out[0].sum())
        score, bounds = _best(out[:, 0], out[:, 1], feature.place)
        if score > best[row][0]:
            begin, end = bounds
            best[row] = score, rows[row]["context"][begin:end].strip()
    if task.metric in NO_ANSWER:
        best = [("", "") if n > b[0] else b for b, n in zip(best, null, strict=True)]
    return [text for _, text in best]


def _best(start, end, window) -> tuple[float, tuple[int, int]]:
    """The best allowed pair of one window: its score and its character bounds."""
    size = len(window.offsets)
    first = np.argsort(-start, kind="stable")[:BEST] - window.first
    last = np.argsort(-end, kind="stable")[:BEST] - window.first
    first = first[(first >= 0) & (first < size)]
    last = last[(last >= 0) & (last < size)]
    first = first[window.core[first]]
    length = last - first[:, None] + 1
    score = start[first + window.first][:, None] + end[last + window.first]
    score = np.where((length >= 1) & (length <= LONGEST), score, -np.inf)
    if not score.size or score.max() == -np.inf:
        return -np.inf, (0, 0)
    i, j = np.unravel_index(score.argmax(), score.shape)
    return score[i, j], (int(window.offsets[first[i], 0]), int(window.offsets[last[j], 1]))
