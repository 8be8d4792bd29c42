"""Claims as testable statements, judged on Scores.

What five documents claim stands in `facts/claims.csv`, row by row; what that says about Scores in
`facts/statements.csv`; when a statement holds in `facts/rules.csv`. All three were written before
any score of the core grid was looked at. Seeds are the unit, differences are paired.
"""

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
import pandas as pd

from xstilts import paired, stats, tables
from xstilts.analysis.rulings import ALPHA, HOLDS, NOT, UNSURE, UNTESTED, effect
from xstilts.paths import FACTS
from xstilts.tasks import TASKS

SIZE, MOST = 1.0, 1000  # the points asked for; the seeds that we count up to
SUITE = "xtreme"
SCORED = ("gain", "each", "best")  # statistics that need Scores


@dataclass(frozen=True)
class Statement:
    """A row of statements.csv.

    `recipes` and `against` are compared pair by pair; one name on a side serves for all. `least`
    pairs must have runs (for "best": recipes to choose from). `tasks` are averaged, each over
    all its languages, English among them, on test.
    """

    claim: str
    part: str
    role: str
    kind: str
    statistic: str
    recipes: str
    against: str
    tasks: tuple[str, ...]
    least: int
    rule: str
    printed: float
    printed_split: str
    value: str
    statement: str
    note: str

    @property
    def pairs(self) -> list[tuple[str, str]]:
        ours, theirs = self.recipes.split(), self.against.split()
        many = max(len(ours), len(theirs))
        ours, theirs = (names * many if len(names) == 1 else names for names in (ours, theirs))
        return list(zip(ours, theirs, strict=True))


@dataclass(frozen=True)
class Finding:
    """What was found of a statement: a verdict, and what it rests on.

    Points; `least` is the difference that so many seeds would show four times out of five,
    `needed` how many seeds would show one point (NaN: unknown, infinite: more than MOST).
    """

    verdict: str = UNTESTED
    effect: float = math.nan
    low: float = math.nan
    high: float = math.nan
    seeds: int = 0
    least: float = math.nan
    needed: float = math.nan
    p: float = math.nan
    why: str = ""


def read(name: str) -> list[dict[str, str]]:
    """The rows of `facts/<name>.csv`, all texts."""
    with (FACTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def statements() -> list[Statement]:
    """Every statement, with numbers as numbers."""
    made = []
    for row in read("statements"):
        row |= {"tasks": tuple(row["tasks"].split()), "least": int(row["least"] or 0),
                "printed": float(row["printed"] or "nan")}  # fmt: skip
        made.append(Statement(**{f.name: row[f.name] for f in fields(Statement)}))
    return made


def figures(scores: pd.DataFrame, setting) -> pd.DataFrame:
    """XTREME's headline figures on the test split of one setting: (recipe, seed) x task.

    Only those over all languages of a task, each after its own fine-tuning set.
    """
    columns = [tables.Column(task, task.train.get(SUITE, ""), task.name)
               for task in TASKS.values() if SUITE in task.langs]  # fmt: skip
    found = tables.averages(scores, setting, columns)
    found = found[found["missing"] == ""].astype({"value": float, "seed": int})
    return found.pivot_table("value", ["recipe", "seed"], "column", sort=False)


def differences(found: pd.DataFrame, pairs: Sequence, tasks: Sequence[str]) -> pd.DataFrame:
    """Seeds x pairs: the mean over tasks after one recipe less that after the other.

    Pairs without a seed that has all tasks in both are left out.
    """
    means = found.reindex(columns=list(tasks)).mean(axis=1, skipna=False).dropna()
    by_recipe = means.unstack("recipe") if len(means) else pd.DataFrame()
    made = {pair: by_recipe[pair[0]] - by_recipe[pair[1]] for pair in dict.fromkeys(pairs)
            if set(pair) <= set(by_recipe)}  # fmt: skip
    return pd.DataFrame(made).dropna(axis=1, how="all").sort_index()


def whole(table: pd.DataFrame, least: int) -> pd.DataFrame:
    """The part of seeds x pairs that has no gaps, of `least` pairs or more.

    What has the greatest share of gaps goes first: a seed, or a pair if there are enough.
    """
    while (gaps := table.isna()).any(axis=None):
        by_seed, by_pair = gaps.mean(axis=1), gaps.mean(axis=0)
        if table.shape[1] > least and by_pair.max() >= by_seed.max():
            table = table.drop(columns=[by_pair.idxmax()])
        else:
            table = table.drop(index=by_seed.idxmax())
    return table


def chosen(found: pd.DataFrame, dev: pd.DataFrame, one: Statement) -> tuple[pd.DataFrame, str]:
    """(seeds x 1: gain of the recipe that is best for each task, why there is none).

    Chosen as in `paired.held_out`, by English dev or, where a task has none (retrieval), by that
    very figure.
    """
    names, gains = {name for pair in one.pairs for name in pair}, []
    for task in one.tasks:
        if task not in found:
            return pd.DataFrame(), _lacks(found, one, 0)
        test = seen = found[task].unstack("recipe").filter(sorted(names))
        if target := TASKS[task].train.get(SUITE, ""):
            own = dev[(dev["target"] == target) & (dev["split"] == "dev")]
            own = own.astype({"value": float, "seed": int})
            seen = own.pivot_table("value", "seed", "recipe")
        test, seen = paired.tried(test, seen)
        if test.empty:
            return pd.DataFrame(), f"no runs of none on {TASKS[task].title}"
        recipes = test.shape[1] - 1
        if recipes < one.least or len(test) < 2:
            return pd.DataFrame(), (f"{TASKS[task].title}: {recipes} recipes to choose from, "
                                    f"{len(test)} seeds")  # fmt: skip
        gains.append(paired.held_out(test, seen)["gain"])
    return pd.concat(gains, axis=1).dropna().mean(axis=1).to_frame("best"), ""


def judge(scores: pd.DataFrame, dev: pd.DataFrame, setting, asked: Sequence[Statement]):
    """{(claim, part): Finding} of the statements about scores, by one setting's; Holm over all."""
    found, own = figures(scores, setting), dev[dev["setting"] == setting.name]
    tests = {(s.claim, s.part): _test(found, own, s) for s in asked if s.statistic in SCORED}
    corrected = stats.holm([min(yes, no) for _, yes, no in tests.values()])
    verdicts = {}
    for (key, (finding, yes, no)), p in zip(tests.items(), corrected, strict=True):
        verdict = (HOLDS if yes <= no else NOT) if p < ALPHA else finding.verdict
        verdicts[key] = replace(finding, verdict=verdict, p=float(p))
    return verdicts


def _test(found: pd.DataFrame, dev: pd.DataFrame, one: Statement) -> tuple[Finding, float, float]:
    """(finding before any correction, p that it holds, p that it does not); NaN for one seed."""
    if one.statistic == "best":
        table, why = chosen(found, dev, one)
    else:
        table, why = differences(found, one.pairs, one.tasks), ""
        if len(table.columns) < one.least:
            table, why = table.iloc[:, :0], _lacks(found, one, len(table.columns))
    if table.empty:
        return Finding(why=why), math.nan, math.nan
    if one.statistic == "gain" and (table := whole(table, one.least)).empty:
        return Finding(why=f"no seed has {one.least} comparisons"), math.nan, math.nan
    means = table.mean()
    values = table[means.idxmin()] if one.statistic == "each" else table.mean(axis=1)
    values = values.dropna().to_numpy()
    told = f"{len(table.columns)} of {len(set(one.pairs))} comparisons"
    if one.statistic == "each":
        told = f"least of {told}: {' less '.join(means.idxmin())}"
    if one.statistic == "best":
        told = "chosen on the other seeds"
    if one.rule == "most above":
        told += f", {int((means > 0).sum())} of them above zero"
    if one.rule == "no benefit" and values.mean() < 0:
        told += ", a loss"
    size = effect(values)
    finding = Finding(UNSURE, size.estimate, size.low, size.high, size.seeds, size.detectable,
                      why=told)  # fmt: skip
    if size.seeds < 2:
        told += "; one seed, two are needed at least"
        return replace(finding, why=told), math.nan, math.nan
    finding = replace(finding, needed=needed(values.std(ddof=1), one.rule))
    return finding, *_odds(table, values, one.rule)


def _odds(table: pd.DataFrame, values: np.ndarray, rule: str) -> tuple[float, float]:
    """p-values for "holds" and for "does not hold", by the rules of rules.csv."""
    p, mean = stats.p_value(values), values.mean()
    above, below = (p if mean > 0 else 1.0), (p if mean < 0 else 1.0)
    if rule == "most above" and (table.mean() > 0).mean() <= 0.5:
        return 1.0, min(above, below)
    if rule == "all above":
        each = [(stats.p_value(column.dropna()), column.mean()) for _, column in table.items()]
        if any(math.isnan(p) for p, _ in each):
            return math.nan, math.nan
        worst = max(p if mean > 0 else 1.0 for p, mean in each)
        return worst, min(1.0, *(len(each) * (p if mean < 0 else 1.0) for p, mean in each))
    if rule == "no benefit":
        within = min(stats.equivalent(values, SIZE), below)
        return within, above if within >= ALPHA else 1.0
    return above, below


def needed(deviation: float, rule: str = "above") -> float:
    """How many paired seeds would show SIZE points four times out of five, at most MOST.

    Under "no benefit": that a difference which is none is less than that.
    """
    shown = partial(stats.margin if rule == "no benefit" else stats.detectable, deviation)
    return stats.fewest(shown, SIZE, MOST) or math.inf


def _lacks(found: pd.DataFrame, one: Statement, pairs: int) -> str:
    """Why a statement has too few comparisons."""
    tasks = [TASKS[name].title for name in one.tasks if name not in found]
    if tasks:
        more = f" and {len(tasks) - 3} more" if len(tasks) > 3 else ""
        return f"no figures over all languages of {', '.join(tasks[:3])}{more}"
    return f"{pairs} of {len(set(one.pairs))} comparisons have runs, {one.least} are needed"


def together(verdicts: Sequence[str]) -> str:
    """The verdict of a claim, from those of its statements."""
    for verdict in (NOT, UNTESTED, UNSURE):
        if verdict in verdicts:
            return verdict
    return HOLDS if verdicts else UNTESTED


def sides(settings: Mapping) -> dict:
    """{"world": setting, "real": setting}: the first of each kind, None where there is none.

    Real ones read all of the published data: one whose examples are limited tests nothing.
    """
    part = [s for s in settings.values() if s.data == "world"]
    full = [s for s in settings.values()
            if s.data == "hub" and not any("examples" in b for b in s.budget.values())]  # fmt: skip
    return {"world": next(iter(part), None), "real": next(iter(full), None)}
