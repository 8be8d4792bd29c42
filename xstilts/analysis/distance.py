"""Does a score, or a gain, correlate with a language's distance from English?

Reads Scores and Measures. A gain in English alone widens the drop, so gain, drop and relative
transfer are kept apart. Distance and the size of pretraining text correlate in real languages,
hence the partial correlations.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from xstilts import tables
from xstilts.analysis.ranks import rank
from xstilts.languages import URIEL, facts
from xstilts.paths import BadInput
from xstilts.scores import GUESS
from xstilts.tasks import TASKS
from xstilts.world.languages import ALL

NAN = float("nan")
CONTROLS = ("log size", "fertility")
OUTCOMES = ("gain", "drop before", "drop after", "widening", "relative before", "relative after")
ONCE = ["seed", "recipe", "lang", "metric"]
LITTLE = 0.1  # GiB added to every size, so that none at all has a logarithm


def predictors(langs: Sequence[str], measures: pd.DataFrame) -> pd.DataFrame:
    """One row per language other than English: `distance`, `log size`, `fertility`, shared pieces
    (per cent), `family`, `script`, and URIEL's six, of which `distance` is the syntactic one.

    For constructed languages the distance is that of their knobs, and there is no family. NaN
    where a value is missing.
    """
    real, rows = facts(), {}
    for lang in langs:
        if lang in ALL and lang != "en":
            own = ALL[lang]
            rows[lang] = {"distance": tables.distance([lang])[lang], "family": "constructed",
                          "log size": np.log(own.share), "script": own.script}  # fmt: skip
        elif lang in real and lang != "en":
            own = real[lang]
            rows[lang] = {name: float(own[name]) for name in URIEL}
            rows[lang] |= {"distance": float(own["syntactic"]), "script": own["script"],
                           "family": own["family"].split(":")[0],
                           "log size": np.log(float(own["cc100_gib"]) + LITTLE)}  # fmt: skip
    table = pd.DataFrame.from_dict(rows, orient="index")
    for name, measure in (("fertility", "fertility"), ("shared pieces", "shared_pieces")):
        own = measures[measures["measure"] == measure].groupby("lang")["value"].mean()
        table[name] = own.reindex(table.index).astype(float)
    return table


def outcomes(scores: pd.DataFrame, setting, column, after: str) -> dict[str, pd.DataFrame]:
    """Seeds x languages other than English for each of OUTCOMES, of seeds that have both recipes.

    Corrected for chance: 100 (score - guess) / (100 - guess), where the guess is the score of a
    trivial baseline. Drop: corrected English minus corrected language, in points; widening: drop
    after minus drop before. Relative: per cent of the corrected English score; NaN where that is
    5 or less. Gain: uncorrected points. Raises BadInput for a score that appears twice.
    """
    mine = tables.of_column(scores, setting, column)
    if mine.duplicated(ONCE).any():
        twice = mine[mine.duplicated(ONCE)].iloc[0]
        raise BadInput(f"two scores for {twice['task']} {twice['lang']}: run {twice['run']}")
    found: dict[str, dict] = {name: {} for name in OUTCOMES}
    for seed, own in mine.groupby("seed"):
        parts = {"before": own[own["recipe"] == "none"], "after": own[own["recipe"] == after]}
        if any(part.empty for part in parts.values()):
            continue
        plain, drop = {when: tables.by_language(part) for when, part in parts.items()}, {}
        for when, part in parts.items():
            guess = tables.by_language(part, GUESS).reindex(plain[when].index).fillna(0)
            sure = 100 * (plain[when] - guess) / (100 - guess)
            english = sure.get("en", NAN)
            drop[when] = found[f"drop {when}"][seed] = english - sure
            found[f"relative {when}"][seed] = 100 * sure / (english if english > 5 else NAN)
        found["gain"][seed] = plain["after"] - plain["before"]
        found["widening"][seed] = drop["after"] - drop["before"]
    frames = {name: pd.DataFrame.from_dict(rows, orient="index") for name, rows in found.items()}
    return {name: part.drop(columns="en", errors="ignore") for name, part in frames.items()}


def column(columns: Sequence[tables.Column], name: str) -> tables.Column:
    """The grid's first column of a task, else the one of its record."""
    found = next((c for c in columns if c.task.name == name), None)
    task = TASKS[name]
    return found or tables.Column(task, next(iter(task.train.values()), ""), task.title)


def gains(scores: pd.DataFrame, setting, columns, after: str, told: pd.DataFrame) -> dict:
    """{task title: Rank} of distance and the gain from one recipe, for every column."""
    found = {}
    for one in columns:
        gain = outcomes(scores, setting, one, after)["gain"]
        found[one.title] = rank(told["distance"], gain.mean(), family=told["family"])
    return found
