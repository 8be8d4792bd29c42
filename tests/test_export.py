"""What is exported scores as the run did, in every layout; what cannot be exported says why."""

import json
import random

import pandas as pd
import pytest

from xstilts.cli import main
from xstilts.evaluate import rows_read
from xstilts.export import _suite, export
from xstilts.forms import asked, judge
from xstilts.grid import plan
from xstilts.languages import languages
from xstilts.metrics import measure
from xstilts.paths import BadInput, MissingData
from xstilts.runs import open_run
from xstilts.scores import read
from xstilts.submission import layout, write_answers
from xstilts.tasks import TASKS

GRID = """
settings: [{name: few, encoder: tiny-xlmr, data: world, budget: {evaluate: {examples: 5}}}]
seeds: [1]
recipes: [none, mnli]
targets: [mnli, udpos, squad_v1, siqa-copa, copa, lareqa]
retrieval: true
"""
ARGUMENTS = ("few", "none", 1)


def guess(kind, row, rows, dice):
    """An answer to `row`, now and then the right one."""
    others = (
        [other["id"] for other in rows if other["side"] == "candidate"] if "side" in row else []
    )
    if kind == "label":
        return dice.choice(rows)["label"]
    if kind == "choice":
        return dice.randrange(len(row["choices"]))
    if kind == "tags":
        return [tag if dice.random() < 0.7 else dice.choice(row["tags"]) for tag in row["tags"]]
    if kind == "text":
        return dice.choice([*row["answers"]["text"], " ".join(row["context"].split()[:3]), ""])
    if kind == "index":
        return dice.choice([others.index(row["gold"][0]), dice.randrange(len(others))])
    return dice.choice([row["gold"], dice.sample(others, 3), []])


def evaluated(run, setting):
    """Scores and answers of a run that guesses."""
    dice, scores, answers = random.Random(run.id), [], {}
    for task in run.tasks:
        kind = layout(task)
        for lang in languages(task, "world"):
            rows = rows_read(task, setting, "test", lang)
            own = [rows[i] for i in asked(rows)]
            said = [guess(kind, row, rows, dice) for row in own]
            answers[task.name, "test", lang] = write_answers(task, [r["id"] for r in own], said)
            if kind == "index":
                others = [row["id"] for row in rows if row["side"] == "candidate"]
                found = measure("accuracy", [others[i] for i in said], [r["gold"][0] for r in own])
            else:
                found = judge(task, own, said, lang)
            scores += [{"task": task.name, "lang": lang, "metric": metric, "value": value,
                        "selection": "best"}
                       for metric, value in found.percent.items()]  # fmt: skip
    return pd.DataFrame(scores), answers


@pytest.fixture
def grid(out, tmp_path, monkeypatch):
    path = tmp_path / "few.yaml"
    path.write_text(GRID)
    monkeypatch.setenv("XSTILTS_GRID", str(path))
    return path


def finish(grid, monkeypatch, *ids):
    for run in plan(grid):
        if run.leaves == "scores" and run.id in ids:
            monkeypatch.setenv("XSTILTS_RUN", run.id)
            scores, answers = evaluated(run, run.setting)
            open_run(run.notebook, **run.params).save(scores=scores, answers=answers)


def test_an_export_scores_as_its_runs_did(grid, out, tmp_path, monkeypatch, capsys):
    names = [run.id for run in plan(grid) if run.leaves == "scores" and "/none/" in run.id]
    finish(grid, monkeypatch, *names)
    to, found = tmp_path / "to", tmp_path / "found.json"
    words = ["--setting", "few", "--recipe", "none", "--seed", "1", "--to", str(to)]
    assert main(["export", str(grid), *words]) == 0
    said = capsys.readouterr().out
    count = len(languages(TASKS["xcopa"], "world"))
    assert f"xcopa: {count} of {count} languages from few.s1/none/zero-copa" in said  # not SIQA's
    command = said.splitlines()[-1].partition("xstilts ")[2].split()
    assert main([*command, "--json", str(found)]) == 0
    found, compared = json.loads(found.read_text()), 0
    for name in names:
        for row in read(out / name / "scores.csv").to_dict("records"):
            if row["task"] != "xcopa" or name.endswith("zero-copa"):
                assert found[row["task"]][row["metric"]][row["lang"]] == row["value"], row
                compared += 1
    assert compared == 167 + count


def test_what_has_not_been_run_is_left_out_and_said(grid, tmp_path, monkeypatch, capsys):
    with pytest.raises(MissingData, match="no finished run to export: first `xstilts run"):
        export(grid, *ARGUMENTS, tmp_path / "to")
    finish(grid, monkeypatch, "few.s1/none/zero-udpos")
    export(grid, *ARGUMENTS, tmp_path / "to")
    said = capsys.readouterr().out
    assert "few.s1/none/retrieval has not been run: left out\n" in said
    assert [p.name for p in (tmp_path / "to/predictions").iterdir()] == ["udpos"]
    with pytest.raises(BadInput, match="predictions exists already"):
        export(grid, *ARGUMENTS, tmp_path / "to")


def test_results_out_of_date_are_refused(grid, out, tmp_path, monkeypatch):
    finish(grid, monkeypatch, "few.s1/none/zero-udpos")
    record = out / "few.s1/none/zero-udpos/run.json"
    record.write_text(record.read_text().replace('"cells": "', '"cells": "other'))
    with pytest.raises(BadInput, match="zero-udpos is out of date .cells changed.: first"):
        export(grid, *ARGUMENTS, tmp_path / "to")


def test_the_suite_to_score_by_is_the_one_with_most_of_the_tasks():
    assert _suite("hub", {"xnli", "tatoeba", "pawsx"}) == _suite("hub", {"xnli"}) == "xtreme"
    assert _suite("hub", {"xnli", "xcopa", "lareqa", "pawsx"}) == "xtreme-r"
    assert _suite("world", {"xcopa"}) == "world"
