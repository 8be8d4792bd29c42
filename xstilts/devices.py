"""One training in several processes, each on a device of its own, and what they tell each other.

A notebook's kernel cannot be one of them, so `launch` starts them beside it. They are torchrun's:
`accelerate launch` runs torchrun too where there are GPUs, and would want MPI where there are none.
Gradients are summed plainly, once a step. Data-parallel wrappers average instead, at every
micro-batch, of which the processes need not have the same number. Knows nothing of what is trained.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import torch
from torch import Tensor, distributed

from xstilts.files import write_json
from xstilts.paths import KINDS, BadInput, UserError


def launch(module: str, request: dict, count: int) -> None:
    """Have `count` processes run `module` on `request`; what the first one prints is printed here.

    Raises the UserError that one of them met, and BadInput if there are not so many devices (GPUs,
    else CPU cores). None of them outlives this call, nor the process that made it.
    """
    gpus = torch.cuda.device_count()
    has, what = (gpus, "GPUs") if gpus else (os.cpu_count(), "CPU cores")
    if not 1 <= count <= has:
        raise BadInput(f"devices: {count}, but there are {has} {what} here; change the setting")
    with TemporaryDirectory() as folder:
        told, failed = Path(folder, "request.json"), Path(folder, "error.json")
        write_json(told, request)
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone",
                   f"--nproc-per-node={count}", "-m", module, str(told)]  # fmt: skip
        surroundings = os.environ | ({} if gpus else {"ACCELERATE_USE_CPU": "true"})
        pipe = subprocess.PIPE
        with Path(folder, "stderr").open("w+", encoding="utf-8", errors="replace") as said:
            with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=said, text=True,
                                  env=surroundings) as ranks:  # fmt: skip
                for line in ranks.stdout:
                    print(line, end="", flush=True)
            if failed.is_file():
                kind, line = json.loads(failed.read_text("utf-8"))
                raise KINDS[kind](line)
            if ranks.returncode:
                said.seek(0)
                raise RuntimeError(f"the {count} processes of {module} failed:\n{said.read()}")


@contextmanager
def joined(request: Path) -> Iterator[dict]:
    """What a process of `launch` is asked; a UserError goes back to who asked."""
    Thread(target=_end_with_parent, daemon=True).start()
    if os.environ["RANK"] != "0":
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    try:
        yield json.loads(request.read_text("utf-8"))
    except UserError as error:
        write_json(request.with_name("error.json"), [type(error).__name__, str(error)])
        sys.exit(1)


def _end_with_parent() -> None:
    os.read(0, 1)  # a pipe that nobody writes to: it ends with the process that holds its other end
    os._exit(1)


def alone() -> str:
    """The device of whoever works by itself."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def place() -> tuple[int, int]:
    """Which process this is, from 0, and of how many."""
    grouped = distributed.is_available() and distributed.is_initialized()
    return (distributed.get_rank(), distributed.get_world_size()) if grouped else (0, 1)


def agree(weights: Sequence[Tensor]) -> None:
    """Give all processes the first one's weights."""
    if place()[1] > 1:
        for weight in weights:
            distributed.broadcast(weight.detach(), 0)


def add_up(weights: Sequence[Tensor], figures: Sequence[float]) -> Sequence[float]:
    """`figures`, and the gradients of `weights` in place, summed over all processes."""
    if place()[1] == 1:
        return figures
    sums = torch.tensor(figures, dtype=torch.float64, device=weights[0].device)
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    for work in [distributed.all_reduce(t, async_op=True) for t in (*gradients, sums)]:
        work.wait()
    return sums.tolist()


class Total(torch.autograd.Function):
    """The sum of all processes' tensors, for a loss that each of them computes whole.

    The gradient is that of the sum of these losses, and so as many times too long as they are.
    """

    @staticmethod
    def forward(_, tensor: Tensor) -> Tensor:
        total = tensor.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_, gradient: Tensor) -> Tensor:
        return Total.forward(_, gradient)


def shared(work: Callable[[Sequence], list], items: Sequence) -> list:
    """What `work` makes of `items`, in their order, where each process works on its part."""
    rank, count = place()
    if count == 1:
        return work(items)
    parts, made = [None] * count, [None] * len(items)
    distributed.all_gather_object(parts, work(items[rank::count]))
    for first, part in enumerate(parts):
        made[first::count] = part
    return made
