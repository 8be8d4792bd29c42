"""Answers survive a round trip through files, and bad files are named with their line."""

import json
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts.paths import BadInput, MissingData
from xstilts.submission import (
    answers_path,
    extension,
    layout,
    read_answers,
    right_texts,
    score_folder,
    write_answers,
)
from xstilts.tasks import TASKS

fuzz = settings(deadline=None, database=None, max_examples=50)
OFFICIAL = {
    "xnli": "tsv", "pawsx": "tsv", "udpos": "tsv", "panx": "tsv", "bucc2018": "tsv",
    "tatoeba": "tsv", "xquad": "json", "mlqa": "json", "tydiqa": "json", "mewslix": "json",
    "lareqa": "json", "xcopa": "jsonl",
}  # fmt: skip


def test_extensions_are_the_official_ones_by_name_and_by_record():
    assert {name: extension(name) for name in OFFICIAL} == OFFICIAL
    assert {name: extension(TASKS[name]) for name in OFFICIAL} == OFFICIAL
    assert answers_path("xnli", "test", "de").as_posix() == "xnli/test-de.tsv"


def test_every_record_has_a_layout():
    for task in TASKS.values():
        assert extension(task) in {"tsv", "json", "jsonl"}
    assert layout(SimpleNamespace(name="my-own", form="tag")) == "tags"
    with pytest.raises(BadInput, match="did you mean 'xnli'"):
        layout("xnl")


words = st.text(st.characters(codec="utf-8", exclude_categories=["Z", "C"]), min_size=1, max_size=6)
ANSWERS = {
    "xnli": words, "xcopa": st.integers(0, 3), "udpos": st.lists(words, max_size=4),
    "xquad": st.text(max_size=12), "mewslix": st.lists(words, max_size=3),
    "tatoeba": st.integers(0, 999),
}  # fmt: skip


@pytest.mark.parametrize("task", ANSWERS)
def test_what_is_written_is_read_back(task):
    @fuzz
    @given(st.lists(ANSWERS[task], min_size=1, max_size=6))
    def check(answers):
        ids = [f"q{n}" for n in range(len(answers))]
        found = read_answers(task, write_answers(task, ids, answers))
        if isinstance(found, dict):
            assert found == dict(zip(ids, answers, strict=True))
        else:
            assert found == [str(a) if task == "tatoeba" else a for a in answers]

    check()


def test_files_look_as_the_official_ones():
    assert write_answers("udpos", ["1", "2"], [["DET", "NOUN"], ["X"]]) == "DET\nNOUN\n\nX\n\n"
    assert write_answers("bucc2018", ["de-1", "de-2", "de-3"], [["en-5"], [], ["en-7"]]) == (
        "de-1\ten-5\nde-3\ten-7\n"
    )
    assert write_answers("xcopa", ["1"], [1]) == '{"label": 1}\n'
    assert json.loads(write_answers("xquad", ["a"], ["第六"])) == {"a": "第六"}
    assert write_answers(
        "xquad", ["a"], ["第六"]
    ).isascii()  # the official reader names no encoding


def test_the_last_sentence_may_lack_its_empty_line_and_windows_lines_are_lines():
    assert read_answers("panx", "O\r\nB-PER\r\n\r\nO") == [["O", "B-PER"], ["O"]]
    assert read_answers("panx", "O\n\n\nO\n\n") == [["O"], [], ["O"]]


@pytest.mark.parametrize(
    ("task", "text", "message"),
    [
        ("xquad", '{"a": "x", "a": "y"}', "here: the id 'a' comes twice"),
        ("xquad", '{"a": "x",\n', "here: malformed JSON at line 2"),
        ("xquad", '["x"]', "expected an object"),
        ("mlqa", '{"a": 3}', "the answer to 'a' is not a text"),
        ("mewslix", '{"a": "Q1"}', "the answer to 'a' is not a list"),
        ("xcopa", '{"label": 0}\n{"label": "1"}\n', "here, line 2: expected"),
        ("bucc2018", "de-1\ten-1\nde-2 en-2\n", "here, line 2: expected two ids"),
        ("tatoeba", "3\n[4]\n", "here, line 2: expected the index"),
        ("xnli", "neutral\n\nneutral\n", "here, line 2: expected a label"),
    ],
)
def test_bad_files_are_named(task, text, message):
    with pytest.raises(BadInput, match=message):
        read_answers(task, text, "here")


def test_what_a_line_cannot_hold_is_not_written():
    for tag in ("", " O", "O\n", "a\tb"):
        with pytest.raises(BadInput, match="cannot stand in a line"):
            write_answers("udpos", ["1"], [[tag]])
    with pytest.raises(BadInput, match="'a' comes twice"):
        write_answers("xquad", ["a", "b", "a"], ["1", "2", "3"])
    with pytest.raises(BadInput, match="1 answers for 2 ids"):
        write_answers("xnli", ["a", "b"], ["neutral"])


# Whole folders


def record(name, form, metric, langs, labels=()):
    return SimpleNamespace(
        name=name, form=form, metric=metric, labels=labels, langs={"xtreme": tuple(langs)}
    )


XQUAD = record("xquad", "span", "squad", ["en", "de"])
XNLI = record("xnli", "classify", "accuracy", ["en", "de"], ("entailment", "neutral"))
PANX = record("panx", "tag", "chunk_f1", ["de"])
BUCC = record("bucc2018", "pairs", "pairs", ["de"])


def folders(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root / "said", root / "gold"


def questions(**golds):
    qas = [{"id": i, "answers": [{"text": t} for t in texts]} for i, texts in golds.items()]
    return json.dumps({"data": [{"paragraphs": [{"context": "", "qas": qas}]}]})


def test_a_folder_is_scored_by_language_then_averaged(tmp_path):
    sides = folders(tmp_path, {
        "said/xquad/test-en.json": '{"a": "Rome"}', "said/xquad/test-de.json": '{"a": "Rom"}',
        "gold/xquad/test-en.json": questions(a=["Rome"], b=["Paris"]),  # b was not answered
        "gold/xquad/test-de.json": questions(a=["in Rom", "Rom"]),
        "said/xnli/test-en.tsv": "neutral\nneutral\n", "said/xnli/test-de.tsv": "neutral\n",
        "gold/xnli/test-en.tsv": "neutral\nentailment\n", "gold/xnli/test-de.tsv": "neutral\n",
        "said/pawsx/test-en.tsv": "1\n",  # no labels: not scored
    })  # fmt: skip
    found = score_folder(*sides, "xtreme", [XQUAD, XNLI])
    assert list(found) == ["xquad", "xnli"]  # no group is complete
    assert found["xquad"] == {
        "exact_match": {"en": 50.0, "de": 100.0}, "f1": {"en": 50.0, "de": 100.0},
        "avg_exact_match": 75.0, "avg_f1": 75.0, "avg_metric": 75.0,
    }  # fmt: skip
    assert found["xnli"]["avg_metric"] == 75.0


def test_a_group_needs_all_its_tasks(tmp_path):
    sides = folders(tmp_path, {
        f"{side}/{task}/test-en.tsv": "neutral\n"
        for side in ("said", "gold") for task in ("xnli", "pawsx")
    })  # fmt: skip
    both = [record(t, "classify", "accuracy", ["en"]) for t in ("xnli", "pawsx")]
    assert score_folder(*sides, "xtreme", both)["classification"] == 100.0
    assert "classification" not in score_folder(*sides, "xtreme", both[:1])
    with pytest.raises(BadInput, match="unknown suite 'xtrem'.*did you mean 'xtreme'"):
        score_folder(*sides, "xtrem", both)


def test_repeated_pairs_count_once(tmp_path):
    sides = folders(tmp_path, {
        "said/bucc2018/test-de.tsv": "de-1\ten-1\nde-1\ten-1\nde-2\ten-9\n",
        "gold/bucc2018/test-de.tsv": "de-1\ten-1\nde-2\ten-2\n",
    })  # fmt: skip
    assert score_folder(*sides, "xtreme", [BUCC])["bucc2018"]["avg_metric"] == 50.0


@pytest.mark.parametrize(
    ("task", "said", "gold", "error", "message"),
    [
        (XNLI, "neutral\nmaybe\n", "neutral\nneutral\n", BadInput, "line 2: unknown label 'maybe'"),
        (XNLI, "neutral\n", "neutral\nneutral\n", BadInput, "1 lines; .* has 2"),
        (XNLI, None, "neutral\n", MissingData, "test-en.tsv is missing"),
        (PANX, "O\n\nO\n\n", "O\n\n", BadInput, "2 sentences; .* has 1"),
        (PANX, "O\n\nO\n\n", "O\n\nO\nO\n\n", BadInput, "line 3: a sentence of 1 tags; .* has 2"),
        (XQUAD, "{}", '{"data": [{}]}', BadInput, "not SQuAD's layout: no 'paragraphs'"),
        (XQUAD, "{}", "{}", BadInput, "not SQuAD's layout"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_folder_is_named(tmp_path, task, said, gold, error, message):
    path = answers_path(task, "test", task.langs["xtreme"][0])
    sides = folders(tmp_path, {f"gold/{path}": gold} | ({f"said/{path}": said} if said else {}))
    (tmp_path / "said" / task.name).mkdir(parents=True, exist_ok=True)
    with pytest.raises(error, match=message):
        score_folder(*sides, "xtreme", [task])


def test_folders_that_are_not_there(tmp_path):
    with pytest.raises(MissingData, match="no such folder"):
        score_folder(tmp_path / "nowhere", tmp_path, "xtreme", [XNLI])
    with pytest.raises(MissingData, match="no task's folder in common"):
        score_folder(tmp_path, tmp_path, "xtreme", [XNLI])


def test_a_question_id_twice_in_the_labels():
    twice = json.loads(questions(a=["x"]))
    twice["data"] *= 2
    with pytest.raises(BadInput, match="the id 'a' comes twice"):
        right_texts(json.dumps(twice))
