"""Run folders as a grid would leave them, with made-up figures: nothing is trained."""

import zlib

import pandas as pd
from made import METRICS

from xstilts.grid import plan
from xstilts.languages import languages
from xstilts.runs import opened
from xstilts.scores import suites

GRID = {"settings": ["tiny-xlmr"], "seeds": [1, 2], "recipes": ["none", "mnli"],
        "targets": ["mnli", "udpos", "tydiqa"], "retrieval": True}  # fmt: skip


def number(*words) -> float:
    """Between 20 and 80, the same for the same words."""
    return 20 + zlib.crc32(" ".join(map(str, words)).encode()) % 600 / 10


def scores(run) -> pd.DataFrame:
    rows = []
    for task in run.tasks:
        kind = {"split": "test", "n": 12, "selection": "best English dev"}
        if not task.train:
            kind |= {"layer": 2, "pooling": "mean", "selection": "layer fixed by the setting"}
        for lang in languages(task, "world", next(iter(task.langs))):
            for metric in METRICS[task.metric]:
                value = number(run.id, task.name, lang, metric)
                rows.append(kind | {"task": task.name, "lang": lang, "metric": metric,
                                    "suite": suites(task, lang), "value": value})  # fmt: skip
    return pd.DataFrame(rows)


def examples(run, ids: int = 12) -> pd.DataFrame:
    """Lengths 1 to `ids` in English, the other way round elsewhere."""
    rows = [
        {"task": task.name, "lang": lang, "split": "test", "id": f"i{i}", "metric": task.metric,
         "hit": 1.0 if i % 2 else 1 / 3, "said": 1.0, "gold": 1.0, "truncated": i == 0,
         "pieces": i + 1 if lang == "en" else ids - i, "domain": ("home", "sport")[i % 2]}
        for task in run.tasks
        for lang in languages(task, "world", next(iter(task.langs)))
        for i in range(ids)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def fill(grid) -> None:
    """Save every run of `grid` in the output folder."""
    runs = plan(grid)
    for i, run in enumerate(runs):
        if run.leaves == "report":
            continue
        one = opened(run, runs[:i], scratch=False)
        if run.leaves == "scores":
            one.save(scores=scores(run), examples=examples(run))
        else:
            (one.path / "model").mkdir(parents=True)
            one.save(dev={task: number(run.id) for task in run.trained.tasks})
