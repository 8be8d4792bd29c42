"""Run folders: where a notebook finds what it needs and leaves what it made, and what holds.

A notebook that the driver executes writes to its own folder below the output folder. One that is
opened by hand, or executed by any other tool, writes below `scratch/`, which nobody collects, and
makes the models it needs first where that takes a minute. Every file appears whole or not at all.
Models are saved by `fit`; nothing here imports torch.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from xstilts import metrics, provenance
from xstilts import scores as tables
from xstilts.files import read_record, replaced, told, write_json, write_rows
from xstilts.grid import Run, alone, plan
from xstilts.gridfile import at_hand
from xstilts.paths import ENCODERS, BadInput, MissingData, UserError, encoder_dir, runs_dir
from xstilts.provenance import keys, place, standing
from xstilts.settings import Setting
from xstilts.submission import answers_path
from xstilts.tasks import task as task_called


def open_run(notebook: str, **params) -> "OpenRun":
    """What every notebook begins with: its run, by its number and the values of its parameters.

    Names are looked up in the grid that the driver executes (or XSTILTS_GRID names), then among
    the stock ones. Raises BadInput for an unknown one.
    """
    grid = at_hand(params)
    chain = alone(notebook, params, grid)
    wanted = os.environ.get("XSTILTS_RUN")
    if wanted and "grid" in params:
        chain = tuple(run for run in plan(grid) if run.id == wanted)
    if wanted and (not chain or chain[-1].id != wanted):
        raise BadInput(f"{notebook} was asked for {wanted}, but its parameters say otherwise")
    return opened(chain[-1], chain[:-1], scratch=not wanted)


@dataclass(frozen=True, repr=False)
class OpenRun(Run):
    """A run while its notebook is executed; `scratch` says that it will not be collected."""

    before: tuple[Run, ...]
    scratch: bool
    made_from: Mapping  # the code as it is at the beginning
    started: float = field(default_factory=time.time)
    cpu: float = field(default_factory=time.process_time)

    def __repr__(self) -> str:
        kind = "scratch run" if self.scratch else "run"
        return f"{kind} {self.id}, writes to {self.path}"

    @property
    def path(self) -> Path:
        """The run's folder."""
        return runs_dir() / "scratch" / self.id if self.scratch else runs_dir() / self.id

    @property
    def runs(self) -> tuple[Run, ...]:
        """Every run of the grid, for `collect`."""
        return plan(self.grid)

    def folder(self, name: str) -> Path:
        """A folder of this run to write to. A `model`'s is left to `fit`: it appears whole."""
        with told(self.path):
            (self.path if name == "model" else self.path / name).mkdir(parents=True, exist_ok=True)
        return self.path / name

    def need(self, kind: str = "encoder") -> Path | str:
        """The model this run starts from: a folder, or the hub's name of an encoder.

        `kind` is "encoder" (the recipe's) or "target" (the fine-tuned one). Raises MissingData,
        with the command that makes it, if it is not there and would take long to make.
        """
        if kind == "encoder" and not self.needs:
            return start(self.setting)
        if kind not in ("encoder", "target") or not self.needs:
            raise BadInput(f"{self.id} builds on no '{kind}'")
        need = next(run for run in self.before if run.id == self.needs[0])
        folder = place(need, self._roots)
        if (folder / "model").is_dir() and not standing(self.before, *self._roots)[need.id]:
            return folder / "model"
        if not self.scratch:
            raise MissingData(f"{need.id} has not been run with this code: use `xstilts run`")
        return _make(need) / "model"

    def save(self, *, scores=None, examples=None, measures=None, answers=None, curve=None,
             hyper=None, dev=None) -> None:  # fmt: skip
        """Write what the notebook made; the record that says it is whole comes last.

        `scores`, `measures`: data frames, which get this run's identity; `examples`: one row per
        example; `answers`: {(task, split, lang): text}; `curve`: list of dicts, one per
        evaluation; `hyper`: what was trained with; `dev`: figures on English dev, in percent.
        """
        identity = {name: self.params.get(name, "") for name in ("setting", "seed", "recipe")}
        for (task, split, lang), text in (answers or {}).items():
            record = task_called(task, self.grid.tasks)
            with replaced(self.path / "answers" / answers_path(record, split, lang)) as part:
                part.write_text(text, "utf-8")
        if examples is not None:
            with replaced(self.path / "examples.parquet") as part:
                examples.to_parquet(part, index=False)
        if curve is not None:
            write_rows(self.path / "curve.csv", curve)
        if scores is not None:
            target = self.params.get("target", "")
            rows = scores.assign(**identity, target=target, run=self.id)
            tables.write(self.path / "scores.csv", rows)
        if measures is not None:
            rows = measures.assign(**identity)
            tables.write(self.path / "measures.csv", rows, tables.MEASURE_COLUMNS)
        write_json(self.path / "run.json", self._describe(hyper, scores, dev))

    @property
    def _roots(self) -> tuple[Path, ...]:
        """Where models may lie: by hand, published ones come before those in scratch."""
        return (runs_dir(), runs_dir() / "scratch") if self.scratch else (runs_dir(),)

    def _describe(self, hyper, table, dev) -> dict:
        hyper = hyper if hyper is not None else self.hyper
        made_from = dict(self.made_from)
        if self.needs and self.before:
            before = {run.id: run for run in self.before}
            made_from["start"] = keys(self, before, self._roots)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {
            "id": self.id,
            "notebook": self.notebook,
            "params": dict(self.params),
            "headline": headline(table, dev),
            "hyper": provenance.plain(hyper),
            "dev": dev,
            "key": provenance.key(made_from),
            "made_from": made_from,
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": round(time.time() - self.started, 2),
            "cpu_seconds": round(time.process_time() - self.cpu, 2),
            "peak_memory_mb": round(peak),
            **provenance.surroundings(),
        }


def start(setting: Setting) -> Path | str:
    """The encoder that a setting begins with: one that ships, a folder, or a hub id (a folder of
    that name in XSTILTS_HUB comes before the hub).

    Raises MissingData for one that should ship and is not there.
    """
    if folder := encoder_dir(setting.encoder):
        return folder
    if setting.encoder[0] in "./~":
        raise MissingData(f"no encoder at {setting.encoder}: give a folder or a hub id that exists")
    if setting.data == "world" and "/" not in setting.encoder:
        raise MissingData(f"no encoder '{setting.encoder}' in {ENCODERS}: is the clone complete?")
    return setting.encoder


def opened(run: Run, before: tuple[Run, ...], scratch: bool) -> OpenRun:
    """`run`, about to be executed after those `before` it."""
    made_from = provenance.made_from(run)
    return OpenRun(**vars(run), before=before, scratch=scratch, made_from=made_from)


def collect(runs: Iterable[Run]):
    """The scores and measures of `runs`, put together: (scores, measures, missing, stale).

    The first two are data frames; `missing` lists ids that have no result, `stale` those made
    with other code, data or numbers than there are now, whose rows are left out.
    """
    import pandas as pd

    found, missing, stale = {"scores": [], "measures": []}, [], []
    states = standing(runs)
    for run in runs:
        if run.leaves not in found:
            continue
        if states[run.id]:
            (missing if states[run.id] == "missing" else stale).append(run.id)
            continue
        columns = tables.COLUMNS if run.leaves == "scores" else tables.MEASURE_COLUMNS
        found[run.leaves].append(tables.read(runs_dir() / run.product, columns))
    frames = [
        pd.concat(found[name], ignore_index=True) if found[name] else pd.DataFrame(columns=columns)
        for name, columns in (("scores", tables.COLUMNS), ("measures", tables.MEASURE_COLUMNS))
    ]
    return (*frames, missing, stale)


def english_dev(runs: Iterable[Run]):
    """English dev of the fine-tunings among `runs`, as Scores: their headline figure by task.

    From the records, which stay when the models go; what is missing or stale is left out.
    """
    import pandas as pd

    states = standing(runs)
    tuned = [run for run in runs if run.leaves == "temp" and not states[run.id]]
    return pd.DataFrame([r for run in tuned for r in dev_rows(run)], columns=list(tables.COLUMNS))


def dev_rows(run: Run) -> list[dict]:
    """English dev of one fine-tuning as rows of Scores, from its record."""
    same = {name: run.params[name] for name in ("setting", "seed", "recipe", "target")}
    same |= {"lang": "en", "split": "dev", "metric": "headline", "run": run.id}
    same |= {"suite": "", "pooling": "", "selection": ""}
    figures = read_record(runs_dir() / run.id).get("dev") or {}
    return [same | {"task": task, "value": value} for task, value in figures.items()]


def headline(table, dev) -> str:
    """A few words on how a run came out: per task the mean over languages, or English dev."""
    if table is None or dev:
        return ", ".join(f"dev {k} {v:.1f}" for k, v in (dev or {}).items())
    rows, parts = table[table["selection"] != tables.SWEEP], []
    for task, part in rows.groupby("task", sort=False):
        figures = {
            lang: metrics.headline(dict(zip(own["metric"], own["value"], strict=True)))
            for lang, own in part.groupby("lang")
        }
        english = figures.pop("en", None)
        words = [f"{sum(figures.values()) / len(figures):.1f}"] if figures else []
        words += [f"(en {english:.1f})"] if english is not None else []
        parts.append(" ".join([task, *words]))
    return ", ".join(parts)


def _make(need: Run) -> Path:
    """Execute the notebook behind `need` in the scratch folder, if that takes a minute only."""
    words = [f"{name}={value}" for name, value in need.params.items()]
    command = ["-m", "xstilts.execute", need.notebook, *words]
    if need.setting.data != "world":
        raise MissingData(f"{need.id} has not been run; to run it: python {' '.join(command)}")
    print(f"{need.id} is needed first: executing {need.notebook} ...", flush=True)
    done = subprocess.run([sys.executable, *command], stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise UserError((done.stderr.strip().splitlines() or [f"{need.notebook} failed"])[-1])
    return runs_dir() / "scratch" / need.id
