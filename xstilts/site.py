"""The published report: a site to read from a folder, built with Sphinx from what runs have left.

    python -m xstilts.site core README.md    puts that grid's table and picture into a page

`build` writes pages and notebooks, and Sphinx makes of them `reports/site/index.html`.
Figures come from run folders or, where nothing was run, from `reports/snapshot`. Nothing that is
read is loaded from a network, and no data set's text becomes part of a page as anything but text.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from xstilts import pages, report, snapshot
from xstilts.files import read_record
from xstilts.grid import Run, plan
from xstilts.gridfile import STUDIES, Grid, read, restrict
from xstilts.kept import execute
from xstilts.pages import Study
from xstilts.paths import NOTEBOOKS, REPORTS, BadInput, UserError, runs_dir
from xstilts.provenance import standing
from xstilts.rendered import LEDGER, Shown, placed, run_page
from xstilts.snapshot import SNAPSHOT

MARK = "_static/xstilts.css"  # what says that a folder is such a site
NUMBERED = "[0-9][0-9]_*.ipynb"


def build(grid, out: Path | None = None, redo: bool = True) -> Path:
    """Build the site of `grid` in `out` (by default `reports/site`); its first page.

    `redo`: the grid's reports and studies are executed first where runs are newer than they are.
    """
    grid, out = read(grid), out or REPORTS / "site"
    if out.exists() and any(out.iterdir()) and not (out / MARK).is_file():
        raise BadInput(f"{out} has other things than a site in it: choose another folder")
    runs = plan(grid)
    with TemporaryDirectory() as home:
        source, made = Path(home, "pages"), Path(home, "site")
        files = source / "extra" / "files"
        files.mkdir(parents=True)
        study = Study(grid, snapshot.collect(runs), files)
        here = study.found.source.startswith("runs")
        failed = _refreshed(grid, runs) if redo and here else {}
        states, records = _standing(runs, here)
        linked = {run.id: f"runs/{run.id.replace('/', '--')}.html" for run in runs
                  if here and run.leaves != "report" and run.id in records
                  and (runs_dir() / run.id / "notebook.ipynb").is_file()}  # fmt: skip
        shown = {path.stem: placed(path.stem, runs, source, files, failed)
                 for path in sorted(NOTEBOOKS.glob(NUMBERED))}  # fmt: skip
        for name, words in _words(study, runs, states, records, linked, shown).items():
            (source / f"{name}.md").write_text(words, "utf-8")
        _emptied(out, set(linked.values()))
        _sphinx(source, made, study.stamp)  # which leaves files beside it
        shutil.copytree(made, out, dirs_exist_ok=True)
    for name, page in linked.items():
        run_page(runs_dir() / name / "notebook.ipynb", out / page, name, study.stamp)
    return out / "index.html"


def _emptied(out: Path, kept: set[str]) -> None:
    """Remove what an earlier grid left in `out`; pages of runs that stay are not made again."""
    for path in sorted(out.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and str(path.relative_to(out)) not in kept:
            path.unlink()


def _refreshed(grid: Grid, runs: Iterable[Run]) -> dict[str, str]:
    """Execute reports that are older than the runs they read; {notebook: why it failed}."""
    made = [runs_dir() / run.id / "run.json" for run in runs if run.leaves != "report"]
    newest = max((path.stat().st_mtime for path in made if path.is_file()), default=0)
    failed = {}
    for run in (run for run in runs if run.leaves == "report"):
        record = runs_dir() / run.id / "run.json"
        newest_here = max(newest, (NOTEBOOKS / f"{run.notebook}.ipynb").stat().st_mtime)
        if record.is_file() and record.stat().st_mtime >= newest_here:
            continue
        if why := execute(grid, run):
            failed[run.notebook] = why
    return failed


def _standing(runs, here: bool) -> tuple[dict[str, str], dict[str, dict]]:
    """({run id: "done", "missing" or "stale: why"}, {run id: its record})."""
    runs = [run for run in runs if run.leaves != "report"]
    if not here:
        rows = snapshot.load(SNAPSHOT, "runs").to_dict("records")
        records = {row["run"]: row for row in rows}
        return {r.id: "done" if r.id in records else "missing" for r in runs}, records
    words = {"": "done", "missing": "missing", "damaged": "missing"}
    found = standing(runs)
    states = {name: words.get(why.partition(" ")[0], f"stale: {why}")
              for name, why in found.items()}  # fmt: skip
    return states, {r.id: record for r in runs if (record := read_record(runs_dir() / r.id))}


def _controls(study: Study) -> Study:
    """The grid of controls for a setting of its own, or else the study itself."""
    arms = read("arms")
    own = [name for name, s in arms.used.items() if study.settings.get(name) == s]
    if study.grid.name == arms.name or not own:
        return study
    arms = restrict(arms, own)
    return Study(arms, snapshot.collect(plan(arms)), study.folder)


def _words(study: Study, runs, states, records, linked, shown) -> dict[str, str]:
    """{page: its Markdown}, from the templates in `reports/pages`."""
    planned = [run for run in runs if run.leaves != "report"]
    summary, every_run = pages.runs(study, states, records, linked, planned)
    small, figures = pages.by_language(study)
    found = study.found
    source = found.source.replace(str(runs_dir()), runs_dir().name)
    evidence = [f"Grid `{study.grid.name}`, {source}: {summary}."]
    if found.missing:
        evidence += [f"{len(found.missing)} evaluations are missing: their cells are empty."]
    if found.stale:
        evidence += ["Made with other code, data or numbers than there are now, and therefore left "
                     "out:", "\n".join(f"- {name}" for name in found.stale)]  # fmt: skip
    values = {
        "stamp_line": f"*{study.stamp}*" if study.stamp else "",
        "pictures": pages.headline(study, _controls(study)),
        "main_tables": pages.main_tables(study),
        "findings": "\n".join(
            f"- [{one.title}]({stem}): {_plain(one.finding)}" if one.finding else
            f"- [{one.title}]({stem}): *not run*" for stem, one in shown.items()
            if stem == LEDGER or stem in STUDIES.values()),
        "claims_entry": f"Claims <{LEDGER}>" if LEDGER in shown else "",
        "evidence": "\n\n".join(evidence), "summary": f"{summary}; {source}.", "table": every_run,
        "hyper": pages.hyper(study), "data": pages.data(study),
        "data_line": "In the synthetic world every task is generated, under this package's own "
                     "licence (Apache 2.0). On real data, these are read; ask the licence at its "
                     "source before you pass anything on, since most are recalled here.",
    }  # fmt: skip
    made = {name: _filled(name, values) for name in ("index", "methods", "runs")}
    values |= {"pictures": small, "table": figures, "world": pages.world_languages(study)}
    made["languages"] = _filled("languages", values)
    lists = {
        "phases": ("Phases", "How a run comes about, one notebook a phase.", "0189"),
        "studies": ("Studies", "One question each, read from the same tables of scores.", "12"),
    }
    for name, (title, intro, numbers) in lists.items():
        own = [stem for stem in shown if stem[0] in numbers and stem not in TOP]
        own = [s for s in own if (name == "studies") == (11 <= int(s[:2]) < 30)]
        lines = [_entry(stem, shown[stem]) for stem in own]
        entries = {"title": title, "intro": intro, "entries": "\n".join(lines),
                   "names": "\n".join(own)}  # fmt: skip
        made[name] = _filled("list", entries)
    return made


def _entry(stem: str, one: Shown) -> str:
    """A line that leads to a notebook, with what a study found."""
    found = f"\n\n  *{_plain(one.finding)}*" if one.finding and stem in STUDIES.values() else ""
    return f"- [{one.title}]({stem}): {one.question}{'' if one.executed else ' *(not run)*'}{found}"


def _plain(text: str) -> str:
    """Text in which no character means anything to Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$!])", r"\\\1", text)


TOP = ("20_main_table", LEDGER)  # notebooks that the first page leads to


def _filled(name: str, values: dict[str, str]) -> str:
    text = (REPORTS / "pages" / f"{name}.md").read_text("utf-8")
    return re.sub(r"\{\{ (\w+) \}\}", lambda found: values[found.group(1)], text)


def _sphinx(source: Path, out: Path, stamp: str) -> None:
    """Sphinx in a process of its own; its warnings are passed on."""
    words = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-E",
             "-c", str(REPORTS), "-d", str(source / "doctrees"), "-D",
             f"html_extra_path={source / 'extra'}",
             *(["-D", f"html_theme_options.announcement={stamp}"] if stamp else []),
             str(source), str(out)]  # fmt: skip
    language = {**os.environ, "LC_ALL": "C.UTF-8"}
    done = subprocess.run(words, capture_output=True, text=True, env=language)
    if done.returncode:
        raise UserError(f"Sphinx could not build the site: {done.stderr.strip()[-1500:]}")
    if done.stderr.strip():
        print(done.stderr.strip(), file=sys.stderr)


def quote(grid: str) -> str:
    """The headline picture and the main tables of a grid, for a page on a forge."""
    folder = SNAPSHOT / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    study = Study(read(grid), snapshot.collect(plan(grid)), folder)
    return pages.markdown(study, _controls(study))


if __name__ == "__main__":
    report.program(quote)
