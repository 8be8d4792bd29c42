"""Scores as a grid would leave them, made up: a base, a gain by recipe and task, noise by seed."""

from dataclasses import replace

import numpy as np
import pandas as pd

from xstilts.grid import plan
from xstilts.gridfile import read
from xstilts.languages import languages
from xstilts.scores import COLUMNS, MEASURE_COLUMNS, suites
from xstilts.snapshot import GROUP_COLUMNS, Collected

METRICS = {"accuracy": ["accuracy"], "chunk_f1": ["f1"], "pairs": ["f1"], "map@20": ["map@20"],
           "squad": ["exact_match", "f1"], "mlqa": ["exact_match", "f1"]}  # fmt: skip


def scores(grid, gain=lambda run, task: 0.0, noise=0.5, seed=0, lack=lambda run: False):
    """Scores of every evaluation of `grid`: 50, and `gain(run, task)` in points, and normal noise:
    one draw of deviation `noise` a run, one of a tenth of it a language. `lack` drops runs."""
    dice, rows = np.random.default_rng(seed), []
    for run in plan(grid):
        if run.leaves != "scores" or lack(run):
            continue
        layer = run.setting.layer if run.notebook == "05_retrieval" else None
        for task in run.tasks:
            value = 50.0 + gain(run, task) + noise * dice.normal()
            for lang in languages(task, run.setting.data):
                one = value + 0.1 * noise * dice.normal()
                own = {"task": task.name, "lang": lang, "suite": suites(task, lang),
                       "split": "test", "n": 100, "layer": layer, "value": one, "run": run.id,
                       "selection": "fixed" if layer else "best English dev"}  # fmt: skip
                own |= {"target": ""} | dict(run.params)
                rows += [{name: "" for name in COLUMNS} | own | {"metric": metric}
                         for metric in METRICS[task.metric]]  # fmt: skip
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"layer": "Int64", "seed": "Int64"})


def collected(grid, **more) -> Collected:
    """What `snapshot.collect` gives of such runs, English dev (60) among it."""
    runs, found = plan(grid), scores(grid, **more)
    there = set(found["run"])
    missing = [r.id for r in runs if r.leaves == "scores" and r.id not in there]
    dev = [{name: "" for name in COLUMNS} | dict(r.params)
           | {"task": r.params["target"], "lang": "en", "split": "dev", "metric": "headline",
              "value": 60.0, "run": r.id} for r in runs if r.leaves == "temp"]  # fmt: skip
    nothing = (pd.DataFrame(columns=list(c)) for c in (MEASURE_COLUMNS, GROUP_COLUMNS))
    return Collected(found, *nothing,
                     pd.DataFrame(dev, columns=list(COLUMNS)), missing, [], "made up")  # fmt: skip


def collects(monkeypatch, path, spoil=None, **more) -> None:
    """Let `snapshot.collect` give that for the grid in `path`; `spoil` changes its scores."""
    found = collected(read(path), **more)
    found = replace(found, scores=spoil(found.scores)) if spoil else found
    monkeypatch.setattr("xstilts.snapshot.collect", lambda runs: found)


def small(**more):
    """A grid with a few recipes and targets; `more` replaces its keys."""
    return read({"settings": ["tiny-xlmr"], "seeds": [1, 2, 3, 4, 5],
                 "recipes": ["none", "mnli", "squad_v1"], "targets": ["panx", "tydiqa"],
                 "retrieval": True} | more)  # fmt: skip
