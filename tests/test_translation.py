"""Translated training rows of the world: what stays, what goes wrong, and what is left out."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xstilts import world
from xstilts.paths import BadInput, MissingData
from xstilts.world import tasks
from xstilts.world.languages import ALL, LANGS
from xstilts.world.translation import PEERS, mistranslated

NAMES = [name for name in tasks.TASKS if tasks.translations(name)]
COUNT = 20


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Twenty rows a split, and no cache."""
    for name, draft in tasks.TASKS.items():
        sizes = {split: min(count, COUNT) for split, count in draft.sizes.items()}
        monkeypatch.setitem(tasks.TASKS, name, draft._replace(sizes=sizes))


def said(row) -> str:
    """All that a row says, the choices in any order."""
    texts = ("text_a", "text_b", "context", "question", "tokens")
    return str([row.get(name) for name in texts] + sorted(row.get("choices", ())))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("errors", [0, 0.3])
def test_a_translation_keeps_ids_labels_answers_and_tags(name, errors):
    english = {row["id"]: row for row in tasks.draw(name, "train", "en")}
    rows = tasks.draw(name, "train", "qaf", errors=errors)
    assert len(rows) > 0.9 * len(english)
    for row in rows:
        other = english[row["id"]]
        assert (row.get("label"), row["domain"]) == (other.get("label"), other["domain"])
        assert said(row) != said(other)
        if "tags" in row:
            assert len(row["tags"]) == len(row["tokens"])
            begun = [Counter(t for t in r["tags"] if t.startswith("B-")) for r in (row, other)]
            assert begun[0] == begun[1]
        if "answers" in row:
            answers = row["answers"]
            assert len(answers["text"]) == len(other["answers"]["text"])
            for text, start in zip(answers["text"], answers["answer_start"], strict=True):
                assert text and row["context"][start : start + len(text)] == text


@pytest.mark.parametrize("lang", LANGS)
def test_answers_can_be_found_again_in_every_language(lang):
    for errors in (0, 0.1):
        for row in tasks.draw("squad_v2", "train", lang, errors=errors):
            for text, start in zip(*row["answers"].values(), strict=True):
                assert text and row["context"][start : start + len(text)] == text


@pytest.mark.parametrize("name", NAMES)
def test_no_translation_is_parallel_to_a_dev_or_test_row(name):
    lang = "qaa"
    rows = tasks.draw(name, "train", lang)
    told = {said(row) for row in rows}
    for other, draft in tasks.TASKS.items():
        if draft.form != tasks.TASKS[name].form:
            continue
        for split in draft.sizes.keys() - {"train"}:
            english = {row["id"] for row in tasks.draw(other, split, "en")}
            assert not {row["id"] for row in rows} & english
            if split == "test" and lang in draft.langs:
                assert not told & {said(row) for row in tasks.draw(other, split, lang)}


def test_what_english_rows_happen_to_share_with_dev_or_test_is_left_out(monkeypatch):
    """Timeless truths, which tagging tasks may all draw; among enough rows there are some."""
    sizes = {"train": 500, "test": 250}
    monkeypatch.setitem(tasks.TASKS, "udpos", tasks.TASKS["udpos"]._replace(sizes=sizes))
    test = {said(row): row["id"] for row in tasks.draw("udpos", "test", "en")}
    shared = {row["id"] for row in tasks.draw("udpos", "train", "en") if said(row) in test}
    left = {row["id"] for row in tasks.draw("udpos", "train", "qab")}
    assert shared and not shared & left and len(left) > 480
    assert left == {row["id"] for row in tasks.draw("udpos", "train", "qab", errors=0.3)}


def test_errors_come_at_their_rate_and_those_of_a_lower_rate_are_among_them(monkeypatch):
    draft = tasks.TASKS["udpos"]
    monkeypatch.setitem(tasks.TASKS, "udpos", draft._replace(sizes={"train": 150}))
    exact, some, many = (tasks.draw("udpos", "train", "qaa", errors=e) for e in (0, 0.1, 0.3))
    content = {ALL["qaa"].words.forms[word] for word in PEERS}
    seen, wrong = 0, Counter()
    for rows in zip(exact, some, many, strict=True):
        before, few, lots = (Counter(t for t in row["tokens"] if t in content) for row in rows)
        seen += before.total()
        wrong["some"] += (before - few).total()
        wrong["many"] += (before - lots).total()
        assert not (before - few) - (before - lots)
        assert [row["tags"] for row in rows][0].count("PROPN") == rows[2]["tags"].count("PROPN")
    assert 0.06 < wrong["some"] / seen < 0.14 and 0.23 < wrong["many"] / seen < 0.37


def test_word_order_stays_english_in_every_other_row_for_each_knob():
    kept = Counter()
    for n in range(400):
        _, language = mistranslated([], "qan", 0.1, f"row {n}")  # SOV, adjectives, postpositions
        kept["order"] += language.order == "SVO"
        kept["adjective"] += language.adjective == 0
        kept["adposition"] += language.adposition == 0
        assert language.words.forms == ALL["qan"].words.forms
        assert (language.case, language.script) == (ALL["qan"].case, ALL["qan"].script)
    assert len(kept) == 3 and all(160 < count < 240 for count in kept.values())


@given(st.sampled_from(["mnli", "squad_v1", "hellaswag", "panx"]), st.sampled_from(LANGS),
       st.floats(0, 1))  # fmt: skip
def test_a_wrong_word_is_one_of_the_same_class(name, lang, errors):
    _, _, _, made = next(tasks._drafts(name, "train", "en"))
    wrong, _ = mistranslated(made, lang, errors, "key")

    def words(meaning):
        if isinstance(meaning, list | tuple):
            return [w for part in meaning for w in words(part)]
        return [meaning] if isinstance(meaning, str) else []

    for right, heard in zip(words(made), words(wrong), strict=True):
        assert heard == right or heard in PEERS[right]


def test_what_has_no_translation_says_so():
    assert "ccg" not in NAMES and "lareqa" not in NAMES and "mewslix" not in NAMES
    for name in ("ccg", "lareqa", "xnli"):
        with pytest.raises(MissingData, match=f"{name}: the synthetic world has no rows in 'qaa'"):
            world.rows(name, "train", "qaa")
    for split, lang in (("train", "en"), ("test", "qaa"), ("dev", "en")):
        with pytest.raises(BadInput, match="only translated training rows have `errors`"):
            tasks.check("pawsx", split, lang, errors=0.1)
