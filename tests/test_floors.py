"""Who may import whom, what stays light to import, and how long things may get."""

import ast
import subprocess
import sys

import pytest

from xstilts.paths import PACKAGE, ROOT

FLOORS = [  # a module imports only from lower floors, and from its own
    "paths records files checksums languages "
    "answers metrics mining submission scores scoring stats divergence",
    "tasks recipes settings translations measured",
    "gridfile grid provenance runs",
    "world minimal data sources lock readings arms costs speeds",
    "encoder forms batches devices pieces wordpieces text twin model loop resume",
    "train evaluate retrieval overlap transferability measure pretrain probe bench",
    "plots tables caveats paired examples report snapshot paper claims analysis recommend "
    "kept pages rendered site",
    "execute launch profiles batch mirror export outlook doctor cli",
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names.split()}
SOURCES = sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or
                 path.stem not in ("__init__", "__main__"))  # fmt: skip
LATE = ("pandas", "scipy", "papermill", "datasets", "torch", "transformers", "seaborn")


def top(path) -> str:
    """The module or subpackage of ours that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def at_import(path) -> set[str]:
    """What importing `path` imports: statements outside functions."""
    found, todo = set(), [ast.parse(path.read_text("utf-8"))]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or ""} if node.module != "xstilts" else set()
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo += ast.iter_child_nodes(node)
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path):
    name = top(path)
    assert name in FLOOR, f"say on which floor {name} stands"
    for module in at_import(path):
        parts = module.split(".")
        if parts[0] == "xstilts" and len(parts) > 1 and parts[1] in FLOOR:
            assert FLOOR[parts[1]] <= FLOOR[name], f"{name} imports {parts[1]} from above"
        if FLOOR[name] in (0, 1, 2, 3, 7):
            assert parts[0] not in LATE, f"{name} imports {parts[0]} at import"
        if FLOOR[name] == 6:
            assert parts[0] not in ("torch", "transformers")


@pytest.mark.parametrize("module", ["grid", "cli", "runs", "batch", "execute"])
def test_reading_a_plan_stays_light(module):
    code = f"import sys, xstilts.{module}; print(*set({LATE!r}) & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_and_functions_are_short(path):
    source = path.read_text("utf-8")
    assert len(source.splitlines()) <= 300
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, f"{node.name} is longer than a screen"
