"""What to train on first: rankings that can be had beforehand, what they cost, and advice.

Takes the figures of one setting (see `effects.figures`) and tables of gains, recipes down, tasks
across.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np
import pandas as pd

from xstilts.analysis.effects import by_seed
from xstilts.analysis.rulings import ALPHA, HOLDS, Effect, effect
from xstilts.stats import holm, p_value
from xstilts.tasks import task

FORESEEN = {"likeness of texts": "text_likeness", "likeness of tasks": "task_likeness",
            "a few rows": "few_rows"}  # ranking -> measure  # fmt: skip


def regret(gains: pd.Series, by: pd.Series, k: int) -> float:
    """Points lost by trying only the first `k` of a ranking: the best gain minus the best of those.

    Recipes are ranked by `by`, the largest first, the unknown last; of those that tie, any are
    taken with equal chance, so a constant is a random ranking. The mean over such choices.
    """
    by, k = by.reindex(gains.index).fillna(-np.inf), min(k, len(gains))
    edge = by.nlargest(k).min()
    sure, tied = gains[by > edge], sorted(gains[by == edge], reverse=True)
    first, open_places = max(sure, default=-np.inf), k - len(sure)
    ways = comb(len(tied), open_places)
    expected = sum(max(first, value) * comb(len(tied) - 1 - i, open_places - 1) / ways
                   for i, value in enumerate(tied))  # fmt: skip
    return float(gains.max() - expected)


def rankings(gains: pd.DataFrame, known: Mapping[str, pd.DataFrame], kin: Mapping[str, str],
             ks: Sequence[int] = (1, 3)) -> pd.DataFrame:  # fmt: skip
    """A row per ranking, target and k: the regret, on the targets that every ranking is known for.

    A ranking is known for a target if it is for all recipes that have a gain there. Two are added
    to the `known` ones (recipes x columns each; of no target: left out): the mean gain on targets
    of other fine-tuning sets (`kin`: column -> set), and a random one.
    """
    there = {column: own.dropna().index for column, own in gains.items()}
    known = {name: table[[c for c in table if table[c].reindex(there.get(c, [])).notna().all()]]
             for name, table in known.items()}  # fmt: skip
    known = {name: table for name, table in known.items() if table.shape[1]}
    common = set(gains).intersection(*known.values())
    rows = []
    for column in (c for c in gains if c in common):
        own = gains[column].dropna()
        others = [c for c in gains if kin[c] != kin[column]]
        tried = {name: table[column] for name, table in known.items()}
        if others:
            tried["mean gain on other targets"] = gains[others].mean(axis=1)
        tried["random"] = pd.Series(0.0, gains.index)
        if len(own) > 1:
            rows += [(name, column, k, regret(own, by, k)) for name, by in tried.items()
                     for k in ks if k < len(own)]  # fmt: skip
    return pd.DataFrame(rows, columns=["ranking", "column", "k", "regret"])


def same_form(grid, gains: pd.DataFrame, forms: Mapping[str, str]) -> pd.DataFrame:
    """Recipes x columns: the share of a recipe's tasks that have the form of the target."""
    known = {r: [task(t, grid.tasks).form for t in grid.recipe(r).tasks] for r in gains.index}
    share = {c: {r: own.count(forms[c]) / len(own) for r, own in known.items()} for c in gains}
    return pd.DataFrame(share, dtype=float)


def by_dev(dev: pd.DataFrame, setting: str, kin: Mapping[str, str]) -> pd.DataFrame:
    """Recipes x columns: English dev of the column's fine-tuning set, averaged over seeds."""
    mine = dev[dev["setting"] == setting].astype({"value": float})
    table = mine.pivot_table(index="recipe", columns="target", values="value")
    return pd.DataFrame({column: table[one] for column, one in kin.items() if one in table})


def measured(measures: pd.DataFrame, setting: str, kin: Mapping[str, str]):
    """{ranking: recipes x columns} by the measures `few` and `likeness` of a column's set."""
    mine = measures[measures["setting"] == setting].astype({"value": float})
    pairs = mine["task"].astype(str).str.split(">", expand=True).reindex(columns=[0, 1])
    mine = mine.assign(of=pairs[0].where(pairs[1].notna(), mine["recipe"]),
                       to=pairs[1].fillna(pairs[0]))  # fmt: skip
    found = {}
    for name, measure in FORESEEN.items():
        table = mine[mine["measure"] == measure].pivot_table("value", "of", "to")
        found[name] = pd.DataFrame({column: table[one] for column, one in kin.items()
                                    if one in table})  # fmt: skip
    return found


class Advice(NamedTuple):
    """The gains of one target, best first; `p` Holm's over them. `alike`: recipes that cannot be
    told from the best (Holm over all pairs, since the best was chosen after the fact). `helps`:
    surely better than none."""

    effects: dict[str, Effect]
    p: dict[str, float]
    best: str = ""
    helps: bool = False
    alike: tuple[str, ...] = ()
    lead: Effect = Effect()  # over the runner-up


def advise(figures: pd.DataFrame, column: str, recipes: Sequence[str]) -> Advice:
    """What to train on first for a target, told from all seeds of one setting."""
    mine = by_seed(figures[figures["column"] == column], (*recipes, "none"))
    gains = mine.drop(columns="none").sub(mine["none"], axis=0)
    found = {name: effect(gains[name].dropna()) for name in gains}
    order = sorted((n for n in found if found[n].seeds), key=lambda n: -found[n].estimate)
    found = {name: found[name] for name in order}
    p = dict(zip(found, holm([one.p for one in found.values()]), strict=True))
    if not order:
        return Advice(found, p)
    best = order[0]
    leads = [(mine[one] - mine[two]).dropna() for one, two in combinations(order, 2)]
    lost = holm([p_value(lead) for lead in leads])  # the best's come first
    alike = tuple(name for name, p_lead in zip(order[1:], lost, strict=False) if not p_lead < ALPHA)
    lead = effect(leads[0]) if leads else Effect()
    return Advice(found, p, best, found[best].ruling(p[best]) == HOLDS, alike, lead)
