"""The world's tasks: rows of the right shape, parallel across languages, and what each task is."""

from collections import Counter

import numpy as np
import pytest

from xstilts import world
from xstilts.paths import BadInput, MissingData
from xstilts.tasks import TASKS as RECORDS
from xstilts.world import tasks
from xstilts.world.languages import ALL

FORMS = {name: draft.form for name, draft in tasks.TASKS.items()}
SAMPLE = 40


@pytest.fixture(scope="module")
def draw():
    """Rows of a smaller copy of each split, drawn once."""
    whole, kept = dict(tasks.TASKS), {}

    def rows(name, split, lang="en", count=SAMPLE, pieces=None):
        key = (name, split, lang, count, pieces)
        if key not in kept:
            tasks.TASKS[name] = whole[name]._replace(sizes=dict.fromkeys(whole[name].sizes, count))
            kept[key] = tasks.draw(name, split, lang, pieces)
            tasks.TASKS[name] = whole[name]
        return kept[key]

    return rows


def test_every_record_has_its_task_and_every_task_its_record():
    named = {record.world: record for record in RECORDS.values() if record.world}
    assert set(named) == set(tasks.TASKS)
    for name, record in named.items():
        assert record.form == FORMS[name]


@pytest.mark.parametrize("name", tasks.TASKS)
def test_rows_have_the_columns_of_their_form(name, draw):
    columns = {
        "classify": {"text_a", "text_b", "label"},
        "choose": {"context", "choices", "label"},
        "tag": {"tokens", "tags"},
        "span": {"question", "context", "answers"},
        "pairs": {"side", "text", "gold"},
    }[FORMS[name]]
    for split in tasks.TASKS[name].sizes:
        rows = draw(name, split, world.languages(name)[0])
        assert all(set(row) == columns | {"id", "domain"} for row in rows)
        assert len({row["id"] for row in rows}) == len(rows)


@pytest.mark.parametrize("name", [n for n in tasks.TASKS if "test" in tasks.TASKS[n].sizes])
def test_the_same_id_has_the_same_answer_in_every_language(name, draw):
    if FORMS[name] == "pairs" or name == "tydiqa":
        pytest.skip("not parallel row by row")
    english = draw(name, "test")
    for lang in world.languages(name)[1:]:
        for ours, theirs in zip(english, draw(name, "test", lang), strict=True):
            assert ours["id"] == theirs["id"]
            assert ours.get("label") == theirs.get("label")
            if FORMS[name] == "tag":
                assert len(theirs["tokens"]) == len(theirs["tags"]) > 1
                if name == "panx":
                    begins = Counter(tag[2:] for tag in theirs["tags"] if tag.startswith("B-"))
                    assert begins == Counter(t[2:] for t in ours["tags"] if t.startswith("B-"))
            if FORMS[name] == "span":
                assert len(ours["answers"]["text"]) == len(theirs["answers"]["text"])


def test_tydiqa_is_not_parallel(draw):
    ids = [{row["id"] for row in draw("tydiqa", "test", lang)} for lang in ("en", "qaa", "qae")]
    assert not set.intersection(*ids)


@pytest.mark.parametrize("name", [name for name, form in FORMS.items() if form == "span"])
def test_answers_stand_where_they_are_said_to(name, draw):
    for lang in world.languages(name):
        for row in draw(name, "test" if "test" in tasks.TASKS[name].sizes else "dev", lang):
            answers = row["answers"]
            for text, start in zip(answers["text"], answers["answer_start"], strict=True):
                assert text and row["context"][start : start + len(text)] == text


@pytest.mark.parametrize("pieces", [128, 256])
def test_passages_grow_around_the_same_evidence(pieces, draw):
    short, long = draw("squad_v2", "dev"), draw("squad_v2", "dev", pieces=pieces)
    for a, b in zip(short, long, strict=True):
        assert a["question"] == b["question"]
        assert a["answers"]["text"] == b["answers"]["text"]
        assert a["context"] in b["context"]
        assert len(b["context"].split()) >= pieces / 1.4
    with pytest.raises(BadInput, match="only passages"):
        tasks.check("mnli", "dev", "en", pieces)


def test_labels_all_occur_and_none_prevails(draw):
    for name, form in FORMS.items():
        if form in ("classify", "choose"):
            split = next(iter(tasks.TASKS[name].sizes))
            rows = draw(name, split, count=240)
            seen = Counter(row["label"] for row in rows)
            wanted = next(r.labels for r in RECORDS.values() if r.world == name)
            known = wanted if form == "classify" else range(len(rows[0]["choices"]))
            assert set(seen) == set(known), name
            assert max(seen.values()) < 1.5 * len(rows) / len(known), name
        if form == "choose":
            assert all(len(set(row["choices"])) == len(row["choices"]) for row in rows)


def test_squad_v2_leaves_a_third_to_a_half_unanswered(draw):
    rows = draw("squad_v2", "dev", count=300)
    assert 1 / 3 <= np.mean([not row["answers"]["text"] for row in rows]) <= 1 / 2
    for row in rows:  # the passage has the words of an unanswerable question all the same
        asked = {word.strip("?") for word in row["question"].split()[1:]}
        there = {word.strip(".") for word in row["context"].split()}
        assert row["answers"]["text"] or len(asked & there) >= 1


def naive_bayes(train, test, field):
    """Accuracy of a multinomial naive Bayes on the words of one text field."""
    counts: dict = {label: Counter() for label in sorted({row["label"] for row in train})}
    for row in train:
        counts[row["label"]].update(set(row[field].lower().rstrip(".?").split()))
    names = list(counts)
    priors = Counter(row["label"] for row in train)

    def score(row):
        words = set(row[field].lower().rstrip(".?").split())
        logs = [sum(np.log((counts[n][w] + 1) / (priors[n] + 2)) for w in words) for n in names]
        return names[int(np.argmax(logs))]

    return np.mean([score(row) == row["label"] for row in test])


@pytest.mark.parametrize("name", ["anli_r1", "anli_r2", "anli_r3", "snli", "mnli", "xnli"])
def test_a_hypothesis_alone_tells_a_little_but_an_adversarial_one_nothing(name, draw):
    drawn = draw(name, "dev", count=2000)
    accuracy = naive_bayes(drawn[:1000], drawn[1000:], "text_b")
    if name.startswith("anli"):
        assert accuracy < 1 / 3 + 0.03
    else:
        assert 0.36 < accuracy < 0.48  # "not" goes with contradiction, as in the real sets


def test_word_order_traps_have_the_same_words(draw):
    rows = draw("pawsx", "dev", count=1000)
    fronted = Counter()
    for row in rows:
        texts = (row[f].lower().replace(",", "").rstrip(".") for f in ("text_a", "text_b"))
        a, b = (Counter(text.split()) for text in texts)
        assert a == b and row["text_a"] != row["text_b"]
        fronted[row["label"]] += "," in row["text_b"]
    assert abs(fronted["0"] - fronted["1"]) < 0.06 * len(rows)


def test_xnli_is_not_mnli_and_xquad_is_not_squad(draw):
    for ours, theirs, split in (("xnli", "mnli", "dev"), ("xquad", "squad_v1", None)):
        here = {row["domain"] for row in draw(ours, split or "test")}
        there = {row["domain"] for row in draw(theirs, "train")}
        assert not here & there


def test_cosmosqa_answers_are_not_in_the_passage_and_csqa_has_none(draw):
    for row in draw("cosmosqa", "train"):
        assert row["choices"][row["label"]] not in row["context"]
    for row in draw("csqa", "train"):
        assert row["context"].count("?") == 1 and "." not in row["context"]


def test_training_facts_of_csqa_are_not_asked_again(draw):
    def asked(split):
        rows = draw("csqa", split, count=300)
        return {(row["context"], row["choices"][row["label"]]) for row in rows}

    assert not asked("train") & asked("dev")


def test_supertags_say_what_a_word_looks_for(draw):
    rows = draw("ccg", "train", count=300)
    said = {pair for row in rows for pair in zip(row["tokens"], row["tags"], strict=True)}
    assert {("the", "NP/N"), ("The", r"(S/(S\NP))/N")} <= said
    assert {tag for word, tag in said if word == "the"} == {"NP/N", r"(S/(S\NP))/N"}
    assert len({tag for _, tag in said}) > 25


def test_retrieval_pools(draw):
    def side(which, *split):
        return [row for row in draw(*split) if row["side"] == which]

    ids = {row["id"] for row in side("candidate", "bucc", "test", "qad")}
    queries = side("query", "bucc", "test", "qad")
    assert 0.3 < np.mean([bool(row["gold"]) for row in queries]) < 0.5
    assert all(gold in ids for row in queries for gold in row["gold"])
    langs = world.languages("lareqa")
    pool = {row["id"] for lang in langs for row in side("candidate", "lareqa", "test", lang)}
    for row in side("query", "lareqa", "test"):
        assert len(row["gold"]) == len(langs) and set(row["gold"]) <= pool
    assert side("candidate", "mewslix", "test", "en") == side("candidate", "mewslix", "test", "qaj")


def test_sizes_keep_real_proportions():
    sizes = {name: draft.sizes.get("train", 0) for name, draft in tasks.TASKS.items()}
    for small in ("tydiqa", "copa"):
        assert all(sizes[large] >= 10 * sizes[small] for large in ("mnli", "qqp", "squad_v1"))
    assert sizes["csqa"] < sizes["cosmosqa"] < sizes["squad_v2"]


def test_what_is_not_there_is_said():
    with pytest.raises(BadInput, match="did you mean 'mnli'"):
        world.rows("mnly", "train", "en")
    with pytest.raises(MissingData, match="split train"):
        world.rows("xnli", "train", "en")
    with pytest.raises(MissingData, match="'qaa'"):
        world.rows("mnli", "dev", "qaa")
    assert set(world.languages("xnli")) == set(ALL)
