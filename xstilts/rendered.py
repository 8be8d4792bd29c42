"""Executed notebooks as the site shows them: which, and made harmless.

Text of data sets is in their outputs, so nothing of these may act: tags that are not on the list
become text, kinds of output that could run are dropped.
"""

import json
import re
import shutil
from collections.abc import Iterable
from html import escape
from pathlib import Path
from textwrap import shorten
from typing import NamedTuple

import bleach
import pandas as pd

from xstilts.files import read_record
from xstilts.grid import Run
from xstilts.paths import NOTEBOOKS, runs_dir
from xstilts.snapshot import SNAPSHOT
from xstilts.tables import STAMP

LEDGER = "22_claims"
OF_ONE_GRID = ("20_main_table", "21_per_language")  # never shown in place of another grid's

SHOWN = ("image/png", "text/plain", "text/html", "text/markdown")  # kinds of output
TAGS = frozenset(re.findall(r"\w+", "table thead tbody tfoot tr th td caption div span p br b i em "
                            "strong code pre ul ol li h2 h3 h4 small sub sup hr"))  # fmt: skip
STYLE = re.compile(r"<style.*?</style>", re.DOTALL | re.IGNORECASE)
RUN_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root {{ color-scheme: light dark }}
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 1rem auto; max-width: 60rem; padding: 0 1rem
}}
img {{ max-width: 100%; height: auto; background: #fff }}
pre, .output, .jp-OutputArea {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-size: .85rem }} td, th {{ padding: .2rem .5rem }}
</style></head><body><p><a href="{home}">all runs</a> · {stamp}</p>
<main>{body}</main></body></html>
"""


class Shown(NamedTuple):
    """What a notebook says about itself; `finding` is empty if it was not executed."""

    title: str
    question: str
    finding: str
    executed: bool


def placed(stem: str, runs: Iterable[Run], source: Path, files: Path, failed) -> Shown:
    """Put an executed notebook, or else the plain one, into `source`.

    `runs` are those of the grid; tables and pictures of a report go to `files`, in a folder of
    their own.
    """
    path, kept, note = _executed(stem, runs)
    content = _read(path or NOTEBOOKS / f"{stem}.ipynb")
    if stem in failed:
        note = f"It could not be executed just now: {failed[stem]}"
    cells = _clean(content)
    told = {"cell_type": "markdown", "id": "xstilts-note", "metadata": {},
            "source": f"*{escape(note)}*{_taken(kept, files / stem)}"}  # fmt: skip
    content["cells"] = [*cells[:1], told, *cells[1:]]
    (source / f"{stem}.ipynb").write_text(json.dumps(content), "utf-8")
    first = "".join(cells[0]["source"])
    title = first.splitlines()[0].lstrip("# ")
    question = re.search(r"\*\*(.+?)\*\*", first, re.DOTALL)
    found = _verdicts(kept) if stem == LEDGER else _closing(cells)
    return Shown(title, question.group(1) if question else "", found, path is not None)


def _closing(cells: list[dict]) -> str:
    """The first line of what a study prints last before its Check."""
    said = ""
    for cell in cells:
        if cell["source"].startswith("## Check"):
            break
        printed = (o["text"] for o in cell.get("outputs", ()) if o.get("name") == "stdout")
        said = "".join(printed) or said
    lines = said.replace(STAMP, "").strip().splitlines()
    return shorten(lines[0], 300, placeholder=" …") if lines else ""


def _verdicts(folder: Path | None) -> str:
    """How many rows of the ledger in `folder` hold, do not, cannot be told, were not tested."""
    if not folder or not (folder / "ledger.csv").is_file():
        return ""
    rows = pd.read_csv(folder / "ledger.csv")
    told = {side: ", ".join(f"{n} {verdict}" for verdict, n in rows[side].value_counts().items())
            for side in ("world", "real")}  # fmt: skip
    return f"Of {len(rows)} rows, in the world: {told['world']}; on real data: {told['real']}."


def _read(path: Path) -> dict:
    """A notebook without the name of this machine's folder."""
    return json.loads(path.read_text("utf-8").replace(str(runs_dir()), runs_dir().name))


def _executed(stem: str, runs: Iterable[Run]) -> tuple[Path | None, Path | None, str]:
    """The executed notebook to show, the folder of its tables, and where it comes from.

    This grid's before that of another, then one opened by hand, then the snapshot's.
    """
    runs = list(runs)
    grid = runs[0].grid.name if runs else ""
    mine = [r.id for r in reversed(runs) if r.notebook == stem]
    others = [path.parent for depth in ("*/*", "scratch/*", "scratch/*/*", "scratch/*/*/*")
              for path in sorted(runs_dir().glob(f"{depth}/run.json"))]  # fmt: skip
    alone = stem in OF_ONE_GRID
    for folder in (*(runs_dir() / name for name in mine), *(() if alone else others)):
        record, path = read_record(folder), folder / "notebook.ipynb"
        if record.get("notebook") == stem and path.is_file():
            name = folder.relative_to(runs_dir())
            return path, folder / "tables", f"Run {name}, finished {record['finished']}."
    names = [f"{stem}.{grid}", *(() if alone else (stem, f"{stem}.*"))]
    kept = [path for name in names for path in sorted(SNAPSHOT.glob(f"notebooks/{name}.ipynb"))]
    for path in kept[:1]:
        told = json.loads(path.read_text("utf-8"))["metadata"]["xstilts"]
        folder = SNAPSHOT / "tables" / told["run"]
        return path, folder, f"Run {told['run']}, grid {told['grid']}, kept in reports/snapshot."
    return None, None, "Not executed: what follows is the notebook without results."


def _clean(content: dict) -> list[dict]:
    """Its cells with code folded, pictures described, and no output that could act."""
    heading = ""
    for cell in content["cells"]:
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            found = re.findall(r"^#+ (.+)$", cell["source"], re.MULTILINE)
            heading = found[-1] if found else heading
            continue
        tags = [*cell["metadata"].get("tags", []), "hide-input"]
        cell["metadata"] |= {"tags": tags, "mystnb": {"image": {"alt": f"picture: {heading}"}}}
        cell["outputs"] = [one for one in map(_harmless, cell.get("outputs", ())) if one]
    return content["cells"]


def _harmless(output: dict) -> dict | None:
    """An output without what could act; None if nothing is left to show."""
    if output["output_type"] == "stream":
        text = "".join(output["text"])
        return output | {"text": text} if text.strip() else None
    if "data" not in output:
        return output
    data = {kind: "".join(text) for kind, text in output["data"].items() if kind in SHOWN}
    for kind in data.keys() & {"text/html", "text/markdown"}:
        text = STYLE.sub("", data[kind])
        data[kind] = bleach.clean(text, TAGS, {"*": ["class", "colspan", "rowspan"]})
    return output | {"data": data} if data else None


def _taken(folder: Path | None, files: Path) -> str:
    """Links to a report's tables and pictures, which are put into `files`."""
    found = sorted(folder.glob("*")) if folder else []
    links = []
    for file in (f for f in found if f.suffix in (".csv", ".tex", ".svg", ".pdf")):
        files.mkdir(exist_ok=True)
        shutil.copy(file, files / file.name)
        name = escape(file.name)
        links.append(f'<a href="files/{files.name}/{name}" download>{name}</a>')
    return f"\n\n<p>To take away: {' · '.join(links)}</p>" if links else ""


def run_page(path: Path, page: Path, name: str, stamp: str) -> None:
    """The executed notebook of a run as one small page, unless it is there already."""
    if page.is_file() and page.stat().st_mtime >= path.stat().st_mtime:
        return
    import nbformat
    from nbconvert import HTMLExporter

    content = _read(path)
    content["cells"] = _clean(content)
    exporter = HTMLExporter(template_name="basic")
    body, _ = exporter.from_notebook_node(nbformat.from_dict(content))
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(RUN_PAGE.format(title=escape(name), home="../runs.html", stamp=stamp,
                                    body=body), "utf-8")  # fmt: skip
