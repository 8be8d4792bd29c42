"""Are sentences and their translations neighbours in an encoder that was not fine-tuned for it?

Tatoeba (nearest neighbour) and BUCC (mining with the ratio margin) at every layer, in one pass
that keeps only pooled vectors: the mean over all pieces, specials included, in float32, as XTREME
does it. No centring. The layer that counts is the setting's, fixed in advance; the others are
there to be looked at.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from xstilts import mining
from xstilts.batches import collate, groups
from xstilts.encoder import Encoder
from xstilts.evaluate import Report, Result, rows_of
from xstilts.forms import asked, judge
from xstilts.forms.pairs import encode, mean, nearest_neighbours
from xstilts.languages import languages
from xstilts.metrics import measure
from xstilts.model import autocast
from xstilts.paths import BadInput, MissingData
from xstilts.scores import SWEEP
from xstilts.settings import Setting
from xstilts.tasks import Task

TOKENS = 4096  # pieces in a batch: enough to fill a GPU, not too much for a CPU's caches
VECTORS = 2 << 30  # bytes of pooled vectors held at a time, unless one language needs more
BLOCK = 1 << 24  # similarities held at a time (64 MiB)
HEADLINE = "layer fixed by the setting"
SAME = "threshold from the same pairs"  # said of dev pairs that stand in for test pairs


def retrieve(encoder: Path | str, task: Task, setting: Setting) -> Result:
    """Scores of `task` (Tatoeba or BUCC) at every layer, 0 being the embeddings.

    Examples and answers are those of the setting's layer. BUCC's threshold comes from its dev
    split, for each language and layer. Where it has no test split in any language, the dev pairs
    are scored instead, with a threshold from themselves: the split, "dev", and `selection` say so.
    """
    model = Encoder.load(encoder).to("cuda" if torch.cuda.is_available() else "cpu")
    if setting.layer > model.layers:
        raise BadInput(f"setting '{setting.name}': layer {setting.layer} of {model.layers}")
    split, test, dev, missing = _rows(task, setting)
    report = Report(task, split)
    for part in _parts([lang for lang in test if lang in dev], test, dev, model):
        rows = [row for lang in part for row in (*dev[lang], *test[lang])]
        space = Space(model, rows, task, setting.precision)
        for lang in part:
            _language(lang, test[lang], dev[lang], space, report, setting.layer)
    return report.result(missing)


def _rows(task: Task, setting: Setting):
    """(split, {lang: rows to score}, {lang: rows for the threshold}, {lang: why none})."""
    mined, langs = task.metric != "accuracy", languages(task, setting.data)
    try:
        test, missing = rows_of(task, setting, "test", langs)
    except MissingData:
        if not mined:
            raise
        dev, missing = rows_of(task, setting, "dev", langs)
        print(f"{task.name}: no test split: scored on dev, {SAME} ({' '.join(dev)})", flush=True)
        return "dev", dev, dev, missing
    dev = rows_of(task, setting, "dev", list(test))[0] if mined else {lang: [] for lang in test}
    missing |= {lang: "no dev split to take the threshold from" for lang in test if lang not in dev}
    return "test", test, dev, missing


def _parts(langs: Sequence[str], test, dev, model: Encoder) -> Iterable[list[str]]:
    """All languages at once, which reads their common English once, or one at a time if big."""
    texts = {row["text"] for lang in langs for row in (*dev[lang], *test[lang])}
    small = len(texts) * (model.layers + 1) * model.width * 4 <= VECTORS
    return [list(langs)] if small else [[lang] for lang in langs]


class Space:
    """Unit vectors of texts at every layer; a text that comes twice is read once."""

    def __init__(self, model: Encoder, rows: Sequence[dict], task: Task, precision: str):
        unique = {row["text"]: row for row in rows}
        longest = min(task.max_len, model.tokenizer.model_max_length)
        features = encode([*unique.values()], model.tokenizer, task, longest)
        self.features = dict(zip(unique, features, strict=True))
        self._place = {text: i for i, text in enumerate(unique)}
        self._vectors = pooled(model, features, precision)

    def of(self, layer: int, rows: Sequence[dict]) -> Tensor:
        """[rows, width], of length one."""
        return self._vectors[layer][[self._place[row["text"]] for row in rows]]

    @property
    def layers(self) -> range:
        return range(len(self._vectors))


@torch.inference_mode()
def pooled(model: Encoder, features, precision: str = "fp32") -> Tensor:
    """Every feature's mean vector at every layer, set to length one: [layers + 1, N, width]."""
    device = next(model.parameters()).device
    vectors = torch.empty(model.layers + 1, len(features), model.width)
    for group in groups([f.length for f in features], TOKENS):
        batch = collate([features[i] for i in group], model.tokenizer.pad_token_id, device)
        block = batch.blocks[0]
        with autocast(device, precision):
            hidden = model.hidden_states(block.ids, None if block.even else block.mask, block.types)
        means = torch.stack([mean(layer.float(), block) for layer in hidden])
        vectors[:, group] = normalize(means, dim=-1).cpu()
    return vectors


def _language(lang, test, dev, space: Space, report: Report, headline: int) -> None:
    """All layers of one language; `dev` is empty where there is nothing to mine."""
    queries = [test[i] for i in asked(test)]
    for layer in space.layers:
        if dev:
            answers = _mined(test, dev, space, layer)
            measured = judge(report.task, queries, answers, lang)
        else:
            answers, names = _nearest(test, space, layer)
            right = [_gold(*pair) for pair in zip(queries, names, strict=True)]
            measured = measure("accuracy", names, right, lang)
        own = layer == headline
        selection = HEADLINE if own else SWEEP
        selection += f", {SAME}" if report.split == "dev" else ""
        report.scores(lang, measured, {"layer": layer, "pooling": "mean", "selection": selection})
        if own:
            features = [space.features[row["text"]] for row in queries]
            report.examples(lang, queries, measured, features)
            report.answers(lang, queries, answers)


def _sides(rows: Sequence[dict]) -> tuple[list[dict], list[dict]]:
    """Queries, candidates."""
    queries = [rows[i] for i in asked(rows)]
    return queries, [row for row in rows if row["side"] == "candidate"]


def _gold(query: dict, said: str) -> str:
    return said if said in query["gold"] else query["gold"][0]


def _nearest(rows, space: Space, layer: int) -> tuple[list[int], list[str]]:
    """For every query its nearest candidate by cosine: number among the candidates, and id."""
    queries, candidates = _sides(rows)
    _, found = nearest_neighbours(space.of(layer, queries), space.of(layer, candidates), 1)
    places = found[:, 0].tolist()
    return places, [candidates[i]["id"] for i in places]


def _mined(test, dev, space: Space, layer: int) -> list[list[str]]:
    """For every test query the candidate mined for it, if any; the threshold is dev's best."""
    score, pairs = _pairs(dev, space, layer)
    gold = {(query["id"], g) for query in _sides(dev)[0] for g in query["gold"]}
    right = np.array([pair in gold for pair in pairs], bool)
    least = mining.threshold(score, right, len(gold))
    score, pairs = _pairs(test, space, layer)
    found = {query: [other] for s, (query, other) in zip(score, pairs, strict=True) if s >= least}
    return [found.get(query["id"], []) for query in _sides(test)[0]]


def _pairs(rows, space: Space, layer: int) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """All mined pairs of ids with their scores, those of repeated sentences dropped."""
    (queries, candidates), unique = _sides(rows), []
    for side in (queries, candidates):
        places, sole = mining.unique([row["text"] for row in side])
        unique.append(([side[i] for i in places], sole))
    (left, sole_left), (right, sole_right) = unique
    sims = neighbours(space.of(layer, left), space.of(layer, right), mining.NEIGHBOURS)
    score, source, target = mining.mine(*(part.numpy() for part in sims))
    keep = sole_left[source] & sole_right[target]
    names = zip(source[keep].tolist(), target[keep].tolist(), strict=True)
    return score[keep], [(left[i]["id"], right[j]["id"]) for i, j in names]


def neighbours(x: Tensor, y: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The k largest dot products of every row of `x` with `y`, whose they are, and the same back.

    Exact. Both directions come out of one product, computed in blocks of rows of `x`, so that
    BLOCK similarities are held at a time.
    """
    here, there = min(k, len(y)), min(k, len(x))
    forward, back, ids = [], torch.empty(0, len(y)), torch.empty(0, len(y), dtype=torch.long)
    size, begin = max(1, BLOCK // len(y)), 0
    for part in x.split(size):
        product = part @ y.T
        forward.append(product.topk(here))
        top = product.topk(min(there, len(part)), dim=0)
        back, ids = torch.cat([back, top.values]), torch.cat([ids, top.indices + begin])
        back, order = back.topk(min(there, len(back)), dim=0)
        ids, begin = ids.gather(0, order), begin + len(part)
    values, indices = (torch.cat(parts) for parts in zip(*forward, strict=True))
    return values, indices, back.T, ids.T
