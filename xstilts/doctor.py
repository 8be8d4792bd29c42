"""`xstilts doctor`: whether this machine can run a grid, and what to do where it cannot.

One line a check: a mark, what was looked at, what was found, and for what is wrong the remedy.
Nothing is imported that takes long, nothing is asked of a network, nothing stays behind.
"""

import locale
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

from xstilts import profiles
from xstilts.paths import (
    ENCODERS,
    ROOT,
    UserError,
    cache_dir,
    encoder_dir,
    fetched_dir,
    hub_dir,
    runs_dir,
    text_dir,
    translated_dir,
)
from xstilts.settings import SETTINGS

ROOM = 2 * 2**30  # bytes that the demo and its environment should find free
SOCKET = 100  # characters that a socket's path may have, a few kept in reserve
NEEDED = ("torch", "transformers", "snakemake", "papermill", "ipykernel")
OK, NOTE, WRONG = "ok", "note", "WRONG"


class Finding(NamedTuple):
    """What one check found. Only what is WRONG changes the exit code."""

    state: str
    what: str
    told: str


def judged(what: str, good: bool, told: str, remedy: str) -> Finding:
    """What was found, with the remedy if it is not good."""
    return Finding(OK, what, told) if good else Finding(WRONG, what, f"{told}{remedy}")


def doctor() -> int:
    """Say what every check found; 0, or 3 if something is wrong."""
    found = [finding for check in CHECKS for finding in check()]
    for state, what, told in found:
        print(f"{state:<6}{what:<12}{told}")
    wrong = sum(finding.state == WRONG for finding in found)
    print(f"{wrong} of {len(found)} checks found something wrong" if wrong else "all is well")
    return 3 if wrong else 0


def python() -> Iterator[Finding]:
    yield Finding(OK, "Python", f"{platform.python_version()} at {sys.executable}")


def packages() -> Iterator[Finding]:
    """What is installed beside what the lock names; torch may be another build."""
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    pins = dict(re.findall(r"(?m)^([A-Za-z0-9_.-]+)==([^\s;\\]+)", lock))
    here = {name: _version(name) for name in pins}
    other = [f"{name} {here[name]} for {pin}" if here[name] else f"no {name}"
             for name, pin in pins.items() if here[name] != pin.partition("+")[0]]  # fmt: skip
    remedy = "make .venv/.stamp"
    if gone := [name for name in NEEDED if not here[name]]:
        yield Finding(WRONG, "packages", f"no {', '.join(gone)}: {remedy}")
    elif other:
        told = f"{len(other)} of {len(pins)} are not as locked ({', '.join(other[:4])}): {remedy}"
        yield Finding(NOTE, "packages", told)
    else:
        yield Finding(OK, "packages", f"{len(pins)}, as requirements.lock has them")


def _version(name: str) -> str:
    """The version of what is installed, without its build; empty if nothing is."""
    try:
        return metadata.version(name).partition("+")[0]
    except metadata.PackageNotFoundError:
        return ""


def encoders() -> Iterator[Finding]:
    """Those that ship, and those of the hub that lie here already."""
    for name in sorted({s.encoder for s in SETTINGS.values() if s.data == "world"}):
        weights = ENCODERS / name / "model.safetensors"
        size = weights.stat().st_size if weights.is_file() else 0
        remedy = f", not whole: git lfs pull, or git checkout -- {weights.parent}"
        whole = size >= 2**20  # what git-lfs leaves in its place is small
        yield judged("encoder", whole, f"{name}, {size / 1e6:.1f} MB", remedy)
    for name in sorted({s.encoder for s in SETTINGS.values() if s.data == "hub"}):
        try:
            here = encoder_dir(name) or fetched_dir("models", name).is_dir()
        except UserError:  # told below, among the data
            here = False
        told = "is here" if here else "would be fetched from the hub"
        yield Finding(OK if here else NOTE, "encoder", f"{name} {told}")


def data() -> Iterator[Finding]:
    """Where real data would come from; the synthetic world is always there."""
    for name, look, what, otherwise in (
        ("XSTILTS_HUB", hub_dir, "data sets", "from the Hugging Face hub"),
        ("XSTILTS_TEXT", text_dir, "running text", "none"),
        ("XSTILTS_TRANSLATED", translated_dir, "translations", "none"),
    ):
        try:
            folder = look()
        except UserError as error:
            yield Finding(WRONG, "data", str(error))
            continue
        if not folder:
            yield Finding(NOTE, "data", f"{what}: {otherwise}, for {name} is not set")
        elif not os.access(folder, os.R_OK | os.X_OK):
            yield Finding(WRONG, "data", f"{name}={folder} may not be read: chmod -R u+rX {folder}")
        elif not any(folder.iterdir()):
            yield Finding(WRONG, "data", f"{name}={folder} is empty: `xstilts mirror` fills one")
        else:
            yield Finding(OK, "data", f"{what} from {folder}")
    if os.environ.get("HF_HUB_OFFLINE") and not os.environ.get("XSTILTS_HUB"):
        yield Finding(NOTE, "data", "HF_HUB_OFFLINE is set: only what was fetched before is there")


def folders() -> Iterator[Finding]:
    """Whether results and what can be made again may be written, and how much room there is."""
    for what, folder, name in (("results", runs_dir, "XSTILTS_OUT"),
                               ("cache", cache_dir, "XSTILTS_CACHE")):  # fmt: skip
        try:
            path = folder()
            place = next(one for one in (path, *path.parents) if one.exists())
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(b"x")
            free = shutil.disk_usage(place).free
        except OSError as error:
            told = f"may not be written ({error.strerror}): set {name} to a folder of your own"
            yield Finding(WRONG, what, told)
            continue
        yield judged(what, free > ROOM, f"{place}, {free / 1e9:,.0f} GB free",
                     f": free some, or set {name} to another disk")  # fmt: skip


def temporary() -> Iterator[Finding]:
    home = tempfile.gettempdir()
    short = len(f"{home}/xstilts-12345678/xstilts-12345678/kernel.json-1") <= SOCKET
    yield judged("temporary", short, home,
                 " is too long a path for sockets: set TMPDIR to a short one")  # fmt: skip


def machine() -> Iterator[Finding]:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    told = f"{os.cpu_count()} cores, {memory:.0f} GB, {profiles.cores()} runs at a time"
    yield Finding(OK, "machine", told)
    gpus = len(list(Path("/proc/driver/nvidia/gpus").glob("*/information")))
    none = "none: tiny settings only (minutes); real ones would take weeks"
    yield Finding(OK, "GPU", f"{gpus}") if gpus else Finding(NOTE, "GPU", none)
    if platform.system() != "Linux":
        told = "a killed `xstilts run` may leave processes behind: look with ps"
        yield Finding(NOTE, "system", f"{platform.system()}: {told}")


def language() -> Iterator[Finding]:
    """Texts in a dozen scripts pass through the terminal and file names."""
    coding = locale.getpreferredencoding(False)
    good = coding.upper().replace("-", "") == "UTF8"
    yield judged("locale", good, coding, ", not UTF-8: export LC_ALL=C.UTF-8")


CHECKS = (python, packages, encoders, data, folders, temporary, machine, language)
