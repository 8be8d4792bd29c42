"""Tables as they lie: in a folder laid out like the Hugging Face hub, on the hub, in own files.

A table is Arrow with the names of its classes, and knows where it came from, for errors. What
its columns mean is `xstilts.data`'s. `XSTILTS_HUB` comes first: a repository found there is read
from there only, so that an air-gapped run never waits for a network. From the hub come Parquet
files, best of all the hub's own conversion of every set; nobody's script is run. What a lock
knows of a table is checked when it is read.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

from xstilts import lock
from xstilts.files import sha256
from xstilts.paths import TABLES, BadInput, MissingData, Unreachable, hub_dir

CONVERTED = "refs/convert/parquet"  # the branch in which the hub keeps every set as Parquet


@dataclass(frozen=True)
class Source:
    """One split of one configuration of a repository, of which `columns` are read.

    `local`: no hub has it, and how to come by it.
    """

    repo: str
    config: str
    split: str
    revision: str | None = None
    local: str = ""
    columns: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.repo} '{self.config}', split '{self.split}'"

    @property
    def key(self) -> tuple[str, str, str]:
        return self.repo, self.config, self.split

    @property
    def expected(self) -> str:
        """What a folder should hold."""
        path = f"{self.repo}/{self.config}/{self.split}"
        return f"{path}.parquet, .jsonl, .csv or .tsv with columns {', '.join(self.columns)}"

    def patterns(self, *suffixes: str) -> list[str]:
        """Where its files may lie in the repository, the likeliest first."""
        homes = [f"{self.config}/"] + ["data/", ""] * (self.config == "default")
        return [f"{home}{self.split}{rest}{suffix}"
                for home in homes for suffix in suffixes for rest in ("-*", "", "/*")]  # fmt: skip

    def find(self, repository: Path, *suffixes: str) -> tuple[Path, ...]:
        """Its files in a folder that holds the repository, or none."""
        found = (sorted(repository.glob(p)) for p in self.patterns(*(suffixes or TABLES)))
        return tuple(next(filter(None, found), ()))


@dataclass(frozen=True, eq=False)
class Table:
    """Rows in Arrow. Equal if the same."""

    where: str
    rows: object

    @property
    def columns(self) -> list[str]:
        return self.rows.column_names

    @cached_property
    def classes(self) -> dict[str, list[str]]:
        """Names of a column's class numbers, which `datasets` leaves in a file's metadata."""
        from datasets import Features

        if b"huggingface" not in (self.rows.schema.metadata or {}):
            return {}
        features = Features.from_arrow_schema(self.rows.schema).items()
        inner = {name: getattr(feature, "feature", feature) for name, feature in features}
        return {name: f.names for name, f in inner.items() if hasattr(f, "names")}

    def __iter__(self) -> Iterator[dict]:
        for batch in self.rows.to_batches(max_chunksize=1000):
            yield from batch.to_pylist()


def table(source: Source) -> Table:
    """The table of `source`, from `XSTILTS_HUB` if it holds the repository, else from the hub.

    Raises MissingData: what is missing, where it was looked for, and what would help; BadInput if
    it is not what a lock says.
    """
    folder = hub_dir()
    if folder and (folder / source.repo).is_dir():
        return _kept(folder, source)
    if not source.local:
        return replace(read(fetch(source)), where=str(source))
    where = f"in {folder}" if folder else "(XSTILTS_HUB, a folder like the hub, is not set)"
    raise MissingData(f"no {source.repo} {where} ({source.local}); expected {source.expected}")


def _kept(folder: Path, source: Source) -> Table:
    """From a folder; its lock is asked before the file is read, which may have been cut off."""
    paths = source.find(folder / source.repo)
    if not paths:
        remedy = source.local or "`xstilts mirror` fetches what a grid needs"
        raise MissingData(f"no {source} in {folder} ({remedy}); expected {source.expected}")
    pin = lock.read(folder / lock.NAME).get(source.key, lock.UNPINNED)
    remedy = f"delete it and run `xstilts mirror` again, or mend {folder / lock.NAME}"
    pin.check(paths[0], remedy, sha256=pin.sha256 and digest(paths))
    found = read(paths)
    pin.check(paths[0], remedy, rows=found.rows.num_rows)
    return found


@lru_cache(maxsize=256)
def fetch(source: Source) -> tuple[Path, ...]:
    """Its files from the hub, or from the cache of what was fetched before.

    Of the pinned revision; without one the newest, converted by the hub or as its owner wrote it.
    """
    pin = lock.published().get(source.key, lock.UNPINNED)
    pinned, remedy = source.revision or pin.revision, "the hub's set has changed: pin a revision"
    lost = MissingData(f"no {source} among the hub's Parquet files; expected in a folder like the "
                       f"hub: {source.expected}")  # fmt: skip
    for revision in [pinned] if pinned else (CONVERTED, "main"):
        try:
            got = snapshot(source.repo, source.patterns(".parquet"), "dataset", revision)
        except Unreachable as error:  # another branch may be in the cache
            lost = error
            continue
        if paths := got and source.find(got, ".parquet"):
            pin.check(source, remedy, rows=read(paths).rows.num_rows)
            return paths
    raise lost


def snapshot(repo: str, patterns: list[str], kind: str, revision: str | None = None) -> Path | None:
    """The hub's cache folder of one commit, after fetching the files that match `patterns`.

    None where the repository has no such revision. Its last part is the commit; for as long as a
    process lives, a branch stays at the one where it was found first.
    """
    from huggingface_hub import constants, errors, snapshot_download

    head = repo, kind, revision
    try:
        got = snapshot_download(repo, repo_type=kind, revision=_HEADS.get(head, revision),
                                allow_patterns=patterns)  # fmt: skip
        _HEADS[head] = Path(got).name
        return Path(got)
    except errors.RevisionNotFoundError:
        return None
    except errors.LocalEntryNotFoundError as error:
        offline = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else ""
        raise Unreachable(
            f"no {repo}: {offline or f'{constants.ENDPOINT} cannot be reached'} and the cache "
            "lacks it; set XSTILTS_HUB to a folder that has it (`xstilts mirror` makes one)"
        ) from error
    except Exception as error:  # the client's errors differ between its versions
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise MissingData(f"no {repo} from the hub: {reason}") from error


_HEADS: dict[tuple, str] = {}


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
        except (pyarrow.ArrowException, csv.Error, ValueError, OSError, AttributeError) as error:
            reason = (str(error).splitlines() or ["?"])[0]
            raise BadInput(f"{path}: not a readable {path.suffix[1:]} file: {reason}") from error
    return Table(str(stamped[0][0]), pyarrow.concat_tables(tables))


def _parquet(path: Path):
    from pyarrow import parquet

    return parquet.read_table(path)


def _jsonl(path: Path):
    import pyarrow

    rows = []
    for number, line in enumerate(_text(path).split("\n"), start=1):
        try:
            if line.strip():
                rows.append(dict(json.loads(line).items()))
        except (ValueError, AttributeError) as error:
            raise ValueError(f"line {number}: not one JSON object ({error})") from None
    for name in dict.fromkeys(name for row in rows for name in row):
        kinds = {type(row[name]): at for at, row in enumerate(rows, 1) if row.get(name) is not None}
        if len(kinds) > 1 and not set(kinds) <= {int, float}:
            told = " and ".join(f"{kind.__name__} (row {at})" for kind, at in kinds.items())
            raise ValueError(f"the column '{name}' mixes {told}")
    return pyarrow.Table.from_pylist(rows)


def _text(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"line {line}: not UTF-8 text") from None


def _delimited(path: Path):
    import pyarrow

    text, mark = io.StringIO(_text(path), newline=""), "\t" if path.suffix == ".tsv" else ","
    reader = csv.DictReader(text, delimiter=mark, strict=True)
    names = reader.fieldnames or ()
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"the column '{twice[0]}' is there twice")
    try:
        rows = list(reader)
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}; is a quote left open?") from None
    for number, row in enumerate(rows, start=2):
        if None in row:
            raise BadInput(f"{path}, line {number}: more fields than the header names")
    schema = pyarrow.schema([(name, pyarrow.string()) for name in names])
    return pyarrow.Table.from_pylist(rows, schema)


_READERS = {".parquet": _parquet, ".jsonl": _jsonl, ".csv": _delimited, ".tsv": _delimited}


def digest(paths: tuple[Path, ...]) -> str:
    """SHA-256 of a file; of several, over their hashes."""
    hashes = [sha256(path) for path in paths]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256(" ".join(hashes).encode()).hexdigest()
