"""Tables as files to read: Markdown, HTML, LaTeX, and a block in a page that quotes one.

    python -m xstilts.report demo README.md      puts the main table of the grid `demo` there

Takes finished tables; what stands in them is decided in `tables`, what they lack is said here.
Text is escaped, since it may come from a data set.
"""

import sys
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path

import pandas as pd

from xstilts.paths import BadInput, MissingData, UserError, runs_dir
from xstilts.tables import MARK, Column, how

NAMED = 5  # a note names so many of the languages that a task lacks, and counts the rest
TEX = {sign: f"\\{sign}" for sign in "&%$#_{}"} | {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "–": "--", "†": r"\textdagger{}",
    "‡": r"\textdaggerdbl{}", "✓": r"\checkmark{}", "[": "{[}", "]": "{]}",
}  # fmt: skip
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
 body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; color: #222 }}
 table {{ border-collapse: collapse; font-variant-numeric: tabular-nums }}
 th, td {{ padding: .3rem .7rem; text-align: right; border-bottom: 1px solid #ddd }}
 th:first-child, td:first-child {{ text-align: left }}
</style>
<h1>{title}</h1>
{body}
{below}</html>
"""


def markdown(table: pd.DataFrame, decimals: int = 1) -> str:
    """A Markdown table with its index; bars and line ends inside a cell cannot break it."""
    flat = table.reset_index()
    rows = [list(flat.columns), ["---"] * flat.shape[1], *flat.to_numpy(dtype=object).tolist()]
    return "\n".join("| " + " | ".join(_plain(c, decimals) for c in row) + " |" for row in rows)


def _plain(value, decimals: int) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:.{decimals}f}"
    text = "–" if value is None else escape(str(value), quote=False)
    return text.replace("|", "\\|").replace("\n", " ")


def latex(table: pd.DataFrame, title: str = "", notes: Iterable[str] = (), decimals: int = 1):
    """A LaTeX table with its index, title as caption, notes below; needs booktabs, amssymb.

    What LaTeX would read as a command is escaped, so that text from a data set stays text.
    """
    flat = table.reset_index()
    rows = [list(flat.columns), *flat.to_numpy(dtype=object).tolist()]
    head, *body = (" & ".join(_tex(cell, decimals) for cell in row) + r" \\" for row in rows)
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{_tex(title)}}}",
             rf"\begin{{tabular}}{{l{'r' * (flat.shape[1] - 1)}}}", r"\toprule", head,
             r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]  # fmt: skip
    lines += [rf"\par\footnotesize {_tex(note)}" for note in notes]
    return "\n".join([*lines, r"\end{table}", ""])


def _tex(value, decimals: int = 1) -> str:
    if value is None or isinstance(value, float):
        value = "–" if value is None or pd.isna(value) else f"{value:.{decimals}f}"
    return "".join(TEX.get(sign, sign) for sign in str(value)).replace("\n", " ")


def write(folder: Path, name: str, table: pd.DataFrame, data: pd.DataFrame, title: str,
          notes: Iterable[str] = ()):  # fmt: skip
    """Write `data` as `name`.csv and `table` as .md, .html and .tex, with title and notes.

    `folder` is made. Empty notes are left out.
    """
    folder.mkdir(exist_ok=True)
    notes = [note for note in notes if note]
    data.to_csv(folder / f"{name}.csv", index=False)
    text = "\n\n".join([f"**{title}**", markdown(table), *notes])
    (folder / f"{name}.md").write_text(text + "\n", encoding="utf-8")
    (folder / f"{name}.tex").write_text(latex(table, title, notes), encoding="utf-8")
    body = table.reset_index().to_html(index=False, escape=True, na_rep="–", border=0,
                                       float_format="{:.1f}".format)  # fmt: skip
    below = "".join(f"<p>{escape(note)}</p>\n" for note in notes)
    page = PAGE.format(title=escape(title), body=body, below=below)
    (folder / f"{name}.html").write_text(page, encoding="utf-8")


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
    lines = {
        f"{told}; seeds {seeds}": told,
        f"{MARK} from fewer languages than the task has: {', '.join(parts)}": parts,
        f"Dev pairs, for want of test pairs, and the threshold from the same pairs: {dev}": dev,
        f"No figures yet: {none}": none,
    }
    return [f"{line}." for line, some in lines.items() if some]


def fill(page: Path, mark: str, text: str) -> None:
    """Put `text` between `<!-- mark -->` and `<!-- /mark -->` of `page`."""
    first, last = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, found, rest = page.read_text("utf-8").partition(first)
    _, end, after = rest.partition(last)
    if not (found and end):
        raise BadInput(f"{page}: no place for the table: add the lines {first} and {last}")
    page.write_text(f"{before}{first}\n{text.strip()}\n{last}{after}", "utf-8")


def main_table(grid: str) -> str:
    """The main tables of a grid that has run, as its report wrote them."""
    folder = runs_dir() / grid / "main_table" / "tables"
    found = [path.read_text("utf-8") for path in sorted(folder.glob("main_table-*.md"))]
    if not found:
        raise MissingData(f"no table in {folder}: first `xstilts run {grid}`")
    return "\n".join(found)


def main(words: list[str], quote: Callable[[str], str] = main_table) -> None:
    """Put what `quote` says of a grid into a page: GRID PAGE."""
    if len(words) != 2:
        raise BadInput("give a grid and a page: GRID PAGE.md")
    grid, page = words
    fill(Path(page), f"{grid} table", quote(grid))


def program(quote: Callable[[str], str] = main_table) -> None:
    """`main` on the command line: what is wrong in one line, and the exit code."""
    try:
        main(sys.argv[1:], quote)
    except UserError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    program()
