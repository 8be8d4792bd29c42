"""Executed notebooks as the site shows them: which, and made harmless.

Text of data sets is in their outputs, so nothing of these may act: tags that are not on the list
become text, kinds of output that could run are dropped.
"""

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from textwrap import shorten
from typing import NamedTuple

import bleach
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from xstilts.analysis.rulings import tally
from xstilts.files import read_record
from xstilts.grid import Run
from xstilts.paths import NOTEBOOKS, REPORTS, runs_dir
from xstilts.snapshot import SNAPSHOT
from xstilts.tables import STAMP

LEDGER = "22_claims"
OF_ONE_GRID = ("20_main_table", "21_per_language")  # never shown in place of another grid's
SHOWN = ("image/png", "text/plain", "text/html", "text/markdown")  # kinds of output
TAGS = frozenset(re.findall(r"\w+", "table thead tbody tfoot tr th td caption div span p br b i em "
                            "strong code pre ul ol li h2 h3 h4 small sub sup hr"))  # fmt: skip
STYLE = re.compile(r"<style.*?</style>", re.DOTALL | re.IGNORECASE)


class Shown(NamedTuple):
    """What a notebook says about itself; `finding` is empty if it was not executed."""

    title: str
    question: str
    finding: str
    executed: bool


def executed(grid: str, runs: Sequence[Run]) -> dict[str, Path]:
    """The notebooks to show: of a run of this grid, else of another, else the snapshot's."""
    found: dict[str, Path] = {}
    mine = [runs_dir() / run.id for run in reversed(runs)]
    others = [path.parent for path in sorted(runs_dir().glob("*/*/run.json"))]  # reports
    for folder in (*mine, *others):
        path, stem = folder / "notebook.ipynb", read_record(folder).get("notebook")
        if stem and path.is_file() and (folder in mine or stem not in OF_ONE_GRID):
            found.setdefault(stem, path)
    kept = sorted(SNAPSHOT.glob("notebooks/*.ipynb"))
    for path in sorted(kept, key=lambda path: path.suffixes[0] != f".{grid}"):
        stem, _, other = path.stem.partition(".")
        if other in ("", grid) or stem not in OF_ONE_GRID:
            found.setdefault(stem, path)
    return found


def placed(stem: str, path: Path | None, source: Path, files: Path, failed: str = "") -> Shown:
    """Put the executed notebook at `path`, or else the plain one, into `source`, its tables below
    `files`; `failed` says why it could not be executed just now."""
    content = _read(path or NOTEBOOKS / f"{stem}.ipynb")
    tables, note = files / "none", "Not executed: what follows is the notebook without results."
    if path and (by := content["metadata"].get("xstilts")):
        tables = SNAPSHOT / "tables" / by["run"]
        note = f"Run {by['run']}, grid {by['grid']}, kept in reports/snapshot."
    elif path:
        run, tables = path.parent.relative_to(runs_dir()), path.parent / "tables"
        note = f"Run {run}, finished {read_record(path.parent)['finished']}."
    note = f"It could not be executed just now: {failed}" if failed else note
    cells = _clean(content)
    told = {"cell_type": "markdown", "id": "xstilts-note", "metadata": {},
            "source": f"*{escape(note)}*{_taken(tables, files / stem)}"}  # fmt: skip
    content["cells"] = [*cells[:1], told, *cells[1:]]
    (source / f"{stem}.ipynb").write_text(json.dumps(content), "utf-8")
    first = cells[0]["source"]
    title = first.splitlines()[0].lstrip("# ")
    question = re.search(r"\*\*(.+?)\*\*", first, re.DOTALL)
    finding = _verdicts(tables) if stem == LEDGER else _closing(cells)
    return Shown(title, question.group(1) if question else "", finding, bool(path))


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


def _verdicts(folder: Path) -> str:
    """How the claims of the ledger in `folder` came out, those about scores by themselves; a claim
    of several documents counts once."""
    if not (folder / "ledger.csv").is_file():
        return ""
    rows = pd.read_csv(folder / "ledger.csv")
    claims = rows.drop_duplicates("claim")
    scored = claims["by"].str.contains("scores")
    told = {side: tally(claims.loc[scored, side]) for side in ("world", "real")}
    return (f"Of {len(claims)} claims ({len(rows)} rows of five documents), {scored.sum()} are "
            f"about scores (synthetic world: {told['world']}; real data: {told['real']}). The "
            "others are about the study's design or published figures: "
            f"{tally(claims.loc[~scored, 'real'])}.")  # fmt: skip


def _read(path: Path) -> dict:
    """A notebook without the name of this machine's folder."""
    return json.loads(path.read_text("utf-8").replace(str(runs_dir()), runs_dir().name))


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


def _taken(folder: Path, files: Path) -> str:
    """Links to a report's tables and pictures, which are put into `files`."""
    links = []
    for file in sorted(folder.glob("*")):
        if file.suffix in (".csv", ".tex", ".svg", ".pdf"):
            files.mkdir(exist_ok=True)
            shutil.copy(file, files)
            name = escape(file.name)
            links.append(f'<a href="files/{files.name}/{name}" download>{name}</a>')
    return f"\n\n<p>To take away: {' · '.join(links)}</p>" if links else ""


def _plain(text: str) -> str:
    """Text in which no character means anything to Markdown or HTML."""
    return re.sub(r"([\\`*_{}\[\]<>#|~$!])", r"\\\1", text)


def filled(page: str, values: Mapping) -> str:
    """A template of `reports/pages` with its values."""
    templates = Environment(loader=FileSystemLoader(REPORTS / "pages"), trim_blocks=True,
                            lstrip_blocks=True, undefined=StrictUndefined)  # fmt: skip
    templates.filters["plain"] = _plain
    return templates.get_template(page).render(values)


def run_page(path: Path, page: Path, name: str, stamp: str) -> None:
    """The executed notebook of a run as one small page, unless it is there already."""
    if page.is_file() and page.stat().st_mtime >= path.stat().st_mtime:
        return
    import nbformat
    from nbconvert import HTMLExporter

    content = _read(path)
    _clean(content)
    notebook = nbformat.from_dict(content)
    body, _ = HTMLExporter(template_name="basic").from_notebook_node(notebook)
    page.parent.mkdir(parents=True, exist_ok=True)
    values = {"title": name, "stamp": stamp, "body": body}
    page.write_text(filled("run.html", values), "utf-8")
