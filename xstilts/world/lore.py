"""What pretraining text teaches beside events: who is who, what things are for, what follows.

Tasks that ask for knowledge (typical sequences, feelings, uses) draw on the same rules.
"""

from xstilts.world import concepts as c
from xstilts.world import relations as r
from xstilts.world.events import DEEDS, Dice, adjectives, city, event, maybe, person, thing
from xstilts.world.meaning import Clause, Phrase, Sentence

PEOPLE = Phrase("person", plural=True)
NEXT = Sentence(Clause(Phrase("thing"), "happen"), ask="agent", lead="then")
CAUSE = Sentence(Clause(Phrase("it", "PRON"), "happen"), ask="why")


def deed_next(who: Phrase) -> Sentence:
    """ "Then what did Mira do?" """
    return Sentence(Clause(who, "do", Phrase("thing")), ask="patient", lead="then")


def bio(dice: Dice, who: Phrase, domain: str) -> Clause:
    """Who somebody is: "Mira Doval is a famous baker in Tavik"."""
    noun = dice.pick(c.PEOPLE[c.DOMAINS[domain][0]])
    what = Phrase(noun, det="a", adj=maybe(dice, noun, 0.6))
    where = (("place", "in", city(dice)),) if dice.chance(0.7) else ()
    return Clause(who, "be", what, where, past=False, domain=domain)


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
            said += r.answer(clause, fact_slot(clause))
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
    personal = patient is not None and (
        patient.kind == "PER" or c.KIND.get(patient.head) in c.PEOPLE)

    def feel(who: Phrase, feeling: str) -> Clause:
        return Clause(r.plain(who), "feel", Phrase(feeling, "ADJ"), domain=cause.domain)
    effects = [feel(agent, mine)] if mine and agent.kind != "ORG" else []
    if personal and theirs:
        effects.append(feel(patient, theirs))
    if personal and cause.verb in c.ANSWERED_BY:
        deed = c.ANSWERED_BY[cause.verb]
        effects.append(Clause(r.plain(patient), deed, agent, domain=cause.domain))
    if patient and not personal and cause.verb in c.BECOMES:
        thing_now = r.plain(patient)._replace(adj="")
        effects.append(Clause(thing_now, "be", Phrase(c.BECOMES[cause.verb], "ADJ"),
                              domain=cause.domain))
    return effects
