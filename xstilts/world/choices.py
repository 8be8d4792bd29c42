"""Multiple choice: HellaSwag, Cosmos QA, CommonsenseQA, Social IQa, COPA and XCOPA.

Right answers follow from the world's habits, which pretraining text shows: typical sequences, what
deeds lead to, what things are for. Wrong ones are as plausible to the ear.
"""

from typing import NamedTuple

from xstilts.world import concepts as c
from xstilts.world import lore
from xstilts.world import relations as r
from xstilts.world.corpus import similar
from xstilts.world.events import Dice, bucket, event, person
from xstilts.world.meaning import Clause, Phrase, Sentence


class Choice(NamedTuple):
    """A row of the form choose, before it is said; the right choice comes first."""

    context: list[Sentence]
    choices: list[Sentence]
    domain: str


def distinct(right: Sentence, wrong: list[Sentence], count: int) -> list[Sentence] | None:
    """The right choice and enough different wrong ones, or None."""
    others = [s for s in dict.fromkeys(wrong) if s != right]
    return [right, *others[:count - 1]] if len(others) >= count - 1 else None


def hellaswag(dice: Dice, pool: str, domain: str) -> Choice:
    """How does it go on? Wrong endings break the sequence, or exchange who or what."""
    while True:
        steps = lore.sequence(dice, pool, domain, person(dice, pool))
        if len(steps) < 3:
            continue
        told, right = steps[:-1], steps[-1].clause
        kind = c.KIND.get(right.patient.head, "trader")
        chains = [verb for chains in c.CHAINS_OF.values() for chain in chains for verb in chain]
        fitting = [v for v in chains if v in c.ACTIONS[kind] and v not in {
            s.clause.verb for s in steps}]
        near = similar(dice, pool, right.patient._replace(adj=""))._replace(num=0, plus=None)
        wrong = [right._replace(verb=dice.pick(fitting)), right._replace(verb=dice.pick(fitting)),
                 right._replace(patient=near._replace(det=right.patient.det)),
                 right._replace(agent=person(dice, pool, right.agent)),
                 right._replace(verb=told[0].clause.verb)]
        endings = distinct(Sentence(right, lead="then"),
                           [Sentence(w, lead="then") for w in dice.some(wrong, 5)], 4)
        if endings:
            return Choice(told, endings, domain)


def consequences(dice: Dice, cause: Clause, right: Clause) -> list[Clause]:
    """What does not follow from a cause though it might: other feelings, states and deeds."""
    if right.verb == "feel":
        caused = [feeling for pair in c.MAKES_FEEL.values() for feeling in pair]
        usual = c.FEELINGS if dice.chance(0.3) else caused
        true = {e.patient.head for e in lore.effects_of(cause) if e.agent == right.agent}
        other = [f for f in dice.some(usual, 99) if f and f not in true]
        return [right._replace(patient=Phrase(f, "ADJ")) for f in other]
    if right.verb == "be":
        usual = [*c.BECOMES.values(), *c.THING_ADJ]
        other = [q for q in dice.some(usual, 99) if q != right.patient.head]
        return [right._replace(patient=Phrase(q, "ADJ")) for q in other]
    deeds = dice.some(c.ANSWERED_BY.values(), 99)
    return [right._replace(verb=verb) for verb in deeds if verb != right.verb]


def question_of(effect: Clause) -> Sentence:
    """The question that an effect answers."""
    if effect.verb == "feel":
        return Sentence(effect, ask="patient")
    return lore.NEXT if effect.verb == "be" else lore.deed_next(effect.agent)


def cosmosqa(dice: Dice, pool: str, domain: str) -> Choice:
    """A passage and what can be inferred from it but is not written there."""
    while True:
        cause, effect = lore.reason(dice, pool, domain)
        around = [event(dice, pool, domain, person(dice, pool)) for _ in range(dice.number(1, 3))]
        if dice.chance(0.35) and effect.verb == "feel":   # why, with the reason in wider words
            feel = [*around, event(dice, pool, domain, effect.agent)]
            wider = r.entailed(dice, cause, 2)
            others = [*(r.entailed(dice, e) or e for e in feel),
                      r.contradicted(dice, wider or cause)]
            if wider is None or wider.agent == cause.agent and any(
                    effect.patient.head in c.MAKES_FEEL.get(e.verb, ()) for e in feel):
                continue
            told = [Sentence(e) for e in dice.some([cause, *feel], 9)] + [Sentence(effect)]
            choices = distinct(because(effect, wider), [because(effect, o) for o in others if o], 4)
            question = Sentence(effect, ask="why")
        else:
            told = [Sentence(e) for e in dice.some([cause, *around], 9)]
            wrong = [Sentence(e) for e in consequences(dice, cause, effect)]
            choices, question = distinct(Sentence(effect), wrong, 4), question_of(effect)
        if choices:
            return Choice([*told, question], choices, domain)


def because(effect: Clause, cause: Clause) -> Sentence:
    return Sentence(effect, because=cause, only="why")


def siqa(dice: Dice, pool: str, domain: str) -> Choice:
    """What somebody felt or did after what happened between two people."""
    while True:
        cause, effect = lore.reason(dice, pool, domain)
        wrong = [Sentence(e) for e in consequences(dice, cause, effect)]
        choices = distinct(Sentence(effect), wrong, 3)
        if effect.verb != "be" and choices:
            more = [Sentence(event(dice, pool, domain, cause.agent))] * dice.chance(0.3)
            return Choice([*more, Sentence(cause), question_of(effect)], choices, domain)


def copa(dice: Dice, pool: str, domain: str) -> Choice:
    """The likelier of two effects, or of two causes."""
    forward = dice.chance(0.5)
    while True:
        cause, effect = lore.reason(dice, pool, domain)
        if forward:
            wrong = dice.pick(consequences(dice, cause, effect) or [effect])
            if wrong != effect:
                return Choice([Sentence(cause), lore.NEXT], [Sentence(effect), Sentence(wrong)],
                              domain)
            continue
        other, result = lore.reason(dice, pool, domain)
        same = result.verb == effect.verb and result.patient == effect.patient
        if same or result.verb != effect.verb or bool(other.patient) != bool(cause.patient):
            continue
        wrong = other._replace(agent=cause.agent)
        if effect not in lore.effects_of(wrong) and wrong.agent != wrong.patient:
            return Choice([Sentence(effect), lore.CAUSE], [Sentence(cause), Sentence(wrong)],
                          domain)


def csqa(dice: Dice, pool: str, domain: str) -> Choice:
    """A question without a passage about what things are, are for and where they are found.

    Facts of the training questions are not those of the dev questions.
    """
    sort = dice.pick(("use", "use", "find", "kind"))
    facts = {"use": c.USED_FOR, "find": c.FOUND_IN, "kind": c.KIND}[sort]
    held = [noun for noun in facts if bucket("csqa", sort, noun, size=5) == 0]
    noun = dice.pick(held if pool == "dev" else [noun for noun in facts if noun not in held])
    if sort == "kind":
        a, b = Phrase(noun, det="a"), Phrase(c.KIND[noun], det="a")
        clause = Clause(a, "be", b, past=False)
    else:
        clause = lore.use(noun) if sort == "use" else lore.found(noun)
    slot = lore.fact_slot(clause)
    options = dice.some({"use": list(facts), "find": c.PLACES, "kind": list(c.KINDS)}[sort], 9)
    wrong = [Sentence(clause.put(slot, Phrase(o, det="a")), only=slot) for o in options]
    return Choice([Sentence(clause, ask=slot)],
                  distinct(Sentence(clause, only=slot), wrong, 5), "any")
