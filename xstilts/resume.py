"""The state of a training on disk, so that one that was killed goes on to the very same weights.

One file holds the weights, the best so far, the optimiser's moments and, as JSON in its header, all
else; it takes its predecessor's place in one move, so a kill at any moment leaves a whole state. No
random state is kept: what a step draws follows from the seed and the step's number. Nothing here is
a result; the folder goes when the model is saved. A state of another training, or of other code, is
passed over.
"""

import hashlib
import json
import shutil
from contextlib import suppress
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
        self.file, self.key = out.parent / ".work" / out.name / "state.safetensors", key

    def save(self, training) -> None:
        """Keep the state of a `loop.Training`, between two of its steps."""
        tensors = {f"best {name}": best for name, best in (training.best_weights or {}).items()}
        for name, weight in training.inner.named_parameters():
            tensors[f"weight {name}"] = weight.detach()
            moments = training.optimiser.state[weight]  # none before its first gradient
            tensors |= {f"{kind} {name}": moments[kind] for kind in MOMENTS if kind in moments}
        rest = {"state": asdict(training.state), "key": self.key}
        with replaced(self.file) as part:
            write_tensors(part, tensors, {"rest": json.dumps(rest)})

    def load(self, training) -> None:
        """Put a kept state back into `training`, if there is one and it is of this training."""
        try:
            with safe_open(self.file, "pt") as file:
                rest = json.loads(file.metadata()["rest"])
                if rest["key"] != self.key:
                    return
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except FileNotFoundError:
            return
        except (SafetensorError, ValueError):  # a disk that lost what it was given
            print(f"{self.file}: the kept state is damaged; from the start", flush=True)
            return
        training.state = type(training.state)(**rest["state"])
        best = {n.removeprefix("best "): t for n, t in tensors.items() if n.startswith("best ")}
        training.best_weights = best or None
        with torch.no_grad():
            for name, weight in training.inner.named_parameters():
                weight.copy_(tensors[f"weight {name}"])
                kept = {k: tensors[f"{k} {name}"] for k in MOMENTS if f"{k} {name}" in tensors}
                moved = {k: v.to(weight.device) for k, v in kept.items()}
                training.optimiser.state[weight].update(moved)

    def clear(self) -> None:
        """Remove everything, once it is of no more use."""
        shutil.rmtree(self.file.parent, ignore_errors=True)
        with suppress(OSError):  # other trainings keep theirs there
            self.file.parent.parent.rmdir()


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
