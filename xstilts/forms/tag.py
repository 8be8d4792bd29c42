"""A label for every word: parts of speech, entities, supertags.

A word is labelled at its first piece. A sentence that does not fit is split between words into
segments and its tags are joined again, so every word gets exactly one tag, however long the
sentence: XTREME's rule. A word without pieces, or with more than a segment holds, is read as the
unknown piece.

Words are read one by one, so SentencePiece puts the mark of a space before each. Where a script has
no spaces that mark is mostly a piece of its own, and it bears the label. No tag is lost by it, but
little of what was learned on English words carries over; the rule is XTREME's all the same.
"""

import numpy as np
from torch import nn
from torch.nn.functional import cross_entropy

from xstilts.forms import IGNORED, Feature, Frame, number
from xstilts.paths import BadInput
from xstilts.wordpieces import tokenise


def encode(rows, tokenizer, task, max_len) -> list[Feature]:
    """One feature a segment; `place` holds the first pieces' positions, the target a label each.

    The target runs over all positions, IGNORED off the first pieces.
    """
    frame = Frame(tokenizer)
    room, shift = frame.room(max_len, pair=False), len(frame.start)
    pieces = tokenise((word for row in rows for word in row["tokens"]), tokenizer)
    unknown, features = np.array([tokenizer.unk_token_id], np.int32), []
    for i, row in enumerate(rows):
        words = [pieces[word] for word in row["tokens"]]
        words = [w if 0 < len(w) <= room else unknown for w in words]
        tags = row.get("tags") or [None] * len(words)
        if len(tags) != len(words):
            raise BadInput(
                f"{task.name}: row '{row['id']}' has {len(words)} words but {len(tags)} tags"
            )
        numbers = [number(tag, row, task) for tag in tags]
        whole = sum(map(len, words)) + max_len - room
        for begin, end in _segments([len(w) for w in words], room):
            sizes = [len(w) for w in words[begin:end]]
            firsts = np.cumsum([shift, *sizes[:-1]])
            made = frame.single(*words[begin:end])
            target = _target(numbers[begin:end], firsts, len(made.ids))
            features.append(Feature(i, (made,), target, whole, place=firsts))
    return features


def _segments(sizes: list[int], room: int) -> list[tuple[int, int]]:
    """Runs of words whose pieces fit into `room`, each as long as it can be."""
    runs, begin, used = [], 0, 0
    for i, size in enumerate(sizes):
        if used + size > room:
            runs.append((begin, i))
            begin, used = i, 0
        used += size
    return [*runs, (begin, len(sizes))] if sizes else []


def _target(numbers, firsts, length):
    if all(n is None for n in numbers):
        return None
    target = np.full(length, IGNORED)
    target[firsts] = [IGNORED if n is None else n for n in numbers]
    return target


class Tagger(nn.Module):
    """dropout -> linear at every piece."""

    def __init__(self, width: int, labels: int):
        super().__init__()
        self.dropout, self.out = nn.Dropout(), nn.Linear(width, labels)

    def forward(self, hidden, block):
        return self.out(self.dropout(hidden))


def head(width, task) -> nn.Module:
    """Logits [B, T, labels]."""
    return Tagger(width, len(task.labels))


def loss(out, batch):
    """Cross-entropy summed over the labelled words, and how many they are."""
    labelled = batch.target != IGNORED
    target = batch.target[labelled]
    return cross_entropy(out[labelled].float(), target, reduction="sum"), len(target)


def decode(outs, features, rows, task) -> list[list[str]]:
    """A tag for every word of every row, the segments joined in order."""
    answers = [[] for _ in rows]
    for feature, out in zip(features, outs, strict=True):
        best = out[feature.place].argmax(-1)
        answers[feature.row] += [task.labels[i] for i in best]
    return answers
