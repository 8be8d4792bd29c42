"""A model: an encoder with a head for every kind of answer it was trained to give.

Runs batches and keeps itself in a folder: the encoder as `transformers` saves it, the heads beside
it. It does not know how it was trained.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from xstilts import forms
from xstilts.batches import Batch, batched
from xstilts.encoder import Encoder
from xstilts.forms import Feature, moments
from xstilts.paths import BadInput, MissingData


@dataclass(frozen=True)
class Head:
    """What a head answers; tasks of one form with the same labels may share it."""

    name: str
    form: str
    labels: tuple[str, ...]
    tasks: tuple[str, ...]


MLM = Head("mlm", "mlm", (), ())  # every encoder has it, so no model needs one of its own
ALIGN = Head("align", "moments", (), ())  # has no weights


def heads_for(tasks: Sequence) -> tuple[Head, ...]:
    """One head a task, but one for all classification tasks with the same labels (ANLI+)."""
    shared: dict = {}
    for task in tasks:
        own = ("classify", task.labels) if task.form == "classify" else task.name
        shared.setdefault(own, []).append(task)
    return tuple(
        Head(g[0].name, g[0].form, tuple(g[0].labels), tuple(t.name for t in g))
        for g in shared.values()
    )


class Model(nn.Module):
    """An encoder with heads. New heads are drawn from torch's generator: seed it before.

    `facts` goes with the model: `max_len` and `token_budget`, in pieces, and how it was selected.
    """

    def __init__(self, encoder: Encoder, heads: Sequence[Head], facts: dict):
        super().__init__()
        self.encoder, self.heads, self.facts = encoder, tuple(heads), facts
        self.tops = nn.ModuleDict()
        for head in heads:
            top = forms.form(head.form).head(encoder.width, head)
            top.apply(lambda module: _start(module, encoder.lm.config.hidden_dropout_prob))
            self.tops[head.name] = top

    def forward(self, head: str, batches: Sequence[Batch]) -> list[Tensor]:
        """The head's outputs for each of `batches`, one row an input, block after block.

        The head "mlm" is the encoder's own, run on the hidden pieces alone: [hidden, vocabulary];
        "align" gives the mean of every text's pieces: [inputs, width].
        """
        vectors = iter(self.encoder.read([block for batch in batches for block in batch.blocks]))
        return [self._answer(head, batch, vectors) for batch in batches]

    def _answer(self, head: str, batch: Batch, vectors: Iterator[Tensor]) -> Tensor:
        if head == MLM.name:
            return self.encoder.logits(next(vectors)[batch.target != forms.IGNORED])
        top = moments.vectors if head == ALIGN.name else self.tops[head]
        return torch.cat([top(next(vectors), block) for block in batch.blocks])

    def head_of(self, task) -> Head:
        """The head that answers `task`: its own, else one trained for it, else the only fit."""
        fit = [h for h in self.heads if _answers(h, task)]
        for wanted in ({task.name}, set(task.train.values())):
            if own := [h for h in fit if wanted & set(h.tasks)]:
                return own[0]
        if len(fit) != 1:
            known = ", ".join(h.name for h in self.heads) or "none"
            raise BadInput(
                f"this model has no head for task '{task.name}' (its heads: {known}); "
                "fine-tune it on the task's own training set first"
            )
        return fit[0]

    def save(self, folder: Path) -> None:
        """The encoder's files; `heads.safetensors`, whose metadata say what the heads are for."""
        tensors = {k: v.detach() for k, v in self.tops.state_dict().items()}
        told = {"heads": [asdict(head) for head in self.heads], "facts": self.facts}
        metadata = {"model": json.dumps(told)}  # one entry: several stand in any order
        with _plain_errors(folder):
            self.encoder.save(folder)
        write_tensors(folder / "heads.safetensors", tensors, metadata)

    @classmethod
    def load(cls, folder: Path) -> "Model":
        """What `save` wrote, ready to predict. Raises MissingData if there are no heads."""
        path = Path(folder) / "heads.safetensors"
        if not path.is_file():
            raise MissingData(f"{folder}: no heads.safetensors, so it was not fine-tuned here")
        with safe_open(path, "pt") as file:
            told = json.loads(file.metadata()["model"])
        heads = [Head(**h | {k: tuple(h[k]) for k in ("labels", "tasks")})
                 for h in told["heads"]]  # fmt: skip
        model = cls(Encoder.load(folder), heads, told["facts"])
        model.tops.load_state_dict(load_file(path))
        return model.eval()


def write_tensors(path: Path, tensors: Mapping, metadata: Mapping[str, str]) -> None:
    """A safetensors file. Raises OSError, also where safetensors has an error of its own for it."""
    with _plain_errors(path):
        save_file({k: v.cpu().contiguous() for k, v in tensors.items()}, path, dict(metadata))


@contextmanager
def _plain_errors(path: Path):
    try:
        yield
    except SafetensorError as error:
        code = re.search(r"os error (\d+)", str(error))
        if code is None:
            raise
        raise OSError(int(code[1]), str(error), str(path)) from error


def _answers(head: Head, task) -> bool:
    """Whether a head's outputs can mean the task's answers."""
    if head.form != task.form:
        return False
    named = task.form in ("classify", "tag") and task.labels
    return not named or head.labels == tuple(task.labels)


def _start(module: nn.Module, dropout: float) -> None:
    """BERT's initialisation, and the encoder's own dropout."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Dropout):
        module.p = dropout


@torch.inference_mode()
def predict(
    model: Model, head: Head, features: Sequence[Feature], token_budget: int, precision="fp32"
) -> list[np.ndarray]:
    """Every feature's output, in the order of `features`, padding cut off.

    classify [labels], choose [choices, 1], tag [T, labels], span [T, 2], pairs [width].
    """
    was_training, device = model.training, next(model.parameters()).device
    model.eval()
    pad, outs = model.encoder.tokenizer.pad_token_id, [None] * len(features)
    for micro, batches in batched(features, pad, device, token_budget):
        with autocast(device, precision):
            made = model(head.name, batches)
        for group, batch, out in zip(micro, batches, made, strict=True):
            for i, part in zip(group, out.float().cpu().split(batch.sizes), strict=True):
                outs[i] = _own(part.numpy(), features[i])
    model.train(was_training)
    return outs


def _own(part: np.ndarray, feature: Feature) -> np.ndarray:
    """One feature's output out of its batch's."""
    if len(feature.inputs) > 1:
        return part
    own = part[0]
    return own[: len(feature.inputs[0].ids)].copy() if own.ndim == 2 else own


def autocast(device, precision: str):
    """bf16 where it is asked for and the device is a GPU, else nothing."""
    wanted = precision == "bf16" and torch.device(device).type == "cuda"
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=wanted)
