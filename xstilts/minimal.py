"""Minimal pairs: a constructed language said with one of its knobs changed, its words as they are.

For evaluation alone. No encoder has read such a language, so what a change costs has two parts:
what the knob does, and that it is new (`analysis.knobs` tells them apart). Script, cognates and
share decide the words or how much of them was read, and cannot be changed after the fact.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from xstilts.world import corpus, tasks
from xstilts.world.events import Dice
from xstilts.world.grammar import say
from xstilts.world.languages import ALL, LANGS, Language
from xstilts.world.pairs import sentences

OTHER = {"order": "SOV", "adjective": 1, "adposition": 1, "case": 1, "plural": 0, "tense": 0}
TOWARDS, AWAY = "towards English", "away from English"
SENTENCES = 300  # Tatoeba's, all of them


def differs(code: str, knob: str) -> bool:
    """Whether a language does otherwise than English."""
    return getattr(ALL[code], knob) != getattr(ALL["en"], knob)


def changed(code: str, knob: str) -> tuple[Language, str]:
    """The language with one knob moved, TOWARDS English if it differs, else AWAY."""
    if differs(code, knob):
        return replace(ALL[code], **{knob: getattr(ALL["en"], knob)}), TOWARDS
    return replace(ALL[code], **{knob: OTHER[knob]}), AWAY


def variants() -> Iterator[tuple[str, str, Language]]:
    """(code, what was done, language): every language as it is ("") and with each knob moved."""
    yield from ((code, "", ALL[code]) for code in LANGS)
    for code, knob in product(LANGS, OTHER):
        language, way = changed(code, knob)
        yield code, f"{knob} {way}", language


def tatoeba(language: Language) -> list[str]:
    """Tatoeba's sentences said in a language; English is one too."""
    told = sentences(Dice("xstilts tatoeba test"), "retrieval", SENTENCES)
    return [say(sentence, language) for sentence in told]


def xnli(language: Language) -> list[dict]:
    """XNLI's test rows said in a language."""
    draft, rows = tasks.TASKS["xnli"], []
    for number in range(draft.sizes["test"]):
        dice = Dice(f"xstilts xnli test  {number}")
        domain = dice.pick(draft.domains)
        made = draft.draw(dice, "test", domain, **draft.more)
        said = tasks.SAID[draft.form](made, language, dice, "xnli")
        rows.append({"id": f"xnli-test-{number}", **said, "domain": domain})
    return rows


def documents(code: str, count: int) -> list[list[str]]:
    """Running text of a language that no encoder was trained on: events of the dev pool."""
    dice = Dice(f"xstilts measure {code}")
    told = (corpus.document(dice, "dev") for _ in range(count))
    return [[say(sentence, ALL[code]) for sentence in document] for document in told]
