"""What the work costs beside what a user would otherwise run: `90_performance` measures with it.

The peers are real: the Trainer of `transformers` as its example scripts set it up, faiss,
papermill's command line. Each gets the features, weights, optimiser and rate that ours gets. Time
is the CPU's own seconds of one thread, which other programs hardly disturb, and on a GPU seconds
by the wall once it is idle. Nothing here is used by any run of the study.
"""

import gc
import re
import time
from collections.abc import Callable
from contextlib import suppress
from ctypes import CDLL
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import nn
from transformers import (
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from xstilts.data import load
from xstilts.encoder import Encoder
from xstilts.forms import Feature, form
from xstilts.model import Head, Model, heads_for
from xstilts.paths import BadInput
from xstilts.tasks import Task

SEED = 1
# Texts put end to end, by form: the column, and the lognormal number of them. Contexts are then as
# long as SQuAD's (170 pieces, a few over 384), pairs as MNLI's (33 words, sd 17; MNLI: 35, sd 18).
JOINED = {"span": ("context", 1.0, 0.4), "classify": ("text_a", 0.5, 0.5)}
GPU = torch.cuda.is_available()
PRECISION = "bf16" if GPU else "fp32"


def clock() -> float:
    """Seconds of this process's CPU time; with a GPU by the wall, its work done."""
    if not GPU:
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


@dataclass
class Case:
    """One task's features, and two models of the very same weights: ours and `transformers`'."""

    name: str
    task: Task
    encoder: Encoder
    features: list[Feature]
    batch: int
    longest: int  # what static padding pads to
    seed: int = SEED  # of new heads, and of which examples make a step
    tokens: int = 16384 if GPU else 4096  # of a micro-batch of ours

    def __post_init__(self):
        if self.encoder.family != "xlm-roberta":
            raise BadInput("90_performance compares encoders of XLM-R's family: another setting")
        self.encoder.to("cuda" if GPU else "cpu")

    @cached_property
    def head(self) -> Head:
        return heads_for([self.task])[0]

    @cached_property
    def model(self) -> Model:
        torch.manual_seed(self.seed)
        return Model(self.encoder, [self.head], {}).to(next(self.encoder.parameters()).device)

    @cached_property
    def peer(self) -> nn.Module:
        """The model of the example scripts; shares our weights, head included."""
        spans, top = self.task.form == "span", self.model.tops[self.head.name]
        kind = AutoModelForQuestionAnswering if spans else AutoModelForSequenceClassification
        config, body = type(self.encoder.lm.config)(num_hidden_layers=0), self.encoder.body
        peer = kind.from_config(config)  # empty, for the parts that are put in now
        peer.config = self.encoder.lm.config
        peer.num_labels = peer.config.num_labels = len(self.task.labels) or 2
        setattr(peer, peer.base_model_prefix, body)
        if spans:
            peer.qa_outputs = top.out
        else:
            peer.classifier.dense, peer.classifier.out_proj = top.dense, top.out
            peer.classifier.dropout = top.dropout
        return peer

    @property
    def step(self) -> float:
        """Real pieces of a step, on average."""
        return self.batch * float(np.mean([f.length for f in self.features]))

    def table(self, padded: bool = False) -> list[dict]:
        """The features as the Trainer takes them."""
        rows = []
        for feature in self.features:
            ids = feature.inputs[0].ids.tolist()
            blank = (self.longest - len(ids)) * padded
            row = {"input_ids": ids + [self.encoder.tokenizer.pad_token_id] * blank,
                   "attention_mask": [1] * len(ids) + [0] * blank}  # fmt: skip
            if self.task.form == "span":
                row |= dict(zip(("start_positions", "end_positions"), feature.target, strict=True))
            elif feature.target is not None:
                row |= {"labels": feature.target}
            rows.append(row)
        return rows


def features(
    task: Task, data: str, tokenizer, longest: int, count: int, split: str = "train",
    lang: str = "en",
) -> list[Feature]:  # fmt: skip
    """Features of at most `count` rows with a usable label.

    The world's texts are shorter, and more alike in length, than the tasks' real ones; there they
    are put end to end as JOINED says.
    """
    rows = load(task, split, lang, data=data, limit=count).to_list()
    if data == "world":
        column, mean, spread = JOINED[task.form]
        drawn = np.random.default_rng(SEED).lognormal(mean, spread, len(rows))
        texts = [row[column] for row in rows]
        rows = [row | {column: " ".join([row[column], *texts[i : i + max(1, round(n)) - 1]])}
                for i, (row, n) in enumerate(zip(rows, drawn, strict=True))]  # fmt: skip
    made = form(task.form).encode(rows, tokenizer, task, longest)
    return [feature for feature in made if feature.target is not None]


def random_encoder(tokenizer, width=768, layers=12) -> Encoder:
    """An encoder of XLM-R's shape (by default base's) with random weights."""
    config = XLMRobertaConfig(
        vocab_size=250_002, hidden_size=width, num_hidden_layers=layers, type_vocab_size=1,
        num_attention_heads=width // 64, intermediate_size=4 * width, layer_norm_eps=1e-5,
        max_position_embeddings=514, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(SEED)
    return Encoder(XLMRobertaForMaskedLM(config), tokenizer)


def peak(work: Callable):
    """(what `work` gives back, its seconds, MiB that it took at most beyond what was held before).

    The memory is NaN where the system does not tell it (anywhere but Linux, or on a GPU).
    """
    gc.collect()
    with suppress(OSError, AttributeError):
        CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before, began = _held("VmRSS"), clock()
    made, seconds = work(), clock() - began
    return made, seconds, float("nan") if GPU else (_held("VmHWM") - before) / 1024


def _held(what: str) -> float:
    """KiB, by a line of the process's status."""
    try:
        return int(re.search(rf"{what}:\s+(\d+)", Path("/proc/self/status").read_text())[1])
    except (OSError, TypeError):
        return float("nan")
