"""What a grid costs: examples, updates, disk and work. Opens no data.

Counts are those of the records and of the published sets (`facts/sizes.csv`: rows, and the word
pieces of one row with all its texts), so they are right to some percent. A training is taken to
run to its end, with dev as often as its numbers say. Not counted: start-up, tokenising, the
search for neighbours in retrieval, and pretraining. What is not known is NaN, and so is every
sum over it.
"""

import csv
import json
import math
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from xstilts.grid import Run
from xstilts.languages import languages
from xstilts.paths import FACTS, MissingData
from xstilts.runs import start
from xstilts.settings import Setting
from xstilts.tasks import Task

UNKNOWN = math.nan
STATE = 4  # a training's state on disk, in models: weights, two moments, the best weights
RUN, EXAMPLE = 0.15e6, 30  # bytes of an executed notebook, and of one example's row and answer
HIDDEN = 0.15  # of running text: the pieces that the language-model head is run on


class Shape(NamedTuple):
    """An encoder's size, as its `config.json` has it; `positions` with the reserved ones."""

    layers: int
    width: int
    inner: int
    vocabulary: int
    positions: int
    types: int

    @property
    def matrices(self) -> int:
        """Parameters that every piece is multiplied with."""
        return self.layers * (4 * self.width**2 + 2 * self.width * self.inner)

    @property
    def parameters(self) -> int:
        """All of them, with the language-model head (whose matrix is that of the embeddings)."""
        rows = self.vocabulary + self.positions + self.types
        thin = self.layers * (9 * self.width + self.inner) + 2 * self.width
        return (self.matrices + thin + rows * self.width
                + self.width**2 + 3 * self.width + self.vocabulary)  # fmt: skip

    @property
    def bytes(self) -> int:
        """A saved model: float32."""
        return 4 * self.parameters

    def reading(self, pieces: float, texts: int = 1, hidden: float = 0) -> float:
        """FLOPs of running `texts` with `pieces` in all, a multiplication and an addition being
        two; attention grows with a text's length. Learning from them takes three times as many."""
        head = hidden * (self.width + self.vocabulary) * self.width
        return pieces * (2 * (self.matrices + head) + 4 * self.layers * self.width * pieces / texts)


PUBLISHED = {
    "FacebookAI/xlm-roberta-large": Shape(24, 1024, 4096, 250002, 514, 1),
    "FacebookAI/xlm-roberta-base": Shape(12, 768, 3072, 250002, 514, 1),
    "google-bert/bert-base-multilingual-cased": Shape(12, 768, 3072, 119547, 512, 2),
}
CONFIG = ("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size",
           "max_position_embeddings", "type_vocab_size")  # fmt: skip


def shape(setting: Setting) -> Shape | None:
    """The size of a setting's encoder: by its files if they are here, else as published."""
    try:
        return _told(Path(start(setting)) / "config.json")
    except (OSError, ValueError, KeyError, MissingData):
        return PUBLISHED.get(setting.encoder)


@cache
def _told(file: Path) -> Shape:
    told = json.loads(file.read_text("utf-8"))
    return Shape(*(told[name] for name in CONFIG))


class Size(NamedTuple):
    """Rows of a task in one language by split, and the pieces of a row, over all its `texts`."""

    train: float
    dev: float
    test: float
    pieces: float


@cache
def _published() -> dict[str, Size]:
    with (FACTS / "sizes.csv").open(encoding="utf-8", newline="") as file:
        return {r["task"]: Size(*(float(r[name]) for name in Size._fields))
                for r in csv.DictReader(file)}  # fmt: skip


def size(task: Task, data: str, lengths: Mapping[str, float]) -> Size:
    """How large `task` is; `lengths` has the pieces of a row where they were measured."""
    if data == "world" and not task.files:
        from xstilts.world.tasks import TASKS

        rows = TASKS[task.world].sizes if task.world else {}
        found = Size(*(rows.get(split, 0) for split in ("train", "dev", "test")), UNKNOWN)
    else:
        found = _published().get("" if task.files else task.name, Size(*[UNKNOWN] * 4))
    return found._replace(pieces=lengths.get(task.name, found.pieces))


def texts(task: Task) -> int:
    """Texts of a row that the encoder reads apart: the choices, or both sides of a pair."""
    return {"choose": max(1, len(task.labels)), "pairs": 2}.get(task.form, 1)


class Cost(NamedTuple):
    """Examples trained on (or evaluated), updates, and FLOPs of learning and of mere reading."""

    examples: float = 0
    updates: float = 0
    learnt: float = 0
    read: float = 0

    def __add__(self, other):
        return Cost(*(a + b for a, b in zip(self, other, strict=True)))


def cost(run: Run, lengths: Mapping[str, float]) -> Cost:
    """What one run takes; `lengths` are pieces of a row by task, where measured."""
    if run.setting is None or not (run.trained or run.tasks):
        return Cost()
    body, data = shape(run.setting), run.setting.data
    longest = run.hyper.max_len if run.hyper else math.inf
    sizes = [size(task, data, lengths) for task in run.tasks]
    work = [_row(body, min(own.pieces, texts(task) * longest), texts(task))
            for own, task in zip(sizes, run.tasks, strict=True)]  # fmt: skip
    if run.trained:
        return _training(run.hyper, body, list(zip(sizes, work, strict=True)))
    limit = run.setting.budget.get("evaluate", {}).get("examples", math.inf)
    rows = [min(own.test, limit) * len(languages(task, data))
            for own, task in zip(sizes, run.tasks, strict=True)]  # fmt: skip
    return Cost(sum(rows), read=sum(n * one for n, one in zip(rows, work, strict=True)))


def _row(body: Shape | None, *what, **more) -> float:
    return body.reading(*what, **more) if body else UNKNOWN


def _training(hyper, body: Shape | None, tasks: list[tuple[Size, float]]) -> Cost:
    """As `loop` trains: tasks drawn by their size, dev on the way, running text for its share."""
    rows = [min(size.train, hyper.examples or math.inf) for size, _ in tasks]
    per_epoch = sum(-(-n // hyper.batch) for n in rows)
    updates = hyper.updates or max(hyper.epochs * per_epoch, 1)
    examples = hyper.updates * hyper.batch if hyper.updates else hyper.epochs * sum(rows)
    examples *= 1 - hyper.mlm
    drawn = [min(n, hyper.cap or math.inf) ** (1 / hyper.temperature) for n in rows]
    share = examples / (sum(drawn) or 1)
    learnt = sum(share * n * work for n, (_, work) in zip(drawn, tasks, strict=True))
    if windows := updates * hyper.mlm * hyper.mlm_batch:
        running = _row(body, hyper.max_len, hidden=HIDDEN)
        examples, learnt = examples + windows, learnt * (hyper.mlm < 1) + windows * running
    looks = updates // hyper.evaluate_every + 1 if hyper.mlm < 1 else 0
    read = sum(min(size.dev, hyper.eval_examples or math.inf) * work for size, work in tasks)
    return Cost(examples, updates, 3 * learnt, looks * read if looks else 0)


class Disk(NamedTuple):
    """Bytes at the end, and at most at one time."""

    kept: float
    peak: float


def disk(runs: Iterable[Run], costs: Mapping[str, Cost], workers: int) -> Disk:
    """What a grid leaves on disk: every encoder, notebook and example, for good.

    Fine-tuned models are dropped once read, and the scheduler prefers to read them: at any time
    there is at most one of them for each worker, and the state of one training.
    """
    kept, models = 0.0, {0.0}
    for run in runs:
        kept += RUN + EXAMPLE * (costs[run.id].examples if run.leaves == "scores" else 0)
        if run.leaves in ("model", "temp"):
            body = shape(run.setting)
            model = body.bytes if body else UNKNOWN
            models.add(model)
            kept += model if run.leaves == "model" else 0
    largest = max(models) if sum(models) >= 0 else UNKNOWN
    return Disk(kept, kept + workers * (1 + STATE) * largest)


def wall(runs: Iterable[Run], seconds: Mapping[str, float], workers: int) -> float:
    """Seconds from the first run to the last: shared work, or the longest chain of needs."""
    ends: dict[str, float] = {}
    for run in runs:
        if run.id in seconds:
            before = (ends.get(need, 0.0) for need in run.needs)
            ends[run.id] = seconds[run.id] + max(before, default=0.0)
    return max(sum(seconds.values()) / workers, max(ends.values(), default=0.0))
