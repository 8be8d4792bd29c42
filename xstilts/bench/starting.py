"""Starting a run: forked from a ready parent, with a kernel of its own, by papermill's command.

All three execute copies of the notebooks in a folder of their own, with results beside them.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import nbformat

from xstilts.paths import NOTEBOOKS, ROOT, UserError

HERE = (  # with the notebooks of another folder; nothing may have read the old one before
    "import sys; from pathlib import Path; from xstilts import paths; "
    "paths.NOTEBOOKS = Path(sys.argv.pop(1)); from xstilts.{} import main; "
    "sys.exit(main(sys.argv[1:]))"
)
OPENS = """
from xstilts import plots
from xstilts.evaluate import zero_shot
from xstilts.retrieval import retrieve
from xstilts.runs import open_run
from xstilts.train import fit

open_run("03_target", setting="tiny-xlmr", recipe="none", target="mnli", seed=1)
"""
SMALL = """
settings:
  - name: small
    encoder: tiny-xlmr
    data: world
    layer: 2
    budget:
      target: {examples: 64, epochs: 2, eval_examples: 16, evaluate_every: 2, tokens: 2048,
               max_len: 96}
      evaluate: {examples: 6}
seeds: [1]
recipes: [none]
targets: [mnli]
"""


class Workshop:
    """Notebooks, results and grid below `home`; runs end as they would in a grid."""

    def __init__(self, home: Path):
        self.home, self.books = home, home / "notebooks"
        shutil.copytree(NOTEBOOKS, self.books, ignore=shutil.ignore_patterns(".*"))
        (home / "small.yaml").write_text(SMALL)
        cells = [nbformat.v4.new_code_cell("seed: int = 1  # nothing is drawn"),
                 nbformat.v4.new_code_cell(OPENS.strip())]  # fmt: skip
        cells[0].metadata["tags"] = ["parameters"]
        book = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {
            "name": "python3", "display_name": "Python 3", "language": "python"}})  # fmt: skip
        nbformat.write(book, self.books / "opens.ipynb")

    def ordinary(self, *words: str, out: str = "ordinary") -> float:
        """Seconds of the run `words` (as `xstilts.execute` takes them), kernel and all."""
        return self._seconds(["-c", HERE.format("execute"), self.books, *words], out)

    def papermill(self) -> float:
        """Seconds of `papermill`'s own command on the notebook that only opens its run."""
        book = self.books / "opens.ipynb"
        words = ["-m", "papermill", book, self.home / "done.ipynb", "--no-progress-bar"]
        return self._seconds([*words, "--log-level", "ERROR"], "papermill")

    @contextmanager
    def parent(self) -> Iterator[Callable[..., float]]:
        """A ready parent, and with it a way to fork runs."""
        from xstilts import launch

        path = str(self.home / "parent")
        program = ("-c", HERE.format("launch"), str(self.books))
        with launch.parent(path, self._environment("forked"), program):
            yield lambda *words: self._seconds(["-m", "xstilts.launch", *words], "forked", path)

    def scores(self, kind: str) -> bytes:
        """The Scores of the small run, as they lie on disk."""
        return (self.home / kind / "small.s1/none/zero-mnli/scores.csv").read_bytes()

    @property
    def small(self) -> list[tuple[str, str]]:
        """The words that train and evaluate the small run."""
        runs = ("target-mnli", "zero-mnli")
        return [(str(self.home / "small.yaml"), f"small.s1/none/{run}") for run in runs]

    def _seconds(self, words: Sequence, out: str, parent: str | None = None) -> float:
        began = time.perf_counter()
        more = {"XSTILTS_PARENT": parent} if parent else {}
        done = subprocess.run([sys.executable, *map(str, words)], cwd=ROOT, text=True,
                              capture_output=True, env=self._environment(out) | more)  # fmt: skip
        if done.returncode:
            raise UserError(f"{out}: {words[-1]} failed: {done.stderr.strip()}")
        return time.perf_counter() - began

    def _environment(self, out: str) -> dict[str, str]:
        from xstilts.execute import quiet

        own = {"XSTILTS_RUN", "XSTILTS_GRID", "XSTILTS_PARENT"}
        kept = {name: text for name, text in os.environ.items() if name not in own}
        return kept | quiet(offline=True) | {"XSTILTS_OUT": str(self.home / out)}
