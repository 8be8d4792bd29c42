"""The training loop: optimiser steps, evaluations on the way, the best weights kept.

AdamW, linear warm-up and decay, gradients clipped once a step. What a step holds, what it hides
and drops out, and its learning rate follow from the seed and the step's number alone; so a
training that was stopped goes on as if nothing had happened (see `resume`). Knows no data sets:
`train` brings the features and takes the model.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from xstilts.batches import collate, mixture, steps, steps_per_epoch
from xstilts.devices import Total, add_up, agree, place, shared
from xstilts.forms import Feature, asked, form, judge
from xstilts.metrics import headline
from xstilts.model import Head, Model, predict
from xstilts.paths import UserError
from xstilts.resume import Work
from xstilts.settings import Hyper
from xstilts.tasks import Task

LINE_EVERY = 10  # seconds between two lines of progress
SAVE_EVERY = 60  # seconds between two saved states
SAVE_SHARE = 50  # and so many times as long as the last one took
WHOLE = sys.maxsize  # a token budget that never splits a step


@dataclass(frozen=True)
class Lesson:
    """One task's training features, `batch` of them a step, and its English dev rows, if any."""

    task: Task
    head: Head
    features: list[Feature]
    batch: int
    skipped: int = 0
    dev_rows: list[dict] = field(default_factory=list)
    dev_features: list[Feature] = field(default_factory=list)

    @cached_property
    def form(self) -> ModuleType:
        return form(self.head.form)

    @cached_property
    def lengths(self) -> list[int]:
        return [feature.length for feature in self.features]


@dataclass
class State:
    """What changes during a training, beside weights and the optimiser's moments: plain JSON."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    strikes: int = 0
    best: int = 0
    best_dev: dict[str, float] = field(default_factory=dict)
    curve: list[dict] = field(default_factory=list)
    losses: dict[str, list[float]] = field(default_factory=dict)  # by task, since its last row


def updates(lessons: Sequence[Lesson], hyper: Hyper) -> int:
    """Optimiser steps of a whole training."""
    per_epoch = [steps_per_epoch(len(one.features), one.batch) for one in lessons]
    return hyper.updates or max(1, round(hyper.epochs * sum(per_epoch)))


class Training:
    """The loop: `run` it once; afterwards `inner` holds the weights that were selected."""

    def __init__(self, model: Model, lessons, hyper: Hyper, precision: str, seed: int, name: str):
        self.lessons, self.hyper, self.seed, self.name = lessons, hyper, seed, name
        self.total, sizes = updates(lessons, hyper), [len(one.features) for one in lessons]
        self.plan = mixture(sizes, self.total, seed, hyper.cap, hyper.temperature, hyper.mlm)
        on_gpu = torch.cuda.is_available() and precision == "bf16"
        self.accelerator = Accelerator(mixed_precision="bf16" if on_gpu else "no")
        self.precision = precision
        model.to(self.accelerator.device).train()  # an encoder comes as for reading
        optimiser = torch.optim.AdamW(
            weight_groups(model, hyper.weight_decay), lr=hyper.lr, eps=1e-8, fused=True
        )
        self.inner = model  # without what Accelerate puts around it
        self.model = self.accelerator.prepare_model(model, evaluation_mode=True)  # see `devices`
        self.optimiser = self.accelerator.prepare_optimizer(optimiser)
        self.weights = [p for p in model.parameters() if p.requires_grad]
        agree(self.weights)
        self.state, self.best_weights = State(), None

    def run(self, work: Work) -> None:
        """Train from where `work` left off, or from the start, to the end."""
        work.load(self)
        if self.state.step:
            print(f"{self.name}: goes on from step {self.state.step} of {self.total}", flush=True)
        self.said = now = time.monotonic()
        self.started, self.due = now - self.state.seconds, now + SAVE_EVERY
        log_every = max(1, self.total // 200)
        while self.state.step < self.total and self.state.strikes < self.hyper.patience:
            one = self._update(self.state.step)
            self.state.step += 1
            last = self.state.step == self.total
            dev = None
            if last or self.state.step % self.hyper.evaluate_every == 0:
                dev = self._evaluate()
            if dev is not None or self.state.step % log_every == 0:
                self._log(one.task.name, dev)
            self._keep(work)
        self._restore()

    def _update(self, step: int) -> Lesson:
        """One optimiser step: the whole batch, then one division by what it counted."""
        which, nth = self.plan[step]
        one, here = self.lessons[which], place()
        apart = one.task.form in ("pairs", "moments")  # the loss is of the step as a whole
        budget = WHOLE if apart else self.hyper.tokens
        pad, device = self.inner.encoder.tokenizer.pad_token_id, self.accelerator.device
        features = self._features(one, step, nth)
        seed = self.seed + 997 * here[0]
        _seed(seed * 1_000_003 + step)  # dropout depends on nothing else
        total = count = tokens = 0
        for micro in steps(one.lengths, one.batch, budget, self.seed, nth, here):
            micro = [sum(micro, [])] if apart else micro
            groups = [[features[i] for i in group] for group in micro]
            batches = [collate(group, pad, device, apart=apart) for group in groups]
            outs = self.model(one.head.name, batches)
            if apart:
                outs = [_whole(outs[0], micro[0], list(features))]
            losses = [one.form.loss(o, b) for o, b in zip(outs, batches, strict=True)]
            part = sum(loss for loss, _ in losses)
            self.accelerator.backward(part)
            total, count = total + part.detach(), count + sum(size for _, size in losses)
            tokens += sum(len(i.ids) for g in groups for f in g for i in f.inputs)
        total, count, tokens = add_up(self.weights, [float(total), count, tokens])
        self.state.tokens += int(tokens)
        self._apply(total / count, count, one, step)
        return one

    def _features(self, one: Lesson, step: int, nth: int) -> dict[int, Feature]:
        """All that the step holds, longest first, whoever computes it."""
        (micro,) = steps(one.lengths, one.batch, WHOLE, self.seed, nth)
        places = sum(micro, [])
        features = [one.features[i] for i in places]
        if one.task.form == "mlm":
            dice = np.random.default_rng((self.seed, step))
            features = one.form.hide(features, self.inner.encoder.tokenizer, dice)
        return dict(zip(places, features, strict=True))

    def _apply(self, loss: float, count: int, one: Lesson, step: int) -> None:
        """Clip, divide, step; the gradients so far are those of the summed loss."""
        weights = [p for p in self.weights if p.grad is not None]
        norm = float(self.accelerator.clip_grad_norm_(weights, self.hyper.clip * count))
        lr = self.hyper.lr * share(step, self.total, self.hyper.warmup)
        if not (abs(loss) < float("inf") and norm < float("inf")):
            raise UserError(
                f"{self.name}: the loss became {loss} (gradient {norm}) at step {step + 1} of "
                f"{self.total}, task '{one.task.name}', learning rate {lr:.3g}; lower the rate"
            )
        torch._foreach_mul_([p.grad for p in weights], 1 / count)
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.state.losses.setdefault(one.task.name, []).append(loss)

    def _evaluate(self) -> float | None:
        """Mean headline on English dev; keeps the weights if it is strictly the best so far."""
        dev, state = {}, self.state
        for one in self.lessons:
            if one.dev_rows:
                dev[one.task.name] = dev_score(self.inner, one, self.hyper.tokens, self.precision)
        if not dev:
            return None
        mean = _mean(dev)
        if self.hyper.select == "last":
            state.best_dev = dev
        elif state.best_dev and mean <= _mean(state.best_dev):
            state.strikes += 1
        else:
            state.strikes, state.best, state.best_dev = 0, state.step, dev
            self.best_weights = {
                name: weight.detach().to("cpu", copy=True)
                for name, weight in self.inner.named_parameters()
            }
        return mean

    def _restore(self) -> None:
        """Put the best weights back; without any dev figures the last ones stay."""
        self.inner.facts["selection"] = "best English dev" if self.best_weights else "last"
        if not self.best_weights:
            self.state.best = self.state.step
        elif self.state.best != self.state.step:
            with torch.no_grad():
                for name, weight in self.inner.named_parameters():
                    weight.copy_(self.best_weights[name])

    @property
    def seconds(self) -> float:
        """Spent so far, by all that worked on it."""
        return time.monotonic() - self.started

    def _keep(self, work: Work) -> None:
        """Save the state, once for all processes; for no more than a small share of the time."""
        now = time.monotonic()
        if now >= self.due and place()[0] == 0:
            self.state.seconds = self.seconds
            work.save(self)
            took = time.monotonic() - now
            self.due = now + max(SAVE_EVERY, SAVE_SHARE * took)

    def _log(self, task_name: str, dev: float | None) -> None:
        """A row of the curve: the mean loss of the task's steps since its last row."""
        recent = self.state.losses.pop(task_name)
        row = {
            "step": self.state.step,
            "task": task_name,
            "loss": sum(recent) / len(recent),
            "lr": self.optimiser.param_groups[0]["lr"],
            "dev": dev,
            "seconds": round(self.seconds, 3),
            "tokens": self.state.tokens,
        }
        self.state.curve.append(row)
        if time.monotonic() - self.said > LINE_EVERY or self.state.step == self.total:
            self.said = time.monotonic()
            best = f"best dev {_mean(self.state.best_dev):.1f}  " if self.state.best_dev else ""
            print(
                f"{self.name}: step {self.state.step}/{self.total}  loss {row['loss']:.4f}  "
                f"{best}{self.state.tokens / self.seconds:,.0f} tokens/s",
                flush=True,
            )


def _seed(number: int) -> None:
    """As torch.manual_seed, which remembers every call until a GPU is used."""
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(number)


def _whole(out: Tensor, own: list[int], step: list[int]) -> Tensor:
    """The vectors of all couples of a step, of which the `own` ones were made here, as `out`.

    Every process then has the whole step's loss, and of its gradient what goes through its own.
    """
    if len(own) == len(step):
        return out
    rows = torch.tensor([step.index(i) for i in own], device=out.device)
    rows = torch.cat([rows, rows + len(step)])  # queries, then candidates
    return Total.apply(out.new_zeros(2 * len(step), out.shape[1]).index_copy(0, rows, out))


def _mean(dev: dict[str, float]) -> float:
    return sum(dev.values()) / len(dev)


def dev_score(model: Model, one: Lesson, token_budget: int, precision: str) -> float:
    """A task's headline figure on its English dev rows, in percent."""
    outs = shared(
        lambda part: predict(model, one.head, part, token_budget, precision), one.dev_features
    )
    answers = one.form.decode(outs, one.dev_features, one.dev_rows, one.task)
    places = asked(one.dev_rows)
    rows = [one.dev_rows[i] for i in places]
    return headline(judge(one.task, rows, [answers[i] for i in places], "en").percent)


def share(step: int, total: int, warmup: float) -> float:
    """The part of the peak learning rate at a step: up to 1 over the warm-up, down to 0."""
    warm = round(warmup * total)
    return min((step + 1) / max(1, warm), (total - step) / max(1, total - warm))


def weight_groups(model: Model, decay: float) -> list[dict]:
    """Weight decay on matrices only: not on biases, LayerNorm, or a learned scale."""
    weights = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in weights if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in weights if p.ndim <= 1], "weight_decay": 0.0},
    ]
