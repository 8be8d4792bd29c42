"""Retrieval finds what is there, at every layer, exactly."""

import datasets
import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st

from xstilts import evaluate, retrieval
from xstilts.forms.pairs import encode, nearest_neighbours
from xstilts.paths import BadInput, MissingData
from xstilts.settings import Setting
from xstilts.submission import read_answers
from xstilts.tasks import task

LAYERS = 3  # the embeddings and two layers
SETTING = Setting("test", "nowhere", "hub", layer=1)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return tiny.encoder().save(tmp_path_factory.mktemp("encoder"))


def pairs(split, lang, found):
    """Twelve queries; `found` of them have the same sentence, in another place, on the far side."""
    texts = dict.fromkeys(tiny.text(len(split) + ord(lang[0]), 40))
    texts = [*texts][:24]
    queries = [{"id": f"q{i}", "side": "query", "text": texts[i],
                "gold": [f"c{11 - i}"] if i < found else []} for i in range(12)]  # fmt: skip
    far = [texts[i] if i < found else texts[i + 12] for i in range(12)]
    candidates = [{"id": f"c{11 - i}", "side": "candidate", "text": text, "gold": []}
                  for i, text in enumerate(far)]  # fmt: skip
    return [*queries, *reversed(candidates)]


def serve(monkeypatch, found):
    def load(task, split, lang, *, data, limit=None):
        return datasets.Dataset.from_list(pairs(split, lang, found))

    monkeypatch.setattr(evaluate, "load", load)


def test_tatoeba_finds_identical_sentences_at_every_layer(encoder, monkeypatch):
    serve(monkeypatch, 12)
    tatoeba = task("tatoeba")
    result = retrieval.retrieve(encoder, tatoeba, SETTING)
    scores = result.scores
    assert set(scores["value"]) == {100.0} and set(scores["pooling"]) == {"mean"}
    assert sorted(scores[scores["lang"] == "de"]["layer"]) == [*range(LAYERS)]
    assert set(scores[scores["layer"] == 1]["selection"]) == {retrieval.HEADLINE}
    assert set(scores[scores["layer"] != 1]["selection"]) == {retrieval.SWEEP}
    assert len(result.examples) == 12 * scores["lang"].nunique()
    answers = read_answers(tatoeba, result.answers["tatoeba", "test", "de"])
    assert answers == [str(11 - i) for i in range(12)]


def test_bucc_mines_with_the_threshold_of_dev(encoder, monkeypatch):
    serve(monkeypatch, 8)
    bucc = task("bucc2018")
    result = retrieval.retrieve(encoder, bucc, SETTING)
    assert set(result.scores["split"]) == {"test"}
    assert not result.scores["selection"].str.contains(retrieval.SAME).any()
    assert set(result.scores["metric"]) == {"f1", "precision", "recall"}
    best = result.scores[result.scores["layer"] == LAYERS - 1]
    assert best[best["metric"] == "recall"]["value"].min() >= 75
    mined = read_answers(bucc, result.answers["bucc2018", "test", "de"])
    right = {(f"q{i}", f"c{11 - i}") for i in range(8)}
    assert len(right & set(mined)) >= 6


def only_dev(monkeypatch, langs):
    """No test pairs at all, dev pairs in `langs`."""

    def load(task, split, lang, *, data, limit=None):
        if split == "test" or lang not in langs:
            raise MissingData(f"no {split} file for {lang}")
        return datasets.Dataset.from_list(pairs(split, lang, 8))

    monkeypatch.setattr(evaluate, "load", load)


def test_bucc_without_test_pairs_scores_its_dev_pairs_and_says_so(encoder, monkeypatch, capsys):
    only_dev(monkeypatch, ["zh"])
    result = retrieval.retrieve(encoder, task("bucc2018"), SETTING)
    scores = result.scores
    assert set(scores["split"]) == {"dev"} == set(result.examples["split"])
    assert set(scores["lang"]) == {"zh"} and set(result.missing) == {"de", "fr", "ru"}
    assert scores["selection"].str.endswith(retrieval.SAME).all()
    assert [*result.answers] == [("bucc2018", "dev", "zh")]
    assert f"scored on dev, {retrieval.SAME} (zh)" in capsys.readouterr().out
    best = scores[(scores["layer"] == LAYERS - 1) & (scores["metric"] == "recall")]
    assert best["value"].item() >= 75


def test_without_test_pairs_tatoeba_and_an_empty_bucc_have_no_data(encoder, monkeypatch):
    only_dev(monkeypatch, ["zh"])
    with pytest.raises(MissingData, match="no test file"):
        retrieval.retrieve(encoder, task("tatoeba"), SETTING)
    only_dev(monkeypatch, [])
    with pytest.raises(MissingData):
        retrieval.retrieve(encoder, task("bucc2018"), SETTING)


def test_languages_at_once_or_one_by_one_is_the_same(encoder, monkeypatch):
    serve(monkeypatch, 8)
    together = retrieval.retrieve(encoder, task("bucc2018"), SETTING)
    monkeypatch.setattr(retrieval, "VECTORS", 0)
    apart = retrieval.retrieve(encoder, task("bucc2018"), SETTING)
    assert together.answers == apart.answers
    np.testing.assert_allclose(together.scores["value"], apart.scores["value"])


def test_pooled_vectors_are_means_over_all_pieces_specials_included():
    model = tiny.encoder()
    rows = [{"text": text} for text in ["ana sees ben", "ana", "pia helps max in the garden ."]]
    vectors = retrieval.pooled(model, encode(rows, model.tokenizer, None, 40))
    for i, row in enumerate(rows):
        hidden = model.hidden_states(**model.tokenizer(row["text"], return_tensors="pt"))
        assert len(hidden) == LAYERS
        for layer, state in enumerate(hidden):
            mean = state[0].mean(0)
            torch.testing.assert_close(vectors[layer, i], mean / mean.norm(), atol=1e-5, rtol=1e-4)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 5), st.integers(1, 400))
def test_neighbours_are_exact_whatever_the_blocks(n, m, k, block):
    generator = torch.Generator().manual_seed(n * 41 + m)
    x, y = (torch.randn(size, 6, generator=generator) for size in (n, m))
    before = retrieval.BLOCK
    retrieval.BLOCK = block
    try:
        values, ids, back, back_ids = retrieval.neighbours(x, y, k)
    finally:
        retrieval.BLOCK = before
    product = x @ y.T
    for got, found, want in ((values, ids, product), (back, back_ids, product.T)):
        torch.testing.assert_close(got, want.topk(min(k, want.shape[1])).values)
        torch.testing.assert_close(want.gather(1, found), got)
    torch.testing.assert_close(nearest_neighbours(x, y, k)[0], values)


def test_a_layer_that_is_not_there(encoder):
    with pytest.raises(BadInput, match="layer 9 of 2"):
        retrieval.retrieve(encoder, task("tatoeba"), Setting("s", "e", "hub", layer=9))
