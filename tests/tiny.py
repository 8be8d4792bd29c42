"""Small real things for tests: tokenizers and random encoders of both families, and rows."""

from functools import cache

import datasets
import numpy as np
import torch

from xstilts import arms, loop, train
from xstilts.encoder import FAMILIES, Encoder
from xstilts.pieces import train_tokenizer
from xstilts.tasks import Task

LONGEST = 128
NAMES = ["ana", "ben", "cleo", "dora", "emil", "fay", "gus", "hana", "ivo", "jon", "kim", "lea",
         "max", "nora", "otto", "pia"]  # fmt: skip
VERBS = ["sees", "meets", "calls", "helps", "paints", "follows", "hears", "greets"]
PLACES = ["harbour", "market", "station", "garden", "library", "museum", "bridge", "tower"]
HAN = "我们在城市里看见老师和学生他去市场买书今天很好北京上海河山大小人"


def sentence(rng) -> str:
    who, whom = rng.choice(NAMES, 2, replace=False)
    return f"{who} {rng.choice(VERBS)} {whom} in the {rng.choice(PLACES)} ."


def text(seed: int, lines: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [sentence(rng) for _ in range(lines)]


@cache
def tokenizer(family: str):
    han = ["".join(np.random.default_rng(n).permutation(list(HAN))) for n in range(40)]
    return train_tokenizer(text(0, 600) + han, family, 220, LONGEST)


def encoder(family: str = "xlm-roberta", seed: int = 0, dropout: float = 0.0) -> Encoder:
    """A fresh random encoder, 32 wide, two layers."""
    pieces = tokenizer(family)
    sizes = {
        "vocab_size": len(pieces), "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "intermediate_size": 64, "max_position_embeddings": LONGEST + 2,
        "pad_token_id": pieces.pad_token_id, "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout, "initializer_range": 0.1,
    }  # fmt: skip
    torch.manual_seed(seed)
    config, model = FAMILIES[family]
    return Encoder(model(config(**sizes)), pieces)


def task(form: str, **more) -> Task:
    labels = {"classify": ("no", "yes"), "tag": ("NAME", "OTHER", "VERB")}.get(form, ())
    metric = {"tag": "chunk_f1", "span": "squad", "pairs": "map@20"}.get(form, "accuracy")
    more = {"metric": metric} | more
    return Task(name=f"my_{form}", title=form, form=form, labels=labels, **more)


def rows(form: str, n: int, seed: int = 0) -> list[dict]:
    """Rows that a small encoder can learn; for pairs, n queries and their n candidates."""
    rng = np.random.default_rng(seed)
    return [row for i in range(n) for row in _MAKE[form](str(i), rng)]


def _classify(i, rng):
    a = sentence(rng)
    yes = bool(rng.integers(2))
    b = a.split()[0] if yes else next(w for w in NAMES if w not in a)
    return [{"id": i, "text_a": a, "text_b": b, "label": "yes" if yes else "no"}]


def _choose(i, rng):
    a, label = sentence(rng), int(rng.integers(3))
    choices = rng.choice([w for w in PLACES if w not in a], 3, replace=False).tolist()
    choices[label] = a.split()[-2]
    return [{"id": i, "context": a, "choices": choices, "label": label}]


def _tag(i, rng):
    words = sentence(rng).split()
    tags = ["NAME" if w in NAMES else "VERB" if w in VERBS else "OTHER" for w in words]
    return [{"id": i, "tokens": words, "tags": tags}]


def _span(i, rng):
    context = " ".join(sentence(rng) for _ in range(2))
    answer = context.split()[2]
    answers = {"text": [answer], "answer_start": [context.index(answer)]}
    return [{"id": i, "question": "whom ?", "context": context, "answers": answers}]


def _pairs(i, rng):
    a = sentence(rng)
    who, verb, whom = a.split()[:3]
    return [
        {"id": f"q{i}", "side": "query", "text": a, "gold": [f"c{i}"]},
        {"id": f"c{i}", "side": "candidate", "text": f"{whom} {verb} {who}", "gold": []},
    ]


_MAKE = {"classify": _classify, "choose": _choose, "tag": _tag, "span": _span, "pairs": _pairs}


def documents(data, langs, chars, domains=()):
    return {lang: [text(n, 6) for n in range(9)] for lang in langs or ("qaa", "qab")}


def feed(monkeypatch, rows, every_step=False) -> None:
    """Have `fit` read `rows(task, split, lang)` and a little running text; save every step, say."""

    def load(task, split, lang, *, data, limit=None, errors=0):
        return datasets.Dataset.from_list(rows(task, split, lang))

    monkeypatch.setattr(train, "load", load)
    monkeypatch.setattr(arms, "load", load)
    monkeypatch.setattr(train, "documents", documents)
    if every_step:
        monkeypatch.setattr(loop, "SAVE_EVERY", 0)
        monkeypatch.setattr(loop, "SAVE_SHARE", 0)
