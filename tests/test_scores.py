"""The Scores table comes back as it was written, and its averages are the benchmark's."""

import math

import numpy as np
import pandas as pd
import pytest

from xstilts.paths import BadInput, MissingData
from xstilts.scores import (
    COLUMNS,
    EXAMPLE_COLUMNS,
    GROUPS,
    MEASURE_COLUMNS,
    MEMBERS,
    average,
    counts,
    read,
    suite_averages,
    suites,
    write,
)
from xstilts.tasks import TASKS

ROW = {
    "setting": "tiny-xlmr", "seed": 1, "recipe": "none", "target": "mnli", "task": "xnli",
    "lang": "no", "suite": "xtreme xtreme-r", "split": "test", "metric": "accuracy",
    "value": 100 / 3, "n": 60, "layer": None, "pooling": "", "selection": "best-dev", "run": "a/b",
}  # fmt: skip


def rows(task, metric, values, **other):
    return [ROW | {"task": task, "metric": metric, "lang": k, "value": v} | other
            for k, v in values.items()]  # fmt: skip


def test_columns_are_the_contract():
    assert " ".join(COLUMNS) == (
        "setting seed recipe target task lang suite split metric value n layer pooling selection "
        "run"
    )
    assert " ".join(EXAMPLE_COLUMNS) == (
        "task lang split id metric hit said gold pieces truncated domain"
    )
    assert " ".join(MEASURE_COLUMNS) == "setting seed recipe task lang domain layer measure value"


def test_a_table_comes_back_to_the_last_bit(tmp_path):
    path = tmp_path / "scores.csv"
    values = [100 / 3, 0.1 + 0.2, np.float64(2) / 3, 5e-324, 100.0]
    table = [ROW | {"value": v, "layer": n, "run": 'a,"b"\nc'} for n, v in enumerate(values)]
    write(path, [*table, ROW])
    back = read(path)
    assert back["value"].tolist() == [*map(float, values), 100 / 3]
    assert back["layer"].tolist() == [0, 1, 2, 3, 4, pd.NA]
    assert back["lang"].tolist() == ["no"] * 6 and back["run"][0] == 'a,"b"\nc'
    again = tmp_path / "again.csv"
    write(again, back)
    assert again.read_bytes() == path.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.csv", "scores.csv"]


def test_a_frame_whose_whole_numbers_became_floats_is_written_whole(tmp_path):
    frame = pd.DataFrame([ROW | {"layer": 3}, ROW])  # pandas makes 3.0 and NaN of the layers
    write(tmp_path / "scores.csv", frame)
    assert read(tmp_path / "scores.csv")["layer"].tolist() == [3, pd.NA]


def test_an_empty_table_keeps_its_columns(tmp_path):
    write(tmp_path / "measures.csv", [], MEASURE_COLUMNS)
    assert tuple(read(tmp_path / "measures.csv", MEASURE_COLUMNS).columns) == MEASURE_COLUMNS


def test_bad_tables_are_named(tmp_path):
    path = tmp_path / "scores.csv"
    with pytest.raises(BadInput, match="unknown column 'valeu'.*did you mean 'value'"):
        write(path, [{"valeu": 1.0}])
    assert not any(tmp_path.iterdir())
    with pytest.raises(MissingData, match="no such table"):
        read(path)
    path.write_text("")
    with pytest.raises(BadInput, match="not a table"):
        read(path)
    write(path, [], MEASURE_COLUMNS)
    with pytest.raises(BadInput, match="columns differ.*target"):
        read(path)
    write(path, [ROW])
    path.write_text(path.read_text().replace("33.33", "x"))
    with pytest.raises(BadInput, match="column 'value'"):
        read(path)


def test_suites_of_a_language():
    assert suites(TASKS["panx"], "de") == "xtreme xtreme-r"
    assert suites(TASKS["panx"], "qu") == "xtreme-r"
    assert suites(TASKS["panx"], "qaa") == "xtreme xtreme-r"  # a constructed language
    assert suites(TASKS["pawsx"], "qaa") == "xtreme"
    assert suites(TASKS["mnli"], "en") == ""


def test_members_of_a_suite_are_the_tasks_that_have_languages_in_it():
    for suite, members in MEMBERS.items():
        assert set(members) == {t.name for t in TASKS.values() if suite in t.langs}
        assert {t for tasks in GROUPS[suite].values() for t in tasks} <= set(members)


# Averages


def test_means_with_and_without_english_and_what_is_missing():
    table = pd.DataFrame(rows("xnli", "accuracy", {"de": 30.0, "en": 90.0, "fr": 40.0}))
    (row,) = average(table, ("fr", "en", "de", "sw", "th")).to_dict("records")
    assert (row["value"], row["non_english"], row["english"]) == (160 / 3, 35.0, 90.0)
    assert (row["langs"], row["missing"]) == (3, "sw th")


def test_languages_are_added_in_the_order_of_the_suite():
    values = {"en": 0.1, "de": 0.2, "fr": 0.3}
    for order in (["en", "de", "fr"], ["fr", "de", "en"]):
        table = pd.DataFrame(rows("xnli", "accuracy", values))
        want = (values[order[0]] + values[order[1]] + values[order[2]]) / 3
        assert average(table, order)["value"][0] == want


def test_questions_are_averaged_per_metric_first():
    table = pd.DataFrame(
        rows("xquad", "exact_match", {"en": 50.0, "de": 10.0})
        + rows("xquad", "f1", {"en": 60.0, "de": 20.0})
    )
    assert average(table, ("en", "de"))["value"].tolist() == [35.0]


def test_runs_are_kept_apart_and_other_languages_out():
    table = pd.DataFrame(
        rows("xnli", "accuracy", {"en": 50.0})
        + rows("xnli", "accuracy", {"en": 70.0}, seed=2)
        + rows("xnli", "accuracy", {"sw": 0.0})
    )
    found = average(table, ("en", "de"))
    assert found[["seed", "value", "missing"]].values.tolist() == [[1, 50.0, "de"], [2, 70.0, "de"]]
    assert math.isnan(found["non_english"][0])
    assert average(table, ("th",)).empty


def test_two_scores_for_the_same_thing_are_refused():
    twice = rows("xnli", "accuracy", {"en": 50.0}) + rows("xnli", "accuracy", {"en": 1.0}, run="c")
    with pytest.raises(BadInput, match="two scores for xnli en accuracy: runs a/b, c"):
        average(pd.DataFrame(twice), ("en",))


def test_a_suite_average_needs_every_task():
    values = {task: float(n) for n, task in enumerate(MEMBERS["xtreme"])}
    assert suite_averages(values, "xtreme")["all_task"] == 4.0  # over tasks, not over groups
    assert suite_averages(values, "xtreme")["qa"] == 5.0
    del values["mlqa"]
    assert set(suite_averages(values, "xtreme")) == {"classification", "tagging", "retrieval"}
    assert "qa" not in suite_averages(values | {"mlqa": float("nan")}, "xtreme")
    with pytest.raises(BadInput, match="did you mean 'xtreme-r'"):
        suite_averages(values, "xtreme_r")


def test_counts_line_up_items_and_languages():
    frame = pd.DataFrame(
        [("b", "qaa", 1, 2, 3), ("a", "qaa", 0, 1, 1), ("a", "en", 1, 1, 1)],
        columns=["id", "lang", "hit", "said", "gold"],
    ).assign(metric="f1")
    other = frame.assign(metric="token_accuracy", hit=9)
    found = counts(pd.concat([frame, other]), "f1")
    assert found.tolist() == [[[1, 1, 1], [0, 0, 0]], [[0, 1, 1], [1, 2, 3]]]  # en, qaa by a, b
