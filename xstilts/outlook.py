"""What a grid will cost and show: disk, time on this machine, the smallest gain it would detect.

Combines the estimates of `costs`, the last probe's measurements and the noise of finished runs.
Imports torch for a probe only.
"""

import sys
from collections.abc import Iterable, Mapping

from xstilts.costs import Cost, cost, wall
from xstilts.costs import disk as on_disk
from xstilts.grid import Run
from xstilts.gridfile import Grid
from xstilts.paths import MissingData
from xstilts.profiles import cores
from xstilts.speeds import Speed, probed, remember, spell


def probe(grid: Grid, runs: Iterable[Run]) -> None:
    """Measure this machine with every setting's encoder, and remember it."""
    from xstilts.probe import measure

    for one in grid.used.values():
        try:
            remember(one, measure(one, runs))
        except MissingData as error:
            print(f"xstilts: not measured: {error}", file=sys.stderr)


def reckon(grid: Grid, runs: Iterable[Run]) -> tuple[dict[str, Speed | None], dict[str, Cost]]:
    """Speeds by setting, as last measured here, and costs by run, with measured text lengths."""
    speeds = {name: probed(one) for name, one in grid.used.items()}
    lengths = {name: speed.lengths for name, speed in speeds.items() if speed}
    return speeds, {r.id: cost(r, lengths.get(r.params.get("setting"), {})) for r in runs}


def number(parts: Iterable[float]) -> str:
    """A sum: "?" if it is not known, empty if it is zero."""
    total = sum(parts)
    return "?" if total != total else f"{total:,.0f}" if total else ""


def disk(runs: Iterable[Run], costs: Mapping[str, Cost]) -> str:
    """Of the whole grid, done or not."""
    kept, peak = (f"{size / 1e9:,.1f} GB" if size == size else "?"
                  for size in on_disk(runs, costs, cores()))  # fmt: skip
    return f"disk: {kept} in the end, at most {peak} at a time"


def time(todo: list[Run], costs: Mapping[str, Cost], speeds: Mapping[str, Speed | None]) -> str:
    """How long `todo` will take here."""
    if not todo:
        return "time: nothing left to do"
    used = {run.params["setting"]: speeds[run.params["setting"]] for run in todo}
    if unknown := [name for name, speed in used.items() if not speed]:
        return f"time: unknown for {', '.join(unknown)} until measured with --probe"
    seconds = {run.id: used[run.params["setting"]].seconds(costs[run.id]) for run in todo}
    if (spent := sum(seconds.values())) != spent:
        return "time: unknown, as the size of a task is (--probe counts the data at hand)"
    machines = ", ".join(dict.fromkeys(speed.said_by for speed in used.values()))
    unit = "GPU-hours" if any(speed.gpu for speed in used.values()) else "hours of one thread"
    here = f"{spell(wall(todo, seconds, cores()))} with {cores()} at a time"
    return f"time: {here} for what is left, {spent / 3600:,.1f} {unit} ({machines})"


def contrasts(grid: Grid, runs: list[Run], states: Mapping[str, str]) -> list[str]:
    """The smallest gain over `none` that the grid's seeds would detect, by target.

    The noise is that of the paired differences so far (see `paired.spread`).
    """
    seeds = len({seed for block in grid.blocks for seed in block.seeds})
    done = {r.params["seed"] for r in runs if r.leaves == "scores" and not states[r.id]}
    if seeds < 2:
        return ["one seed gives no confidence interval; use two or more"]
    head = f"smallest detectable gain over `none` with {seeds} paired seeds"
    lines = []
    if len(done) > 1:
        from xstilts import paired, tables
        from xstilts.runs import collect
        from xstilts.stats import detectable

        scores = collect(runs)[0]
        for name, one in grid.used.items():
            columns = tables.of_setting(tables.columns(grid), scores, one)
            noise = paired.spread(tables.averages(scores, one, columns))
            told = [f"{title} {detectable(sd, seeds):.1f}" for title, sd in noise.items()]
            lines += [f"{name}: {', '.join(told)}"] * bool(told)
    if not lines:
        return [f"{head}: unknown until two seeds are done"]
    return [f"{head} (points; 80 % power, two-sided 5 %):", *lines]
