"""Vocabularies of both families, trained on next to nothing."""

import pytest
import tiny

from xstilts.pieces import fertility, sample, smoothed, train_tokenizer

FAMILY = pytest.mark.parametrize("family", tiny.FAMILIES)
SPECIAL = {
    "xlm-roberta": {"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3},
    "bert": {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "[MASK]": 4},
}


@FAMILY
def test_special_pieces_have_their_familys_ids_and_the_mask_is_there(family):
    tok = tiny.tokenizer(family)
    assert {piece: tok.convert_tokens_to_ids(piece) for piece in SPECIAL[family]} == SPECIAL[family]
    if family == "xlm-roberta":
        assert tok.mask_token_id == len(tok) - 1
    assert tok.is_fast and tok.model_max_length == tiny.LONGEST


@FAMILY
def test_with_more_characters_than_pieces_the_commonest_are_covered(family):
    rare = [chr(0x4E00 + n) for n in range(400)]
    tok = train_tokenizer(tiny.text(1, 200) + rare, family, 120, 32)
    assert len(tok) <= 120
    words = {word for line in tiny.text(1, 200) for word in line.split()}
    assert not any(tok.unk_token_id in tok(w, add_special_tokens=False).input_ids for w in words)
    unknown = [tok.unk_token_id in tok(char).input_ids for char in rare]
    assert sum(unknown) > 300


@FAMILY
def test_common_words_are_single_pieces(family):
    """A word that is part of no other: the Unigram trainer alone would overlook it."""
    for word in ("the", "in", "ana", "sees"):
        assert len(tiny.tokenizer(family).tokenize(word)) == 1


def test_wordpiece_is_cased_and_parts_chinese_characters():
    tok = train_tokenizer(["Ana 看见老师 ana 看见学生"] * 20, "bert", 60, 32)
    assert tok.tokenize("看见老师") == list("看见老师")
    assert tok.tokenize("Ana") != tok.tokenize("ana")


def test_unigram_reads_compatibility_forms_alike():
    tok = tiny.tokenizer("xlm-roberta")
    assert tok("ｓｅｅｓ").input_ids == tok("sees").input_ids


@FAMILY
def test_text_comes_back_but_for_its_spaces(family):
    tok, line = tiny.tokenizer(family), "ana sees 我们在 the harbour ."
    said = tok.decode(tok(line, add_special_tokens=False).input_ids)
    assert said.replace(" ", "") == line.replace(" ", "")


def test_smoothing_lifts_small_languages_and_samples_follow_it():
    shares = smoothed({"en": 1000, "yo": 10, "none": 0}, 0.3)
    assert shares == pytest.approx({"en": 0.799, "yo": 0.201}, abs=1e-3)
    texts = {"en": ["a" * 10] * 1000, "yo": ["b" * 10] * 1000}
    chosen = "".join(sample(texts, shares, 4000, 1))
    assert chosen.count("b") / len(chosen) == pytest.approx(shares["yo"], abs=0.01)


def test_fertility_counts_pieces_a_word():
    texts = {"en": ["ana sees ben", "zz"], "zh": ["我们在"]}
    tok = tiny.tokenizer("bert")
    pieces = len(tok("zz", add_special_tokens=False).input_ids)
    assert fertility(tok, texts) == {"en": round((3 + pieces) / 4, 2), "zh": 3.0}
