"""Where do the points come from? What each kind of task adds, and what controls add already.

Reads Scores and a grid's records, never a model. A gain is a task's headline figure minus that
after no intermediate task, seed by seed, in points; a control is judged on the same tasks and seeds
as what it controls for. What no run measured is NaN, and drawn as not measured.
"""

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from xstilts import stats, tables
from xstilts.recipes import Recipe
from xstilts.scores import SWEEP

KINDS = {"classify": "classification", "choose": "multiple choice", "tag": "tagging",
         "span": "question answering", "pairs": "retrieval"}  # fmt: skip
CONTROLS = {  # what is drawn -> the fields in which a control differs from what it controls for
    "words shuffled": {"scramble": "words"},
    "labels dealt out anew": {"scramble": "labels"},
    "last weights, none chosen": {"select": "last"},
    "as many updates of masked words": {},
    "equal updates on the target": {},
    "mean-centred vectors (isotropy)": {},
}
MASKED, EQUAL, ISOTROPY = list(CONTROLS)[-3:]


def gains(averages: pd.DataFrame) -> pd.DataFrame:
    """Gain by (recipe, column) and seed, from `tables.averages`; over the same languages only."""
    wide = averages.dropna(subset="value").pivot_table(
        index=["column", "missing"], columns=["recipe", "seed"], values="value"
    )
    if "none" not in wide.columns.get_level_values(0):
        return pd.DataFrame(columns=["recipe", "column", "seed", "gain"])
    none = wide["none"]
    frames = [
        (wide[recipe] - none).stack().rename("gain").reset_index().assign(recipe=recipe)
        for recipe in wide.columns.get_level_values(0).unique()
    ]
    return pd.concat(frames)[["recipe", "column", "seed", "gain"]]


def plain(recipes: Iterable[Recipe]) -> list[Recipe]:
    """Those that train on English tasks as they are."""
    return [r for r in recipes if r.tasks and r == Recipe(r.name, tasks=r.tasks)]


def shares(found: pd.DataFrame, columns, recipes: Iterable[Recipe]) -> pd.DataFrame:
    """Points that each kind of task adds to the mean over tasks: plain recipe x kind.

    The mean is over the tasks that most recipes with any result have (all tasks, once a grid is
    done); `attrs["tasks"]` says how many those are. Shares add up to the gain of that mean. A
    recipe that lacks one of these tasks has NaN throughout.
    """
    first = {c.task.name: c for c in reversed(columns)}.values()
    kind = {c.title: KINDS[c.task.form] for c in first}
    by_task = found.pivot_table("gain", "recipe", "column").reindex(
        index=[r.name for r in plain(recipes)], columns=list(kind)
    )
    most = by_task.dropna(how="all").notna().mean() > 0.5
    planned, by_task = len(kind), by_task.loc[:, most] if most.any() else by_task
    kind = {name: kind[name] for name in by_task}
    whole = by_task.notna().all(axis=1)
    parts = (by_task / len(kind)).T.groupby(kind).sum().T
    parts = parts.where(whole, float("nan"))[[k for k in KINDS.values() if k in parts]]
    parts.attrs["tasks"] = f"{len(kind)} of {planned} tasks" if len(kind) < planned else "all tasks"
    return parts


def controls(found: pd.DataFrame, scores: pd.DataFrame, grid, setting, columns) -> pd.DataFrame:
    """One row per control: its gain and that of what it controls for, where both were measured.

    Columns: control, gain, low, high (95 % t interval over seeds), of (the gain it is held
    against), against (recipes), tasks, seeds.
    """
    recipes = [grid.recipe(r) for r in dict.fromkeys(r for b in grid.blocks for r in b.recipes)]
    table = found.set_index(["recipe", "column", "seed"])["gain"]
    real = [r.name for r in plain(recipes)]
    rows = []
    for name, fields in CONTROLS.items():
        pairs = []
        if fields:
            pairs = [(_of(table, c.name), _of(table, r)) for c in recipes for r in real
                     if replace(c, **dict.fromkeys(fields), name=r) == grid.recipe(r)
                     and all(getattr(c, k) == v for k, v in fields.items())]  # fmt: skip
        elif name == MASKED:
            pairs = [(_of(table, c.name), _of(table, r))
                     for c in recipes if c.mlm == 1 and not c.mlm_text for r in real]  # fmt: skip
        else:
            own = _equal(scores, grid, setting, columns) if name == EQUAL else _centred(
                scores, setting, columns)  # fmt: skip
            pairs = [(own, _of(table, r)) for r in real]
        rows.append({"control": name, **_held(pairs)})
    return pd.DataFrame(rows)


def _of(table: pd.Series, recipe: str) -> pd.Series:
    """The gains of one recipe by (column, seed)."""
    known = recipe in table.index.get_level_values(0)
    return table.loc[recipe] if known else pd.Series(dtype=float)


def _held(pairs: list) -> dict:
    """Means over what a control and its counterpart share; NaN where that is nothing."""
    both = [pd.DataFrame({"gain": c, "of": r}).dropna() for c, r in pairs if len(c) and len(r)]
    both = [frame for frame in both if len(frame)]
    if not both:
        nan = float("nan")
        return dict.fromkeys(("gain", "low", "high", "of"), nan) | dict.fromkeys(
            ("against", "tasks", "seeds"), 0)  # fmt: skip
    rows = pd.concat(both)
    rows.index = rows.index.set_names(["column", "seed"])
    by_seed = rows.groupby("seed").mean()
    gain, low, high = stats.t_interval(by_seed["gain"])
    counts = {name: rows.index.get_level_values(level).nunique()
              for name, level in (("tasks", "column"), ("seeds", "seed"))}  # fmt: skip
    return {"gain": gain, "low": low, "high": high, "of": by_seed["of"].mean(),
            "against": len(both), **counts}  # fmt: skip


def _equal(scores, grid, setting, columns) -> pd.Series:
    """What a target's own training set gives when it is trained on for as long as both phases."""
    plain_of, long_of = {}, {}
    for column in columns:
        target = grid.recipe(column.target) if column.target else None
        if target and target.updates:
            short = replace(target, updates=None, name="")
            long_of[column.task.name, short] = column
        elif target:
            plain_of[column.task.name, replace(target, name="")] = column
    shared = {key: plain_of[key] for key in long_of if key in plain_of}
    after = _none(scores, setting, {shared[key].title: long_of[key] for key in shared})
    return (after - _none(scores, setting, {c.title: c for c in shared.values()})).dropna()


def _centred(scores, setting, columns) -> pd.Series:
    """What subtracting each language's mean vector gives retrieval without any training."""
    pairs = {c.title: c for c in columns if not c.target}
    other = (scores["pooling"] == "mean-centred") & (scores["layer"] == setting.layer)
    counted = scores[other.fillna(False)].assign(selection="mean-centred")
    return (_none(counted, setting, pairs) - _none(scores, setting, pairs)).dropna()


def _none(scores, setting, columns) -> pd.Series:
    """The figures of no intermediate task by (the columns' keys, seed)."""
    rows = scores[(scores["recipe"] == "none") & (scores["selection"] != SWEEP)]
    frames = [tables.averages(rows, setting, [c]).assign(column=name)
              for name, c in columns.items()]  # fmt: skip
    empty = pd.DataFrame(columns=["column", "seed", "value"])
    frames = [frame for frame in frames if len(frame)]
    found = pd.concat(frames) if frames else empty
    return found.set_index(["column", "seed"])["value"].astype(float)
