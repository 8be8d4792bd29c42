"""The contenders of 90_performance do the same work: same text, same gradient, same answers."""

from contextlib import nullcontext

import numpy as np
import pytest
import tiny
import torch
from test_notebooks import play

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


# The notebook: its own cells, on stand-ins for all that takes time


class StandIn:
    """One of the notebook's cases; `spoil` names what is wrong with its results."""

    spoil = None

    def __init__(self, name, task, encoder, features, batch, longest, seed=1):
        self.name, self.encoder, self.features = name, encoder, features
        self.batch, self.tokens, self.model = batch, 4096, self

    def save(self, folder):
        pass

    @classmethod
    def race(cls, runs, repeats):
        return [{"run": name, "repeat": r, "tokens": 100, "seconds": 1.0 + r}
                for r in range(repeats) for name in runs]  # fmt: skip

    @classmethod
    def answers(cls, own):
        found = np.tile([[3.0, 1.0, 2.0]], (len(own.features), 1))
        return found + ([0, 5, 0] if cls.spoil == "other predictions" else [0, 0, 0])

    @classmethod
    def index(cls, x, y):
        scores, places = np.ones((4, 4)), np.zeros((4, 4), int)
        far = 0.5 if cls.spoil == "other neighbours" else 0.0
        return scores - far, places, scores, places


class Shop:
    """Stands in for the workshop: forked and ordinary runs leave the same, or not."""

    small = [("grid", "run")]

    def __init__(self, home):
        self.ordinary = self.papermill = lambda *words: 1.0
        self.parent = lambda: nullcontext(self.ordinary)

    def scores(self, kind):
        return kind.encode() if StandIn.spoil == "other bytes" else b"the same"


@pytest.mark.parametrize(
    "spoil", [None, "gradient", "other predictions", "other vectors", "other neighbours",
              "other bytes"],
)  # fmt: skip
def test_the_notebooks_check_refuses_contenders_that_differ(spoil, out, monkeypatch):
    monkeypatch.setattr(StandIn, "spoil", spoil)
    dense = ["dense, 16 long, 1024 at once", "dense, 64 long, 1024 at once"]
    names = ["ours", *training.PEERS, *dense]
    vectors = torch.ones(3, 2, 2)
    last = vectors[-1] * (2 if spoil == "other vectors" else 1)
    for place, what in {
        "xstilts.encoder.Encoder.load": lambda where: type("E", (), {"tokenizer": None}),
        "xstilts.bench.features": lambda *_, **__: [None] * 4,
        "xstilts.bench.Case": StandIn,
        "xstilts.bench.peak": lambda work: (work(), 1.0, 1.0),
        "xstilts.bench.training.gradient_gap": lambda case: 1e-2 if spoil == "gradient" else 1e-7,
        "xstilts.bench.training.contenders": lambda *_: dict.fromkeys(names),
        "xstilts.bench.training.race": StandIn.race,
        "xstilts.bench.training.ours": lambda *_: (100, 1.0),
        "xstilts.bench.training.utilisation": lambda _: None,
        "xstilts.bench.reading.ours": StandIn.answers,
        "xstilts.bench.reading.trainer": lambda own: np.tile([[3.0, 1, 2]], (len(own.features), 1)),
        "xstilts.bench.reading.one_by_one": lambda folder, own, apart: StandIn.answers(own),
        "xstilts.bench.reading.last_layer": lambda *_: last,
        "xstilts.bench.reading.has_faiss": lambda: True,
        "xstilts.bench.reading.flat_index": StandIn.index,
        "xstilts.bench.reading.unit_vectors": lambda count: (None, None),
        "xstilts.retrieval.pooled": lambda *_: vectors,
        "xstilts.retrieval.neighbours": lambda *_, k: (np.ones((4, 4)), np.zeros((4, 4), int)) * 2,
        "xstilts.bench.starting.Workshop": Shop,
    }.items():  # fmt: skip
        monkeypatch.setattr(place, what)
    if spoil is None:
        assert play("90_performance")["table"]["floor"].gt(0).all()
    else:
        with pytest.raises(AssertionError):
            play("90_performance")
