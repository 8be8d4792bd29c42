"""Finding the right candidate for a query: a dual encoder, for answers and entities.

One encoder reads both sides; a text's vector is the mean over all its pieces, specials included,
set to length one. Training draws a query to its candidate and away from the other candidates of
the same step (softmax over dot products times a learned scale, 100 at the start, as XTREME-R's
LAReQA model), so a step is never split. Decoding ranks all candidates that are in the rows, of
every language: that is what makes LAReQA's pool one pool.
"""

from dataclasses import replace

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize

from xstilts.forms import Feature, Frame, asked
from xstilts.paths import BadInput
from xstilts.wordpieces import tokenise

MEAN, CENTRED = "mean", "mean-centred"  # how a text becomes one vector: `pooling` in Scores
TOP = 20  # candidates kept for a query
SCALE = 100.0
BLOCK = 1 << 22  # similarities held at a time (16 MiB)


def encode(rows, tokenizer, task, max_len) -> list[Feature]:
    """One feature a row, whichever side it is on; `couples` makes them teach."""
    frame = Frame(tokenizer)
    room = frame.room(max_len, pair=False)
    pieces, features = tokenise((row["text"] for row in rows), tokenizer), []
    for i, row in enumerate(rows):
        ids = pieces[row["text"]]
        whole = len(ids) + max_len - room
        features.append(Feature(i, (frame.single(ids[:room]),), None, whole, len(ids) > room))
    return features


def couples(features, rows) -> list[Feature]:
    """Every query with its first gold candidate, two inputs a feature."""
    queries, made = asked(rows), []
    candidates = {row["id"]: f for f, row in zip(features, rows, strict=True)
                  if row["side"] == "candidate"}  # fmt: skip
    for feature, row in ((features[i], rows[i]) for i in queries):
        gold = next((g for g in row["gold"] if g in candidates), None)
        if gold is not None:
            inputs = feature.inputs + candidates[gold].inputs
            made.append(replace(feature, inputs=inputs, target=0))
    return made


def mean(hidden, block):
    """The mean over a text's pieces, specials included, [B, width]; padding counts for nothing."""
    weight = block.mask[..., None].to(hidden.dtype)
    return (hidden * weight).sum(1) / weight.sum(1)


def centred(vectors):
    """Vectors [N, width] minus their mean, set to length one again."""
    return normalize(vectors - vectors.mean(0), dim=-1)


class Dual(nn.Module):
    """Vectors whose dot products are cosines times the learned scale, [B, width]."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(SCALE))

    def forward(self, hidden, block):
        return normalize(mean(hidden, block).float(), dim=-1) * self.scale.clamp(min=0).sqrt()


def head(width, task) -> nn.Module:
    """Scaled unit vectors [B, width]."""
    return Dual()


def loss(out, batch):
    """Cross-entropy of every query over the step's candidates, summed, and how many queries.

    `out` holds the queries first and their candidates after them, in the same order.
    """
    queries, candidates = out.chunk(2)
    right = torch.arange(len(queries), device=out.device)
    return cross_entropy(queries @ candidates.T, right, reduction="sum"), len(queries)


def decode(outs, features, rows, task) -> list[list[str] | None]:
    """For every query the ids of its best candidates, best first; None for a candidate.

    A candidate that comes with several languages under one id is one candidate.
    """
    answers, queries = [None] * len(rows), asked(rows)
    pool = [*{r["id"]: i for i, r in enumerate(rows) if r["side"] == "candidate"}.values()]
    if not queries:
        return answers
    if not pool:
        raise BadInput(f"{task.name}: no candidates among the rows, only queries")
    vectors = torch.stack([torch.as_tensor(out) for out in outs])
    _, found = nearest_neighbours(vectors[queries], vectors[pool], TOP)
    for query, order in zip(queries, found.tolist(), strict=True):
        answers[query] = [rows[pool[i]]["id"] for i in order]
    return answers


def nearest_neighbours(queries, pool, k: int):
    """The k largest dot products of every query and whose they are, [Q, k] each; exact.

    Works through the queries in blocks, so that memory stays bounded whatever their number.
    """
    k = min(k, len(pool))
    rows = max(1, BLOCK // len(pool))
    tops = [(part @ pool.T).topk(k, sorted=True) for part in queries.split(rows)]
    return torch.cat([t.values for t in tops]), torch.cat([t.indices for t in tops])
