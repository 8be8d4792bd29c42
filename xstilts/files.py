"""Files that appear whole or not at all, and a full disk told as one clear line."""

import csv
import errno
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from xstilts.paths import UserError


@contextmanager
def replaced(path: Path):
    """A path to write to, which takes `path`'s place when all went well; its folder is made."""
    with told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = beside(path)
        try:
            yield part
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """Where to write what shall take `path`'s place; what killed processes left there goes.

    The name tells the machine and the process, for others may be writing the same file.
    """
    own = f".{path.name}.{platform.node()}."
    for old in list(path.parent.iterdir()) if path.parent.is_dir() else ():
        number = old.name.removeprefix(own)
        if number != old.name and number.isdecimal() and not _lives(int(number)):
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    return path.with_name(f"{own}{os.getpid()}")


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def told(path: Path):
    """Full disks and forbidden folders as one clear line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise UserError(f"no space left to write {path}: free some and run again") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR,
                           errno.EEXIST):  # fmt: skip
            raise UserError(f"may not write to {path} ({error.strerror}): choose another folder, "
                            "by --to or XSTILTS_OUT") from error  # fmt: skip
        raise


def sha256(path: Path) -> str:
    """A file's hash, taken once for each time at which it was changed."""
    return _sha256(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4096)
def _sha256(path: Path, _time: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_record(folder: Path) -> dict:
    """What the `run.json` in `folder` says; nothing if it is not there, or not whole."""
    with suppress(FileNotFoundError, NotADirectoryError, ValueError):
        return json.loads((folder / "run.json").read_text("utf-8"))
    return {}


def write_json(path: Path, content) -> None:
    """`content` as JSON, all at once."""
    with replaced(path) as part:
        part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8")


def write_rows(path: Path, rows: list[Mapping]) -> None:
    """`rows` as CSV under the union of their keys, floats by `repr`, all at once."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with replaced(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
