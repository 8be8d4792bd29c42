"""The published report: a site to read from a folder, built with Sphinx from what runs have left.

    python -m xstilts.site core README.md    puts that grid's table, and its picture, into a page

`build` writes pages and notebooks, and Sphinx makes of them `reports/site/index.html`.
Figures come from run folders or, where nothing was run, from `reports/snapshot`. Nothing that is
read is loaded from a network, and no data set's text becomes part of a page as anything but text.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from xstilts import pages, report, snapshot
from xstilts.files import read_record
from xstilts.grid import Run, plan
from xstilts.gridfile import STUDIES, Grid, read
from xstilts.kept import execute
from xstilts.pages import Study
from xstilts.paths import NOTEBOOKS, REPORTS, BadInput, MissingData, UserError, runs_dir
from xstilts.provenance import standing
from xstilts.rendered import LEDGER, Shown, executed, filled, placed, run_page

MARK = "_static/xstilts.css"  # what says that a folder is such a site
NUMBERED = "[0-9][0-9]_*.ipynb"
TOP = ("20_main_table", LEDGER)  # notebooks that the first page leads to
BESIDE = ("21_per_language",)  # shown beside the studies
PAGES = ("index", "languages", "methods", "phases", "studies", "runs")  # templates


def build(grid, out: Path | None = None) -> Path:
    """Build the site of `grid` in `out` (by default `reports/site`); its first page.

    The grid's reports and studies are executed first where runs are newer than they are.
    """
    grid, out = read(grid), out or REPORTS / "site"
    if out.exists() and any(out.iterdir()) and not (out / MARK).is_file():
        raise BadInput(f"{out} has other things than a site in it: choose another folder")
    every = plan(grid)
    runs = [run for run in every if run.leaves != "report"]
    with TemporaryDirectory() as home:
        source, files = Path(home, "pages"), Path(home, "extra", "files")
        source.mkdir()
        files.mkdir(parents=True)
        study = Study(grid, files)
        here = study.found.source.startswith("runs")
        failed = _refreshed(grid, every) if here else {}
        known = _known(runs, here)
        linked = {name: f"runs/{name.replace('/', '--')}.html" for name, own in known.items()
                  if here and "key" in own and _notebook(name).is_file()}  # fmt: skip
        books = executed(grid.name, every)
        shown = {stem: placed(stem, books.get(stem), source, files, failed.get(stem, ""))
                 for stem in sorted(path.stem for path in NOTEBOOKS.glob(NUMBERED))}  # fmt: skip
        for name, text in _pages(study, known, linked, shown).items():
            (source / f"{name}.md").write_text(text, "utf-8")
        made = _sphinx(Path(home), study.stamp)
        for path in out.rglob("*"):  # what an earlier grid left; pages of runs are not made again
            if path.is_file() and str(path.relative_to(out)) not in linked.values():
                path.unlink()
        shutil.copytree(made, out, dirs_exist_ok=True)
    for name, page in linked.items():
        run_page(_notebook(name), out / page, name, study.stamp)
    return out / "index.html"


def _notebook(run: str) -> Path:
    return runs_dir() / run / "notebook.ipynb"


def _refreshed(grid: Grid, runs: Iterable[Run]) -> dict[str, str]:
    """Execute reports that are older than the runs they read; {notebook: why it failed}."""
    newest = max((_ended(run) for run in runs if run.leaves != "report"), default=0)
    failed = {}
    for run in (run for run in runs if run.leaves == "report"):
        changed = (NOTEBOOKS / f"{run.notebook}.ipynb").stat().st_mtime
        if _ended(run) < max(newest, changed) and (why := execute(grid, run)):
            failed[run.notebook] = why
    return failed


def _ended(run: Run) -> float:
    record = runs_dir() / run.id / "run.json"
    return record.stat().st_mtime if record.is_file() else 0


def _known(runs: Iterable[Run], here: bool) -> dict[str, dict]:
    """{run id: what its record says, `notebook` and `state`: "done", "missing" or "stale: why"}."""
    if here:
        states = standing(runs)
        records = {run.id: read_record(runs_dir() / run.id) for run in runs}
    else:
        records = snapshot.load("runs").set_index("run").to_dict("index")
        states = {run.id: "" if run.id in records else "missing" for run in runs}
    words = {"": "done", "missing": "missing", "damaged": "missing"}
    return {run.id: {"notebook": run.notebook} | records.get(run.id, {})
            | {"state": words.get(states[run.id].partition(" ")[0], f"stale: {states[run.id]}")}
            for run in runs}  # fmt: skip


def _pages(study: Study, known: dict[str, dict], linked: dict[str, str],
           shown: dict[str, Shown]) -> dict[str, str]:  # fmt: skip
    """{page: its Markdown}, from the templates in `reports/pages`."""
    found, studies = study.found, [*STUDIES.values()]
    summary, runs = pages.runs(study, known, linked)
    multiples, figures = pages.by_language(study)
    values = {
        "grid": study.grid.name, "stamp": study.stamp, "missing": found.missing,
        "source": study.source, "stale": found.stale,
        "summary": summary, "runs": runs, "multiples": multiples, "figures": figures,
        "answer": pages.answer(study), "headline": pages.headline(study),
        "main_tables": pages.main_tables(study),
        "hyper": pages.hyper(study), "data": pages.data(study), "seen": pages.seen(study),
        "faults": (REPORTS / "snapshot" / "faults.txt").read_text("utf-8"),
        "world": pages.world_languages(study), "shown": shown, "ledger": LEDGER,
        "studies": studies, "reports": [s for s in shown if s in (*studies, *BESIDE)],
        "phases": [s for s in shown if s not in (*studies, *BESIDE, *TOP)],
    }  # fmt: skip
    return {name: filled(f"{name}.md", values) for name in PAGES}


def _sphinx(home: Path, stamp: str) -> Path:
    """What Sphinx makes of `home`, in a process of its own; its warnings are passed on."""
    words = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-E", "-c", str(REPORTS),
             "-d", str(home / "doctrees"), "-D", f"html_extra_path={home / 'extra'}",
             *(["-D", f"html_theme_options.announcement={stamp}"] if stamp else []),
             str(home / "pages"), str(home / "site")]  # fmt: skip
    language = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(words, capture_output=True, text=True, env=language)
    if done.returncode:
        raise UserError(f"Sphinx could not build the site: {done.stderr.strip()[-1500:]}")
    print(done.stderr, end="", file=sys.stderr)
    return home / "site"


def quote(grid: str) -> str:
    """The main tables of a grid and, if the snapshot has it, the headline picture."""
    study = Study(read(grid), snapshot.SNAPSHOT / "figures")
    if study.found.scores.empty:
        raise MissingData(f"no scores of grid {grid}: first `xstilts run {grid}`")
    return pages.markdown(study)


if __name__ == "__main__":
    report.program(quote)
