"""The driver: strict about parameters, keeps what failed, tells errors by their exit code."""

import errno
import json
from pathlib import Path

import pytest
from conftest import notebook

from xstilts import execute as driver
from xstilts.execute import check, declarations, execute, main
from xstilts.paths import KINDS, BadInput, MissingData, UserError

PARAMETERS = (
    'recipe: str = "mnli"  # meaning\nseed: int = 1\nrate: float = 0.5\nall: bool = False\n'
)


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """A folder of notebooks; call it to write one."""
    monkeypatch.setattr(driver, "NOTEBOOKS", tmp_path)

    def write(name, *cells, parameters=PARAMETERS):
        path = tmp_path / f"{name}.ipynb"
        path.write_text(notebook(list(cells), parameters))
        return path

    return write


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"recipy": "mnli"}, "no parameter 'recipy': did you mean 'recipe'"),
        ({"seed": "1"}, "seed: '1' is no int"),
        ({"seed": True}, "seed: True is no int"),
        ({"seed": 1.0}, "seed: 1.0 is no int"),
        ({"recipe": 3}, "recipe: 3 is no str"),
        ({"all": 1}, "all: 1 is no bool"),
        ({"rate": "0.5"}, "rate: '0.5' is no float"),
    ],
)
def test_mistyped_and_ill_typed_parameters_are_errors(notebooks, params, words, tmp_path):
    path = notebooks("one", "x = 1")
    with pytest.raises(BadInput, match=words):
        execute("one", params, tmp_path / "out")
    assert not (tmp_path / "out").exists()  # nothing was started
    check(path, {"seed": 2, "rate": 1, "all": True, "recipe": "a"})


@pytest.mark.parametrize(
    "parameters",
    ["seed = 1", "seed: int", "seed: int = f()", 'seed: int = "1"', "import os", "seed: Seed = 1"],
)
def test_a_parameters_cell_holds_declarations_only(notebooks, parameters):
    with pytest.raises(BadInput, match="is not `name: type = default`"):
        declarations(notebooks("one", parameters=parameters))


def test_there_is_one_parameters_cell(notebooks, tmp_path):
    path = notebooks("one", "x = 1")
    path.write_text(path.read_text().replace('"parameters"', '"other"'))
    with pytest.raises(BadInput, match="0 cells are tagged"):
        declarations(path)
    with pytest.raises(BadInput, match="no notebook 'onne': did you mean 'one'"):
        declarations(tmp_path / "onne.ipynb")


def test_values_arrive_and_the_executed_notebook_stays(notebooks, tmp_path):
    hostile = "a'; import os #\n\"{}"
    notebooks("one", "print(repr(recipe), seed, rate)")
    done = execute("one", {"recipe": hostile, "seed": 7}, tmp_path / "out")
    assert done == tmp_path / "out/notebook.ipynb"
    assert f"{hostile!r} 7 0.5" in "".join(
        text for c in json.loads(done.read_text())["cells"] for o in c["outputs"]
        for text in o.get("text", [])
    )  # fmt: skip
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["notebook.ipynb"]


def test_a_failed_notebook_is_kept_and_a_user_error_is_one_line(notebooks, tmp_path):
    notebooks(
        "one",
        "from xstilts.paths import MissingData\nif seed == 1: raise MissingData('no\\n  text')",
        "1 / 0",
    )
    with pytest.raises(MissingData, match="^no text$") as caught:
        execute("one", {}, tmp_path / "out")
    assert caught.value.exit_code == 3
    with pytest.raises(
        driver.NotebookFailed, match="ZeroDivisionError: division by zero"
    ) as caught:
        execute("one", {"seed": 2}, tmp_path / "out")
    assert caught.value.exit_code == 1
    assert "ZeroDivisionError" in (tmp_path / "out/notebook.ipynb").read_text()


def test_every_error_of_a_user_is_known_by_its_name():
    def below(kind):
        return {kind}.union(*map(below, kind.__subclasses__()))

    ours = {kind for kind in below(UserError) if kind.__module__.startswith("xstilts.")}
    assert {*KINDS.values()} == ours - {driver.NotebookFailed}  # which is what is left over


@pytest.mark.parametrize("full", [False, True])
def test_why_a_run_failed_is_kept_whole_or_not_at_all(full, out, monkeypatch):
    def failing(*_, **__):
        raise BadInput("a\n reason")

    def no_room(path, text, *_):
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(driver, "execute", failing)
    if full:
        monkeypatch.setattr(Path, "write_text", no_room)
    name = "tiny-xlmr.s1/mnli/encoder"
    with pytest.raises(BadInput, match="reason"):
        driver.execute_run("core", name)
    found = sorted(path.name for path in (out / name).iterdir())
    assert found == ([] if full else ["failed.txt"])
    assert full or (out / name / "failed.txt").read_text() == "a reason\n"


def test_what_cannot_be_executed_is_told(capsys):
    assert main([]) == 2
    assert main(["core", "tiny-xlmr.s1/mnli/encodr"]) == 2
    assert main(["02_intermediate", "sede=1"]) == 2
    assert main(["02_intermediate", "seed=one"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 4
    assert "did you mean 'tiny-xlmr.s1/mnli/encoder'" in lines[1]
    assert "did you mean 'seed'" in lines[2]
