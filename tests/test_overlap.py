"""Overlap of test and training data, by hand."""

import pytest

from xstilts import overlap
from xstilts.forms import FORMS
from xstilts.overlap import words

LONG = tuple("abcdefghijklmnopq")  # 17 words: ten runs of eight


@pytest.mark.parametrize(
    ("trained", "share"),
    [
        ([], (0, 0)),
        ([LONG], (100, 100)),
        ([("x", *LONG, "y")], (0, 100)),  # within a longer text
        ([LONG[:14]], (0, 100)),  # seven of ten runs
        ([LONG[:13]], (0, 0)),  # six of ten
        ([LONG[:10], LONG[6:]], (0, 100)),  # seven of ten, in two texts
    ],
)
def test_whole_and_nearly(trained, share):
    assert overlap.overlap({"it": [LONG]}, trained) == {"it": share}


def test_a_short_text_is_one_run_and_every_set_has_its_share():
    tested = {"one": [("a", "b"), LONG], "two": [("a", "b")]}
    assert overlap.overlap(tested, [("a", "b")]) == {"one": (50, 50), "two": (100, 100)}
    assert overlap.overlap(tested, [("x", "a", "b")]) == {"one": (0, 0), "two": (0, 0)}


def test_case_punctuation_and_labels_do_not_count():
    row = {"text_a": "A  man, sleeping.", "text_b": "Nobody sleeps!", "label": 2}
    assert words(row, "classify") == ("a", "man", "sleeping", "nobody", "sleeps")
    assert words({"tokens": ["Ann", "'s", "dog"], "tags": [1, 0, 0]}, "tag") == ("ann", "s", "dog")
    assert words({"text_a": "One text", "text_b": None}, "classify") == ("one", "text")


def test_every_form_says_what_it_reads():
    assert overlap.READ.keys() == set(FORMS)


def test_rows_name_both_sets_and_leave_out_what_is_not_there(monkeypatch):
    told = {("mnli", "train"): "a b", ("xnli", "test"): "a b", ("tydiqa", "test"): "c d"}

    def load(task, split, lang, *, data):
        if (task.name, split) not in told:
            raise overlap.MissingData("no rows")
        text = told[task.name, split]
        return [dict.fromkeys(("text_a", "context"), text)]

    monkeypatch.setattr(overlap, "load", load)
    found = {(row["task"], row["measure"]): row["value"] for row in overlap.rows("hub")}
    assert found == {
        ("mnli>xnli", "overlap_whole"): 100, ("mnli>xnli", "overlap_near"): 100,
        ("mnli>tydiqa", "overlap_whole"): 0, ("mnli>tydiqa", "overlap_near"): 0,
    }  # fmt: skip
