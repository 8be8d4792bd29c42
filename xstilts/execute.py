"""Execute one notebook, strictly: the only door to papermill.

As a program it is the job behind every run of a grid, or one notebook by hand:

    python -m xstilts.execute GRID RUN_ID
    python -m xstilts.execute 03_target recipe=mnli target=udpos      (into scratch)

Where papermill lets a mistyped or ill-typed parameter pass, this refuses it. The executed notebook
is kept whether it failed or not; a failed one leaves no record, so that it does not count as done.
"""

import ast
import json
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from xstilts.checksums import seal
from xstilts.files import replaced, told
from xstilts.grid import alone, plan
from xstilts.gridfile import at_hand
from xstilts.paths import KINDS, NOTEBOOKS, BadInput, UserError, nearest, runs_dir
from xstilts.records import check_value

QUIET = {  # one thread a run, no progress bars in stored notebooks, nothing over the network
    "OMP_NUM_THREADS": "1",
    "TQDM_DISABLE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}

FORKED = None  # the kernel that `launch` has ready, if any


class NotebookFailed(UserError):
    """A notebook raised an error that is none of the user's (exit code 1)."""

    exit_code = 1


def execute_run(grid: str | Path, name: str) -> Path:
    """Execute the run called `name` of `grid`; returns the executed notebook's path."""
    runs = {run.id: run for run in plan(grid)}
    if name not in runs:
        raise BadInput(f"{grid} plans no run '{name}': {nearest(name, runs)}")
    run, folder = runs[name], runs_dir() / name
    os.environ.update(XSTILTS_RUN=name, XSTILTS_GRID=str(grid))
    for stale in ("run.json", "failed.txt", "scores.csv", "measures.csv"):
        (folder / stale).unlink(missing_ok=True)
    try:
        done = execute(run.notebook, run.params, folder, offline=_offline(run))
        if run.leaves == "report":
            _html(done, folder / "notebook.html")
        seal(folder)
        return done
    except Exception as error:
        (folder / "run.json").unlink(missing_ok=True)
        words = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        with suppress(UserError), replaced(folder / "failed.txt") as part:  # the disk may be full
            part.write_text(" ".join(words.split()) + "\n", "utf-8")
        raise


def execute(notebook: str, params: Mapping, folder: Path, offline: bool = False) -> Path:
    """Execute a notebook with `params` and keep it in `folder`, also if it fails.

    Raises BadInput for a parameter that it does not declare or of another type, the notebook's
    own UserError as that, and NotebookFailed for anything else.
    """
    source = NOTEBOOKS / f"{notebook}.ipynb"
    check(source, params)
    with told(folder):
        (folder / ".work").mkdir(parents=True, exist_ok=True)
    part, kept = folder / ".work" / "notebook.ipynb", folder / "notebook.ipynb"
    os.environ.update(quiet(offline))
    try:
        _papermill(source, part, params)
    finally:
        if part.is_file():
            part.replace(kept)
    shutil.rmtree(folder / ".work", ignore_errors=True)
    return kept


def quiet(offline: bool) -> dict[str, str]:
    """The environment of a batch run."""
    return QUIET | ({"HF_HUB_OFFLINE": "1"} if offline else {})


def check(source: Path, params: Mapping) -> None:
    """Refuse parameters that the notebook's parameters cell does not declare, or not so."""
    declared = declarations(source)
    for name, value in params.items():
        if name not in declared:
            raise BadInput(f"{source.name} has no parameter '{name}': {nearest(name, declared)}")
        check_value(value, type(declared[name]), f"{source.name}: {name}")


def declarations(source: Path) -> dict:
    """The parameters of a notebook with their defaults, from lines like `seed: int = 1  # why`.

    Names, order and types are the notebook's promise: what is not such a line is an error.
    """
    if not source.is_file():
        known = [path.stem for path in NOTEBOOKS.glob("*.ipynb")]
        raise BadInput(f"no notebook '{source.stem}': {nearest(source.stem, known)}")
    cells = json.loads(source.read_text("utf-8"))["cells"]
    tagged = [c for c in cells if "parameters" in c.get("metadata", {}).get("tags", [])]
    if len(tagged) != 1:
        raise BadInput(f"{source.name}: {len(tagged)} cells are tagged 'parameters', not one")
    found = {}
    for node in ast.parse("".join(tagged[0]["source"])).body:
        try:
            found[node.target.id] = ast.literal_eval(node.value)
            if ast.unparse(node.annotation) != type(found[node.target.id]).__name__:
                raise ValueError
        except (AttributeError, ValueError):
            raise BadInput(f"{source.name}: parameters: '{ast.unparse(node)}' is not "
                           "`name: type = default`") from None  # fmt: skip
    return found


def _papermill(source: Path, target: Path, params: Mapping) -> None:
    """papermill with a kernel of this environment that talks through sockets, not ports."""
    sys.modules.setdefault("rfc3987_syntax", None)  # a second of imports that nothing here needs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import papermill
        from jupyter_client.manager import AsyncKernelManager
        from papermill.exceptions import PapermillExecutionError

    class Kernel(AsyncKernelManager):
        """Its sockets lie in a private folder, so that kernels side by side never meet."""

        def __init__(self, *args, **more):
            more |= {"transport": "ipc", "connection_file": f"{private}/kernel.json"}
            super().__init__(*args, **more)

        async def _async_launch_kernel(self, kernel_cmd, **more):
            if FORKED is None:
                return await super()._async_launch_kernel(kernel_cmd, **more)
            FORKED.begin(self.connection_file, str(NOTEBOOKS), more.get("env") or dict(os.environ))
            self.provisioner.process = FORKED
            self._reconcile_connection_info(self.provisioner.connection_info)

    try:
        with tempfile.TemporaryDirectory(prefix="xstilts-") as private:
            papermill.execute_notebook(
                str(source), str(target), parameters=dict(params), kernel_name="python3",
                kernel_manager_class=Kernel, progress_bar=False, cwd=str(NOTEBOOKS),
            )  # fmt: skip
    except PapermillExecutionError as error:
        kind = KINDS.get(error.ename, NotebookFailed)
        text = error.evalue if kind is not NotebookFailed else f"{error.ename}: {error.evalue}"
        raise kind(" ".join(text.split())) from None


def _offline(run) -> bool:
    return run.setting is not None and run.setting.data == "world"


def _html(notebook: Path, page: Path) -> None:
    """The executed notebook as a page to read: pictures and text, no code."""
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(exclude_input=True, exclude_input_prompt=True, embed_images=True)
    text, _ = exporter.from_filename(str(notebook))
    with replaced(page) as part:
        part.write_text(text, "utf-8")


def _by_hand(notebook: str, words: list[str]) -> Path:
    """Execute `notebook` in the scratch folder; `words` are `name=value`."""
    declared = declarations(NOTEBOOKS / f"{notebook}.ipynb")
    params = {}
    for word in words:
        name, _, value = word.partition("=")
        try:
            text = isinstance(declared.get(name, ""), str)
            params[name] = value if text else ast.literal_eval(value)
        except (ValueError, SyntaxError):
            raise BadInput(f"{notebook}: {name}: '{value}' cannot be read") from None
    check(NOTEBOOKS / f"{notebook}.ipynb", params)
    run = alone(notebook, declared | params, at_hand(params))[-1]
    return execute(notebook, params, runs_dir() / "scratch" / run.id, offline=_offline(run))


def main(words: list[str] | None = None) -> int:
    words = sys.argv[1:] if words is None else words
    try:
        if len(words) == 2 and "=" not in words[1]:
            execute_run(*words)
        elif words:
            print(_by_hand(words[0], words[1:]))
        else:
            raise BadInput("give GRID RUN_ID, or a notebook's name and name=value")
    except UserError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
