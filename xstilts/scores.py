"""The Scores table: its columns, its file, and the averages taken over languages and tasks.

A row is one metric of one task in one language by one run, in percent. Besides a task's own
metrics there are "guess_..." (a trivial baseline) and, for retrieval, "margin_..." or
"cosine_..." (compared the other way); `pooling` tells plain from "mean-centred" vectors. Of rows
with `selection` SWEEP no table counts any. Files keep every float by `repr`, so that a table read
back is the table written. XTREME's scorer decides the averages: plain
means over a task's languages, English among them, then over the tasks of a group and of a suite,
and none at all where something is missing.
"""

from collections.abc import Mapping, Sequence
from math import isnan
from pathlib import Path

import numpy as np

from xstilts.answers import PRIVATE_USE
from xstilts.files import replaced
from xstilts.metrics import headline
from xstilts.paths import BadInput, MissingData, nearest

COLUMNS = (
    "setting", "seed", "recipe", "target", "task", "lang", "suite", "split", "metric", "value",
    "n", "layer", "pooling", "selection", "run",
)  # fmt: skip
EXAMPLE_COLUMNS = (
    "task", "lang", "split", "id", "metric", "hit", "said", "gold", "pieces", "truncated", "domain",
)  # fmt: skip
MEASURE_COLUMNS = (
    "setting", "seed", "recipe", "task", "lang", "domain", "layer", "measure", "value",
)  # fmt: skip

GUESS = "guess_"  # begins the metrics of a trivial baseline
SWEEP = "for comparison"  # the selection of scores that no table counts: other layers, poolings
IDENTITY = (
    "seed",
    "recipe",
    "split",
    "layer",
    "pooling",
    "selection",
)  # averages mix none of these
FIGURES = ("value", "non_english", "english", "langs", "missing")  # of an average

# XTREME's scorer has these groups. For XTREME-R it leaves LAReQA out of all of them and can compute
# no total; ours counts it.
_BOTH = {"tagging": ("udpos", "panx"), "qa": ("xquad", "mlqa", "tydiqa")}
GROUPS = {
    "xtreme": _BOTH | {"classification": ("pawsx", "xnli"), "retrieval": ("bucc2018", "tatoeba")},
    "xtreme-r": _BOTH | {
        "classification": ("xnli", "xcopa"),
        "multi_choice": ("xcopa",),
        "retrieval": ("tatoeba", "mewslix"),
    },
}  # fmt: skip
MEMBERS = {
    "xtreme": ("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa", "bucc2018", "tatoeba"),
    "xtreme-r": ("xnli", "xcopa", "udpos", "panx", "xquad", "mlqa", "tydiqa", "tatoeba",
                 "mewslix", "lareqa"),
}  # fmt: skip
TOTAL = "all_task"

_WHOLE = {"seed", "n", "layer", "pieces", "truncated"}
_REAL = {"value", "hit", "said", "gold"}


def suites(task, lang: str) -> str:
    """The suites, space between, in which `task` is evaluated in `lang`.

    `task.langs` maps suites to codes. The constructed languages (private-use codes) stand in for
    all of them.
    """
    if PRIVATE_USE.fullmatch(lang):
        return " ".join(task.langs)
    return " ".join(suite for suite, codes in task.langs.items() if lang in codes)


# Files


def write(path: Path | str, rows, columns: Sequence[str] = COLUMNS) -> None:
    """Write `rows` (a data frame, or dicts) as CSV, all at once or not at all.

    Columns that a row lacks are left empty; a column that the table does not have is an error.
    """
    import pandas as pd

    frame = pd.DataFrame(rows)
    if unknown := sorted(set(frame) - set(columns)):
        raise BadInput(f"{path}: unknown column '{unknown[0]}': {nearest(unknown[0], columns)}")
    kinds = {name: kind for names, kind in ((_WHOLE, "Int64"), (_REAL, float))
             for name in names & set(columns)}  # fmt: skip
    with replaced(Path(path)) as part:
        frame.reindex(columns=columns).astype(kinds).to_csv(part, index=False, lineterminator="\n")


def read(path: Path | str, columns: Sequence[str] = COLUMNS):
    """The data frame that `write` wrote: texts stay texts (Norwegian is `no`, not False)."""
    import pandas as pd

    try:
        frame = pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8", lineterminator="\n"
        )
    except FileNotFoundError as error:
        raise MissingData(f"{path}: no such table") from error
    except (pd.errors.EmptyDataError, pd.errors.ParserError) as error:
        raise BadInput(f"{path}: not a table of scores ({error})") from error
    if tuple(frame.columns) != tuple(columns):
        odd = sorted(set(frame.columns) ^ set(columns)) or ["their order"]
        raise BadInput(f"{path}: columns differ from the ones expected: {', '.join(odd)}")
    try:
        for name in columns:
            if name in _WHOLE:
                frame[name] = pd.array([int(v) if v else None for v in frame[name]], "Int64")
            elif name in _REAL:
                frame[name] = [float(v) if v else float("nan") for v in frame[name]]
    except ValueError as error:
        raise BadInput(f"{path}: column '{name}': {error}") from error
    return frame


# Averages


def average(scores, langs: Sequence[str]):
    """One row per run: the headline figure of one task, averaged over `langs`.

    `scores` are of that task and one setting; languages are added up in the order of `langs`.
    Columns: IDENTITY, `value` (mean with English), `non_english`, `english`, `langs` (how many
    there are) and `missing` (those that are not there, space between; the means are then over the
    rest). Empty if nothing matches.
    """
    import pandas as pd

    asked = scores[scores["lang"].isin(langs)]
    rows = [dict(zip(IDENTITY, key, strict=True)) | _figures(part, langs)
            for key, part in asked.groupby([*IDENTITY], dropna=False, sort=False)]  # fmt: skip
    return pd.DataFrame(rows, columns=[*IDENTITY, *FIGURES])


def _figures(part, langs: Sequence[str]) -> dict:
    """The averages of one run."""
    if (twice := part.duplicated(["lang", "metric"])).any():
        one = part[twice].iloc[0]
        raise BadInput(f"two scores for {one['task']} {one['lang']} {one['metric']}: "
                       f"runs {', '.join(sorted(set(part['run'].astype(str))))}")  # fmt: skip
    values: dict[str, dict[str, float]] = {}
    for lang, metric, value in zip(part["lang"], part["metric"], part["value"], strict=True):
        values.setdefault(metric, {})[lang] = value
    there = [lang for lang in langs if lang in set(part["lang"])]
    return {
        "value": _mean(values, there),
        "non_english": _mean(values, [lang for lang in there if lang != "en"]),
        "english": _mean(values, [lang for lang in there if lang == "en"]),
        "langs": len(there),
        "missing": " ".join(lang for lang in langs if lang not in there),
    }


def _mean(values: Mapping[str, Mapping[str, float]], langs: Sequence[str]) -> float:
    """Each metric added up in the order of `langs` and divided, then the headline of the means."""
    if not langs:
        return float("nan")
    return headline({m: sum(own.get(lang, float("nan")) for lang in langs) / len(langs)
                     for m, own in values.items()})  # fmt: skip


def suite_averages(task_values: Mapping[str, float], suite: str) -> dict[str, float]:
    """Group averages and the suite's own, from the tasks' headline figures.

    A group is given only if all its tasks are there; `all_task`, the plain mean over tasks (not
    over groups), only if all of the suite's are.
    """
    if suite not in GROUPS:
        raise BadInput(f"unknown suite '{suite}': {nearest(suite, GROUPS)}")
    sets = {TOTAL: MEMBERS[suite]} | GROUPS[suite]
    known = {task: value for task, value in task_values.items() if not isnan(value)}
    return {
        name: sum(known[task] for task in tasks) / len(tasks)
        for name, tasks in sets.items()
        if known.keys() >= set(tasks)
    }


def counts(examples, metric: str) -> np.ndarray:
    """Hit, said, gold of one run's Examples of one task: (languages, items, 3), for a bootstrap.

    Languages and items are sorted, so two runs over the same data line up; zeros where a language
    lacks an item.
    """
    part = examples[examples["metric"] == metric]
    wide = part.pivot(index="id", columns="lang", values=["hit", "said", "gold"]).fillna(0)
    wide = wide.sort_index().sort_index(axis=1, level="lang")
    return np.stack([wide[name].to_numpy(float).T for name in ("hit", "said", "gold")], axis=-1)
