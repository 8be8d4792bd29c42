"""The headline figure: what each kind of task adds, and what controls give without the task.

Titles are computed from what is drawn; what no run measured is drawn as not measured.
"""

import pandas as pd
from matplotlib import rc_context

from xstilts import plots, tables
from xstilts.analysis.points import KINDS

COLOURS = dict(zip(KINDS.values(), (plots.BLUE, plots.PURPLE, plots.GREEN, plots.ORANGE,
                                    plots.GREY), strict=True))  # fmt: skip


def picture(parts: pd.DataFrame, held: pd.DataFrame, name: str):
    """Gains by kind of task, and beside them what controls give."""
    with rc_context(plots.STYLE):
        figure, (left, right) = plots.axes(1, 2, width=11, height=2 + 0.3 * max(len(parts), 6))
        _stacked(left, parts, name)
        _held_against(right, held)
        for place, axis in (("left", left), ("right", right)):
            handles, names = axis.get_legend_handles_labels()
            figure.legend(handles, names, loc=f"outside lower {place}", ncols=3, fontsize=8)
    return figure


def _stacked(axis, parts: pd.DataFrame, name: str) -> None:
    """One bar a recipe: what pulls up to the right of nothing, what pulls down to the left."""
    for row, (_recipe, own) in enumerate(parts.iterrows()):
        ends = {1: 0.0, -1: 0.0}
        for kind, value in own.dropna().items():
            side = 1 if value >= 0 else -1
            axis.barh(row, value, left=ends[side], color=COLOURS[kind], height=0.65)
            ends[side] += value
        if own.isna().all():
            axis.annotate("not measured", (0, row), xytext=(6, 0), va="center",
                          textcoords="offset points", color=plots.GREY)  # fmt: skip
        else:
            axis.plot(own.sum(), row, "D", color="white", mec=plots.INK, ms=5.5, zorder=4)
    for kind in parts:
        axis.barh(0, 0, color=COLOURS[kind], label=kind)
    axis.plot([], [], "D", color="white", mec=plots.INK, ms=5.5, label="together")
    axis.axvline(0, color=plots.INK, lw=0.8)
    axis.set_yticks(range(len(parts)), parts.index)
    axis.set_ylim(len(parts) - 0.4, -0.6)
    axis.set_xlabel(f"points added to the mean over {parts.attrs['tasks']}")
    axis.grid(axis="y", visible=False)
    if parts.isna().all(axis=None):
        axis.set_xlim(-1, 1)
    axis.set_title(told(parts, name))


def told(parts: pd.DataFrame, name: str) -> str:
    """What the shares say, in a line."""
    there = parts.dropna(how="all")
    if there.empty:
        return f"{name}: no recipe has run on every task yet"
    mean = there.mean()
    most = mean.abs().idxmax()
    return (f"{name}: {tables.signed(mean.sum())} points over {parts.attrs['tasks']}, mean of "
            f"{_count(len(there), 'intermediate task')};\n"
            f"most of all {most}, {tables.signed(mean[most])}")  # fmt: skip


def _held_against(axis, held: pd.DataFrame) -> None:
    """One row a control: its gain (with interval), and the gain that it is held against."""
    for row, one in enumerate(held.itertuples()):
        if pd.isna(one.gain):
            axis.annotate("not measured", (0, row), xytext=(6, 0), va="center",
                          textcoords="offset points", color=plots.GREY)  # fmt: skip
            continue
        axis.plot([one.low, one.high], [row, row], color=plots.ORANGE, lw=1.6)
        axis.plot(one.gain, row, "s", color=plots.ORANGE, ms=6, zorder=3)
        axis.plot(one.of, row, "o", color="white", mec=plots.INK, ms=6.5, zorder=2)
    axis.plot([], [], "s", color=plots.ORANGE, label="the control")
    axis.plot([], [], "o", color="white", mec=plots.INK,
              label="intermediate tasks, same tasks and seeds")  # fmt: skip
    axis.axvline(0, color=plots.INK, lw=0.8)
    names = [f"{one.control}\n{_size(one)}" for one in held.itertuples()]
    axis.set_yticks(range(len(held)), names, fontsize=8)
    axis.set(xlabel="points over no intermediate task", ylim=(len(held) - 0.4, -0.6))
    if held["gain"].isna().all():
        axis.set_xlim(-1, 1)
    axis.set_title(strongest(held))


def _size(one) -> str:
    if pd.isna(one.gain):
        return ""
    return f"{_count(one.tasks, 'task')}, {_count(one.seeds, 'seed')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def strongest(held: pd.DataFrame) -> str:
    """What the controls say, in a line: the one that gives most of what it is held against."""
    there = held.dropna(subset="gain")
    if there.empty:
        return "What is not due to the task itself:\nno control has run yet"
    most = there.loc[there["gain"].idxmax()]
    gain, held_to = tables.signed(most["gain"]), tables.signed(most["of"])
    return (f"Without the task itself: at most {gain} points\n"
            f"({most['control']}, {_size(most)}; intermediate {held_to})")  # fmt: skip
