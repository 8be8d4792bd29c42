"""Runs forked from a parent that has its imports behind it."""

import os
import subprocess
import sys

import pytest

from xstilts import launch
from xstilts.bench.starting import Workshop
from xstilts.paths import ROOT

SERVE = "import sys; from xstilts import launch; launch.LIBRARIES = (); launch.main(sys.argv[1:])"


@pytest.fixture
def parent(tmp_path):
    """A parent without libraries: its socket's path, and its process."""
    path = str(tmp_path / "parent")
    with launch.parent(path, os.environ, ("-c", SERVE)) as process:
        yield path, process


def ask(path: str, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "xstilts.launch", *words]
    return subprocess.run(command, env=os.environ | {"XSTILTS_PARENT": path}, cwd=ROOT,
                          capture_output=True, text=True, timeout=120)  # fmt: skip


def test_the_run_speaks_and_ends_as_if_it_were_not_forked(parent):
    path, _ = parent
    for words in ((), ("core", "nothing/of/that/name")):
        forked = ask(path, *words)
        plain = subprocess.run([sys.executable, "-m", "xstilts.execute", *words], cwd=ROOT,
                               capture_output=True, text=True)  # fmt: skip
        assert (forked.returncode, forked.stderr) == (plain.returncode, plain.stderr)
        assert forked.returncode == 2 and forked.stderr


def test_without_the_parent_nothing_starts(parent):
    path, process = parent
    process.kill()
    process.wait()
    said = ask(path)
    assert (said.returncode, said.stderr) == (1, "the parent of this run is gone\n")


def test_a_kernel_that_is_never_used_ends_by_itself():
    code = """if True:
        import os
        from xstilts.launch import Kernel
        kernel = Kernel()
        assert kernel.poll() is None
        os.close(kernel._told)
        assert kernel.wait() == kernel.poll() == 0
        kernel.kill()  # as Popen does: nothing happens
    """
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_a_forked_run_leaves_the_very_scores_of_an_ordinary_one(tmp_path):
    shop = Workshop(tmp_path)
    with shop.parent() as forked:
        for words in shop.small:
            forked(*words)
            shop.ordinary(*words)
    assert shop.scores("forked") == shop.scores("ordinary") != b""
