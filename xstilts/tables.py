"""Tables of the study: Scores in, data frames out.

Averages follow XTREME's scorer (`scores.average`): a task's languages first, English among them,
then tasks; differences are taken seed by seed. A cell without a run is missing, one that lacks a
language is marked, and so are the means they enter. Nothing here reads a file or touches a model.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from statistics import fmean

import pandas as pd

from xstilts import scores as table
from xstilts.languages import languages
from xstilts.metrics import headline
from xstilts.stats import t_interval
from xstilts.tasks import TASKS, Task
from xstilts.world.languages import ALL as WORLD
from xstilts.world.languages import distance as world_distance

SEEDS = 5  # with fewer, a figure is provisional
MARK, FEW = "†", "‡"  # fewer languages than the task has; fewer than SEEDS seeds
METRICS = {  # how the headline figure of each metric is called
    "chunk_f1": "F1", "squad": "(EM + F1) / 2", "squad_v2": "(EM + F1) / 2",
    "mlqa": "(EM + F1) / 2", "pairs": "F1", "map@20": "mAP@20",
}  # fmt: skip
WITHOUT, WITH = "mean without retrieval", "mean with retrieval"
PROVISIONAL = f"{FEW} fewer than {SEEDS} seeds: provisional."
STAMP = "Synthetic world, not comparable with the paper."


def stamp(settings: Iterable) -> str:
    """What must stand above a table in which any of these settings reads the synthetic world."""
    return STAMP if any(setting.data == "world" for setting in settings) else ""


def distance(langs: Iterable[str]) -> dict[str, float]:
    """Distance from English of the constructed languages among `langs` (0 to 1)."""
    return {lang: world_distance(lang) for lang in langs if lang in WORLD}


def nearest_first(langs: Iterable[str]) -> list[str]:
    """English, then constructed languages by distance from it, then real ones by code."""
    langs = list(langs)
    far = distance(langs)
    return sorted(langs, key=lambda lang: (lang != "en", far.get(lang, 1.0), lang))


@dataclass(frozen=True)
class Column:
    """A task as read by the model fine-tuned on `target` (empty: by the encoder as it stands)."""

    task: Task
    target: str
    title: str
    split: str = "test"

    @property
    def suite(self) -> str:
        """The suite whose languages the column averages over: the first that the task is in."""
        return next(iter(self.task.langs))


def columns(grid) -> list[Column]:
    """What a grid's runs evaluate, in the records' order, the grid's own tasks last.

    A task read after another fine-tuning set than its record names says so in its title.
    """
    tasks, targets = (*TASKS.values(), *grid.tasks), {}
    for target in dict.fromkeys(target for block in grid.blocks for target in block.targets):
        for task in grid.evaluated(target):
            targets.setdefault(task.name, []).append(target)
    if any(block.retrieval for block in grid.blocks):
        targets |= {task.name: [""] for task in tasks if task.langs and not task.train}
    return [
        Column(t, target, t.title if target in ("", *t.train.values()) else f"{t.title} ({target})")
        for t in tasks for target in targets.get(t.name, ())
    ]  # fmt: skip


def of_setting(columns: Iterable[Column], scores: pd.DataFrame, setting) -> list[Column]:
    """The columns as one setting's scores fill them.

    Where retrieval had no test pairs and scored its dev pairs, the title says "(dev)".
    """
    found = list(columns)
    for i, column in enumerate(found):
        dev = replace(column, title=f"{column.title} (dev)", split="dev")
        if not column.target and of_column(scores, setting, column).empty:
            found[i] = column if of_column(scores, setting, dev).empty else dev
    return found


def averages(scores: pd.DataFrame, setting, columns: Iterable[Column]) -> pd.DataFrame:
    """The headline figure of each column by each run of one setting, averaged over languages.

    The columns of `scores.average`, `column` (its title) and `task`.
    """
    frames = [pd.DataFrame(columns=["column", "task", *table.IDENTITY, *table.FIGURES])]
    for column in columns:
        langs = languages(column.task, setting.data, column.suite)
        found = table.average(of_column(scores, setting, column), langs)
        if len(found):
            frames.append(found.assign(column=column.title, task=column.task.name))
    return pd.concat(frames[1:] or frames, ignore_index=True)


def of_column(scores: pd.DataFrame, setting, column: Column) -> pd.DataFrame:
    """A column's scores on its split, without those that are there for comparison."""
    mine = scores[(scores["setting"] == setting.name) & (scores["split"] == column.split)]
    mine = mine[(mine["task"] == column.task.name) & (mine["target"].fillna("") == column.target)]
    return mine[mine["selection"] != table.SWEEP]


def how(averages: pd.DataFrame) -> dict[str, str]:
    """How each column's figures came about: split, layer and pooling if any, selection rule."""
    found: dict[str, dict[str, None]] = {}
    for row in averages[averages["langs"] > 0].fillna({"pooling": ""}).itertuples():
        layer = "" if pd.isna(row.layer) else f"layer {row.layer}"
        pooling = row.pooling and f"{row.pooling} pooling"
        parts = filter(None, (row.split, layer, pooling, row.selection))
        found.setdefault(row.column, {})[", ".join(parts)] = None
    return {column: " or ".join(ways) for column, ways in found.items()}


def cells(averages: pd.DataFrame, recipes: Sequence[str], columns: Sequence[Column]):
    """One row per recipe and column of the main table, whether there are runs for it or not.

    Columns: recipe, column (a task or one of the two means), value and gain (means over seeds;
    the gain is against "none", seed by seed), low and high (the gain's 95 % t interval over seeds,
    NaN for one), seeds, langs ("47/48" if a language is lacking, else empty), how. Only what is
    over the same languages is compared, or averaged over seeds, of which those with the most count.
    Means over tasks take each task once, from its first column.
    """
    means = over(columns)
    figures, ways, rows = by_seed(averages, means), how(averages), []
    for recipe, name in product(recipes, [*(column.title for column in columns), *means]):
        mine, none = figures.get((recipe, name), {}), figures.get(("none", name), {})
        own, base, least = comparable(mine, none)
        there = next((langs for _, langs, lacking in mine.values() if lacking == least), 0)
        langs = f"{there}/{there + len(least)}" if least else ""
        gain = t_interval((own - base).dropna())  # of the seeds that both have
        rows.append((recipe, name, own.mean(), *gain, len(own), langs, ways.get(name, "")))
    names = ["recipe", "column", "value", "gain", "low", "high", "seeds", "langs", "how"]
    return pd.DataFrame(rows, columns=names)


def comparable(mine: Mapping, none: Mapping) -> tuple[pd.Series, pd.Series, list]:
    """A recipe's values and none's, by seed, of `by_seed`; and the languages that both lack.

    Of the recipe's seeds those with the most languages count, and of none's those with the same.
    """
    least = min((lacking for _, _, lacking in mine.values()), key=len, default=[])
    own, base = (pd.Series({seed: value for seed, (value, _, lacking) in some.items()
                            if lacking == least}, dtype=float)
                 for some in (mine, none))  # fmt: skip
    return own, base, least


def of_first_suite(columns: Iterable[Column]) -> list[Column]:
    """Those that a mean may be over, since they have the languages of one suite: XTREME's, where
    XTREME-R's own tasks are there too."""
    columns = [*columns]
    return [column for column in columns if column.suite == columns[0].suite]


def over(columns: Iterable[Column]) -> dict[str, list[str]]:
    """{mean: titles of the columns it is over}: each task once, from its first column."""
    first = {column.task.name: column for column in reversed(of_first_suite(columns))}.values()
    means = {WITHOUT: [column.title for column in first if column.task.form != "pairs"]}
    if len(means[WITHOUT]) < len(first):
        means[WITH] = [column.title for column in first]
    return means


def by_seed(averages: pd.DataFrame, means: Mapping[str, Sequence[str]]) -> dict:
    """{(recipe, column or mean): {seed: (value, languages, (column, language) lacking ...)}}.

    A mean is there only where all its columns are.
    """
    found: dict[tuple, dict] = {}
    for (recipe, seed), run in averages.dropna(subset="value").groupby(["recipe", "seed"]):
        own = {}
        for row in run.itertuples():
            lacking = [(row.column, lang) for lang in row.missing.split()]
            own[row.column] = row.value, row.langs, lacking
        for name, over in means.items():
            if over and own.keys() >= set(over):
                values, langs, lacking = zip(*(own[column] for column in over), strict=True)
                own[name] = sum(values) / len(values), sum(langs), sum(lacking, [])
        for name, figure in own.items():
            found.setdefault((recipe, name), {})[seed] = figure
    return found


def wide(cells: pd.DataFrame, what: str) -> pd.DataFrame:
    """`cells` as recipe x column; `what` is value, gain or seeds. Orders are kept."""
    rows, columns = (list(dict.fromkeys(cells[name])) for name in ("recipe", "column"))
    table = cells.pivot(index="recipe", columns="column", values=what)
    return table.reindex(index=rows, columns=columns)


def printed(cells: pd.DataFrame) -> pd.DataFrame:
    """The main table as it is read: value, difference to none, and how many seeds are behind."""
    text = [_cell(*row) for row in cells[["recipe", "value", "gain", "langs"]].to_numpy()]
    table = wide(cells.assign(text=text), "text")
    seeds = cells[cells["seeds"] > 0].groupby("recipe")["seeds"]
    table["seeds"] = [_seeds(seeds.get_group(r)) if r in seeds.groups else "–" for r in table.index]
    return table.rename_axis(index="intermediate task", columns=None)


def intervals(cells: pd.DataFrame) -> pd.DataFrame:
    """Recipe x column, "none" left out: the difference to none with its 95 % interval, in words."""
    own = cells[cells["recipe"] != "none"]
    text = [bounds(*row) for row in own[["gain", "low", "high"]].to_numpy(dtype=float)]
    return wide(own.assign(text=text), "text")


def bounds(estimate: float, low: float, high: float) -> str:
    """ "+1.2 [-0.3, +2.7]"; without its bounds for one seed, a dash for none."""
    if pd.isna(estimate):
        return "–"
    return signed(estimate) + ("" if pd.isna(low) else f" [{signed(low)}, {signed(high)}]")


def _cell(recipe: str, value: float, gain: float, langs: str) -> str:
    if pd.isna(value):
        return "–"
    text = f"{value:.1f}{MARK if langs else ''}"
    return text if recipe == "none" or pd.isna(gain) else f"{text} ({signed(gain)})"


def _seeds(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return (f"{low}" if low == high else f"{low} to {high}") + (f" {FEW}" if low < SEEDS else "")


def signed(value: float) -> str:
    """One decimal and a sign; what rounds to nothing is +0.0, never -0.0."""
    return f"{round(value, 1) + 0.0:+.1f}"


def per_language(scores: pd.DataFrame, setting, columns: Iterable[Column]) -> pd.DataFrame:
    """One row per column, recipe and language: the headline figure, averaged over seeds.

    Columns: column, metric, recipe, lang, value, gain (the difference to none over the seeds that
    both have), seeds. Languages without a run are absent.
    """
    found: dict[tuple[str, str, str, str], dict[int, float]] = {}
    for column in columns:
        part = of_column(scores, setting, column).groupby(["recipe", "lang", "seed"], sort=False)
        for (recipe, lang, seed), one in part:
            key = column.title, metric(column.task), recipe, lang
            percent = dict(zip(one["metric"], one["value"], strict=True))
            found.setdefault(key, {})[seed] = headline(percent)
    rows = []
    for (title, name, recipe, lang), own in found.items():
        none = found.get((title, name, "none", lang), {})
        gains = [value - none[seed] for seed, value in own.items() if seed in none]
        gain = fmean(gains) if gains else float("nan")
        rows.append((title, name, recipe, lang, fmean(own.values()), gain, len(own)))
    names = ["column", "metric", "recipe", "lang", "value", "gain", "seeds"]
    return pd.DataFrame(rows, columns=names).astype({"value": float, "gain": float})


def metric(task) -> str:
    """What a task's headline figure is, for the axis of a picture."""
    return METRICS.get(task.metric, task.metric)


def by_language(scores: pd.DataFrame, kind: str = "") -> pd.Series:
    """The headline figure of one task and one run in each language, nearest to English first.

    `kind` "guess_": that of a trivial baseline; empty where none is recorded.
    """
    mine = scores[scores["metric"].str.startswith(kind)]
    values = mine.pivot(index="lang", columns="metric", values="value")
    values.columns = values.columns.str.removeprefix(kind)
    figures = {lang: headline(row.dropna().to_dict()) for lang, row in values.iterrows()}
    return pd.Series(figures, dtype=float).reindex(nearest_first(figures))
