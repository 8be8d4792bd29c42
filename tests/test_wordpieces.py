"""Word pieces agree with the tokenizer, kept in the cache or not, and damage is noticed."""

import shutil
import subprocess
import sys

import numpy as np
import pytest
import tiny
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xstilts import wordpieces
from xstilts.forms import FORMS, form
from xstilts.paths import ROOT
from xstilts.wordpieces import located, tokenise

FAMILY = pytest.mark.parametrize("family", tiny.FAMILIES)
WORDS = st.sampled_from([*tiny.NAMES, *tiny.PLACES, "Ünïcödé", "𝒳", "ﬁ", "\u200b", "<s>", "[SEP]"])
TEXTS = st.lists(st.lists(WORDS | st.text(tiny.HAN + " \0\n", max_size=6), max_size=9)
                 .map(" ".join), max_size=9)  # fmt: skip
SOME = ["ana sees ben", "", "in the harbour", "我们在城市里", "ana sees ben"]


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A cache of its own, in which everything is kept, however small."""
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path))
    monkeypatch.setattr(wordpieces, "WORTH", 0)
    return tmp_path / "wordpieces"


def files(folder):
    return sorted(folder.iterdir())


def lists(found):
    """Plain lists, whatever the arrays lie in."""
    if isinstance(found, dict):
        return {text: lists(own) for text, own in found.items()}
    return [lists(own) for own in found] if isinstance(found, tuple) else found.tolist()


@FAMILY
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=TEXTS)
def test_pieces_are_the_tokenizers_own_kept_or_not(folder, family, texts):
    tok = tiny.tokenizer(family)
    more = {"add_special_tokens": False, "return_offsets_mapping": True}
    own = {text: tok(text, **more) for text in texts}
    for worth in (10**9, 0, 0):  # not kept, made (or found from before), found
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(wordpieces, "WORTH", worth)
            assert lists(tokenise(texts, tok)) == {t: o["input_ids"] for t, o in own.items()}
            for text, (ids, bounds) in located(texts, tok).items():
                assert ids.tolist() == own[text]["input_ids"] and bounds.shape == (len(ids), 2)
                assert [tuple(pair) for pair in bounds.tolist()] == own[text]["offset_mapping"]
                assert ids.dtype == bounds.dtype == np.int32


@FAMILY
@pytest.mark.parametrize("name", FORMS)
def test_features_are_the_same_from_the_cache_which_is_read_the_second_time(
    folder, monkeypatch, family, name
):
    task, rows, tok = tiny.task(name), tiny.rows(name, 9), tiny.tokenizer(family)

    def features():
        made = form(name).encode(rows, tok, task, 40)
        return [(f.row, [(i.ids.tolist(), i.second) for i in f.inputs], repr(f.target), f.pieces,
                 f.cut, repr(f.place)) for f in made]  # fmt: skip

    first = features()
    made = {file: file.stat().st_mtime_ns for file in files(folder)}
    with monkeypatch.context() as patch:
        patch.setattr(wordpieces, "_numbers", None)
        assert features() == first
    assert {file: file.stat().st_mtime_ns for file in files(folder)} == made
    monkeypatch.setattr(wordpieces, "WORTH", 10**9)
    assert features() == first


def test_few_texts_leave_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path))
    tokenise(SOME, tiny.tokenizer("bert"))
    located(SOME, tiny.tokenizer("bert"))
    assert not list(tmp_path.iterdir())


def test_pages_are_mapped_and_outlive_the_folder(folder):
    tok = tiny.tokenizer("bert")
    ids, bounds = located(SOME, tok)[SOME[0]]
    assert not ids.flags.writeable and not bounds.flags.writeable
    base = ids
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)
    pieces = sum(len(tok(text, add_special_tokens=False).input_ids) for text in dict.fromkeys(SOME))
    assert files(folder)[0].stat().st_size == 12 * pieces + 4 * len(set(SOME)) + 4
    before = ids.tolist()
    shutil.rmtree(folder)
    assert ids.tolist() == before
    assert located(SOME, tok)[SOME[0]][0].tolist() == before and len(files(folder)) == 1


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_file_is_made_anew(folder, data):
    tok = tiny.tokenizer("bert")
    whole = lists(tokenise(SOME, tok))
    (file,) = files(folder)
    right = file.read_bytes()
    kind = data.draw(st.sampled_from(["cut", "longer", "changed", "zeros"]))
    place = data.draw(st.integers(0, len(right) - 1))
    damaged = {
        "cut": right[:place],
        "longer": right + bytes(place + 1),
        "changed": right[:place] + bytes([right[place] ^ data.draw(st.integers(1, 255))])
        + right[place + 1 :],
        "zeros": bytes(4 * place),
    }[kind]  # fmt: skip
    file.write_bytes(damaged)
    assert lists(tokenise(SOME, tok)) == whole
    assert file.read_bytes() == right


def test_other_texts_and_tokenizers_have_files_of_their_own(folder):
    bert, xlmr = tiny.tokenizer("bert"), tiny.tokenizer("xlm-roberta")
    for number, texts in enumerate((["ab", "c"], ["a", "bc"], ["c", "ab"], ["abc"]), start=1):
        tokenise(texts, bert)
        assert len(files(folder)) == number
    tokenise(["abc"], xlmr)
    located(["abc"], bert)
    assert len(files(folder)) == 6
    bert("ana sees", truncation=True, max_length=3, padding="max_length")  # which it remembers
    assert lists(tokenise(["abc"], bert))["abc"] and len(files(folder)) == 6


@pytest.mark.parametrize("where", ["cache", "cache/wordpieces"])
def test_without_room_for_files_texts_are_read_every_time(folder, monkeypatch, tmp_path, where):
    """A file stands where the folder should, which stops even who may write everywhere."""
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "cache"))
    (tmp_path / where).parent.mkdir(exist_ok=True)
    (tmp_path / where).write_text("no folder")
    tok = tiny.tokenizer("bert")
    assert tokenise(SOME, tok)[SOME[0]].tolist() == tok(SOME[0], add_special_tokens=False).input_ids


def test_several_processes_at_once_leave_one_file(folder, tmp_path):
    tok = tiny.tokenizer("bert")
    code = """
import sys, types, tokenizers
from xstilts import wordpieces
wordpieces.WORTH = 0
tok = types.SimpleNamespace(backend_tokenizer=tokenizers.Tokenizer.from_file(sys.argv[1]))
print(*[own.tolist() for own in wordpieces.tokenise(sys.argv[2:], tok).values()])
"""
    tok.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    line = [sys.executable, "-c", code, str(tmp_path / "tokenizer.json"), *SOME]
    procs = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)]
    said = {proc.communicate()[0] for proc in procs}
    right = [tok(text, add_special_tokens=False).input_ids for text in dict.fromkeys(SOME)]
    assert said == {" ".join(map(str, right)) + "\n"}
    assert len(files(folder)) == 1
