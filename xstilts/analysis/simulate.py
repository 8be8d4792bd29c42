"""How noisy differences are, and how often seeds of simulated runs, as noisy, find an effect.

A difference between two recipes, by seed and language, is taken as an effect, the language's own,
the seed's own and the rest. Only numbers go in and come out; nothing here reads a file.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from xstilts import plots, stats


class Noise(NamedTuple):
    """Standard deviations, in points, of a difference: from seed to seed (all languages alike),
    from language to language (all seeds alike), and of one language in one run besides."""

    seed: float
    language: float
    rest: float

    def of_mean(self, langs: int) -> float:
        """From seed to seed, of the mean over so many languages, which stay the same."""
        return (self.seed**2 + self.rest**2 / langs) ** 0.5


# By `fitted`, from five paired seeds of tiny-xlmr and the world's fourteen languages: TyDiQA after
# question answering of one domain (market, science; the mean of the two) less after no intermediate
# task; the same, long texts less short ones; after one domain less after the other.
FITTED = {
    "TyDiQA, a gain": Noise(2.1, 1.4, 3.0),
    "TyDiQA, long less short": Noise(1.5, 1.7, 4.8),
    "TyDiQA, two like tasks": Noise(1.6, 0.0, 2.4),
}


def fitted(differences) -> Noise:
    """The noise behind differences (seeds, languages), by mean squares; a negative one is 0.

    Raises ValueError below two seeds or languages.
    """
    table = np.asarray(differences, float)
    if min(table.shape) < 2:
        raise ValueError(f"noise needs two seeds and two languages, not {table.shape}")
    by_seed, by_lang, rest = stats.mean_squares(table)
    seeds, langs = table.shape
    own = [max(0.0, mean - rest) / n for mean, n in ((by_seed, langs), (by_lang, seeds))]
    return Noise(*(float(v) ** 0.5 for v in (*own, rest)))


def power(deviation: float, effects: Sequence[float], seeds: int, dice, repeats=2000) -> list:
    """How often so many paired seeds find each true effect (shares of 1), by simulation.

    `deviation`: of the differences, from seed to seed. The same noise serves every effect.
    """
    from scipy.stats import ttest_1samp

    noise = deviation * dice.standard_normal((repeats, seeds))
    return [float((ttest_1samp(noise + effect, 0, axis=1).pvalue < 0.05).mean())
            for effect in effects]  # fmt: skip


def curves(noises: Mapping[str, float], seeds: Sequence[int] = (3, 5, 10), most: float = 8.0):
    """Columns: what, seeds, effect (points), power: simulated power of each deviation in `noises`.

    A deviation of 0 or NaN is left out.
    """
    effects, dice = np.linspace(0, most, 33), np.random.default_rng(0)
    rows = []
    for name, deviation in noises.items():
        for n in seeds if deviation > 0 else ():
            told = power(deviation, effects, n, dice)
            rows += [(name, n, *one) for one in zip(effects, told, strict=True)]
    return pd.DataFrame(rows, columns=["what", "seeds", "effect", "power"])


def picture(curves: pd.DataFrame, noises: Mapping[str, float]):
    """A panel for each of `noises`: simulated curves, with a ring where `stats.detectable` puts
    80 % power; on its curve, if the two agree."""
    known = dict(list(curves.groupby("what", sort=False)))
    width = max(1, len(known))
    figure, panels = plots.axes(1, width, width=3.1 * width, height=2.9)
    colours = (plots.GREY, plots.BLUE, plots.ORANGE, plots.GREEN)
    for panel, (name, own) in zip(panels, known.items(), strict=False):
        for colour, (n, part) in zip(colours, own.groupby("seeds"), strict=False):
            panel.plot(part["effect"], part["power"] * 100, color=colour, label=f"{n} seeds")
            least = stats.detectable(noises[name], int(n))
            if least <= own["effect"].max():
                panel.scatter([least], [80], s=45, facecolors="none", edgecolors=colour, zorder=3)
        panel.axhline(80, color=plots.PALE, lw=0.8)
        shown = stats.detectable(noises[name], 5)
        panel.set_title(f"{name}: five seeds\ndetect {shown:.1f} points", fontsize=9)
        panel.set(xlabel="true effect (points)", ylim=(0, 102), xlim=(0, own["effect"].max()))
    panels[0].set_ylabel("power (%)")
    if known:
        panels[0].legend(loc="lower right", fontsize=8)
    return figure
