"""Run a grid: one lock, Snakemake underneath, a line for every finished run.

Snakemake decides what can start when, its profile where; which results are out of date is decided
before, by `provenance.standing`. Nothing here knows what a notebook does.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from xstilts import launch, provenance
from xstilts.checksums import DAMAGED, damage
from xstilts.execute import quiet
from xstilts.files import read_record, told, write_json
from xstilts.grid import Run, lacking, plan, pretrained
from xstilts.gridfile import Grid, freeze
from xstilts.paths import BadInput, MissingData, UserError, runs_dir
from xstilts.profiles import GPU, Profile, read_profile, snakemake
from xstilts.provenance import standing
from xstilts.runs import start

FEW = 3  # runs whose own imports take no longer than the parent's
ROOM = 2**20  # bytes; with fewer left, that is why nothing can be written
SHORT = 55  # characters of a temporary folder's path, for those of sockets in it have a limit
FOLDERS = ("XSTILTS_HUB", "XSTILTS_TEXT", "XSTILTS_TRANSLATED", "XSTILTS_CACHE", "XSTILTS_OUT")


def run_grid(
    grid: Grid, *, profile: str = "laptop", workers: int | None = None, redo: bool = False
) -> int:
    """Execute what `grid` plans and is not there yet; 0, or 1 if a run failed.

    Raises UserError if another process is at work, or if results are stale and not to be redone.
    """
    place = read_profile(profile, workers)
    runs = plan(grid)
    without = lacking(runs)
    for one in grid.used.values():
        if not pretrained(one):
            start(one)  # is it there?
    work = [run.id for run in runs if run.leaves != "report"]
    if work and without.keys() >= set(work):
        raise MissingData(f"{grid.name}: nothing can run ({without[work[0]]})")
    with locked(runs_dir()) as lock, scratch(place) as environment:
        _freshen(runs, redo)
        frozen = runs_dir() / ".grids" / f"{grid.name}.json"
        write_json(frozen, freeze(grid))
        todo = waiting([run for run in runs if run.id not in without])
        began = time.time()
        failed = _work(todo, frozen, place, lock, environment) if todo else []
    _close(runs, without, len(todo), failed, time.time() - began)
    return 1 if failed else 0


def waiting(runs: Iterable[Run]) -> list[Run]:
    """The runs that have to be executed; a fine-tuned model only if somebody still reads it."""
    runs = {run.id: run for run in runs}
    done = {i: _whole(run) for i, run in runs.items()}
    wanted: set[str] = set()
    for run in reversed(runs.values()):  # users come after what they need
        if not done[run.id] and (run.leaves != "temp" or run.id in wanted):
            wanted |= {run.id, *(need for need in run.needs if need in runs)}
    changed = {i for i in wanted if not done[i]}
    for run in runs.values():
        if run.leaves == "report" and changed & set(run.needs):
            changed.add(run.id)
    return [run for run in runs.values() if run.id in changed]


def _whole(run: Run) -> bool:
    """Whether the run left what it should and, last of all, its record."""
    record = runs_dir() / run.id / "run.json"
    return (runs_dir() / run.product).exists() and (run.leaves == "report" or record.is_file())


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold `folder` alone; the lock is the operating system's and dies with its last holder."""
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("a+")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"{folder}: another `xstilts run` is at work; wait for it") from None
        yield lock.fileno()


@contextlib.contextmanager
def scratch(place: Profile) -> Iterator[dict[str, str]]:
    """The environment of the jobs, with a private folder for what those of this machine put aside.

    It is gone when they have ended. Its name follows from the output folder, which is held alone,
    so what one that was killed left there goes, too.
    """
    environment = dict(os.environ)
    for name in FOLDERS:  # the jobs have other working directories, and perhaps machines
        if os.environ.get(name):
            environment[name] = str(Path(os.environ[name]).expanduser().resolve())
    if place.executor:
        yield environment
        return
    home = tempfile.gettempdir() if len(tempfile.gettempdir()) <= SHORT else "/tmp"
    own = hashlib.sha256(f"{os.getuid()} {runs_dir()}".encode()).hexdigest()[:8]
    private = Path(home, f"xstilts-{own}")
    shutil.rmtree(private, ignore_errors=True)
    with told(private):
        private.mkdir(0o700)
    try:
        yield environment | {"TMPDIR": str(private)}
    finally:
        shutil.rmtree(private, ignore_errors=True)


def _freshen(runs: tuple[Run, ...], redo: bool) -> None:
    """Refuse results that were made from something else than there is now, or remove them."""
    stale = {name: why for name, why in standing(runs).items() if why not in ("", "missing")}
    damaged = [name for name, why in stale.items() if why.startswith(DAMAGED)]
    for name in damaged:  # its inputs are as they were, so it comes out as it was
        print(f"made again: {name} ({stale.pop(name)})")
        shutil.rmtree(runs_dir() / name)
    if stale and not redo:
        name, why = next(iter(stale.items()))
        raise BadInput(
            f"{len(stale)} results are out of date, such as {name} ({why} changed): "
            "make them again with --redo, or choose another folder by XSTILTS_OUT"
        )
    for name in stale:
        shutil.rmtree(runs_dir() / name)
    for run in runs:
        if run.leaves == "report":  # cheap, so made again without a word
            old = read_record(runs_dir() / run.id).get("made_from")
            changed = old and provenance.differing(old, provenance.made_from(run))
            if changed or damage(runs_dir() / run.id):
                (runs_dir() / run.product).unlink(missing_ok=True)


def _work(todo: list[Run], frozen: Path, place: Profile, lock: int, environment) -> list[str]:
    """Execute `todo`, telling how each run came out; returns the ids of those that failed."""
    print(f"{len(todo)} runs, {place}, in {_short(runs_dir())}", flush=True)
    told_of = Progress(todo)
    for run in todo:
        (runs_dir() / run.id / "failed.txt").unlink(missing_ok=True)
    log = runs_dir() / "snakemake.log"
    log.unlink(missing_ok=True)

    def call(rule: str, *config: str) -> int:
        words = [rule, "--config", f"grid={frozen}", *config]
        return snakemake(words, place, log, lock, environment, told_of.look)

    with ready_parent(todo, place, environment):
        code = call("all")
        if code == 1:  # others mean that Snakemake itself went wrong
            told_of.bury(log)
        if told_of.failed and any(run.leaves == "report" for run in todo):
            call("reports", "partial=yes")
    if code and not told_of.failed:
        last = [line for line in log.read_text("utf-8").splitlines() if line.strip()]
        raise UserError(f"snakemake stopped, see {log}: {last[-1] if last else 'it said nothing'}")
    return told_of.failed


@contextlib.contextmanager
def ready_parent(todo: list[Run], place: Profile, environment: dict[str, str]) -> Iterator[None]:
    """A process with the imports behind it, which forks the runs (see `launch`).

    Only where that pays and is safe: not for a few runs, not with GPUs. It gets ready while
    Snakemake does; the first runs wait in its queue.
    """
    if place.executor or len(todo) <= FEW or GPU.exists() or not hasattr(os, "fork"):
        yield
        return
    offline = all(run.setting is None or run.setting.data == "world" for run in todo)
    path = f"{environment['TMPDIR']}/parent"
    with launch.parent(path, environment | quiet(offline)):
        environment["XSTILTS_PARENT"] = path
        yield


class Progress:
    """Prints a line for each run as it ends, from what the runs leave in their folders."""

    def __init__(self, todo: list[Run]):
        self.began, self.pending, self.failed = time.time(), list(todo), []
        self.total = len(todo)
        self.before = {run.id: _stamp(run) for run in todo}  # no clock: nodes have their own

    def look(self) -> None:
        """Tell of the runs that have ended since the last look."""
        for run in list(self.pending):
            folder = runs_dir() / run.id
            if (folder / "failed.txt").is_file():
                self._fail(run, (folder / "failed.txt").read_text("utf-8").strip())
            elif _stamp(run) not in (None, self.before[run.id]):
                self._tell(run, read_record(folder).get("headline") or "done")

    def bury(self, log: Path) -> None:
        """After the end: what had all it needed and left nothing was killed without a word."""
        for run in list(self.pending):
            waited = {other.id for other in self.pending} | set(self.failed)
            if not waited & set(run.needs):
                full = shutil.disk_usage(runs_dir()).free < ROOM
                why = "no space left on the disk" if full else "memory? time? quota?"
                self._fail(run, f"killed or never begun ({why}), see {_short(log)}")

    def _fail(self, run: Run, words: str) -> None:
        self.failed.append(run.id)
        self._tell(run, f"FAILED  {words}")

    def _tell(self, run: Run, words: str) -> None:
        self.pending.remove(run)
        seconds = int(time.time() - self.began)
        count = f"{self.total - len(self.pending):{len(str(self.total))}}/{self.total}"
        print(f"[{count}] {seconds // 60:3}:{seconds % 60:02}  {run.id:<36} {words}", flush=True)


def _stamp(run: Run) -> int | None:
    """When a run's last file was written, by the file system's clock."""
    last = runs_dir() / (run.product if run.leaves == "report" else f"{run.id}/run.json")
    with contextlib.suppress(FileNotFoundError):
        return last.stat().st_mtime_ns


def _close(runs, without, executed: int, failed: list[str], seconds: float) -> None:
    """What was done, what was not and why, and where to open what came of it."""
    for reason in dict.fromkeys(without.values()):
        names = [name for name, why in without.items() if why == reason]
        print(f"not run: {len(names)} ({reason}), such as {names[0]}")
    for name in failed:
        print(f"failed: {name}, see {_short(runs_dir() / name / 'notebook.ipynb')}")
    missing = [run.id for run in waiting([r for r in runs if r.id not in without])]
    if behind := set(missing) - set(failed):
        print(f"not run: {len(behind)} that build on failed ones")
    took = f" in {int(seconds) // 60}:{int(seconds) % 60:02}" if executed else ", nothing to do"
    print(f"{len(runs) - len(without) - len(missing)} of {len(runs)} runs are done{took}")
    for run in runs:
        if run.leaves == "report" and (runs_dir() / run.product).is_file():
            print(f"open {_short(runs_dir() / run.product)}")


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
