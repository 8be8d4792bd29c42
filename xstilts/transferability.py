"""Transferability: what can be known of an intermediate task before targets are fine-tuned in full.

`few`: how an encoder that has had the intermediate task does on a target after a few of its rows
(Poth et al. 2021). `likeness` needs no intermediate training: how alike the English texts of two
tasks are, and what they ask of an encoder (text and task embeddings: Vu et al. 2020). English alone
is read. What a task asks is told by an encoder fine-tuned on a few rows of it, in a folder that
goes away again.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from xstilts import devices, train
from xstilts.batches import collate
from xstilts.data import load
from xstilts.encoder import Encoder
from xstilts.measured import ENGLISH
from xstilts.model import Model
from xstilts.overlap import text
from xstilts.paths import MissingData
from xstilts.recipes import MULTI, SINGLE, Recipe
from xstilts.retrieval import vectors
from xstilts.settings import Setting, resolve
from xstilts.tasks import SETS, task

FEW, UPDATES, BATCH = 256, 50, 32  # rows, and how they are trained on
TEXTS = 500  # of a task at most, for their mean vector
TOGETHER = 8  # rows whose loss is one: retrieval learns from the other answers beside its own
SEED = 1


def few(where: Path | str, setting: Setting) -> Iterator[dict]:
    """`few_rows`: English dev (headline figure, per cent) of the encoder at `where` after UPDATES
    updates on FEW rows of a target's fine-tuning set (`task`)."""
    for name in SETS:
        with suppress(MissingData), _fitted(where, name, setting) as fitted:
            for value in fitted.dev.values():
                yield {"task": name, "lang": "en", "measure": "few_rows", "value": value}


def likeness(where: Path | str, setting: Setting) -> Iterator[dict]:
    """Cosines of an intermediate task and a target's fine-tuning set, `task` "intermediate>target".

    `text_likeness`: of the mean vectors of their texts at the setting's layer, minus the mean over
    all tasks. `task_likeness`: of their `demands`, averaged over weight matrices. Of several tasks
    together it is their mean that is compared.
    """
    model = Encoder.load(where).to(devices.alone())
    names = sorted({name for name, _ in ENGLISH["likeness"]})
    told = {name: own for name in names if (own := _texts(name, setting))}
    means = [vectors(model, own, setting)[setting.layer].mean(0) for own in told.values()]
    middle = torch.stack(means).mean(0)
    said = {name: {"": own - middle} for name, own in zip(told, means, strict=True)}
    asked = {name: demands(where, name, setting) for name in said}
    for one in (*SINGLE, MULTI):
        for target in SETS:
            if {target, *one.tasks} <= said.keys():
                at = {"task": f"{one.name}>{target}", "lang": "en"}
                for measure, known in (("text_likeness", said), ("task_likeness", asked)):
                    yield at | {"measure": measure, "value": _cosine(known, one.tasks, target)}


def demands(where: Path | str, name: str, setting: Setting) -> dict[str, Tensor]:
    """{weight matrix: [rows]}: the diagonal of the Fisher information of a task, from a few rows.

    Squared gradients of the loss of TOGETHER rows at a time, averaged, and added up over all
    weights into a unit. Embeddings are left out: they tell the words, not what is asked.
    """
    with _fitted(where, name, setting) as fitted:
        model = Model.load(fitted.path).to(devices.alone())
    recipe, tokenizer = _recipe(name), model.encoder.tokenizer
    hyper = resolve(recipe, setting, "target")
    (lesson,) = train.lessons([task(name)], recipe, setting, hyper, tokenizer)
    pad, device = tokenizer.pad_token_id, next(model.parameters()).device
    weights = {w: p for w, p in model.encoder.named_parameters()
               if p.ndim == 2 and "embeddings" not in w}  # fmt: skip
    found = {}
    for begin in range(0, len(lesson.features), TOGETHER):
        features = lesson.features[begin : begin + TOGETHER]
        batch = collate(features, pad, device, apart=lesson.task.form == "pairs")
        (out,) = model(lesson.head.name, [batch])
        total, count = lesson.form.loss(out, batch)
        model.zero_grad()
        (total / count).backward()
        for weight, values in weights.items():
            if values.grad is not None:
                found[weight] = found.get(weight, 0) + values.grad.square().sum(1).cpu()
    return found


def _cosine(known: Mapping[str, Mapping[str, Tensor]], tasks: tuple[str, ...], target: str):
    """Of a target and the mean of some tasks, all set to length one; the mean over the parts."""
    found = []
    for part, there in known[target].items():
        own = torch.stack([known[name][part] / known[name][part].norm() for name in tasks])
        found.append(cosine_similarity(own.mean(0), there, dim=0))
    return torch.stack(found).mean().item()


def _texts(name: str, setting: Setting) -> list[str]:
    try:
        rows = load(task(name), "train", "en", data=setting.data, limit=TEXTS)
    except MissingData:
        return []
    said = [text(row, task(name).form) for row in rows]  # of retrieval also all candidates
    return said[:: -(-len(said) // TEXTS)]


@contextmanager
def _fitted(where: Path | str, name: str, setting: Setting):
    """What a few rows of a task make of the encoder at `where`; raises MissingData."""
    with TemporaryDirectory(prefix="xstilts-") as folder:
        yield train.fit(where, _recipe(name), setting, phase="target", seed=SEED,
                        out=Path(folder) / "model")  # fmt: skip


def _recipe(name: str) -> Recipe:
    return Recipe(f"{name}-few", (name,), examples=FEW, updates=UPDATES, batch=BATCH)
