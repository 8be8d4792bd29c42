"""Pretrain a small multilingual encoder from text, as its original was.

Its own vocabulary, then masked language modelling on windows of consecutive text and, where
there are translations, on sentence pairs (translation language modelling, Conneau and Lample
2019). No objective here pulls sentence vectors together, so that alignment is only what masked
words bring about. Not for large models: one process, no resumption, weights kept in memory.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from xstilts.encoder import Encoder, fresh_encoder
from xstilts.forms.mlm import mask, masked_loss
from xstilts.forms.pairs import MEAN
from xstilts.pieces import fertility, sample, smoothed, train_tokenizer
from xstilts.retrieval import Space
from xstilts.tasks import TASKS
from xstilts.text import HELD, Batch, Feed, Text, read_folder, read_world
from xstilts.twin import Twin


@dataclass(frozen=True)
class Plan:
    """Every number of a pretraining; lengths and batches count pieces."""

    width: int = 128
    layers: int = 4
    heads: int = 4
    vocabulary: int = 8000
    vocabulary_chars: int = 6_000_000  # text that the vocabulary is trained on
    longest: int = 384
    windows: Mapping[int, float] = field(  # how long, and which share of the running text
        default_factory=lambda: {64: 0.45, 128: 0.25, 256: 0.2, 384: 0.1}
    )
    tokens: int = 2048  # a batch
    tlm: float = 0.55  # share of pieces in translation pairs
    mask: float = 0.2
    mask_pairs: float = 0.35
    alpha: float = 0.5  # languages share the text by size ** alpha
    lr: float = 2e-3
    warmup: float = 0.03
    decay: float = 0.01  # of the layers' matrices
    clip: float = 1.0
    minutes: float = 5.0  # of CPU time, unless told otherwise


WORLD = Plan(minutes=46.0)
LONG = Plan(minutes=8.0, windows={128: 0.2, 384: 0.8}, tlm=0.25, lr=1e-3)  # a second stage
FOLDER = Plan(
    vocabulary=16000,
    vocabulary_chars=800_000,
    windows={64: 0.5, 128: 0.3, 384: 0.2},
    mask=0.15,
    alpha=0.3,
)
FOLDER_CHARS = 12_000_000  # more than ten minutes can read


def batch_loss(encoder: Encoder, batch: Batch, rng) -> Tensor:
    """The mean loss over the places hidden in `batch`."""
    tokenizer = encoder.tokenizer
    special = np.isin(batch.ids, tokenizer.all_special_ids)
    inputs, where, labels = mask(batch.ids, special, tokenizer, rng, batch.rate)
    hidden = encoder(torch.from_numpy(inputs), token_type_ids=torch.from_numpy(batch.types))
    loss = masked_loss(encoder, hidden, torch.from_numpy(where), torch.from_numpy(labels))
    return loss / len(labels)


def pretrain(
    source: str | Path | Text,
    *,
    family: str = "xlm-roberta",
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 1,
    out: Path,
    plan: Plan | None = None,
    start: Path | None = None,
) -> Path:
    """Make an encoder from "world" or a folder of `xx.txt[.xz]` and save it in `out`.

    `steps`, or else `minutes` of CPU time (the plan's, if nothing is said), with the learning rate
    falling to nought by then. Beside the encoder stands `provenance.json`. `start`: go on from
    that encoder, whose vocabulary and size then hold. Returns `out`.
    """
    plan = plan or (WORLD if source == "world" else FOLDER)
    text = _read(source, plan, seed)
    torch.manual_seed(seed)
    encoder = Encoder.load(start) if start else _begin(family, text, plan, seed)
    tokenizer = encoder.tokenizer
    print(f"{encoder.family}: {len(text.docs)} languages, {len(tokenizer):,} pieces of vocabulary, "
          f"{sum(p.numel() for p in encoder.parameters()):,} weights", flush=True)  # fmt: skip
    feed = Feed(text, tokenizer, plan, seed)
    record = {
        "family": encoder.family,
        "seed": seed,
        "before": json.loads((start / "provenance.json").read_text("utf-8")) if start else None,
        **text.stamp,
        "plan": asdict(plan),
        "running_text": feed.pieces,
        "pairs": {lang: len(rows) for lang, rows in text.pairs.items()},
        "fertility": fertility(tokenizer, text.sentences()),
        "versions": {name: version(name) for name in ("torch", "transformers", "tokenizers")},
    }
    training = Training(encoder, feed, minutes or plan.minutes, steps)
    training.run(np.random.default_rng([seed, 1]))
    return _finish(encoder, text, record | training.record(), Path(out))


def _begin(family: str, text: Text, plan: Plan, seed: int) -> Encoder:
    """A vocabulary trained on `text`, and an encoder of random weights for it."""
    lines = sample(text.sentences(), smoothed(text.amounts(), plan.alpha), plan.vocabulary_chars,
                   seed)  # fmt: skip
    tokenizer = train_tokenizer(lines, family, plan.vocabulary, plan.longest)
    return fresh_encoder(family, tokenizer, plan.width, plan.layers, plan.heads, plan.longest)


def _read(source, plan: Plan, seed: int) -> Text:
    if isinstance(source, Text):
        return source
    if source == "world":
        return read_world()
    return read_folder(Path(source), FOLDER_CHARS, plan.alpha, seed)


class Training:
    """The loop and what it has seen so far.

    It takes so many `steps`, else `minutes` of CPU time, so that a busy machine shortens nothing.
    """

    def __init__(self, encoder: Encoder, feed: Feed, minutes: float, steps: int | None):
        self.encoder, self.feed, self.minutes, self.wanted = encoder, feed, minutes, steps
        self.cpu0, self.wall0 = time.process_time(), time.monotonic()
        self.steps = self.tokens = 0
        self.positions = np.zeros(feed.plan.longest, np.int64)
        self.losses = {"mlm": [], "tlm": []}
        self.curve = []

    @property
    def cpu_minutes(self) -> float:
        return (time.process_time() - self.cpu0) / 60

    def used(self) -> float:
        """The fraction of the budget that is gone."""
        return self.steps / self.wanted if self.wanted else self.cpu_minutes / self.minutes

    def run(self, rng) -> None:
        """Train until the budget is used up."""
        twin, told = Twin(self.encoder.train(), self.feed.plan), time.monotonic()
        for batch in self.feed:
            if (used := self.used()) >= 1:
                break
            loss = batch_loss(twin.twin, batch, rng)
            twin.step(loss, used)
            self._note(batch, loss.item())
            if used * 100 >= len(self.curve):
                self.curve.append({"pieces": self.tokens, **self.recent()})
            if time.monotonic() - told >= 10:
                told = time.monotonic()
                losses = "  ".join(f"{k} {v:.2f}" for k, v in self.recent().items())
                print(f"{used:4.0%}  {self.cpu_minutes:.1f} CPU-min  {self.steps:,} steps  "
                      f"{self.tokens / 1e6:.1f} M pieces  {losses}", flush=True)  # fmt: skip
        self.encoder.eval()

    def _note(self, batch: Batch, loss: float) -> None:
        if not np.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} at step {self.steps}; lower plan.lr")
        self.steps += 1
        self.tokens += batch.ids.size
        self.positions[: batch.ids.shape[1]] += len(batch.ids)
        paired = batch.rate.mean() > (self.feed.plan.mask + self.feed.plan.mask_pairs) / 2
        self.losses["tlm" if paired else "mlm"].append(loss)

    def recent(self) -> dict[str, float]:
        """Mean loss of the last 100 batches of each kind."""
        return {k: round(float(np.mean(v[-100:])), 3) for k, v in self.losses.items() if v}

    def record(self) -> dict:
        """What provenance keeps."""
        edges = [*range(0, len(self.positions), 64), len(self.positions)]
        return {
            "cpu_minutes": round(self.cpu_minutes, 2),
            "wall_minutes": round((time.monotonic() - self.wall0) / 60, 2),
            "steps": self.steps,
            "pieces": self.tokens,
            "positions": {f"{a}-{b - 1}": int(self.positions[a:b].sum())
                          for a, b in pairwise(edges)},
            "training_loss": self.recent(),
            "curve": self.curve,
        }  # fmt: skip


def retrieval(encoder: Encoder, pairs: Mapping[str, list[tuple[str, str]]]) -> dict:
    """{language: [accuracy per layer]}: is the English side the nearest one, by cosine?"""
    table = {}
    for lang, rows in pairs.items():
        english, other = ([{"side": "query", "text": row[side]} for row in rows] for side in (0, 1))
        space = Space(encoder, [*english, *other], TASKS["tatoeba"], "fp32")
        right = torch.arange(len(rows))
        found = [(space.of(n, MEAN, other) @ space.of(n, MEAN, english).T).argmax(1)
                 for n in space.layers]  # fmt: skip
        table[lang] = [round((near == right).float().mean().item(), 3) for near in found]
    return table


@torch.no_grad()
def held_loss(encoder: Encoder, sentences: list[str]) -> float:
    """Mean loss over 15 % of the pieces of sentences, chosen the same way each time."""
    rng, total, count = np.random.default_rng(0), 0.0, 0
    for start in range(0, len(sentences), 32):
        part = sentences[start : start + 32]
        inputs = encoder.tokenizer(part, padding=True, truncation=True, return_tensors="np")
        ids = inputs["input_ids"]
        special = np.isin(ids, encoder.tokenizer.all_special_ids)
        masked, where, labels = mask(ids, special, encoder.tokenizer, rng)
        hidden = encoder(torch.from_numpy(masked), torch.from_numpy(inputs["attention_mask"]))
        where, labels = torch.from_numpy(where), torch.from_numpy(labels)
        total += masked_loss(encoder, hidden, where, labels).item()
        count += len(labels)
    return round(total / max(count, 1), 3)


def _finish(encoder: Encoder, text: Text, record: dict, out: Path) -> Path:
    """Save the encoder as float16 with `provenance.json`, scored as the saved weights score."""
    saved = Encoder.load(Encoder(encoder.lm.half(), encoder.tokenizer).save(out))
    held = {lang: rows[:HELD] for lang, rows in text.held.items()}
    losses = {lang: held_loss(saved, [b for _, b in rows]) for lang, rows in held.items()}
    if english := [a for rows in held.values() for a, _ in rows][:HELD]:
        losses = {"en": held_loss(saved, english), **losses}
    record |= {"scores": {"masked_loss": losses, "retrieval": retrieval(saved, held)}}
    (out / "provenance.json").write_text(json.dumps(record, indent=1) + "\n")
    print(f"saved {out} after {record['pieces'] / 1e6:.1f} M pieces; {record['training_loss']}")
    return out
