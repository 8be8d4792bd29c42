"""Masked language modelling: which pieces are hidden, and the loss on those alone.

BERT's rule (Devlin et al., 2019): of the chosen pieces 80 % become the mask, 10 % another piece,
10 % stay. Special pieces are never chosen. The head runs on the hidden places only, which gives
the same loss as running it everywhere and costs a seventh. What is hidden is drawn anew at every
step, so features have no target before `hide`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from zlib import crc32

import numpy as np
from torch import Tensor
from torch.nn.functional import cross_entropy

from xstilts.forms import IGNORED, Feature, Frame, Input
from xstilts.pieces import smoothed
from xstilts.text import ALPHA, Pieces, windows

RATE = 0.15


def encode(docs: Mapping[str, list], tokenizer, max_len: int, count: int) -> list[Feature]:
    """About `count` windows of up to `max_len` pieces of consecutive text; `place` is the language.

    `docs` are documents, lists of sentences, by language; those of a small language come again.
    """
    pieces = {lang: Pieces(own, tokenizer, max_len) for lang, own in docs.items()}
    frame, features = Frame(tokenizer), []
    for lang, share in smoothed({k: len(p.flat) for k, p in pieces.items()}, ALPHA).items():
        dice = np.random.default_rng(crc32(lang.encode()))
        stream = windows(pieces[lang], frame, max_len, dice)
        for one in islice(stream, max(1, round(count * share))):
            features.append(Feature(len(features), (one,), None, len(one.ids), place=lang))
    return features


def hide(features: Sequence[Feature], tokenizer, dice) -> list[Feature]:
    """The features with some pieces hidden; the target says what stood there, else IGNORED."""
    hidden = []
    for feature in features:
        (one,) = feature.inputs
        special = np.isin(one.ids, tokenizer.all_special_ids)
        ids, where, labels = mask(one.ids[None], special[None], tokenizer, dice)
        target = np.full(len(one.ids), IGNORED)
        target[where[0]] = labels
        hidden.append(replace(feature, inputs=(Input(ids[0], one.second),), target=target))
    return hidden


def loss(out, batch):
    """Cross-entropy summed over the hidden pieces, and how many they are."""
    target = batch.target[batch.target != IGNORED]
    return cross_entropy(out.float(), target, reduction="sum"), len(target)


def mask(ids: np.ndarray, special: np.ndarray, tokenizer, rng, rate=RATE):
    """Hide pieces of `ids` [B, T]; where `special` [B, T] is true nothing is touched.

    `rate` is a number or an array that broadcasts to [B, T]. Returns `(inputs, where, labels)`:
    the new ids [B, T], the chosen places [B, T] as booleans, and what stood there [N], N >= 1
    wherever there is anything to choose.
    """
    where = (rng.random(ids.shape) < rate) & ~special
    if not where.any():
        free = np.flatnonzero(~special)
        where.flat[rng.choice(free, size=min(1, len(free)), replace=False)] = True
    labels = ids[where]
    fate = rng.random(len(labels))
    other = rng.integers(0, len(tokenizer), len(labels))
    inputs = ids.copy()
    hidden = np.where(fate < 0.9, other, labels)
    inputs[where] = np.where(fate < 0.8, tokenizer.mask_token_id, hidden)
    return inputs, where, labels


def masked_loss(encoder, hidden: Tensor, where: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy summed over the hidden places; `hidden` is the last layer, [B, T, width]."""
    return cross_entropy(encoder.logits(hidden[where]).float(), labels, reduction="sum")
