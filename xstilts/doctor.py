"""`xstilts doctor`: whether this machine can run a grid, and what to do where it cannot.

One line a check: a mark, what was looked at, what was found, and for what is wrong the remedy.
Nothing is imported that takes long, nothing is asked of a network, nothing stays behind.
"""

import contextlib
import importlib.util
import locale
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from xstilts import profiles
from xstilts.paths import (
    ENCODERS,
    ROOT,
    UserError,
    cache_dir,
    hub_dir,
    runs_dir,
    text_dir,
    translated_dir,
)
from xstilts.settings import SETTINGS

ROOM = 2 * 2**30  # bytes that the demo and its environment should find free
SOCKET = 100  # characters that a socket's path may have, a few kept in reserve
OK, NOTE, WRONG = "ok", "note", "WRONG"


@dataclass(frozen=True)
class Finding:
    """What one check found. Only what is WRONG changes the exit code."""

    state: str
    what: str
    told: str

    def __str__(self) -> str:
        return f"{self.state:<6}{self.what:<12}{self.told}"


def doctor(say=print) -> int:
    """Say what every check found; 0, or 3 if something is wrong."""
    found = [finding for check in CHECKS for finding in check()]
    for finding in found:
        say(str(finding))
    wrong = sum(finding.state == WRONG for finding in found)
    say(f"{wrong} of {len(found)} checks found something wrong" if wrong else "all is well")
    return 3 if wrong else 0


def python() -> Iterator[Finding]:
    yield Finding(OK, "Python", f"{platform.python_version()} at {sys.executable}")


def packages() -> Iterator[Finding]:
    """What is installed beside what the lock names; torch may be another build."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pins = dict(re.findall(r"(?m)^([A-Za-z0-9_.-]+)==([^\s;\\]+)", lock))
    missing, other = [], []
    for name, pinned in pins.items():
        try:
            here = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if here.partition("+")[0] != pinned.partition("+")[0]:
            other.append(f"{name} {here} for {pinned}")
    remedy = "make .venv/.stamp"
    gone = [name for name in ("torch", "transformers", "snakemake", "papermill", "ipykernel")
            if importlib.util.find_spec(name) is None]  # fmt: skip
    if gone:
        yield Finding(WRONG, "packages", f"no {', '.join(gone)}: {remedy}")
    elif missing or other:
        some = ", ".join((other + [f"no {name}" for name in missing])[:4])
        told = f"{len(missing) + len(other)} of {len(pins)} are not as locked ({some}): {remedy}"
        yield Finding(NOTE, "packages", told)
    else:
        yield Finding(OK, "packages", f"{len(pins)}, as requirements.lock has them")


def encoders() -> Iterator[Finding]:
    """Those that ship, and those of the hub that lie here already."""
    names = {s.encoder for s in SETTINGS.values() if s.data == "world"}
    for name in sorted(names):
        folder = ENCODERS / name
        weights = folder / "model.safetensors"
        if not weights.is_file() or weights.stat().st_size < 2**20:  # a pointer of git-lfs is small
            told = f"{weights} is not whole: git lfs pull, or git checkout -- {folder}"
            yield Finding(WRONG, "encoder", told)
        else:
            yield Finding(OK, "encoder", f"{name}, {weights.stat().st_size / 1e6:.1f} MB")
    for one in sorted({s.encoder for s in SETTINGS.values() if s.data == "hub"}):
        folder = hub_dir_or_none()
        here = (folder and (folder / one).is_dir()) or _cached(one).is_dir()
        told = "is here" if here else "would be fetched from the hub"
        yield Finding(OK if here else NOTE, "encoder", f"{one} {told}")


def _cached(name: str) -> Path:
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser() / "hub"
    return home / f"models--{name.replace('/', '--')}"


def hub_dir_or_none() -> Path | None:
    with contextlib.suppress(UserError):
        return hub_dir()
    return None


def data() -> Iterator[Finding]:
    """Where real data would come from; the synthetic world is always there."""
    for name, look, what in (
        ("XSTILTS_HUB", hub_dir, "data sets"), ("XSTILTS_TEXT", text_dir, "running text"),
        ("XSTILTS_TRANSLATED", translated_dir, "translations"),
    ):  # fmt: skip
        try:
            folder = look()
        except UserError as error:
            yield Finding(WRONG, "data", str(error))
            continue
        if folder and not os.access(folder, os.R_OK | os.X_OK):
            yield Finding(WRONG, "data", f"{name}={folder} may not be read: chmod -R u+rX {folder}")
        elif folder and not any(folder.iterdir()):
            yield Finding(WRONG, "data", f"{name}={folder} is empty: `xstilts mirror` fills one")
        elif folder:
            yield Finding(OK, "data", f"{what} from {folder}")
        else:
            rest = "from the Hugging Face hub" if name == "XSTILTS_HUB" else "none"
            yield Finding(NOTE, "data", f"{what}: {rest}, for {name} is not set")
    if os.environ.get("HF_HUB_OFFLINE") and not os.environ.get("XSTILTS_HUB"):
        yield Finding(NOTE, "data", "HF_HUB_OFFLINE is set: only what was fetched before is there")


def folders() -> Iterator[Finding]:
    """Whether results and what can be made again may be written, and how much room there is."""
    for what, folder, name in (("results", runs_dir, "XSTILTS_OUT"),
                               ("cache", cache_dir, "XSTILTS_CACHE")):  # fmt: skip
        try:
            place = _existing(folder())
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(b"x")
            free = shutil.disk_usage(place).free
        except OSError as error:
            told = f"may not be written ({error.strerror}): set {name} to a folder of your own"
            yield Finding(WRONG, what, told)
            continue
        state = OK if free > ROOM else WRONG
        more = "" if free > ROOM else f": free some, or set {name} to another disk"
        yield Finding(state, what, f"{place}, {free / 1e9:,.0f} GB free{more}")
    private = f"{tempfile.gettempdir()}/xstilts-12345678/xstilts-12345678/kernel.json-1"
    if len(private) > SOCKET:
        told = f"{tempfile.gettempdir()} is too long a path for sockets: set TMPDIR to a short one"
        yield Finding(WRONG, "temporary", told)
    else:
        yield Finding(OK, "temporary", tempfile.gettempdir())


def _existing(folder: Path) -> Path:
    """`folder`, or the nearest above it that is there."""
    return next(place for place in (folder, *folder.parents) if place.exists())


def machine() -> Iterator[Finding]:
    number, memory = profiles.cores(), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    gpus = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    told = f"{os.cpu_count()} cores, {memory / 2**30:.0f} GB, {number} runs at a time"
    yield Finding(OK, "machine", told)
    if not gpus:
        yield Finding(NOTE, "GPU", "none: tiny settings only (minutes); real ones would take weeks")
    else:
        yield Finding(OK, "GPU", f"{len(gpus)}")
    if platform.system() != "Linux":
        told = "a killed `xstilts run` may leave processes behind: look with ps"
        yield Finding(NOTE, "system", f"{platform.system()}: {told}")


def language() -> Iterator[Finding]:
    """Texts in a dozen scripts pass through the terminal and file names."""
    coding = locale.getpreferredencoding(False)
    if coding.upper().replace("-", "") != "UTF8":
        yield Finding(WRONG, "locale", f"{coding}, not UTF-8: export LC_ALL=C.UTF-8")
    else:
        yield Finding(OK, "locale", coding)


def work() -> Iterator[Finding]:
    """Whether a grid is at work in the results' folder."""
    import fcntl

    try:
        with (runs_dir() / ".lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Finding(OK, "at work", f"nothing, in {runs_dir()}")
    except BlockingIOError:
        yield Finding(NOTE, "at work", f"an `xstilts run`, in {runs_dir()}")
    except OSError:
        yield Finding(OK, "at work", "nothing yet")


CHECKS = (python, packages, encoders, data, folders, machine, language, work)
