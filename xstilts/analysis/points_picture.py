"""The headline figure: what each kind of task adds, and what the controls gain.

Titles are computed from the data drawn; what no run measured is drawn as not measured.
"""

import pandas as pd

from xstilts import plots, tables
from xstilts.analysis.points import KINDS

COLOURS = dict(zip(KINDS.values(), (plots.BLUE, plots.PURPLE, plots.GREEN, plots.ORANGE,
                                    plots.GREY), strict=True))  # fmt: skip
TOGETHER = {"ls": "", "color": "white", "mec": plots.INK, "zorder": 4}  # an open mark


def picture(parts: pd.DataFrame, held: pd.DataFrame, name: str):
    """Gains by kind of task, and next to them those of the controls."""
    figure, (left, right) = plots.axes(1, 2, width=11, height=2 + 0.3 * max(len(parts), 6))
    _stacked(left, parts)
    left.set(title=told(parts, name), xlabel=f"points added to the mean over {_over(parts)}")
    left.set_yticks(range(len(parts)), parts.index)
    _held_against(right, held)
    right.set(title=strongest(held), xlabel="points over no intermediate task")
    names = [f"{one.control}\n{_size(one)}" for one in held.itertuples()]
    right.set_yticks(range(len(held)), names, fontsize=8)
    for place, axis, rows in (("left", left, parts), ("right", right, held)):
        axis.axvline(0, color=plots.INK, lw=0.8)
        axis.grid(axis="y", visible=False)
        axis.set_ylim(len(rows) - 0.4, -0.6)
        figure.legend(*axis.get_legend_handles_labels(), loc=f"outside lower {place}", ncols=3,
                      fontsize=8)  # fmt: skip
    for axis, nothing in ((left, parts.isna().all(axis=None)), (right, held["gain"].isna().all())):
        if nothing:
            axis.set_xlim(-1, 1)
    return figure


def _stacked(axis, parts: pd.DataFrame) -> None:
    """One bar per recipe: positive parts to the right of zero, negative ones to the left."""
    for row, (_, own) in enumerate(parts.iterrows()):
        if own.isna().all():
            _not_measured(axis, row)
            continue
        ends = {True: 0.0, False: 0.0}
        for kind, value in own.dropna().items():
            axis.barh(row, value, left=ends[value >= 0], color=COLOURS[kind], height=0.65)
            ends[value >= 0] += value
        axis.plot(own.sum(), row, "D", ms=5.5, **TOGETHER)
    for kind in parts:
        axis.barh(0, 0, color=COLOURS[kind], label=kind)
    axis.plot([], [], "D", ms=5.5, label="total", **TOGETHER)


def _held_against(axis, held: pd.DataFrame) -> None:
    """One row per control: its gain (with interval), and the gain it is compared with."""
    for row, one in enumerate(held.itertuples()):
        if pd.isna(one.gain):
            _not_measured(axis, row)
            continue
        axis.plot([one.low, one.high], [row, row], color=plots.ORANGE, lw=1.6)
        axis.plot(one.gain, row, "s", color=plots.ORANGE, ms=6, zorder=5)
        axis.plot(one.of, row, "o", ms=6.5, **TOGETHER)
    axis.plot([], [], "s", color=plots.ORANGE, label="the control")
    axis.plot([], [], "o", label="intermediate tasks, same tasks and seeds", **TOGETHER)


def _not_measured(axis, row: int) -> None:
    axis.annotate("not measured", (0, row), xytext=(6, 0), va="center", color=plots.GREY,
                  textcoords="offset points")  # fmt: skip


def told(parts: pd.DataFrame, name: str) -> str:
    """A title for the shares."""
    there = parts.dropna(how="all")
    if there.empty:
        return f"{name}: no recipe has run on every task yet"
    mean = there.mean()
    most = mean.abs().idxmax()
    return (f"{name}: {tables.signed(mean.sum())} points over {_over(parts)}, mean of "
            f"{_count(len(there), 'recipe')};\n"
            f"largest part: {most}, {tables.signed(mean[most])}")  # fmt: skip


def outcome(averages: pd.DataFrame, columns, recipes, name: str) -> str:
    """A sentence: by how much recipes change the mean over tasks; empty where none has it."""
    *_, mean = tables.over(columns)
    cells = tables.cells(averages, recipes, columns)
    own = cells[(cells["column"] == mean) & (cells["recipe"] != "none")].set_index("recipe")
    gains = own["gain"].dropna()
    if gains.empty:
        return ""
    ends = (f"{tables.signed(gains[r])} points (after {r})"
            for r in (gains.idxmin(), gains.idxmax()))  # fmt: skip
    return (f"With {name} the {mean} changes by {' to '.join(ends)}; {(own['low'] > 0).sum()} of "
            f"the {len(gains)} intervals (95 %) lie above zero and {(own['high'] < 0).sum()} "
            "below.")  # fmt: skip


def strongest(held: pd.DataFrame) -> str:
    """A title for the controls: the one with the largest gain."""
    there = held.dropna(subset="gain")
    if there.empty:
        return "Controls:\nnone has run yet"
    most = there.loc[there["gain"].idxmax()]
    gain, held_to = tables.signed(most["gain"]), tables.signed(most["of"])
    return (f"Controls: the largest gain is {gain} points\n"
            f"({most['control']}, {_size(most)}; intermediate tasks {held_to})")  # fmt: skip


def _over(parts: pd.DataFrame) -> str:
    return _count(parts.attrs["tasks"], "task")


def _size(one) -> str:
    known = not pd.isna(one.gain)
    return f"{_count(one.tasks, 'task')}, {_count(one.seeds, 'seed')}" if known else ""


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
