"""Are sentences and their translations neighbours in an encoder that was not fine-tuned for it?

Tatoeba (nearest neighbour) and BUCC (mining) at every layer, in one pass over the text that keeps
only pooled vectors: the mean over all pieces, specials included, in float32, as XTREME does it.
Tatoeba goes by cosine, BUCC by the ratio margin over 4 neighbours. That, at the layer which the
setting fixed in advance, is the headline; the rest is there to be compared with it:

- `pooling` "mean-centred": the mean vector of a side is taken off its sentences first, and what is
  left set to length one again. The mean is that of the very sentences that are searched (one
  language, one split, one side), so it needs no labels, and is rough where they are few.
- `metric` "margin_accuracy" and "cosine_f1": Tatoeba by the margin, BUCC by cosine.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryFile

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from xstilts import mining
from xstilts.batches import batched
from xstilts.devices import alone
from xstilts.encoder import Encoder
from xstilts.evaluate import Report, Result, rows_of
from xstilts.forms import asked, judge
from xstilts.forms.pairs import CENTRED, MEAN, centred, encode, mean
from xstilts.languages import languages
from xstilts.metrics import measure
from xstilts.model import autocast
from xstilts.paths import BadInput, MissingData, UserError, cache_dir
from xstilts.scores import SWEEP
from xstilts.settings import Setting
from xstilts.tasks import TASKS, Task

TOKENS = 4096  # pieces in a batch: enough to fill a GPU, not too much for a CPU's caches
VECTORS = 2 << 30  # bytes of pooled vectors held in memory; more than that lies in a file
BLOCK = 1 << 26  # similarities held at a time (256 MiB)
HEADLINE = "layer fixed by the setting"
MINED = ", threshold from dev"
SAME = ", threshold from the same pairs"  # said of dev pairs that stand in for test pairs
RULES = {"cosine": mining.cosines, "margin": mining.margins}


def retrieve(encoder: Path | str, task: Task, setting: Setting) -> Result:
    """Scores of `task` (Tatoeba or BUCC) at every layer, 0 being the embeddings.

    Examples and answers are the headline's. BUCC's threshold comes from its dev split, for each
    language, layer and way of comparing. Where it has no test split in any language, the dev pairs
    are scored instead, with a threshold from themselves: the split, "dev", and `selection` say so.
    """
    model = Encoder.load(encoder).to(alone())
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
        print(f"{task.name}: no test split: scored on dev{SAME} ({' '.join(dev)})", flush=True)
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
        self._device = next(model.parameters()).device

    def of(self, layer: int, pooling: str, rows: Sequence[dict]) -> Tensor:
        """[rows, width], of length one; centred on their own mean if `pooling` says so."""
        vectors = self._vectors[layer][[self._place[row["text"]] for row in rows]]
        vectors = vectors.to(self._device)
        return centred(vectors) if pooling == CENTRED else vectors

    @property
    def layers(self) -> range:
        return range(len(self._vectors))


def vectors(model: Encoder, texts: Sequence[str], setting: Setting) -> Tensor:
    """Mean vectors of texts at every layer, of length one: [layers + 1, texts, width]."""
    rows, told = [{"text": text} for text in texts], TASKS["tatoeba"]
    longest = min(told.max_len, model.tokenizer.model_max_length)
    return pooled(model, encode(rows, model.tokenizer, told, longest), setting.precision)


@torch.inference_mode()
def pooled(model: Encoder, features, precision: str = "fp32") -> Tensor:
    """Every feature's mean vector at every layer, set to length one: [layers + 1, N, width]."""
    device = next(model.parameters()).device
    vectors = _room(model.layers + 1, len(features), model.width)
    for micro, batches in batched(features, model.tokenizer.pad_token_id, device, TOKENS):
        group, blocks = sum(micro, []), [batch.blocks[0] for batch in batches]
        with autocast(device, precision):
            for layer, hidden in enumerate(model.layer_by_layer(blocks)):
                means = [mean(h.float(), b) for h, b in zip(hidden, blocks, strict=True)]
                vectors[layer, group] = normalize(torch.cat(means), dim=-1).cpu()
    return vectors


def _room(*shape: int) -> Tensor:
    """Room for float32 numbers: memory, or from VECTORS bytes on a nameless file in the cache."""
    size, folder = 4 * int(np.prod(shape)), cache_dir()
    if size <= VECTORS:
        return torch.empty(shape)
    if size > disk_usage(folder).free:
        raise UserError(f"{folder}: {size >> 30} GiB are needed there for the vectors of all "
                        "layers; set XSTILTS_CACHE to a larger disk")  # fmt: skip
    with TemporaryFile(dir=folder) as file:  # the mapping keeps it
        return torch.from_numpy(np.memmap(file, np.float32, "w+", shape=shape))


def _language(lang, test, dev, space: Space, report: Report, headline: int) -> None:
    """All layers and poolings of one language; `dev` is empty where there is nothing to mine."""
    queries, candidates = _sides(test)
    official, rule = ("margin", SAME if report.split == "dev" else MINED) if dev else ("cosine", "")
    for layer, pooling in product(space.layers, (MEAN, CENTRED)):
        view, own = partial(space.of, layer, pooling), (layer, pooling) == (headline, MEAN)
        selection = HEADLINE + rule if own else SWEEP
        shown = {"layer": layer, "pooling": pooling, "selection": selection}
        found = _mined(test, dev, view) if dev else _nearest(queries, candidates, view)
        for name, answers in sorted(found.items(), key=lambda item: item[0] != official):
            if dev:
                measured = judge(report.task, queries, answers, lang)
            else:
                asked_for = zip(queries, answers, strict=True)
                hits = [candidates[place]["id"] in query["gold"] for query, place in asked_for]
                measured = measure("accuracy", hits, [True] * len(hits), lang)
            report.scores(lang, measured, shown, "" if name == official else f"{name}_")
            if own and name == official:
                features = [space.features[row["text"]] for row in queries]
                report.answers(lang, queries, answers, measured, features)


def _sides(rows: Sequence[dict]) -> tuple[list[dict], list[dict]]:
    """Queries, candidates."""
    queries = [rows[i] for i in asked(rows)]
    return queries, [row for row in rows if row["side"] == "candidate"]


View = Callable[[Sequence[dict]], Tensor]  # rows as vectors of one layer and pooling


def _search(left: Sequence[dict], right: Sequence[dict], view: View) -> list[np.ndarray]:
    return [part.cpu().numpy() for part in neighbours(view(left), view(right), mining.NEIGHBOURS)]


def _nearest(queries, candidates, view: View) -> dict[str, list[int]]:
    """By each rule, the place among the candidates of every query's nearest."""
    sims, ids, back, _ = _search(queries, candidates, view)
    return {name: rule(sims, ids, back)[1].tolist() for name, rule in RULES.items()}


def _mined(test, dev, view: View) -> dict[str, list[list[str]]]:
    """By each rule, for every test query the candidate mined for it, if any.

    The threshold is the best on dev.
    """
    gold = {(query["id"], g) for query in _sides(dev)[0] for g in query["gold"]}
    known, mined = _pairs(dev, view), {}
    pool = known if test is dev else _pairs(test, view)
    for name in RULES:
        score, pairs = known[name]
        right = np.array([pair in gold for pair in pairs], bool)
        least, scored = mining.threshold(score, right, len(gold)), zip(*pool[name], strict=True)
        found = {query: [other] for score, (query, other) in scored if score >= least}
        mined[name] = [found.get(query["id"], []) for query in _sides(test)[0]]
    return mined


def _pairs(rows, view: View) -> dict[str, tuple[np.ndarray, list[tuple[str, str]]]]:
    """By each rule, mined pairs of ids with their scores, those of repeated sentences dropped."""
    sides, answered = [], []
    for side in _sides(rows):
        places, sole = mining.unique([row["text"] for row in side])
        sides.append([side[i] for i in places])
        answered.append(sole)
    near, found = _search(*sides, view), {}
    for name, rule in RULES.items():
        score, source, target = mining.mine(*near, rule)
        keep = answered[0][source] & answered[1][target]
        pairs = zip(source[keep].tolist(), target[keep].tolist(), strict=True)
        found[name] = score[keep], [(sides[0][i]["id"], sides[1][j]["id"]) for i, j in pairs]
    return found


def neighbours(x: Tensor, y: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The k largest dot products of every row of `x` with `y`, whose they are, and the same back.

    Exact. Both directions come out of one product, computed in blocks of rows of `x`, so that
    BLOCK similarities are held at a time.
    """
    here, there, begin = min(k, len(y)), min(k, len(x)), 0
    forward, back = [], x.new_empty(0, len(y))
    ids = back.long()
    for part in x.split(max(1, BLOCK // len(y))):
        product = part @ y.T
        forward.append(product.topk(here))
        top = product.topk(min(there, len(part)), dim=0)
        back, ids = torch.cat([back, top.values]), torch.cat([ids, top.indices + begin])
        back, order = back.topk(min(there, len(back)), dim=0)
        ids, begin = ids.gather(0, order), begin + len(part)
    values, indices = (torch.cat(parts) for parts in zip(*forward, strict=True))
    return values, indices, back.T, ids.T
