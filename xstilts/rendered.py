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

import bleach

from xstilts.files import read_record
from xstilts.grid import Run
from xstilts.paths import NOTEBOOKS, runs_dir
from xstilts.snapshot import SNAPSHOT

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


def placed(stem: str, runs: Iterable[Run], source: Path, files: Path, failed) -> tuple:
    """Put an executed notebook, or else the plain one, into `source`: (title, question, run?).

    `runs` are those of the grid; tables and pictures of a report go to `files`.
    """
    path, note = _executed(stem, runs)
    content = _read(path or NOTEBOOKS / f"{stem}.ipynb")
    if stem in failed:
        note = f"It could not be executed just now: {failed[stem]}"
    cells = _clean(content)
    told = {"cell_type": "markdown", "id": "xstilts-note", "metadata": {},
            "source": f"*{escape(note)}*{_taken(path, files)}"}  # fmt: skip
    content["cells"] = [*cells[:1], told, *cells[1:]]
    (source / f"{stem}.ipynb").write_text(json.dumps(content), "utf-8")
    first = "".join(cells[0]["source"])
    title = first.splitlines()[0].lstrip("# ")
    question = re.search(r"\*\*(.+?)\*\*", first, re.DOTALL)
    return title, question.group(1) if question else "", path is not None


def _read(path: Path) -> dict:
    """A notebook without the name of this machine's folder."""
    return json.loads(path.read_text("utf-8").replace(str(runs_dir()), runs_dir().name))


def _executed(stem: str, runs: Iterable[Run]) -> tuple[Path | None, str]:
    """The executed notebook to show, and where it comes from.

    This grid's before that of another, then one opened by hand, then the snapshot's. A report on
    a whole grid is never another grid's.
    """
    runs = list(runs)
    grid = runs[0].grid.name if runs else ""
    mine = [r.id for r in reversed(runs) if r.notebook == stem]
    others = [path.parent for depth in ("*/*", "scratch/*", "scratch/*/*", "scratch/*/*/*")
              for path in sorted(runs_dir().glob(f"{depth}/run.json"))]  # fmt: skip
    whole = stem.startswith("2")
    for folder in (*(runs_dir() / name for name in mine), *(() if whole else others)):
        record = read_record(folder)
        if record.get("notebook") == stem and (folder / "notebook.ipynb").is_file():
            name = folder.relative_to(runs_dir())
            return folder / "notebook.ipynb", f"Run {name}, finished {record['finished']}."
    names = [f"{stem}.{grid}", *(() if whole else (stem, f"{stem}.*"))]
    kept = [path for name in names for path in sorted(SNAPSHOT.glob(f"notebooks/{name}.ipynb"))]
    if kept:
        run = json.loads(kept[0].read_text("utf-8"))["metadata"]["xstilts"]["run"]
        return kept[0], f"Run {run}, kept in reports/snapshot."
    return None, "Not executed: what follows is the notebook without results."


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


def _taken(path: Path | None, files: Path) -> str:
    """Links to a report's tables and pictures, which are put among the site's files."""
    found = sorted((path.parent / "tables").glob("*")) if path else []
    links = []
    for file in (f for f in found if f.suffix in (".csv", ".tex", ".svg", ".pdf")):
        shutil.copy(file, files / file.name)
        links.append(f'<a href="files/{escape(file.name)}" download>{escape(file.name)}</a>')
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
