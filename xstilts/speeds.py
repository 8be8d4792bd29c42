"""How fast a machine trains and reads: measured by `probe`, or assumed; and what a grid takes then.

    python -m xstilts.speeds full      a grid's time and disk on 1, 8 and 64 GPUs, as Markdown

Work is counted in `costs`. An update is taken to last so long and so much longer for every FLOP.
"""

import json
import platform
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from xstilts.costs import Cost, Shape, cost, disk, shape, wall
from xstilts.files import write_json
from xstilts.grid import plan
from xstilts.paths import cache_dir
from xstilts.settings import Setting

NAME = "probes.json"  # in the cache folder
GPUS = (1, 8, 64)


class Speed(NamedTuple):
    """Seconds that an update takes whatever is in it, FLOP/s of learning and of reading.

    `said_by` names the machine; `lengths` are the pieces of a row by task, where measured."""

    update: float
    learning: float
    reading: float
    said_by: str
    lengths: Mapping[str, float] = {}
    gpu: bool = False

    def seconds(self, cost: Cost) -> float:
        learning = cost.updates * self.update + cost.learnt / self.learning
        return learning + cost.read / self.reading


def stated(body: Shape) -> Speed:
    """An A100 as its maker describes it, at the utilisation that is assumed: no measurement.

    40 % of 312 TFLOP/s in bf16; an update moves weight, gradient and both moments (28 bytes a
    parameter) at 1.555 TB/s.
    """
    usual = 0.4 * 312e12
    update = 28 * body.parameters / 1.555e12
    return Speed(update, usual, usual, "A100 at an assumed 40 % of its bf16 peak", gpu=True)


def probed(setting: Setting) -> Speed | None:
    """What the last `xstilts plan GRID --probe` measured here for this encoder, if it did."""
    found = _probes().get(_key(setting))
    return Speed(**found) if found else None


def remember(setting: Setting, speed: Speed) -> None:
    """Keep a measurement for later plans."""
    write_json(cache_dir() / NAME, _probes() | {_key(setting): speed._asdict()})


def _probes() -> dict[str, dict]:
    with suppress(FileNotFoundError, ValueError):
        return json.loads((cache_dir() / NAME).read_text("utf-8"))
    return {}


def _key(setting: Setting) -> str:
    return f"{setting.encoder}, {setting.precision}, {machine()}"


@cache
def machine() -> str:
    """The device that a run has, told without torch: a GPU, or one thread of the processor."""
    gpus = sorted(Path("/proc/driver/nvidia/gpus").glob("*/information"))
    file, word = (gpus[0], "Model:") if gpus else (Path("/proc/cpuinfo"), "model name")
    name = platform.machine()
    with suppress(OSError, StopIteration):
        line = next(line for line in file.read_text().splitlines() if line.startswith(word))
        name = line.partition(":")[2].strip()
    return name if gpus else f"{name}, 1 thread"


def spell(seconds: float) -> str:
    """A duration, in the unit that suits it."""
    for unit, size in (("minutes", 60), ("hours", 3600)):
        if seconds < 120 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds / 86400:,.0f} days"


def on_paper(grid: str) -> str:
    """Time and disk of a grid on GPUs that nobody measured, one row a setting: Markdown."""
    runs = [run for run in plan(grid) if run.setting]
    names = list(dict.fromkeys(run.setting.name for run in runs))
    table = [["setting", "runs", "GPU-hours", *(f"{n} GPUs" for n in GPUS), "disk, end", "at most"]]
    for some in [[name] for name in names] + [names] * (len(names) > 1):
        own = [run for run in runs if run.setting.name in some]
        costs = {run.id: cost(run, {}) for run in own}
        seconds = {run.id: stated(shape(run.setting)).seconds(costs[run.id]) for run in own}
        kept, most = (f"{size / 1e12:.2f} TB" for size in disk(own, costs, GPUS[-1]))
        times = (spell(wall(own, seconds, number)) for number in GPUS)
        spent = f"{sum(seconds.values()) / 3600:,.0f}"
        table.append([" + ".join(some), f"{len(own):,}", spent, *times, kept, most])
    table.insert(1, ["---"] * len(table[0]))
    return "\n".join(f"| {' | '.join(row)} |" for row in table)


if __name__ == "__main__":
    print(on_paper(sys.argv[1]))
