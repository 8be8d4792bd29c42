"""A folder laid out like the hub that holds what a grid's runs read, and no more.

`XSTILTS_HUB=FOLDER` then runs the grid without a network. Beside the data stands `lock.csv` with
the revision, row count and SHA-256 of every table, checked whenever one is read. Stopped at any
moment, the same call goes on: what is there as locked is kept, and a file of the user's own is
never replaced. Only Parquet files and an encoder's safetensors, JSON and vocabulary are fetched:
no script, no pickle.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path

from xstilts import lock, sources
from xstilts.data import needed
from xstilts.files import replaced, told
from xstilts.grid import Run, plan, pretrained
from xstilts.languages import languages
from xstilts.lock import Pin
from xstilts.paths import ENCODERS, MissingData, Unreachable, UserError
from xstilts.sources import Source
from xstilts.tasks import SPLITS, TASKS

SAFE = ("*.safetensors", "*.safetensors.index.json", "config.json", "tokenizer*.json", "vocab.json",
        "special_tokens_map.json", "added_tokens.json", "vocab.txt", "merges.txt",
        "*.model")  # fmt: skip
READS = {"04_zero_shot": ("test",), "05_retrieval": ("dev", "test")}  # splits; training: the others


def mirror(grid, folder: Path) -> int:
    """Fetch into `folder` what `grid` (as `plan` takes it) needs; a line on each.

    Returns 0 when all that the hub has is there, 1 when some of it could not be had. Raises
    Unreachable when the hub does not answer.
    """
    runs = [run for run in plan(grid) if run.setting]
    book = _Book(Path(folder).expanduser().resolve())
    wanted = {name: book.encoder for name in encoders(runs)}
    wanted |= dict.fromkeys(tables(runs), book.table)
    failed, absent, said = 0, [], set()
    for what, fetch in wanted.items():
        try:
            if became := fetch(what):
                print(f"{what}: {became}")
            else:
                absent.append(what)
        except Unreachable:
            raise
        except UserError as error:
            failed += 1
            if str(error) not in said:  # once, where a whole repository cannot be had
                print(f"not to be had: {error}")
            said.add(str(error))
    for way in dict.fromkeys(source.local for source in absent):
        print(f"from a folder only: {way}")
        for source in absent:
            if source.local == way:
                print(f"  expected {book.folder / source.expected}")
    print(f"{book.folder}: {len(wanted) - failed - len(absent):,} there, {book.fetched:,} of them "
        f"fetched now; {failed:,} not to be had, {len(absent):,} from a folder only")  # fmt: skip
    return 1 if failed else 0


def encoders(runs: Iterable[Run]) -> list[str]:
    """Hub ids of the encoders that the runs start with; those that lie here are none."""
    named = dict.fromkeys(run.setting.encoder for run in runs if not pretrained(run.setting))
    return [name for name in named if not any(f.is_dir() for f in (ENCODERS / name, Path(name)))]


def tables(runs: Iterable[Run]) -> list[Source]:
    """Every table of the hub that the runs read, each once."""
    wanted = {}
    for run in runs:
        if run.setting.data != "hub":
            continue
        if run.notebook == "01_prepare_encoder":  # which looks at the base through XNLI's dev split
            xnli = TASKS["xnli"]
            wanted |= {("xnli", "dev", lang): xnli for lang in xnli.langs["xtreme"]}
        for task in run.tasks:
            splits = ("train", "dev") if run.hyper else READS.get(run.notebook, SPLITS)
            langs = ("en",) if run.hyper else languages(task, "hub")
            for split in () if task.files else splits:
                wanted |= {(task.name, split, lang): task for lang in langs}
        for task, split, english in run.measured:
            langs = ("en",) if english or split == "train" else languages(task, "hub")
            if not task.files:
                wanted |= {(task.name, split, lang): task for lang in langs}
        for task in run.sources:
            langs = {*languages(task, "hub")} - {"en"}
            langs = langs if "all" in run.trained.translate else langs & {*run.trained.translate}
            wanted |= {(task.name, "train", lang): task for lang in sorted(langs)}
    found = {}
    for (_, split, lang), task in wanted.items():
        try:
            found |= {source.key: source for source in needed(task, split, lang)}
        except MissingData:  # no such split of this task
            continue
    return list(found.values())


class _Book:
    """The folder and its lock, which is written before the files: none of ours goes unlocked."""

    def __init__(self, folder: Path):
        self.folder, self.path, self.fetched = folder, folder / lock.NAME, 0
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
        self.pins = dict(lock.read(self.path))

    def table(self, source: Source) -> str:
        """Have a table there; what became of it, empty if no hub has it and the folder neither."""
        there = source.find(self.folder / source.repo)
        pin = self.pins.get(source.key)
        if there and pin and pin.sha256 == sources.digest(there):
            return _told(pin, "kept")
        if there and (pin is None or pin.source == "folder"):
            rows = sources.read(there).rows.num_rows
            return _told(self._pin(source, "folder", there, rows), "your own")
        if source.local:
            return ""
        got = sources.fetch(source)
        pin = self._pin(source, "hub", got, sources.read(got).rows.num_rows)
        for path in there:  # damaged, or of another number of parts
            path.unlink()
        home = self.folder / source.repo / source.config
        for n, path in enumerate(got):
            _copy(path, home / f"{source.split}-{n:05}-of-{len(got):05}.parquet")
        self.fetched += 1
        return _told(pin, "fetched")

    def encoder(self, name: str) -> str:
        """Have an encoder's safe files there, those in folders of its repository left out."""
        home = self.folder / name
        pins = [pin for pin in self.pins.values() if (pin.source, pin.repo) == ("encoder", name)]
        if pins and all(_same(home / pin.split, pin) for pin in pins):
            return "encoder, kept"
        got = sources.snapshot(name, [*SAFE], "model")
        files = sorted({path for pattern in SAFE for path in got.glob(pattern)})
        if not any(path.suffix == ".safetensors" for path in files):
            raise MissingData(f"{name}: no safetensors weights on the hub, and others are not read")
        pins = [self._pin(Source(name, "", path.name), "encoder", (path,)) for path in files]
        for path, pin in zip(files, pins, strict=True):
            if not _same(home / path.name, pin):
                _copy(path, home / path.name)
        self.fetched += 1
        return f"encoder, fetched, {len(files)} files"

    def _pin(self, source: Source, kind: str, paths, rows: int | None = None) -> Pin:
        """Lock what `paths` hold. The commit is the name of the cache's folder of it."""
        revision = "" if kind == "folder" else _commit(paths[0])
        said = "it was found here" if kind == "folder" else "it was fetched"
        pin = Pin(kind, *source.key, revision, str(rows or ""), sources.digest(paths), said)
        self.pins[source.key] = pin
        lock.write(self.path, self.pins.values())
        return pin


def _told(pin: Pin, how: str) -> str:
    known = lock.published().get(pin.key, lock.UNPINNED)
    sure = f"as in {known.said_by}" if known.rows == pin.rows else "unpinned"
    return f"{int(pin.rows):,} rows, {how}, {sure}"


def _copy(path: Path, target: Path) -> None:
    with replaced(target) as part:
        shutil.copyfile(path, part)


def _same(path: Path, pin: Pin) -> bool:
    return path.is_file() and sources.digest((path,)) == pin.sha256


def _commit(path: Path) -> str:
    """`.../snapshots/<commit>/...`, as huggingface_hub keeps what it fetched."""
    return path.parts[path.parts.index("snapshots") + 1]
