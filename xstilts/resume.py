"""The state of a training on disk, so that one that was killed goes on to the very same weights.

One file holds the weights, the optimiser's moments and, as JSON in its header, all else; it takes
its predecessor's place in one move, so a kill at any moment leaves a whole state. The best weights
so far lie in a file of their own, which that header names. No random state is kept: what a step
draws follows from the seed and the step's number. Nothing here is a result; the folder goes when
the model is saved. A state of another training, or of other code, is passed over.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from xstilts.files import replaced
from xstilts.model import write_tensors
from xstilts.paths import PACKAGE

MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps of a weight


class Work:
    """The folder `.work/<name>` beside the model `out`; `key` says which training it belongs to."""

    def __init__(self, out: Path, key: str):
        self.folder, self.key = out.parent / ".work" / out.name, key

    def save(self, training) -> None:
        """Keep the state of a `loop.Training`, between two of its steps."""
        self.folder.mkdir(parents=True, exist_ok=True)
        best = f"best-{training.state.best}.safetensors" if training.best_weights else ""
        if best and not (self.folder / best).is_file():
            self._write(best, training.best_weights, {})
        tensors = {}
        for name, weight in training.inner.named_parameters():
            tensors[f"weight {name}"] = weight.detach()
            moments = training.moments(weight)
            tensors |= {f"{kind} {name}": moments[kind] for kind in MOMENTS if kind in moments}
        rest = {"state": asdict(training.state), "best": best, "key": self.key}
        self._write("state.safetensors", tensors, {"rest": json.dumps(rest)})
        for old in self.folder.glob("best-*"):
            if old.name != best:
                old.unlink()

    def load(self, training) -> None:
        """Put a kept state back into `training`, if there is one and it is of this training."""
        try:
            with safe_open(self.folder / "state.safetensors", "pt") as file:
                rest = json.loads(file.metadata()["rest"])
                if rest["key"] != self.key:
                    return
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            best = _read(self.folder / rest["best"]) if rest["best"] else None
        except FileNotFoundError:
            return
        except (SafetensorError, ValueError):  # a disk that lost what it was given
            print(f"{self.folder}: the kept state is damaged; from the start", flush=True)
            return
        training.state, training.best_weights = type(training.state)(**rest["state"]), best
        with torch.no_grad():
            for name, weight in training.inner.named_parameters():
                weight.copy_(tensors[f"weight {name}"])
                kept = {k: tensors[f"{k} {name}"] for k in MOMENTS if f"{k} {name}" in tensors}
                moments = {k: v.to(weight.device) for k, v in kept.items()}
                if moments:
                    training.moments(weight).update(moments)

    def clear(self) -> None:
        """Remove everything, once it is of no more use."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self.folder.parent.is_dir() and not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()

    def _write(self, name: str, tensors: Mapping, metadata: Mapping[str, str]) -> None:
        with replaced(self.folder / name) as part:
            write_tensors(part, tensors, metadata)


def _read(path: Path) -> dict:
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def key(numbers, training) -> str:
    """A hash over `numbers`, the first weights, every training feature and the code."""
    digest = hashlib.sha256(repr(numbers).encode())
    for name, weight in training.inner.named_parameters():
        digest.update(name.encode() + weight.detach().cpu().numpy().tobytes())
    for lesson in training.lessons:
        for feature in lesson.features:
            digest.update(b"".join(one.ids.tobytes() for one in feature.inputs))
            digest.update(repr(feature.target).encode())
    for source in sorted(PACKAGE.rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()
