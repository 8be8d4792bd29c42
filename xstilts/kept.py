"""The executed notebooks that the snapshot keeps: phases as they ran, reports from its own rows."""

import base64
import json
import os
import shutil
import subprocess
import sys
from ast import literal_eval
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from xstilts.files import write_json
from xstilts.grid import Run, plan
from xstilts.gridfile import Grid, freeze, read
from xstilts.paths import NOTEBOOKS, runs_dir

TABLES = ("*.csv", "*.md", "*.tex", "*.svg")  # of what a report leaves in its `tables` folder
LARGEST = 100_000  # bytes of such a file; a larger picture or table is made again with its report
NOTED = ("tags", "kernelspec", "language_info")  # of a notebook's metadata


def execute(grid: Grid, run: Run, out: Path | None = None) -> str:
    """Execute one report in a process of its own, in `out` if given; "", or why it failed."""
    print(f"executing {run.notebook} ({grid.name}) ...", flush=True)
    where = {**os.environ, "XSTILTS_OUT": str(out or runs_dir())}
    with TemporaryDirectory() as home:
        frozen = Path(home, f"{grid.name}.json")  # for a kernel works in another folder
        write_json(frozen, freeze(grid))
        command = [sys.executable, "-m", "xstilts.execute", str(frozen), run.id]
        done = subprocess.run(command, capture_output=True, text=True, env=where)
    if not done.returncode:
        return ""
    why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    print(f"{run.notebook} failed: {why}", file=sys.stderr)
    return why


def reports(grids: Iterable, folder: Path) -> list[str]:
    """Execute the reports and studies of `grids` from the committed snapshot and keep them in
    `folder`; those that failed, whose earlier notebooks stay.

    They run where no run was ever made, so that they read the snapshot and nothing else.
    """
    failed = []
    for grid in map(read, grids):
        for run in (run for run in plan(grid) if run.leaves == "report"):
            with TemporaryDirectory() as home:
                if execute(grid, run, Path(home)):
                    failed.append(run.id)
                else:
                    keep(run, Path(home), folder)
    return failed


def unusual(run: Run) -> int:
    """How many parameters of a run differ from what its notebook has when opened by hand."""
    from papermill import inspect_notebook

    told = inspect_notebook(str(NOTEBOOKS / f"{run.notebook}.ipynb"))
    return sum(literal_eval(one["default"]) != run.params.get(name) for name, one in told.items())


def keep(run: Run, home: Path, folder: Path) -> None:
    """Put the executed notebook of `run`, and a report's tables, from `home` into a snapshot.

    It loses the traces of this machine, and its pictures all but 256 colours.
    """
    text = (home / run.id / "notebook.ipynb").read_text("utf-8").replace(str(home), "out")
    content = json.loads(text)
    for part in (content, *content["cells"]):
        part["metadata"] = {k: v for k, v in part["metadata"].items() if k in NOTED}
        for output in part.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = _smaller(data["image/png"])
    content["metadata"]["xstilts"] = {"run": run.id, "grid": run.grid.name}
    name = f"{run.notebook}.{run.grid.name}" if run.leaves == "report" else run.notebook
    write_json(folder / "notebooks" / f"{name}.ipynb", content)
    if run.leaves == "report":
        tables = folder / "tables" / run.id
        shutil.rmtree(tables, ignore_errors=True)
        tables.mkdir(parents=True)
        for path in (file for kind in TABLES for file in (home / run.id / "tables").glob(kind)):
            if path.stat().st_size <= LARGEST:
                shutil.copy(path, tables)


def _smaller(image: str) -> str:
    """A picture (PNG, base64) in 256 colours."""
    from PIL import Image

    file = BytesIO()
    picture = Image.open(BytesIO(base64.b64decode(image))).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(file, "png", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
