"""Tables as they lie: in a folder laid out like the Hugging Face hub, on the hub, in own files.

A table is Arrow with the names of its classes, and knows where it came from, for errors. What
its columns mean is `xstilts.data`'s. `XSTILTS_HUB` comes first: a repository found there is read
from there only, so that an air-gapped run never waits for a network.
"""

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from xstilts.paths import BadInput, MissingData, hub_dir

CONVERTED = "refs/convert/parquet"  # the branch in which the hub keeps every set as Parquet
SUFFIXES = (".parquet", ".jsonl", ".csv", ".tsv")


@dataclass(frozen=True)
class Source:
    """One split of one configuration of a repository. `local`: no hub has it, and the remedy."""

    repo: str
    config: str
    split: str
    revision: str | None = None
    local: str = ""


@dataclass(frozen=True, eq=False)
class Table:
    """`rows` in Arrow; `classes` maps a column of class numbers to the names. Equal if the same."""

    where: str
    rows: object
    classes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        return self.rows.column_names

    def __iter__(self) -> Iterator[dict]:
        for batch in self.rows.to_batches(max_chunksize=1000):
            yield from batch.to_pylist()


def table(source: Source) -> Table:
    """The table of `source`, from `XSTILTS_HUB` if it holds the repository, else from the hub.

    Raises MissingData: what is missing, where it was looked for, and what would help.
    """
    paths = files(source)
    if paths is None:
        return _download(source)
    if paths:
        return read(paths)
    raise MissingData(
        f"no {source.repo} '{source.config}', split '{source.split}', in {hub_dir()}"
        + _format(source)
    )


def files(source: Source) -> tuple[Path, ...] | None:
    """Its files in `XSTILTS_HUB`: none if they are not there, None if the hub must be asked."""
    folder = hub_dir()
    if folder is None or not (folder / source.repo).is_dir():
        if not source.local:
            return None
        where = f"in {folder}" if folder else "(XSTILTS_HUB, a folder like the hub, is not set)"
        raise MissingData(f"no {source.repo} {where}" + _format(source))
    at = folder / source.repo
    homes = [at / source.config] + [at / "data", at] * (source.config == "default")
    for home in homes:
        for suffix in SUFFIXES:
            found = [*home.glob(f"{source.split}-*{suffix}"), *home.glob(source.split + suffix)]
            if found:
                return tuple(sorted(found))
    return ()


def _format(source: Source) -> str:
    remedy = f" ({source.local})" if source.local else ""
    name = f"{source.repo}/{source.config}/{source.split}"
    return f"{remedy}; expected {name}.parquet, .jsonl, .csv or .tsv"


def read(paths: tuple[Path, ...]) -> Table:
    """One table from files of one kind, told by their suffix."""
    return _read(tuple((path, path.stat().st_mtime_ns) for path in paths))


@lru_cache(maxsize=16)
def _read(stamped: tuple[tuple[Path, int], ...]) -> Table:
    import pyarrow

    tables = []
    for path, _ in stamped:
        try:
            tables.append(_READERS[path.suffix](path))
        except (pyarrow.ArrowInvalid, UnicodeDecodeError, csv.Error, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise BadInput(f"{path}: not a readable {path.suffix[1:]} file: {reason}") from error
    return Table(str(stamped[0][0]), pyarrow.concat_tables(tables), _classes(tables[0]))


def _classes(arrow) -> dict[str, list[str]]:
    """Names of the classes, which `datasets` leaves in a Parquet file's metadata."""
    from datasets import Features

    if b"huggingface" not in (arrow.schema.metadata or {}):
        return {}
    return class_names(Features.from_arrow_schema(arrow.schema))


def class_names(features) -> dict[str, list[str]]:
    """Column -> names, for class labels and lists of them."""
    inner = {name: getattr(feature, "feature", feature) for name, feature in features.items()}
    return {name: f.names for name, f in inner.items() if hasattr(f, "names")}


def _parquet(path: Path):
    from pyarrow import parquet

    return parquet.read_table(path)


def _jsonl(path: Path):
    import pyarrow

    lines = path.read_text("utf-8-sig").splitlines()
    return pyarrow.Table.from_pylist([json.loads(line) for line in lines if line.strip()])


def _delimited(path: Path):
    import pyarrow

    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",")
        rows = list(reader)
    for number, row in enumerate(rows, start=2):
        if None in row:
            raise BadInput(f"{path}, line {number}: more fields than the header names")
    schema = pyarrow.schema([(name, pyarrow.string()) for name in reader.fieldnames or ()])
    return pyarrow.Table.from_pylist(rows, schema)


_READERS = {".parquet": _parquet, ".jsonl": _jsonl, ".csv": _delimited, ".tsv": _delimited}


@lru_cache(maxsize=16)
def _download(source: Source) -> Table:
    """From the hub, or from the cache of what was fetched before when `HF_HUB_OFFLINE` is set."""
    from datasets.exceptions import DatasetsError

    name = f"{source.repo} '{source.config}', split '{source.split}'"
    _reach(name)
    try:
        found = _load(source, source.revision)
    except (DatasetsError, RuntimeError, ValueError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise MissingData(f"no {name} on the hub or in its cache: {reason}") from error
    return Table(name, found.data.table, class_names(found.features))


def _load(source: Source, revision: str | None):
    """Where a repository still holds a script, which nobody should run, the hub's conversion."""
    from datasets import load_dataset

    try:
        return load_dataset(source.repo, source.config, split=source.split, revision=revision)
    except RuntimeError as error:
        if revision or "script" not in str(error):
            raise
        return _load(source, CONVERTED)


def _reach(name: str) -> None:
    """Ask the hub once before `datasets` would ask it for half a minute."""
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    if constants.HF_HUB_OFFLINE:
        return
    try:
        get_session().head(constants.ENDPOINT, timeout=10)
    except Exception as error:  # the client's errors differ between its versions
        raise MissingData(
            f"no {name}: {constants.ENDPOINT} cannot be reached; set XSTILTS_HUB to a folder that "
            "holds it, or HF_HUB_OFFLINE=1 to use what was fetched before"
        ) from error


def fingerprint(source: Source) -> str:
    """What `source` is at this moment: a hash of its files, or the hub's revision."""
    paths = files(source)
    return source.revision or "newest" if paths is None else digest(paths)


def digest(paths: tuple[Path, ...]) -> str:
    """SHA-256 over files, in order; taken once per file and time of change."""
    hashes = [_digest(path, path.stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()


@lru_cache(maxsize=4096)
def _digest(path: Path, _time: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
