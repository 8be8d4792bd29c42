"""Where do the points come from? What each kind of task adds, and what controls add already.

Reads Scores and a grid's records, never a model. A gain is a task's headline figure minus that
after no intermediate task, seed by seed, in points; a control is judged on the same tasks and seeds
as what it controls for. What no run measured is NaN, and drawn as not measured.
"""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from xstilts import paired, stats, tables
from xstilts.recipes import Recipe

KINDS = {"classify": "classification", "choose": "multiple choice", "tag": "tagging",
         "span": "question answering", "pairs": "retrieval"}  # fmt: skip
CHANGED = {  # a control that is a recipe -> in what it differs from what it controls for
    "words shuffled": {"scramble": "words"},
    "labels dealt out anew": {"scramble": "labels"},
    "last weights, none chosen": {"select": "last"},
}
HELD = ["control", "gain", "low", "high", "of", "against", "tasks", "seeds"]


def plain(recipes: Iterable[Recipe]) -> list[Recipe]:
    """Those that train on English tasks as they are."""
    return [r for r in recipes if r.tasks and r == Recipe(r.name, tasks=r.tasks)]


def shares(averages: pd.DataFrame, columns, recipes: Iterable[Recipe]) -> pd.DataFrame:
    """Points that each kind of task adds to the mean over tasks: plain recipe x kind.

    They add up to that mean's gain in the main table (with retrieval, where the grid has it);
    `attrs["tasks"]` says how many tasks it is over. A recipe without that mean has NaN throughout.
    """
    names, (*_, (mean, over)) = [r.name for r in plain(recipes)], tables.over(columns).items()
    added = paired.contributions(averages, names, columns)
    added = added[added["mean"] == mean]
    kind = added["column"].map({c.title: KINDS[c.task.form] for c in columns}).rename("kind")
    parts = added.groupby(["recipe", kind])["points"].sum(min_count=1).unstack("kind")
    parts = parts.reindex(index=names)[[k for k in KINDS.values() if k in parts]]
    parts.attrs["tasks"] = len(over)
    return parts


def controls(found: pd.DataFrame, scores: pd.DataFrame, grid, setting, columns) -> pd.DataFrame:
    """One row per control: its gain and that of what it controls for, where both were measured.

    `found`: of `paired.gains`. Columns: control, gain, low, high (95 % t interval over seeds), of
    (the gain it is held against), against (recipes), tasks, seeds.
    """
    gains = {name: own.set_index(["column", "seed"])["gain"]
             for name, own in found.groupby("recipe")}  # fmt: skip
    there = [r for r in map(grid.recipe, _names(grid)) if r.name in gains]
    real = plain(there)
    pairs = {name: [(gains[c.name], gains[r.name]) for c in there for r in real
                    if c == replace(r, name=c.name, **fields)]
             for name, fields in CHANGED.items()}  # fmt: skip
    masked = [gains[c.name] for c in there if c.mlm == 1 and not c.mlm_text]
    others = {"as many updates of masked words": masked,
              "equal updates on the target": [_equal(scores, grid, setting, columns)],
              "mean-centred vectors (isotropy)": [_centred(scores, setting, columns)]}  # fmt: skip
    for name, own in others.items():
        pairs[name] = [(one, gains[r.name]) for one in own for r in real if len(one)]
    return pd.DataFrame([(name, *_held(own)) for name, own in pairs.items()], columns=HELD)


def _names(grid) -> list[str]:
    return list(dict.fromkeys(name for block in grid.blocks for name in block.recipes))


def _held(pairs: list) -> tuple:
    """Means over what a control and its counterpart share; NaN where that is nothing."""
    both = [pd.DataFrame({"gain": c, "of": r}).dropna() for c, r in pairs]
    both = [part for part in both if len(part)]
    if not both:
        return *stats.t_interval([]), float("nan"), 0, 0, 0
    rows = pd.concat(both)
    by_seed = rows.groupby("seed").mean()
    sizes = (rows.index.get_level_values(level).nunique() for level in ("column", "seed"))
    return *stats.t_interval(by_seed["gain"]), by_seed["of"].mean(), len(both), *sizes


def _equal(scores, grid, setting, columns) -> pd.Series:
    """What a target's own training set gives when it is trained on for as long as both phases."""
    sets = [(c, replace(grid.recipe(c.target), name="")) for c in columns if c.target]
    pairs = [(short, scores, long) for short, one in sets for long, other in sets
             if short.task.name == long.task.name and other.updates
             and one == replace(other, updates=None)]  # fmt: skip
    return _more(scores, setting, pairs)


def _centred(scores, setting, columns) -> pd.Series:
    """What subtracting each language's mean vector gives retrieval without any training."""
    other = (scores["pooling"] == "mean-centred") & (scores["layer"] == setting.layer)
    counted = scores[other.fillna(False)].assign(selection="mean-centred")
    return _more(scores, setting, [(c, counted, c) for c in columns if not c.target])


def _more(scores, setting, pairs) -> pd.Series:
    """By (column, seed), of no intermediate task: of `pairs` (column, other scores, other column),
    the other figure minus the column's own."""
    found = {c.title: (_none(others, setting, other) - _none(scores, setting, c)).dropna()
             for c, others, other in pairs}  # fmt: skip
    found = {title: own for title, own in found.items() if len(own)}
    return pd.concat(found, names=["column", "seed"]) if found else pd.Series(dtype=float)


def _none(scores, setting, column) -> pd.Series:
    """The figures of no intermediate task by seed."""
    found = tables.averages(scores[scores["recipe"] == "none"], setting, [column])
    return found.set_index("seed")["value"].astype(float)
