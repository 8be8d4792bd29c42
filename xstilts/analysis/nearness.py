"""Measured divergences of domains, and their correlation with scores. Reads Measures, no model."""

import numpy as np
import pandas as pd

from xstilts import plots

LOOKS = {  # pairs of texts: English texts of one domain, and what they are compared with
    "English, same domain": (plots.PALE, "-"),
    "English, other domain": (plots.BLUE, "-"),
    "other languages, same domain": (plots.INK, "--"),
    "other languages, other domain": (plots.ORANGE, "--"),
}
PANELS = {"centroid": "raw", "centroid_centred": "minus the language's mean"}


def centred(matrix: pd.DataFrame) -> pd.DataFrame:
    """A matrix minus its row and column effects: what only pairs can explain."""
    rows, columns = matrix.mean(axis=1), matrix.mean(axis=0)
    return matrix.sub(rows, axis=0).sub(columns, axis=1) + matrix.to_numpy().mean()


def association(divergence: pd.DataFrame, score: pd.DataFrame, draws: int = 2000):
    """(correlation, two-sided p) of two matrices, domain trained on x domain of the test.

    Row and column effects are subtracted from both; p: permutation test over rows and columns. NaN
    where too little is left to compare.
    """
    rows = divergence.index.intersection(score.index)
    columns = divergence.columns.intersection(score.columns)
    if min(len(rows), len(columns)) < 2:
        return float("nan"), float("nan")
    a, b = (centred(m.loc[rows, columns]).to_numpy() for m in (divergence, score))
    size, dice = np.sqrt((a**2).sum() * (b**2).sum()), np.random.default_rng(0)
    if not size > 1e-12:
        return float("nan"), float("nan")
    found = float((a * b).sum() / size)
    orders = (np.ix_(*map(dice.permutation, a.shape)) for _ in range(draws))
    chance = [abs((a[order] * b).sum() / size) >= abs(found) - 1e-9 for order in orders]
    return found, (1 + sum(chance)) / (1 + draws)


def apart(measures: pd.DataFrame, measure: str, between: str, langs=(), layer=None):
    """One measured divergence as a matrix: domain of the English texts x domain of the target's.

    `between` is "source>target"; averaged over `langs` (none: all). Empty if not measured.
    """
    own = measures[(measures["measure"] == measure) & (measures["task"] == between)]
    own = own[own["lang"].isin(list(langs))] if len(langs) else own
    own = own[own["layer"] == layer] if layer is not None else own
    return _split(own).pivot_table(index="ours", columns="theirs", values="value")


def _split(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with the two domains of each, `ours` and `theirs`."""
    pairs = rows["domain"].astype(str).str.split(">", expand=True).reindex(columns=[0, 1])
    return rows.assign(ours=pairs[0], theirs=pairs[1])


def layers(measures: pd.DataFrame, between: str, marked: int):
    """Distances of means by layer, raw and centred; a line at the layer `marked`."""
    own = _split(measures[(measures["task"] == between) & measures["measure"].isin(PANELS)])
    lang = (own["lang"] == "en").map({True: "English", False: "other languages"})
    about = (own["ours"] == own["theirs"]).map({True: "same domain", False: "other domain"})
    table = own.assign(kind=lang + ", " + about).pivot_table("value", "layer", ["measure", "kind"])
    figure, panels = plots.axes(1, 2, width=8.5, height=3.2)
    for axis, (name, told) in zip(panels, PANELS.items(), strict=True):
        for kind, (colour, line) in LOOKS.items():
            if (name, kind) in table:
                axis.plot(table[name, kind], color=colour, ls=line, lw=1.8, label=kind)
        axis.axvline(marked, color=plots.GREY, lw=1, ls=":")
        axis.set(xlabel="layer (0: embeddings)", ylabel="squared distance of means (variances)",
                 title=f"{told}: {_told(table, name, marked)}")  # fmt: skip
        axis.set_xticks(table.index)
    if len(table):
        panels[0].legend(fontsize=7)
    return figure


def _told(table: pd.DataFrame, name: str, layer: int) -> str:
    kinds = [(name, kind) for kind in list(LOOKS)[1:3]]
    if layer not in table.index or not set(kinds) <= set(table):
        return "not measured"
    domain, language = table.loc[layer, kinds]
    return f"domain {domain:.2f}, language {language:.2f}"
