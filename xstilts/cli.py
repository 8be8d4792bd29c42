"""The command line: `xstilts plan`, `run`, `report`, `score`, `export`, `recommend`, `mirror`
and `doctor`.

Exit codes: 0 all is well, 1 a run failed, 2 bad input, 3 data or an encoder is missing,
130 interrupted. Errors are one line that names the remedy. Imports neither torch nor pandas.
"""

import argparse
import signal
import sys
from collections import Counter
from pathlib import Path

from xstilts.files import write_json
from xstilts.grid import Run, lacking
from xstilts.grid import plan as planned
from xstilts.gridfile import Grid, read, restrict
from xstilts.languages import SUITES
from xstilts.paths import BadInput, UserError

PHASES = {
    "model": "encoders",
    "temp": "fine-tunings",
    "scores": "evaluations",
    "measures": "measurements",
    "report": "reports",
}


def main(words: list[str] | None = None) -> int:
    """The console script; returns the exit code."""
    try:
        given = parser().parse_args(words)
        return given.act(given)
    except UserError as error:
        print(f"xstilts: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("xstilts: interrupted; the same command resumes from here", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def parser() -> argparse.ArgumentParser:
    top = _Parser(prog="xstilts", description="Intermediate-task training and zero-shot transfer.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(act, text: str, grid: bool = True) -> argparse.ArgumentParser:
        one = commands.add_parser(act.__name__, help=text, description=text)
        one.set_defaults(act=act)
        if grid:
            one.add_argument("grid", metavar="GRID", help="a stock grid's name, or a YAML file")
        return one

    show = command(plan, "what a grid would run, what is done, what is missing")
    execute = command(run, "execute a grid; results that exist already are kept")
    for one in (show, execute):
        one.add_argument("--settings", type=names, metavar="A,B", help="only these settings")
        one.add_argument("--seeds", type=numbers, metavar="1,2", help="only these seeds")
    show.add_argument("-l", "--list", action="store_true", help="one line per run")
    show.add_argument("--probe", action="store_true",
                      help="measure this machine first, about a minute per encoder")  # fmt: skip
    where = "where: laptop, slurm, or a folder of your own (default: %(default)s)"
    execute.add_argument("--profile", default="laptop", metavar="NAME", help=where)
    execute.add_argument("--workers", type=count, metavar="N", help="runs at a time")
    execute.add_argument("--redo", action="store_true", help="repeat stale results")

    publish = command(report, "build the site of a grid, finished or not")
    publish.add_argument("--to", type=Path, metavar="FOLDER",
                         help="where to write (default: reports/site)")  # fmt: skip

    judge = command(score, "score a folder of predictions as XTREME's script does", False)
    judge.add_argument("predictions", type=Path, metavar="PREDICTIONS",
                       help="a folder of <task>/test-<language> files")  # fmt: skip
    judge.add_argument("labels", type=Path, metavar="LABELS", help="the same with right answers")
    judge.add_argument("--suite", choices=(*SUITES, "world"), default=SUITES[0],
                       help="whose languages and averages (default: %(default)s)")  # fmt: skip
    judge.add_argument("--json", type=Path, metavar="OUT", help="every score, in this file")

    submit = command(export, "a run's answers in XTREME's layout, for the leaderboard")
    submit.add_argument("--setting", required=True)
    submit.add_argument("--recipe", required=True)
    submit.add_argument("--seed", required=True, type=int)
    advise = command(recommend, "which intermediate task to use, and how certain that is", False)
    advise.add_argument("target", metavar="TARGET", help="a target task, or a fine-tuning set")
    advise.add_argument("--grid", default="core", metavar="GRID",
                        help="whose results are read (default: %(default)s)")  # fmt: skip
    advise.add_argument("--setting", metavar="NAME", help="only this setting")
    command(doctor, "check whether this machine can run a grid; say what to do if not", False)
    fetch = command(mirror, "fetch all data that a grid needs, for use without a network")
    for one in (submit, fetch):
        one.add_argument("--to", type=Path, required=True, metavar="FOLDER", help="where to write")
    return top


def plan(given) -> int:
    """Runs and training volume per phase; disk, time, smallest detectable gain; totals last."""
    from xstilts import outlook
    from xstilts.provenance import standing

    grid, runs = _some(given)
    states, without = standing(runs), lacking(runs)

    def state(run: Run) -> str:
        if run.id in without:
            return "no data"
        why = states.get(run.id, "")
        known = {"": "done", "missing": "to do", "damaged": "to do"}
        return known.get(why.partition(" ")[0], "stale")

    counts = {run.id: state(run) for run in runs if run.leaves != "report"}
    if given.list:
        for run in runs:
            more = without.get(run.id) or counts.get(run.id, "")
            print(f"{run.id:<40} {run.notebook:<18} {more}")
        print()
    if given.probe:
        outlook.probe(grid, runs)
    speeds, costs = outlook.reckon(grid, runs)
    kinds = ("to do", "done", "stale", "no data")
    heads = "".join(f"{kind:>9}" for kind in kinds)
    print(f"{'':14}{'runs':>7}{heads}{'examples':>16}{'updates':>12}")
    for kind, title in PHASES.items():
        part = [run for run in runs if run.leaves == kind]
        row = Counter(counts.get(run.id) for run in part)
        if part:
            line = f"{title:14}{len(part):7,}" + "".join(f"{row[k] or '':>9}" for k in kinds)
            examples, updates = (outlook.number(costs[r.id][i] for r in part) for i in (0, 1))
            print(f"{line}{examples:>16}{updates:>12}".rstrip())
    print(outlook.disk(runs, costs))
    print(outlook.time([r for r in runs if counts.get(r.id, "done") != "done"], costs, speeds))
    print(*outlook.contrasts(grid, runs, states), sep="\n")
    total = Counter(counts.values())
    words = ", ".join(f"{total[kind]:,} {kind}" for kind in kinds if total[kind])
    print(f"{grid.name}: {len(runs):,} runs: {words}")
    return 0


def run(given) -> int:
    """Execute the grid."""
    from xstilts.batch import run_grid

    grid, _ = _some(given)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leaves nothing behind either
    return run_grid(grid, profile=given.profile, workers=given.workers, redo=given.redo)


def _some(given) -> tuple[Grid, tuple[Run, ...]]:
    """The grid asked for, and its runs; BadInput if it plans none."""
    grid = restrict(read(given.grid), given.settings, given.seeds)
    if not (runs := planned(grid)):
        raise BadInput(f"{grid.where}: nothing to run: give targets, retrieval or other recipes")
    return grid, runs


def report(given) -> int:
    """Build the site and print the path of its first page."""
    from xstilts.site import build

    print(f"open {build(given.grid, given.to)}")
    return 0


def score(given) -> int:
    """Averages, then every task by language; what was left out or is doubtful goes to stderr."""
    from xstilts import scoring
    from xstilts.tasks import TASKS

    doubts: list[str] = []
    found = scoring.score_folder(
        given.predictions, given.labels, given.suite, TASKS.values(), doubts.append
    )
    note = scoring.NOTES.get(given.suite)
    if given.json:
        write_json(given.json, found | ({"note": note} if note else {}))
    print(scoring.table(found))
    if note:
        print(f"\n{note}")
    for line in doubts:
        print(f"xstilts: {line}", file=sys.stderr)
    return 0


def export(given) -> int:
    """Predictions and labels of one setting, recipe and seed."""
    from xstilts.export import export

    export(given.grid, given.setting, given.recipe, given.seed, given.to)
    return 0


def recommend(given) -> int:
    """A table of gains for one target, and what follows from it."""
    from xstilts.recommend import recommend

    for line in recommend(given.target, given.grid, given.setting):
        print(line)
    return 0


def mirror(given) -> int:
    """A folder for XSTILTS_HUB."""
    from xstilts.mirror import mirror

    return mirror(read(given.grid), given.to)


def doctor(given) -> int:
    """One line per requirement of a grid on this machine."""
    from xstilts.doctor import doctor

    return doctor()


class _Parser(argparse.ArgumentParser):
    def error(self, message):
        raise BadInput(f"{message}; see `{self.prog} --help`")


# Types of arguments


def names(text: str) -> list[str]:
    if not (words := [word for word in text.split(",") if word]):
        raise argparse.ArgumentTypeError(f"expected names separated by commas, got '{text}'")
    return words


def numbers(text: str) -> list[int]:
    try:
        return [int(word) for word in names(text)]
    except (ValueError, argparse.ArgumentTypeError):
        wanted = f"expected whole numbers separated by commas, got '{text}'"
        raise argparse.ArgumentTypeError(wanted) from None


def count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected 1 or more, got '{text}'")
    return number


if __name__ == "__main__":
    sys.exit(main())
