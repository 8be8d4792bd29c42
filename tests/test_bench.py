"""The contenders of 90_performance do the same work: same text, same gradient, same answers."""

import numpy as np
import pytest
import tiny
import torch

from xstilts.bench import Case, peak, reading, training
from xstilts.forms import form
from xstilts.paths import BadInput
from xstilts.retrieval import neighbours, pooled

LONGEST = 48


def case(kind: str, family: str = "xlm-roberta") -> Case:
    encoder, task = tiny.encoder(family), tiny.task(kind)
    features = form(kind).encode(tiny.rows(kind, 24), encoder.tokenizer, task, LONGEST)
    return Case(kind, task, encoder, features, 4, LONGEST, tokens=64)


@pytest.mark.parametrize("kind", ["classify", "span"])
def test_our_gradient_is_that_of_the_padded_batch_in_their_model(kind):
    assert training.gradient_gap(case(kind)) < 1e-5


def test_every_contender_counts_the_pieces_that_it_read():
    one = case("classify")
    runs = training.contenders(one, 1, 5, (8,), (16, 64))
    raced = {row["run"]: row["tokens"] for row in training.race(runs, 1)}
    assert list(raced) == list(runs) and len(runs) == 6
    everything = sum(len(i.ids) for f in one.features for i in f.inputs)
    lengths = [f.length for f in one.features]
    for name in ("ours", *training.PEERS):  # all but the first of six steps of an epoch
        assert 4 * min(lengths) <= everything - raced[name] <= 4 * max(lengths), name
    texts = round(one.step / 8)
    assert raced["dense, 8 long, 16 at once"] == texts * 8 * 5


def test_predictions_are_the_same_whoever_makes_them(tmp_path):
    one = case("classify")
    one.model.save(tmp_path)
    mine = reading.ours(one)
    apart = [one.features[:10], one.features[10:]]
    for other in (reading.trainer(one), reading.one_by_one(tmp_path, one, apart)):
        np.testing.assert_allclose(other, mine, atol=1e-5)


def test_the_last_layer_is_the_last_of_all():
    one = case("classify")
    one.encoder.eval()
    last = pooled(one.encoder, one.features)[-1]
    torch.testing.assert_close(reading.last_layer(one.encoder, one.features), last)


@pytest.mark.skipif(not reading.has_faiss(), reason="faiss is not installed")
def test_faiss_finds_the_same():
    x, y = reading.unit_vectors(200, 16)
    for mine, other in zip(neighbours(x, y, 4), reading.flat_index(x, y), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-6)


def test_memory_is_what_was_taken_beyond_what_was_held():
    held = torch.ones(1 << 22)
    made, seconds, memory = peak(lambda: torch.ones(1 << 24).sum() + held.sum())
    assert made == (1 << 24) + (1 << 22) and seconds > 0
    assert memory != memory or 60 <= memory <= 100


def test_only_the_family_that_the_peers_share():
    with pytest.raises(BadInput, match="XLM-R"):
        case("classify", "bert")
