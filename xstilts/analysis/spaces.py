"""Pictures of the measures of a model, one per group (see `gridfile.MEASURES`), and sanity checks.

Reads rows of the Measures table, never a model.
"""

import re

import numpy as np
import pandas as pd

from xstilts import plots, tables
from xstilts.analysis import knobs, nearness

BOUNDS = {  # of the measures with this prefix
    "fertility": (0, np.inf),
    "shared_pieces": (0, 100),
    "unknown_pieces": (0, 100),
    "cosine": (-1 - 1e-5, 1 + 1e-5),
    "centroid": (-np.inf, np.inf),
    "coral": (-np.inf, np.inf),
    "mlm_loss": (0, np.inf),
    "js_subwords": (-1, 1),
    "proxy_a": (-2, 2),
    "accuracy": (0, 100),
    "overlap": (0, 100),
    "few_rows": (0, 100),
    "text_likeness": (-1 - 1e-5, 1 + 1e-5),
    "task_likeness": (-1 - 1e-5, 1 + 1e-5),
}
LIKE = {"translations": ("translations", plots.BLUE), "random": ("English with others",
        plots.ORANGE), "within": ("one language", plots.GREY)}  # fmt: skip
ALIKE = {"text_likeness": "similarity of texts", "task_likeness": "similarity of tasks"}
KEY = ["task", "lang", "domain", "layer", "measure"]


def problems(rows: pd.DataFrame) -> list[str]:
    """Errors in these rows: a missing value or one out of bounds, an unknown measure, a duplicate
    row, a missing layer, a gap between bins of positions."""
    found = []
    for name, own in rows.groupby("measure"):
        kind = next((k for k in BOUNDS if name.startswith(k)), None)
        if kind is None:
            found.append(f"{name}: not known")
        elif not own["value"].between(*BOUNDS[kind]).all() or own["value"].isna().any():
            found.append(f"{name}: no number, or out of bounds")
        layers = sorted(own["layer"].dropna().unique())
        if len(layers) > 1 and layers != list(range(len(layers))):
            found.append(f"{name}: a layer is missing")
    if rows.duplicated(KEY).any():
        found.append("a row is there twice")
    for lang, own in rows[rows["measure"].str.startswith("mlm_loss@")].groupby("lang"):
        bins = sorted(places(name) for name in own["measure"])
        if any(a[1] + 1 != b[0] for a, b in zip(bins, bins[1:], strict=False)):
            found.append(f"{lang}: positions with a gap")
    return found


def places(measure: str) -> tuple[int, int]:
    """The first and the last position that a measure "mlm_loss@a-b" is about."""
    first, last = re.fullmatch(r"mlm_loss@(\d+)-(\d+)", measure).groups()
    return int(first), int(last)


def picture(kind: str, rows: pd.DataFrame, marked: int):
    """The picture of one group; `marked` is the setting's layer."""
    if kind == "domains":
        return nearness.layers(rows, rows["task"].iloc[0], marked)
    if kind == "space":
        return _layers(rows, marked)
    return {"text": _bars, "positions": _positions, "knobs": _knobs, "overlap": _seen,
            "few": _few, "likeness": _likeness}[kind](rows)  # fmt: skip


def _bars(rows: pd.DataFrame):
    table = rows.pivot_table("value", "lang", "measure")
    table = table.reindex(tables.nearest_first(table.index))
    figure, panels = plots.axes(2, 1, width=max(6, 0.32 * len(table)), height=4.4)
    labels = {"fertility": "tokens per English token", "shared_pieces": "% shared with English"}
    for axis, (name, label) in zip(panels, labels.items(), strict=True):
        own = table[name]
        axis.bar(range(len(own)), own, color=plots.BLUE, width=0.7)
        axis.set_xticks(range(len(own)), own.index, fontsize=7)
        axis.grid(axis="x", visible=False)
        axis.set_ylabel(label)
        axis.set_title(f"most in {own.idxmax()} ({own.max():.2f}), "
                       f"least in {own.idxmin()} ({own.min():.2f})", fontsize=9)  # fmt: skip
    panels[0].axhline(1, color=plots.ORANGE, lw=1.2)
    return figure


def _positions(rows: pd.DataFrame):
    own = rows.assign(place=[sum(places(name)) / 2 for name in rows["measure"]])
    table = own.pivot_table("value", "place", "lang")
    figure, (axis,) = plots.axes(1, 1, width=6.5, height=3.2)
    axis.plot(table.index, table, color=plots.PALE, lw=1)
    mean = table.mean(axis=1)
    axis.plot(mean, color=plots.BLUE, lw=2, marker="o", ms=4, label="mean of the languages")
    if "en" in table:
        axis.plot(table["en"], color=plots.ORANGE, lw=1.6, label="English")
    axis.set(xlabel="position (tokens)", ylabel="loss on masked tokens (nats)", ylim=(0, None))
    axis.set_title(f"Loss from {mean.iloc[0]:.2f} at the start to {mean.iloc[-1]:.2f} at the end",
                   fontsize=9)  # fmt: skip
    axis.legend(fontsize=8)
    return figure


def _layers(rows: pd.DataFrame, marked: int):
    figure, panels = plots.axes(1, 2, width=9, height=3.3)
    means = rows.pivot_table("value", "layer", "measure")
    for axis, kind in zip(panels, ("", "_centred"), strict=True):
        for name, (label, colour) in LIKE.items():
            axis.plot(means[f"cosine_{name}{kind}"], color=colour, lw=2, marker="o", ms=4,
                      label=label)  # fmt: skip
        axis.axvline(marked, color=plots.GREY, lw=1, ls=":")
        axis.set(xlabel="layer (0: embeddings)", ylabel="mean cosine", ylim=(None, 1))
        same, random = (means.loc[marked, f"cosine_{name}{kind}"]
                        for name in ("translations", "random"))  # fmt: skip
        axis.set_title(f"{'centred' if kind else 'as they are'}: translations {same:.2f}, "
                       f"random {random:.2f}", fontsize=9)  # fmt: skip
        axis.set_xticks(means.index)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3,
                  fontsize=8)  # fmt: skip
    return figure


def _knobs(rows: pd.DataFrame):
    task = rows["task"].iloc[-1]
    table = knobs.compared(knobs.accuracies(rows.assign(recipe="own"), task, "own"))
    return knobs.picture(table, task)


def _seen(rows: pd.DataFrame):
    table = _by_pair(rows, "overlap_near")
    table = table.loc[(table > 0).any(axis=1), (table > 0).any()]
    if table.empty:
        return plots.nothing("No English test row is in a training set")
    figure, (axis,) = plots.axes(1, 1, width=2.5 + 0.9 * table.shape[1],
                                 height=1.6 + 0.3 * len(table))  # fmt: skip
    _cells(axis, table, "{:.1f}", (0, 100))
    top, worst = table.max().max(), table.max().idxmax()
    axis.set(xlabel="English test rows of", ylabel="training set")
    axis.set_title(f"At most {top:.1f} % of test rows are in a training set, whole or nearly "
                   f"({table[worst].idxmax()} and {worst})", fontsize=9)  # fmt: skip
    return figure


def _by_pair(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    """The values of tasks "a>b": a as rows, b as columns."""
    own = rows[rows["measure"] == measure]
    sides = own["task"].str.split(">", expand=True)
    own = own.assign(first=sides[0], second=sides[1])
    order = [own[side].drop_duplicates() for side in ("first", "second")]
    return own.pivot(index="first", columns="second", values="value").loc[order[0], order[1]]


def _cells(axis, table: pd.DataFrame, digits: str, bounds: tuple[float, float]) -> None:
    axis.imshow(table, cmap="Blues", vmin=bounds[0], vmax=bounds[1], aspect="auto")
    axis.set_xticks(range(table.shape[1]), table.columns, rotation=30, ha="right")
    axis.set_yticks(range(len(table)), table.index)
    axis.grid(visible=False)
    dark = bounds[0] + 0.6 * (bounds[1] - bounds[0])
    for (i, j), value in np.ndenumerate(table.to_numpy()):
        axis.text(j, i, digits.format(value), ha="center", va="center", fontsize=8,
                  color="white" if value > dark else plots.INK)  # fmt: skip


def _few(rows: pd.DataFrame):
    own = rows.set_index("task")["value"]
    figure, (axis,) = plots.axes(1, 1, width=6.5, height=1 + 0.3 * len(own))
    axis.barh(own.index, own, color=plots.BLUE, height=0.6)
    axis.set(xlabel="English dev, per cent", xlim=(0, 100))
    axis.set_title(f"After a few rows: from {own.min():.0f} % ({own.idxmin()}) "
                   f"to {own.max():.0f} % ({own.idxmax()})", fontsize=9)  # fmt: skip
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    return figure


def _likeness(rows: pd.DataFrame):
    figure, panels = plots.axes(1, 2, width=11, height=4)
    for axis, (name, told) in zip(panels, ALIKE.items(), strict=True):
        table = _by_pair(rows, name)
        _cells(axis, table, "{:.2f}", (table.min().min(), table.max().max()))
        others = table.apply(lambda own: own.drop(own.name, errors="ignore")).stack()
        axis.set_title(f"{told}: highest for {' and '.join(others.idxmax())}", fontsize=9)
        axis.set(xlabel="target's fine-tuning set", ylabel="intermediate task")
    return figure
