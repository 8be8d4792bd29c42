"""Masked language modelling: which pieces are hidden, and the loss on those alone.

BERT's rule (Devlin et al., 2019): of the chosen pieces 80 % become the mask, 10 % another piece,
10 % stay. Special pieces are never chosen. The head runs on the hidden places only, which gives
the same loss as running it everywhere and costs a seventh.
"""

import numpy as np
from torch import Tensor
from torch.nn.functional import cross_entropy

RATE = 0.15


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
