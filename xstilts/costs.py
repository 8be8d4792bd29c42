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
from xstilts.languages import in_world, languages
from xstilts.paths import FACTS, MissingData
from xstilts.runs import start
from xstilts.settings import Hyper, Setting
from xstilts.tasks import SPLITS, Task

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


def shape(setting: Setting) -> Shape:
    """The size of a setting's encoder: by its files if they are here, else as published, or NaN."""
    try:
        return _configured(Path(start(setting)) / "config.json")
    except (OSError, ValueError, KeyError, MissingData):
        return PUBLISHED.get(setting.encoder, Shape(*[UNKNOWN] * 6))


@cache
def _configured(file: Path) -> Shape:
    told = json.loads(file.read_text("utf-8"))
    return Shape(*(told[name] for name in CONFIG))


class Size(NamedTuple):
    """Rows of a task in one language by split, and the pieces of a row, over all its `texts`."""

    train: float = UNKNOWN
    dev: float = UNKNOWN
    test: float = UNKNOWN
    pieces: float = UNKNOWN


@cache
def _published() -> dict[str, Size]:
    with (FACTS / "sizes.csv").open(encoding="utf-8", newline="") as file:
        return {r["task"]: Size(*(float(r[name]) for name in Size._fields))
                for r in csv.DictReader(file)}  # fmt: skip


def size(task: Task, data: str, lengths: Mapping[str, float]) -> Size:
    """How large `task` is; `lengths` has the pieces of a row where they were measured."""
    found = Size() if task.files else _published().get(task.name, Size())
    if in_world(task, data):
        from xstilts.world.tasks import TASKS

        rows = TASKS[task.world].sizes if task.world else {}
        found = Size(*(rows.get(split, 0) for split in SPLITS))
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


def cost(run: Run, lengths: Mapping[str, float]) -> Cost:
    """What one run takes; `lengths` are pieces of a row by task, where measured."""
    if not run.tasks:
        return Cost()
    body, data = shape(run.setting), run.setting.data
    longest = run.hyper.max_len if run.hyper else math.inf
    sizes = [(task, size(task, data, lengths), texts(task)) for task in run.tasks]
    work = [body.reading(min(own.pieces, n * longest), n) for _, own, n in sizes]  # of a row
    if run.hyper:
        return _training(run.hyper, body, [own for _, own, _ in sizes], work)
    limit = run.setting.budget.get("evaluate", {}).get("examples", math.inf)
    rows = [min(own.test, limit) * len(languages(task, data)) for task, own, _ in sizes]
    return Cost(sum(rows), read=_sum(rows, work))


def _training(hyper: Hyper, body: Shape, sizes: list[Size], work: list[float]) -> Cost:
    """As `loop` trains: tasks drawn by their size, dev on the way, running text for its share."""
    rows = [min(size.train, hyper.examples or math.inf) for size in sizes]
    updates = hyper.updates or max(hyper.epochs * sum(-(-n // hyper.batch) for n in rows), 1)
    examples = hyper.updates * hyper.batch if hyper.updates else hyper.epochs * sum(rows)
    examples *= 1 - hyper.mlm
    drawn = [min(n, hyper.cap or math.inf) ** (1 / hyper.temperature) for n in rows]
    learnt = examples / (sum(drawn) or 1) * _sum(drawn, work)
    if windows := updates * hyper.mlm * hyper.mlm_batch:
        running = body.reading(hyper.max_len, hidden=HIDDEN)
        examples, learnt = examples + windows, learnt * (hyper.mlm < 1) + windows * running
    if hyper.mlm == 1:
        return Cost(examples, updates, 3 * learnt)
    dev = [min(size.dev, hyper.eval_examples or math.inf) for size in sizes]
    looks = updates // hyper.evaluate_every + 1
    return Cost(examples, updates, 3 * learnt, looks * _sum(dev, work))


def _sum(counts: list[float], each: list[float]) -> float:
    return sum(n * one for n, one in zip(counts, each, strict=True))


def disk(runs: Iterable[Run], costs: Mapping[str, Cost], workers: int) -> tuple[float, float]:
    """Bytes that a grid leaves on disk in the end, and at most at one time.

    Every encoder, notebook and example stays. Fine-tuned models are dropped once read, and the
    scheduler prefers to read them: at any time there is at most one of them for each worker, and
    the state of one training.
    """
    kept, models = 0.0, [0.0]
    for run in runs:
        kept += RUN + EXAMPLE * (costs[run.id].examples if run.leaves == "scores" else 0)
        if run.leaves in ("model", "temp"):
            models.append(shape(run.setting).bytes)
            kept += models[-1] if run.leaves == "model" else 0
    largest = UNKNOWN if math.isnan(sum(models)) else max(models)
    return kept, kept + workers * (1 + STATE) * largest


def wall(runs: Iterable[Run], seconds: Mapping[str, float], workers: int) -> float:
    """Seconds from the first run to the last: shared work, or the longest chain of needs."""
    ends: dict[str, float] = {}
    for run in runs:
        if run.id in seconds:
            before = (ends.get(need, 0.0) for need in run.needs)
            ends[run.id] = seconds[run.id] + max(before, default=0.0)
    return max(sum(seconds.values()) / workers, max(ends.values(), default=0.0))
