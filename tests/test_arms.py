"""Control arms: what is shuffled, dealt out anew or hidden, and what stays as it was."""

from collections import Counter
from dataclasses import replace

import datasets
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from xstilts import arms
from xstilts.arms import WORD, altered, training_rows, turns
from xstilts.paths import BadInput
from xstilts.recipes import Recipe, check
from xstilts.settings import SETTINGS, Hyper, resolve
from xstilts.tasks import TASKS

WORDS = Recipe("words", scramble="words")
LABELS = Recipe("labels", scramble="labels")


def texts(row) -> list[str]:
    """Every text of a row."""
    found = []
    for name in ("text_a", "text_b", "context", "question", "text", "choices", "tokens"):
        value = row.get(name, [])
        found += [value] if isinstance(value, str) else value
    return found


def bag(row) -> Counter:
    return Counter(word for text in texts(row) for word in WORD.findall(text))


@pytest.mark.parametrize("form", arms.TEXTS)
def test_shuffled_rows_hold_the_same_words_and_labels(form):
    rows, task = tiny.rows(form, 20), tiny.task(form)
    mixed = altered(rows, WORDS, task, train=True)
    assert mixed == altered(rows, WORDS, task, train=False)  # drawn from the data alone
    assert [bag(row) for row in mixed] == [bag(row) for row in rows]
    assert sum(a != b for a, b in zip(map(texts, mixed), map(texts, rows), strict=True)) > 15
    for old, new in zip(rows, mixed, strict=True):
        assert all(old.get(key) == new.get(key) for key in ("id", "label", "gold", "side"))
        if form == "tag":
            assert Counter(zip(old["tokens"], old["tags"], strict=True)) == Counter(
                zip(new["tokens"], new["tags"], strict=True)
            )


def test_a_bag_of_words_does_not_tell_what_came_first_or_last():
    rows = [{"id": "0", "text_a": "The dog saw Ana.", "text_b": "Ana saw the dog.", "label": "no"}]
    (row,) = altered(rows, WORDS, tiny.task("classify"), train=True)
    assert sorted(row["text_a"].split()) == sorted(row["text_b"].split())
    assert sorted(row["text_a"].split()) == [".", "Ana", "dog", "saw", "the"]


def test_the_same_text_in_two_columns_is_shuffled_apart():
    text = "one two three four five six seven eight"
    rows = [{"id": "0", "text_a": text, "text_b": text, "label": "yes"}]
    (row,) = altered(rows, WORDS, tiny.task("classify"), train=True)
    assert row["text_a"] != row["text_b"]


@given(
    st.lists(st.sampled_from(["Ana", "sees", "a dog", "in 1999", "(here)", "."]), max_size=6),
    st.sampled_from(["the old harbour", "x", "3,5"]),
    st.lists(st.sampled_from(["then", "it", "rains.", "Ana"]), max_size=6),
)
def test_a_shuffled_passage_still_holds_its_answer(left, answer, right):
    context = " ".join([*left, answer, *right])
    start = len(" ".join(left)) + bool(left)
    answers = {"text": [answer, "dog"], "answer_start": [start, 0]}
    row = {"id": "0", "question": "who ?", "context": context, "answers": answers}
    (new,) = altered([row], WORDS, tiny.task("span"), train=True)
    place = new["answers"]["answer_start"][0]
    assert new["context"][place : place + len(answer)] == answer
    assert new["answers"]["text"] == [answer, "dog"] and new["answers"]["answer_start"][1] == -1


def test_an_unanswerable_question_stays_so():
    answers = {"text": [], "answer_start": []}
    row = {"id": "0", "question": "who ?", "context": "Ana sees Ben.", "answers": answers}
    (new,) = altered([row], WORDS, tiny.task("span"), train=True)
    assert new["answers"] == answers


@pytest.mark.parametrize("form", arms.TEXTS)
def test_a_longer_text_holds_ones_own_and_those_of_others(form):
    rows, task, name = tiny.rows(form, 20), tiny.task(form), arms.LONGER[form][0]
    long = altered(rows, Recipe("long", concat=3), task, train=True)
    assert long == altered(rows, Recipe("long", concat=3), task, train=False)
    places = set()
    for row, other in zip(rows, long, strict=True):
        same = row.keys() - {*arms.LONGER[form], "answers"}
        assert all(row[column] == other[column] for column in same)
        assert len(other[name]) > len(row[name])
        if form == "tag":
            own = [*zip(row["tokens"], row["tags"], strict=True)]
            every = [*zip(other["tokens"], other["tags"], strict=True)]
            place = next(i for i in range(len(every)) if every[i : i + len(own)] == own)
        else:
            place = other[name].index(row[name])
        places.add(bool(place))
        if form == "span":
            for text, start in zip(*other["answers"].values(), strict=True):
                assert start < 0 or other["context"].startswith(text, start) and start >= place
    assert places == {True, False}


@pytest.mark.parametrize(("form", "column"), [("classify", "label"), ("choose", "label")])
def test_labels_are_dealt_out_anew_in_training_only(form, column):
    rows, task = tiny.rows(form, 200), tiny.task(form)
    dealt = altered(rows, LABELS, task, train=True)
    assert Counter(row[column] for row in dealt) == Counter(row[column] for row in rows)
    same = sum(a[column] == b[column] for a, b in zip(dealt, rows, strict=True))
    assert same < 140  # by chance 100, or 67
    assert [texts(row) for row in dealt] == [texts(row) for row in rows]
    assert altered(rows, LABELS, task, train=False) == rows


def test_tags_and_answers_are_dealt_out_anew():
    rows = tiny.rows("tag", 50)
    dealt = altered(rows, LABELS, tiny.task("tag"), train=True)
    assert [len(row["tags"]) for row in dealt] == [len(row["tags"]) for row in rows]
    assert Counter(t for r in dealt for t in r["tags"]) == Counter(
        t for r in rows for t in r["tags"]
    )
    assert dealt != rows
    rows = tiny.rows("span", 50)
    rows[0]["answers"] = {"text": [], "answer_start": []}
    dealt = altered(rows, LABELS, tiny.task("span"), train=True)
    assert sum(not row["answers"]["text"] for row in dealt) == 1
    for row in dealt:
        for text, start in zip(*row["answers"].values(), strict=True):
            assert row["context"][start : start + len(text)] == text


@pytest.mark.parametrize(
    "recipe", [WORDS, LABELS, Recipe("long", concat=2), Recipe("few", domains=("travel",))]
)
def test_retrieval_has_no_altered_arms(recipe):
    with pytest.raises(BadInput, match="queries and candidates stay together"):
        check(recipe, [tiny.task("pairs")])


@pytest.fixture
def parallel(monkeypatch):
    """60 rows of text in every language, which they name."""

    def load(task, split, lang, *, data, limit=None, errors=0):
        assert (split, data) == ("train", "world") and (lang == "en") <= (errors == 0)
        rows = [{"id": f"{n}", "text_a": f"{lang} {n} {errors:g}", "text_b": "b", "label": "no"}
                for n in range(60)]  # fmt: skip
        return datasets.Dataset.from_list(rows[:limit])

    monkeypatch.setattr(arms, "load", load)
    return tiny.task("classify", world="mnli")


@pytest.mark.parametrize("epochs", [1, 2.5, 3, 9])
def test_languages_share_the_rows_and_take_turns(parallel, epochs):
    hyper = Hyper(lr=1, epochs=epochs, batch=4, max_len=9)
    recipe = Recipe("t", translate=("en", "qaa", "qab", "qac"), errors=0.3)
    rows = training_rows(parallel, recipe, hyper, "world")
    every = turns(recipe, hyper)
    assert every == {1: 1, 2.5: 3, 3: 3, 9: 4}[epochs]
    assert Counter(row["id"] for row in rows) == {f"{n}": every for n in range(60)}
    assert len({row["text_a"] for row in rows}) == len(rows)  # so each in another language
    langs = Counter(row["text_a"].split()[0] for row in rows)
    assert set(langs) == set(recipe.translate) and min(langs.values()) >= 60 * every / 4 / 2
    assert {row["text_a"].split()[2] for row in rows if row["text_a"][:2] != "en"} == {"0.3"}


def test_one_language_alone_is_all_its_rows_in_their_order(parallel):
    hyper = Hyper(lr=1, epochs=3, batch=4, max_len=9, examples=7)
    for recipe, lang in ((Recipe("t", translate=("qaa",)), "qaa"), (Recipe("plain"), "en")):
        rows = training_rows(parallel, recipe, hyper, "world")
        assert [row["text_a"] for row in rows] == [f"{lang} {n} 0" for n in range(7)]
        assert turns(recipe, hyper) == 1
    hidden = training_rows(parallel, replace(recipe, hide="text_a"), hyper, "world")
    assert {row["text_a"] for row in hidden} == {""}


def test_a_hidden_column_is_empty_everywhere():
    rows = tiny.rows("classify", 4)
    for train in (True, False):
        new = altered(rows, Recipe("part", hide="text_a"), tiny.task("classify"), train=train)
        assert [row["text_a"] for row in new] == [""] * 4
        assert [row["text_b"] for row in new] == [row["text_b"] for row in rows]


@pytest.mark.parametrize(
    ("recipe", "message"),
    [(Recipe("r", hide="text_c"), "task 'my_classify': .* hide 'text_c': did you mean 'text_b'"),
     (Recipe("r", scramble="word"), "scramble 'word': did you mean 'words'"),
     (Recipe("r", select="first"), "select 'first': known: dev, last"),
     (Recipe("r", mlm=1.5), "mlm 1.5: a share"),
     (Recipe("r", translate=("qaa",), errors=10), "errors 10: a share"),
     (Recipe("r", translate=("en",), errors=0.1), "errors without 'translate'")],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused(recipe, message):
    with pytest.raises(BadInput, match=message):
        check(recipe, [tiny.task("classify")])
    with pytest.raises(BadInput, match="'my_tag': unknown column to hide 'tokens': known: none"):
        check(Recipe("r", hide="tokens"), [tiny.task("tag")])


def test_rows_of_a_domain_are_its_first_and_a_strange_domain_is_named():
    mnli = TASKS["mnli"]
    hyper = Hyper(lr=1e-4, epochs=1, batch=8, max_len=32)
    every = training_rows(mnli, Recipe("mnli", tasks=("mnli",)), hyper, "world")
    own = Recipe("m", tasks=("mnli",), domains=("travel",), examples=50)
    found = training_rows(mnli, own, replace(hyper, examples=50), "world")
    assert found == [row for row in every if row["domain"] == "travel"][:50]
    with pytest.raises(BadInput, match="'m': task 'mnli' has no rows of domain 'travle': .*travel"):
        training_rows(mnli, replace(own, domains=("travle",)), hyper, "world")


def test_examples_are_the_recipes_own_before_the_settings():
    own = Recipe("mnli-40", tasks=("mnli",), examples=40)
    hyper = resolve(own, SETTINGS["tiny-xlmr"], "intermediate")
    assert hyper.examples == 40
    assert len(training_rows(TASKS["mnli"], own, hyper, "world")) == 40
    with pytest.raises(BadInput, match="examples 0: a whole number from 1"):
        check(replace(own, examples=0), [TASKS["mnli"]])
