"""From what a file says to frozen records: keys, names and types checked, errors that help.

Knows nothing about grids or tasks. Every error is a BadInput that starts with `where`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import NoneType, UnionType
from typing import get_args, get_origin, get_type_hints

from xstilts.paths import BadInput, nearest


def check_keys(content, known: Iterable[str], where: str) -> None:
    if not isinstance(content, Mapping):
        raise BadInput(f"{where}: expected keys among {', '.join(known)}, found {content!r:.60}")
    for key in content:
        check_known(key, known, where, "key")


def check_known(name, known, where: str, what: str = "name") -> None:
    if name not in known:
        raise BadInput(f"{where}: unknown {what} '{name}': {nearest(name, known)}")


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
