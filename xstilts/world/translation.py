"""Translations of training rows that go wrong as machine translation does: in words and in order.

An exact translation is the same meaning said in another language; nothing here is needed for it.
With errors, each content word (noun, verb, adjective, day, month, hour) is with the probability
`errors` another one of its class, drawn anew wherever it stands; names, numbers and function words
stay right. And of the knobs ORDER the language keeps English's in every other row, each knob apart.

All draws follow from the language and the English row's id: errors at one rate are among those at
a higher one, and the order of words is the same at every rate.
"""

from dataclasses import replace
from functools import cache

from xstilts.world import concepts as c
from xstilts.world.events import Dice
from xstilts.world.languages import ALL, Language
from xstilts.world.meaning import Clause, Phrase

ORDER = ("order", "adjective", "adposition")
LIGHT = {"be", "have", "do", "feel", "happen"}   # verbs that the grammar needs


def _class(*words: str) -> list[str]:
    """Words and their synonyms, each once."""
    return list(dict.fromkeys([*words, *(c.SYNONYM[w] for w in words if w in c.SYNONYM)]))


_people = _class(*c.PEOPLE, *(noun for nouns in c.PEOPLE.values() for noun in nouns))
_things = _class(*c.GOODS, *(noun for nouns in c.GOODS.values() for noun in nouns))
CLASSES = (_people, _things, c.PLACES, c.ORG_NOUNS, c.DAYS, c.MONTHS, c.HOURS,
           _class(*(verb for verb in c.ENGLISH_PAST if verb not in LIGHT)),
           _class(*c.THING_ADJ, *c.PERSON_ADJ, *c.FEELINGS, *c.COLORS))
PEERS = {word: words for words in CLASSES for word in words}


def mistranslated(made, code: str, errors: float, key: str) -> tuple[object, Language]:
    """A draft as it is understood, and the language as it is spoken, at this rate of errors."""
    dice = Dice(f"xstilts translation {code} {key}")
    kept = tuple(knob for knob in ORDER if dice.chance(0.5))

    def heard(word: str) -> str:
        if word not in PEERS:
            return word
        other = dice.other(PEERS[word], word)
        return other if dice.chance(errors) else word

    return _understood(made, heard), _spoken(code, kept)


def _understood(meaning, heard):
    """A meaning, however nested, with each content word as it was `heard`."""
    if not isinstance(meaning, list | tuple):
        return meaning
    parts = [_understood(part, heard) for part in meaning]
    if isinstance(meaning, list):
        return parts
    made = meaning._make(parts) if hasattr(meaning, "_make") else tuple(parts)
    if isinstance(made, Phrase):
        return made._replace(head=heard(made.head), adj=heard(made.adj))
    if isinstance(made, Clause):
        purpose = made.purpose and (heard(made.purpose[0]), made.purpose[1])
        return made._replace(verb=heard(made.verb), purpose=purpose)
    return made


@cache
def _spoken(code: str, kept: tuple[str, ...]) -> Language:
    """The language with its own words, and English's setting of the knobs `kept`."""
    return replace(ALL[code], **{knob: getattr(ALL["en"], knob) for knob in kept})
