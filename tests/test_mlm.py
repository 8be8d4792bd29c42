"""Masked language modelling as a form: windows of text, pieces hidden anew, a loss on those."""

import numpy as np
import pytest
import tiny
import torch

from xstilts.batches import collate
from xstilts.forms import IGNORED
from xstilts.forms.mlm import encode, hide, loss
from xstilts.model import MLM, Model
from xstilts.paths import MissingData
from xstilts.text import documents


def made(family="xlm-roberta", count=60):
    docs = {"en": [tiny.text(n, 6) for n in range(40)], "qaa": [tiny.text(99, 6)]}
    return encode(docs, tiny.tokenizer(family), 32, count)


def test_windows_are_as_many_as_asked_for_and_small_languages_come_again():
    features = made()
    assert abs(len(features) - 60) <= 1
    small = sum(feature.place == "qaa" for feature in features)
    assert 10 < small < 30  # 40 ** 0.3 is 3; one window would be its share by size
    assert all(len(f.inputs[0].ids) <= 32 for f in features)
    assert [f.inputs[0].ids.tolist() for f in features] == [
        f.inputs[0].ids.tolist() for f in made()
    ]


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_fifteen_percent_are_hidden_and_most_of_them_masked(family):
    tokenizer, features = tiny.tokenizer(family), made(family, 400)
    hidden = hide(features, tokenizer, np.random.default_rng(0))
    before = np.concatenate([f.inputs[0].ids for f in features])
    after = np.concatenate([f.inputs[0].ids for f in hidden])
    target = np.concatenate([f.target for f in hidden])
    chosen, special = target != IGNORED, np.isin(before, tokenizer.all_special_ids)
    assert not (chosen & special).any()
    assert np.array_equal(target[chosen], before[chosen])
    assert np.array_equal(after[~chosen], before[~chosen])
    assert chosen.sum() / (~special).sum() == pytest.approx(0.15, abs=0.02)
    assert (after == tokenizer.mask_token_id)[chosen].mean() == pytest.approx(0.8, abs=0.04)
    assert (after == before)[chosen].mean() == pytest.approx(0.1, abs=0.04)


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_the_loss_is_that_of_transformers(family):
    encoder = tiny.encoder(family).eval()
    features = hide(made(family)[:5], encoder.tokenizer, np.random.default_rng(0))
    batch = collate(features, encoder.tokenizer.pad_token_id)
    (out,) = Model(encoder, (), {}).eval()(MLM.name, [batch])
    total, count = loss(out, batch)
    (block,) = batch.blocks
    more = {"token_type_ids": block.types} if family == "bert" else {}
    whole = encoder.lm(block.ids, attention_mask=block.mask, labels=batch.target, **more)
    assert torch.allclose(total / count, whole.loss, atol=1e-5)


def test_text_comes_from_the_folder_of_ones_own(tmp_path, monkeypatch):
    for lang in ("de", "fr"):
        (tmp_path / f"{lang}.txt").write_text("\n".join(tiny.text(0, 200)))
    monkeypatch.setenv("XSTILTS_TEXT", str(tmp_path))
    assert set(documents("hub", (), 4000)) == {"de", "fr"}
    (docs,) = documents("hub", ("fr",), 4000).values()
    assert 4000 <= sum(len(line) for doc in docs for line in doc) < 7000
    with pytest.raises(MissingData, match="no text in 'xx', only de fr"):
        documents("hub", ("xx",), 4000)
    monkeypatch.delenv("XSTILTS_TEXT")
    with pytest.raises(MissingData, match="set XSTILTS_TEXT"):
        documents("hub", (), 4000)
    with pytest.raises(MissingData, match="no text in 'de' in the world"):
        documents("world", ("de",), 4000)
