"""Windows, masking and the pretraining loop, on a few hundred sentences."""

import json
import lzma
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import tiny
import torch

from xstilts.encoder import Encoder, fresh_encoder
from xstilts.forms import Frame
from xstilts.forms.mlm import mask
from xstilts.paths import BadInput, MissingData
from xstilts.pretrain import Plan, batch_loss, pretrain
from xstilts.text import Feed, Pieces, Text, read_folder, windows
from xstilts.twin import Twin

PLAN = Plan(
    width=32, layers=2, heads=2, vocabulary=150, longest=64, windows={32: 0.5, 64: 0.5}, tokens=256
)


def backwards(line: str) -> str:
    """A language of its own: every word spelt backwards."""
    return " ".join(word[::-1] for word in line.split())


@pytest.fixture(scope="module")
def text() -> Text:
    lines = {"en": tiny.text(1, 400), "qaa": [backwards(s) for s in tiny.text(2, 400)]}
    docs = {lang: [s[i : i + 4] for i in range(0, 400, 4)] for lang, s in lines.items()}
    pairs = [(s, backwards(s)) for s in tiny.text(3, 220)]
    return Text(docs, {"qaa": pairs[:200]}, {"qaa": pairs[200:]}, {"text": "tiny"})


def test_windows_are_whole_consecutive_sentences(text):
    tokenizer = tiny.tokenizer("xlm-roberta")
    pieces = Pieces(text.docs["en"], tokenizer, 64)
    full = [" ".join(doc) for doc in text.docs["en"]]
    for window in islice(windows(pieces, Frame(tokenizer), 48, np.random.default_rng(0)), 60):
        assert len(window.ids) <= 48
        for part in tokenizer.decode(window.ids).split("</s>"):
            said = part.replace("<s>", "").strip()
            assert any(said in doc for doc in full), said


def test_one_pass_of_windows_holds_every_sentence_once(text):
    tokenizer = tiny.tokenizer("bert")
    pieces = Pieces(text.docs["en"], tokenizer, 64)
    total, seen = len(pieces.flat), 0
    counts = np.zeros(len(tokenizer), int)
    for window in windows(pieces, Frame(tokenizer), 64, np.random.default_rng(0)):
        own = window.ids[~np.isin(window.ids, tokenizer.all_special_ids)]
        if seen + len(own) > total:
            break
        seen += len(own)
        np.add.at(counts, own, 1)
    plain = np.bincount(pieces.flat, minlength=len(tokenizer))
    assert total - seen < 64 and (counts <= plain).all()


def test_feed_keeps_its_promised_shares(text):
    plan = replace(PLAN, tlm=0.4)
    feed = Feed(text, tiny.tokenizer("bert"), plan, seed=0)
    batches = list(islice(feed, 400))
    assert all(b.ids.size <= plan.tokens for b in batches)
    paired = sum((b.rate == plan.mask_pairs).mean() * b.ids.size for b in batches)
    assert paired / sum(b.ids.size for b in batches) == pytest.approx(0.4, abs=0.03)
    assert max(b.ids.shape[1] for b in batches) > 56
    again = islice(Feed(text, tiny.tokenizer("bert"), plan, seed=0), 5)
    assert all(np.array_equal(a.ids, b.ids) for a, b in zip(batches, again, strict=False))


def test_a_folder_of_text_is_read(tmp_path):
    (tmp_path / "en.txt").write_text("\n".join(f"line {n} of English" for n in range(900)), "utf-8")
    (tmp_path / "sw.txt.xz").write_bytes(lzma.compress(b"mstari wa kwanza\n\nwa pili\n"))
    (tmp_path / "README.md").write_text("not text to learn from")
    text = read_folder(tmp_path, 10_000, 0.5, seed=0)
    assert set(text.docs) == {"en", "sw"}
    assert text.docs["sw"] == [["mstari wa kwanza", "wa pili"]]
    assert 2_000 < text.amounts()["en"] < 12_000
    first = text.docs["en"][0]
    numbers = [int(line.split()[1]) for line in first]
    assert numbers == list(range(numbers[0], numbers[0] + len(first)))


def test_bad_folders_are_named(tmp_path):
    with pytest.raises(MissingData, match="no xx.txt"):
        read_folder(tmp_path, 100, 0.5, 0)
    (tmp_path / "en.txt.xz").write_bytes(b"not xz")
    with pytest.raises(BadInput, match="en.txt.xz"):
        read_folder(tmp_path, 100, 0.5, 0)


def test_mask_always_hides_something_but_never_a_special_piece():
    tokenizer, rng = tiny.tokenizer("bert"), np.random.default_rng(0)
    ids = np.array([[2, 9, 3]])
    special = np.array([[True, False, True]])
    for _ in range(30):
        assert mask(ids, special, tokenizer, rng, rate=0.01)[1].tolist() == [[False, True, False]]
    assert not mask(ids, ~special & special | True, tokenizer, rng)[1].any()


def test_twin_follows_the_float32_gradient(text, monkeypatch):
    """The bfloat16 copy and the model itself take nearly the same first steps."""
    tokenizer = tiny.tokenizer("xlm-roberta")
    batches = list(islice(Feed(text, tokenizer, PLAN, seed=0), 6))
    moved = {}
    for half in (True, False):
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda half=half: half)
        torch.manual_seed(0)
        encoder = fresh_encoder("xlm-roberta", tokenizer, 32, 2, 2, 64)
        rng = np.random.default_rng(0)
        before = torch.cat([p.detach().flatten().clone() for p in encoder.parameters()])
        twin = Twin(encoder, PLAN)
        for one in batches:
            twin.step(batch_loss(twin.twin, one, rng), 0.1)
        moved[half] = torch.cat([p.detach().flatten() for p in encoder.parameters()]) - before
        assert {p.dtype for p in encoder.parameters()} == {torch.float32}
    assert torch.cosine_similarity(moved[True], moved[False], dim=0) > 0.9


@pytest.mark.parametrize("family", tiny.FAMILIES)
def test_pretraining_learns_and_tells_what_it_did(text, family, tmp_path, capsys):
    made = {steps: pretrain(text, family=family, steps=steps, seed=3, out=tmp_path / str(steps),
                            plan=PLAN) for steps in (2, 90)}  # fmt: skip
    assert capsys.readouterr().out.count("saved") == 2
    told = {steps: json.loads((out / "provenance.json").read_text()) for steps, out in made.items()}
    first, last = (told[steps]["scores"]["masked_loss"] for steps in made)
    assert last["en"] < first["en"] - 0.5 and last["qaa"] < first["qaa"] - 0.5
    record = told[90]
    assert (record["steps"], record["seed"], record["text"]) == (90, 3, "tiny")
    assert sum(record["positions"].values()) == record["pieces"]
    assert len(record["scores"]["retrieval"]["qaa"]) == PLAN.layers + 1
    assert record["curve"][-1]["pieces"] <= record["pieces"] and len(record["curve"]) > 30
    encoder = Encoder.load(made[90])
    assert encoder.family == family and encoder.fresh == ()
    config = json.loads((made[90] / "config.json").read_text())
    assert config["dtype"] == "float16"


def test_it_ends_when_its_minutes_are_used_up(text, tmp_path):
    out = pretrain(text, minutes=0.005, seed=1, out=tmp_path / "e", plan=PLAN)
    assert 0.005 <= json.loads((out / "provenance.json").read_text())["cpu_minutes"] < 0.1


def test_the_same_seed_gives_the_same_encoder(text, tmp_path):
    files = []
    for seed, name in ((1, "a"), (1, "b"), (2, "c")):
        out = pretrain(text, steps=3, seed=seed, out=tmp_path / name, plan=PLAN)
        files.append((out / "model.safetensors").read_bytes())
    assert files[0] == files[1] != files[2]


def test_a_second_stage_goes_on_from_the_first(text, tmp_path):
    first = pretrain(text, family="bert", steps=40, seed=1, out=tmp_path / "1", plan=PLAN)
    second = pretrain(text, steps=1, seed=2, out=tmp_path / "2", start=first,
                      plan=replace(PLAN, lr=1e-9))  # fmt: skip
    before, after = (dict(Encoder.load(path).named_parameters()) for path in (first, second))
    assert all(torch.allclose(before[name], after[name], atol=1e-4) for name in before)
    told = json.loads((second / "provenance.json").read_text())
    assert told["family"] == "bert" and told["before"]["steps"] == 40


def test_running_text_without_translations_is_enough(text, tmp_path):
    alone = Text(docs=text.docs, stamp={"text": "alone"})
    out = pretrain(alone, steps=2, seed=1, out=tmp_path / "out", plan=PLAN)
    told = json.loads((out / "provenance.json").read_text())
    assert told["pairs"] == {} and "tlm" not in told["training_loss"]
