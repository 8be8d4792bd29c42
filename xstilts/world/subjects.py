"""The domain of each pretraining document.

Text is frozen and does not say what it is about; drawing it again does.
"""

from collections.abc import Iterator

from xstilts.world.concepts import DOMAINS
from xstilts.world.corpus import DOCUMENTS, document
from xstilts.world.events import Dice
from xstilts.world.languages import ALL


def subjects(code: str, limit: int | None = None) -> Iterator[str]:
    """The domains of `corpus.documents`, in its order: `draft` draws a sort, then a domain."""
    dice = Dice(f"xstilts text {code}")
    for _ in range(min(limit or DOCUMENTS, round(DOCUMENTS * ALL[code].share))):
        before = dice.getstate()
        dice.random()
        yield dice.pick(list(DOMAINS))
        dice.setstate(before)
        document(dice, "text")
