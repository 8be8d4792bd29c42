"""Which encoder on which data, and every training number.

`resolve` is the only place where hyper-parameters are decided: the paper's values, then what a
setting's budget overrides, then what the recipe itself says. Each number carries its source, so
that a value known only from memory is printed as "recalled".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType

from xstilts.recipes import RECIPES, Recipe
from xstilts.records import check_known, named


@dataclass(frozen=True)
class Setting:
    """An encoder, where its data come from, and how far the paper's numbers are cut down.

    `encoder`: a folder, a hub id, the name of a shipped encoder, or "text" (pretrain one from
    the user's text). `data`: "world" or "hub". `layer`: the transformer layer read for retrieval,
    fixed in advance. `budget`: overrides keyed by phase ("intermediate", "target") or by phase
    and recipe ("target/udpos"), the latter winning; "pretrain" and "evaluate" have numbers of
    their own (`minutes`; `examples`, a limit on the test rows of each language). `devices`: that
    many processes share each step of a training, on as many GPUs (else CPU cores) of one machine;
    but for dropout's masks its numbers stay what they are.
    """

    name: str
    encoder: str
    data: str = "hub"
    layer: int = 8
    budget: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    precision: str = "fp32"
    devices: int = 1


@dataclass(frozen=True)
class Hyper:
    """The resolved numbers of one fine-tuning, each with its `source`.

    `batch` counts examples a step; `warmup` is a share of all updates; `examples` limits the
    training rows of each task (None: all); `evaluate_every` and `patience` count updates and
    evaluations; lengths are in subwords. `mlm` is the share of updates on running text, each
    of `mlm_batch` windows; `select` says which weights are kept.
    """

    lr: float
    epochs: float
    batch: int
    max_len: int
    warmup: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    updates: int | None = None
    examples: int | None = None
    eval_examples: int | None = None
    evaluate_every: int = 1000
    patience: int = 30
    cap: int | None = None
    temperature: float = 1.0
    tokens: int = 16384
    mlm: float = 0.0
    mlm_batch: int = 8
    select: str = "dev"
    source: Mapping[str, str] = field(default_factory=dict)


# (epochs, batch, max_len, lr, source): jiant's XTREME configuration (the authors' code); for the
# intermediate phase the paper's appendix as recalled; for what XTREME-R adds, XTREME's scripts.
# Warm-up, weight decay and the choice by English dev are jiant's for all.
_JIANT = "authors' code"
_RECALLED = "recalled from the paper's appendix"
_XTREME = "XTREME's scripts"
PAPER = {
    "intermediate": {
        "anli": (2, 24, 256, 1e-5, _RECALLED),
        "mnli": (2, 24, 256, 1e-5, _RECALLED),
        "qqp": (3, 24, 256, 1e-5, _RECALLED),
        "squad_v1": (3, 8, 384, 1e-5, _RECALLED),
        "squad_v2": (3, 8, 384, 1e-5, _RECALLED),
        "hellaswag": (7, 24, 256, 1e-5, _RECALLED),
        "ccg": (15, 24, 256, 1e-5, _RECALLED),
        "cosmosqa": (15, 4, 256, 1e-5, _RECALLED),
        "csqa": (10, 4, 256, 1e-5, _RECALLED),
        "multi": (3, 24, 384, 1e-5, _RECALLED),
    },
    "target": {
        "mnli": (2, 32, 256, 1e-5, _JIANT),
        "pawsx": (5, 32, 256, 1e-5, _JIANT),
        "udpos": (10, 32, 256, 1e-5, _JIANT),
        "panx": (10, 32, 256, 1e-5, _JIANT),
        "squad_v1": (2, 16, 384, 1e-5, _JIANT),
        "tydiqa": (2, 16, 384, 1e-5, _JIANT),
        "siqa": (5, 32, 128, 3e-5, _XTREME),
        "copa": (5, 32, 128, 3e-5, _XTREME),
        "lareqa": (3, 16, 256, 2e-5, _XTREME),
        "mewslix": (2, 32, 64, 1e-5, _XTREME),
    },
}
_DEFAULT = (3, 32, 256, 1e-5, "default")

_TINY = MappingProxyType({
    "intermediate": {"lr": 3e-4, "batch": 32, "epochs": 2, "max_len": 192, "evaluate_every": 150,
                     "eval_examples": 200, "tokens": 4096},
    "intermediate/anli": {"epochs": 1},
    "intermediate/multi": {"epochs": 1},
    "target": {"lr": 5e-4, "batch": 32, "epochs": 3, "max_len": 192, "evaluate_every": 100,
               "tokens": 4096},
    "target/mnli": {"lr": 3e-4},
    "target/pawsx": {"lr": 3e-4, "epochs": 5},
    "target/squad_v1": {"epochs": 2},
    "target/tydiqa": {"epochs": 10},
    "target/copa": {"epochs": 10},
})  # fmt: skip
_BASE_SIZE = MappingProxyType({"intermediate": {"lr": 2e-5}, "target": {"lr": 2e-5},
                               "target/mewslix": {"lr": 1e-5}})  # fmt: skip

SETTINGS = {
    s.name: s
    for s in (
        Setting("tiny-xlmr", "tiny-xlmr", "world", layer=2, budget=_TINY),
        Setting("tiny-mbert", "tiny-mbert", "world", layer=4, budget=_TINY),
        Setting("mbert", "google-bert/bert-base-multilingual-cased", layer=8, budget=_BASE_SIZE,
                precision="bf16"),
        Setting("xlmr-base", "FacebookAI/xlm-roberta-base", layer=8, budget=_BASE_SIZE,
                precision="bf16"),
        Setting("xlmr-large", "FacebookAI/xlm-roberta-large", layer=14, precision="bf16"),
    )
}  # fmt: skip


def setting(name: str, known: Iterable[Setting] = ()) -> Setting:
    """The setting called `name`, a grid's own (`known`) before the stock ones."""
    return named(name, SETTINGS, known, "setting")


def resolve(recipe: Recipe, setting: Setting, phase: str) -> Hyper:
    """Every number of one fine-tuning: the paper's, then the setting's budget, then the recipe's.

    `phase` is "intermediate" or "target". A recipe that the paper does not have takes the values
    (the budget's among them) of the one with the same tasks, else of its first task.
    """
    table = PAPER[phase]
    same = (name for name in table if RECIPES[name].tasks == recipe.tasks)
    kin = recipe.name if recipe.name in table else next(same, "".join(recipe.tasks[:1]))
    *values, source = table.get(kin, _DEFAULT)
    numbers = dict(zip(("epochs", "batch", "max_len", "lr"), values, strict=True))
    sources = dict.fromkeys(numbers, source)
    if recipe.mlm:
        numbers["lr"] = 5e-6
        sources |= dict.fromkeys(("lr", "mlm_batch"), _RECALLED)
    known = {f.name for f in fields(Hyper)} - {"source"}
    for key in dict.fromkeys((phase, f"{phase}/{kin}", f"{phase}/{recipe.name}")):
        budget = setting.budget.get(key, {})
        for name in budget:
            check_known(name, known, f"setting '{setting.name}', budget '{key}'", "number")
        numbers |= budget
        sources |= dict.fromkeys(budget, f"setting {setting.name}")
    own = {
        name: value
        for name in ("lr", "epochs", "batch", "max_len", "updates", "examples", "cap", "select")
        if (value := getattr(recipe, name)) is not None
    }
    numbers |= own | {"temperature": recipe.temperature, "mlm": recipe.mlm}
    return Hyper(**numbers, source=sources | dict.fromkeys(own, f"recipe {recipe.name}"))
