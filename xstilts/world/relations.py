"""How one statement bears on another: said otherwise, entailed, contradicted, or left open.

Each function takes a clause and returns another (or None where the clause offers no such change),
without knowing which text or task it is for.
"""

from xstilts.world import concepts as c
from xstilts.world.events import Dice, adjective, place, time
from xstilts.world.meaning import Clause, Phrase, Sentence, is_person

WAYS = {above: [verb for verb, wider in c.WAY_OF.items() if wider == above]
        for above in c.WAY_OF.values()}


def can_be_passive(clause: Clause) -> bool:
    return bool(clause.patient) and clause.verb not in ("be", "feel", "have")


def resay(dice: Dice, clause: Clause) -> Sentence:
    """The same fact in another form: passive, fronted adjunct, converse verb or synonym."""
    ways = ["front"] * any(clause.at(slot) for slot in ("place", "time"))
    ways += ["passive"] * 2 * can_be_passive(clause) + ["synonym"] * 3 * bool(synonyms(clause))
    ways += ["converse"] * 2 * (converse(clause) is not None)
    way = dice.pick(ways or ["plain"])
    if way == "passive":
        return Sentence(clause, passive=True)
    if way == "front":
        return Sentence(clause, front=dice.pick([s for s in ("place", "time") if clause.at(s)]))
    if way == "synonym":
        clause = dice.pick(synonyms(clause))
    return Sentence(converse(clause) if way == "converse" else clause)


def synonyms(clause: Clause) -> list[Clause]:
    """The clause with one word replaced by its synonym, every way there is."""
    found = [clause._replace(verb=c.SYNONYM[clause.verb])] if clause.verb in c.SYNONYM else []
    for slot in ("agent", "patient"):
        phrase = clause.at(slot)
        if phrase and phrase.kind in ("noun", "ADJ"):
            if phrase.head in c.SYNONYM:
                found.append(clause.put(slot, phrase._replace(head=c.SYNONYM[phrase.head])))
            if phrase.adj in c.SYNONYM:
                found.append(clause.put(slot, phrase._replace(adj=c.SYNONYM[phrase.adj])))
    return found


def converse(clause: Clause) -> Clause | None:
    """ "A sold it to B" as "B bought it from A". """
    if clause.verb not in c.CONVERSE or not clause.at("to"):
        return None
    verb, word = c.CONVERSE[clause.verb]
    others = clause.without("to").adjuncts
    return clause._replace(agent=clause.at("to"), verb=verb,
                           adjuncts=((word, word, clause.agent), *others))


def swapped(clause: Clause) -> Clause | None:
    """Two participants or two cities change places, if the result makes sense."""
    if clause.patient and is_person(clause.patient) and is_person(clause.agent):
        return clause._replace(agent=clause.patient, patient=clause.agent)
    if clause.patient and clause.patient.plus:
        return crossed(clause)
    start, goal = clause.at("from"), clause.at("to")
    if start and goal:
        return clause.put("from", goal).put("to", start)
    word = "to" if goal else "from"
    if (goal or start) and clause.patient:
        return clause.put(word, clause.agent)._replace(agent=goal or start)
    if clause.patient and clause.patient.kind == "MORE":
        return clause.put("than", clause.agent)._replace(agent=clause.at("than"))
    return None


def crossed(clause: Clause) -> Clause | None:
    """A red hat and a blue coat become a blue hat and a red coat."""
    first = clause.patient
    second = first.plus if first else None
    if not second or first.adj == second.adj:
        return None
    return clause._replace(patient=first._replace(adj=second.adj,
                                                  plus=second._replace(adj=first.adj)))


def entailed(dice: Dice, clause: Clause, steps: int = 1) -> Clause | None:
    """What must be true as well: details dropped, a wider noun, a wider verb."""
    for _ in range(steps):
        ways = [clause.without(slot) for slot in ("place", "time") if clause.at(slot)]
        for slot in ("agent", "patient"):
            phrase = clause.at(slot)
            if not phrase or phrase.kind != "noun":
                continue
            if phrase.plus:
                ways += [clause.put(slot, one) for one in (phrase.plus, phrase._replace(plus=None))]
            if phrase.adj:
                ways.append(clause.put(slot, phrase._replace(adj="")))
            if phrase.head in c.KIND:
                wider = phrase._replace(head=c.KIND[phrase.head], adj="")
                ways += [clause.put(slot, wider._replace(det="" if phrase.num else "a"))] * 2
        if clause.verb in c.WAY_OF:
            ways += [clause._replace(verb=c.WAY_OF[clause.verb])] * 2
        if not ways:
            return None
        clause = dice.pick(ways)
    return clause


def contradicted(dice: Dice, clause: Clause, negate: bool = True) -> Clause | None:
    """What cannot be true too: negation, an opposite, another number, sort, place or time."""
    ways = [clause._replace(negated=not clause.negated)] * negate
    if clause.verb in c.OPPOSITE:
        ways += [clause._replace(verb=c.OPPOSITE[clause.verb])] * 2
    for slot in ("agent", "patient"):
        phrase = clause.at(slot)
        if not phrase or phrase.kind != "noun":
            continue
        if phrase.adj in c.OPPOSITE:
            ways += [clause.put(slot, phrase._replace(adj=c.OPPOSITE[phrase.adj]))] * 2
        if phrase.num:
            ways.append(clause.put(slot, phrase._replace(num=dice.other(range(2, 20), phrase.num))))
        if phrase.head in c.KIND and slot == "patient":
            other = dice.other(c.KINDS[c.KIND[phrase.head]], phrase.head)
            ways.append(clause.put(slot, phrase._replace(head=other)))
    if clause.at("time"):
        ways.append(elsewhen(dice, clause))
    if swapped(clause):
        ways += [swapped(clause)] * 2
    return dice.pick(ways) if ways else None


def elsewhen(dice: Dice, clause: Clause) -> Clause:
    """At another time of the same sort."""
    when = clause.at("time")
    series = next((s for s in (c.DAYS, c.MONTHS, c.HOURS) if when.head in s), None)
    head = dice.other(series, when.head) if series else str(dice.number(1950, 2019))
    return clause.put("time", when._replace(head=head))


def extended(dice: Dice, clause: Clause, details: bool = True) -> Clause | None:
    """What may be true or not: a detail added, a narrower noun or verb."""
    ways = []
    if details and not clause.at("place") and not clause.at("from"):
        ways.append(clause._replace(adjuncts=clause.adjuncts + (place(dice, clause.domain),)))
    if details and not clause.at("time"):
        ways.append(clause._replace(adjuncts=clause.adjuncts + (time(dice),)))
    for slot in ("agent", "patient"):
        phrase = clause.at(slot)
        if phrase and phrase.kind == "noun":
            if not phrase.adj and not phrase.plus and phrase.head in c.KIND:
                ways += [clause.put(slot, phrase._replace(adj=adjective(dice, phrase.head)))] * 2
            if phrase.head in c.KINDS:
                narrower = phrase._replace(head=dice.pick(c.KINDS[phrase.head]))
                ways += [clause.put(slot, narrower)] * 3
    if clause.verb in WAYS:
        ways += [clause._replace(verb=dice.pick(WAYS[clause.verb]))] * 2
    return dice.pick(ways) if ways else None


def answer(clause: Clause, slot: str) -> tuple[Sentence, Sentence]:
    """A question about a slot and its short answer."""
    return Sentence(clause, ask=slot), Sentence(clause, only=slot)


def slots(clause: Clause) -> list[str]:
    """What can be asked about a clause."""
    found = ["agent"] + ["patient"] * bool(clause.patient)
    found += ["num"] * bool(clause.patient and clause.patient.num)
    return found + [slot for slot, _, _ in clause.adjuncts if slot != "than"]


def plain(phrase: Phrase) -> Phrase:
    """A phrase taken up again: the same noun, now definite, with nothing new said of it."""
    if phrase.kind != "noun" or phrase.num:
        return phrase
    return phrase._replace(det="the", adj="", plus=None)
