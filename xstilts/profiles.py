"""Where the runs of a grid are executed: Snakemake under one of its profiles, here or on a cluster.

A profile is a folder with a `config.yaml` of Snakemake's options. Nothing here knows the runs.
"""

import contextlib
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from xstilts.launch import die_with_parent
from xstilts.paths import ROOT, BadInput, nearest, runs_dir
from xstilts.records import read_yaml

PROFILES = ROOT / "papermill_runs" / "profiles"
MEMORY = 1.5 * 2**30  # bytes that one tiny run may take at its peak
GPU = Path("/dev/nvidia0")
GRACE = 10  # seconds in which Snakemake ends its jobs before it is killed


@dataclass(frozen=True)
class Profile:
    """A profile's folder, its executor ("" on this machine), and how many runs at a time.

    With `workers` None this machine's cores decide, and elsewhere the profile.
    """

    folder: Path
    executor: str = ""
    workers: int | None = None

    @property
    def words(self) -> list[str]:
        """What Snakemake is called with."""
        limit = ["--cores", str(self.workers or cores())]
        if self.executor:
            limit = ["--jobs", str(self.workers)] if self.workers else []
        return ["--profile", str(self.folder), *limit]

    @property
    def stop(self) -> signal.Signals:
        """What ends Snakemake with its jobs; after SIGTERM it waits for those on a cluster."""
        return signal.SIGINT if self.executor else signal.SIGTERM

    def __str__(self):
        here = f"{self.workers or cores()} at a time"
        return f"as {self.executor} jobs" if self.executor else here


def read_profile(name: str, workers: int | None = None) -> Profile:
    """The profile called `name`, or in the folder `name`; BadInput if it is of no use here."""
    folder = PROFILES / name if (PROFILES / name).is_dir() else Path(name)
    if not (folder / "config.yaml").is_file():
        hint = nearest(name, [path.name for path in PROFILES.iterdir()])
        raise BadInput(f"no profile '{name}': {hint}")
    options = read_yaml(folder / "config.yaml")
    if not isinstance(options, dict):
        raise BadInput(f"{folder / 'config.yaml'}: no options for Snakemake")
    executor = options.get("executor", "local")
    plugin = f"snakemake_executor_plugin_{executor}".replace("-", "_")
    if executor != "local" and not importlib.util.find_spec(plugin):
        raise BadInput(f"profile {name}: Snakemake has no executor '{executor}' here: "
                       f"pip install snakemake-executor-plugin-{executor}")  # fmt: skip
    return Profile(folder.resolve(), "" if executor == "local" else executor, workers)


def cores() -> int:
    """Runs at a time: as the processor share and the memory given to this process allow.

    One with a GPU, which two runs would have to share.
    """
    if GPU.exists():
        return 1
    number = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    room = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        number = min(number, int(quota) // int(period))
    with contextlib.suppress(OSError, ValueError):
        room = min(room, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return max(1, min(number, int(room // MEMORY)))


def snakemake(
    words: list[str], place: Profile, log: Path, lock: int, environment: dict, look: Callable
) -> int:
    """Call Snakemake, and `look` meanwhile; its exit code. What it says is added to `log`.

    It has a session of its own and inherits `lock`, which holds while it lives.
    """
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", ROOT / "papermill_runs/Snakefile",
        "--directory", runs_dir(), *place.words, "--nolock", *words,
    ]  # fmt: skip

    def obey():
        signal.signal(place.stop, signal.SIG_DFL)  # a shell's "&" leaves it deaf to SIGINT
        die_with_parent(place.stop)

    with log.open("a") as file:
        child = subprocess.Popen(command, stdout=file, stderr=file, stdin=subprocess.DEVNULL,
                                 start_new_session=True, pass_fds=(lock,), env=environment,
                                 preexec_fn=obey)  # fmt: skip
    try:
        while child.poll() is None:
            look()
            time.sleep(0.25)
        look()
    except BaseException:
        _end(child, place.stop)
        if place.executor == "slurm":
            _cancel(log)
        raise
    return child.returncode


def _end(child: subprocess.Popen, stop: signal.Signals) -> None:
    for sign in (stop, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(GRACE)


def _cancel(log: Path) -> None:
    """Cancel by name, for Snakemake forgets jobs that it is just submitting or asking after."""
    for name in re.findall(r"SLURM run ID: (\S+)", log.read_text("utf-8")):
        with contextlib.suppress(OSError):
            subprocess.run(["scancel", "--name", name], stdin=subprocess.DEVNULL, check=False)
