"""Domain shift: the same test examples after training on their own domain and on another.

Everything is a contrast (`length.contrast`) over cells (recipe, domain of the test examples). Reads
the Groups table (`snapshot.collect`) and a grid's records, never a model.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pandas as pd

from xstilts import plots, tables
from xstilts.analysis.length import figures
from xstilts.recipes import Recipe

Weights = dict[tuple[str, str], float]


def cells(groups: pd.DataFrame, setting: str, task: str, target: str) -> pd.DataFrame:
    """`length.figures` of one task after one fine-tuning; `bin` is the domain.

    Examples whose domain is unknown are left out.
    """
    own = groups.fillna({"target": "", "domain": ""})
    own = own[(own["setting"] == setting) & (own["task"] == task) & (own["split"] == "test")]
    own = own[(own["target"] == target) & (own["domain"] != "")]
    found = figures(own, bins="domain").astype({"value": float})
    return found.dropna(subset="value")


def arms(grid) -> list[dict[str, tuple[str, ...]]]:
    """Sets of recipes that differ only in domains: {recipe: its domains}, in grid order.

    The domains are those of the training rows or, where the text differs, of the text.
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
    """{recipe: (the same without it, its domains)} of recipes that add text or choose rows."""
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
    """Examples of a recipe's own domains after it, minus the same examples after the others."""
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
    """Recipes `after` minus `before` on the domains `on`; minus the same on the domains `less`.

    Empty without recipes on either side.
    """
    after, before, weights = list(after), list(before), {}
    if not (after and before):
        return weights
    for domains, sign in ((list(on), 1), (list(less), -1)):
        for recipes, side in ((after, sign), (before, -sign)):
            weights |= {
                (r, d): side / len(domains) / len(recipes) for r in recipes for d in domains
            }
    return weights


def kept(group: Mapping[str, tuple[str, ...]], before: str, own: bool) -> Weights:
    """What each recipe gains over `before` on its own domains, or on those of the others."""
    every, weights = [d for about in group.values() for d in about], {}
    for name, about in group.items():
        on = [d for d in dict.fromkeys(every) if (d in about) == own]
        for key, part in gain([name], [before], on).items():
            weights[key] = weights.get(key, 0) + part / len(group)
    return weights


def bars(found: pd.DataFrame, task: str):
    """A contrast by language, nearest to English first, mean over seeds."""
    values = found.mean().groupby("lang").mean()
    values = values.reindex(tables.nearest_first(values.index))
    figure, (axis,) = plots.axes(1, 1, width=7, height=2.6)
    colours = [plots.BLUE if value > 0 else plots.ORANGE for value in values]
    axis.bar(range(len(values)), values, color=colours, width=0.7)
    axis.axhline(0, color=plots.INK, lw=0.8)
    axis.set_xticks(range(len(values)), values.index)
    axis.set_ylabel("own minus another, points")
    axis.grid(axis="x", visible=False)
    rest = values.drop("en", errors="ignore")
    told = f"{int((rest > 0).sum())} of {len(rest)} languages other than English"
    axis.set_title(f"{task}: own domain better in {told}")
    return figure
