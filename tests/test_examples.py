"""One run looked at closely: against a guess, and answer by answer."""

import json

import pandas as pd
import pytest

from xstilts import examples
from xstilts.scores import EXAMPLE_COLUMNS, SWEEP
from xstilts.tasks import TASKS
from xstilts.world.languages import distance

NEAR, FAR, FARTHEST = sorted(("qaa", "qaj", "qae"), key=distance)


def run(values, guess, task="xnli", metric="accuracy", n=100):
    """A run's Scores and its English Examples, of which `values["en"]` percent are right."""
    rows = [{"task": task, "lang": lang, "metric": name, "value": value,
             "selection": selection}
            for lang, own in values.items() for selection in ("last", SWEEP)
            for name, value in ((metric, own), (f"guess_{metric}", guess))]  # fmt: skip
    hits = [float(100 * i < values["en"] * n) for i in range(n)] if "en" in values else []
    said = [(task, "en", "test", str(i), metric, hit, 1, 1, 9, False, "")
            for i, hit in enumerate(hits)]  # fmt: skip
    return pd.DataFrame(rows), pd.DataFrame(said, columns=EXAMPLE_COLUMNS)


def test_a_run_against_one_that_reads_nothing():
    values = {"en": 80.0, NEAR: 60.0, FAR: 38.0, FARTHEST: 37.0}
    found = examples.guessing([TASKS["xnli"]], *run(values, 33.0)).loc["XNLI"]
    assert found[["metric", "English", "guess"]].tolist() == ["accuracy", 80.0, 33.0]
    assert found["lower bound"] == pytest.approx(71, abs=2)  # 1.96 * sqrt(.8 * .2 / 100) = 7.8
    assert (found["other languages"], found["5 above a guess"]) == (3, 2)
    assert found["correlation with distance"] == -1.0


def test_without_english_distances_or_a_guess():
    found = examples.guessing([TASKS["xnli"]], *run({"de": 40.0, "sw": 35.0, "th": 36.0}, 33.0))
    assert found.loc["XNLI", ["English", "lower bound", "correlation with distance"]].isna().all()
    scores, said = run({"en": 40.0}, 33.0)
    guessed = scores["metric"].str.startswith("guess_")
    assert examples.guessing([TASKS["xnli"]], scores[~guessed], said).empty


def test_answered_puts_question_right_and_said_side_by_side():
    rows = [
        {"id": "a", "text_a": "It rains.", "text_b": "It is wet.", "label": "entailment"},
        {"id": "b", "text_a": "It rains.", "text_b": "It is dry.", "label": "contradiction"},
    ]
    found = examples.answered(TASKS["xnli"], rows, "entailment\nneutral\n")
    assert found.loc["b"].tolist() == ["It rains. / It is dry.", "contradiction", "neutral", False]
    span = [{"id": "q", "question": "Who?", "context": "Ann ran.",
             "answers": {"text": ["Ann"], "answer_start": [0]}}]  # fmt: skip
    found = examples.answered(TASKS["xquad"], span, json.dumps({"q": "ran"}))
    assert found.loc["q"].tolist() == ["Who? Ann ran.", "Ann", "ran", False]
    pairs = [{"id": "q", "side": "query", "text": "Who?", "gold": ["en-1", "qaa-1"]},
             {"id": "en-1", "side": "candidate", "text": "Ann.", "gold": []}]  # fmt: skip
    found = examples.answered(TASKS["lareqa"], pairs, json.dumps({"q": ["qaa-1", "en-2"]}))
    assert found.loc["q"].tolist() == ["Who?", "en-1 qaa-1", "qaa-1", True]


def test_what_was_cut_is_counted_once_an_input():
    same = ("test", "accuracy", 1.0, 1.0, 1.0)
    said = [("xnli", lang, same[0], str(i), metric, *same[2:], 9 + i, long and i < 2, "")
            for lang, long in (("en", False), ("de", True)) for i in range(4)
            for metric in ("accuracy", "other")]  # fmt: skip
    table = pd.DataFrame(said, columns=EXAMPLE_COLUMNS)
    found = examples.cut([TASKS["xnli"], TASKS["pawsx"]], table)
    assert found.loc["XNLI"].tolist() == [8, 2, "de 50.0 %", 12]
    assert found.loc["PAWS-X", ["inputs", "cut", "most"]].tolist() == [0, 0, ""]
