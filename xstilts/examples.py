"""One run looked at closely: is it better than guessing, and what did it say?

Scores and Examples in, data frames out. Nothing here reads a file or touches a model.
"""

from collections.abc import Iterable

import pandas as pd
from scipy.stats import spearmanr

from xstilts.metrics import HEADLINES
from xstilts.scores import GUESS, SWEEP, counts
from xstilts.stats import bootstrap
from xstilts.submission import read_answers
from xstilts.tables import distance

CLEAR = 5  # points above a guess that count as more than a guess


def guessing(tasks: Iterable, scores: pd.DataFrame, examples: pd.DataFrame) -> pd.DataFrame:
    """Has a run learnt English, and did it reach other languages? One row a task.

    `scores` and `examples` are one run's. Of English the score, the lower bound of its 95 %
    interval (bootstrap over examples), and the score of a trivial baseline; of the other
    languages how many beat that baseline by CLEAR points, and the rank correlation of score and
    distance from English where that is known. Of question answering it is F1. Retrieval is left
    out: nothing is guessed there.
    """
    rows, scores = {}, scores[scores["selection"] != SWEEP]
    for task in tasks:
        own = scores[scores["task"] == task.name]
        table = own.pivot(index="lang", columns="metric", values="value")
        metric = next((name for name in HEADLINES if GUESS + name in table), None)
        if not metric:
            continue
        score, lead = table[metric], table[metric] - table[GUESS + metric]
        english = examples[(examples["task"] == task.name) & (examples["lang"] == "en")]
        low = bootstrap(counts(english, metric)).low if len(english) else None
        others = [lang for lang in table.index if lang != "en"]
        far = pd.Series(distance(others), dtype=float)
        rows[task.title] = {
            "metric": metric,
            "English": score.get("en"),
            "lower bound": low,
            "guess": table[GUESS + metric].get("en"),
            "other languages": len(others),
            f"{CLEAR} above a guess": int((lead[others] >= CLEAR).sum()),
            "correlation with distance": _rank_correlation(score[far.index], far),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("task")


def cut(tasks: Iterable, examples: pd.DataFrame) -> pd.DataFrame:
    """Inputs that lost a part because they were too long, or whose answer stands whole in no window
    of the text: how many, and where most. A row a task.

    `most` is the language with the highest share of them, empty if there are none.
    """
    rows, once = {}, examples.drop_duplicates(["task", "lang", "id"])
    for task in tasks:
        own = once[once["task"] == task.name]
        shares = own.groupby("lang")["truncated"].mean().mul(100)
        most = f"{shares.idxmax()} {shares.max():.1f} %" if own["truncated"].any() else ""
        rows[task.title] = {"inputs": len(own), "cut": int(own["truncated"].sum()), "most": most,
                            "longest, in pieces": own["pieces"].max()}  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("task")


def _rank_correlation(score: pd.Series, far: pd.Series) -> float | None:
    """Spearman's; None where it means nothing: too few languages, or all of them alike."""
    told = len(far) > 2 and score.nunique() > 1 and far.nunique() > 1
    return float(spearmanr(score, far).statistic) if told else None


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
