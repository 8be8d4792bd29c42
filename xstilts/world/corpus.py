"""Pretraining documents and translation pairs.

A document is a few related sentences about the same people and things, and mostly ends by saying
some of it again: in another form, as what follows from it, as what cannot be, or as a question with
its answer. Filling in a blank then takes knowing who did what to whom. Alignment between languages
is given away by nothing but the pairs (and by what the languages have in common).
"""

from collections.abc import Iterator

from xstilts.world import concepts as c
from xstilts.world import relations as r
from xstilts.world.events import Dice, event, pair, person, someone, thing
from xstilts.world.grammar import say
from xstilts.world.languages import ALL
from xstilts.world.lore import NEXT, bio, facts, numbers, reasons, sequence
from xstilts.world.meaning import Clause, Phrase, Sentence

DOCUMENTS, PAIRS = 18_000, 5_000   # for a language with share 1


def documents(code: str, limit: int | None = None) -> Iterator[list[str]]:
    """Pretraining documents of a language, each a list of sentences."""
    language, dice = ALL[code], Dice(f"xstilts text {code}")
    for _ in range(min(limit or DOCUMENTS, round(DOCUMENTS * language.share))):
        yield [say(sentence, language) for sentence in document(dice, "text")]


def subjects(code: str) -> Iterator[str]:
    """The domains of `documents`, which do not say them: `draft` draws a sort, then a domain."""
    dice = Dice(f"xstilts text {code}")
    for _ in range(round(DOCUMENTS * ALL[code].share)):
        before = dice.getstate()
        dice.random()
        yield dice.pick(list(c.DOMAINS))
        dice.setstate(before)
        document(dice, "text")


def pairs(code: str, limit: int | None = None) -> Iterator[tuple[str, str]]:
    """English sentences with their translation, of documents that no text contains."""
    language, dice = ALL[code], Dice(f"xstilts pairs {code}")
    left = min(limit or PAIRS, round(PAIRS * language.share))
    while left > 0:
        told = [s for s in document(dice, "parallel") if not s.only or dice.chance(0.2)]
        for sentence in dice.some(told, min(3, left)):
            yield say(sentence, ALL["en"]), say(sentence, language)
            left -= 1


def document(dice: Dice, pool: str) -> list[Sentence]:
    """One document of any sort, which says nothing twice in the same words."""
    sentences, kept = draft(dice, pool), []
    for place, sentence in enumerate(sentences):
        again = sentences[place - 1] if sentence.only and place else sentence
        if again not in sentences[:place - bool(sentence.only)]:
            kept.append(sentence)
    return [kept[0]._replace(lead=kept[0].lead * (kept[0].lead in ("true", "false"))), *kept[1:]]


def draft(dice: Dice, pool: str) -> list[Sentence]:
    """A document of one of six sorts."""
    x = dice.random()
    domain = dice.pick(list(c.DOMAINS))
    if x < 0.06:
        return [s for _ in range(dice.number(2, 4)) for s in story(dice, pool, domain, 6)]
    if x < 0.50:
        return story(dice, pool, domain, dice.number(1, 5))
    if x < 0.68:
        return contrast(dice, pool, domain)
    if x < 0.80:
        return facts(dice, pool, domain)
    return numbers(dice, pool, domain) if x < 0.88 else reasons(dice, pool, domain)


def story(dice: Dice, pool: str, domain: str, length: int) -> list[Sentence]:
    """Events among two people and those they meet, then some of them said again."""
    first = person(dice, pool)
    two = first, person(dice, pool, first)
    told: list[Clause] = []
    sentences: list[Sentence] = []
    if dice.chance(0.25):
        told.append(bio(dice, two[0], domain))
        sentences.append(Sentence(told[0]))
    while len(told) < length:
        who = dice.number(0, 2)
        if dice.chance(0.3):
            chain = sequence(dice, pool, domain, two[who % 2])
            told += [s.clause for s in chain]
            sentences += chain
            if dice.chance(0.25):
                sentences.insert(-1, NEXT)
            continue
        agent = two[who] if who < 2 else None
        other = two[1 - who % 2] if dice.chance(0.5) else None
        clause = event(dice, pool, domain, agent, other)
        told.append(clause)
        sentences.append(first_said(dice, clause))
        if dice.chance(0.25):
            sentences += echo(dice, clause, told)
    for clause in dice.some(told, dice.number(1, 3)):
        sentences += echo(dice, clause, told)
    return sentences


def first_said(dice: Dice, clause: Clause) -> Sentence:
    """Mostly plain, at times passive or with a fronted adjunct."""
    x = dice.random()
    if x < 0.12 and r.can_be_passive(clause):
        return Sentence(clause, passive=True)
    if x < 0.24:
        return Sentence(clause, front=dice.pick([s for s, _, _ in clause.adjuncts] or [""]))
    return Sentence(clause, lead=dice.pick(["then", "later", "also"]) if x > 0.93 else "")


def echo(dice: Dice, clause: Clause, known: list[Clause]) -> list[Sentence]:
    """An earlier clause taken up again, in one of six ways; what is `known` is not denied."""
    x = dice.random()
    false = r.contradicted(dice, clause, negate=False)
    false = None if false in known else false
    if x < 0.28:
        return [r.resay(dice, clause)]
    if x < 0.44:
        clause = r.entailed(dice, clause, dice.number(1, 2)) or clause
        return [Sentence(clause, passive=dice.chance(0.2) and r.can_be_passive(clause),
                         lead="true" if dice.chance(0.2) else "")]
    if x < 0.56:
        if not false:
            return [Sentence(clause, lead="true")]
        if dice.chance(0.5):
            return [Sentence(false, lead="false")]
        return [Sentence(false._replace(negated=True))]
    if x < 0.90:
        asked = clause
        drop = [s for s in ("place", "time") if clause.at(s) and dice.chance(0.4)]
        slot = dice.pick(r.slots(clause))
        asked = clause.without(*(s for s in drop if s != slot))
        return list(r.answer(asked, slot))
    if dice.chance(0.5):
        true = r.entailed(dice, clause) or clause
        return [Sentence(true, ask="whether"), Sentence(clause, only="yes")]
    return [Sentence(false, ask="whether"), Sentence(clause, only="no")] if false else []


def contrast(dice: Dice, pool: str, domain: str) -> list[Sentence]:
    """Events alike but for who, what or where, kept apart by questions and denials."""
    first = event(dice, pool, domain, person(dice, pool))
    if first.patient and first.patient.head in c.KIND and dice.chance(0.25) and (
            c.KIND[first.patient.head] not in c.PEOPLE):
        first = first._replace(patient=pair(dice, first.patient.head))
    if dice.chance(0.45) and r.swapped(first):
        second = r.swapped(first)._replace(negated=dice.chance(0.6))
    else:
        second = event(dice, pool, domain, person(dice, pool))
        if first.patient and second.patient and dice.chance(0.7):
            second = second._replace(verb=first.verb, patient=similar(dice, pool, first.patient))
            both = [a for a in first.adjuncts if a[0] in ("to", "from")]
            rest = [a for a in second.adjuncts if a[0] not in ("to", "from")]
            again = [(s, w, someone(dice, pool, domain, 1.0)) for s, w, _ in both]
            second = second._replace(adjuncts=(*again, *rest))
    clauses = [first, second] if dice.chance(0.5) else [second, first]
    said = [first_said(dice, clause) for clause in clauses]
    for clause in dice.some([cl for cl in clauses if not cl.negated], dice.number(1, 2)):
        said += echo(dice, clause, clauses)
    if second.negated or dice.chance(0.4):
        said.append(r.resay(dice, first))
    return said


def similar(dice: Dice, pool: str, phrase: Phrase) -> Phrase:
    """Another person, or a thing of the same kind, or the same noun with another quality."""
    if phrase.kind != "noun" or c.KIND[phrase.head] in c.PEOPLE:
        return person(dice, pool)
    if phrase.adj and dice.chance(0.5):
        return phrase._replace(adj=dice.other(c.COLORS, phrase.adj))
    return thing(dice, dice.other(c.KINDS[c.KIND[phrase.head]], phrase.head))
