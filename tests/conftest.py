"""What several tests share: a checkout of its own whose notebooks do next to nothing."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from xstilts.paths import PACKAGE, ROOT

settings.register_profile("untimed", deadline=None, print_blob=True)  # machines may be busy
settings.load_profile("untimed")
SHARED = ROOT.parent / "shared"

SMALLEST = """settings:  # a grid's beginning: real training, as little as there can be
  - name: smallest
    encoder: tiny-mbert
    data: world
    layer: 4
    budget:
      intermediate: &few {examples: 48, epochs: 1, eval_examples: 16, evaluate_every: 1, lr: 0.0003,
                          tokens: 2048, max_len: 192}
      target: *few
      evaluate: {examples: 6}"""
TRAIN = """
model = run.folder("model")
model.mkdir(exist_ok=True)
start = run.need("encoder")
(model / "story.txt").write_text(f"{start.name} {run.id}")
run.save(curve=[{"step": 1, "loss": 0.5}], dev={"accuracy": 50.0 + run.params["seed"]})
"""
SCORE = """
import pandas as pd
rows = [{"task": "%s", "lang": lang, "suite": "xtreme", "split": "test", "metric": "accuracy",
         "value": 40.0 + len(lang) + run.params["seed"], "n": 10, "selection": "best"}
        for lang in ("en", "qaa")]
%s
run.save(scores=pd.DataFrame(rows))
"""
REPORT = """
from xstilts.runs import collect
scores, _, missing, stale = collect(run.runs)
assert not stale
print(len(scores), "rows,", len(missing), "missing")
"""
NAMES = {
    "02_intermediate": (("setting", "recipe", "seed"), TRAIN),
    "03_target": (("setting", "recipe", "target", "seed"), TRAIN),
    "04_zero_shot": (
        ("setting", "recipe", "target", "seed"),
        SCORE % ("udpos", "assert (run.need('target') / 'story.txt').is_file()"),
    ),
    "05_retrieval": (("setting", "recipe", "seed"), SCORE % ("tatoeba", "run.need('encoder')")),
    "20_main_table": (("grid",), REPORT),
    "21_per_language": (("grid",), REPORT),
    "22_claims": (("grid",), REPORT),
}
DEFAULTS = {"setting": "tiny-xlmr", "recipe": "mnli", "target": "udpos", "seed": 1, "grid": "demo"}


def notebook(cells: list[str], parameters: str) -> str:
    """A notebook as text: the parameters cell, then `cells`."""

    def cell(number, source, tags=()):
        return {"cell_type": "code", "id": f"c{number}", "source": source, "outputs": [],
                "execution_count": None, "metadata": {"tags": list(tags)}}  # fmt: skip

    made = [cell(0, parameters, ["parameters"]), *(cell(i + 1, c) for i, c in enumerate(cells))]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return json.dumps(
        {"cells": made, "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
         "nbformat": 4, "nbformat_minor": 5}
    )  # fmt: skip


def stub(name: str) -> str:
    """The stub of one of our notebooks: same parameters, no work."""
    params, body = NAMES[name]
    lines = [f"{p}: {type(DEFAULTS[p]).__name__} = {DEFAULTS[p]!r}  # meaning" for p in params]
    given = ", ".join(f"{p}={p}" for p in params)
    first = f"from xstilts.runs import open_run\nrun = open_run({name!r}, {given})\nrun"
    return notebook([first, body.strip()], "\n".join(lines))


class Checkout:
    """A copy of the package with stub notebooks, where whole grids run in seconds."""

    def __init__(self, root: Path):
        self.root, self.out = root, root / "out"
        skip = shutil.ignore_patterns("__pycache__", "*.safetensors", "tokenizer.json")
        shutil.copytree(PACKAGE, root / "xstilts", ignore=skip)
        (root / "xstilts/encoders/tiny-xlmr").mkdir(parents=True, exist_ok=True)
        (root / "papermill_runs").mkdir()
        for name in ("Snakefile", "grids", "profiles"):
            copy = shutil.copy if name == "Snakefile" else shutil.copytree
            copy(ROOT / "papermill_runs" / name, root / "papermill_runs" / name)
        (root / "notebooks").mkdir()
        for name in NAMES:
            self.write(name, stub(name))

    def write(self, name: str, text: str) -> None:
        (self.root / "notebooks" / f"{name}.ipynb").write_text(text)

    def read(self, name: str) -> str:
        return (self.root / "notebooks" / f"{name}.ipynb").read_text()

    def grid(self, text: str, name: str = "small") -> Path:
        path = self.root / f"{name}.yaml"
        path.write_text(text)
        return path

    def call(self, *words, **environment) -> subprocess.CompletedProcess:
        """`python -m ...` in this checkout."""
        return subprocess.run(
            [sys.executable, "-m", *map(str, words)], cwd=self.root, text=True, timeout=300,
            capture_output=True, env=self.environment(**environment),
        )  # fmt: skip

    def environment(self, **more) -> dict[str, str]:
        mine = {k: v for k, v in os.environ.items() if not k.startswith("XSTILTS_")}
        return mine | {"PYTHONPATH": str(self.root), "XSTILTS_OUT": str(self.out)} | more


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def out(tmp_path, monkeypatch) -> Path:
    """An empty output folder, for this process."""
    for name in ("RUN", "GRID", "HUB", "TEXT", "TRANSLATED"):
        monkeypatch.delenv(f"XSTILTS_{name}", raising=False)
    monkeypatch.setenv("XSTILTS_OUT", str(tmp_path / "out"))
    return tmp_path / "out"
