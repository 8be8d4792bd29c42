"""What the doctor says of a sound machine, and of each thing that can be wrong with one."""

import re
import subprocess
import sys
from collections import namedtuple

import pytest

from xstilts import doctor
from xstilts.cli import main
from xstilts.doctor import NOTE, OK, WRONG
from xstilts.paths import ROOT


@pytest.fixture
def sound(out, tmp_path, monkeypatch):
    """A machine on which everything is as it should be."""
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(doctor.locale, "getpreferredencoding", lambda _: "UTF-8")
    monkeypatch.setattr(doctor.metadata, "version", lambda name: PINS[name])
    monkeypatch.setattr(doctor.tempfile, "gettempdir", lambda: "/tmp")
    return monkeypatch


PINS = dict(re.findall(r"(?m)^([A-Za-z0-9_.-]+)==([^\s;\\]+)",
                       (ROOT / "requirements.lock").read_text("utf-8")))  # fmt: skip


def wrong(capsys) -> list[str]:
    """What it finds wrong, once it is sure that the exit code and the last line agree."""
    code = main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    found = [line for line in lines if line.startswith(WRONG)]
    assert code == (3 if found else 0)
    assert lines[-1].startswith(f"{len(found)} of " if found else "all is well")
    assert all(line.split()[0] in (OK, NOTE, WRONG) for line in lines[:-1])
    return found


def test_a_sound_machine_is_well_and_nothing_is_left_there(sound, out, capsys):
    assert wrong(capsys) == []
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("XSTILTS_HUB", "nowhere", "is not a folder; unset it or point it to one"),
        ("XSTILTS_HUB", "empty", "is empty: `xstilts mirror` fills one"),
        ("XSTILTS_TEXT", "file", "is not a folder"),
        ("XSTILTS_TRANSLATED", "nowhere", "is not a folder"),
        ("XSTILTS_OUT", "file/out", "set XSTILTS_OUT to a folder of your own"),
        ("XSTILTS_CACHE", "file/cache", "set XSTILTS_CACHE to a folder of your own"),
    ],
)
def test_folders_that_cannot_be_used(name, value, words, sound, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    sound.setenv(name, str(tmp_path / value))
    (line,) = wrong(capsys)
    assert words in line


def test_a_locale_and_a_temporary_folder_that_will_not_do(sound, capsys):
    sound.setattr(doctor.locale, "getpreferredencoding", lambda _: "ANSI_X3.4-1968")
    sound.setattr(doctor.tempfile, "gettempdir", lambda: "/" + "long/" * 15)
    one, two = sorted(wrong(capsys))
    assert "export LC_ALL=C.UTF-8" in one and "set TMPDIR to a short one" in two


def test_a_full_disk(sound, capsys):
    usage = namedtuple("usage", "total used free")
    sound.setattr(doctor.shutil, "disk_usage", lambda _: usage(10, 9, 1))
    lines = wrong(capsys)
    assert len(lines) == 2 and all("free some, or set XSTILTS_" in line for line in lines)


def test_packages_that_lack_and_those_of_another_version(sound, capsys):
    sound.setattr(doctor.metadata, "version", lambda name: PINS[name] + "0" * (name == "numpy"))
    assert wrong(capsys) == []
    (one,) = doctor.packages()
    assert one.state == NOTE and f"numpy {PINS['numpy']}0 for {PINS['numpy']}" in one.told
    sound.setattr(doctor, "_version", lambda name: "" if name[0] == "t" else PINS[name])
    (line,) = wrong(capsys)
    assert "no torch, transformers" in line and "make .venv" in line


def test_an_encoder_that_git_left_a_pointer_for(sound, tmp_path, capsys):
    sound.setattr(doctor, "ENCODERS", tmp_path / "encoders")
    (tmp_path / "encoders/tiny-mbert").mkdir(parents=True)
    (tmp_path / "encoders/tiny-mbert/model.safetensors").write_text("version https://git-lfs")
    lines = wrong(capsys)
    assert len(lines) == 2 and all("git checkout" in line for line in lines)


def test_it_imports_nothing_that_takes_long():
    heavy = {"torch", "transformers", "pandas", "datasets"}
    code = f"from xstilts.cli import *; main(['doctor']); print({heavy} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "set()", done.stdout
