"""Batching changes what a step costs, never what it holds or its gradient."""

from collections import Counter

import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st

from xstilts.batches import EVEN, collate, micro_batches, mixture, steps, steps_per_epoch
from xstilts.forms import FORMS, form
from xstilts.model import Model, heads_for, predict

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=80)


@given(LENGTHS, st.integers(1, 200))
def test_micro_batches_hold_everything_once_within_the_budget(lengths, budget):
    made = [[[lengths[i] for i in g] for g in m] for m in micro_batches(lengths, budget)]
    assert sum(sum(made, []), []) == sorted(lengths, reverse=True)
    assert Counter(sum(sum(micro_batches(lengths, budget), []), [])) == Counter(range(len(lengths)))
    for micro in made:
        assert sum(len(g) * g[0] for g in micro) <= budget or len(sum(micro, [])) == 1
        assert all(g[-1] >= EVEN * g[0] for g in micro)


@given(LENGTHS, st.integers(1, 20), st.integers(1, 300), st.integers(0, 5), st.integers(0, 2))
def test_an_epoch_holds_every_example_once(lengths, batch, budget, seed, epoch):
    n = steps_per_epoch(len(lengths), batch)
    made = [steps(lengths, batch, budget, seed, epoch * n + i) for i in range(n)]
    sizes = [sum(len(g) for micro in step for g in micro) for step in made]
    every = Counter(i for step in made for micro in step for g in micro for i in g)
    assert every == Counter(range(len(lengths)))
    assert sizes[:-1] == [batch] * (n - 1) and 1 <= sizes[-1] <= batch


@given(LENGTHS, st.integers(1, 5), st.integers(0, 9))
def test_shares_of_a_step_are_even_and_together_the_step(lengths, many, step):
    def flat(*share):
        return sum(sum(steps(lengths, 16, 200, 0, step, *share), []), [])

    whole, parts = flat(), [flat((which, many)) for which in range(many)]
    if len(whole) < many:
        assert parts == [whole] * many
        return
    assert sorted(sum(parts, [])) == sorted(whole)
    sums = [sum(lengths[i] for i in part) for part in parts]
    assert max(sums) - min(sums) <= lengths[whole[0]]


def test_the_token_budget_does_not_move_examples_between_steps():
    lengths = np.random.default_rng(0).integers(1, 60, 100).tolist()
    for step in range(14):
        one, other = (steps(lengths, 8, budget, 3, step) for budget in (100, 10_000))
        assert len(one) > len(other) == 1
        assert {i for m in one for g in m for i in g} == {i for g in other[0] for i in g}
    assert steps(lengths, 8, 100, 3, 0) != steps(lengths, 8, 100, 3, 13)  # another epoch
    assert steps(lengths, 8, 100, 3, 0) != steps(lengths, 8, 100, 4, 0)


def test_mixture_follows_sizes_cap_and_temperature():
    def share(**more):
        plan = mixture([900, 100], 4000, 0, **more)
        assert [nth for task, nth in plan if task == 1] == list(range(sum(t for t, _ in plan)))
        return sum(task == 0 for task, _ in plan) / 4000

    assert share() == pytest.approx(0.9, abs=0.02)
    assert share(cap=100) == pytest.approx(0.5, abs=0.03)
    assert share(temperature=2.0) == pytest.approx(0.75, abs=0.03)
    share = [task for task, _ in mixture([900, 100, 5], 4000, 0, last=0.25)]
    assert abs(share.count(2) / 4000 - 0.25) < 0.03
    assert abs(share.count(1) / share.count(0) - 1 / 9) < 0.03
    assert mixture([5], 3, 0, last=1.0) == [(0, 0), (0, 1), (0, 2)]
    assert mixture([9, 1], 50, 7)[:20] == mixture([9, 1], 50, 7)[:20]


def gradient(model, name, features, step):
    """Gradient of the mean loss over `features`, computed in the micro-batches of `step`."""
    model.zero_grad()
    count, pad = 0, model.encoder.tokenizer.pad_token_id
    for micro in step:
        batches = [collate([features[i] for i in group], pad) for group in micro]
        for out, batch in zip(model(model.heads[0].name, batches), batches, strict=True):
            total, size = form(name).loss(out, batch)
            total.backward(retain_graph=True)
            count += size
    return torch.cat([p.grad.flatten() / count for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("name", ["classify", "choose", "tag", "span"])
def test_micro_batches_have_the_gradient_of_the_padded_batch(name, family):
    task, rows = tiny.task(name), tiny.rows(name, 12)
    if name == "tag":
        rows[3] = rows[3] | {"tokens": rows[3]["tokens"] * 6, "tags": rows[3]["tags"] * 6}
    else:
        field = "text_a" if name == "classify" else "context"
        rows[3][field] += " in the harbour" * 6
    features = form(name).encode(rows, tiny.tokenizer(family), task, 64)
    model = Model(tiny.encoder(family), heads_for([task]), {})
    with torch.no_grad():  # apart from zero, where gradients of choices cancel and rounding shows
        for weight in model.parameters():
            weight.mul_(2)
    order = list(range(len(features)))
    lengths = [f.length for f in features]
    micro = steps(lengths, len(order), sum(lengths) // 2, 0, 0)
    assert len(micro) >= 2 and max(map(len, micro)) >= 2
    whole, parts = (gradient(model, name, features, made) for made in ([[order]], micro))
    assert (whole - parts).norm() / whole.norm() <= 1e-5
    exact = [gradient(model.double(), name, features, m) for m in ([[order]], micro)]
    assert (exact[0] - exact[1]).norm() / exact[0].norm() <= 1e-12


@pytest.mark.parametrize("family", tiny.FAMILIES)
@pytest.mark.parametrize("name", FORMS)
def test_outputs_do_not_depend_on_what_else_is_in_the_batch(name, family):
    task, rows = tiny.task(name), tiny.rows(name, 6)
    features = form(name).encode(rows, tiny.tokenizer(family), task, 64)
    model = Model(tiny.encoder(family), heads_for([task]), {})
    together, alone = (predict(model, model.heads[0], features, b) for b in (10_000, 1))
    for one, other, feature in zip(together, alone, features, strict=True):
        assert one.shape == other.shape
        if name in ("tag", "span"):
            assert len(one) == len(feature.inputs[0].ids)
        np.testing.assert_allclose(one, other, atol=1e-5, rtol=1e-4)


def test_pairs_pad_their_sides_apart():
    task, rows = tiny.task("pairs"), tiny.rows("pairs", 3)
    rows[1]["text"] += " in the harbour" * 5
    module, tok = form("pairs"), tiny.tokenizer("bert")
    features = module.couples(module.encode(rows, tok, task, 64), rows)
    batch = collate(features, tok.pad_token_id, apart=True)
    queries, candidates = (block.ids.shape for block in batch.blocks)
    assert queries[0] == candidates[0] == 3 and queries[1] < candidates[1]
