"""The notebooks as they are committed, on real models: no stub, nothing stands in.

A grid at its smallest through `xstilts run`, and the two notebooks that belong to no grid under
nbval, as a person or another tool would execute them.
"""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest
from conftest import SMALLEST

from xstilts.paths import NOTEBOOKS, ROOT
from xstilts.tasks import TASKS

GRID = f"""
{SMALLEST}
seeds: [1]
recipes: [none, {{name: both, tasks: [mnli, squad_v1], epochs: 1}}]
targets: [mnli, udpos, squad_v1, copa, lareqa]
retrieval: true
reports: [main_table, per_language]
"""


def call(words, out, timeout=900):
    """`python -m ...` in the checkout, writing to `out`."""
    own = {name: text for name, text in os.environ.items() if not name.startswith("XSTILTS_")}
    return subprocess.run(
        [sys.executable, "-m", *map(str, words)], cwd=ROOT, text=True, capture_output=True,
        timeout=timeout, env=own | {"XSTILTS_OUT": str(out), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """The grid run once: its output folder and what it said."""
    home = tmp_path_factory.mktemp("end")
    (home / "smallest.yaml").write_text(GRID)
    return home / "out", call(["xstilts", "run", home / "smallest.yaml"], home / "out")


def test_every_run_of_the_smallest_grid_ends_well(done):
    out, first = done
    assert first.returncode == 0, first.stdout + first.stderr
    assert "25 of 25 runs are done" in first.stdout
    books = [json.loads(path.read_text("utf-8")) for path in out.glob("*.s1/*/*/notebook.ipynb")]
    assert len(books) == 23
    for book in books:
        cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
        assert all(cell["execution_count"] for cell in cells)
        assert any("image/png" in o.get("data", {}) for cell in cells for o in cell["outputs"])


def test_its_scores_cover_every_task_it_trained_for(done):
    scores = pd.concat(pd.read_csv(path) for path in done[0].glob("*.s1/*/zero-*/scores.csv"))
    read = {name for name, task in TASKS.items() if {"mnli", "udpos", "squad_v1", "copa", "lareqa"}
            & set(task.train.values())}  # fmt: skip
    assert set(scores["task"]) == read
    assert scores["value"].between(0, 100).all()
    assert scores.groupby("task")["lang"].nunique().min() > 5


@pytest.mark.parametrize("name", ["00_tour", "01_prepare_encoder"])
def test_by_hand_under_nbval(name, tmp_path):
    words = ["pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", NOTEBOOKS / f"{name}.ipynb"]
    found = call(words, tmp_path / "out")
    assert found.returncode == 0, found.stdout[-3000:]
