"""Reading without training: predictions in many languages, sentence vectors, nearest neighbours."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize
from transformers import DataCollatorWithPadding

from xstilts.batches import batched, collate
from xstilts.bench import GPU, PRECISION, SEED, Case
from xstilts.bench.training import build
from xstilts.encoder import Encoder
from xstilts.forms import Feature
from xstilts.forms.pairs import mean
from xstilts.mining import NEIGHBOURS
from xstilts.model import Model, autocast, predict
from xstilts.retrieval import TOKENS


def ours(case: Case) -> np.ndarray:
    """Logits [N, labels] of all features, as an evaluation makes them."""
    return np.stack(predict(case.model, case.head, case.features, case.tokens, PRECISION))


def trainer(case: Case) -> np.ndarray:
    """The same from the Trainer's predict loop with dynamic padding."""
    collator = DataCollatorWithPadding(case.encoder.tokenizer)
    return build(case, collator).predict(case.table()).predictions


@torch.inference_mode()
def one_by_one(folder: Path, case: Case, languages: Sequence[Sequence[Feature]]) -> np.ndarray:
    """The same in the old order: a language at a time, the model opened for each, as they come."""
    logits = []
    for features in languages:
        model = Model.load(folder).to("cuda" if GPU else "cpu")
        pad, device = model.encoder.tokenizer.pad_token_id, next(model.parameters()).device
        for begin in range(0, len(features), case.batch):
            batch = collate(features[begin : begin + case.batch], pad, device)
            with autocast(device, PRECISION):
                logits.append(model(case.head.name, [batch])[0].float().cpu())
    return torch.cat(logits).numpy()


@torch.inference_mode()
def last_layer(encoder: Encoder, features: Sequence[Feature]) -> Tensor:
    """`retrieval.pooled` for the last layer alone: [N, width]."""
    made, device = torch.empty(len(features), encoder.width), next(encoder.parameters()).device
    for micro, batches in batched(features, encoder.tokenizer.pad_token_id, device, TOKENS):
        blocks = [batch.blocks[0] for batch in batches]
        with autocast(device, PRECISION):
            hidden = encoder.read(blocks)
        means = [mean(h.float(), b) for h, b in zip(hidden, blocks, strict=True)]
        made[sum(micro, [])] = normalize(torch.cat(means), dim=-1).cpu()
    return made


def unit_vectors(count: int, width: int = 768) -> tuple[Tensor, Tensor]:
    """Two sides of random vectors of length one."""
    dice = torch.Generator().manual_seed(SEED)
    sides = [torch.randn(count, width, generator=dice) for _ in range(2)]
    for side in sides:
        for part in side.split(1024):  # in place: nothing beside the vectors is ever held
            part /= part.norm(dim=1, keepdim=True)
    return tuple(sides)


def has_faiss() -> bool:
    return find_spec("faiss") is not None


def flat_index(x: Tensor, y: Tensor) -> tuple[np.ndarray, ...]:
    """What `retrieval.neighbours` gives, from faiss: one exact index and search a direction."""
    import faiss

    faiss.omp_set_num_threads(torch.get_num_threads())
    found = []
    for queries, pool in ((x, y), (y, x)):
        index = faiss.IndexFlatIP(pool.shape[1])
        index.add(pool.numpy())
        found += index.search(queries.numpy(), NEIGHBOURS)
    return tuple(found)
