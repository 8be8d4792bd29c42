"""Texts one by one: how long they are, whether they fit into a window, where the answer stands.

What the Groups table cannot tell, since it is added up.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from xstilts.analysis.length import BINS
from xstilts.files import read_record
from xstilts.runs import runs_dir
from xstilts.scores import EXAMPLE_COLUMNS
from xstilts.settings import resolve
from xstilts.snapshot import load, read_examples

COLUMNS = ("setting", "seed", "recipe", "target", *EXAMPLE_COLUMNS)
OF = ["target", "task", "lang"]  # of texts that are sorted by length together
THIRDS = ("first", "second", "last")  # of a text: where its answer begins


def examples(runs: Iterable, targets: Sequence[str], gone: Iterable[str] = (), kept=False):
    """Examples of the evaluations of `targets` among `runs`, but for those `gone`: from the run
    folders or, if `kept`, what the snapshot has.

    Beside the columns of Examples: the run's identity, `window` (pieces that its model reads at
    once) and `n` (1).
    """
    found = [pd.DataFrame(columns=[*COLUMNS, "window"])]
    had = dict(iter(load("examples").groupby("run"))) if kept else {}
    for run in runs:
        if run.params.get("target") not in targets or run.leaves != "scores" or run.id in gone:
            continue
        rows = had.get(run.id, found[0]) if kept else read_examples(run)
        tuned = run.grid.recipe(run.params["target"])
        window = resolve(tuned, run.setting, "target").max_len
        found.append(rows[list(EXAMPLE_COLUMNS)].assign(**run.params, window=window))
    table = pd.concat([rows for rows in found if len(rows)] or found, ignore_index=True)
    return table.assign(n=1, several=table["pieces"] > table["window"])


def cut(examples: pd.DataFrame, length: pd.Series) -> pd.Series:
    """Bins of `length` at the thirds of English, task by task: the same bounds in all languages.

    "" for the texts of a task without English.
    """
    found = pd.Series("", index=examples.index, dtype=object)
    for _, part in examples.groupby("task"):
        own = length[part.index].astype(float)
        english = own[part["lang"] == "en"]
        if len(english):
            bounds = english.quantile([1 / 3, 2 / 3]).to_numpy()
            found[part.index] = np.array(BINS)[np.searchsorted(bounds, own)]
    return found


def within(examples: pd.DataFrame) -> pd.Series:
    """Bins by the thirds of a text's own language and task, as Groups has them without English."""
    length = examples["pieces"].astype(float)
    among = length.groupby([examples[name] for name in OF])
    low, high = (among.transform("quantile", part) for part in (1 / 3, 2 / 3))
    return pd.Series(np.select([length <= low, length <= high], BINS[:2], BINS[2]), examples.index)


def learnt(runs: Iterable, kept: bool) -> pd.DataFrame:
    """Of each recipe: English dev of its own task, after its own training, at its own length
    (percent, mean over tasks and seeds), and seeds. From the run folders or, if `kept`, from what
    the snapshot says of these runs."""
    told = load("runs").set_index("run")["headline"].to_dict() if kept else {}
    found: dict[str, list[float]] = {}
    for run in (run for run in runs if run.leaves == "model" and run.params.get("recipe")):
        record = read_record(runs_dir() / run.id).get("dev") or {}
        dev = re.findall(r"dev \S+ ([\d.]+)", str(told.get(run.id))) or list(record.values())
        if dev:
            found.setdefault(run.params["recipe"], []).append(float(np.mean(list(map(float, dev)))))
    rows = {name: (np.mean(values), len(values)) for name, values in found.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["English dev", "seeds"])


def places(rows: Iterable[Mapping]) -> dict[str, str]:
    """By id, in which third of its context (in characters) a row's answer begins."""
    told = {row["id"]: (row["answers"]["answer_start"], len(row["context"])) for row in rows}
    return {key: THIRDS[min(2, 3 * starts[0] // max(1, size))]
            for key, (starts, size) in told.items() if starts and starts[0] >= 0}  # fmt: skip


def by_language(examples: pd.DataFrame) -> pd.DataFrame:
    """Of each task's texts in a language: mean pieces, and the share (%) that takes more than one
    window, of all and of the longest and the shortest third of that language."""
    once = examples.drop_duplicates([*OF, "id"])
    once = once.assign(bin=within(once), several=100.0 * once["several"])
    shares = once.pivot_table("several", OF, "bin").reindex(columns=[BINS[0], BINS[2]])
    means = once.groupby(OF).agg(pieces=("pieces", "mean"), all=("several", "mean"))
    return means.join(shares)
