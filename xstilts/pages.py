"""What the site's own pages say: tables and pictures of a study, as HTML and as files to take away.

Takes a `Study` (a grid and what its runs left). Text is escaped, since it may come from a data set.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from html import escape
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from xstilts import plots, report, tables
from xstilts.analysis import points, points_picture
from xstilts.grid import Run
from xstilts.gridfile import Grid
from xstilts.paths import FACTS
from xstilts.settings import PAPER, SETTINGS, resolve
from xstilts.snapshot import Collected
from xstilts.tasks import TASKS
from xstilts.world.languages import ALL as WORLD

PAGES_OF = "https://huggingface.co/datasets/"
PHASES = {"intermediate": "intermediate task", "target": "fine-tuning set"}


class Link(NamedTuple):
    """A cell that leads somewhere."""

    text: str
    href: str


@dataclass(frozen=True)
class Study:
    """A grid, what its runs left, and the folder that the site's files go to."""

    grid: Grid
    found: Collected
    folder: Path

    @property
    def settings(self) -> dict:
        return self.grid.used

    @property
    def recipes(self) -> list[str]:
        return list(dict.fromkeys(r for block in self.grid.blocks for r in block.recipes))

    @property
    def stamp(self) -> str:
        """What must stand above everything if any setting reads the synthetic world."""
        return tables.stamp(self.settings.values())

    def columns(self, setting) -> list[tables.Column]:
        return tables.of_setting(tables.columns(self.grid), self.found.scores, setting)

    def averages(self, setting) -> pd.DataFrame:
        return tables.averages(self.found.scores, setting, self.columns(setting))


def table(frame: pd.DataFrame, caption: str = "", long: bool = False) -> str:
    """`frame` without its index as an HTML table whose first column heads the rows.

    A `long` one can be searched and sorted. A difference in brackets goes below its figure.
    """
    words = [i for i, name in enumerate(frame) if not pd.api.types.is_numeric_dtype(frame[name])]
    mark = {i: ' class="text"' for i in words} if long else {}
    heads = "".join(f'<th scope="col"{mark.get(i, "")}>{escape(str(name))}</th>'
                    for i, name in enumerate(frame))  # fmt: skip
    rows = []
    for row in frame.itertuples(index=False, name=None):
        first, *rest = map(_cell, row)
        cells = "".join(f"<td{mark.get(i, '')}>{c}</td>" for i, c in enumerate(rest, 1))
        rows.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    told = f"<caption>{escape(caption)}</caption>" if caption else ""
    kind = ' class="long"' if long else ""
    return (f'<div class="wide" tabindex="0"><table{kind}>{told}<thead><tr>{heads}</tr></thead>\n'
            f"<tbody>{chr(10).join(rows)}</tbody></table></div>")  # fmt: skip


def _cell(value) -> str:
    if isinstance(value, Link):
        return f'<a href="{escape(value.href)}">{_cell(value.text)}</a>'
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "–"
    text = escape(f"{value:.1f}" if isinstance(value, float) else str(value))
    text = re.sub(r"[\r\n]+", " ", text)  # an empty line would end the block of HTML
    return re.sub(r" (\([+-][\d.]+\))$", r"<br><small>\1</small>", text)


def given(study: Study, name: str, frame: pd.DataFrame, caption: str, below: Iterable = (),
          long: bool = False, data: pd.DataFrame | None = None) -> str:  # fmt: skip
    """A table with what stands below it; also as CSV (`data`, if it says more) and LaTeX."""
    (frame if data is None else data).to_csv(study.folder / f"{name}.csv", index=False)
    latex = frame.to_latex(index=False, escape=True, float_format="%.1f", na_rep="--",
                           caption=" ".join(filter(None, (caption + ".", study.stamp))),
                           label=f"tab:{name}")  # fmt: skip
    (study.folder / f"{name}.tex").write_text(latex, "utf-8")
    notes = "".join(f"<br>{escape(line)}" for line in below if line)
    return (f'{table(frame, caption, long)}\n<p class="below">{_downloads(name, "csv", "tex")}'
            f"{notes}</p>")  # fmt: skip


def _downloads(name: str, *kinds: str) -> str:
    titles = {"tex": "LaTeX"}
    links = (f'<a href="files/{name}.{k}" download>{titles.get(k, k.upper())}</a>' for k in kinds)
    return f"as {' · '.join(links)}"


def pictured(study: Study, name: str, figure, alt: str) -> str:
    """A figure as SVG in the page; as SVG, PDF and PNG to take away."""
    plots.save(figure, study.folder, name)
    links = _downloads(name, "svg", "pdf", "png")
    return (f'<div class="picture" tabindex="0"><img src="files/{name}.svg" alt="{escape(alt)}">'
            f'</div>\n<p class="below">{links}</p>')  # fmt: skip


def headline(study: Study, controls: Study) -> str:
    """Where the points come from, one picture a setting, and the figures behind it.

    `controls` is the study whose recipes are controls, which may be the same.
    """
    parts = []
    for name, setting in study.settings.items():
        columns = study.columns(setting)
        gains = points.gains(study.averages(setting))
        shares = points.shares(gains, columns, map(study.grid.recipe, study.recipes))
        if shares.empty:
            continue
        held = _held(controls if name in controls.settings else study, setting)
        told = f"{points_picture.told(shares, name)}. {points_picture.strongest(held)}."
        figure = points_picture.picture(shares, held, name)
        shown = pictured(study, f"points-{name}", figure, told.replace("\n", " "))
        for what, rows in (("shares", shares.reset_index()), ("controls", held)):
            rows.to_csv(study.folder / f"{what}-{name}.csv", index=False)
            link = f" · {what} {_downloads(f'{what}-{name}', 'csv')}</p>"
            shown = shown.removesuffix("</p>") + link
        parts.append(shown)
    return "\n\n".join(parts) or "No intermediate task is in this grid."


def _held(study: Study, setting) -> pd.DataFrame:
    columns, gains = study.columns(setting), points.gains(study.averages(setting))
    return points.controls(gains, study.found.scores, study.grid, setting, columns)


def main_tables(study: Study) -> str:
    """The main table of every setting."""
    parts = []
    for name, setting in study.settings.items():
        columns, averages = study.columns(setting), study.averages(setting)
        cells = tables.cells(averages, study.recipes, columns)
        below = [*report.notes(averages, columns), tables.PROVISIONAL, tables.stamp([setting])]
        shown = tables.printed(cells).reset_index()
        caption = f"{name}: mean over languages, and the difference to none"
        parts.append(given(study, f"main_table-{name}", shown, caption, below, data=cells))
    return "\n\n".join(parts)


def by_language(study: Study) -> tuple[str, str]:
    """(small multiples, a table of every figure with its difference to none)."""
    frames, parts = [], []
    for name, setting in study.settings.items():
        rows = tables.per_language(study.found.scores, setting, study.columns(setting))
        if rows.empty:
            continue
        means = rows[rows["recipe"] != "none"].groupby("recipe")["value"].mean()
        figure = plots.multiples(rows, tables.nearest_first(rows["lang"].unique()),
                                 means.nlargest(3).index)  # fmt: skip
        parts.append(pictured(study, f"languages-{name}", figure,
                              f"{name}: scores by language, a panel per task"))  # fmt: skip
        none = rows[rows["recipe"] == "none"].set_index(["column", "lang"])["value"]
        base = none.reindex(pd.MultiIndex.from_frame(rows[["column", "lang"]])).to_numpy()
        gain = (rows["value"] - base).where(rows["recipe"] != "none")
        frames.append(rows.assign(setting=name, gain=gain))
    if not frames:
        return "No scores yet.", ""
    every = pd.concat(frames)
    every = every[["lang", "column", "recipe", "value", "gain", "metric", "seeds", "setting"]]
    names = ["language", "task", "after", "score", "difference to none", "metric", "seeds",
             "setting"]  # fmt: skip
    every, caption = every.set_axis(names, axis=1), "Scores by language, means over seeds"
    shown = given(study, "languages", every, caption, [tables.PROVISIONAL], long=True)
    return "\n\n".join(parts), shown


def world_languages(study: Study) -> str:
    """How the constructed languages differ from English."""
    if not study.stamp:
        return ""
    far = tables.distance(WORLD)
    rows = [{"language": one.code, "distance from English": round(far[one.code], 2)}
            | {f.name: getattr(one, f.name) for f in fields(one) if f.name != "code"}
            for one in WORLD.values()]  # fmt: skip
    frame = pd.DataFrame(rows).sort_values("distance from English").astype(str)
    return f"## The constructed languages\n\n{table(frame)}"


def hyper(study: Study) -> str:
    """Every number of both phases for the grid's settings, and for the paper's own."""
    rows = []
    for setting in {**study.settings, "xlmr-large": SETTINGS["xlmr-large"]}.values():
        names = {"intermediate": study.recipes, "target": list(dict.fromkeys(
            t for block in study.grid.blocks for t in block.targets))}  # fmt: skip
        for phase, told in PHASES.items():
            wanted = names[phase] if setting.name in study.settings else PAPER[phase]
            for recipe in (study.grid.recipe(name) for name in wanted):
                if recipe.tasks:
                    rows.append(_numbers(resolve(recipe, setting, phase), setting, told, recipe))
    return given(study, "hyper", pd.DataFrame(rows), "Numbers of every training", long=True)


def _numbers(found, setting, phase: str, recipe) -> dict:
    ways: dict[str, list[str]] = {}
    for name, source in found.source.items():
        ways.setdefault(source, []).append(name)
    source = "; ".join(f"{', '.join(names)}: {source}" for source, names in ways.items())
    length = f"{found.updates} updates" if found.updates else f"{found.epochs:g} epochs"
    return {"recipe": recipe.name, "phase": phase, "setting": setting.name,
            "learning rate": f"{found.lr:g}", "batch": str(found.batch), "length": length,
            "word pieces": str(found.max_len), "examples": str(found.examples or "all"),
            "source": source}  # fmt: skip


def data(study: Study) -> str:
    """Every task: where its data come from, and what its licence is said to be."""
    said = pd.read_csv(FACTS / "licences.csv", dtype=str, keep_default_na=False)
    said = said.set_index("task").to_dict("index")
    rows = []
    for one in (*TASKS.values(), *study.grid.tasks):
        repos = list(dict.fromkeys(hub.repo for hub in one.hub if not hub.local))
        told = said.get(one.name, {"licence": "not recorded", "sure": ""})
        langs = ", ".join(f"{suite} {len(codes)}" for suite, codes in one.langs.items())
        rows.append({"task": one.title, "form": points.KINDS.get(one.form, one.form),
                     "languages": langs or "English, for training",
                     "data": Link(repos[0], PAGES_OF + repos[0]) if repos else "on no hub",
                     "licence": told["licence"], "how sure": told["sure"]})  # fmt: skip
    frame = pd.DataFrame(rows)
    return table(frame, "Published data sets", long=True)


def runs(study: Study, states: dict[str, str], records: dict[str, dict], linked: dict[str, str],
         planned: Iterable[Run]) -> tuple[str, str]:  # fmt: skip
    """(a summary, the table of all runs); `states` is "done", "missing" or "stale: why"."""
    rows = []
    for run in planned:
        record, state = records.get(run.id, {}), states[run.id]
        rows.append({
            "run": Link(run.id, linked[run.id]) if run.id in linked else run.id,
            "notebook": Link(run.notebook, f"{run.notebook}.html"), "state": state,
            "outcome": record.get("headline", ""),
            "seconds": str(record.get("seconds", "")),
            "finished": record.get("finished", "")[:16].replace("T", " "),
            "commit": record.get("commit", "")[:9], "key": record.get("key", "")[:12],
        })  # fmt: skip
    frame = pd.DataFrame(rows).sort_values("state", kind="stable")  # done, missing, stale
    count = frame["state"].str.partition(":")[0].value_counts()
    told = ", ".join(f"{number} {state}" for state, number in count.items())
    plain = frame.map(lambda cell: cell.text if isinstance(cell, Link) else cell)
    plain.to_csv(study.folder / "runs.csv", index=False)
    return told, f"{table(frame, 'Runs', long=True)}\n<p>{_downloads('runs', 'csv')}</p>"


def markdown(study: Study, controls: Study) -> str:
    """The headline picture and the main tables as Markdown, for a page on a forge."""
    headline(study, controls)
    drawn = [name for name in study.settings if (study.folder / f"points-{name}.svg").is_file()]
    parts = [f"![Where the points come from](reports/snapshot/figures/points-{name}.svg)"
             for name in drawn]  # fmt: skip
    for name, setting in study.settings.items():
        averages = study.averages(setting)
        shown = tables.printed(tables.cells(averages, study.recipes, study.columns(setting)))
        blank = shown.isin(["–", ""]) | shown.isna()
        gone = shown.index[blank.drop(columns="seeds").all(axis=1)]
        shown = shown.drop(index=gone, columns=shown.columns[blank.drop(index=gone).all()])
        parts += [f"**{name}, grid {study.grid.name}: mean over languages (difference to none)**",
                  report.markdown(shown), *report.notes(averages, study.columns(setting)),
                  f"No runs yet after {', '.join(gone)}." if len(gone) else "",
                  tables.PROVISIONAL, tables.stamp([setting])]  # fmt: skip
    parts += [f"{len(study.found.missing)} evaluations missing; {study.found.source}."]
    return "\n\n".join(filter(None, parts))
