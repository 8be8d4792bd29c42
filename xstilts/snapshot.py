"""Results that outlive their run folders: what a study or the site reads, and the committed copy.

    python -m xstilts.snapshot GRID...

takes what runs of these grids have left, then executes their reports and studies from the snapshot
itself and keeps those.

`collect` gives a grid's results, from the run folders or, where none of its runs was made here,
from `reports/snapshot/`. That holds Scores, Measures, English dev and Groups, and in `runs.csv` the
run behind every row: its key, commit and time. It is a record: nothing in it is ever stale. To be
small it leaves out scores for comparison that vary two things at once (layer and comparison),
Groups of runs that no study of SUMMED asked for, and single Examples but for the primary contrasts
of the studies in SINGLE.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from xstilts import runs as live
from xstilts import scores as table
from xstilts.files import read_record, replaced, write_json
from xstilts.grid import Run, plan
from xstilts.gridfile import Grid, read
from xstilts.kept import keep, reports, unusual
from xstilts.paths import REPORTS, BadInput, UserError, runs_dir
from xstilts.tasks import task as task_called

SNAPSHOT = REPORTS / "snapshot"  # the committed one
BINS = ("short", "middle", "long")
SHARED = ("classify", "choose", "span")  # forms whose ids, where English has them, are parallel
SUMMED = {"domain_shift", "sequence_length"}  # the studies that read Groups
SINGLE = {"sequence_length"}  # and those that read single Examples (`analysis.windows`)
LIMIT = 5_000_000  # bytes that the snapshot may take
GROUP = ("task", "lang", "suite", "split", "metric", "domain", "bin")
GROUP_COLUMNS = ("setting", "seed", "recipe", "target", *GROUP, "hit", "said", "gold", "n",
                 "truncated", "run")  # fmt: skip
TABLES = {  # file -> columns; `run` stands for setting, seed, recipe and target
    "scores": table.COLUMNS,
    "measures": (*table.MEASURE_COLUMNS, "run"),
    "groups": GROUP_COLUMNS,
    "examples": (*table.EXAMPLE_COLUMNS, "run"),
    "dev": table.COLUMNS,
}
RUN_COLUMNS = ("run", "notebook", "setting", "seed", "recipe", "target", "key", "commit", "dirty",
               "finished", "seconds", "device", "versions", "headline")  # fmt: skip
BY_RUN = ("setting", "seed", "recipe", "target")
PACKED = {"method": "xz", "preset": 9}


@dataclass(frozen=True)
class Collected:
    """What the runs of a grid have left, and what they have not.

    `scores`, `measures` and `dev` (English dev as Scores) are as in `runs.collect` and
    `runs.english_dev`. `examples` is the Groups table: the examples of a run added up over those of
    the same domain and length, with their number n. `missing` and `stale` are run ids, `source`
    says where all this lies.
    """

    scores: pd.DataFrame
    measures: pd.DataFrame
    examples: pd.DataFrame
    dev: pd.DataFrame
    missing: list[str]
    stale: list[str]
    source: str


def collect(runs: Iterable[Run], *, examples: bool = False) -> Collected:
    """The results of `runs`: those made here or, if there are none, what the snapshot has of them.

    Groups are empty without `examples`: to add up the examples of a run takes longer than to read
    all its scores.
    """
    runs = tuple(runs)
    scores, measures, missing, stale = live.collect(runs)
    wanted = [run for run in runs if run.leaves in ("scores", "measures")]
    if len(missing) == len(wanted) and (SNAPSHOT / "runs.csv").is_file():
        return _kept(wanted, {run.id for run in runs})
    gone = {*missing, *stale}
    added = [groups(run) for run in wanted if examples and run.id not in gone]
    dev = live.english_dev(runs)
    source = f"runs in {runs_dir()}"
    return Collected(scores, measures, _stack(added, GROUP_COLUMNS), dev, missing, stale, source)


def _kept(wanted: list[Run], ids: set[str]) -> Collected:
    """What the snapshot has of the runs `ids`, among them those `wanted` for their results."""
    names = ("runs", "scores", "measures", "groups", "dev")
    made, scores, measures, examples, dev = (
        rows[rows["run"].isin(ids)].reset_index(drop=True) for rows in map(load, names)
    )
    measures = measures[list(table.MEASURE_COLUMNS)]
    missing = [run.id for run in wanted if run.id not in set(made["run"])]
    commits = dict.fromkeys(made.sort_values("finished", ascending=False)["commit"].str[:9])
    date = made["finished"].max()[:10] if len(made) else "none of these runs"
    source = f"snapshot of {' '.join(commits) or 'nothing'}, {date}"
    return Collected(scores, measures, examples, dev, missing, [], source)


def read_examples(run: Run) -> pd.DataFrame:
    """The Examples of a run, from its folder; none where it has left none."""
    file = runs_dir() / run.id / "examples.parquet"
    if not file.is_file():
        return pd.DataFrame(columns=list(table.EXAMPLE_COLUMNS))
    rows = pd.read_parquet(file)[list(table.EXAMPLE_COLUMNS)]
    return rows.astype({"hit": float, "said": float, "gold": float, "truncated": int})


def groups(run: Run) -> pd.DataFrame:
    """The Groups rows of a run that is done: sums over its examples.

    `bin` is the third of the test set that an example belongs to by its length in subwords: of
    the English example with its id where a task's languages are translations of each other, else
    its own among those of its language. `hit` is rounded to 0.01.
    """
    rows = read_examples(run)
    if rows.empty:
        return pd.DataFrame(columns=list(GROUP_COLUMNS))
    tasks = {name: task_called(name, run.tasks) for name in rows["task"].unique()}
    rows = pd.concat([_binned(part, tasks[name]) for name, part in rows.groupby("task")])
    rows["suite"] = [table.suites(tasks[t], lang) for t, lang in zip(rows["task"], rows["lang"],
                                                                    strict=True)]  # fmt: skip
    sums = {name: (name, "sum") for name in ("hit", "said", "gold", "truncated")}
    rows = rows.groupby(list(GROUP), dropna=False, observed=True)
    rows = rows.agg(**sums, n=("id", "size")).reset_index()
    identity = {name: run.params.get(name, "") for name in BY_RUN}
    rows = rows.assign(**identity, run=run.id, hit=rows["hit"].round(2),
                       truncated=rows["truncated"].astype(int))  # fmt: skip
    return rows[list(GROUP_COLUMNS)].astype({"seed": "Int64", "n": "Int64", "truncated": "Int64"})


def _binned(rows: pd.DataFrame, task) -> pd.DataFrame:
    """`rows` of one task with `bin`."""
    once = rows.drop_duplicates(["lang", "split", "id"])
    edges = once.groupby(["lang", "split"])["pieces"].quantile([1 / 3, 2 / 3]).unstack()
    length, among = rows["pieces"].astype(float), rows["lang"].astype(object)
    if task.form in SHARED:
        english = once[once["lang"] == "en"].set_index(["split", "id"])["pieces"]
        place = pd.MultiIndex.from_frame(rows[["split", "id"]])
        theirs = english.reindex(place).set_axis(rows.index)
        length, among = theirs.fillna(length), among.mask(theirs.notna(), "en")
    low, high = edges.loc[pd.MultiIndex.from_arrays([among, rows["split"]])].to_numpy().T
    return rows.assign(bin=np.select([length <= low, length <= high], BINS[:2], BINS[2]))


def load(name: str) -> pd.DataFrame:
    """One table of the snapshot: "runs", or one of TABLES with all its columns."""
    if name == "runs":
        return table.read(SNAPSHOT / "runs.csv", RUN_COLUMNS)
    rows = table.read(SNAPSHOT / f"{name}.csv.xz", _short(name))
    lacking = [column for column in TABLES[name] if column not in rows]
    return rows.join(load("runs").set_index("run")[lacking], on="run")[list(TABLES[name])]


def _short(name: str) -> list[str]:
    """The columns of a table's file: who made a row stands in runs.csv, once."""
    return [column for column in TABLES[name] if column not in BY_RUN]


def take(grids: Iterable) -> int:
    """Put what runs of `grids` have left into the snapshot; how many were taken.

    A run is taken if it is whole, whatever code made it: its record says which. Rows of the same
    run that were there are replaced, those of others stay. Raises BadInput if there is nothing to
    take and no snapshot yet.
    """
    grids = [read(grid) for grid in grids]
    runs = {run.id: run for grid in grids for run in plan(grid) if run.leaves != "report"}
    records = {name: read_record(runs_dir() / name) for name in runs}
    made = [run for run in runs.values() if records[run.id] and _is_whole(run)]
    if not made and (SNAPSHOT / "runs.csv").is_file():
        return 0
    if not made:
        raise BadInput(f"no run of {', '.join(g.name for g in grids)} is done in {runs_dir()}")
    told_of = about()
    told_of["grids"] = sorted({*told_of["grids"], *(grid.name for grid in grids)})
    rows = [_row(run, records[run.id], told_of["versions"]) for run in made]
    ids = {run.id for run in made}
    every = _merged("runs", pd.DataFrame(rows), ids)
    merged = {name: _merged(name, rows, ids) for name, rows in _rows(made, _asked(grids)).items()}
    write_json(SNAPSHOT / "about.json", told_of)
    table.write(SNAPSHOT / "runs.csv", every, RUN_COLUMNS)
    for name, rows in merged.items():
        with replaced(SNAPSHOT / f"{name}.csv.xz") as part:
            rows[_short(name)].to_csv(part, index=False, lineterminator="\n", compression=PACKED)
    books = [run for run in made if (runs_dir() / run.id / "notebook.ipynb").is_file()]
    books.sort(key=unusual, reverse=True)  # of each phase the run that is most like its defaults
    for run in {run.notebook: run for run in books}.values():
        keep(run, runs_dir(), SNAPSHOT)
    return len(made)


def _is_whole(run: Run) -> bool:
    """Whether what a run leaves is there. Models need not be any more."""
    return run.leaves in ("model", "temp") or (runs_dir() / run.product).is_file()


def size() -> int:
    """Bytes that the snapshot takes."""
    return sum(path.stat().st_size for path in SNAPSHOT.rglob("*") if path.is_file())


def about() -> dict:
    """The grids that the snapshot was taken of, and the package versions that its runs had."""
    path = SNAPSHOT / "about.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else {"grids": [], "versions": []}


def _row(run: Run, record: dict, versions: list[dict]) -> dict:
    """The row of runs.csv; `versions` gets the packages that it was made with, once."""
    if record["versions"] not in versions:
        versions.append(record["versions"])
    told = {name: run.params.get(name, "") for name in BY_RUN} | {"run": run.id}
    told |= {name: record[name] for name in RUN_COLUMNS if name in record}
    return told | {"versions": versions.index(record["versions"])}


def _asked(grids: list[Grid]) -> dict[str, set[str]]:
    """Whose Groups and Examples are kept: the runs of these grids that a study reads them of, and
    those that the snapshot has them of."""
    first = [replace(grid, blocks=grid.blocks[:1]) for grid in grids]  # the primary contrast
    reads = {"groups": (SUMMED, grids), "examples": (SINGLE, first)}
    found = {name: {run.id for grid in some if studies & {*grid.studies} for run in plan(grid)}
             for name, (studies, some) in reads.items()}  # fmt: skip
    if (SNAPSHOT / "runs.csv").is_file():
        found = {name: ids | {*load(name)["run"]} for name, ids in found.items()}
    return found


def _rows(made: list[Run], asked: Mapping[str, set[str]]) -> dict[str, pd.DataFrame]:
    """The rows of every table that these runs have left; Groups and Examples of those `asked`."""
    found: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    for run in made:
        if run.leaves == "scores":
            rows = table.read(runs_dir() / run.product)
            other = rows["metric"].str.startswith(("cosine_", "margin_"))
            found["scores"].append(rows[~(other & (rows["selection"] == table.SWEEP))])
            if run.id in asked["groups"]:
                found["groups"].append(groups(run))
            if run.id in asked["examples"]:
                rows = read_examples(run).round({"hit": 3})
                found["examples"].append(rows.assign(run=run.id))
        elif run.leaves == "measures":
            rows = table.read(runs_dir() / run.product, table.MEASURE_COLUMNS)
            found["measures"].append(rows.assign(run=run.id))
        elif run.leaves == "temp":
            found["dev"].append(pd.DataFrame(live.dev_rows(run), columns=list(table.COLUMNS)))
    return {name: _stack(frames, TABLES[name]) for name, frames in found.items()}


def _stack(frames: list[pd.DataFrame], columns: Iterable[str]) -> pd.DataFrame:
    frames = [frame for frame in frames if len(frame)]
    empty = pd.DataFrame(columns=list(columns))
    return pd.concat(frames, ignore_index=True) if frames else empty


def _merged(name: str, rows: pd.DataFrame, ids: set[str]) -> pd.DataFrame:
    """`rows` of the runs `ids` in place of those that the snapshot has, run by run."""
    kept = []
    if (SNAPSHOT / "runs.csv").is_file():
        old = load(name)
        kept = [old[~old["run"].isin(ids)]]
    return _stack([*kept, rows], rows).sort_values("run", kind="stable", ignore_index=True)


def main(words: list[str]) -> int:
    if not words or words[0].startswith("-"):
        raise BadInput("give grids: python -m xstilts.snapshot GRID...")
    print(f"{take(words):,} runs taken from {runs_dir()}", flush=True)
    failed = reports(words, SNAPSHOT)
    print(f"{SNAPSHOT} takes {size() / 1e6:.2f} MB of {LIMIT / 1e6:.0f}")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
