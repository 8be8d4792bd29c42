"""Retrieval finds what is there, at every layer, exactly."""

from functools import partial

import datasets
import numpy as np
import pytest
import tiny
import torch
from hypothesis import given
from hypothesis import strategies as st

from xstilts import evaluate, retrieval
from xstilts.forms.pairs import encode, nearest_neighbours
from xstilts.paths import BadInput, MissingData, UserError
from xstilts.scores import SWEEP
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
    assert set(scores["value"]) == {100.0}
    kinds = ["lang", "layer", "pooling", "metric"]
    langs = scores["lang"].nunique()
    assert len(scores) == len(scores[kinds].drop_duplicates()) == langs * LAYERS * 2 * 2
    assert set(scores["pooling"]) == {"mean", "mean-centred"}
    assert set(scores["metric"]) == {"accuracy", "margin_accuracy"}
    counts = scores["selection"] != retrieval.SWEEP
    assert set(scores[counts]["selection"]) == {retrieval.HEADLINE}
    assert counts.tolist() == [*(scores["layer"].eq(1) & scores["pooling"].eq("mean"))]
    assert len(result.examples) == 12 * scores["lang"].nunique()
    answers = read_answers(tatoeba, result.answers["tatoeba", "test", "de"])
    assert answers == [str(11 - i) for i in range(12)]


def test_bucc_mines_with_the_threshold_of_dev(encoder, monkeypatch):
    serve(monkeypatch, 8)
    bucc = task("bucc2018")
    result = retrieval.retrieve(encoder, bucc, SETTING)
    assert set(result.scores["split"]) == {"test"}
    assert set(result.scores["selection"]) == {retrieval.HEADLINE + retrieval.MINED, SWEEP}
    names = ("f1", "precision", "recall")
    assert set(result.scores["metric"]) == {*names, *(f"cosine_{name}" for name in names)}
    best = result.scores[result.scores["layer"] == LAYERS - 1]
    assert best[best["metric"].str.endswith("recall")]["value"].min() >= 75
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
    assert set(scores["selection"]) == {retrieval.HEADLINE + retrieval.SAME, SWEEP}
    assert [*result.answers] == [("bucc2018", "dev", "zh")]
    assert f"scored on dev{retrieval.SAME} (zh)" in capsys.readouterr().out
    best = scores[(scores["layer"] == LAYERS - 1) & (scores["metric"] == "recall")]
    assert best["value"].min() >= 75


def test_without_test_pairs_tatoeba_and_an_empty_bucc_have_no_data(encoder, monkeypatch):
    only_dev(monkeypatch, ["zh"])
    with pytest.raises(MissingData, match="no test file"):
        retrieval.retrieve(encoder, task("tatoeba"), SETTING)
    only_dev(monkeypatch, [])
    with pytest.raises(MissingData):
        retrieval.retrieve(encoder, task("bucc2018"), SETTING)


def test_vectors_beyond_memory_lie_in_a_file_and_are_the_same(encoder, monkeypatch, tmp_path):
    serve(monkeypatch, 8)
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path))
    inside = retrieval.retrieve(encoder, task("bucc2018"), SETTING)
    monkeypatch.setattr(retrieval, "VECTORS", 0)
    mapped, files = np.memmap, []
    monkeypatch.setattr(
        np, "memmap", lambda file, *a, **k: files.append(file) or mapped(file, *a, **k)
    )
    outside = retrieval.retrieve(encoder, task("bucc2018"), SETTING)
    assert len(files) == outside.scores["lang"].nunique()  # one language at a time
    assert not any(tmp_path.iterdir())
    assert inside.answers == outside.answers
    np.testing.assert_allclose(inside.scores["value"], outside.scores["value"])


def test_a_disk_too_small_for_the_vectors(monkeypatch, tmp_path):
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path))
    with pytest.raises(UserError, match="set XSTILTS_CACHE to a larger disk"):
        retrieval._room(1 << 20, 1 << 20, 1 << 10)


def space(vectors):
    """A space of given vectors on one layer, and the rows of its first and second half."""
    made = retrieval.Space.__new__(retrieval.Space)
    made._vectors = torch.nn.functional.normalize(torch.tensor(vectors), dim=-1)[None]
    made._place = {str(i): i for i in range(len(vectors))}
    made._device = "cpu"
    rows = [{"text": text} for text in made._place]
    return made, rows[: len(rows) // 2], rows[len(rows) // 2 :]


def test_what_all_of_a_language_share_hides_translations_until_it_is_taken_off():
    generator = np.random.default_rng(9)
    texts, shift = generator.normal(size=(6, 4)), 2 * generator.normal(size=4)
    own, queries, candidates = space(np.concatenate([texts, texts + shift]))
    plain, centred = (retrieval._nearest(queries, candidates, partial(own.of, 0, pooling))
                      for pooling in ("mean", "mean-centred"))  # fmt: skip
    assert centred["cosine"] == [0, 1, 2, 3, 4, 5]
    assert plain["cosine"] == [5, 1, 5, 3, 5, 5]
    lengths = own.of(0, "mean-centred", queries).norm(dim=-1)
    torch.testing.assert_close(lengths, torch.ones(6, dtype=lengths.dtype))


def test_the_margin_is_the_similarity_over_those_of_both_neighbourhoods():
    generator = np.random.default_rng(0)
    own, queries, candidates = space(generator.normal(size=(8, 3)))
    found = retrieval._nearest(queries, candidates, partial(own.of, 0, "mean"))
    sims = own.of(0, "mean", queries) @ own.of(0, "mean", candidates).T  # four are all there are
    margin = sims / ((sims.mean(1)[:, None] + sims.mean(0)[None]) / 2)
    assert found["cosine"] == sims.argmax(1).tolist()
    assert found["margin"] == margin.argmax(1).tolist() != found["cosine"]


def test_pooled_vectors_are_means_over_all_pieces_specials_included():
    model = tiny.encoder()
    rows = [{"text": text} for text in ["ana sees ben", "ana", "pia helps max in the garden ."]]
    vectors = retrieval.pooled(model, encode(rows, model.tokenizer, None, 40))
    for i, row in enumerate(rows):
        tokens = model.tokenizer(row["text"], return_tensors="pt")
        hidden = model.body(**tokens, output_hidden_states=True).hidden_states
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
