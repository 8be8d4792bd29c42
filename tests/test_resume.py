"""A training that is killed at any moment goes on to bit-identical weights."""

import json
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
import tiny
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from xstilts import loop, train
from xstilts.recipes import Recipe
from xstilts.settings import Setting

UPDATES = 40
BUDGET = {"lr": 5e-3, "batch": 8, "updates": UPDATES, "max_len": 64, "evaluate_every": 7,
          "tokens": 400}  # fmt: skip
TASKS = tiny.task("classify"), tiny.task("span"), replace(tiny.task("classify"), name="other")
SINGLE = Recipe("single", tasks=("my_classify",))
MULTI = Recipe("multi-task", tasks=("my_classify", "my_span", "other"), cap=20, temperature=2.0)
MIXED = Recipe("mixed", tasks=("my_span",), mlm=0.5)


@pytest.fixture
def fit(tmp_path, monkeypatch):
    """`fit` on a few rows, which saves its state after every step."""
    start = tiny.encoder(dropout=0.1).save(tmp_path / "start")

    def rows(task, split, lang):
        return tiny.rows(task.form, 24 if split == "train" else 8)

    tiny.feed(monkeypatch, rows, every_step=True)
    setting = Setting("test", str(start), "world", budget={"target": BUDGET})
    return lambda recipe, out, seed=0: train.fit(
        start, recipe, setting, phase="target", seed=seed, out=tmp_path / out, known_tasks=TASKS
    )


def saved_step(folder) -> int:
    """The step of the state that a training keeps beside the model `folder`; 0 for none."""
    try:
        with safe_open(folder.parent / ".work" / folder.name / "state.safetensors", "pt") as file:
            return json.loads(file.metadata()["rest"])["state"]["step"]
    except FileNotFoundError:
        return 0


def killed(work, out, step: int, delay: float) -> int:
    """Run `work` in a process, kill it some time after it saved `step`; the step it had saved."""
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    while saved_step(out) < step and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.002)
    time.sleep(delay)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return saved_step(out)


@pytest.mark.parametrize("recipe", [SINGLE, MULTI, MIXED], ids=lambda r: r.name)
def test_killed_at_random_moments_it_ends_in_the_same_weights(recipe, fit, tmp_path, capfd):
    whole = fit(recipe, "whole")
    dice = np.random.default_rng()  # other moments each time
    moments = sorted(dice.integers(1, UPDATES - 12, 3).tolist())
    for step, delay in zip(moments, dice.uniform(0, 0.03, 3), strict=True):
        left = killed(lambda: fit(recipe, "parts"), tmp_path / "parts", step, delay)
        assert step <= left < UPDATES, f"killed after {moments}"
    parts = fit(recipe, "parts")
    assert f"goes on from step {left} of {UPDATES}" in capfd.readouterr().out
    for name in ("model.safetensors", "heads.safetensors"):
        one, other = load_file(tmp_path / "whole" / name), load_file(tmp_path / "parts" / name)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[k], other[k]) for k in one), f"{name}, killed after {moments}"
    assert timeless(whole) == timeless(parts)
    assert not (tmp_path / ".work").exists()


def timeless(fitted) -> tuple:
    curve = [{k: v for k, v in row.items() if k != "seconds"} for row in fitted.curve]
    return replace(fitted, path=None, seconds=0, curve=[]), curve


def test_the_state_of_another_training_is_passed_over(fit, tmp_path, capfd):
    killed(lambda: fit(SINGLE, "model"), tmp_path / "model", 5, 0)
    assert saved_step(tmp_path / "model") >= 5
    mine, fresh = fit(SINGLE, "model", seed=1), fit(SINGLE, "fresh", seed=1)
    assert "goes on" not in capfd.readouterr().out
    assert timeless(mine) == timeless(fresh)


def test_states_are_rare_when_saving_takes_long(fit, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "SAVE_SHARE", 1e9)
    saves = []
    monkeypatch.setattr(loop.Work, "save", lambda self, training: saves.append(training.state.step))
    fit(SINGLE, "model")
    assert saves == [1]
