"""What a result was made from, so that a change of anything that matters shows.

`made_from` lists the numbers, records, data, encoder, code and notebook cells behind a run, as
hashes or plain values; `key` condenses them. Declarations enter by value and bookkeeping not at
all, so that a new task record or a prettier plot leaves old results as they are. Comments and
docstrings do not count. What cannot be looked at here (data elsewhere) is None.
"""

import ast
import hashlib
import json
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from xstilts.checksums import DAMAGED, damage
from xstilts.files import read_record, sha256, write_json
from xstilts.grid import PRODUCT, Run
from xstilts.paths import (
    NOTEBOOKS,
    PACKAGE,
    ROOT,
    TABLES,
    UserError,
    cache_dir,
    encoder_dir,
    fetched_dir,
    hub_dir,
    runs_dir,
)
from xstilts.recipes import Recipe
from xstilts.settings import Hyper, resolve

# Modules that change no figure: records, which enter by value, and bookkeeping; and pictures.
OUTSIDE = ("__init__", "tasks", "recipes", "settings", "records", "files", "paths", "gridfile",
           "grid", "runs", "provenance", "lock", "execute", "launch", "batch", "mirror",
           "cli")  # fmt: skip
PICTURES = ("plots", "tables", "paired", "report")
RULE = sys.version + Path(__file__).read_text("utf-8")  # by which code is read
PACKAGES = ("torch", "transformers", "tokenizers", "datasets", "accelerate", "numpy", "xstilts")


def digest(content: bytes | str) -> str:
    return hashlib.sha256(content if isinstance(content, bytes) else content.encode()).hexdigest()


def key(parts: Mapping) -> str:
    """One sha256 over everything in `parts`."""
    return digest(json.dumps(parts, sort_keys=True, ensure_ascii=False))


def made_from(run: Run) -> dict:
    """All that decides the result of `run`; `start` is its encoder, None if other runs make it."""
    setting, hyper = run.setting, run.hyper
    read = {task.name: task for task in (*run.tasks, *(t for t, _, _ in run.measured))}.values()
    real = bool(setting) and setting.data == "hub"
    outside = OUTSIDE + ("world",) * real + PICTURES * (run.leaves != "report")
    return {
        "params": {name: value for name, value in run.params.items() if name != "setting"},
        "setting": setting and [setting.data, setting.layer, setting.precision,
                                plain(setting.budget.get("evaluate"))],
        "hyper": _numbers(hyper) if hyper else _of_probes(run),
        "recipes": [plain(run.grid.recipe(run.params[name]))
                    for name in ("recipe", "target") if run.params.get(name)],
        "tasks": [plain(task) for task in read],
        "data": [_data(task) for task in (*read, *run.sources)] if real else [],
        "start": encoder(setting.encoder) if setting and not run.needs else None,
        "code": code(run.notebook, outside),
        "cells": digest("\n".join(cells(run.notebook))),
    }  # fmt: skip


def _numbers(hyper: Hyper) -> dict:
    return {name: value for name, value in plain(hyper).items() if name != "source"}


def _of_probes(run: Run) -> list[dict] | None:
    """The numbers of the small trainings within a measurement, if it trains."""
    if run.params.get("measure") not in ("few", "likeness"):
        return None
    names = dict.fromkeys(task.name for task, _, _ in run.measured)
    return [_numbers(resolve(Recipe(name, (name,)), run.setting, "target")) for name in names]


def differing(old: Mapping, new: Mapping) -> list[str]:
    """The parts in which two `made_from` differ; what is None in either cannot be judged."""
    return [name for name, value in new.items() if not _same(old.get(name), value)]


def _same(old, new) -> bool:
    if isinstance(new, list) and isinstance(old, list) and len(old) == len(new):
        return all(_same(o, n) for o, n in zip(old, new, strict=True))
    return new is None or old is None or old == new


def plain(value):
    """A record as JSON has it: mappings, lists, numbers, texts."""
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value


def encoder(name: str) -> str | None:
    """The identity of an encoder: its files, or the hub's revision of it; None if not here."""
    if folder := encoder_dir(name):
        files = [f for f in sorted(folder.iterdir()) if f.suffix in (".json", ".safetensors")]
        return digest("".join(f.name + sha256(f) for f in files))
    return _revision("models", name, "main")


def _revision(kind: str, name: str, *branches: str) -> str | None:
    """The commit of a branch of a repository when it was last fetched from the hub."""
    refs = fetched_dir(kind, name) / "refs"
    heads = [refs / branch for branch in branches if (refs / branch).is_file()]
    return f"{name}@{heads[0].read_text().strip()}" if heads else None


def _data(task) -> str | None:
    """The identity of a task's data: names and sizes of its files, or the hub's revisions."""
    if task.files:
        places = [Path(re.sub(r"\{.*?\}", "*", file)) for file in task.files.values()]
        told = [_listing(place.parent, place.name) for place in places]
    else:
        told = [_listing(hub_dir() / hub.repo, "**/*.*") for hub in task.hub if hub_dir()]
    if any(told):
        return digest("\n".join(told))
    found = [h.revision or _revision("datasets", h.repo, "refs/convert/parquet", "main")
             for h in task.hub]  # fmt: skip
    return " ".join(found) if found and all(found) else None


@cache
def _listing(folder: Path, pattern: str) -> str:
    files = (file for file in sorted(folder.glob(pattern)) if file.suffix in TABLES)
    return "\n".join(f"{file.name} {file.stat().st_size}" for file in files)


def standing(runs: Iterable[Run], *roots: Path) -> dict[str, str]:
    """Per run: "" (done), "missing", "damaged ...", or what has changed since.

    Needs must come before their users. Looks into `roots`, by default the output folder.
    """
    roots = roots or (runs_dir(),)
    states: dict[str, str] = {}
    known: dict[str, Run] = {}
    for run in runs:
        if run.leaves == "report":
            continue
        known[run.id] = run
        folder = place(run, roots)
        if why := damage(folder, PRODUCT["temp"] if run.leaves == "temp" else ""):
            states[run.id] = why
            continue
        record = read_record(folder)
        if not record or not (run.leaves == "temp" or (folder / PRODUCT[run.leaves]).exists()):
            states[run.id] = "missing"
            continue
        old, now = record.get("made_from", {}), made_from(run)
        if run.needs:
            was = old.get("start") or {}
            made = keys(run, known, roots)
            now["start"] = was | {need: key for need, key in made.items() if need in was}
        changed = differing(old, now)
        changed += [need for need in run.needs if _changed(states.get(need, ""))]
        states[run.id] = ", ".join(changed)
    return states


def _changed(state: str) -> bool:
    """Whether a run was made from something else; one that is lost comes out as it was."""
    return state not in ("", "missing") and not state.startswith(DAMAGED)


def place(run: Run, roots: tuple[Path, ...]) -> Path:
    """The folder that holds what the run left; else one with its record; else the first."""
    files = ("run.json", PRODUCT[run.leaves])
    folders = [root / run.id for root in roots]
    return max(folders, key=lambda folder: [(folder / file).exists() for file in files])


def keys(run: Run, known: Mapping[str, Run], roots: tuple[Path, ...]) -> dict[str, str]:
    """The keys under which the runs that `run` builds on, among those `known`, were made."""
    found = {need: read_record(place(known[need], roots)) for need in run.needs if need in known}
    return {need: record["key"] for need, record in found.items() if "key" in record}


# -- code ----------------------------------------------------------------------------------------


def cells(notebook: str) -> list[str]:
    """The notebook's code cells without the parameters, whose values a run records itself."""
    content = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text("utf-8"))
    return [
        "".join(cell["source"])
        for cell in content["cells"]
        if cell["cell_type"] == "code"
        and "parameters" not in cell.get("metadata", {}).get("tags", [])
    ]


@cache
def code(notebook: str, outside: tuple[str, ...] = ()) -> dict[str, str]:
    """Hashes of the modules that the notebook imports, directly or not, but for some packages."""
    todo = _imports("\n".join(map(_without_magic, cells(notebook))))
    found: dict[str, str] = {}
    while todo:
        name = todo.pop()
        path = _path(name)
        if name in found or name.split(".")[0] in outside or path is None:
            continue
        if path.stem == "__init__":  # whose modules may be looked up by name
            todo |= {f"{name}.{one.stem}" for one in path.parent.glob("[!_]*.py")}
        found[name], imports = _read(path)
        todo |= set(imports)
    for path in PACKAGE.glob("world/*.toml") if "world" in found else ():  # its vocabulary
        found[path.name] = digest(path.read_bytes())[:16]
    return dict(sorted(found.items()))


def _read(path: Path) -> tuple[str, list[str]]:
    """A module's hash and its imports; kept by content, since parsing takes half a second a run."""
    source = path.read_text("utf-8")
    kept = cache_dir() / "code" / f"{digest(RULE + source)}.json"
    try:
        return tuple(json.loads(kept.read_text("utf-8")))
    except (OSError, ValueError):
        read = digest(essence(source))[:16], sorted(_imports(source))
    with suppress(UserError):  # without a place for it, it is parsed again
        write_json(kept, read)
    return read


def _path(name: str) -> Path | None:
    base = PACKAGE / name.replace(".", "/")
    return next((p for p in (base.with_suffix(".py"), base / "__init__.py") if p.is_file()), None)


def _without_magic(cell: str) -> str:
    return "\n".join("" if line.lstrip()[:1] in "%!" else line for line in cell.splitlines())


def _imports(source: str) -> set[str]:
    """Modules of this package named in import statements, wherever these stand."""
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return {n.removeprefix("xstilts.") for n in names if n.startswith("xstilts.")}


def essence(source: str) -> str:
    """What the source does: its syntax tree, which has no comments, without docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None:
            del node.body[0]
    return ast.dump(tree)


def surroundings() -> dict:
    """Commit, versions and device: recorded, not compared."""
    torch = sys.modules.get("torch")
    gpu = torch is not None and torch.cuda.is_available()
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    commit = _git("rev-parse", "HEAD") or "unknown"
    changed = bool(_git("status", "--porcelain", "--untracked-files=no"))
    return {
        "commit": commit,
        "dirty": changed if commit != "unknown" else "unknown",
        "versions": versions,
        "device": torch.cuda.get_device_name() if gpu else "cpu",
    }


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
