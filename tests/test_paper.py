"""Printed numbers: each has a source, what is recalled is never set beside ours."""

import math

import pandas as pd
import pytest

from xstilts import paired, paper, tables
from xstilts.gridfile import read
from xstilts.metrics import headline
from xstilts.settings import setting

LARGE = setting("xlmr-large")
GRID = {"settings": ["xlmr-large"], "seeds": [1, 2], "recipes": ["none", "mnli"],
        "targets": ["mnli", "udpos", "tydiqa", "copa"], "retrieval": True}  # fmt: skip


def test_printed_numbers_have_a_source_and_recalled_ones_stand_beside_nothing():
    found = paper.printed()
    assert tuple(found.columns) == paper.COLUMNS and set(found["sure"]) == set(paper.SURE)
    assert (found["source"] == "").eq(found["sure"] == "recalled").all()
    assert not found.duplicated(["table", "row", "task", "metric", "lang"]).any()
    assert "recalled" not in set(paper.beside(LARGE)["sure"])
    assert paper.beside(setting("tiny-xlmr")).empty
    assert len(paper.beside(setting("xlmr-base"))) > 5


def test_headlines_are_made_of_what_was_printed():
    found = paper.beside(LARGE).set_index(["table", "row", "task"])["value"]
    assert found["XTREME, test", "X-STILTs", "tydiqa"] == headline(
        {"f1": 76.0, "exact_match": 59.5})  # fmt: skip
    means = paper.printed().query("task == 'tatoeba' and lang != ''")["value"]
    assert round(means.mean(), 1) == found["XTREME, dev", "XLM-R Large", "tatoeba"] == 31.0


def test_differences_follow_from_the_rows():
    found = paper.printed().query("table == 'XTREME, test'")
    value = found.set_index(["row", "task", "metric"])["value"]
    for key, gain in value["X-STILTs less XLM-R Large"].items():
        assert gain == pytest.approx(value["X-STILTs", *key] - value["XLM-R Large", *key], abs=1e-9)


def main_table(**values):
    """Cells as of `tables.cells`: {column title: our figure}, and the row of the best recipe."""
    rows = [(recipe, title, value, 5) for title, value in values.items()
            for recipe in ("none", paired.BEST)]  # fmt: skip
    return pd.DataFrame(rows, columns=["recipe", "column", "value", "seeds"])


def test_ours_stands_beside_what_was_printed_of_the_same_split_and_languages():
    columns = tables.columns(read(GRID))
    found = paper.compared(LARGE, main_table(XNLI=80.5, Tatoeba=60.0), columns)
    own = found.set_index(["table", "row", "task"])
    assert own.loc[("XTREME, test", "XLM-R Large", "XNLI"), ["printed", "ours"]].tolist() == [
        79.2, 80.5]  # fmt: skip
    assert own.loc[("XTREME, test", "X-STILTs", "XNLI"), "printed"] == 80.0
    assert math.isnan(own.loc[("XTREME, test", "XLM-R Large", "UD-POS"), "ours"])
    assert not any(table.endswith("dev") for table in found["table"])  # no test split beside dev
    base = setting("xlmr-base")
    found = paper.compared(base, main_table(XNLI=70.0), columns)
    assert {"XNLI", "TyDiQA-GoldP"} <= set(found["task"])
    assert not {"UD-POS", "Tatoeba"} & set(found["task"])  # XTREME-R has more languages
    assert paper.compared(setting("tiny-xlmr"), main_table(XNLI=70.0), columns).empty
