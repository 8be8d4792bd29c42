"""Measures how fast this machine trains and reads with an encoder, in some tens of seconds.

Through the product's own loop, on random pieces as long as the shortest and the longest of a
grid's tasks. Its time is taken to be so much an update and so much a FLOP (see `costs`); both
follow from the two. One thread, as a run has; runs side by side may be slower.
"""

import math
import time
from collections.abc import Iterable
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from io import StringIO
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import torch
from transformers.utils.logging import disable_progress_bar

from xstilts.costs import CONFIG, Shape, shape, size, texts
from xstilts.data import labelled, load
from xstilts.encoder import FAMILIES, Encoder
from xstilts.forms import Feature, Input, form
from xstilts.grid import Run
from xstilts.languages import languages
from xstilts.loop import Lesson, Training
from xstilts.model import Head, Model, predict
from xstilts.paths import MissingData, UserError, hub_dir
from xstilts.resume import Work
from xstilts.runs import start
from xstilts.settings import Hyper, Setting
from xstilts.speeds import Speed, machine
from xstilts.tasks import Task

ROWS = 200  # of a task, to see how long they are
FLOPS = 3e11, 1e15  # of one measurement, about: on a processor, on a GPU
UPDATES = 4, 30  # of one measurement, at least and at most
TASK = Task("probe", "Probe", "classify", labels=("no", "yes"))
USUAL = Hyper(lr=1e-5, epochs=1, batch=32, max_len=128)  # where a grid trains nothing
HEAD = Head("probe", "classify", TASK.labels, (TASK.name,))


def measure(setting: Setting, runs: Iterable[Run]) -> Speed:
    """The speed with a setting's encoder, at the lengths of what its `runs` train on.

    An encoder that is not here is replaced by an untrained one of the size that was published;
    MissingData where none was.
    """
    torch.set_num_threads(1)
    disable_progress_bar()
    gpu = torch.cuda.is_available()
    body, encoder = shape(setting), _encoder(setting)
    runs = [run for run in runs if run.setting == setting]
    lengths = _lengths(runs, setting, encoder.tokenizer) if callable(encoder.tokenizer) else {}
    model, trained = Model(encoder, [HEAD], {}), [run for run in runs if run.hyper]
    usual = max((run.hyper for run in trained), key=lambda hyper: hyper.max_len, default=USUAL)
    known = [size(task, setting.data, lengths).pieces / texts(task)
             for run in trained for task in run.tasks]  # fmt: skip
    known = [min(pieces, usual.max_len) for pieces in known if pieces == pieces]
    found = []  # (FLOPs, seconds) of an update
    for length in (min(known, default=16), max(known, default=usual.max_len / 2)):
        batch = int(min(usual.batch, FLOPS[gpu] / (3 * UPDATES[0] * body.reading(length)))) or 1
        features = _features(body, length, usual.max_len, batch * UPDATES[0])
        work = 3 * sum(body.reading(feature.pieces) for feature in features) / UPDATES[0]
        count = int(min(max(UPDATES[0], FLOPS[gpu] / work), UPDATES[1]))
        hyper = replace(usual, batch=batch, updates=count, evaluate_every=2 * count, mlm=0.0)
        seconds = _update(model, features, hyper, setting.precision)
        found.append((work, seconds))
        print(f"{setting.name}: {batch} x {length:.0f} subwords an update, "
              f"{batch * length / seconds:,.0f} a second", flush=True)  # fmt: skip
    for _ in range(2):  # the first one makes ready
        began = time.perf_counter()
        predict(model, HEAD, features, usual.tokens, setting.precision)
    reading = work * UPDATES[0] / 3 / (time.perf_counter() - began)
    said = f"{machine()}, {time.strftime('%Y-%m-%d')}"
    return Speed(*solved(*found), reading, said, lengths, gpu)


def solved(short: tuple[float, float], long: tuple[float, float]) -> tuple[float, float]:
    """Seconds an update and FLOP/s from the (FLOPs, seconds) of two updates.

    Neither is ever worse than the long one alone would have it.
    """
    (few, early), (many, late) = short, long
    slope = (late - early) / (many - few) if many > few else 0.0
    slope = slope if 0 < slope * many <= late else late / many
    return max(0.0, late - slope * many), 1 / slope


def _encoder(setting: Setting) -> Encoder:
    """The setting's own if its files are here, else one drawn at random, without a tokenizer."""
    where, body = start(setting), shape(setting)
    if Path(where).is_dir():
        return Encoder.load(where)
    if math.isnan(body.width):
        raise MissingData(f"{setting.name}: '{where}' is not here, and its size is not known")
    print(f"{setting.name}: '{where}' is not here; an untrained encoder of its size stands in")
    config, model = FAMILIES["bert" if body.types == 2 else "xlm-roberta"]
    sizes = dict(zip(CONFIG, body, strict=True), num_attention_heads=body.width // 64)
    return Encoder(model(config(**sizes)), SimpleNamespace(pad_token_id=1))


def _lengths(runs: Iterable[Run], setting: Setting, tokenizer) -> dict[str, float]:
    """Mean pieces of a row, by task, of those whose rows are here."""
    data, found = setting.data, {}
    for task in {task.name: task for run in runs for task in run.tasks}.values():
        repos = [hub_dir() / hub.repo for hub in task.hub if hub_dir()]
        if data == "world" or task.files or any(repo.is_dir() for repo in repos):
            split, known = ("test" if task.langs else "train"), languages(task, data)
            lang = "en" if "en" in known else known[0]
            with suppress(UserError):
                rows = load(task, split, lang, data=data, limit=ROWS).to_list()
                read = form(task.form).encode(rows, tokenizer, labelled(task, data=data), 512)
                found[task.name] = sum(len(i.ids) for f in read for i in f.inputs) / len(rows)
    return found


def _features(body: Shape, length: float, longest: int, count: int) -> list[Feature]:
    """Random pieces; lengths spread by half around `length`, as those of texts are."""
    dice = np.random.default_rng(0)
    sizes = dice.uniform(length / 2, 1.5 * length, count).clip(3, longest).astype(int)
    ids = [dice.integers(5, body.vocabulary, n, np.int32) for n in sizes]
    return [Feature(i, (Input(own, len(own)),), i % 2, len(own)) for i, own in enumerate(ids)]


def _update(model: Model, features: list[Feature], hyper: Hyper, precision: str) -> float:
    """Seconds of an optimiser step, the first of all left out."""
    lesson = Lesson(TASK, HEAD, features, hyper.batch)
    training = Training(model, [lesson], hyper, precision, 0, "probe")
    with redirect_stdout(StringIO()), TemporaryDirectory() as folder:
        training.run(Work(Path(folder) / "model", ""))
    return median(b["seconds"] - a["seconds"] for a, b in pairwise(training.state.curve))
