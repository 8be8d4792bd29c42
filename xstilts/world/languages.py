"""English and fourteen constructed languages: their knobs, their words, their affixes.

A language is a frozen row of knobs. The rows form a fractional design found by search: no two
knobs correlate beyond |r| = 0.2 over the fourteen, so an effect can be ascribed to one of them.
What a knob does not say (phonemes, the words themselves) is drawn from a seed made of the code.
No language has articles or irregular forms but English; none is meant to resemble a real one.
"""

import random
from dataclasses import dataclass, fields
from functools import cache, cached_property

from xstilts.world import concepts as c

ORDERS = ("SVO", "SOV", "VSO", "VOS")
SCRIPTS = ("latin", "cyrillic", "devanagari", "han")


@dataclass(frozen=True)
class Language:
    """Knobs of one language. All but `share` are differences from English that a reader can see."""

    code: str
    order: str        # of subject, verb and object
    adjective: int    # 1: after its noun
    adposition: int   # 1: after its phrase
    case: int         # 0 none, 1 objects marked, 2 objects and agents marked
    plural: int       # 0: no plural affix
    tense: int        # 0: a particle before the verb instead of a past suffix
    script: str
    cognates: float   # share of the vocabulary with an English root
    share: float      # of pretraining and parallel text, English = 1

    def knobs(self) -> dict[str, float]:
        """Every knob as a number (the numeric codes whose correlations are bounded)."""
        codes = {"order": ORDERS.index(self.order), "script": SCRIPTS.index(self.script)}
        return {field.name: float(codes.get(field.name, getattr(self, field.name)))
                for field in fields(self) if field.name != "code"}

    @cached_property
    def words(self) -> "Words":
        return Words(self)


def _rows(table: str) -> dict[str, Language]:
    kinds = (str, str, int, int, int, int, int, str, float, float)
    rows = [[kind(cell) for kind, cell in zip(kinds, line.split(), strict=True)]
            for line in table.strip().splitlines()]
    return {row[0]: Language(*row) for row in rows}


ALL = _rows("""
    en   SVO 0 0 0 1 1 latin      1.00 1.00
    qaa  SVO 0 0 0 1 1 latin      .60 1.00
    qab  SVO 1 0 1 0 0 latin      .55 .90
    qac  SVO 1 1 2 1 0 latin      .50 .35
    qad  SVO 0 0 0 1 0 cyrillic   .00 .65
    qae  SVO 0 1 1 0 1 han        .30 .55
    qaf  VOS 0 1 1 0 0 cyrillic   .40 .85
    qag  VOS 1 0 2 1 1 devanagari .35 .50
    qah  VSO 1 1 1 1 1 cyrillic   .15 .95
    qai  SOV 0 0 2 0 1 latin      .05 .60
    qaj  SOV 1 0 1 0 0 han        .10 .80
    qak  VSO 1 1 0 0 1 latin      .10 .45
    qal  SOV 0 1 2 1 0 latin      .00 .75
    qam  VSO 0 0 0 1 0 devanagari .25 .40
    qan  SOV 1 1 0 1 1 devanagari .20 .70
""")
LANGUAGES = {code: language for code, language in ALL.items() if code != "en"}
LANGS = tuple(LANGUAGES)
WEIGHTS = {"order": 2.0, "adjective": 1.0, "adposition": 1.0, "case": 1.0, "plural": 0.5,
           "tense": 0.5, "script": 2.0, "cognates": 2.0}  # `share` is a resource, not a distance


def distance(code: str) -> float:
    """Distance from English in [0, 1]: weighted mean of each knob's distance from English's own.

    Monotone in every knob: order and script count along `ORDERS` and `SCRIPTS` (0 to 3), case 0
    to 2, the others 0 to 1. English is 0.
    """
    span = {"order": 3, "script": 3, "case": 2}
    here, there = ALL[code].knobs(), ALL["en"].knobs()
    total = sum(weight * abs(here[knob] - there[knob]) / span.get(knob, 1)
                for knob, weight in WEIGHTS.items())
    return total / sum(WEIGHTS.values())


LATIN = "abcdefghijklmnopqrstuvwxyz"
LETTERS = {"cyrillic": dict(zip(LATIN, "абцдефгхийклмнопярстувшжыз", strict=True)),
           "devanagari": dict(zip(LATIN, "अबचदएफगहइजकलमनओपखरसतउवधषयझ", strict=True))}
SYLLABLES = [chr(code) for code in range(0x8000, 0x8000 + 997 * 7, 7)]  # han, for their sound
SHIFTS = [("th", "d"), ("ck", "k"), ("c", "k"), ("w", "v"), ("ee", "i"), ("oo", "u"), ("y", "i"),
          ("sh", "x"), ("p", "f"), ("b", "p"), ("x", "ks"), ("ou", "u"), ("ea", "e"), ("h", "")]

_noun_like = sorted({*c.KINDS, *c.KIND, *c.ABOVE.values(), *c.PLACES, *c.DAYS, *c.MONTHS, *c.HOURS,
                     *c.ORG_NOUNS, "thing", *(what for _, what in c.USED_FOR.values())} - {"-"})
LEXICON = sorted({*_noun_like, *c.ENGLISH_PAST, *c.SYNONYM, *c.THING_ADJ, *c.PERSON_ADJ,
                  *c.FEELINGS, *c.COLORS, *c.FUNCTION})


class Words:
    """The forms of one language: `word(concept)`, `name(name)`, `affix(...)`, inflected forms."""

    def __init__(self, language: Language):
        self.language, self.script = language, language.script
        self.random = random.Random(f"xstilts words {language.code}")
        pick = self.random.sample
        self.consonants = pick("bdfgjklmnprstvz", 11)
        self.vowels = pick("aeiou", self.random.choice((4, 5)))
        self.shifts = pick(SHIFTS, 5)
        self.ending = self.random.choice(["", "", "o", "a", "en", "u"])
        self.han = pick([chr(code) for code in range(0x4E00, 0x6E00, 5)], 300)
        self.taken: set[str] = set()
        self.forms = {concept: self._make(concept) for concept in LEXICON + c.SUFFIXES}

    def _make(self, concept: str) -> str:
        if self.language.code == "en":
            return concept
        small = concept in c.FUNCTION or concept in c.SUFFIXES
        cognate = not small and self.random.random() < self.language.cognates
        word = self._borrow(concept) if cognate else None
        while not word or word in self.taken:
            word = self._invent(small)
        self.taken.add(word)
        return word

    def _borrow(self, concept: str) -> str:
        word = concept.lower()
        if self.random.random() < 0.6:
            for old, new in self.shifts:
                word = word.replace(old, new)
            word = word.rstrip("e") + self.ending
        return self.spell(word)

    def _invent(self, small: bool) -> str:
        draw = self.random.choice
        if self.script == "han":
            return "".join(draw(self.han) for _ in range(1 if small else draw((1, 2, 2))))
        shapes = ("CV", "VC", "CVC") if small else ("CVC", "CVCV", "CVCV", "CVCVC", "CVCCV")
        sounds = {"C": self.consonants, "V": self.vowels}
        return self.spell("".join(draw(sounds[slot]) for slot in draw(shapes)))

    def spell(self, word: str) -> str:
        """A Latin word in this script: letter by letter, in han syllable by syllable."""
        if self.script == "latin":
            return word
        if self.script == "han":
            return "".join(_syllable(part) for part in _split(word.lower()))
        letters = LETTERS[self.script]
        spelt = "".join(letters.get(letter, letter) for letter in word.lower())
        return spelt.capitalize() if word[0].isupper() else spelt

    def noun(self, concept: str, plural: bool, case: str = "") -> str:
        """A noun, with its plural and case affixes where the language has them."""
        word = self.forms[concept]
        if plural and self.language.code == "en":
            word = english_plural(word)
        elif plural and self.language.plural:
            word += self.forms["PLURAL"]
        return word + self.case(case)

    def case(self, case: str) -> str:
        """The affix of OBJECT or AGENT, empty where the language does not mark it."""
        marked = {"OBJECT": 1, "AGENT": 2}.get(case, 9) <= self.language.case
        return self.forms[case] if marked else ""

    def verb(self, concept: str, past: bool, passive: bool) -> str:
        """A finite verb (English: past or participle); tense particles are the grammar's."""
        word = self.forms[concept]
        if self.language.code == "en":
            simple, participle = c.ENGLISH_PAST.get(concept) or c.past_forms(concept)
            return participle if passive else simple if past else word
        word += self.forms["PASSIVE"] if passive else ""
        return word + (self.forms["PAST"] if past and self.language.tense else "")


@cache
def _split(word: str) -> tuple[str, ...]:
    """Consonants with the vowel that follows: "tavik" -> ta, vi, k."""
    parts, part = [], ""
    for letter in word:
        part += letter
        if letter in "aeiouy":
            parts.append(part)
            part = ""
    return (*parts, part) if part else tuple(parts)


def _syllable(part: str) -> str:
    return SYLLABLES[sum(ord(letter) * 31**place for place, letter in enumerate(part)) % 997]


def english_plural(word: str) -> str:
    """Regular plurals, and people."""
    if word == "person":
        return "people"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "sh", "ch", "x", "to")) else "s")


def more(adjective: str) -> str:
    """The English comparative of a short adjective."""
    if adjective.endswith("y"):
        return adjective[:-1] + "ier"
    doubled = adjective in ("big",)
    return adjective + adjective[-1] * doubled + ("r" if adjective.endswith("e") else "er")
