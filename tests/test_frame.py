"""The lock, environment.yml, pyproject.toml and the installed packages say the same."""

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata

import pytest
import yaml

from xstilts import __version__
from xstilts.paths import ROOT

LOCK = (ROOT / "requirements.lock").read_text().replace(" \\\n", "")
LINES = [line for line in LOCK.splitlines() if not line.startswith("#")]
PIN = re.compile(r"([\w.-]+)==(\d[\w.]*)((    --hash=sha256:[0-9a-f]{64})*)")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins() -> dict[str, str]:
    return {plain(PIN.fullmatch(line)[1]): PIN.fullmatch(line)[2] for line in LINES}


def test_the_lock_pins_every_package_once_and_fits_every_machine():
    assert all(PIN.fullmatch(line) for line in LINES)
    assert [PIN.fullmatch(line)[1] for line in LINES if "--hash" not in line] == ["torch"]
    assert len(pins()) == len(LINES)
    assert pins()["torch"] == "2.13.0"  # no local version: a machine with a GPU has another one
    assert not [name for name in pins() if name.startswith(("nvidia", "triton", "cuda"))]


def test_the_lock_holds_what_the_project_asks_for():
    asked = {plain(re.match(r"[A-Za-z0-9_.-]+", need)[0]) for need in PROJECT["dependencies"]}
    assert asked <= pins().keys()


def test_this_environment_is_the_locked_one():
    for name, version in pins().items():
        try:
            assert metadata.version(name).split("+")[0] == version, name
        except metadata.PackageNotFoundError:
            pytest.fail(f"{name} is locked and not installed: run `make test`")


def test_conda_gives_what_make_needs():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, make = conda["dependencies"]
    assert conda["channels"] == ["conda-forge"] and make == "make"
    assert PROJECT["requires-python"] == ">=" + python.removeprefix("python=")


def test_versions_and_licence_agree():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == __version__ == metadata.version("xstilts")
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def test_a_half_made_environment_is_rebuilt(tmp_path):
    """make would rebuild .venv: without the stamp, and with a lock newer than it."""
    for name in ("Makefile", "requirements.lock"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    venv = tmp_path / ".venv"
    venv.mkdir()

    def rebuilds() -> bool:
        words = ["make", "-n", "test", "PYTHON=false"]
        said = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
        return "rm -rf .venv" in said.stdout

    assert rebuilds()
    (venv / ".stamp").touch()
    assert not rebuilds()
    stamp = (venv / ".stamp").stat().st_mtime
    os.utime(tmp_path / "requirements.lock", (stamp + 10, stamp + 10))
    assert rebuilds()


def test_continuous_integration_runs_make_test_and_no_more():
    script = ROOT / ".ci/run"
    commands = [line for line in script.read_text().splitlines() if not line.startswith("#")]
    assert commands == ['cd "$(dirname "${BASH_SOURCE[0]}")/.." && exec make test']
    assert script.stat().st_mode & 0o111


def test_the_console_script_is_the_command_line():
    assert PROJECT["scripts"] == {"xstilts": "xstilts.cli:main"}
    done = subprocess.run(
        [sys.executable, "-m", "xstilts", "--help"], capture_output=True, cwd=ROOT
    )
    assert done.returncode == 0
