"""From features to padded tensors, in batches with next to no padding.

`steps` and `mixture` are pure: which examples make up optimiser step number n follows from n and
the seed alone, so the place in the data is one integer. A step holds exactly its `batch` features,
in as many length-sorted micro-batches as the token budget asks for. A micro-batch is a few groups
of nearly even lengths: each is padded by itself, and the encoder reads all of them at once (see
`Encoder.layer_by_layer`). The split changes the cost of a step, never its gradient.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from xstilts.forms import IGNORED, Feature, Input

EVEN = 0.95  # of the longest: what is shorter would rather be padded in the next group


@dataclass(frozen=True, slots=True)
class Block:
    """Inputs padded to the longest: `ids` [B, T], `mask` true on what is no padding, `types` 1
    on the second text; `even` says that nothing was padded."""

    ids: Tensor
    mask: Tensor
    types: Tensor
    even: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """Some features as tensors: their blocks, `sizes` (inputs per feature) and the target."""

    blocks: tuple[Block, ...]
    sizes: tuple[int, ...]
    target: Tensor | None


def collate(features: Sequence[Feature], pad: int, device="cpu", *, apart=False) -> Batch:
    """Pad `features` together; with `apart`, first inputs make one block and second ones another.

    The target is [B], or [B, 2] for spans, or [B, T] for tags (IGNORED on padding); None if a
    feature has none.
    """
    inputs = [f.inputs for f in features]
    groups = [list(g) for g in zip(*inputs, strict=True)] if apart else [sum(inputs, ())]
    blocks = tuple(_block(group, pad, device) for group in groups)
    target = _target([f.target for f in features], blocks[0].ids.shape[1])
    target = None if target is None else torch.from_numpy(target).to(device)
    return Batch(blocks, tuple(map(len, inputs)), target)


def _block(inputs: Sequence[Input], pad: int, device) -> Block:
    lengths = np.array([len(i.ids) for i in inputs])
    seconds = np.array([i.second for i in inputs])
    place = np.arange(lengths.max())
    mask = place < lengths[:, None]
    ids = np.full(mask.shape, pad, np.int64)
    ids[mask] = np.concatenate([i.ids for i in inputs])
    types = (mask & (place >= seconds[:, None])).astype(np.int64)
    tensors = (torch.from_numpy(array).to(device) for array in (ids, mask, types))
    return Block(*tensors, even=bool(mask.all()))


def _target(targets: list, width: int) -> np.ndarray | None:
    if any(t is None for t in targets):
        return None
    if not isinstance(targets[0], np.ndarray):
        return np.array(targets, np.int64)
    padded = np.full((len(targets), width), IGNORED, np.int64)
    for row, target in zip(padded, targets, strict=True):
        row[: len(target)] = target
    return padded


def micro_batches(lengths: Sequence[int], token_budget: int) -> list[list[list[int]]]:
    """Indices in micro-batches of groups, longest first.

    Nothing in a group is shorter than EVEN of its longest; a micro-batch keeps within the budget
    once each group is padded. Something longer than the budget is a micro-batch of its own.
    """
    made, width, left = [], np.inf, -1
    for i in np.argsort(-np.asarray(lengths), kind="stable").tolist():
        length = lengths[i]
        even = length >= EVEN * width
        if left < (width if even else length):
            made.append([[i]])
            width, left = length, token_budget - length
        elif even:
            made[-1][-1].append(i)
            left -= width
        else:
            made[-1].append([i])
            width, left = length, left - length
    return made


def batched(
    features: Sequence[Feature], pad: int, device, token_budget: int
) -> Iterator[tuple[list[list[int]], list[Batch]]]:
    """All features for reading: the groups of a micro-batch as indices, and a batch of each."""
    for micro in micro_batches([f.length for f in features], token_budget):
        yield micro, [collate([features[i] for i in group], pad, device) for group in micro]


def steps(
    lengths: Sequence[int],
    batch: int,
    token_budget: int,
    seed: int,
    step: int,
    share: tuple[int, int] = (0, 1),
) -> list[list[list[int]]]:
    """The micro-batches of optimiser step number `step`, as indices into `lengths`.

    An epoch is a seeded permutation; its last step holds what is left of it. `share` (which, of
    how many) takes a part of the step: the longest are dealt out to and fro, so that the parts
    are about as long as each other. A step with less than one for each is everybody's whole.
    """
    epoch, place = divmod(step, steps_per_epoch(len(lengths), batch))
    chosen = _permutation(len(lengths), seed, epoch)[place * batch : (place + 1) * batch]
    (which, many), longest = share, np.argsort([-lengths[i] for i in chosen], kind="stable")
    if len(chosen) >= many:
        turns = which, 2 * many - 1 - which
        longest = [i for n, i in enumerate(longest) if n % (2 * many) in turns]
    chosen = chosen[longest]
    made = micro_batches([lengths[i] for i in chosen], token_budget)
    return [[[int(chosen[i]) for i in group] for group in micro] for micro in made]


def steps_per_epoch(examples: int, batch: int) -> int:
    return -(-examples // batch)


@lru_cache(maxsize=64)
def _permutation(size: int, seed: int, epoch: int) -> np.ndarray:
    return np.random.default_rng((seed, epoch)).permutation(size)


def mixture(
    sizes: Sequence[int],
    total: int,
    seed: int,
    cap: int | None = None,
    temperature: float = 1.0,
    last: float = 0.0,
) -> list[tuple[int, int]]:
    """For each of `total` updates: which task, and the how-manieth step of that task it is.

    One task an update, drawn in proportion to min(size, cap) ** (1 / temperature), as jiant does;
    with `last`, the last one is drawn for that share of the updates, whatever its size.
    """
    weight = np.minimum(sizes, cap or np.inf) ** (1 / temperature)
    if last:
        weight[-1] = weight[:-1].sum() * last / (1 - last) if last < 1 else 1.0
    drawn = np.random.default_rng((seed, 1)).choice(len(sizes), total, p=weight / weight.sum())
    seen = [0] * len(sizes)
    plan = []
    for task in drawn.tolist():
        plan.append((task, seen[task]))
        seen[task] += 1
    return plan
