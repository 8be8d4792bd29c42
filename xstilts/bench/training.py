"""Optimiser steps: ours, the Trainer's, and a floor that nothing on this machine goes below.

A contender trains for `warm` steps and then for `steps` that are counted; it gives back how many
pieces of text they held, padding left out, and how long they took.
"""

import gc
import tempfile
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from transformers import (
    DataCollatorWithPadding,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
)

from xstilts import tasks
from xstilts.batches import Batch, Block, collate, micro_batches
from xstilts.bench import GPU, PRECISION, Case, clock, random_encoder
from xstilts.forms import Feature, Input, form
from xstilts.loop import Lesson, Training, weight_groups
from xstilts.model import autocast
from xstilts.settings import Hyper

RATE = 1e-5
BF16 = {"H100": 989e12, "H200": 989e12, "A100": 312e12, "L4": 121e12}  # dense FLOP/s
PEERS = {  # the Trainer, and what it is told beside the rest
    "Trainer, padded to max_length": {},
    "Trainer, dynamic padding": {},
    "Trainer, group_by_length": {"train_sampling_strategy": "group_by_length"},
}
STATIC, DYNAMIC, GROUPED = PEERS


def ours(case: Case, warm: int, steps: int) -> tuple[int, float]:
    """The product's own loop."""
    hyper = Hyper(RATE, 1, case.batch, case.longest, updates=warm + steps, tokens=case.tokens)
    lesson = Lesson(case.task, case.head, case.features, case.batch)
    training = Training(case.model, [lesson], hyper, PRECISION, case.seed, case.name)
    for step in range(warm):
        training._update(step)
    before, began = training.state.tokens, clock()
    for step in range(warm, warm + steps):
        training._update(step)
    return training.state.tokens - before, clock() - began


def trainer(case: Case, warm: int, steps: int, kind: str) -> tuple[int, float]:
    """The Trainer; `kind` is a key of PEERS."""
    padding, seen, marks = DataCollatorWithPadding(case.encoder.tokenizer), [], {}

    def collator(rows):
        made = (default_data_collator if kind == STATIC else padding)(rows)
        seen.append(int(made["attention_mask"].sum()))
        return made

    class Clock(TrainerCallback):
        def on_step_end(self, args, state, control, **more):
            marks[state.global_step] = clock()

    optimiser = torch.optim.AdamW(weight_groups(case.peer, 0.01), lr=RATE, fused=True)
    made = build(case, collator, max_steps=warm + steps, warmup_steps=0.1, **PEERS[kind])
    made.train_dataset, made.optimizer = case.table(padded=kind == STATIC), optimiser
    made.add_callback(Clock)
    made.train()
    return sum(seen[warm : warm + steps]), marks[warm + steps] - marks[warm]


def build(case: Case, collator, **more) -> Trainer:
    """The Trainer with the peer's model, silent, with nothing to train on yet."""
    arguments = TrainingArguments(
        output_dir=tempfile.gettempdir(), per_device_train_batch_size=case.batch,
        per_device_eval_batch_size=case.batch, learning_rate=RATE, optim="adamw_torch_fused",
        weight_decay=0.01, seed=case.seed, logging_strategy="no", save_strategy="no",
        report_to="none", disable_tqdm=True, bf16=GPU, use_cpu=not GPU, remove_unused_columns=False,
        dataloader_pin_memory=GPU, **more,
    )  # fmt: skip
    made = Trainer(case.peer, arguments, data_collator=collator)
    made.remove_callback(PrinterCallback)
    return made


def dense(case: Case, warm: int, steps: int, length: int, micro: int) -> tuple[int, float]:
    """The floor: a bare loop on texts of `length` pieces, as many pieces a step as ours has on
    average, in parts of `micro` pieces."""
    device, texts = next(case.model.parameters()).device, max(1, round(case.step / length))
    dice, module = np.random.default_rng(case.seed), form(case.task.form)
    optimiser = torch.optim.AdamW(weight_groups(case.model.train(), 0.01), lr=RATE, fused=True)
    weights, sizes = list(case.model.parameters()), []
    pieces = len(case.encoder.tokenizer)
    while sum(sizes) < texts:
        sizes.append(min(max(1, micro // length), texts - sum(sizes)))
    for step in range(warm + steps):
        if step == warm:
            began = clock()
        for size in sizes:
            ids = torch.from_numpy(dice.integers(5, pieces, (size, length))).to(device)
            block = Block(
                ids, torch.ones_like(ids, dtype=torch.bool), ids.new_zeros(ids.shape), True
            )
            wide = (size, 2) if case.task.form == "span" else (size,)
            batch = Batch((block,), (1,) * size, ids.new_zeros(wide))
            with autocast(device, PRECISION):
                loss, _ = module.loss(case.model(case.head.name, [batch])[0], batch)
            (loss / texts).backward()
        nn.utils.clip_grad_norm_([w for w in weights if w.grad is not None], 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
    return texts * length * steps, clock() - began


def contenders(case: Case, warm: int, steps: int, lengths, micros) -> dict[str, Callable]:
    """Ours, the three peers, and the floor's sweep, ready to run."""
    runs = {"ours": partial(ours, case, warm, steps)}
    runs |= {kind: partial(trainer, case, warm, steps, kind) for kind in PEERS}
    for length in lengths:
        for micro in dict.fromkeys(min(m, round(case.step)) for m in micros):
            name = f"dense, {length} long, {micro} at once"
            runs[name] = partial(dense, case, warm, steps, length, micro)
    return runs


def race(runs: Mapping[str, Callable], repeats: int) -> list[dict]:
    """Every contender in turn, so many times: rows of run, repeat, tokens, seconds."""
    rows = []
    for repeat in range(repeats):
        for name, run in runs.items():
            gc.collect()
            tokens, seconds = run()
            rows.append({"run": name, "repeat": repeat, "tokens": tokens, "seconds": seconds})
    return rows


def gradient_gap(case: Case) -> float:
    """How far our gradient of one step is from the padded batch's, relative to its size.

    The padded one goes through `transformers`' own model, all examples in one tensor.
    """
    chosen, pad = case.features[: case.batch], case.encoder.tokenizer.pad_token_id
    device, module = next(case.model.parameters()).device, form(case.task.form)
    case.model.eval(), case.peer.eval()
    padded = collate(chosen, pad, device)
    block = padded.blocks[0]
    out = case.peer(input_ids=block.ids, attention_mask=block.mask.long())
    if case.task.form == "span":  # the Trainer's lets padding be an answer, ours does not
        out = torch.stack([out.start_logits, out.end_logits], -1)
        out = out.masked_fill(~block.mask[..., None], -torch.inf)
    else:
        out = out.logits
    there = _gradient(case, [module.loss(out, padded)])
    losses = []
    for micro in micro_batches([f.length for f in chosen], 512):
        batches = [collate([chosen[i] for i in group], pad, device) for group in micro]
        outs = case.model(case.head.name, batches)
        losses += [module.loss(o, b) for o, b in zip(outs, batches, strict=True)]
    return float((_gradient(case, losses) - there).norm() / there.norm())


def _gradient(case: Case, losses) -> Tensor:
    (sum(loss for loss, _ in losses) / sum(count for _, count in losses)).backward()
    found = [w.grad.flatten() for w in case.model.parameters() if w.grad is not None]
    case.model.zero_grad(set_to_none=True)
    return torch.cat(found)


def utilisation(tokenizer) -> float | None:
    """The share of a GPU's bf16 peak that training XLM-R Large's shape reaches; None without one.

    Counts what a model must compute: six FLOPs a weight and piece, and attention. On dense texts
    of 384 pieces. NaN on a device whose peak is not known here.
    """
    if not GPU:
        return None
    task, length, width, layers = tasks.task("mnli"), 384, 1024, 24
    encoder = random_encoder(tokenizer, width, layers)
    feature = Feature(0, (Input(np.full(length, 5, np.int32), length),), 0, length)
    case = Case("large", task, encoder, [feature] * 256, 32, length)
    tokens, seconds = dense(case, 3, 10, length, case.tokens)
    per_piece = layers * (6 * 12 * width**2 + 12 * length * width)
    name = torch.cuda.get_device_name()
    peak = next((flops for part, flops in BF16.items() if part in name), float("nan"))
    return per_piece * tokens / seconds / peak
