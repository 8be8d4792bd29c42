"""The published report: every page opens from a folder, without a network, with its gaps marked."""

import json
import re
import shutil
from contextlib import redirect_stderr
from io import StringIO
from types import SimpleNamespace

import made
import pandas as pd
import pytest
from browser import BINARY, Browser
from faked import GRID, fill

from xstilts import pages, paired, plots, rendered, site, snapshot, tables
from xstilts.analysis import points, points_picture
from xstilts.cli import main
from xstilts.gridfile import read
from xstilts.paths import NOTEBOOKS, BadInput

MINI = GRID | {
    "seeds": [1, 2], "targets": ["mnli"],
    "recipes": ["none", "mnli", {"name": "mnli-words", "tasks": ["mnli"], "scramble": "words"}],
}  # fmt: skip
EVIL = "<script>throw new Error('ran')</script><img src=x onerror=alert(1)>"
ZERO = "tiny-xlmr.s1/none/zero-mnli"
SHOWN = ("00_tour", "04_zero_shot", "20_main_table", "21_per_language")
GONE = "tiny-xlmr.s2"


def notebook() -> dict:
    """A notebook whose outputs hold text that would act if it were HTML."""
    out = [{"output_type": "stream", "name": "stdout", "text": f"stream {EVIL}"}]
    out += [{"output_type": "display_data", "metadata": {}, "data": {kind: f"{kind} {EVIL}"}}
            for kind in ("text/html", "text/markdown", "application/javascript")]  # fmt: skip
    cells = [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# 04 · Zero\n\n**?**"},
             {"cell_type": "code", "id": "b", "metadata": {}, "source": "x = 1",
              "execution_count": 1, "outputs": out}]  # fmt: skip
    python = {"kernelspec": {"name": "python3", "display_name": "Python 3"},
              "language_info": {"name": "python"}}  # fmt: skip
    return {"cells": cells, "metadata": python, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """(site, output folder): of a grid of which half was removed and one run is stale."""
    home = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XSTILTS_OUT", str(home / "out"))
        patch.setattr("xstilts.provenance._git", lambda *words: "c0ffee" * (words[0] != "status"))
        fill(MINI)
        (home / "out" / ZERO / "notebook.ipynb").write_text(json.dumps(notebook()))
        shutil.rmtree(home / "out" / GONE)
        record = home / "out" / "tiny-xlmr.s1/mnli/retrieval/run.json"
        record.write_text(record.read_text().replace('"cells": "', '"cells": "0'))
        (home / "notebooks").mkdir()
        for name in SHOWN:
            shutil.copy(NOTEBOOKS / f"{name}.ipynb", home / "notebooks")
        patch.setattr(site, "NOTEBOOKS", home / "notebooks")
        with redirect_stderr(StringIO()) as said:
            site.build(MINI, home / "site")
    assert not said.getvalue(), "Sphinx warns"
    return home / "site"


def all_pages(folder):
    return sorted(p for p in folder.rglob("*.html") if not {"_static", "files"} & {*p.parts})


@pytest.mark.slow
def test_gaps_are_marked_and_stale_runs_set_apart(built):
    text = (built / "runs.html").read_text("utf-8")
    assert text.count('<td class="text">missing</td>') == 11 and "stale: cells" in text
    first = (built / "index.html").read_text("utf-8")
    assert "<li><p>tiny-xlmr.s1/mnli/retrieval</p></li>" in first and "missing" in first
    assert tables.STAMP in first and "40.0 (" not in first
    rows = pd.read_csv(built / "files" / "main_table-tiny-xlmr.csv")
    gone = rows[(rows["recipe"] == "mnli") & (rows["column"] == "Tatoeba")]
    assert gone["value"].isna().all() and rows["value"].notna().any()
    assert r"\begin{table}" in (built / "files" / "main_table-tiny-xlmr.tex").read_text("utf-8")
    for kind in ("svg", "pdf", "png"):
        assert (built / "files" / f"points-tiny-xlmr.{kind}").stat().st_size > 1000


@pytest.mark.slow
def test_text_stays_text(built):
    for page in (built / "04_zero_shot.html", built / "runs" / f"{ZERO.replace('/', '--')}.html"):
        text = page.read_text("utf-8")
        for said in ("stream", "text/html", "text/markdown"):
            assert re.search(rf"{said} (&lt;|<span>&lt;)script", text), (page, said)
        assert "<script>throw" not in text and "<img src=x" not in text
        assert "application/javascript" not in text


@pytest.mark.slow
def test_nothing_is_asked_of_a_network(built):
    for page in all_pages(built):
        text = page.read_text("utf-8")
        assert not re.findall(r'<(?:script|img|iframe)[^>]+src="(?:https?:)?//', text), page
        assert not re.findall(r'<link[^>]+href="(?:https?:)?//', text), page


@pytest.mark.slow
@pytest.mark.skipif(BINARY is None, reason="no Chromium (on Debian: apt install chromium)")
def test_every_page_opens_in_a_browser(built, tmp_path):
    pages = all_pages(built)
    assert len(pages) >= 12
    with Browser(tmp_path) as browser:
        for page in pages:
            for width in (1280, 390):
                seen = browser.open(page, width)
                seen["scripts"] = seen["scripts"] if page.name != "search.html" else []  # Sphinx's
                for what in ("failed", "errors", "empty", "unnamed", "headless", "wide", "scripts"):
                    assert not seen[what], f"{page.name}, {width} px: {what}: {seen[what]}"
                assert seen["width"] <= seen["inner"], f"{page.name} scrolls at {width} px"
                assert len(seen["text"]) > 50
        browser.open(built / "runs.html")
        find = "(i => {i.value='squad'; i.dispatchEvent(new Event('input'))})"
        count = "document.querySelectorAll('table.long tbody tr:not([hidden])').length"
        js = f"{find}(document.querySelector('input[type=search]:not([name])')); {count}"
        assert browser.call("Runtime.evaluate", expression=js)["result"]["value"] == 0


@pytest.mark.slow
@pytest.mark.skipif(BINARY is None, reason="no Chromium (on Debian: apt install chromium)")
def test_the_browser_sees_what_is_wrong(tmp_path):
    (tmp_path / "bad.html").write_text(
        "<meta name=viewport content='width=device-width'><main><img src=gone.png>"
        "<script>console.error('no')</script><img src='https://example.org/x.png'>"
        "<div style='width:3000px'>wide</div><table><tr><td>1</table></main>"
    )
    with Browser(tmp_path / "home") as browser:
        seen = browser.open(tmp_path / "bad.html")
    assert len(seen["failed"]) >= 2 and seen["errors"] and len(seen["empty"]) == 2
    assert seen["wide"] and seen["headless"] and seen["unnamed"] and seen["width"] > seen["inner"]


def test_a_folder_of_something_else_is_left_alone(tmp_path, out):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(BadInput, match="choose another folder"):
        site.build(MINI, tmp_path)
    assert main(["report", "demo", "--to", str(tmp_path)]) == 2
    assert (tmp_path / "mine.txt").is_file()


def test_cells_are_escaped_and_differences_stand_below():
    frame = pd.DataFrame(
        {"x": [EVIL, "a\n\nb"], "y": ["41.0 (+1.5)", None], "z": [1.25, float("nan")]}
    )
    text = pages.table(frame, caption=EVIL)
    assert "<script>" not in text and "<img" not in text and "\n\n" not in text
    assert "41.0<br><small>(+1.5)</small>" in text and text.count("<td>–</td>") == 2


def test_a_finding_is_what_a_study_says_last_before_its_check(tmp_path):
    cells = notebook()["cells"]
    cells[1]["outputs"][0]["text"] = f"{tables.STAMP} It helps: {EVIL}\nAnd more."
    late = {"cell_type": "markdown", "source": "## Check", "metadata": {}}
    cells += [late, cells[1] | {"outputs": [{"output_type": "stream", "name": "stdout",
                                             "text": "versions"}]}]  # fmt: skip
    found = rendered._closing(cells)
    assert found.endswith(EVIL) and "It helps" in found and "synthetic" not in found.lower()
    shown = rendered._plain(found)
    assert "\\<script\\>" in shown and not re.search(r"(?<!\\)<", shown)
    assert rendered._closing(cells[:1]) == ""
    assert rendered._verdicts(tmp_path) == ""
    rows = pd.DataFrame({"world": ["holds", "cannot tell", "holds"],
                         "real": ["not tested", "not tested", "holds"],
                         "by": ["scores", "records, scores", "records"],
                         "claim": ["a", "b", "c"]})  # fmt: skip
    rows = rows.loc[[0, 1, 1, 2]]  # two documents have one of the claims
    rows.to_csv(tmp_path / "ledger.csv")
    assert rendered._verdicts(tmp_path) == (
        'Of 3 claims (4 rows of five documents), 2 are about scores (synthetic world: 1 "holds", '
        '1 "cannot tell"; real data: 2 "not tested"). The others are about the study\'s design '
        'or published figures: 1 "holds".'
    )


def test_kept_notebooks_are_shown_with_their_tables(out, tmp_path, monkeypatch):
    home = tmp_path / "kept"
    monkeypatch.setattr(rendered, "SNAPSHOT", home)
    for folder in ("notebooks", "tables/core/claims", "source/files"):
        (home / folder).mkdir(parents=True)
    for stem, run in (("22_claims", "core/claims"), ("20_main_table", "core/main_table")):
        book = notebook()
        book["metadata"]["xstilts"] = {"run": run, "grid": "core"}
        (home / "notebooks" / f"{stem}.core.ipynb").write_text(json.dumps(book))
    rows = pd.DataFrame({"world": ["holds"], "real": ["not tested"], "by": ["scores"],
                         "claim": ["a"]})  # fmt: skip
    rows.to_csv(home / "tables" / "core" / "claims" / "ledger.csv")
    source, files = home / "source", home / "source" / "files"
    books = rendered.executed("other", ())
    assert list(books) == ["22_claims"]  # the main table is another grid's
    shown = rendered.placed("22_claims", books["22_claims"], source, files)
    assert shown.executed and shown.finding.startswith("Of 1 claims") and shown.question == "?"
    text = (source / "22_claims.ipynb").read_text("utf-8")
    assert "Run core/claims, grid core, kept in reports/snapshot." in text
    assert "files/22_claims/ledger.csv" in text and (files / "22_claims" / "ledger.csv").is_file()
    plain = rendered.placed("20_main_table", None, source, files, failed="no data")
    assert not plain.executed and not plain.finding
    assert "just now: no data" in (source / "20_main_table.ipynb").read_text("utf-8")


def gain(run, task) -> int:
    """mnli +4 on every task, in retrieval +10; its words shuffled +1."""
    retrieval = "target" not in run.params
    return {"none": 0, "mnli": 10 if retrieval else 4, "mnli-words": 1}[run.params["recipe"]]


def test_shares_add_up_and_a_control_is_held_against_its_task():
    grid = read(MINI)
    found = made.scores(grid, gain, noise=0)
    setting = grid.blocks[0].settings[0]
    columns = tables.columns(grid)
    averages = tables.averages(found, setting, columns)
    gains = paired.gains(averages)
    recipes = [grid.recipe(r) for r in grid.blocks[0].recipes]
    shares = points.shares(averages, columns, recipes)
    cells = tables.cells(averages, ["none", "mnli"], columns).set_index(["recipe", "column"])
    assert list(shares.index) == ["mnli"]
    assert shares.loc["mnli"].sum() == pytest.approx(cells.loc[("mnli", tables.WITH), "gain"])
    held = points.controls(gains, found, grid, setting, columns).set_index("control")
    assert held.loc["words shuffled", ["gain", "of"]].tolist() == pytest.approx(
        [1, shares.loc["mnli"].sum()])  # fmt: skip
    assert held.drop("words shuffled")["gain"].isna().all()
    assert f"over {len(columns)} tasks" in points_picture.told(shares, setting.name)
    said = points_picture.outcome(averages, columns, ["none", "mnli"], setting.name)
    one = f"{tables.signed(shares.loc['mnli'].sum())} points (after mnli)"
    assert said == (f"With {setting.name} the {tables.WITH} changes by {one} to {one}; 1 of "
                    "the 1 intervals (95 %) lie above zero and 0 below.")  # fmt: skip
    assert points_picture.outcome(averages, columns, ["none", "qqp"], setting.name) == ""
    lacks = tables.averages(found[found["task"] != "tatoeba"], setting, columns)
    assert points.shares(lacks, columns, recipes).isna().all(axis=None)  # as the mean in the table
    less = tables.averages(found[found["recipe"] != "mnli"], setting, columns)
    assert points.shares(less, columns, recipes).isna().all(axis=None)


def test_without_scores_all_is_drawn_as_not_measured(out, tmp_path, monkeypatch):
    monkeypatch.setattr(snapshot, "SNAPSHOT", tmp_path / "none")
    study = pages.Study(read(MINI), tmp_path)
    assert "no recipe has run on every task yet" in pages.headline(study)
    assert "–" in pages.main_tables(study) and plots.INK and pages.answer(study).strip() == ""


def test_pairs_of_sets_that_share_rows_are_told(tmp_path):
    rows = [("ccg>udpos", "overlap_whole", 5.6), ("ccg>udpos", "overlap_near", 6.0),
            ("mnli>xnli", "overlap_whole", 0.0), ("mnli>xnli", "overlap_near", 0.0)]  # fmt: skip
    measures = pd.DataFrame(rows, columns=["task", "measure", "value"])
    study = SimpleNamespace(found=SimpleNamespace(measures=measures), folder=tmp_path, stamp="")
    said = pages.seen(study)
    assert "Overlap in 1 of 2 pairs" in said and "ccg&gt;udpos" in said and "xnli" not in said
    study.found.measures = measures[:0]
    assert "Not measured" in pages.seen(study)
