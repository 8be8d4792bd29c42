"""Meanings without words: phrases, clauses, and sentences as a choice of how to say a clause.

There are no pronouns and no relative clauses, and nothing here knows any language.
"""

from typing import NamedTuple

from xstilts.world import concepts as c

PERSONS = {*c.PEOPLE, "person", *(noun for nouns in c.PEOPLE.values() for noun in nouns)}


class Phrase(NamedTuple):
    """A noun phrase.

    `kind`: noun, PER, LOC, ORG, PROPN (days), NUM (years), PRON, ADJ, MORE (comparative).
    """

    head: str          # concept, or the name itself
    kind: str = "noun"
    det: str = ""      # a, the, more
    adj: str = ""
    num: int = 0       # 0: not counted
    plural: bool = False
    plus: "Phrase | None" = None   # joined by "and"


class Clause(NamedTuple):
    """Who did what to whom, and where and when: adjuncts are (slot, adposition, phrase)."""

    agent: Phrase
    verb: str
    patient: Phrase | None = None
    adjuncts: tuple[tuple[str, str, Phrase], ...] = ()
    negated: bool = False
    past: bool = True
    purpose: tuple[str, Phrase | None] | None = None
    domain: str = ""

    def at(self, slot: str) -> Phrase | None:
        """The phrase in a slot: agent, patient, or one of the adjuncts."""
        if slot in ("agent", "patient"):
            return getattr(self, slot)
        return next((phrase for name, _, phrase in self.adjuncts if name == slot), None)

    def put(self, slot: str, phrase: Phrase) -> "Clause":
        """The same clause with another phrase in a slot."""
        if slot in ("agent", "patient"):
            return self._replace(**{slot: phrase})
        return self._replace(adjuncts=tuple((name, word, phrase if name == slot else old)
                                            for name, word, old in self.adjuncts))

    def without(self, *slots: str) -> "Clause":
        """The same clause less some adjuncts."""
        return self._replace(adjuncts=tuple(a for a in self.adjuncts if a[0] not in slots))


class Sentence(NamedTuple):
    """A clause and how it is said."""

    clause: Clause
    passive: bool = False
    front: str = ""    # slot of the adjunct that comes first
    ask: str = ""      # slot asked for; also num, why, whether
    lead: str = ""     # then, later, also; true, false ("it is not true that")
    because: Clause | None = None
    only: str = ""     # a slot: just that phrase; yes, no, why


def is_person(phrase: Phrase) -> bool:
    """A person, people or an organisation: what one asks for with "who"."""
    return phrase.kind in ("PER", "ORG") or phrase.head in PERSONS


def several(phrase: Phrase) -> bool:
    """Whether a verb agrees with it in the plural."""
    return phrase.plural or phrase.num > 1 or phrase.plus is not None
