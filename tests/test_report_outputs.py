"""The report notebooks on a small fixed Scores table, their outputs compared by nbval.

    python tests/test_report_outputs.py      writes expected/reports.json anew: look at the diff

The notebooks are committed without outputs; what they must print on this table is kept beside the
tests and put under their own cells, so that nbval compares the two. Pictures are not compared.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import pandas as pd
import pytest
from made import METRICS

from xstilts import scores
from xstilts.grid import plan
from xstilts.languages import languages
from xstilts.paths import NOTEBOOKS, ROOT
from xstilts.tasks import TASKS

NAMES = ("20_main_table", "21_per_language", "22_claims")
EXPECTED = Path(__file__).parent / "expected" / "reports.json"
GRID = """settings: [tiny-xlmr]
seeds: [1, 2, 3]
recipes: [none, mnli, squad_v1]
targets: [mnli, pawsx, udpos, panx, squad_v1, tydiqa]
retrieval: true
"""
PATCH = """# Read by every Python below: results are those of one table, not of run folders.
import os
if os.environ.get("FIXED_SCORES"):
    import pandas as pd
    from xstilts import scores, snapshot
    pd.set_option("display.width", 1000, "display.max_columns", 60)  # no number left out
    def collect(runs):
        found = scores.read(os.environ["FIXED_SCORES"])
        empty = pd.DataFrame(columns=list(scores.COLUMNS))
        missing = [r.id for r in runs if r.leaves == "scores" and r.id not in set(found["run"])]
        return snapshot.Collected(found, empty, empty, empty, missing, [], "a fixed table")
    snapshot.collect = collect
"""
CONFTEST = """from nbval.plugin import IPyNbFile
init = IPyNbFile.__init__
def only_text(self, *args, **more):
    init(self, *args, **more)
    self.skip_compare += ("text/html", "image/png")
IPyNbFile.__init__ = only_text
"""
SANITIZE = "[addresses]\nregex: 0x[0-9a-f]+\nreplace: 0x\n"


def table(grid: Path) -> pd.DataFrame:
    """Scores of every run but one, from 30 to 70, fixed by the run's and the language's name."""
    rows = []
    for run in plan(grid):
        if run.leaves != "scores" or run.id == "tiny-xlmr.s3/mnli/zero-udpos":
            continue
        target = run.params.get("target", "")
        tasks = run.grid.evaluated(target) if target else [TASKS["bucc2018"], TASKS["tatoeba"]]
        for task in tasks:
            own = dict(run.params, target=target, task=task.name, split="test", n=250, run=run.id)
            own |= {"suite": " ".join(task.langs), "selection": "fixed", "pooling": ""}
            own["layer"] = None if target else run.setting.layer
            rows += [own | {"lang": lang, "metric": metric,
                            "value": 30 + crc32(f"{run.id} {lang}".encode()) % 4000 / 100}
                     for lang in languages(task, "world")
                     for metric in METRICS[task.metric]]  # fmt: skip
    return pd.DataFrame(rows, columns=list(scores.COLUMNS)).astype({"layer": "Int64"})


def lay_out(folder: Path, names=NAMES) -> dict[str, str]:
    """Grid, table and notebooks with their expected outputs in `folder`; the environment."""
    (folder / "small.yaml").write_text(GRID)
    (folder / "sitecustomize.py").write_text(PATCH)
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "sanitize.cfg").write_text(SANITIZE)
    scores.write(folder / "scores.csv", table(folder / "small.yaml"))
    expected = json.loads(EXPECTED.read_text("utf-8")) if EXPECTED.is_file() else {}
    for name in names:
        book = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text("utf-8"))
        for cell in book["cells"]:
            text = "".join(cell["source"])
            if "parameters" in cell["metadata"].get("tags", ()):
                cell["source"] = 'grid: str = "small.yaml"'
            elif "open_run" in text or "run.save(" in text:  # paths, versions
                cell["metadata"]["tags"] = ["nbval-ignore-output"]
            if cell["cell_type"] == "code":
                cell["outputs"] = outputs(expected.get(name, {}).get(cell["id"], []))
                cell["execution_count"] = 1  # nbval takes outputs of a cell that has run
        (folder / f"{name}.ipynb").write_text(json.dumps(book), "utf-8")
    mine = {k: v for k, v in os.environ.items() if not k.startswith("XSTILTS_")}
    return mine | {"PYTHONPATH": f"{folder}:{ROOT}", "FIXED_SCORES": str(folder / "scores.csv"),
                   "XSTILTS_OUT": str(folder / "out")}  # fmt: skip


def outputs(kept: list) -> list[dict]:
    """What a cell printed (a text) or showed ([a text]), as a notebook has it."""
    return [{"output_type": "stream", "name": "stdout", "text": one} if isinstance(one, str) else
            {"output_type": "display_data", "metadata": {}, "data": {"text/plain": one[0]}}
            for one in kept]  # fmt: skip


def validate(folder: Path, names=NAMES, **more) -> subprocess.CompletedProcess:
    words = ["--nbval", "--nbval-sanitize-with", "sanitize.cfg", "-q", "-p", "no:cacheprovider",
             "--nbval-cell-timeout", "900"]  # fmt: skip
    books = [f"{name}.ipynb" for name in names]
    words = [sys.executable, "-m", "pytest", *words, *books]
    env = lay_out(folder, names) | more
    return subprocess.run(words, cwd=folder, text=True, capture_output=True, timeout=1800, env=env)


@pytest.mark.slow
def test_reports_say_what_they_said_on_a_fixed_table(tmp_path):
    done = validate(tmp_path)
    assert done.returncode == 0, done.stdout[-4000:]
    assert "passed" in done.stdout and "failed" not in done.stdout


@pytest.mark.slow
def test_one_changed_number_is_noticed(tmp_path):
    lay_out(tmp_path)
    rows = scores.read(tmp_path / "scores.csv")
    rows.loc[rows.index[-1], "value"] += 20.0
    scores.write(tmp_path / "changed.csv", rows)
    done = validate(tmp_path, ["20_main_table"], FIXED_SCORES=str(tmp_path / "changed.csv"))
    assert done.returncode == 1 and "Cell outputs differ" in done.stdout, done.stdout[-4000:]
    assert "Unrun reference" not in done.stdout


def rewrite(folder: Path) -> None:
    """Execute the notebooks on the table and keep what they say."""
    import nbformat
    from nbclient import NotebookClient

    os.environ.update(lay_out(folder))
    kept = {}
    for name in NAMES:
        book = nbformat.read(folder / f"{name}.ipynb", 4)
        NotebookClient(book, resources={"metadata": {"path": str(folder)}}).execute()
        code = [cell for cell in book.cells if cell.cell_type == "code"]
        kept[name] = {cell.id: [said(one) for one in cell.outputs if said(one)] for cell in code
                      if "nbval-ignore-output" not in cell.metadata.get("tags", ())}  # fmt: skip
    EXPECTED.parent.mkdir(exist_ok=True)
    EXPECTED.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")


def said(output):
    if output.output_type == "stream":
        return output.text
    return [output.data["text/plain"]] if "text/plain" in output.get("data", {}) else None


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as home:
        rewrite(Path(home))
