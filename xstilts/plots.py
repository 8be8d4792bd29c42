"""The study's pictures, in one style that colour-blind readers can use; importing this sets it.

Every function takes plain tables and returns a figure, which the notebook shows by naming it last
in a cell. Titles state the finding, computed from the data drawn. Nothing here reads a file, trains
or scores; a missing value is drawn as missing, never as zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import pandas as pd
from matplotlib import rcParams
from matplotlib.figure import Figure

# Okabe and Ito's colours: told apart with every common kind of colour vision, and in print.
INK, GREY, PALE = "#222222", "#8C8C8C", "#D9D9D9"
BLUE, ORANGE, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
STYLE = {
    "axes.edgecolor": GREY,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "figure.dpi": 110,
    "font.size": 9,
    "grid.color": "#ECECEC",
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: to be searched, and a third of the bytes
    "svg.hashsalt": "xstilts",  # the same data give the same bytes
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
rcParams.update(STYLE)


class Picture(Figure):
    """A figure that displays in any kernel: it needs neither pyplot nor its list of open figures,
    which a forked kernel lacks."""

    def _repr_png_(self) -> bytes:
        file = BytesIO()
        self.savefig(file, format="png", bbox_inches="tight")
        return file.getvalue()


def axes(rows: int, columns: int, *, width: float, height: float):
    """(picture, its empty panels row by row), for pictures of one notebook only; in inches."""
    figure = Picture(figsize=(width, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def nothing(title: str):
    """A placeholder for a picture without measurements: its title alone."""
    figure, (axis,) = axes(1, 1, width=7, height=0.5)
    axis.set_title(title)
    axis.set_axis_off()
    return figure


def save(figure, folder: Path, name: str) -> None:
    """Write `figure` as `name`.svg, .pdf and .png (200 dpi), without the date."""
    folder.mkdir(exist_ok=True)
    for kind, meta in (("svg", {"Date": None}), ("pdf", {"CreationDate": None}),
                       ("png", {"Software": None})):  # fmt: skip
        figure.savefig(folder / f"{name}.{kind}", dpi=200, bbox_inches="tight", metadata=meta)


def training(curve: pd.DataFrame, metric: str, best: int | None = None):
    """Loss and English dev score (0-100) over updates; `best` marks the update that was kept.

    `curve` has the columns step, task, loss and dev. For a mixture, each task's loss is a thin
    line, the running mean of all a thick one.
    """
    figure, (left, right) = axes(1, 2, width=8.5, height=2.8)
    loss = curve.dropna(subset="loss").set_index("step")
    if loss["task"].nunique() > 1:
        for _, part in loss.groupby("task"):
            left.plot(part["loss"], color=PALE, lw=0.8)
    mean = loss["loss"].rolling(max(1, len(loss) // 20), min_periods=1).mean()
    left.plot(mean, color=BLUE, lw=1.4)
    left.set(xlabel="updates", ylabel="training loss (nats)", ylim=(0, None))
    left.set_title(f"Training loss: from {mean.iloc[0]:.2f} to {mean.iloc[-1]:.2f}")
    dev = curve.dropna(subset="dev").set_index("step")["dev"]
    right.plot(dev, color=BLUE, lw=1.4, marker="o", ms=3.5)
    right.set(xlabel="updates", ylabel=f"English dev {metric}", ylim=(0, 104), xlim=left.get_xlim())
    right.set_title(f"Best English dev score: {dev.max():.1f}" if len(dev) else "No dev data")
    if best is not None:
        right.axvline(best, color=ORANGE, lw=1.2, ls=":")
        right.annotate(f"kept: update {best}", (best, 4), color=ORANGE, ha="right",
                       xytext=(-4, 0), textcoords="offset points")  # fmt: skip
    return figure


def languages(values: pd.Series, task: str, metric: str, guess: Mapping[str, float] | None = None):
    """One bar per language in the order given, English in its own colour; `guess`: as a tick."""
    size, guess = 7 if len(values) > 20 else 8.5, pd.Series(guess, dtype=float)
    figure, (axis,) = axes(1, 1, width=min(11, max(4.5, 1.5 + 0.38 * len(values))), height=3)
    colours = [BLUE if lang == "en" else PALE for lang in values.index]
    axis.bar(range(len(values)), values, color=colours, width=0.75)
    for place, (lang, value) in enumerate(values.items()):
        text = "–" if pd.isna(value) else f"{value:.0f}"
        axis.annotate(text, (place, 0 if pd.isna(value) else value), ha="center",
                      xytext=(0, 2), textcoords="offset points", fontsize=size)  # fmt: skip
        if lang in guess:
            axis.hlines(guess[lang], place - 0.42, place + 0.42, color=ORANGE, lw=1.5)
    if len(guess):
        axis.hlines([], 0, 0, color=ORANGE, lw=1.5, label="trivial baseline")
        figure.legend(loc="outside upper right", fontsize=8)
    axis.set_xticks(range(len(values)), values.index, fontsize=size)
    axis.set(ylabel=metric, ylim=(0, _top([*values, *guess])), xlim=(-0.6, len(values) - 0.4))
    axis.grid(axis="x", visible=False)
    others = values.drop("en", errors="ignore").dropna()
    told = f"English {values['en']:.1f}, the other " if "en" in values else ""
    axis.set_title(f"{task}: {told}{len(others)} languages {others.mean():.1f} on average")
    return figure


def _top(values: Iterable[float]) -> float:
    """Where an axis of percentages ends: 105, or lower where all of them are small."""
    most = pd.Series([*values], dtype=float).max()
    return 105.0 if pd.isna(most) or most > 60 else max(5.0, 1.25 * most)


def before_and_after(
    before: pd.Series,
    after: pd.Series,
    distance: Mapping[str, float],
    task: str,
    metric: str,
    names: tuple[str, str] = ("none", "intermediate"),
):
    """Two scores of each language against its distance from English, joined by a line."""
    figure, (axis,) = axes(1, 1, width=7, height=3.6)
    both = pd.DataFrame({"before": before, "after": after}).dropna()
    place = [distance[lang] for lang in both.index]
    axis.vlines(place, both.min(axis=1), both.max(axis=1), color=PALE, lw=2)
    axis.scatter(place, both["before"], s=30, facecolor="white", edgecolor=INK, label=names[0],
                 zorder=3)  # fmt: skip
    axis.scatter(place, both["after"], s=30, color=BLUE, label=names[1], zorder=3)
    for rank, lang in enumerate(sorted(both.index, key=distance.get)):
        above = rank % 2 == 0  # neighbours do not write over each other
        y = both.loc[lang].max() if above else both.loc[lang].min()
        axis.annotate(lang, (distance[lang], y), xytext=(0, 6 if above else -14), ha="center",
                      textcoords="offset points", fontsize=8)  # fmt: skip
    gain = (both["after"] - both["before"]).drop("en", errors="ignore")
    axis.set(xlabel="distance from English (0: English)", ylabel=metric, ylim=(0, 108))
    axis.set_title(f"{task} after {names[1]}: {gain.mean():+.1f} on average over {len(gain)} "
                   f"languages, better in {int((gain > 0).sum())}")  # fmt: skip
    axis.legend(loc="upper right")
    return figure


def layers(scores: pd.DataFrame, marked: int):
    """Retrieval by layer: each language a thin line, their mean a thick one, `marked` dotted.

    `scores` has the columns task, metric, kind, lang, layer and value; one panel per task. The
    first kind among a task's rows is the one that counts; of the others only means are drawn.
    """
    tasks = list(dict.fromkeys(scores["task"]))
    figure, panels = axes(1, len(tasks), width=4.8 * len(tasks), height=3.4)
    for axis, task in zip(panels, tasks, strict=True):
        own = scores[scores["task"] == task]
        first, *others = dict.fromkeys(own["kind"])
        table = own[own["kind"] == first].pivot_table("value", "layer", "lang")
        axis.plot(table.index, table, color=PALE, lw=1)
        means = own.pivot_table("value", "layer", "kind")
        mean = means[first]
        axis.plot(mean, color=BLUE, lw=2.2, marker="o", ms=4, label=first, zorder=3)
        for kind, colour in zip(others, (ORANGE, GREEN, PURPLE), strict=False):
            axis.plot(means[kind], color=colour, lw=1.2, label=kind)
        axis.axvline(marked, color=GREY, lw=1.2, ls=":")
        for lang in {table.loc[marked].idxmax(), table.loc[marked].idxmin()}:
            axis.annotate(lang, (table.index[-1], table[lang].iloc[-1]), xytext=(4, -3),
                          textcoords="offset points", fontsize=8, color=GREY)  # fmt: skip
        top = _top([*table.max(), *means.max()])
        axis.set(xlabel="layer (0: embeddings)", ylabel=own["metric"].iloc[0], ylim=(0, top))
        axis.set_xticks(table.index)
        axis.legend(fontsize=8)
        axis.set_title(f"{task}: {mean[marked]:.1f} at layer {marked}, "
                       f"best {mean.max():.1f} at layer {mean.idxmax()}")  # fmt: skip
    return figure


def gains(table: pd.DataFrame, title: str = "", *, unit: str = "points", most: float = 0, sure=()):
    """Heat map of differences in points (rows: recipes, columns: tasks); missing cells hatched.

    For another `unit`: scale up to `most`, two decimals. Cells true in `sure`, a table of the same
    shape, get a star.
    """
    from seaborn import heatmap

    values, digits = table.astype(float), 2 if most else 1
    written = values.map(lambda gain: f"{round(gain, digits) + 0.0:+.{digits}f}")  # never -0.0
    if len(sure):
        written = written.where(~sure.astype(bool), written + "*")
    many = table.shape[1] > 20
    figure, (axis,) = axes(1, 1, width=2.5 + (0.3 if many else 0.7) * table.shape[1],
                           height=1.4 + 0.34 * len(table))  # fmt: skip
    limit = most or max(1.0, values.abs().max(axis=None))
    axis.patch.set(facecolor="white", edgecolor=PALE, hatch="////")
    axis.grid(visible=False)
    heatmap(values, ax=axis, cmap="PuOr", vmin=-limit, vmax=limit, annot=written, fmt="",
            annot_kws={"size": 6 if many else 8}, linewidths=1,
            cbar_kws={"label": unit, "fraction": 0.03})  # fmt: skip
    axis.tick_params(axis="y", rotation=0)
    if not many:
        axis.set_xticks(axis.get_xticks(), table.columns, rotation=30, ha="right")
    axis.tick_params(length=0)
    axis.set(xlabel="", ylabel="", title=title or "Difference to no intermediate task")
    return figure


def multiples(scores: pd.DataFrame, order: Sequence[str]):
    """One panel per task: every recipe's score in each language, nearest to English first.

    `scores` are rows of `tables.per_language`; "none" is drawn as an open circle, the
    three recipes with the largest mean gains in colours of their own, all others grey.
    """
    tasks = list(dict.fromkeys(scores["column"]))
    rows = max(1, -(-len(tasks) // 2))
    figure, panels = axes(rows, 2, width=12, height=2.4 * rows)
    gains = scores[scores["recipe"] != "none"].groupby("recipe")["gain"].mean().astype(float)
    colours = dict(zip(gains.nlargest(3).index, (BLUE, GREEN, PURPLE), strict=False))
    for axis, task in zip(panels, tasks, strict=False):
        own = scores[scores["column"] == task]
        table = own.pivot_table("value", "lang", "recipe")
        table = table.reindex([lang for lang in order if lang in table.index])
        for recipe in sorted(table, key=lambda name: (name in colours, name == "none")):
            look = {"color": colours.get(recipe, PALE), "s": 22, "zorder": 3}
            if recipe == "none":
                look = {"facecolor": "none", "edgecolor": INK, "s": 26, "zorder": 4}
            name = recipe if recipe in ("none", *colours) else "others"
            axis.scatter(range(len(table)), table[recipe], label=name, **look)
        axis.set_xticks(range(len(table)), table.index, fontsize=6 if len(table) > 25 else 8)
        axis.set(ylabel=own["metric"].iloc[0], ylim=(0, _top(own["value"])),
                 title=f"{task}{_best(own)}")  # fmt: skip
    for axis in panels[len(tasks) :]:
        axis.set_visible(False)
    _one_legend(figure)
    return figure


def _best(own: pd.DataFrame) -> str:
    """The recipe with the largest mean gain over "none" outside English, and its size."""
    gains = own[own["lang"] != "en"].groupby("recipe")["gain"].mean()
    gains = gains.drop("none", errors="ignore").dropna()
    return f": best outside English {gains.idxmax()}, {gains.max():+.1f}" if len(gains) else ""


def _one_legend(figure) -> None:
    """A single legend below all panels: "none" first, "others" last, by name between."""
    found = {}
    for axis in figure.axes:
        handles, names = axis.get_legend_handles_labels()
        found |= dict(zip(names, handles, strict=True))
    names = sorted(found, key=lambda name: (name != "none", name == "others", name))
    figure.legend([found[name] for name in names], names, loc="outside lower center",
                  ncols=len(names) or 1)  # fmt: skip
