"""From what a file says to frozen records: YAML, keys, names, types and numbers checked.

Knows nothing about grids or tasks. Every error is a BadInput that starts with the file or `where`.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import get_args, get_origin, get_type_hints

from xstilts.paths import BadInput, UserError, nearest

NAME = re.compile(r"\w[\w.+@-]{0,63}")  # safe as a folder, on a command line, in a pattern
SEEDS = 2**32  # below: with every step's number they must still fit torch's generator
# What numbers may be. One of the right type can still be one that no training survives.
COUNTS = ("batch", "updates", "examples", "eval_examples", "evaluate_every", "patience", "cap",
          "tokens", "mlm_batch", "devices", "concat")  # fmt: skip
LEAST = dict.fromkeys(COUNTS, 1) | {"max_len": 8, "layer": 0}  # specials and a few more pieces
ABOVE_ZERO = ("lr", "epochs", "temperature", "clip", "minutes")
SHARES = ("warmup", "weight_decay", "mlm", "errors")
PRECISIONS = ("fp32", "bf16")


def read_yaml(path: Path):
    """What a YAML file holds, read strictly; what is wrong is told with file and line."""
    import yaml

    class Strict(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        """Of two equal keys YAML keeps the last without a word."""

        def construct_mapping(self, node, deep=False):
            seen = set()
            for key, _ in node.value:
                if key.tag != "tag:yaml.org,2002:merge" and key.value in seen:
                    problem = f"the key '{key.value}' is there twice"
                    raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
                if isinstance(key.value, str):
                    seen.add(key.value)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(path.read_text("utf-8"), Strict)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise BadInput(f"{path}{line}: not YAML: {problem}") from error
    except RecursionError as error:
        raise BadInput(f"{path}: not YAML: nested too deep") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 text (byte {error.start})") from error
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error


@contextmanager
def within(where: str):
    """What is wrong inside is told with the place in front."""
    try:
        yield
    except UserError as error:
        raise type(error)(f"{where}: {error}") from error


def check_keys(content, known: Iterable[str], where: str) -> None:
    if not isinstance(content, Mapping):
        raise BadInput(f"{where}: expected keys among {', '.join(known)}, found {content!r:.60}")
    for key in content:
        check_known(key, known, where, "key")


def check_known(name, known, where: str, what: str = "name") -> None:
    if name not in known:
        raise BadInput(f"{where}: unknown {what} '{name}': {nearest(name, known)}")


def named(name: str, stock: Mapping, own: Iterable, what: str):
    """The record called `name`, one's own before the stock ones."""
    found = {**stock, **{one.name: one for one in own}}
    if name not in found:
        raise BadInput(f"unknown {what} '{name}': {nearest(name, found)}")
    return found[name]


def list_of(content: Mapping, key: str, where: str) -> list:
    value = content.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadInput(f"{where}: {key}: a list was expected, not {value!r:.60}")
    return value


def check_once(names, where: str) -> None:
    for name in names:
        if list(names).count(name) > 1:
            raise BadInput(f"{where}: '{name}' is there twice")


def check_name(name: str, what: str, where: str) -> None:
    if not NAME.fullmatch(name):
        raise BadInput(f"{where}: {what} {name!r:.40}: a name is letters, digits and _ . + @ -, "
                       "64 at most, the first a letter or digit")  # fmt: skip


def check_numbers(values: Mapping, where: str) -> None:
    """Refuse what is out of range among `values`; None stands for "not said"."""
    for name, value in values.items():
        if value is None:
            continue
        if name in LEAST and (type(value) is not int or value < LEAST[name]):
            raise BadInput(f"{where}: {name} {value}: a whole number from {LEAST[name]}")
        if name in ABOVE_ZERO and not 0 < value < float("inf"):
            raise BadInput(f"{where}: {name} {value}: a number above 0")
        if name in SHARES and not 0 <= value <= 1:
            raise BadInput(f"{where}: {name} {value}: a share between 0 and 1")
        if name == "precision" and value not in PRECISIONS:
            raise BadInput(f"{where}: precision '{value}': known: {', '.join(PRECISIONS)}")


def record(kind, given, where: str):
    """A frozen record of `kind` from a mapping; nested records and tuples are made alike."""
    known = {f.name: f for f in fields(kind)}
    if not isinstance(given, Mapping):
        raise BadInput(f"{where}: {given!r:.60} is neither a known name nor a mapping")
    check_keys(given, known, where)
    for name, f in known.items():
        if f.default is MISSING and f.default_factory is MISSING and name not in given:
            raise BadInput(f"{where}: '{given.get('name', kind.__name__)}' lacks '{name}'")
    hints = get_type_hints(kind)
    made = {key: check_value(value, hints[key], f"{where}: {key}") for key, value in given.items()}
    return kind(**made)


def check_value(value, hint, where: str):
    """`value` as `hint` wants it: lists become tuples, mappings records; else types must agree."""
    options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    if value is None and NoneType in options:
        return None
    for option in options:
        origin = get_origin(option) or option
        if is_dataclass(origin) and isinstance(value, Mapping):
            return record(origin, value, where)
        if origin is tuple and isinstance(value, list):
            return tuple(check_value(v, get_args(option)[0], where) for v in value)
        if origin in (Mapping, dict) and isinstance(value, Mapping):
            inner = get_args(option)[1]
            return {str(k): check_value(v, inner, f"{where}.{k}") for k, v in value.items()}
        if origin is float and type(value) in (int, float):
            return value
        if isinstance(origin, type) and type(value) is origin:
            return value
    wanted = " or ".join(getattr(o, "__name__", str(o)) for o in options)
    raise BadInput(f"{where}: {value!r:.60} is no {wanted}")
