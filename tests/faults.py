"""A campaign of faults: break a small grid at random moments, run it again, compare.

    python tests/faults.py --each 10 --seed 1 --log faults.log [--light]       (or: make faults)

Every round starts a grid of real, small runs in an empty folder, does one harm to it, waits for
the end, and calls `xstilts run` once more. What the grid then holds must be, byte for byte, what
an undisturbed run holds, and nothing else may be left: no process, no lock, no temporary file.
Prints a line a round and a table at the end; exit code 1 if anything was lost, changed or left.

It works in a copy of the checkout in which a training keeps its state after every step, so that
kills fall upon checkpoints too. Rounds follow from `--seed`; when exactly a harm strikes does not,
for that depends on the machine. Needs Linux. As root it also fills small disks, and gives up
root's power over permissions first.
"""

import argparse
import ctypes
import fcntl
import hashlib
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from conftest import SMALLEST, Checkout

from xstilts.paths import ENCODERS, NOTEBOOKS
from xstilts.provenance import surroundings

GRID = f"""
{SMALLEST}
seeds: [1]
recipes: [{{name: few, tasks: [mnli], epochs: 1}}]
targets: [udpos]
retrieval: true
reports: [main_table]
"""
BASE = "smallest.s1/few/"
PHASES = ("start", "encoder", "target-udpos", "zero-udpos", "retrieval", "main_table")
RESULTS = ("scores.csv", "examples.parquet", "*.tsv", "main_table-*.md", "main_table-*.csv")
MODELS = ("model.safetensors", "heads.safetensors")
DROP, OVERRIDE = 24, (1, 2)  # prctl's number; what lets root pass over permissions
PATIENCE = 1800  # seconds after which a round hangs; machines may be busy


@dataclass
class Round:
    """One harm to one grid: what it was told, when it struck, and what came of it."""

    number: int
    kind: str
    seed: int
    site: "Site"
    home: Path
    phase: str = ""
    note: str = ""
    code: int | None = None
    missed: bool = False  # the grid ended without having felt it
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.dice = random.Random(f"{self.seed} {self.kind} {self.number}")
        self.out = self.home / "out"
        self.home.mkdir(parents=True)
        self.tmp = Path(tempfile.mkdtemp(prefix="f-"))  # sockets' paths have to be short
        self.runner = None

    # -- what is there -------------------------------------------------------------------------

    def begin(self, **more) -> None:
        """Start the grid."""
        self.runner = self.site.start(self, **more)

    def processes(self) -> dict[int, str]:
        """Every process of this round by its part: they all inherit where it writes."""
        found = {}
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                ours = one.environ().get("XSTILTS_OUT") == str(self.out)
                if ours and one.status() != psutil.STATUS_ZOMBIE:
                    found[one.pid] = one.cmdline(), one.ppid()
        return {pid: _part(pid, found) for pid in found}

    def under_way(self) -> list[str]:
        """The phases that have begun and not ended."""
        found = []
        for folder in (*(self.out / f"{BASE}{name}" for name in PHASES[1:5]), self.report):
            begun, last = folder / ".work", folder / "run.json"
            if begun.exists() and not (last.exists() and "main_table" not in folder.name):
                found.append(folder.name)
        return found or ["start" if not (self.out / BASE).exists() else "between runs"]

    @property
    def report(self) -> Path:
        return self.out / "grid" / "main_table"

    def ended(self) -> bool:
        return self.runner.poll() is not None

    # -- when ----------------------------------------------------------------------------------

    def wait_for_a_moment(self) -> None:
        """Until a random moment of a random phase."""
        phase = PHASES[self.number % len(PHASES)]
        while phase != "start" and not self.ended() and phase not in self.under_way():
            time.sleep(0.02)
        time.sleep(self.dice.uniform(0, 3 if phase == "start" else 2))
        self.phase = "+".join(self.under_way())

    def listen(self, when: str = "") -> str:
        """What the runner says until it ends."""
        try:
            return self.runner.communicate(timeout=PATIENCE)[0]
        except subprocess.TimeoutExpired:
            self.wrong.append(f"hangs{when}")
            self.strike(*self.processes())
            return self.runner.communicate()[0]

    def wait_for_the_end(self) -> None:
        """Of the runner, then of all that it started."""
        said = self.listen()
        self.code = self.runner.returncode
        (self.home / "said").write_text(said)
        if "Traceback" in said:
            self.wrong.append("traceback")
        if left := self.lingering():
            self.wrong.append(f"processes left: {Counter(left.values())}")
            self.strike(*left)

    def lingering(self) -> dict[int, str]:
        """The processes that do not end within 20 seconds."""
        until = time.time() + 20
        while self.processes() and time.time() < until:
            time.sleep(0.1)
        return self.processes()

    def strike_all(self) -> None:
        """Kill every process, those that come meanwhile too."""
        while pids := self.processes():
            self.strike(*pids)

    def strike(self, *pids: int, sign: int = signal.SIGKILL) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, sign)

    # -- what came of it -----------------------------------------------------------------------

    def recover(self) -> None:
        """Call the command again, which must end well and leave what nothing disturbed leaves."""
        self.begin()
        said = self.listen(" when called again")
        (self.home / "said.again").write_text(said)
        if self.runner.returncode:
            self.wrong.append(f"exit {self.runner.returncode} when called again: {_last(said)}")
        self.compare()
        self.wrong += leftovers(self)
        shutil.rmtree(self.tmp, ignore_errors=True)

    def compare(self) -> None:
        mine, whole = results(self.out), self.site.undisturbed
        lost = [name for name in whole if name not in mine]
        changed = [name for name in whole if mine.get(name, whole[name]) != whole[name]]
        self.wrong += [f"{len(lost)} lost: {lost[0]}"] if lost else []
        self.wrong += [f"{len(changed)} changed: {changed[0]}"] if changed else []

    def line(self) -> str:
        verdict = "; ".join(self.wrong) or "same"
        return (f"{self.number:4} {self.kind:10} seed {self.seed} during {self.phase or '-':26} "
                f"exit {self.code}  {self.note:44} {verdict}")  # fmt: skip


def _part(pid: int, found: dict[int, tuple[list[str], int]]) -> str:
    """What a process is in the play."""
    mine, above = found[pid]
    if "--serve" in mine:
        depth = 0  # of forks below the parent
        while "--serve" in found.get(above, ([], 0))[0]:
            depth, above = depth + 1, found[above][1]
        return ("parent", "driver", "kernel")[min(depth, 2)]
    if "snakemake" in mine:
        return "snakemake"
    if "xstilts.launch" in mine:
        return "client"
    return "runner" if "xstilts" in mine and "run" in mine else "other"


def _last(said: str) -> str:
    return (said.strip().splitlines() or [""])[-1][:150]


def results(out: Path) -> dict[str, str]:
    """Hashes of all that a grid found: tables, answers, weights."""
    files = (path for name in (*RESULTS, *MODELS) for path in out.rglob(name))
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(files)}  # fmt: skip


def leftovers(one: Round) -> list[str]:
    """What should not be there once a grid has ended."""
    left = one.lingering()
    found = [f"processes left in the end: {Counter(left.values())}"] if left else []
    stray = [path for folder in (one.out, one.site.cache) for path in folder.rglob("*")
             if re.search(r"\.part$|^\.(?!grids|lock|snakemake)|^failed\.txt$", path.name)
             and ".snakemake" not in path.parts]  # fmt: skip
    stray += [path for path in one.tmp.iterdir() if not path.name.startswith("torchinductor_")]
    if stray:
        found.append(f"{len(stray)} files left: {stray[0]}")
    with (one.out / ".lock").open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found.append("the lock is held")
    return found


class Site:
    """A copy of the checkout, and what its grid holds when nothing disturbs it."""

    def __init__(self, root: Path, real: bool = True):
        self.root, self.cache = root, root / "cache"
        self.place = root / "code"
        self.checkout = Checkout(self.place)
        if not real:
            self._do_next_to_nothing()
        else:
            home = self.place / "xstilts/encoders/tiny-mbert"
            shutil.copytree(ENCODERS / "tiny-mbert", home, dirs_exist_ok=True)
            for path in NOTEBOOKS.glob("*.ipynb"):
                shutil.copy(path, self.place / "notebooks")
            loop = self.place / "xstilts/loop.py"
            text = re.sub(r"(?m)^(SAVE_EVERY|SAVE_SHARE) = \d+", r"\1 = 0", loop.read_text())
            loop.write_text(text)
        self.checkout.grid(GRID if real else GRID.replace("tiny-mbert", "tiny-xlmr"), "grid")
        self.undisturbed: dict[str, str] = {}

    def _do_next_to_nothing(self) -> None:
        """Notebooks that wait a moment and leave little, and a parent that is ready at once."""
        for path in (self.place / "notebooks").iterdir():
            text = path.read_text().replace("run = open_run", "import time\\nrun = open_run")
            path.write_text(text.replace("run.save(", "time.sleep(0.7)\\nrun.save("))
        launch = self.place / "xstilts/launch.py"
        light = 'LIBRARIES = ("pandas", "ipykernel.kernelapp", "papermill")'
        text, n = re.subn(r"(?s)^LIBRARIES = \(.*?\n\)", light, launch.read_text(), flags=re.M)
        assert n == 1
        launch.write_text(text)

    def start(self, one: Round, limit: int | None = None, workers: int = 2) -> subprocess.Popen:
        """`xstilts run` on the grid; `limit` is the most bytes that a file may have."""
        more = {"XSTILTS_OUT": str(one.out), "XSTILTS_CACHE": str(self.cache),
                "TMPDIR": str(one.tmp), "HOME": str(self.root), "OMP_NUM_THREADS": "1"}  # fmt: skip

        def humble():
            for power in OVERRIDE:
                ctypes.CDLL(None).prctl(DROP, power)
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        return subprocess.Popen(
            [sys.executable, "-m", "xstilts", "run", "grid.yaml", "--workers", str(workers)],
            cwd=self.place, env=self.checkout.environment(**more), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            start_new_session=True, preexec_fn=humble,
        )  # fmt: skip

    def learn(self) -> float:
        """Run the grid without any harm; seconds taken."""
        one = Round(0, "none", 0, self, self.root / "undisturbed")
        began = time.time()
        one.begin()
        said, _ = one.runner.communicate()
        if one.runner.returncode:
            raise SystemExit(f"the undisturbed grid fails:\n{said}")
        self.undisturbed = results(one.out)
        if wrong := leftovers(one):
            raise SystemExit(f"the undisturbed grid leaves things behind: {wrong}")
        shutil.rmtree(one.tmp)
        return time.time() - began


# -- harms -----------------------------------------------------------------------------------------


def kill(part: str):
    """Kill one process that plays this part; the next that comes, if there is none now."""

    def harm(one: Round) -> None:
        one.begin()
        one.wait_for_a_moment()
        while not one.ended():
            pids = sorted(pid for pid, what in one.processes().items() if what == part)
            if pids:
                one.phase = "+".join(one.under_way())
                one.strike(one.dice.choice(pids))
                break
            time.sleep(0.02)
        else:
            one.note = "came too late"
        one.wait_for_the_end()

    return harm


def everything(one: Round) -> None:
    """All at once, as when the machine loses power."""
    one.begin()
    one.wait_for_a_moment()
    one.strike_all()
    one.wait_for_the_end()


def interrupt(one: Round) -> None:
    """Ctrl-C, or what a batch system sends."""
    one.begin()
    time.sleep(1.5)  # until Python listens
    one.wait_for_a_moment()
    sign = one.dice.choice([signal.SIGINT, signal.SIGTERM])
    one.note = sign.name
    one.strike(one.runner.pid, sign=sign)
    one.wait_for_the_end()
    if one.code not in (130, 0):
        one.wrong.append(f"exit {one.code} after {sign.name}")


def saving(one: Round) -> None:
    """Kill the kernel while it writes a file of its training's state, or the model."""
    one.begin()
    one.missed = True
    wanted = one.dice.choice([".state.", ".model.", "state.safetensors"])
    skip = one.dice.randrange(3)
    while not one.ended():
        found = []
        with suppress(FileNotFoundError):  # a folder went while it was looked through
            found = [p for p in one.out.rglob(f"{wanted}*") if ".snakemake" not in p.parts]
        if not found:
            time.sleep(0.001)
        elif skip and wanted != ".model.":
            skip -= 1
            time.sleep(0.05)
        else:
            one.phase, one.note = "+".join(one.under_way()), f"while {found[0].name} was there"
            pids = one.processes()
            one.strike(*(pid for pid, part in pids.items() if part in ("kernel", "driver")))
            one.missed = False
            break
    one.wait_for_the_end()


def full(one: Round) -> None:
    """No room: a small disk (root), or a limit on the size of a file."""
    small = one.number % 2 and _mounted(one)
    limit = int(10 ** one.dice.uniform(3, 6.5))
    one.note = one.note if small else f"no file over {limit:,} bytes"
    one.begin(limit=None if small else limit)
    one.wait_for_the_end()
    said = (one.home / "said").read_text()
    if one.code == 0:
        one.note += ", enough"
        one.missed = True
    elif not re.search("no space|No space|File too large|killed or never begun", said):
        one.wrong.append(f"does not say that room lacks: {_last(said)}")
    if small:
        _copied_off(one)


def _mounted(one: Round) -> bool:
    size = int(10 ** one.dice.uniform(4.5, 7.3))
    one.out.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", one.out]
    if os.geteuid() or subprocess.run(words, capture_output=True).returncode:
        return False
    one.note = f"a disk of {size:,} bytes"
    return True


def _copied_off(one: Round) -> None:
    """What the small disk held, in a folder with room."""
    kept = one.home / "kept"
    shutil.copytree(one.out, kept, symlinks=True)
    subprocess.run(["umount", "-l", one.out], check=True)
    one.out.rmdir()
    kept.rename(one.out)


def forbidden(one: Round) -> None:
    """Take away the right to write a folder, at a random moment; give it back afterwards."""
    one.begin()
    one.wait_for_a_moment()
    folders = [path for path in (one.out, *one.out.rglob("*")) if path.is_dir()]
    folder = one.dice.choice(folders) if folders else one.home
    one.note = f"may not write {folder.relative_to(one.home)}"[:44]
    mode = folder.stat().st_mode
    folder.chmod(0o555)
    one.wait_for_the_end()
    if folder.exists():
        folder.chmod(mode)


def cut(one: Round) -> None:
    """Cut a file short after the end, or after a power cut: a disk that lost what it held."""
    one.begin()
    if one.number % 2:
        one.wait_for_a_moment()
        one.strike_all()
    one.wait_for_the_end()
    files = [path for path in sorted(one.out.rglob("*"))
             if path.is_file() and path.stat().st_size
             and not {".snakemake", ".grids", "snakemake.log"} & {*path.parts}]  # fmt: skip
    cached = [path for path in sorted(one.site.cache.rglob("*.*")) if path.stat().st_size]
    path = one.dice.choice(one.dice.choice([some for some in (files, files, cached) if some]))
    size = int(path.stat().st_size * one.dice.choice([0, one.dice.random(), 0.99]))
    one.phase = one.phase or "after the end"
    one.note = f"{path.name} cut to {size} of {path.stat().st_size}"
    os.truncate(path, size)


def twice(one: Round) -> None:
    """Start the same grid again while it runs: the second is refused, the first unharmed."""
    one.begin()
    first = one.runner
    one.wait_for_a_moment()
    one.begin()
    second = one.runner
    said, _ = second.communicate(timeout=PATIENCE)
    one.runner = first
    one.wait_for_the_end()
    codes = {first.returncode, second.returncode}
    one.note = f"exits {first.returncode} and {second.returncode}"
    refused = "another `xstilts run`" in said + (one.home / "said").read_text()
    if codes != {0, 2} and codes != {0} or (2 in codes and not refused):
        one.wrong.append(f"{one.note}: {_last(said)}")


HARMS = {
    "runner": kill("runner"),
    "snakemake": kill("snakemake"),
    "parent": kill("parent"),
    "driver": kill("driver"),
    "kernel": kill("kernel"),
    "client": kill("client"),
    "everything": everything,
    "interrupt": interrupt,
    "saving": saving,
    "full": full,
    "forbidden": forbidden,
    "cut": cut,
    "twice": twice,
}


def campaign(home: Path, kinds, each: int, seed: int, log, real: bool = True) -> list[Round]:
    """`each` rounds of every kind, the kinds taking turns; a line of each goes to `log`."""
    site = Site(home, real)
    log(f"undisturbed: {site.learn():.0f} seconds, {len(site.undisturbed)} files")
    done = []
    for number in range(each * len(kinds)):
        kind = kinds[number % len(kinds)]
        one = Round(number // len(kinds), kind, seed, site, home / f"{number}")
        began = time.time()
        HARMS[kind](one)
        one.recover()
        log(f"{one.line()}  ({time.time() - began:.0f} s)")
        done.append(one)
        if not one.wrong:
            shutil.rmtree(one.home)
    return done


def summary(done: list[Round]) -> str:
    """How many faults of each kind, over which phases, and what was lost."""
    lines, struck = [], [one for one in done if not one.missed]
    for kind in dict.fromkeys(one.kind for one in done):
        mine = [one for one in struck if one.kind == kind]
        lines.append(f"{kind:10} {len(mine):4} faults, {sum(bool(o.wrong) for o in mine)} wrong")
    phases = Counter(part for one in done for part in one.phase.split("+") if part)
    lines.append("struck during: " + ", ".join(f"{n} {name}" for name, n in phases.most_common()))
    wrong = sum(bool(one.wrong) for one in done)
    lines.append(f"{len(struck)} faults, {wrong} wrong; {len(done) - len(struck)} rounds missed")
    return "\n".join(lines)


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--each", type=int, default=10, help="rounds of every kind")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--kinds", default=",".join(HARMS))
    words.add_argument(
        "--light", action="store_true", help="notebooks that do next to nothing: four times as fast"
    )
    words.add_argument("--log", type=Path, default=Path("faults.log"))
    words.add_argument("--home", type=Path, help="where to work; kept if anything went wrong")
    given = words.parse_args()
    home = given.home or Path(tempfile.mkdtemp(prefix="faults-"))
    home.mkdir(parents=True, exist_ok=True)
    with given.log.open("a", buffering=1) as file:

        def log(text: str) -> None:
            print(text, flush=True)
            print(text, file=file)

        commit = surroundings()["commit"][:9]
        log(f"{time.strftime('%Y-%m-%d')}, commit {commit}: faults.py {' '.join(sys.argv[1:])}")
        done = campaign(home, given.kinds.split(","), given.each, given.seed, log, not given.light)
        log(summary(done))
    return int(any(one.wrong for one in done))


if __name__ == "__main__":
    sys.exit(main())
