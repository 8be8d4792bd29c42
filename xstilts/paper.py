"""Printed numbers: `facts/paper.csv`, and what of it may stand beside ours.

Each has its table, row, task, metric, source and how sure it is: "printed" (seen in the source),
"derived" (arithmetic on printed numbers) or "recalled" (from memory). A recalled number is never
set beside a result. Only a setting with the row's own encoder, on real data, is compared.
"""

from collections.abc import Sequence

import pandas as pd

from xstilts import paired
from xstilts.metrics import headline
from xstilts.paths import FACTS
from xstilts.tables import Column
from xstilts.tasks import TASKS

SURE = ("printed", "derived", "recalled")
COLUMNS = ("table", "row", "encoder", "recipe", "task", "metric", "lang", "value", "source", "sure")
BEST = "best"  # the recipe of a row whose recipe was chosen for each target


def printed() -> pd.DataFrame:
    """facts/paper.csv: values in percent, or points in the table of gains; other columns texts."""
    found = pd.read_csv(FACTS / "paper.csv", dtype=str, keep_default_na=False)
    return found.astype({"value": float})


def beside(setting) -> pd.DataFrame:
    """The headline figures seen in print for a setting's encoder; none for the synthetic world.

    Columns: table, row, recipe ("none" or "best"), task, value, sure, source. Means over languages,
    of which both metrics are known where a headline has two.
    """
    found, rows = printed(), []
    own = found[(found["encoder"] == setting.encoder) & (found["lang"] == "")]
    own = own[(own["sure"] != "recalled") & own["task"].isin(list(TASKS))]
    own = own if setting.data == "hub" else own[:0]
    for key, part in own.groupby(["table", "row", "recipe", "task"], sort=False):
        by_metric = dict(zip(part["metric"], part["value"], strict=True))
        if TASKS[key[-1]].form != "span" or len(by_metric) == 2:
            sources = ", ".join(dict.fromkeys(part["source"]))
            sure = part["sure"].iloc[0] if len(by_metric) == 1 else "derived"
            rows.append((*key, headline(by_metric), sure, sources))
    names = ["table", "row", "recipe", "task", "value", "sure", "source"]
    return pd.DataFrame(rows, columns=names)


def compared(setting, cells: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """What `beside` has for columns of the main table, with our figure of the same recipe.

    Only of the same split and languages; ours is NaN where a run is missing.
    """
    ours = cells.set_index(["recipe", "column"])
    recipes, rows = {"none": "none", BEST: paired.BEST}, []
    for row in beside(setting).itertuples():
        suite = "xtreme-r" if row.table.startswith("XTREME-R") else "xtreme"
        split = "dev" if row.table.endswith("dev") else "test"
        for column in columns:
            langs = [set(column.task.langs.get(name, ())) for name in (suite, column.suite)]
            key = recipes[row.recipe], column.title
            if column.task.name == row.task and column.split == split and langs[0] == langs[1]:
                own = ours.loc[key] if key in ours.index else pd.Series({"seeds": 0})
                rows.append((row.table, row.row, column.title, row.value, row.sure,
                             own.get("value"), own["seeds"], row.source))  # fmt: skip
    names = ["table", "row", "task", "printed", "how sure", "ours", "seeds", "source"]
    return pd.DataFrame(rows, columns=names).astype({"ours": float})


def highest(row: str, rivals: list[str], tasks) -> dict[str, bool]:
    """{task: whether `row` has the highest figure in XTREME's first table, strictly}; F1 for spans.

    Only tasks in which the figures of the row and of all rivals were seen in print.
    """
    found = printed()
    found = found[(found["table"] == "XTREME's first table") & (found["sure"] == "printed")]
    found = found[found["metric"].isin(["accuracy", "f1"])]
    values = found.pivot_table("value", "task", "row")
    values = values.reindex(index=list(tasks), columns=[row, *rivals]).dropna()
    return (values[row] > values[rivals].max(axis=1)).to_dict()
