"""Encoders: loading, saving, and what is refused."""

import json

import pytest
import tiny
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from xstilts.batches import collate
from xstilts.encoder import Encoder
from xstilts.forms import Feature, Input
from xstilts.paths import ENCODERS, MissingData, UserError

SHIPPED = ("tiny-xlmr", "tiny-mbert")


@pytest.fixture(params=tiny.FAMILIES)
def saved(request, tmp_path):
    return tiny.encoder(request.param).save(tmp_path / "encoder")


def inputs(encoder):
    return encoder.tokenizer(["ana sees ben .", "dora helps ivo in the tower ."], ["why ?"] * 2,
                             padding=True, return_tensors="pt")  # fmt: skip


def test_what_is_saved_comes_back_the_same(saved):
    encoder = Encoder.load(saved)
    before = tiny.encoder(encoder.family)
    assert (encoder.width, encoder.layers, encoder.fresh) == (32, 2, ())
    with torch.no_grad():
        assert torch.equal(encoder(**inputs(encoder)), before.eval()(**inputs(before)))


def test_plain_transformers_opens_it_with_and_without_head(saved):
    encoder = Encoder.load(saved)
    tokens = AutoTokenizer.from_pretrained(saved)(["ana sees ben ."], return_tensors="pt")
    with torch.no_grad():
        body = AutoModel.from_pretrained(saved, add_pooling_layer=False).eval()
        hidden = body(**tokens).last_hidden_state
        logits = AutoModelForMaskedLM.from_pretrained(saved).eval()(**tokens).logits
        assert torch.equal(hidden, encoder(**tokens))
        assert torch.allclose(encoder.logits(hidden[0]), logits[0])


def test_texts_end_to_end_are_read_as_if_each_were_alone(saved):
    encoder = Encoder.load(saved)
    texts = [f"ana sees ben {'in the garden ' * n}." for n in (0, 1, 1, 3, 5, 4)]
    ids = encoder.tokenizer(texts)["input_ids"]
    inputs = [Feature(i, (Input(own, 4),), None, 0) for i, own in enumerate(ids)]
    pad, more = encoder.tokenizer.pad_token_id, {}
    blocks = [collate(group, pad).blocks[0] for group in (inputs[:1], inputs[1:3], inputs[3:])]
    assert [block.even for block in blocks] == [True, True, False]
    with torch.no_grad():
        found = list(encoder.layer_by_layer(blocks))
        assert all(map(torch.equal, encoder.read(blocks), found[-1]))
        for place, block in enumerate(blocks):
            if encoder.family == "bert":
                more = {"token_type_ids": block.types}
            states = encoder.body(block.ids, attention_mask=block.mask, output_hidden_states=True,
                                  **more).hidden_states  # fmt: skip
            assert len(states) == len(found) == encoder.layers + 1
            for vectors, state in zip(found, states, strict=True):
                torch.testing.assert_close(vectors[place][block.mask], state[block.mask])


def test_segments_matter_to_bert_only():
    for family, differs in (("bert", True), ("xlm-roberta", False)):
        encoder = tiny.encoder(family).eval()
        ids = torch.arange(5, 17)[None]
        types = torch.tensor([[0] * 6 + [1] * 6])
        with torch.no_grad():
            one, two = encoder(ids, torch.ones_like(ids)), encoder(ids, torch.ones_like(ids), types)
        assert torch.equal(one, two) != differs


def test_a_body_without_head_is_told_from_a_whole_model(saved, tmp_path):
    AutoModel.from_pretrained(saved, add_pooling_layer=False).save_pretrained(tmp_path / "body")
    AutoTokenizer.from_pretrained(saved).save_pretrained(tmp_path / "body")
    fresh = Encoder.load(tmp_path / "body").fresh
    assert fresh and all("head" in name or name.startswith("cls") for name in fresh)


def test_float16_files_load_as_float32(saved):
    half = Encoder.load(saved)
    half.lm.half()
    half.save(saved)
    assert {p.dtype for p in Encoder.load(saved).parameters()} == {torch.float32}


def test_what_is_not_there_is_missing(tmp_path):
    for where in (tmp_path / "nothing", str(tmp_path / "nothing"), tmp_path):
        with pytest.raises(MissingData, match="nothing|config.json"):
            Encoder.load(where)


def test_an_unreachable_hub_id_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(MissingData, match="nobody/no-such-encoder"):
        Encoder.load("nobody/no-such-encoder")


def pickled(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def without_tokenizer(folder):
    (folder / "tokenizer.json").unlink()


def with_more_pieces(folder):
    told = json.loads((folder / "tokenizer.json").read_text())
    pieces, names = told["model"]["vocab"], [f"piece{n}" for n in range(9)]
    if isinstance(pieces, dict):
        pieces |= {name: 220 + n for n, name in enumerate(names)}
    else:
        pieces += [[name, -9.0] for name in names]
    (folder / "tokenizer.json").write_text(json.dumps(told))


def of_another_kind(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "distilbert"}))


def damaged(folder):
    (folder / "model.safetensors").write_bytes(b"not weights at all")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [(pickled, "save_pretrained"), (without_tokenizer, "no tokenizer.json"),
     (with_more_pieces, "different encoders"), (damaged, "cannot read the weights"),
     (of_another_kind, "'distilbert'.*xlm-roberta or bert")],
)  # fmt: skip
def test_what_cannot_be_used_is_refused(spoil, words, saved):
    spoil(saved)
    with pytest.raises(UserError, match=words):
        Encoder.load(saved)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_encoders_are_small_and_fit_their_world(name):
    from xstilts import world

    folder = ENCODERS / name
    told = json.loads((folder / "provenance.json").read_text())
    assert (told["world"], told["text"]) == (world.VERSION, world.fingerprint())
    assert sum(file.stat().st_size for file in folder.iterdir()) < 12e6
    assert (folder / "model.safetensors").stat().st_size < 6e6
    encoder = Encoder.load(folder)
    assert encoder.fresh == () and encoder.tokenizer.model_max_length >= 384
    assert min(told["positions"].values()) > 0


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_encoders_fill_in_a_word(name):
    """Of "Who bought a horse?" hide what the tokens around make all but certain."""
    encoder = Encoder.load(ENCODERS / name)
    mask = encoder.tokenizer.mask_token
    tokens = encoder.tokenizer(f"It is not {mask} that Gila Kelet slept.", return_tensors="pt")
    with torch.no_grad():
        hidden = encoder(**tokens)[tokens["input_ids"] == encoder.tokenizer.mask_token_id]
        best = encoder.logits(hidden).argmax(-1)
    assert encoder.tokenizer.decode(best).strip() == "true"
