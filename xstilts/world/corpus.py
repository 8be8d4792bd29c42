"""Pretraining documents and translation pairs.

A document is a few related sentences about the same people and things, and mostly ends by saying
some of it again: in another form, as what follows from it, as what cannot be, or as a question with
its answer. Filling in a blank then takes knowing who did what to whom. Alignment between languages is
given away by nothing but the pairs (and by what the languages have in common).
"""

from collections.abc import Iterator

from xstilts.world import concepts as c
from xstilts.world import relations as r
from xstilts.world.events import DEEDS, Dice, adjectives, city, event, maybe, pair, person, someone, thing
from xstilts.world.grammar import Clause, Phrase, Sentence, say
from xstilts.world.languages import ALL

DOCUMENTS, PAIRS = 18_000, 5_000   # for a language with share 1
PEOPLE = Phrase("person", plural=True)
NEXT = Sentence(Clause(Phrase("thing"), "happen"), ask="agent", lead="then")
CAUSE = Sentence(Clause(Phrase("it", "PRON"), "happen"), ask="why")


def deed_next(who: Phrase) -> Sentence:
    """ "Then what did Mira do?" """
    return Sentence(Clause(who, "do", Phrase("thing")), ask="patient", lead="then")


def documents(code: str, limit: int | None = None) -> Iterator[list[str]]:
    """Pretraining documents of a language, each a list of sentences."""
    language, dice = ALL[code], Dice(f"xstilts text {code}")
    for _ in range(min(limit or DOCUMENTS, round(DOCUMENTS * language.share))):
        yield [say(sentence, language) for sentence in document(dice, "text")]


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


def bio(dice: Dice, who: Phrase, domain: str) -> Clause:
    """Who somebody is: "Mira Doval is a famous baker in Tavik"."""
    noun = dice.pick(c.PEOPLE[c.DOMAINS[domain][0]])
    what = Phrase(noun, det="a", adj=maybe(dice, noun, 0.6))
    where = (("place", "in", city(dice)),) if dice.chance(0.7) else ()
    return Clause(who, "be", what, where, past=False, domain=domain)


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
        return [Sentence(r.entailed(dice, clause) or clause, ask="whether"), Sentence(clause, only="yes")]
    return [Sentence(false, ask="whether"), Sentence(clause, only="no")] if false else []


def sequence(dice: Dice, pool: str, domain: str, agent: Phrase) -> list[Sentence]:
    """Two to four steps of what one usually does, in order, to the same thing or person."""
    noun = dice.pick(DEEDS[pool][domain])[2]
    steps = dice.pick(c.CHAINS_OF[c.KIND[noun]])
    if c.KIND[noun] in c.PEOPLE:
        patient = person(dice, pool) if dice.chance(0.6) else Phrase(noun, det="the")
    else:
        patient = thing(dice, noun, "a", num=0)
    start = dice.number(0, 1)
    steps = steps[start:start + dice.number(2, 4)]
    first = event(dice, pool, domain, agent, where=0.5, when=0.4)
    setting = tuple(a for a in first.adjuncts if a[0] in ("place", "time"))
    said = []
    for number, verb in enumerate(steps):
        clause = Clause(agent, verb, r.plain(patient) if number else patient,
                        () if number else setting, domain=domain)
        said.append(Sentence(clause, lead=dice.pick(["then", "later", ""]) if number else ""))
    return said


def contrast(dice: Dice, pool: str, domain: str) -> list[Sentence]:
    """Events alike but for who, what or where, kept apart by questions and denials."""
    first = event(dice, pool, domain, person(dice, pool))
    if first.patient and first.patient.head in c.KIND and dice.chance(0.25):
        if c.KIND[first.patient.head] not in c.PEOPLE:
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


def facts(dice: Dice, pool: str, domain: str) -> list[Sentence]:
    """What things are, what they are used for, where they are found, what traders do."""
    who, kinds, _ = c.DOMAINS[domain]
    said: list[Sentence] = []
    for _ in range(dice.number(3, 6)):
        noun = dice.pick(c.KINDS[dice.pick([*kinds, who])])
        clause = dice.pick(fact_options(dice, pool, domain, noun))
        x = dice.random()
        if clause.negated:
            said.append(Sentence(clause))
        elif x < 0.3:
            said += [Sentence(clause, ask=fact_slot(clause)), Sentence(clause, only=fact_slot(clause))]
        elif x < 0.4:
            said += [Sentence(clause, ask="whether"), Sentence(clause, only="yes")]
        else:
            said.append(Sentence(clause, lead="true" if x > 0.96 else ""))
    return said


def fact_options(dice: Dice, pool: str, domain: str, noun: str) -> list[Clause]:
    """Present-tense truths about a noun."""
    def be(a: Phrase, b: Phrase, no: bool = False) -> Clause:
        return Clause(a, "be", b, negated=no, past=False, domain=domain)
    kind, one = c.KIND[noun], Phrase(noun, det="a")
    options = [be(one, Phrase(kind, det="a"))] * 2
    if kind in c.ABOVE:
        options.append(be(Phrase(kind, det="a"), Phrase(c.ABOVE[kind], det="a")))
    wrong = dice.other(list(c.PEOPLE if kind in c.PEOPLE else c.GOODS), kind)
    options.append(be(one, Phrase(wrong, det="a"), no=True))
    quality = dice.pick([q for q in adjectives(noun) if q in c.OPPOSITE])
    options.append(be(one._replace(adj=quality), Phrase(c.OPPOSITE[quality], "ADJ"), no=True))
    if quality in c.SYNONYM:
        options.append(be(one._replace(adj=quality), Phrase(c.SYNONYM[quality], "ADJ")))
    if noun in c.SYNONYM:
        options += [be(one, Phrase(c.SYNONYM[noun], det="a"))] * 2
    if kind in c.SYNONYM:
        options.append(be(Phrase(kind, det="a"), Phrase(c.SYNONYM[kind], det="a")))
    if noun in c.USED_FOR:
        options += [use(noun)] * 3
    if noun in c.FOUND_IN:
        options += [found(noun)] * 3
    agent, verb, target = dice.pick(DEEDS[pool][domain])
    habit = Clause(Phrase(agent, plural=True), verb, Phrase(target, plural=True), past=False)
    return [*options, habit]


def use(noun: str) -> Clause:
    """People use a hammer to build a chair."""
    verb, what = c.USED_FOR[noun]
    purpose = verb, Phrase(what, det="a") if what != "-" else None
    return Clause(PEOPLE, "use", Phrase(noun, det="a"), past=False, purpose=purpose)


def found(noun: str) -> Clause:
    """People find a book in a library."""
    where = "place", "in", Phrase(c.FOUND_IN[noun], det="a")
    return Clause(PEOPLE, "find", Phrase(noun, det="a"), (where,), past=False)


def fact_slot(clause: Clause) -> str:
    """What one asks about a fact."""
    return "place" if clause.at("place") else "patient"


def numbers(dice: Dice, pool: str, domain: str) -> list[Sentence]:
    """Who has more, and what is bigger than what."""
    a = person(dice, pool)
    b = person(dice, pool, a)
    if dice.chance(0.5):
        noun = dice.pick(c.KINDS[dice.pick(c.DOMAINS[domain][1])])
        low, high = dice.number(2, 9), dice.number(10, 19)
        more = Clause(b, "have", Phrase(noun, num=high)), Clause(a, "have", Phrase(noun, num=low))
        which = Clause(b, "have", Phrase(noun, det="more", plural=True), (("than", "than", a),))
    else:
        two = dice.some(c.KINDS[dice.pick(c.DOMAINS[domain][1])], 2)
        a, b = (a, b) if dice.chance(0.3) else (Phrase(noun, det="the") for noun in two)
        like = c.LIKE["trader"] if a.kind == "PER" else adjectives(two[0])
        quality = dice.pick([q for q in c.COMPARED if q in like])
        more = (Clause(b, "be", Phrase(quality, "ADJ")),
                Clause(a, "be", Phrase(c.OPPOSITE[quality], "ADJ")))
        which = Clause(b, "be", Phrase(quality, "MORE"), (("than", "than", a),))
    said = [Sentence(clause) for clause in dice.some(more, 2 if dice.chance(0.8) else 0)]
    said.append(Sentence(which))
    back = which._replace(agent=a, adjuncts=(("than", "than", b),))
    x = dice.random()
    if x < 0.4:
        said.append(Sentence(back._replace(negated=True)))
    elif x < 0.6:
        said += [Sentence(which, ask="agent"), Sentence(which, only="agent")]
    elif x < 0.8:
        said.append(Sentence(back, lead="false"))
    if which.verb == "have" and len(said) > 2 and dice.chance(0.5):
        clause = dice.pick(more)
        said += [Sentence(clause, ask="num"), Sentence(clause, only="num")]
    return said


def reasons(dice: Dice, pool: str, domain: str) -> list[Sentence]:
    """What people feel and things become, and why."""
    said: list[Sentence] = []
    for _ in range(dice.number(1, 3)):
        cause, effect = reason(dice, pool, domain)
        x = dice.random()
        if x < 0.35:
            said.append(Sentence(effect, because=cause))
        elif x < 0.65:
            ask = [NEXT, deed_next(effect.agent)][effect.verb not in ("feel", "be")]
            said += [Sentence(cause), *[ask] * dice.chance(0.4),
                     Sentence(effect, lead="then" if dice.chance(0.5) else "")]
        elif x < 0.75:
            said += [Sentence(effect), CAUSE, Sentence(effect, because=cause, only="why")]
        else:
            said += [Sentence(cause), Sentence(effect), Sentence(effect, ask="why"),
                     Sentence(effect, because=cause, only="why")]
        if r.synonyms(effect) and dice.chance(0.4):
            said.append(Sentence(dice.pick(r.synonyms(effect))))
        if effect.verb == "feel" and dice.chance(0.4):
            said += [Sentence(effect, ask="patient"), Sentence(effect, only="patient")]
    return said


def reason(dice: Dice, pool: str, domain: str) -> tuple[Clause, Clause]:
    """A cause and its effect: a feeling, a change of a thing, or a deed in return."""
    while True:
        cause = event(dice, pool, domain, person(dice, pool), where=0.3, when=0.2)
        effects = effects_of(cause)
        if effects and dice.chance(0.9):
            return cause, dice.pick(effects)


def effects_of(cause: Clause) -> list[Clause]:
    """All that the world's rules say follows from a clause."""
    agent, patient = cause.agent, cause.patient
    mine, theirs = c.MAKES_FEEL.get(cause.verb, ("", ""))
    personal = patient is not None and (patient.kind == "PER" or c.KIND.get(patient.head) in c.PEOPLE)

    def feel(who: Phrase, feeling: str) -> Clause:
        return Clause(r.plain(who), "feel", Phrase(feeling, "ADJ"), domain=cause.domain)
    effects = [feel(agent, mine)] if mine and agent.kind != "ORG" else []
    if personal and theirs:
        effects.append(feel(patient, theirs))
    if personal and cause.verb in c.ANSWERED_BY:
        effects.append(Clause(r.plain(patient), c.ANSWERED_BY[cause.verb], agent, domain=cause.domain))
    if patient and not personal and cause.verb in c.BECOMES:
        thing_now = r.plain(patient)._replace(adj="")
        effects.append(Clause(thing_now, "be", Phrase(c.BECOMES[cause.verb], "ADJ"),
                              domain=cause.domain))
    return effects
