"""Nothing unsafe: no pickle, no remote code, no shell, private sockets, text that stays text."""

import ast
import json
import os
import re

import pandas as pd
import pytest
import torch
from conftest import notebook

from xstilts import execute as driver
from xstilts import report
from xstilts.encoder import Encoder
from xstilts.paths import NOTEBOOKS, PACKAGE, ROOT, UserError

HOSTILE = "<script>alert('x')</script> & | \\input{/etc/passwd} $x$ % _ # {a} ~ ^ \"'\n`rm -rf`"
SOURCES = [*sorted(PACKAGE.rglob("*.py")), *sorted(NOTEBOOKS.glob("*.ipynb")),
           ROOT / "papermill_runs/Snakefile"]  # fmt: skip
FORBIDDEN = {  # names that are called or imported nowhere, and why
    "pickle", "cPickle", "dill", "joblib", "shelve", "marshal", "cloudpickle",  # run what they read
    "eval", "exec", "compile", "__import__", "literal", "system", "popen", "getoutput",
    "unsafe_load", "full_load", "load_dataset", "hub_download_and_run",
}  # fmt: skip


def code(path) -> str:
    """The Python of a module, a notebook's cells without magics, or the Snakefile's functions."""
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text("utf-8"))["cells"]
        lines = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        return "\n".join(
            "pass" if line.startswith(("%", "!")) else line for line in lines.split("\n")
        )
    if path.name == "Snakefile":
        return path.read_text("utf-8").partition("\nrule ")[0]
    return path.read_text("utf-8")


def called(path):
    """(name, call) of every call, (name, None) of every import."""
    for node in ast.walk(ast.parse(code(path))):
        if isinstance(node, ast.Call):
            plain = isinstance(node.func, ast.Name)
            owner = getattr(getattr(node.func, "value", None), "id", "")
            name = node.func.id if plain else getattr(node.func, "attr", "")
            yield (name, node) if plain or owner in ("os", "subprocess", "torch", "yaml") else (
                f".{name}", node)  # fmt: skip
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.name.partition(".")[0], None
            yield (getattr(node, "module", "") or "").partition(".")[0], None


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_that_runs_what_it_reads_is_called(path):
    for name, call in called(path):
        assert name not in FORBIDDEN, f"{path.name} uses {name}"
        if call is None:
            continue
        given = {word.arg: word.value for word in call.keywords}
        assert "shell" not in given, f"{path.name}: a shell"
        if name == "load" and getattr(getattr(call.func, "value", None), "id", "") == "torch":
            pytest.fail(f"{path.name}: torch.load reads pickles")
        trust = given.get("trust_remote_code")
        assert trust is None or (isinstance(trust, ast.Constant) and trust.value is False)
        if name == ".from_pretrained" and path.name != "pretrain.py":
            assert path.name == "encoder.py" or "local" in ast.dump(call), path.name


def test_names_reach_the_shell_quoted_only():
    text = (ROOT / "papermill_runs/Snakefile").read_text("utf-8")
    job = re.search(r'JOB = f"(.*)"', text)[1]
    assert set(re.findall(r"\{\{(.*?)\}\}", job)) == {"GRID:q", "wildcards.run:q"}
    assert set(re.findall(r"(?m)^    shell: (.*)$", text)) == {"JOB"}


def test_pickled_weights_are_neither_read_nor_run(tmp_path):
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(trap),)

    home = tmp_path / "encoder"
    home.mkdir()
    (home / "config.json").write_text('{"model_type": "xlm-roberta"}')
    torch.save({"weights": Trap()}, home / "pytorch_model.bin")
    with pytest.raises(UserError, match="only pickled weights .*which are not read"):
        Encoder.load(home)
    assert not trap.exists()
    torch.load(home / "pytorch_model.bin", weights_only=False)  # the trap is a real one
    assert trap.is_dir()


def test_code_that_comes_with_an_encoder_is_not_run(tmp_path):
    trap = tmp_path / "sprung"
    (tmp_path / "evil.py").write_text(f"import os; os.mkdir({str(trap)!r})")
    told = {"model_type": "evil", "auto_map": {"AutoConfig": "evil.Config"}}
    (tmp_path / "config.json").write_text(json.dumps(told))
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(UserError):
        Encoder.load(tmp_path)
    assert not trap.exists()


def test_parameters_are_data(tmp_path, monkeypatch):
    """And the kernel's sockets lie where nobody else may look."""
    monkeypatch.setattr(driver, "NOTEBOOKS", tmp_path)
    cell = ("import pathlib, sys\nhome = pathlib.Path(sys.argv[sys.argv.index('-f') + 1]).parent\n"
            "print(oct(home.stat().st_mode & 0o777))\n"
            "assert text == open('said').read()")  # fmt: skip
    (tmp_path / "one.ipynb").write_text(notebook([cell], 'text: str = "a"'))
    trap = tmp_path / "sprung"
    for said in (HOSTILE, f"'\n__import__('os').mkdir({str(trap)!r})\n'", "\\", '"""', "{text}"):
        (tmp_path / "said").write_text(said)
        done = driver.execute("one", {"text": said}, tmp_path / "out")
    assert not trap.exists()
    (cell,) = json.loads(done.read_text())["cells"][-1:]
    assert "".join(cell["outputs"][0]["text"]).split()[0] == "0o700"


def test_text_of_a_data_set_stays_text_in_every_table(tmp_path):
    table = pd.DataFrame({HOSTILE: [HOSTILE]}, index=pd.Index([HOSTILE], name="said"))
    report.write(tmp_path / "t", "table", table, table, HOSTILE, [HOSTILE])
    page = report.markdown(table)
    assert "<script>" not in page and "&lt;script&gt;" in page
    tex = (tmp_path / "t/table.tex").read_text("utf-8")
    assert r"\input" not in tex and r"\textbackslash{}input" in tex
    assert not re.search(r"(?<!\\)[$%#_]", tex)
    for line in (tmp_path / "t/table.md").read_text("utf-8").splitlines():
        if line.startswith("|") and "---" not in line:
            assert len(re.findall(r"(?<!\\)\|", line)) == 3
