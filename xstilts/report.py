"""Tables as files to read: Markdown, LaTeX, and a block in a page that quotes one.

Takes finished tables; what stands in them is decided in `tables`, what they lack is said here.
Text is escaped, since it may come from a data set.
"""

import sys
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path

import pandas as pd

from xstilts.paths import BadInput, UserError
from xstilts.tables import MARK, Column, how, of_first_suite, printed

PROBABILITIES = ("p", "q")  # columns
NAMED = 5  # a note names so many of the languages that a task lacks, and counts the rest
TEX = {sign: f"\\{sign}" for sign in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "–": "--", "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}", "✓": r"\checkmark{}", "[": "{[}", "]": "{]}", "\n": " ",
}  # fmt: skip


def cell(value, column: str = "") -> str:
    """A cell as it is printed: one decimal, a dash for what is missing; p-values to two digits."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "–"
    if column in PROBABILITIES:
        return f"{value:.2g}" if value >= 0.001 else "< 0.001"
    return f"{value:.1f}" if isinstance(value, float) else str(value)


def markdown(table: pd.DataFrame) -> str:
    """A Markdown table with its index; bars and line ends inside a cell cannot break it."""
    flat = table.reset_index()
    rows = [list(flat.columns), ["---"] * flat.shape[1], *_cells(flat)]
    return "\n".join("| " + " | ".join(map(_plain, row)) + " |" for row in rows)


def _cells(flat: pd.DataFrame) -> list[list[str]]:
    return [list(map(cell, row, flat.columns)) for row in flat.to_numpy(dtype=object).tolist()]


def _plain(value) -> str:
    return escape(str(value), quote=False).replace("|", "\\|").replace("\n", " ")


def latex(flat: pd.DataFrame, title: str, notes: Iterable[str] = ()) -> str:
    """A LaTeX table without its index, title as caption, notes below; needs booktabs, amssymb.

    What LaTeX would read as a command is escaped, so that text from a data set stays text.
    """
    rows = [list(flat.columns), *_cells(flat)]
    head, *body = (" & ".join(map(_tex, row)) + r" \\" for row in rows)
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{_tex(title)}}}",
             rf"\begin{{tabular}}{{l{'r' * (flat.shape[1] - 1)}}}", r"\toprule", head,
             r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]  # fmt: skip
    lines += [rf"\par\footnotesize {_tex(note)}" for note in notes]
    return "\n".join([*lines, r"\end{table}", ""])


def _tex(value) -> str:
    return "".join(TEX.get(sign, sign) for sign in str(value))


def write(folder: Path, name: str, table: pd.DataFrame, data: pd.DataFrame, title: str,
          notes: Iterable[str] = ()):  # fmt: skip
    """Write `data` as `name`.csv and `table` as .md and .tex, with title and notes.

    `folder` is made. Empty notes are left out.
    """
    folder.mkdir(exist_ok=True)
    notes = [note for note in notes if note]
    data.to_csv(folder / f"{name}.csv", index=False)
    page = "\n\n".join([f"**{title}**", markdown(table), *notes])
    (folder / f"{name}.md").write_text(page + "\n", encoding="utf-8")
    tex = latex(table.reset_index(), title, notes)
    (folder / f"{name}.tex").write_text(tex, encoding="utf-8")


def notes(averages: pd.DataFrame, columns: Iterable[Column]) -> list[str]:
    """What must stand below a table of these averages.

    How its figures came about and from which seeds; what languages, test pairs and tasks it lacks.
    """
    ways: dict[str, list[str]] = {}
    for column, way in how(averages).items():
        ways.setdefault(way, []).append(column)
    told = "; ".join(f"{', '.join(of)}: {way}" for way, of in ways.items())
    seeds = " ".join(map(str, sorted(averages["seed"].dropna().unique())))
    parts = []
    for title, part in averages.dropna(subset="value").groupby("column", sort=False):
        for missing, some in part[part["missing"] != ""].groupby("missing", sort=False):
            langs, lacking = some["langs"].iloc[0], missing.split()
            named = " ".join(lacking[:NAMED])
            if more := lacking[NAMED:]:
                named += f" and {len(more)} more"
            where = "" if len(some) == len(part) else f" after {', '.join(some['recipe'].unique())}"
            parts.append(f"{title} {langs} of {langs + len(lacking)} ({named}){where}")
    columns, there = list(columns), set(averages["column"])
    dev = ", ".join(column.title for column in columns if column.split == "dev")
    none = ", ".join(column.title for column in columns if column.title not in there)
    counted = of_first_suite(columns)
    suite = "".join(column.suite.upper() for column in counted[:1])
    apart = ", ".join(column.title for column in columns if column not in counted)
    lines = {
        f"{told}; seeds {seeds}": told,
        f"{MARK} from fewer languages than the task has: {', '.join(parts)}": parts,
        f"Dev pairs, for want of test pairs, and the threshold from the same pairs: {dev}": dev,
        f"Means over tasks are {suite}'s, without {apart}": apart,
        f"No figures yet: {none}": none,
    }
    return [f"{line}." for line, some in lines.items() if some]


def filled(cells: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The main table without the rows and columns that no run has filled, and a line that names
    the rows; all of it where there are no runs at all."""
    shown = printed(cells)
    blank = shown.isin(["–", ""])
    if blank.all(axis=None):
        return shown, ""
    gone = shown.index[blank.all(axis=1)]
    left = shown.drop(index=gone, columns=shown.columns[blank.drop(index=gone).all()])
    return left, f"No runs yet after {', '.join(gone)}." if len(gone) else ""


def fill(page: Path, mark: str, text: str) -> None:
    """Put `text` between `<!-- mark -->` and `<!-- /mark -->` of `page`."""
    first, last = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, found, rest = page.read_text("utf-8").partition(first)
    _, end, after = rest.partition(last)
    if not (found and end):
        raise BadInput(f"{page}: no place for the table: add the lines {first} and {last}")
    page.write_text(f"{before}{first}\n{text.strip()}\n{last}{after}", "utf-8")


def program(quote: Callable[[str], str]) -> None:
    """On the command line: put what `quote` says of a grid into a page, GRID PAGE."""
    try:
        if len(sys.argv) != 3:
            raise BadInput("give a grid and a page: GRID PAGE.md")
        _, grid, page = sys.argv
        fill(Path(page), f"{grid} table", quote(grid))
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
