"""One label for a text or a pair of texts: natural language inference, paraphrase.

Input as both model families were pretrained: `<s> a </s></s> b </s>` or `[CLS] a [SEP] b [SEP]`,
the longer text cut first. Head on the first piece. A row without `text_b` is a single text.
"""

from itertools import chain

from torch import nn
from torch.nn.functional import cross_entropy

from xstilts.forms import Feature, Frame, Sentence, number
from xstilts.wordpieces import tokenise


def encode(rows, tokenizer, task, max_len) -> list[Feature]:
    """One feature a row; the target is the label's number."""
    frame, features = Frame(tokenizer), []
    texts = [(row["text_a"], row.get("text_b") or "") for row in rows]
    pieces = tokenise(chain.from_iterable(texts), tokenizer)
    for i, (row, (first, second)) in enumerate(zip(rows, texts, strict=True)):
        a, b = pieces[first], pieces[second]
        room, whole = frame.room(max_len, pair=bool(second)), len(a) + len(b)
        a, b = longest_first(a, b, room)
        made = frame.pair(a, b) if second else frame.single(a)
        target = number(row.get("label"), row, task)
        features.append(Feature(i, (made,), target, whole + max_len - room, whole > room))
    return features


def longest_first(a: list[int], b: list[int], room: int) -> tuple[list[int], list[int]]:
    """Both cut at the end to `room` pieces together: the longer loses until they are even."""
    keep = min(len(a), max(room // 2, room - len(b)))
    return a[:keep], b[: room - keep]


def head(width, task) -> nn.Module:
    """Logits [B, labels]."""
    return Sentence(width, len(task.labels))


def loss(out, batch):
    """Cross-entropy summed over the rows, and how many they are."""
    return cross_entropy(out.float(), batch.target, reduction="sum"), len(batch.target)


def decode(outs, features, rows, task) -> list[str]:
    """The likeliest label of every row."""
    return [task.labels[int(out.argmax())] for out in outs]
