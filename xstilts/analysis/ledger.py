"""The ledger of claims: every row that the documents claim, with what was found of it.

Claims about scores get a verdict in the world and one in real data (`claims.judge`); claims about
how the study is built are read off the records, and those about other work off printed numbers.
"""

from collections.abc import Mapping

import pandas as pd

from xstilts import claims, paper, plots
from xstilts.analysis.points import KINDS
from xstilts.analysis.rulings import HOLDS, NOT, UNTESTED, tally
from xstilts.claims import Finding, Statement
from xstilts.grid import plan
from xstilts.languages import languages
from xstilts.recipes import SINGLE
from xstilts.settings import SETTINGS
from xstilts.tables import bounds
from xstilts.tasks import TASKS
from xstilts.tasks.intermediate import NLI

SIDES = ("world", "real")
BY = {"descriptive": "records", "source": "print"}  # what decides a kind, if not scores
EFFECTS = ("effect", "ranking", "no effect")  # kinds that scores decide
COLOURS = {HOLDS: plots.BLUE, NOT: plots.ORANGE}


def recorded(what: str) -> str:
    """What our records say of `what`, as statements.csv puts it."""
    what, _, of = what.partition(" of ")
    tasks = [TASKS[name] for recipe in SINGLE for name in recipe.tasks]
    if what == "intermediate tasks":
        return str(len(SINGLE))
    if what == "intermediate languages":
        own = {lang for task in tasks for lang in languages(task, "hub")}
        return " ".join(sorted(own | {lang for recipe in SINGLE for lang in recipe.translate}))
    if what == "intermediate kinds":
        return "; ".join(dict.fromkeys(map(_kind, tasks)))
    if what == "intermediate formats":
        return "; ".join(dict.fromkeys(KINDS[task.form] for task in tasks))
    if what == "encoder":
        return SETTINGS[of].encoder
    if what == "phases":
        runs = plan({"settings": [of], "seeds": [1], "recipes": ["mnli"], "targets": ["udpos"]})
        given = [] if runs[0].needs or SETTINGS[of].encoder in SETTINGS else ["encoder"]
        return " ".join([*given, *(run.notebook.partition("_")[2] for run in runs)])
    langs = [set(task.langs[of]) for task in TASKS.values() if of in task.langs]
    if what == "tasks":
        return str(len(langs))
    if what == "languages":
        return f"{len(set().union(*langs))} {max(map(len, langs))}"
    raise ValueError(f"no record of {what}")


def _kind(task) -> str:
    """What a task asks, in the words of the claim."""
    if task.form == "classify":
        return "natural language inference" if task.labels == NLI else "paraphrase detection"
    if task.form == "choose" and "question" not in str(task.columns):
        return "sentence completion"
    return "sentence tagging" if task.form == "tag" else "question answering"


def check(one: Statement) -> Finding:
    """The finding of a statement that no score decides: from records, or from printed numbers."""
    if one.statistic == "printed":
        best = paper.highest(one.value, one.against.split(), one.tasks)
        wins, half = sum(best.values()), len(one.tasks) / 2
        verdict = HOLDS if wins > half else NOT if len(best) - wins >= half else UNTESTED
        return Finding(verdict, why=f"in print: highest in {wins} of the {len(best)} tasks whose "
                                    f"figures were seen, of {len(one.tasks)}")  # fmt: skip
    said = recorded(one.recipes)
    right = said == one.value
    if one.rule == "includes":
        right = set(one.value.split("; ")) <= set(said.split("; "))
    return Finding(HOLDS if right else NOT, why=f"records: {said}")


def findings(scores: pd.DataFrame, dev: pd.DataFrame, settings: Mapping) -> pd.DataFrame:
    """One row a statement and side ("world", "real"): what it says and what was found of it.

    What is checked in records holds for both sides, what is in print for the real one alone.
    """
    asked, rows = claims.statements(), []
    for side, setting in claims.sides(settings).items():
        found = claims.judge(scores, dev, setting, asked) if setting else {}
        for one in asked:
            finding = found.get((one.claim, one.part), Finding(why=f"no {side} setting"))
            if one.statistic == "record" or one.statistic == "printed" and side == "real":
                finding = check(one)
            elif one.statistic == "printed":
                finding = Finding(why="about published models")
            told = {name: getattr(one, name) for name in
                    ("claim", "part", "role", "kind", "rule", "statement", "printed",
                     "printed_split", "note")}  # fmt: skip
            rows.append({"side": side} | told | vars(finding))
    return pd.DataFrame(rows)


def ledger(found: pd.DataFrame) -> pd.DataFrame:
    """Every row of the documents with its mark and confidence, and the two verdicts beside.

    Effect, interval, seeds, least and needed are those of the statement that decided the verdict
    on the side that has scores, the world's where both have; `by` says what decided.
    """
    rows, counted = [], found[found["role"] == "verdict"]
    for row in claims.read("claims"):
        own = counted[counted["claim"] == row["claim"]]
        verdicts = {side: claims.together(part["verdict"].tolist())
                    for side, part in own.groupby("side", sort=False)}  # fmt: skip
        side = next((s for s in SIDES if verdicts[s] != UNTESTED), SIDES[0])
        part = own[own["side"] == side]
        decided = part[part["verdict"] == verdicts[side]].iloc[0]
        figures = ["effect", "low", "high", "seeds", "least", "needed", "part", "why"]
        kinds = ", ".join(dict.fromkeys(BY.get(kind, "scores") for kind in part["kind"]))
        rows.append(row | verdicts | decided[figures].to_dict() | {"by": kinds})
    return pd.DataFrame(rows)


def shown(found: pd.DataFrame) -> pd.DataFrame:
    """Findings or ledger with their figures as text: effect and interval, seeds, what was missed.

    Adds "effect (95 %)", "detectable" (points that so many seeds would show) and "seeds needed"
    (that would show one point); dashes where nothing was tested.
    """
    points = [bounds(*row) for row in found[["effect", "low", "high"]].to_numpy(dtype=float)]
    least = ["–" if pd.isna(value) else f"{value:.1f}" for value in found["least"]]
    seeds = ["–" if pd.isna(value) else f"{value:.0f}" if value <= claims.MOST else
             f"> {claims.MOST}" for value in found["needed"]]  # fmt: skip
    told = {"effect (95 %)": points, "detectable": least, "seeds needed": seeds}
    return found.assign(**told, seeds=found["seeds"].replace(0, "–"))


def verdicts(found: pd.DataFrame, name: str) -> str:
    """How the statements about scores came out on one side, in words, for a title."""
    told = found.loc[found["kind"].isin(EFFECTS), "verdict"]
    return f"{name}: of {len(told)} statements, {tally(told)}"


def drawn(found: pd.DataFrame, title: str):
    """Every effect with its 95 % interval, one line a statement; what has no scores is marked."""
    own = found[found["kind"].isin(EFFECTS)][::-1].reset_index()
    picture, (axis,) = plots.axes(1, 1, width=9, height=0.34 * len(own) + 1)
    for place, row in own.iterrows():
        colour = COLOURS.get(row["verdict"], plots.GREY)
        axis.plot([row["low"], row["high"]], [place, place], color=colour, lw=2)
        axis.scatter(row["effect"], place, color=colour, s=28, zorder=3)
        axis.annotate(row["verdict"], (1.01, place), xycoords=("axes fraction", "data"),
                      color=colour, fontsize=8, va="center")  # fmt: skip
    names = [f"{row.claim}: {row.part}".replace("_", " ") for row in own.itertuples()]
    axis.set_yticks(range(len(own)), names, fontsize=8)
    axis.axvline(0, color=plots.INK, lw=0.8)
    axis.axvspan(-claims.SIZE, claims.SIZE, color=plots.PALE, alpha=0.4, lw=0)
    axis.set(xlabel="points, mean over paired seeds and 95 % interval", ylim=(-0.7, len(own) - 0.3))
    axis.set_title(title)
    return picture
