"""Domain shift: the same test examples after their own domain and after another.

Everything is a contrast: a weighted sum of scores over cells (recipe, domain of the test examples),
taken seed by seed and language by language. Reads the Groups table (`snapshot.collect`) and a
grid's records, never a model.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from xstilts import plots, tables
from xstilts.metrics import headline
from xstilts.recipes import Recipe

KEY = ["setting", "recipe", "seed", "lang", "domain"]
Weights = dict[tuple[str, str], float]


def cells(groups: pd.DataFrame, setting: str, task: str, target: str) -> pd.DataFrame:
    """Headline scores in percent of one task after one fine-tuning, columns KEY and `value`.

    Examples whose domain is unknown are left out.
    """
    own = groups[(groups["setting"] == setting) & (groups["task"] == task)]
    own = own[(own["target"].fillna("") == target) & (own["split"] == "test")]
    own = own[own["domain"].fillna("") != ""]
    sums = own.groupby([*KEY, "metric"])[["hit", "said", "gold"]].sum()
    sums = sums[sums["said"] + sums["gold"] > 0]
    percent = 200 * sums["hit"] / (sums["said"] + sums["gold"])
    table = percent.unstack("metric").dropna()  # a task has the same metrics everywhere
    values = [headline(row.to_dict()) for _, row in table.iterrows()]
    return table[[]].assign(value=np.array(values, float)).reset_index()


def arms(grid) -> list[dict[str, tuple[str, ...]]]:
    """Sets of recipes that differ in nothing but domains: {recipe: its domains}, in grid order.

    The domains are those of the training rows or, where text is what differs, of the text.
    """
    found: dict[Recipe, dict[str, tuple[str, ...]]] = {}
    for name in dict.fromkeys(name for block in grid.blocks for name in block.recipes):
        one = grid.recipe(name)
        if about := one.domains or one.mlm_domains:
            found.setdefault(bare(one), {})[name] = about
    return [group for group in found.values() if len(set(group.values())) > 1]


def bare(recipe: Recipe) -> Recipe:
    """A recipe without its name and domains: arms of one set have this in common."""
    return replace(recipe, name="", domains=(), mlm_domains=())


def mitigations(grid) -> dict[str, tuple[str, tuple[str, ...]]]:
    """{recipe: (the same without it, the domains it is about)} of text added or rows chosen."""
    names = list(dict.fromkeys(name for block in grid.blocks for name in block.recipes))
    found = {}
    for one in map(grid.recipe, names):
        about = one.mlm_domains or tuple(filter(None, (n.partition("/")[2] for n in one.nearest)))
        for other in map(grid.recipe, names):
            plain = not (other.mlm or other.domains or other.nearest or other.scramble)
            same = (one.tasks, one.domains, one.examples) == (other.tasks, (), other.examples)
            if about and plain and same:
                found.setdefault(one.name, (other.name, about))
    return found


def matched(group: Mapping[str, tuple[str, ...]]) -> Weights:
    """Examples of a recipe's own domains after it, less the same examples after the others."""
    weights: Weights = {}
    for name, about in group.items():
        for domain in about:
            others = [other for other in group if domain not in group[other]]
            for key, part in gain([name], others, [domain]).items():
                weights[key] = weights.get(key, 0) + part / len(group) / len(about)
    return weights


def gain(
    after: Iterable[str], before: Iterable[str], on: Iterable[str], less: Iterable[str] = ()
) -> Weights:
    """Recipes `after` less `before` on the domains `on`; less the same on the domains `less`."""
    after, before, weights = list(after), list(before), {}
    for domains, sign in ((list(on), 1), (list(less), -1)):
        for recipes, side in ((after, sign), (before, -sign)):
            weights |= {
                (r, d): side / len(domains) / len(recipes) for r in recipes for d in domains
            }
    return weights


def kept(group: Mapping[str, tuple[str, ...]], before: str, own: bool) -> Weights:
    """What each recipe gives over `before` on its own domains, or on those of the others."""
    every, weights = [d for about in group.values() for d in about], {}
    for name, about in group.items():
        on = [d for d in dict.fromkeys(every) if (d in about) == own]
        for key, part in gain([name], [before], on).items():
            weights[key] = weights.get(key, 0) + part / len(group)
    return weights


def contrast(cells: pd.DataFrame, weights: Weights) -> pd.DataFrame:
    """Seeds x languages: the weighted sum of scores; a seed or language that lacks a cell is out.

    A language that some seeds lack is out of all, so that every seed is over the same ones.
    """
    table = cells.pivot_table(index=["recipe", "domain"], columns=["seed", "lang"], values="value")
    if not weights or not set(weights) <= set(table.index):
        return pd.DataFrame(dtype=float)
    part = pd.Series(weights)
    whole = table.loc[part.index]
    found = whole.mul(part, axis=0).sum(axis=0).where(whole.notna().all()).unstack("lang")
    return found.dropna(how="all").dropna(axis=1)


def by_seed(found: pd.DataFrame, langs: str = "others") -> pd.Series:
    """The mean over the languages other than English, or English alone (`langs` "en")."""
    wanted = [lang for lang in found.columns if (lang == "en") == (langs == "en")]
    return found[wanted].mean(axis=1) if wanted else pd.Series(dtype=float)


def bars(found: pd.DataFrame, task: str):
    """A contrast (seeds x languages) by language, nearest to English first, mean over seeds."""
    values = found.mean().reindex(tables.nearest_first(found.columns))
    figure, (axis,) = plots.axes(1, 1, width=7, height=2.6)
    colours = [plots.BLUE if value > 0 else plots.ORANGE for value in values]
    axis.bar(range(len(values)), values, color=colours, width=0.7)
    axis.axhline(0, color=plots.INK, lw=0.8)
    axis.set_xticks(range(len(values)), values.index)
    axis.set_ylabel("own less another, points")
    axis.grid(axis="x", visible=False)
    rest = values.drop("en", errors="ignore")
    told = f"{int((rest > 0).sum())} of {len(rest)} languages other than English"
    axis.set_title(f"{task}: own domain better in {told}", loc="left", fontsize=10)
    return figure
