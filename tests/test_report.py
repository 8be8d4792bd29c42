"""Tables as files: escaped, and quoted in a page without touching the rest of it."""

import pandas as pd
import pytest

from xstilts import report, site, tables
from xstilts.paths import BadInput
from xstilts.tasks import TASKS


def test_text_from_data_is_escaped_and_cannot_break_a_table(tmp_path):
    table = pd.DataFrame({"said": ["<script>1</script>", "a|b\nc"]}, index=["x", "y"])
    report.write(tmp_path / "new", "t", table, table, "<b>", ["Made up.", ""])
    text = (tmp_path / "new/t.md").read_text("utf-8")
    assert "<script>" not in text and r"a\|b c" in text and text.endswith("Made up.\n")


def test_latex_is_whole_and_escaped(tmp_path):
    table = pd.DataFrame({"XNLI": [61.25, float("nan")], "a_b": [r"50 % \input{x}", "1† [+2, 3]"]},
                         index=pd.Index(["none", "m&n"], name="recipe"))  # fmt: skip
    report.write(tmp_path, "t", table, table, "10 % & more", ["A ‡ note.", ""])
    text = (tmp_path / "t.tex").read_text("utf-8")
    assert r"\caption{10 \% \& more}" in text and r"\begin{tabular}{lrr}" in text
    assert "recipe & XNLI & a\\_b \\\\" in text.splitlines()
    assert r"none & 61.2 & 50 \% \textbackslash{}input\{x\} \\" in text
    assert r"m\&n & -- & 1\textdagger{} {[}+2, 3{]} \\" in text
    assert r"\par\footnotesize A \textdaggerdbl{} note." in text
    assert text.count(r"\begin") == text.count(r"\end") == 2


def test_a_missing_number_is_a_dash():
    table = pd.DataFrame({"XNLI": [61.25, float("nan")]}, index=["none", "mnli"])
    lines = report.markdown(table).splitlines()
    assert lines[2:] == ["| none | 61.2 |", "| mnli | – |"]


def averages(*rows):
    """Rows of (column, recipe, languages there, languages lacking)."""
    frame = pd.DataFrame(rows, columns=["column", "recipe", "langs", "missing"])
    return frame.assign(seed=1, value=50.0, split="test", layer=None, pooling="", selection="last")


def test_p_values_keep_two_digits():
    table = pd.DataFrame({"p": [0.0004, 0.0123, float("nan")], "gain": [1.26, 2.0, 3.0]})
    rows = report.markdown(table).splitlines()[2:]
    assert rows == ["| 0 | &lt; 0.001 | 1.3 |", "| 1 | 0.012 | 2.0 |", "| 2 | – | 3.0 |"]


def test_languages_that_lack_are_named():
    found = averages(("XNLI", "none", 15, ""), ("PAN-X", "none", 47, "th"),
                     ("PAN-X", "mnli", 47, "th"), ("XCOPA", "none", 4, "et ht id it qu sw ta"),
                     ("XCOPA", "mnli", 9, "et vi"))  # fmt: skip
    assert report.notes(found, []) == [
        "XNLI, PAN-X, XCOPA: test, last; seeds 1.",
        f"{tables.MARK} from fewer languages than the task has: PAN-X 47 of 48 (th), "
        "XCOPA 4 of 11 (et ht id it qu and 2 more) after none, XCOPA 9 of 11 (et vi) after mnli.",
    ]


def test_how_figures_came_about_is_told():
    found = averages(("XNLI", "none", 15, ""), ("XNLI", "mnli", 15, ""), ("BUCC", "none", 4, ""))
    fixed = found["column"] == "BUCC"
    found.loc[fixed, ["layer", "pooling", "selection"]] = (8, "mean", "layer fixed")
    found.loc[1, ["seed", "selection"]] = (2, "best English dev")
    found = found.astype({"layer": "Int64"})
    assert report.notes(found, []) == [
        "XNLI: test, last or test, best English dev; "
        "BUCC: test, layer 8, mean pooling, layer fixed; seeds 1 2."
    ]


def test_dev_pairs_are_named():
    bucc = TASKS["bucc2018"]
    columns = [tables.Column(bucc, "", "BUCC 2018 (dev)", "dev"), tables.Column(bucc, "", "BUCC")]
    _, note, _ = report.notes(averages(("BUCC", "none", 4, "")), columns)
    assert "same pairs: BUCC 2018 (dev)." in note
    assert report.notes(averages(), columns[1:]) == ["No figures yet: BUCC."]


def test_tasks_that_no_mean_is_over_are_named():
    columns = [tables.Column(TASKS[name], name, TASKS[name].title) for name in ("panx", "xcopa")]
    found = averages(("PAN-X", "none", 15, ""), ("XCOPA", "none", 11, ""))
    assert report.notes(found, columns)[1:] == ["Means over tasks are XTREME's, without XCOPA."]


def test_a_block_is_filled_and_filled_again(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- demo table -->\nold\n<!-- /demo table -->\nafter\n")
    for text in ("new\n", "newer\n"):
        report.fill(page, "demo table", text)
    assert page.read_text() == ("before\n<!-- demo table -->\nnewer\n<!-- /demo table -->\nafter\n")
    with pytest.raises(BadInput, match="no place"):
        report.fill(page, "other", "text")


def test_what_is_wrong_with_a_quotation_is_one_line(out, tmp_path, monkeypatch, capsys):
    page = tmp_path / "page.md"
    page.write_text("<!-- demo table --><!-- /demo table -->")
    for words, code in ((["demo"], 2), (["demo", str(page)], 3)):
        monkeypatch.setattr("sys.argv", ["site", *words])
        with pytest.raises(SystemExit) as stopped:
            report.program(site.quote)
        assert stopped.value.code == code
        assert capsys.readouterr().err.count("\n") == 1
    report.program(lambda grid: f"| {grid} |")
    assert "\n| demo |\n" in page.read_text()


def test_rows_and_columns_without_runs_are_left_out_and_named():
    nan = float("nan")
    rows = [("none", "XNLI", 60.0, 0.0, 2), ("none", "XCOPA", nan, nan, 0),
            ("mnli", "XNLI", nan, nan, 0), ("mnli", "XCOPA", nan, nan, 0)]  # fmt: skip
    cells = pd.DataFrame(rows, columns=["recipe", "column", "value", "gain", "seeds"])
    cells = cells.assign(langs="")
    shown, gone = report.filled(cells)
    assert list(shown.index) == ["none"] and list(shown) == ["XNLI", "seeds"]
    assert gone == "No runs yet after mnli."
    shown, gone = report.filled(cells.assign(value=nan, gain=nan, seeds=0))
    assert shown.shape == (2, 3) and not gone
