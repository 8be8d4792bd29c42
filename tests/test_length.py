"""The study of sequence length: bins, contrasts, and a notebook that tells what was planted.

Runs are made up: real questions of the world in three languages, answered right as often as a
planted effect of length says. Statistics on many of them are in `test_simulated`.
"""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_notebooks import play

from xstilts import snapshot
from xstilts.analysis import length, rulings, windows
from xstilts.data import load
from xstilts.grid import plan
from xstilts.scores import COLUMNS, EXAMPLE_COLUMNS, MEASURE_COLUMNS, suites
from xstilts.tasks import TASKS

GRID = {
    "settings": ["tiny-xlmr"], "seeds": [1, 2, 3, 4, 5],
    "recipes": ["squad_v1", {"name": "squad_v1-long", "tasks": ["squad_v1"], "concat": 3}],
    "targets": [{"name": "tydiqa-w56", "tasks": ["tydiqa"], "max_len": 56}],
    "also": [{"recipes": ["none"], "seeds": [1], "measures": ["positions"]}],
    "studies": ["sequence_length"],
}  # fmt: skip
LANGS, TASK, TARGET = ("en", "qaa", "qae"), TASKS["tydiqa"], "tydiqa-w56"
ARMS = ("squad_v1-long", "squad_v1")
PLANTED = {"short": 0.0, "middle": 10.0, "long": 20.0}  # points that the long arm gains


@pytest.fixture(scope="module")
def questions():
    """The texts of each language: id, pieces (about as many as words), as Examples have them."""
    found = []
    for lang in LANGS:
        rows = load(TASK, "test", lang, data="world").to_list()
        pieces = [len(row["context"]) // (1 if lang == "qae" else 3) for row in rows]
        ids = [row["id"] for row in rows]
        found.append(pd.DataFrame({"lang": lang, "id": ids, "pieces": pieces}))
    return pd.concat(found, ignore_index=True)


def made_up(run, questions, dice):
    """Examples and Scores of one run: one in four is right, and what is planted on top."""
    rows = questions.assign(task="tydiqa", target=TARGET, split="test", domain="home")
    gain = windows.within(rows).map(PLANTED) * (run.params["recipe"] == ARMS[0])
    right = dice.random(len(rows)) < (25 + gain) / 100
    parts = [rows.assign(metric=m, truncated=False, hit=right.astype(float), said=1.0, gold=1.0)
             for m in ("exact_match", "f1")]  # fmt: skip
    examples = pd.concat(parts, ignore_index=True)[list(EXAMPLE_COLUMNS)]
    sums = examples.groupby(["lang", "metric"])["hit"].agg(share="mean", n="size").reset_index()
    scores = [{name: "" for name in COLUMNS} | run.params | {
        "task": "tydiqa", "lang": r.lang, "suite": suites(TASK, r.lang), "split": "test",
        "metric": r.metric, "value": 100 * r.share, "n": r.n, "layer": None, "run": run.id,
    } for r in sums.itertuples(index=False)]  # fmt: skip
    return examples, pd.DataFrame(scores)


@pytest.fixture
def runs(out, questions):
    """Every evaluation of GRID, its examples in the output folder; (runs, scores)."""
    planned, dice, scores = plan(GRID), np.random.default_rng(0), []
    for run in planned:
        if run.leaves == "scores":
            examples, own = made_up(run, questions, dice)
            folder = out / run.id
            folder.mkdir(parents=True)
            examples.to_parquet(folder / "examples.parquet", index=False)
            scores.append(own)
    return planned, pd.concat(scores, ignore_index=True)


def collected(runs, scores, **more):
    done = [run for run in runs if run.leaves == "scores"]
    groups = pd.concat([snapshot.groups(run) for run in done], ignore_index=True)
    measures = pd.DataFrame(columns=list(MEASURE_COLUMNS))
    missing = [run.id for run in runs if run.leaves == "measures"]
    return snapshot.Collected(scores=scores, measures=measures, examples=groups, dev=scores[:0],
                              missing=missing, stale=[], source="made up", **more)  # fmt: skip


def test_figures_are_the_scores_again_and_bins_hold_what_was_planted(runs):
    runs, scores = runs
    groups = collected(runs, scores).examples
    whole = length.figures(groups, bins="")
    assert length.restored(whole, scores).abs().max() < 0.01 and len(whole) == 10 * len(LANGS)
    figures = length.figures(groups)
    assert set(figures["bin"]) == set(length.BINS)
    sizes = figures.groupby(["lang", "bin"])["n"].nunique()
    assert (sizes == 1).all()
    gaps = length.by_language(figures, TARGET, *ARMS)
    assert list(gaps.index) == [1, 2, 3, 4, 5] and set(gaps["tydiqa"]) == set(LANGS)
    found = rulings.effect(length.over(gaps))
    assert found.low < 20 < found.high and found.low > 0 and found.seeds == 5
    middle = length.over(length.by_language(figures, TARGET, *ARMS, ("short", "middle")))
    assert rulings.effect(middle).estimate == pytest.approx(10, abs=5)
    english = length.interaction(figures, TARGET, *ARMS, english=True)
    assert english.mean() == pytest.approx(gaps["tydiqa", "en"].mean())


def test_a_contrast_needs_both_arms_of_a_seed(runs):
    runs, scores = runs
    figures = length.figures(collected(runs, scores).examples)
    lone = figures[(figures["seed"] != 3) | (figures["recipe"] != ARMS[0])]
    assert list(length.by_language(lone, TARGET, *ARMS).index) == [1, 2, 4, 5]
    gone = figures[(figures["seed"] != 2) | (figures["lang"] != "qaa")]  # a language is lacking
    assert list(length.by_language(gone, TARGET, *ARMS).index) == [1, 3, 4, 5]
    assert length.by_language(figures, TARGET, "nobody", ARMS[1]).empty
    assert length.interaction(figures[:0], TARGET, *ARMS).empty


def test_figures_with_even_shares_weigh_them_alike():
    rows = [("first", 9, 9), ("second", 0, 3), ("last", 0, 1)]  # answers evenly placed?
    groups = pd.DataFrame([
        {"seed": 1, "recipe": "a", "target": "t", "task": "xnli", "lang": "qaa", "bin": "long",
         "metric": "accuracy", "third": third, "hit": hit, "said": n, "gold": n, "n": n}
        for third, hit, n in rows
    ])  # fmt: skip
    (plain,) = length.figures(groups)["value"]
    (even,) = length.figures(groups, even=["third"])["value"]
    assert plain == pytest.approx(100 * 9 / 13) and even == pytest.approx(100 / 3)
    lacking = groups.assign(bin=["long", "long", "short"])  # no bin has all thirds
    assert length.figures(lacking, even=["third"]).empty


def test_texts_are_told_with_their_window_and_their_thirds(runs, questions):
    runs, _ = runs
    texts = windows.examples(runs, [TARGET], [runs[-2].id])
    assert set(texts["window"]) == {56} and (texts["several"] == (texts["pieces"] > 56)).all()
    assert windows.examples(runs, ["another"]).empty
    groups = snapshot.groups(next(run for run in runs if run.leaves == "scores"))
    one = texts[texts["seed"] == 1]
    same = one.assign(bin=windows.within(one))
    same = same[(same["recipe"] == "squad_v1") & (same["metric"] == "f1")]
    want = groups[groups["metric"] == "f1"].groupby(["lang", "bin"])["n"].sum()
    assert same.groupby(["lang", "bin"]).size().to_dict() == want.to_dict()
    absolute = windows.cut(same, same["pieces"])
    by_lang = absolute.groupby(same["lang"]).value_counts(normalize=True).unstack()
    assert by_lang.loc["en", "long"] < 0.4 < 0.5 < by_lang.loc["qae", "long"]  # more pieces
    foreign = same[same["lang"] != "en"]
    assert set(windows.cut(foreign, foreign["pieces"])) == {""}  # no English to cut by
    table = windows.by_language(texts)
    assert table.loc[TARGET, "tydiqa"].index.tolist() == sorted(LANGS)
    assert (table["long"] >= table["short"]).all()


def test_places_of_answers():
    def row(key, start, size):
        answers = {"text": ["x"], "answer_start": [start]} if start is not None else {
            "text": [], "answer_start": []}  # fmt: skip
        return {"id": key, "context": "x" * size, "answers": answers}

    found = windows.places([row("a", 0, 9), row("b", 5, 9), row("c", 8, 9), row("d", None, 9),
                            row("e", -1, 9)])  # fmt: skip
    assert found == {"a": "first", "b": "second", "c": "last"}


def test_a_narrow_window_and_distance():
    rows = [(seed, "squad_v1", target, "tydiqa", lang, "all",
             50.0 - 10 * (lang == "qae") * (target == TARGET) - 20 * far)
            for seed in (1, 2) for target in ("tydiqa", TARGET)
            for lang, far in (("en", 0), ("qaa", 0.2), ("qab", 0.4), ("qae", 0.6))]  # fmt: skip
    figures = pd.DataFrame(rows, columns=[*length.CELL, "bin", "value"])
    lost = length.cost(figures, "squad_v1", "tydiqa", TARGET, ["qae"])
    assert lost.tolist() == [10, 10]
    assert length.cost(figures, "squad_v1", "tydiqa", TARGET, []).empty
    fall = length.decline(figures, "tydiqa", "squad_v1", {"qaa": 0.2, "qab": 0.4, "qae": 0.6})
    assert fall.tolist() == pytest.approx([20, 20])
    assert length.decline(figures, "tydiqa", "nobody", {"qaa": 0.2}).empty


# The notebook


@pytest.fixture
def played(out, monkeypatch):
    """Runs the notebook on what `collect` gives, if given; what is shown is not."""
    monkeypatch.setattr("IPython.display.display", lambda *_: None)
    path = out.with_name("short.json")
    path.write_text(json.dumps(GRID))

    def run(found=None):
        if found:
            monkeypatch.setattr(snapshot, "collect", lambda runs, examples: found)
        return play("14_sequence_length", grid=str(path))

    return run


def test_the_notebook_tells_what_was_planted(played, runs):
    space = played(collected(*runs))
    assert space["primary"].low < 20 < space["primary"].high
    assert space["ruled"]["1"].endswith("holds") and "holds" in space["closing"]
    assert space["again"]["own tokens"].seeds == 5
    assert space["again"]["answers evenly placed"].estimate == pytest.approx(20, abs=8)


SPOILT = {"a stranger": ("run", "mbert.s1/none/zero-tydiqa"), "a bin": ("bin", "huge"),
          "examples do not add up": ("hit", 99.0)}  # fmt: skip


@pytest.mark.parametrize("spoil", ["too large", "another text", *SPOILT])
def test_the_notebook_refuses_a_spoilt_table(spoil, played, runs):
    found = collected(*runs)
    if spoil == "too large":
        found.scores.loc[3, "value"] = 150.0
    elif spoil == "another text":
        found = replace(found, examples=found.examples.drop(index=3))
    else:
        column, value = SPOILT[spoil]
        found.examples.loc[3, column] = value
    with pytest.raises(AssertionError):
        played(found)


def test_the_notebook_says_so_where_nothing_has_run(played, tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot, "SNAPSHOT", tmp_path)
    space = played()
    assert space["ruled"]["1"].startswith("no runs: not tested")
    assert len(space["collected"].missing) == 11 and "not tested" in space["closing"]


def test_the_notebook_cannot_tell_from_one_seed(played, runs):
    found = collected(*runs)
    gone = [run.id for run in runs[0] if run.params.get("seed") != 1]
    one = {name: table[table["seed"] == 1] for name, table in
           (("scores", found.scores), ("examples", found.examples))}  # fmt: skip
    space = played(replace(found, missing=[*found.missing, *gone], **one))
    assert space["primary"].seeds == 1 and np.isnan(space["primary"].low)
    assert "cannot tell" in space["closing"]
