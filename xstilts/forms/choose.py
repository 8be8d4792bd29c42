"""The right one of several choices: continuation, commonsense and reading questions.

Every choice is an input of its own, (context, choice), scored by one number; the softmax runs
over a row's choices. Too long a pair loses the front of its context, as jiant cuts it: what
stands next to the choice matters most. All choices go through the encoder together.
"""

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from xstilts.forms import Feature, Frame, Sentence
from xstilts.paths import BadInput
from xstilts.wordpieces import tokenise


def encode(rows, tokenizer, task, max_len) -> list[Feature]:
    """One feature a row with an input a choice; the target is the right one's index."""
    frame = Frame(tokenizer)
    room = frame.room(max_len, pair=True)
    pieces = tokenise((t for row in rows for t in (row["context"], *row["choices"])), tokenizer)
    features = []
    for i, row in enumerate(rows):
        context, choices = pieces[row["context"]], [pieces[choice] for choice in row["choices"]]
        longest, made = len(context) + max(map(len, choices)), []
        for choice in (choice[:room] for choice in choices):
            cut = max(0, len(context) + len(choice) - room)
            made.append(frame.pair(context[cut:], choice))
        whole = longest + max_len - room
        features.append(Feature(i, tuple(made), _target(row, task), whole, longest > room))
    return features


def _target(row, task):
    label = row.get("label")
    if label is None or label == -1:
        return None
    if not 0 <= int(label) < len(row["choices"]):
        raise BadInput(
            f"{task.name}: row '{row['id']}' says that choice {label} is right, "
            f"but has {len(row['choices'])} choices; they count from 0"
        )
    return int(label)


def head(width, task) -> nn.Module:
    """One score an input, [B, 1]."""
    return Sentence(width, 1)


def loss(out, batch):
    """Cross-entropy over each row's choices, summed, and how many rows."""
    scores = out.float().squeeze(-1).split(batch.sizes)
    scores = pad_sequence(scores, batch_first=True, padding_value=-torch.inf)
    return cross_entropy(scores, batch.target, reduction="sum"), len(batch.target)


def decode(outs, features, rows, task) -> list[int]:
    """The index of every row's best choice."""
    return [int(out.argmax()) for out in outs]
