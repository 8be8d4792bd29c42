"""What a finished run left, file by file, so that damage done later shows.

A disk that filled, a copy that broke off or a hand that slipped would else go into a table without
a word. Sizes of all files, and hashes of the tables of figures; hidden files, the record itself
and the notebook, which may be opened and saved, do not count. Runs executed by other tools than
the driver have no seal, and are believed.
"""

import hashlib
from pathlib import Path

from xstilts.files import read_record, write_json

DAMAGED = "damaged"  # how such a run's standing begins
FIGURES = ("scores.csv", "measures.csv")
OPEN = ("run.json", "failed.txt", "notebook.ipynb")  # may change


def seal(folder: Path) -> None:
    """Write into the record of the run in `folder` what else the folder holds."""
    if record := read_record(folder):
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        left = {str(path.relative_to(folder)): _look(path) for path in files}
        kept = {name: look for name, look in left.items()
                if name not in OPEN and "/." not in f"/{name}"}  # fmt: skip
        write_json(folder / "run.json", record | {"left": kept})


def damage(folder: Path, dropped: str = "") -> str:
    """What is not as it was left, in a word or two; empty if all is.

    `dropped` names a subfolder that may be gone as a whole.
    """
    record = read_record(folder)
    if not record and (folder / "run.json").is_file():
        return f"{DAMAGED} run.json"
    gone = f"{dropped}/" if dropped and not (folder / dropped).exists() else None
    for name, look in record.get("left", {}).items():
        if gone and name.startswith(gone):
            continue
        if not (folder / name).is_file() or _look(folder / name) != look:
            return f"{DAMAGED} {name}"
    return ""


def _look(path: Path) -> list:
    size = path.stat().st_size
    if path.name not in FIGURES:
        return [size]
    return [size, hashlib.sha256(path.read_bytes()).hexdigest()]
