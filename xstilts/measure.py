"""What studies need from a model besides its scores, as rows of the Measures table.

`measured` gives one of the groups that a grid may ask for (`gridfile.MEASURES`). World and hub
alike; parallel text is the world's own, or XNLI's dev premises and Tatoeba. A language or a task
without data has no rows. Nothing here trains; what is drawn is drawn alike for every encoder.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from itertools import product
from pathlib import Path

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from xstilts import divergence, minimal, overlap, transferability
from xstilts.batches import collate, micro_batches
from xstilts.data import load
from xstilts.devices import alone
from xstilts.encoder import Encoder
from xstilts.evaluate import rows_read
from xstilts.forms import IGNORED, blind, classify, mlm, pairs
from xstilts.languages import languages
from xstilts.measured import COMPARED, NEUTRAL
from xstilts.model import Model, autocast, predict
from xstilts.paths import BadInput, MissingData, nearest
from xstilts.retrieval import TOKENS, neighbours, vectors
from xstilts.scores import MEASURE_COLUMNS
from xstilts.settings import Setting
from xstilts.tasks import TASKS
from xstilts.text import bilingual, documents
from xstilts.wordpieces import tokenise

PARALLEL = 200  # pairs a language; enough for a mean cosine to a hundredth
STEP = 64  # pieces: the width of a bin of positions
WINDOWS = 32  # a language, each with its pieces hidden in DRAWS ways
DRAWS = 2
CHARS = 3_000  # of running text for a window
OWN = tuple(name for name in MEASURE_COLUMNS if name not in ("setting", "seed", "recipe"))
SIDES = {"classify": "text_a", "span": "context"}  # what of a row is compared
LEAST = 20  # texts of a domain, below which nothing is said of it


def measured(kind: str, encoder: Path | str, setting: Setting):
    """The rows of one group for the encoder in a folder (or a hub id), but for the run's identity.

    Columns: task, lang, domain, layer, measure, value; empty where one does not apply. Raises
    MissingData where there is nothing to measure with, BadInput for an unknown group.
    """
    import pandas as pd

    if kind not in KINDS:
        raise BadInput(f"no measure '{kind}': {nearest(kind, KINDS)}")
    rows = [dict.fromkeys(OWN, "") | row for row in KINDS[kind](encoder, setting)]
    if not rows:
        raise MissingData(f"measure '{kind}': nothing to measure with, data '{setting.data}'")
    table = pd.DataFrame(rows, columns=list(OWN))
    table["layer"] = pd.array([None if v == "" else v for v in table["layer"]], "Int64")
    return table.astype({"value": float})


def parallel(data: str) -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """{language: (where from, [(English, other)])}, PARALLEL pairs at most, each text once."""
    if data == "world":
        found = {lang: ("held out of the world's pairs", own) for lang, own in
                 bilingual(data).items()}  # fmt: skip
    else:
        found = {}
        for name, read in (("xnli", _xnli), ("tatoeba", _tatoeba)):
            for lang in languages(TASKS[name], data):
                if lang not in found and lang != "en":
                    with suppress(MissingData):
                        found[lang] = name, read(lang, data)
    return {lang: (source, list(dict(own).items())[:PARALLEL])
            for lang, (source, own) in found.items()}  # fmt: skip


def _xnli(lang: str, data: str) -> list[tuple[str, str]]:
    english, other = (load(TASKS["xnli"], "dev", code, data=data) for code in ("en", lang))
    told = dict(zip(english["id"], english["text_a"], strict=True))
    return [(told[row["id"]], row["text_a"]) for row in other if row["id"] in told]


def _tatoeba(lang: str, data: str) -> list[tuple[str, str]]:
    rows = load(TASKS["tatoeba"], "test", lang, data=data).to_list()
    told = {row["id"]: row["text"] for row in rows if row["side"] == "candidate"}
    return [(row["text"], told[row["gold"][0]]) for row in rows if row["side"] == "query"]


def _loaded(where: Path | str) -> Encoder:
    return Encoder.load(where).to(alone())


def _text(where: Path | str, setting: Setting) -> Iterator[dict]:
    """`fertility`: pieces per English piece of the same sentences. `shared_pieces`: per cent of a
    language's pieces that the English sentences have too. `unknown_pieces`: per cent that stand for
    what the tokenizer cannot read; where they are many, the other two mean little."""
    model = _loaded(where)
    for lang, (source, own) in parallel(setting.data).items():
        pieces = tokenise([text for pair in own for text in pair], model.tokenizer)
        english, other = (np.concatenate([pieces[pair[side]] for pair in own]) for side in (0, 1))
        unknown = other == model.tokenizer.unk_token_id
        shared = np.isin(other, english) & ~unknown
        values = {"fertility": len(other) / len(english), "shared_pieces": 100 * shared.mean(),
                  "unknown_pieces": 100 * unknown.mean()}  # fmt: skip
        yield from _rows(values, task=source, lang=lang)


def _space(where: Path | str, setting: Setting) -> Iterator[dict]:
    """By layer: mean cosine of translations and of sentences dealt out anew, in a language with
    English and within the language, plain and minus the language's mean; and how far it is off."""
    model = _loaded(where)
    for lang, (_, own) in parallel(setting.data).items():
        english, other = (vectors(model, [pair[side] for pair in own], setting) for side in (0, 1))
        for layer in range(len(english)):
            values = {}
            for kind, make in (("", torch.clone), ("_centred", pairs.centred)):
                a, b = make(english[layer]), make(other[layer])
                values |= {
                    f"cosine_translations{kind}": (a * b).sum(-1).mean().item(),
                    f"cosine_random{kind}": (a * b.roll(len(b) // 2, 0)).sum(-1).mean().item(),
                    f"cosine_within{kind}": (b * b.roll(len(b) // 2, 0)).sum(-1).mean().item(),
                }
            sets = english[layer].numpy(), other[layer].numpy()
            values |= {"centroid": divergence.centroid(*sets), "coral": divergence.coral(*sets)}
            yield from _rows(values, lang=lang, layer=layer)


def _positions(where: Path | str, setting: Setting) -> Iterator[dict]:
    """`mlm_loss@a-b`: mean loss (nats) of hidden pieces at places a to b of full windows."""
    model = _loaded(where)
    longest = min(model.tokenizer.model_max_length, _places(model))
    for lang in ("en", *languages(TASKS["tatoeba"], setting.data)):
        if not (told := _told(lang, setting.data)):
            continue
        features = mlm.encode({lang: told}, model.tokenizer, longest, WINDOWS)
        losses = _losses(model, features, longest, setting.precision)
        for at in range(0, longest, STEP):
            loss, hidden = losses[:, at : at + STEP].sum(axis=1)
            if hidden:
                name = f"mlm_loss@{at}-{min(at + STEP, longest) - 1}"
                yield from _rows({name: loss / hidden}, lang=lang)


def _places(model: Encoder) -> int:
    """How many pieces an encoder has positions for."""
    unused = 0 if model.family == "bert" else model.tokenizer.pad_token_id + 1
    return model.lm.config.max_position_embeddings - unused


def _told(lang: str, data: str) -> list[list[str]]:
    """Running text of a language, if there is any; in the world, documents that no encoder was
    trained on."""
    if data == "world":
        return minimal.documents(lang, 20 * WINDOWS)
    with suppress(MissingData):
        return documents(data, (lang,), CHARS * WINDOWS)[lang]
    return []


@torch.inference_mode()
def _losses(model: Encoder, features, longest: int, precision: str) -> np.ndarray:
    """[2, longest]: by place, the loss summed over hidden pieces, and how many they are."""
    device, pad = next(model.parameters()).device, model.tokenizer.pad_token_id
    found, dice = np.zeros((2, longest)), np.random.default_rng(0)
    for _ in range(DRAWS):
        hidden = mlm.hide(features, model.tokenizer, dice)
        for group in (sum(m, []) for m in micro_batches([f.length for f in hidden], TOKENS)):
            batch = collate([hidden[i] for i in group], pad, device)
            where = batch.target != IGNORED
            with autocast(device, precision):
                out = model.logits(model.read(batch.blocks)[0][where])
            loss = cross_entropy(out.float(), batch.target[where], reduction="none")
            places = where.nonzero()[:, 1].cpu().numpy()
            np.add.at(found[0], places, loss.cpu().numpy())
            np.add.at(found[1], places, 1)
    return found


def _domains(where: Path | str, setting: Setting) -> Iterator[dict]:
    """How far English texts of one domain are from a target's texts of another, `domain` "a>b".

    `task` is "source>target". `js_subwords`: subwords, English on both sides. `centroid`
    by layer and, at the setting's, `coral` and `proxy_a` (texts of like length): vectors, plain,
    where it is the languages that are apart, and "_centred": each less its language's mean on
    NEUTRAL. Its texts must be of the target's form: single sentences leave most of a passage's
    language in.
    """
    model = _loaded(where)
    read = cache(lambda own: vectors(model, list(own), setting))
    for source, split, target in COMPARED:
        here = _by_domain(source, split, "en", setting)
        neutral = _means(model, setting, TASKS[target].form)
        for lang in languages(TASKS[target], setting.data):
            if lang not in neutral or not here:
                continue
            found = _by_domain(target, "test", lang, setting)
            for (ours, a), (theirs, b) in product(here.items(), found.items()):
                if source == target:  # never a text with itself, nor with its translation
                    a, b = a[::2], b[1::2]
                where = {"task": f"{source}>{target}", "lang": lang, "domain": f"{ours}>{theirs}"}
                sets = [read(tuple(own)) for own in (a, b)]
                yield from _apart(model, (a, b), sets, neutral, where, setting.layer)


def _means(model: Encoder, setting: Setting, form: str) -> dict[str, torch.Tensor]:
    """By language, the mean vector of the texts of NEUTRAL at every layer."""
    task = TASKS[NEUTRAL[form]]
    told = {lang: sum(_by_domain(task.name, "test", lang, setting).values(), [])
            for lang in languages(task, setting.data)}  # fmt: skip
    return {lang: vectors(model, own, setting).mean(1) for lang, own in told.items() if own}


def _by_domain(name: str, split: str, lang: str, setting: Setting) -> dict[str, list[str]]:
    """Texts of a task by domain ("any" where rows name none); none where there are no data."""
    found, rows = {}, []
    with suppress(MissingData):
        rows = rows_read(TASKS[name], setting, split, lang)
    for row in rows:
        own = found.setdefault(row.get("domain") or "any", {})
        if len(own) < PARALLEL:  # each text once: XNLI has every premise three times
            own[row[SIDES[TASKS[name].form]]] = None
    return {domain: list(own) for domain, own in found.items() if len(own) >= LEAST}


def _apart(model, texts, sets, neutral, where, fixed: int) -> Iterator[dict]:
    """The rows of one pair of domains: two sets of texts, and their vectors by layer."""
    pieces = tokenise(sum(texts, []), model.tokenizer)
    a, b = ([pieces[text] for text in own] for own in texts)
    if where["lang"] == "en":
        yield from _rows({"js_subwords": divergence.jensen_shannon(a, b)}, **where)
    like = divergence.alike([len(x) for x in a], [len(x) for x in b])
    means = neutral["en"], neutral[where["lang"]]
    for layer, kind in product(range(len(sets[0])), ("", "_centred")):
        x, y = (np.asarray(v[layer] - (m[layer] if kind else 0))
                for v, m in zip(sets, means, strict=True))  # fmt: skip
        values = {f"centroid{kind}": divergence.centroid(x, y)}
        if layer == fixed and not kind:  # it knows of no means
            values["coral"] = divergence.coral(x, y)
        if layer == fixed and len(like[0]) >= LEAST:
            values[f"proxy_a{kind}"] = divergence.proxy_a(x[like[0]], y[like[1]])
        yield from _rows(values, **where, layer=layer)


def _knobs(where: Path | str, setting: Setting) -> Iterator[dict]:
    """Accuracy (per cent) of Tatoeba at the setting's layer, and of XNLI if the model has a head
    for it, in every language as it is and with one knob moved (`domain` says which)."""
    model = _loaded(where)
    if setting.data != "world":
        raise MissingData("measure 'knobs': only the synthetic world's languages have knobs")
    english = vectors(model, minimal.tatoeba(minimal.ALL["en"]), setting)[setting.layer]
    judge = _head(where, model)
    for lang, done, language in minimal.variants():
        other = vectors(model, minimal.tatoeba(language), setting)[setting.layer]
        found = neighbours(english, other, 1)[1][:, 0]
        hits = (found == torch.arange(len(found))).double().mean().item()
        told = {"task": "tatoeba", "lang": lang, "domain": done, "layer": setting.layer}
        yield from _rows({"accuracy": 100 * hits}, **told)
        if judge:
            told = {"task": "xnli", "lang": lang, "domain": done}
            yield from _rows({"accuracy": judge(minimal.xnli(language), setting.precision)}, **told)


def _head(where: Path | str, model: Encoder):
    """What scores XNLI rows with the model's own head, None if it has none."""
    try:
        fitted = Model.load(Path(where)).to(next(model.parameters()).device)
        head = fitted.head_of(TASKS["xnli"])
    except (MissingData, BadInput):
        return None
    return partial(_accuracy, fitted, head)


def _accuracy(fitted: Model, head, rows: list[dict], precision: str) -> float:
    told = replace(TASKS["xnli"], labels=head.labels)
    facts = fitted.facts
    features = classify.encode(blind(rows, told), fitted.encoder.tokenizer, told, facts["max_len"])
    outs = predict(fitted, head, features, facts["token_budget"], precision)
    said = classify.decode(outs, features, rows, told)
    return 100 * float(np.mean([row["label"] == s for row, s in zip(rows, said, strict=True)]))


def _rows(values: dict[str, float], **where) -> Iterator[dict]:
    for name, value in values.items():
        yield where | {"measure": name, "value": value}


def _overlap(_, setting: Setting) -> Iterator[dict]:
    return overlap.rows(setting.data)  # whatever the encoder


KINDS = {"text": _text, "positions": _positions, "space": _space, "domains": _domains,
         "knobs": _knobs, "overlap": _overlap, "few": transferability.few,
         "likeness": transferability.likeness}  # fmt: skip
