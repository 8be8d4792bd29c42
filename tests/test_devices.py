"""Several processes train as one would, and end with whoever asked for them."""

import json
import os
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from xstilts import arms, data, devices, train
from xstilts.forms import form
from xstilts.model import Model, predict
from xstilts.paths import BadInput
from xstilts.recipes import Recipe
from xstilts.settings import Setting
from xstilts.train import Fitted

TASKS = [tiny.task(name) for name in ("classify", "span", "pairs")]
RECIPE = Recipe("mine", tasks=tuple(task.name for task in TASKS), mlm=0.2)
BUDGET = {"lr": 2e-3, "batch": 23, "updates": 30, "max_len": 64, "evaluate_every": 10,
          "tokens": 400}  # fmt: skip


def rows(task, split, lang="en"):
    return tiny.rows(task.form, 24 if split == "train" else 9)


def fit(start, out):
    setting = Setting("test", str(start), "world", budget={"target": BUDGET})
    return train.fit(start, RECIPE, setting, phase="target", seed=1, out=out, known_tasks=TASKS)


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """24 rows a task, so that an epoch's second step is one example, too few for two processes."""
    tiny.feed(monkeypatch, rows, every_step=True)


def forked(work, count=2) -> list[int]:
    """Processes of one group that do `work`, as `launch` would start them but in no time."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    children = []
    for rank in range(count):
        if not (child := os.fork()):
            code = 1
            try:
                AcceleratorState._reset_state(True)
                os.environ |= {
                    "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count),
                    "LOCAL_WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1",
                    "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true",
                }  # fmt: skip
                work()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    return children


def ended(children) -> list[int]:
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


def curve(fitted) -> list[tuple]:
    return [(row["step"], row["task"], row["lr"], row["dev"]) for row in fitted.curve]


def answers(fitted, task) -> list:
    module, model, mine = form(task.form), Model.load(fitted.path), rows(task, "dev")
    features = module.encode(mine, model.encoder.tokenizer, task, 64)
    return module.decode(predict(model, model.head_of(task), features, 400), features, mine, task)


def test_two_processes_train_like_one(tmp_path):
    start = tiny.encoder().save(tmp_path / "start")
    assert ended(forked(lambda: fit(start, tmp_path / "two"))) == [0, 0]
    one, two = fit(start, tmp_path / "one"), Fitted.load(tmp_path / "two")
    assert {row["task"] for row in one.curve} == {*RECIPE.tasks, "mlm"}
    assert (curve(one), one.dev, one.best) == (curve(two), two.dev, two.best)
    losses = [[row["loss"] for row in fitted.curve] for fitted in (one, two)]
    np.testing.assert_allclose(*losses, rtol=1e-4)
    for task in TASKS:
        assert answers(one, task) == answers(two, task)


def test_killed_it_goes_on_to_the_same_weights_and_masks_differ(tmp_path, capfd):
    start = tiny.encoder(dropout=0.1).save(tmp_path / "start")

    def whole():
        fit(start, tmp_path / "whole")
        (tmp_path / f"seed{devices.place()[0]}").write_text(str(torch.initial_seed()))

    assert ended(forked(whole)) == [0, 0]
    assert len({(tmp_path / f"seed{rank}").read_text() for rank in (0, 1)}) == 2
    children = forked(lambda: fit(start, tmp_path / "parts"))
    state = tmp_path / ".work" / "parts" / "state.safetensors"
    while not state.exists() and os.waitpid(children[0], os.WNOHANG) == (0, 0):
        time.sleep(0.002)
    for child in children:
        os.kill(child, signal.SIGKILL)
    ended(children)
    assert ended(forked(lambda: fit(start, tmp_path / "parts"))) == [0, 0]
    assert capfd.readouterr().out.count("goes on from step") == 2
    for name in ("model.safetensors", "heads.safetensors"):
        one, other = load_file(tmp_path / "whole" / name), load_file(tmp_path / "parts" / name)
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert not (tmp_path / ".work").exists()


@pytest.fixture
def own(tmp_path, monkeypatch):
    """`fit` of an own task from files, which other processes can read too."""
    monkeypatch.setattr(train, "load", data.load)
    monkeypatch.setattr(arms, "load", data.load)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for split, count in (("train", 24), ("dev", 8)):
        lines = map(json.dumps, tiny.rows("classify", count))
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines))
    task = tiny.task("classify", files={s: str(tmp_path / f"{s}.jsonl") for s in ("train", "dev")})
    start = tiny.encoder().save(tmp_path / "start")

    def fit(count, out, **budget):
        setting = Setting("own", str(start), devices=count, budget={"target": BUDGET | budget})
        recipe = Recipe("mine", tasks=(task.name,))
        return train.fit(start, recipe, setting, phase="target", seed=1, out=tmp_path / out,
                         known_tasks=[task])  # fmt: skip

    return fit


def test_fit_starts_processes_and_reads_what_they_leave(own, tmp_path, capsys):
    two = own(2, "two", updates=4)
    printed = capsys.readouterr().out
    assert printed.count("mine: step 4/4") == printed.count("tensors loaded") == 1
    one = own(1, "one", updates=4)
    assert (curve(one), one.dev) == (curve(two), two.dev) and two.path == tmp_path / "two"
    with pytest.raises(BadInput, match="^request: 'Request' lacks 'start'$"):
        devices.launch("xstilts.train", {}, 1)  # the error of one of them
    for count in (0, 100_000):
        with pytest.raises(BadInput, match=rf"devices: {count}, but there are \d+ .* here"):
            own(count, "four")


def test_nothing_outlives_a_killed_parent(own, tmp_path):
    def alive() -> list[str]:
        found = (words(file) for file in Path("/proc").glob("[0-9]*/cmdline"))
        return [line for line in found if str(tmp_path) in line]

    def words(file) -> str:
        try:
            return file.read_text()
        except OSError:  # it ended meanwhile
            return ""

    if not Path("/proc/self/cmdline").is_file():
        pytest.skip("no /proc here")
    said = tmp_path / "said"
    said.touch()
    if not (child := os.fork()):
        with said.open("w") as sys.stdout:
            own(2, "long", updates=1_000_000)
    while "tensors loaded" not in said.read_text():
        assert os.waitpid(child, os.WNOHANG) == (0, 0)
        time.sleep(0.05)
    assert len(alive()) == 3  # torchrun and its two
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    for _ in range(600):
        if alive():
            time.sleep(0.1)
    assert not alive()
