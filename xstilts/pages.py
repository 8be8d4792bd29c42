"""What the site's own pages say: tables and pictures of a study, as HTML and as files to take away.

Takes a `Study` (a grid and what its runs left). Text is escaped, since it may come from a data set.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from html import escape
from pathlib import Path

import pandas as pd

from xstilts import caveats, paired, plots, report, snapshot, tables
from xstilts.analysis import points, points_picture
from xstilts.grid import plan
from xstilts.gridfile import Grid, read, restrict
from xstilts.paths import FACTS, runs_dir
from xstilts.settings import PAPER, SETTINGS, resolve
from xstilts.tasks import TASKS
from xstilts.world.languages import ALL as WORLD

PAGES_OF = "https://huggingface.co/datasets/"


@dataclass(frozen=True)
class Study:
    """A grid, what its runs left, and the folder that the site's files go to."""

    grid: Grid
    folder: Path

    @cached_property
    def found(self) -> snapshot.Collected:
        return snapshot.collect(plan(self.grid))

    @property
    def source(self) -> str:
        """Where the results lie, without the name of this machine's folder."""
        return self.found.source.replace(str(runs_dir()), runs_dir().name)

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

    @cached_property
    def columns(self) -> dict[str, list[tables.Column]]:
        """The columns of each setting."""
        every, scores = tables.columns(self.grid), self.found.scores
        return {name: tables.of_setting(every, scores, s) for name, s in self.settings.items()}

    @cached_property
    def averages(self) -> dict[str, pd.DataFrame]:
        """The averages over languages of each setting."""
        return {name: tables.averages(self.found.scores, s, self.columns[name])
                for name, s in self.settings.items()}  # fmt: skip

    def notes(self, name: str) -> list[str]:
        """The lines below the main table of a setting."""
        setting, averages, columns = self.settings[name], self.averages[name], self.columns[name]
        return [*report.notes(averages, columns),
                *caveats.notes(self.found.scores, averages, setting, columns),
                tables.PROVISIONAL, tables.stamp([setting])]  # fmt: skip

    @cached_property
    def controls(self) -> "Study":
        """The grid of controls for a setting of its own, or else the study itself."""
        arms = read("arms")
        own = [name for name, s in arms.used.items() if self.settings.get(name) == s]
        if self.grid.name == arms.name or not own:
            return self
        return Study(restrict(arms, own), self.folder)


def table(frame: pd.DataFrame, caption: str = "", long: bool = False,
          links: Mapping[str, str] | None = None) -> str:  # fmt: skip
    """`frame` without its index as an HTML table whose first column heads the rows.

    A `long` one can be searched and sorted. A difference in brackets goes below its figure; a text
    among `links` leads to what they say.
    """
    words = [long and not pd.api.types.is_numeric_dtype(kind) for kind in frame.dtypes]
    mark = [' class="text"' if word else "" for word in words]
    heads = "".join(f'<th scope="col"{m}>{escape(str(name))}</th>'
                    for m, name in zip(mark, frame, strict=True))  # fmt: skip
    rows = []
    for row in frame.itertuples(index=False, name=None):
        first, *rest = (_cell(value, links or {}) for value in row)
        cells = "".join(f"<td{m}>{c}</td>" for m, c in zip(mark[1:], rest, strict=True))
        rows.append(f'<tr><th scope="row">{first}</th>{cells}</tr>')
    told = f"<caption>{escape(caption)}</caption>" if caption else ""
    kind = ' class="long"' if long else ""
    return (f'<div class="wide" tabindex="0"><table{kind}>{told}<thead><tr>{heads}</tr></thead>\n'
            f"<tbody>{chr(10).join(rows)}</tbody></table></div>")  # fmt: skip


def _cell(value, links: Mapping[str, str]) -> str:
    text = re.sub(r"[\r\n]+", " ", escape(report.cell(value)))  # an empty line would end the HTML
    if value in links:
        return f'<a href="{escape(links[value])}">{text}</a>'
    return re.sub(r" (\([+-][\d.]+\))$", r"<br><small>\1</small>", text)


def given(study: Study, name: str, frame: pd.DataFrame, caption: str, below: Iterable = (),
          data: pd.DataFrame | None = None, **look) -> str:  # fmt: skip
    """A `table` with what stands below it; also as CSV (`data`, if it says more) and LaTeX."""
    report.write(study.folder, name, frame.set_index(frame.columns[0]),
                 frame if data is None else data, f"{caption}. {study.stamp}", below)  # fmt: skip
    notes = "".join(f"<br>{escape(line)}" for line in below if line)
    return (f'{table(frame, caption, **look)}\n<p class="below">{_downloads(name, "csv", "tex")}'
            f"{notes}</p>")  # fmt: skip


def _downloads(name: str, *kinds: str) -> str:
    titles = {"tex": "LaTeX"}
    links = (f'<a href="files/{name}.{k}" download>{titles.get(k, k.upper())}</a>' for k in kinds)
    return f"as {' · '.join(links)}"


def pictured(study: Study, name: str, figure, alt: str, more: str = "") -> str:
    """A figure as SVG in the page; as SVG, PDF and PNG to take away, and `more` beside these."""
    plots.save(figure, study.folder, name)
    links = _downloads(name, "svg", "pdf", "png")
    return (f'<div class="picture" tabindex="0"><img src="files/{name}.svg" alt="{escape(alt)}">'
            f'</div>\n<p class="below">{links}{more}</p>')  # fmt: skip


def headline(study: Study) -> str:
    """Where the points come from, one picture a setting (none for a further one without means)."""
    parts = []
    for name, setting in study.settings.items():
        shares = points.shares(study.averages[name], study.columns[name],
                               map(study.grid.recipe, study.recipes))  # fmt: skip
        if shares.empty or parts and shares.isna().all(axis=None):
            continue
        other = study.controls if name in study.controls.settings else study
        held = points.controls(paired.gains(other.averages[name]), other.found.scores, other.grid,
                               setting, other.columns[name])  # fmt: skip
        more = ""
        for what, rows in (("shares", shares.reset_index()), ("controls", held)):
            rows.to_csv(study.folder / f"{what}-{name}.csv", index=False)
            more += f" · {what} {_downloads(f'{what}-{name}', 'csv')}"
        told = f"{points_picture.told(shares, name)}. {points_picture.strongest(held)}."
        figure = points_picture.picture(shares, held, name)
        parts.append(pictured(study, f"points-{name}", figure, told.replace("\n", " "), more))
    return "\n\n".join(parts) or "No intermediate task is in this grid."


def answer(study: Study) -> str:
    """What becomes of the mean over tasks, a sentence a setting; empty where no recipe has it."""
    return " ".join(points_picture.outcome(averages, study.columns[name], study.recipes, name)
                    for name, averages in study.averages.items())  # fmt: skip


def main_tables(study: Study) -> str:
    """The main table of every setting."""
    parts = []
    for name in study.settings:
        cells = tables.cells(study.averages[name], study.recipes, study.columns[name])
        shown, gone = report.filled(cells)
        caption = f"{name}: mean over languages, and the difference to none"
        parts.append(given(study, f"main_table-{name}", shown.reset_index(), caption,
                           [*study.notes(name), gone], data=cells))  # fmt: skip
    return "\n\n".join(parts)


def by_language(study: Study) -> tuple[str, str]:
    """(small multiples, a table of every figure with its difference to none)."""
    frames, parts = [], []
    for name, setting in study.settings.items():
        rows = tables.per_language(study.found.scores, setting, study.columns[name])
        if rows.empty:
            continue
        figure = plots.multiples(rows, tables.nearest_first(rows["lang"].unique()))
        parts.append(pictured(study, f"languages-{name}", figure,
                              f"{name}: scores by language, a panel per task"))  # fmt: skip
        frames.append(rows.assign(setting=name, gain=rows["gain"].where(rows["recipe"] != "none")))
    if not frames:
        return "No scores yet.", ""
    names = {"lang": "language", "column": "task", "recipe": "after", "value": "score",
             "gain": "difference to none", "metric": "metric", "seeds": "seeds",
             "setting": "setting"}  # fmt: skip
    every = pd.concat(frames)[list(names)].rename(columns=names)
    return "\n\n".join(parts), given(study, "languages", every, "Scores by language, means over "
                                     "seeds", [tables.PROVISIONAL], long=True)  # fmt: skip


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
    targets = dict.fromkeys(t for block in study.grid.blocks for t in block.targets)
    names, rows = {"intermediate": study.recipes, "target": list(targets)}, []
    for setting in {**study.settings, "xlmr-large": SETTINGS["xlmr-large"]}.values():
        own = names if setting.name in study.settings else PAPER
        for phase, told in (("intermediate", "intermediate task"), ("target", "fine-tuning set")):
            recipes = [recipe for recipe in map(study.grid.recipe, own[phase]) if recipe.tasks]
            rows += [{"recipe": recipe.name, "phase": told, "setting": setting.name}
                     | _numbers(resolve(recipe, setting, phase)) for recipe in recipes]  # fmt: skip
    return given(study, "hyper", pd.DataFrame(rows), "Numbers of every training", long=True)


def _numbers(found) -> dict[str, str]:
    ways: dict[str, list[str]] = {}
    for name, source in found.source.items():
        ways.setdefault(source, []).append(name)
    lasts = f"{found.updates} updates" if found.updates else f"{found.epochs:g} epochs"
    return {"learning rate": f"{found.lr:g}", "batch": str(found.batch), "duration": lasts,
            "longest input (subwords)": str(found.max_len),
            "examples": str(found.examples or "all"),
            "source": "; ".join(f"{', '.join(of)}: {source}" for source, of in ways.items())
            }  # fmt: skip


def data(study: Study) -> str:
    """Every task: where its data come from, and what its licence is said to be."""
    said = pd.read_csv(FACTS / "licences.csv", dtype=str, keep_default_na=False)
    said = said.set_index("task").to_dict("index")
    rows, links = [], {}
    for one in (*TASKS.values(), *study.grid.tasks):
        repo = next((hub.repo for hub in one.hub if not hub.local), "on no hub")
        links |= {repo: PAGES_OF + repo} if "/" in repo else {}
        told = said.get(one.name, {"licence": "not recorded", "sure": ""})
        langs = ", ".join(f"{suite} {len(codes)}" for suite, codes in one.langs.items())
        rows.append({"task": one.title, "form": points.KINDS.get(one.form, one.form),
                     "languages": langs or "English, for training", "data": repo,
                     "licence": told["licence"], "how sure": told["sure"]})  # fmt: skip
    return table(pd.DataFrame(rows), "Published data sets", long=True, links=links)


def seen(study: Study) -> str:
    """Pairs of a training and a test set of which the one holds rows of the other."""
    rows = study.found.measures
    rows = rows[rows["measure"].str.startswith("overlap_")]
    if rows.empty:
        return "Not measured: no run of `measures: [overlap]` is done."
    shares = rows.pivot_table("value", "task", "measure")
    found = shares[shares.any(axis=1)].round(1).rename_axis("training set > test set").reset_index()
    names = {"overlap_whole": "% whole", "overlap_near": "% whole or nearly"}
    caption = f"Overlap in {len(found)} of {len(shares)} pairs of sets; in the others none"
    return given(study, "overlap", found.rename(columns=names), caption)


def runs(study: Study, known: Mapping[str, Mapping], linked: Mapping[str, str]) -> tuple[str, str]:
    """(a summary, the table of all runs): what is `known` of each, and the pages of those `linked`.

    A run's state is "done", "missing" or "stale: why".
    """
    frame = pd.DataFrame([
        {"run": run, "notebook": own["notebook"], "state": own["state"],
         "outcome": own.get("headline", ""), "seconds": str(own.get("seconds", "")),
         "finished": own.get("finished", "")[:16].replace("T", " "),
         "commit": own.get("commit", "")[:9], "key": own.get("key", "")[:12]}
        for run, own in known.items()
    ]).sort_values("state", kind="stable")  # done, missing, stale  # fmt: skip
    count = frame["state"].str.partition(":")[0].value_counts()
    told = ", ".join(f"{number} {state}" for state, number in count.items())
    links = {name: f"{name}.html" for name in frame["notebook"]} | dict(linked)
    return told, given(study, "runs", frame, "Runs", long=True, links=links)


def markdown(study: Study) -> str:
    """The main tables as Markdown, for a page on a forge, below the picture if it is kept there."""
    parts = []
    if study.grid.name in snapshot.about()["grids"]:
        headline(study)
        drawn = [f"points-{name}.svg" for name in study.settings]
        parts = [f"![Where the points come from](reports/snapshot/figures/{name})"
                 for name in drawn if (study.folder / name).is_file()]  # fmt: skip
    for name in study.settings:
        cells = tables.cells(study.averages[name], study.recipes, study.columns[name])
        shown, gone = report.filled(cells)
        parts += [f"**{name}, grid {study.grid.name}: mean over languages (difference to none)**",
                  report.markdown(shown), *study.notes(name), gone]  # fmt: skip
    parts += [f"{len(study.found.missing)} evaluations missing; {study.source}."]
    return "\n\n".join(filter(None, parts))
