"""Where things lie, and the errors a user may see.

The only module that knows folders. It reads the environment when asked, never at import,
so a test or a notebook may change it. It creates nothing but the cache folder.
"""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent  # the checkout
PACKAGE = ROOT / "xstilts"
NOTEBOOKS = ROOT / "notebooks"
ENCODERS = PACKAGE / "encoders"
FACTS = PACKAGE / "facts"
GRIDS = ROOT / "papermill_runs" / "grids"
REPORTS = ROOT / "reports"

TABLES = (".parquet", ".jsonl", ".csv", ".tsv")  # suffixes of what can be read


class UserError(Exception):
    """Something the user can mend: one clear line that names the thing and the remedy."""

    exit_code = 2


class BadInput(UserError):
    """A name, type, row or file that cannot be what was meant (exit code 2)."""


class MissingData(UserError):
    """A data set, encoder or folder that is not there (exit code 3)."""

    exit_code = 3


class Unreachable(MissingData):
    """The hub does not answer, and the cache of what was fetched before does not have it."""


KINDS = {kind.__name__: kind for kind in (UserError, BadInput, MissingData, Unreachable)}


def nearest(word: str, known) -> str:
    """`did you mean ...?` for an unknown name, or the known names when none is near."""
    from difflib import get_close_matches

    known = sorted(map(str, known))
    close = get_close_matches(str(word), known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(known) or 'none'}"


def runs_dir() -> Path:
    """Executed runs: `papermill_runs/out` in the checkout, or `XSTILTS_OUT`."""
    return _folder("XSTILTS_OUT") or ROOT / "papermill_runs" / "out"


def cache_dir() -> Path:
    """What can be made again: `~/.cache/xstilts`, or `XSTILTS_CACHE`."""
    folder = _folder("XSTILTS_CACHE") or Path.home() / ".cache" / "xstilts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def encoder_dir(name: str) -> Path | None:
    """An encoder's folder: one that ships, the user's own, or one in XSTILTS_HUB."""
    homes = filter(None, (ENCODERS, Path(), hub_dir()))
    return next((home / name for home in homes if (home / name).is_dir()), None)


def fetched_dir(kind: str, name: str) -> Path:
    """Where the hub's client keeps what it fetched of a repository; `kind`: models or datasets."""
    home = Path(os.environ.get("HF_HOME", "~/.cache/huggingface")).expanduser()
    return home / "hub" / f"{kind}--{name.replace('/', '--')}"


def hub_dir() -> Path | None:
    """`XSTILTS_HUB`: a folder laid out like the Hugging Face hub, consulted before it."""
    return _existing("XSTILTS_HUB")


def text_dir() -> Path | None:
    """`XSTILTS_TEXT`: a folder of `xx.txt` or `xx.txt.xz`, one language a file."""
    return _existing("XSTILTS_TEXT")


def translated_dir() -> Path | None:
    """`XSTILTS_TRANSLATED`: a folder of training sets in other languages, `<task>/<lang>.jsonl`."""
    return _existing("XSTILTS_TRANSLATED")


def _folder(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value).expanduser().resolve() if value else None


def _existing(variable: str) -> Path | None:
    folder = _folder(variable)
    if folder is not None and not folder.is_dir():
        raise MissingData(f"{variable}={folder} is not a folder; unset it or point it to one")
    return folder
