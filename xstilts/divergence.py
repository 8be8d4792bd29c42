"""How far two sets of texts lie apart, beyond what chance makes of two samples of one kind.

Plain arrays in, one number out: counts of subwords, or one vector a text. Every measure is
about 0 for two samples of the same kind, whatever their size, and may then fall a little below.
Larger means farther; only figures of one measure and one encoder can be compared.
"""

from collections.abc import Callable, Sequence

import numpy as np

FOLDS, PENALTY, HALVES = 5, 10.0, 20  # of `proxy_a`, of its logistic regression, of `_squared`


def jensen_shannon(a: Sequence, b: Sequence, *, repeats: int = 20, seed: int = 0) -> float:
    """Divergence of the subwords of two sets of texts, at most 1 (bits).

    `a`, `b`: the piece ids of each text. What the same texts give when they are dealt at random
    into two sets of those sizes is taken off: texts repeat their own words, so samples of one kind
    differ, too.
    """
    from scipy.spatial.distance import jensenshannon

    texts, dice = [np.asarray(t, np.int64) for t in (*a, *b)], np.random.default_rng(seed)
    kinds, flat = np.unique(np.concatenate(texts), return_inverse=True)
    owner = np.repeat(np.arange(len(texts)), [len(t) for t in texts])
    first = np.arange(len(texts)) < len(a)

    def apart(in_first: np.ndarray) -> float:
        return jensenshannon(*(np.bincount(flat[in_first[owner] == side], minlength=len(kinds))
                               for side in (True, False)), base=2) ** 2  # fmt: skip

    by_chance = [apart(dice.permutation(first)) for _ in range(repeats)]
    return float(apart(first) - np.mean(by_chance))


def alike(a: Sequence[int], b: Sequence[int], *, bins: int = 10, most: int = 400, seed: int = 0):
    """Places in two sets, as many of each, with the same distribution of these lengths.

    A classifier tells sets apart by length if it can; after this it cannot, but for what is left
    within a bin (a tenth of all texts). At most `most` of each.
    """
    a, b, dice = np.asarray(a), np.asarray(b), np.random.default_rng(seed)
    edges = np.unique(np.quantile(np.concatenate([a, b]), np.arange(1, bins) / bins))
    places = [np.digitize(lengths, edges, right=True) for lengths in (a, b)]
    chosen: list[list[int]] = [[], []]
    for one in range(len(edges) + 1):
        inside = [dice.permutation(np.flatnonzero(place == one)) for place in places]
        count = min(map(len, inside))
        for found, own in zip(chosen, inside, strict=True):
            found += own[:count].tolist()
    kept = np.sort(dice.permutation(len(chosen[0]))[:most])
    return tuple(np.array(found, np.int64)[kept] for found in chosen)


def proxy_a(a: np.ndarray, b: np.ndarray, *, seed: int = 0) -> float:
    """Proxy A-distance 2 (1 - 2 e) of vectors (n, d) and (n, d); 2 if they never are confused.

    e: share of held-out vectors that a logistic regression gives to the wrong set, over five
    folds. Both sets must be of one size, and of like lengths: see `alike`.
    """
    if len(a) != len(b) or len(a) < FOLDS:
        raise ValueError(f"{len(a)} and {len(b)} vectors: as many of each, {FOLDS} or more")
    x, y = np.concatenate([a, b]).astype(float), np.repeat([0.0, 1.0], len(a))
    dice, wrong = np.random.default_rng(seed), 0
    fold = np.concatenate([dice.permutation(np.arange(len(s)) % FOLDS) for s in (a, b)])
    for held in (fold == number for number in range(FOLDS)):
        mean, spread = x[~held].mean(axis=0), x[~held].std(axis=0)
        scaled = (x - mean) / np.where(spread > 0, spread, 1)
        scaled = np.concatenate([scaled, np.ones((len(x), 1))], axis=1)
        weights = _logistic(scaled[~held], y[~held])
        wrong += ((scaled[held] @ weights > 0) != y[held]).sum()
    return float(2 * (1 - 2 * wrong / len(x)))


def _logistic(x: np.ndarray, y: np.ndarray, steps: int = 8) -> np.ndarray:
    """Weights of a logistic regression with a squared penalty, by Newton's method."""
    weights, ridge = np.zeros(x.shape[1]), PENALTY * np.eye(x.shape[1])
    ridge[-1, -1] = 1e-6  # the constant
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (p - y) + ridge @ weights
        weights = weights - np.linalg.solve((x.T * (p * (1 - p))) @ x + ridge, slope)
    return weights


def centroid(a: np.ndarray, b: np.ndarray, *, seed: int = 0) -> float:
    """Squared distance of the means of vectors (n, d) and (m, d), in units of their variance."""
    spread = (a.var(axis=0).sum() + b.var(axis=0).sum()) / 2
    return _squared(a, b, lambda x: x.mean(axis=0), seed) / float(spread)


def coral(a: np.ndarray, b: np.ndarray, *, seed: int = 0) -> float:
    """Squared distance of the covariances of vectors (n, d) and (m, d) (Sun and Saenko, 2016).

    In units of their mean squared size, so layers of any scale can be compared.
    """
    size = sum((np.cov(x, rowvar=False) ** 2).sum() for x in (a, b)) / 2
    return _squared(a, b, lambda x: np.cov(x, rowvar=False), seed) / float(size)


def _squared(a: np.ndarray, b: np.ndarray, moment: Callable, seed: int) -> float:
    """Squared distance of a moment of two sets, without the share that is noise.

    The difference in one half of the texts times that in the other: noise of halves is unrelated.
    """
    dice, found = np.random.default_rng(seed), []
    for _ in range(HALVES):
        halves = [np.array_split(x[dice.permutation(len(x))], 2) for x in (a, b)]
        one, two = (moment(halves[0][i]) - moment(halves[1][i]) for i in (0, 1))
        found.append(float((one * two).sum()))
    return float(np.mean(found))
