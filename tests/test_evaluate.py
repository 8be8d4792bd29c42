"""`zero_shot`: one model, all languages, tidy tables."""

from collections import Counter
from dataclasses import replace

import datasets
import numpy as np
import pytest
import tiny
import torch

from xstilts import evaluate
from xstilts.model import Model, heads_for
from xstilts.paths import BadInput, MissingData
from xstilts.scores import EXAMPLE_COLUMNS, GUESS, SWEEP
from xstilts.settings import Setting
from xstilts.submission import read_answers
from xstilts.tasks import TASKS

SETTING = Setting("test", "nowhere", "hub")
LANGS = {"xtreme": ("en", "de", "fr"), "xtreme-r": ("en", "de", "fr", "ro")}
FACTS = {"max_len": 64, "token_budget": 300, "selection": "best English dev"}


def model(folder, *tasks):
    torch.manual_seed(0)
    made = Model(tiny.encoder(), heads_for(tasks), FACTS)
    folder.mkdir()
    made.save(folder)
    return folder


def rows(task, lang):
    seed = ["en", "de", "fr", "ro"].index(lang)
    made = tiny.rows(task.form, 5 + seed, seed)
    if task.form == "pairs":  # one pool of all languages
        made = [row | {"id": f"{lang}-{row['id']}", "gold": [f"{lang}-{g}" for g in row["gold"]]}
                for row in made]  # fmt: skip
    return made


@pytest.fixture(autouse=True)
def data(monkeypatch):
    def load(task, split, lang, *, data, limit=None):
        if lang == "fr":
            raise MissingData("no file fr.tsv; put one there")
        return datasets.Dataset.from_list(rows(task, lang))

    monkeypatch.setattr(evaluate, "load", load)


@pytest.mark.parametrize("name", ["classify", "choose", "tag", "span", "pairs"])
def test_every_form_ends_in_the_tables(name, tmp_path, capsys):
    task = tiny.task(name, langs=LANGS)
    result = evaluate.zero_shot(model(tmp_path / "m", task), task, SETTING)
    scores, examples = result.scores, result.examples
    beside = scores["metric"].str.startswith(GUESS) | scores["selection"].eq(SWEEP)
    assert 2 * beside.sum() == len(scores)  # each score's guess, or its like of centred vectors
    assert set(scores[beside]["pooling"].dropna()) == (
        {"mean-centred"} if name == "pairs" else set()
    )
    scores = scores[~beside]
    per_metric = Counter(scores["metric"])
    assert set(per_metric.values()) == {3} and set(scores["lang"]) == {"en", "de", "ro"}
    assert scores.set_index("lang")["n"].to_dict() == {"en": 5, "de": 6, "ro": 8}
    suites = scores.set_index("lang")["suite"].to_dict()
    assert (suites["de"], suites["ro"]) == ("xtreme xtreme-r", "xtreme-r")
    assert scores["value"].between(0, 100).all()
    assert set(scores["selection"]) == {"best English dev"} and set(scores["split"]) == {"test"}
    assert scores["layer"].isna().all() == (name != "pairs")
    assert list(examples.columns) == list(EXAMPLE_COLUMNS)
    for (lang, metric), part in examples.groupby(["lang", "metric"]):
        own = scores[(scores["lang"] == lang) & (scores["metric"] == metric)]["value"].item()
        again = 200 * part["hit"].sum() / max(1, part["said"].sum() + part["gold"].sum())
        assert again == pytest.approx(own)
    assert (examples["pieces"] > 0).all()
    assert result.missing == {"fr": "no file fr.tsv; put one there"}
    assert "no data for fr" in capsys.readouterr().out
    text = result.answers[task.name, "test", "ro"]
    assert len(read_answers(task, text)) == 8


def test_an_answer_that_stands_in_no_window_counts_as_cut(tmp_path, monkeypatch):
    words = " ".join(tiny.NAMES * 12)
    long = {"id": "x", "question": "who ?", "context": words, "domain": None,
            "answers": {"text": [words], "answer_start": [0]}}  # fmt: skip
    task = tiny.task("span", langs={"xtreme": ("en",)})
    some = [long, *rows(task, "en")]
    monkeypatch.setattr(evaluate, "rows_of", lambda *_: ({"en": some}, {}))
    found = evaluate.zero_shot(model(tmp_path / "m", task), task, SETTING).examples
    assert set(found[found["truncated"]]["id"]) == {"x"} and found["id"].nunique() == len(some)


def test_languages_are_scored_as_they_would_be_alone(tmp_path):
    task = tiny.task("tag", langs=LANGS)
    folder = model(tmp_path / "m", task)
    together = evaluate.zero_shot(folder, task, SETTING)
    alone = evaluate.zero_shot(folder, replace(task, langs={"xtreme-r": ("ro",)}), SETTING)
    key = (task.name, "test", "ro")
    assert together.answers[key] == alone.answers[key]
    mine = together.scores[together.scores["lang"] == "ro"].reset_index(drop=True)
    assert mine.equals(alone.scores)


def test_a_dual_encoder_ranks_the_candidates_of_all_languages(tmp_path):
    task = tiny.task("pairs", langs=LANGS)
    result = evaluate.zero_shot(model(tmp_path / "m", task), task, SETTING)
    ranked = read_answers(task, result.answers[task.name, "test", "en"])
    langs = {i.split("-")[0] for ids in ranked.values() for i in ids}
    assert langs == {"en", "de", "ro"} and all(len(ids) == 19 for ids in ranked.values())


def test_each_language_and_side_is_centred_by_itself():
    side = ["query", "candidate", "query", "candidate"]
    rows = {lang: [{"side": s} for s in side] for lang in ("en", "de")}
    vectors = np.random.default_rng(0).normal(size=(8, 5))
    found = evaluate._centred([*vectors], rows)
    for one, other in ((0, 2), (1, 3), (4, 6), (5, 7)):  # two of a kind: the halves of their gap
        gap = vectors[one] - vectors[other]
        np.testing.assert_allclose(found[one], gap / np.linalg.norm(gap), atol=1e-6)
        np.testing.assert_allclose(found[other], -found[one], atol=1e-6)


def test_what_a_trivial_baseline_scores():
    labels = [{"label": label} for label in ("neutral", "neutral", "entailment", "neutral")]
    assert evaluate.guess(TASKS["xnli"], labels, "en").percent == {"accuracy": 75.0}
    tags = [{"tags": ["B-PER", "O", "O"]}, {"tags": ["O"]}]  # "O" is most frequent, and no chunk
    found = evaluate.guess(TASKS["panx"], tags, "en").percent
    assert (found["precision"], found["recall"]) == (25.0, 100.0)  # four words, one name
    span = [{"context": "red red red red", "answers": {"text": ["red"], "answer_start": [0]}}]
    assert evaluate.guess(TASKS["xquad"], span, "en").percent["f1"] == 100.0
    span[0] |= {"context": "blue blue"}
    assert evaluate.guess(TASKS["xquad"], span, "en").percent["f1"] == 0.0


def test_no_answer_is_a_baseline_where_it_may_be_right():
    none, one = {"text": [], "answer_start": []}, {"text": ["b c d e f"], "answer_start": [2]}
    rows = [{"id": str(i), "context": "a b c d e f g h", "answers": own}
            for i, own in enumerate((none, none, one))]  # fmt: skip
    found = evaluate.guess(TASKS["squad_v2"], rows, "en").percent
    assert found["exact_match"] == pytest.approx(200 / 3)
    assert evaluate.guess(TASKS["squad_v2"], rows[2:], "en").percent["f1"] > 0


def test_a_guessed_span_is_as_long_as_the_right_one_and_may_end_the_text():
    context = "a b c d e f g h"
    drawn = {evaluate._random_span(context[:n], ["x y"]) for n in range(5, 16, 2)}
    assert all(len(span.split()) == 2 and span in context for span in drawn) and len(drawn) > 2
    assert evaluate._random_span("a b", ["x y"]) == "a b"
    assert len(evaluate._random_span("我们在城市里看见老师和学生", ["城市"])) == 2
    assert len(evaluate._random_span(context, []).split()) == 1  # where there is no answer


def test_the_head_is_the_one_trained_for_the_task(tmp_path):
    task = tiny.task("span")
    loaded = Model.load(model(tmp_path / "m", task, replace(task, name="squad")))
    by_squad = replace(task, train={"xtreme": "squad"})
    assert loaded.head_of(by_squad).name == "my_span"
    assert loaded.head_of(replace(by_squad, name="xq")).name == "squad"
    with pytest.raises(BadInput, match="no head for task 'xx'"):
        loaded.head_of(replace(task, name="xx"))


def test_missing_everything(tmp_path):
    task = tiny.task("tag", langs={"xtreme": ("fr",)})
    with pytest.raises(MissingData, match=r"fr\.tsv"):
        evaluate.zero_shot(model(tmp_path / "m", task), task, SETTING)
    task = tiny.task("tag", langs=LANGS)
    with pytest.raises(MissingData, match="not fine-tuned"):
        evaluate.zero_shot(tiny.encoder().save(tmp_path / "bare"), task, SETTING)
