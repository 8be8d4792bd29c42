"""Moment alignment: texts of an English task and running text, spread alike (Sun and Saenko, 2016).

The distance of the covariances of two sets of vectors, one vector a text: the mean over its pieces
in the last layer. It is taken in units of their size, so that shrinking all vectors gains nothing.
Without labels, and blind to means: those of two languages differ, whatever the texts are about.
"""

from collections.abc import Sequence

import numpy as np

from xstilts.forms import Feature
from xstilts.forms.pairs import mean as vectors

__all__ = ["BATCH", "couples", "loss", "vectors"]
BATCH = 64  # texts of each kind a step: covariances of fewer are mostly noise


def couples(english: Sequence[Feature], running: Sequence[Feature]) -> list[Feature]:
    """One feature a running text, beside an English task text; which one is chance."""
    order = np.random.default_rng(0).permutation(len(running)) % len(english)
    return [
        Feature(n, (english[order[n]].inputs[0], *one.inputs), 0, one.pieces)
        for n, one in enumerate(running)
    ]


def loss(out, batch):
    """The distance, from 0 to 4, as if of every text, and how many texts of each kind there are.

    `out` [2 B, width] holds the English texts first. Below two texts it is 0.
    """
    sides = [x - x.mean(0) for x in out.float().chunk(2)]
    one, two = (x.T @ x / max(1, len(x) - 1) for x in sides)
    size = (one.square().sum() + two.square().sum()) / 2
    count = len(out) // 2
    return (one - two).square().sum() / size.clamp(min=1e-12) * count, count
