"""Tables of the study: Scores in, data frames out.

Averages follow XTREME's scorer (`scores.average`): a task's languages first, English among them,
then tasks; differences are taken seed by seed. A cell without a run is missing, one that lacks a
language is marked, and so are the means they enter. Nothing here reads a file or touches a model.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import pandas as pd

from xstilts import scores as table
from xstilts.languages import languages
from xstilts.metrics import headline, measure
from xstilts.submission import read_answers
from xstilts.tasks import TASKS, Task
from xstilts.world.languages import ALL as WORLD
from xstilts.world.languages import distance as world_distance

SEEDS = 5  # with fewer, a figure is provisional
MARK, FEW = "†", "‡"  # fewer languages than the task has; fewer than SEEDS seeds
METRICS = {  # how the headline figure of each metric is called
    "chunk_f1": "F1", "squad": "(EM + F1) / 2", "squad_v2": "(EM + F1) / 2",
    "mlqa": "(EM + F1) / 2", "pairs": "F1", "map@20": "mAP@20",
}  # fmt: skip
FIGURES = ("value", "non_english", "english", "langs", "missing")  # of `scores.average`
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
        if not column.target and _of(scores, setting, column).empty:
            found[i] = column if _of(scores, setting, dev).empty else dev
    return found


def averages(scores: pd.DataFrame, setting, columns: Iterable[Column]) -> pd.DataFrame:
    """The headline figure of each column by each run of one setting, averaged over languages.

    The columns of `scores.average` by seed and recipe, and `column`.
    """
    frames = [pd.DataFrame(columns=["seed", "recipe", "column", *FIGURES])]
    for column in columns:
        task, suite = column.task, column.suite
        langs = languages(task, setting.data, suite)
        if len(mine := _of(scores, setting, column)):
            found = table.average(mine, suite, {task.name: langs}, ("seed", "recipe"))
            frames.append(found.assign(column=column.title))
    return pd.concat(frames[1:] or frames, ignore_index=True)


def _of(scores: pd.DataFrame, setting, column: Column) -> pd.DataFrame:
    """A column's scores on its split; of the layers that retrieval reports, the setting's own."""
    mine = scores[(scores["setting"] == setting.name) & (scores["split"] == column.split)]
    mine = mine[(mine["task"] == column.task.name) & (mine["target"].fillna("") == column.target)]
    return mine[mine["selection"] != table.SWEEP]


class Figure(NamedTuple):
    """A mean over those of `whole` (column, language) pairs that are not `lacking`."""

    value: float
    whole: int
    lacking: tuple[tuple[str, str], ...]


def cells(averages: pd.DataFrame, recipes: Sequence[str], columns: Sequence[Column]):
    """One row per recipe and column of the main table, whether there are runs for it or not.

    Columns: recipe, column (a task or one of the two means), value and gain (means over seeds;
    the gain is against "none", seed by seed), seeds, langs ("47/48" if a language is lacking, else
    empty). Only what is over the same languages is compared, or averaged over seeds, of which
    those with the most count. Means over tasks take each task once, from its first column.
    """
    first = list({column.task.name: column for column in reversed(columns)}.values())
    means = {WITHOUT: [column.title for column in first if column.task.form != "pairs"]}
    if len(means[WITHOUT]) < len(first):
        means[WITH] = [column.title for column in first]
    found, rows = _figures(averages, means), []
    for recipe in recipes:
        for name in (*(column.title for column in columns), *means):
            mine, none = found.get((recipe, name), {}), found.get(("none", name), {})
            least = min((f.lacking for f in mine.values()), key=len, default=())
            own, base = ({seed: f.value for seed, f in some.items() if f.lacking == least}
                         for some in (mine, none))  # fmt: skip
            gain = _mean([own[seed] - base[seed] for seed in own if seed in base])
            whole = next((f.whole for f in mine.values()), 0)
            langs = f"{whole - len(least)}/{whole}" if least else ""
            rows.append((recipe, name, _mean([*own.values()]), gain, len(own), langs))
    return pd.DataFrame(rows, columns=["recipe", "column", "value", "gain", "seeds", "langs"])


def _figures(averages: pd.DataFrame, means) -> dict[tuple[str, str], dict[int, Figure]]:
    """{(recipe, column or mean): {seed: figure}}; a mean only where all its columns are there."""
    runs, found = {}, {}
    for row in averages.dropna(subset="value").itertuples():
        lacking = tuple((row.column, lang) for lang in row.missing.split())
        own = runs.setdefault((row.recipe, row.seed), {})
        own[row.column] = Figure(row.value, row.langs + len(lacking), lacking)
    for (recipe, seed), own in runs.items():
        for name, over in means.items():
            if over and own.keys() >= set(over):
                values, whole, lacking = zip(*(own[column] for column in over), strict=True)
                own[name] = Figure(_mean(values), sum(whole), sum(lacking, ()))
        for name, figure in own.items():
            found.setdefault((recipe, name), {})[seed] = figure
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def wide(cells: pd.DataFrame, what: str) -> pd.DataFrame:
    """`cells` as recipe x column; `what` is value, gain or seeds. Orders are kept."""
    rows, columns = (list(dict.fromkeys(cells[name])) for name in ("recipe", "column"))
    table = cells.pivot(index="recipe", columns="column", values=what)
    return table.reindex(index=rows, columns=columns)


def printed(cells: pd.DataFrame) -> pd.DataFrame:
    """The main table as it is read: value, difference to none, and how many seeds are behind."""
    text = pd.DataFrame({
        "recipe": cells["recipe"], "column": cells["column"],
        "text": [_cell(*row) for row in cells[["recipe", "value", "gain", "langs"]].to_numpy()],
    })  # fmt: skip
    table = wide(text, "text")
    seeds = wide(cells, "seeds").replace(0, pd.NA)
    table["seeds"] = [_seeds(row.dropna()) for _, row in seeds.iterrows()]
    return table.rename_axis(index="intermediate task", columns=None)


def _cell(recipe: str, value: float, gain: float, langs: str) -> str:
    if pd.isna(value):
        return "–"
    text = f"{value:.1f}{MARK if langs else ''}"
    return text if recipe == "none" or pd.isna(gain) else f"{text} ({signed(gain)})"


def _seeds(counts: pd.Series) -> str:
    if counts.empty:
        return "–"
    low, high = int(counts.min()), int(counts.max())
    return (f"{low}" if low == high else f"{low} to {high}") + (f" {FEW}" if low < SEEDS else "")


def signed(value: float) -> str:
    """One decimal and a sign; what rounds to nothing is +0.0, never -0.0."""
    return f"{round(value, 1) + 0.0:+.1f}"


def per_language(scores: pd.DataFrame, setting, columns: Iterable[Column]) -> pd.DataFrame:
    """One row per column, recipe and language: the headline figure, averaged over seeds.

    Columns: column, metric, recipe, lang, value, seeds. Languages without a run are absent.
    """
    rows = []
    for column in columns:
        found: dict[tuple[str, str], list[float]] = {}
        part = _of(scores, setting, column).groupby(["recipe", "lang", "seed"], sort=False)
        for (recipe, lang, _), one in part:
            figure = headline(dict(zip(one["metric"], one["value"], strict=True)))
            found.setdefault((recipe, lang), []).append(figure)
        for (recipe, lang), values in found.items():
            mean = sum(values) / len(values)
            rows.append((column.title, metric(column.task), recipe, lang, mean, len(values)))
    names = ["column", "metric", "recipe", "lang", "value", "seeds"]
    return pd.DataFrame(rows, columns=names).astype({"value": float})


def metric(task) -> str:
    """What a task's headline figure is, for the axis of a picture."""
    return METRICS.get(task.metric, task.metric)


def by_language(scores: pd.DataFrame) -> pd.Series:
    """The headline figure of one task and one run in each language, nearest to English first."""
    values = scores.pivot(index="lang", columns="metric", values="value")
    figures = {lang: headline(row.dropna().to_dict()) for lang, row in values.iterrows()}
    return pd.Series(figures, dtype=float).reindex(nearest_first(figures))


def chance(task, rows, lang: str) -> float:
    """The headline figure of an answerer that reads nothing, on these test rows.

    Always the most frequent label, choice or tag; for spans, as many words as the right answer
    has, taken from a random place (fixed draw). Not defined for retrieval.
    """
    if task.form == "span":
        gold = [list(row["answers"]["text"]) for row in rows]
        said = [_random_span(row["context"], right) for row, right in zip(rows, gold, strict=True)]
    elif task.form == "tag":
        gold = [list(row["tags"]) for row in rows]
        most = pd.Series([tag for tags in gold for tag in tags]).mode()[0]
        said = [[most] * len(tags) for tags in gold]
    else:
        gold = [row["label"] for row in rows]
        said = [pd.Series(gold).mode()[0]] * len(gold)
    return headline(measure(task.metric, said, gold, lang).percent)


def _random_span(context: str, right: Sequence[str]) -> str:
    words = context.split() if " " in context else list(context)
    size = len(right[0].split() if " " in context else right[0]) if right else 1
    start = random.Random(context).randrange(max(1, len(words) - size))
    return ("" if " " not in context else " ").join(words[start : start + size])


def answered(task, rows: Iterable, answers: str) -> pd.DataFrame:
    """What was asked, right and said in one language, and whether it is a hit, by id.

    `answers` is the text that evaluation wrote, in XTREME's layout. Of a ranking, the ids of what
    is right and of what came first; for `pairs` otherwise this is not defined.
    """
    said = read_answers(task, answers)
    rows = [row for row in rows if row.get("side") != "candidate"]
    if isinstance(said, dict):
        said = [said.get(row["id"]) for row in rows]
    lines = [(row["id"], *_line(task.form, row, answer))
             for row, answer in zip(rows, said, strict=True)]  # fmt: skip
    return pd.DataFrame(lines, columns=["id", "asked", "right", "said", "hit"]).set_index("id")


def _line(form: str, row, said) -> tuple[str, str, str, bool]:
    if form == "tag":
        return _texts(row["tokens"]), _texts(row["tags"]), _texts(said), said == row["tags"]
    if form == "choose":
        right, said = row["choices"][row["label"]], row["choices"][said]
        return row["context"], right, said, said == right
    if form == "span":
        right = row["answers"]["text"] or [""]
        return f"{row['question']} {row['context']}", right[0], said, said in right
    if form == "pairs":
        return row["text"], _texts(row["gold"]), _texts(said[:1]), said[0] in row["gold"]
    asked = " / ".join(filter(None, (row["text_a"], row["text_b"])))
    return asked, row["label"], said, said == row["label"]


def _texts(words: Iterable[str]) -> str:
    return " ".join(words)
