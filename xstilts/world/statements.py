"""Two statements or two questions: NLI in its several characters, QQP, and PAWS-X word-order traps.

In NLI the hypothesis is drawn first and the premise is made to fit the label. Where it is hard
(ANLI) all labels share one distribution of hypotheses, so that one alone tells nothing; else
denials go with contradiction, as crowd workers write them (Gururangan et al. 2018). In PAWS-X both
labels reorder words in the same ways: a bag of words tells nothing.
"""

from typing import NamedTuple

from xstilts.world import concepts as c
from xstilts.world import relations as r
from xstilts.world.corpus import similar
from xstilts.world.events import RECIPIENTS, Dice, event, pair, person
from xstilts.world.grammar import say
from xstilts.world.languages import ALL
from xstilts.world.meaning import Clause, Sentence

CONVERSES = {verb: {"agent": word, "to": "agent"} for verb, word in c.CONVERSE.values()}
NLI = ("entailment", "neutral", "contradiction")
DENIED = {"entailment": 0.1, "neutral": 0.2, "contradiction": 0.4}  # share of "not", if not hard


class Statements(NamedTuple):
    """A row of the form classify, before it is said in a language."""

    a: list[Sentence]
    b: list[Sentence]
    label: str
    domain: str


def nli(dice: Dice, pool: str, domain: str, extra: tuple[int, int] = (0, 0), hard: bool = False,
        turned: float = 0.3) -> Statements:
    """A premise with `extra` more sentences; `hard`: all that differs is who, when or which.

    `turned` is the share of premises said otherwise (passive, fronted, synonym, converse).
    """
    label = dice.pick(NLI)
    while True:
        claim = event(dice, pool, domain, person(dice, pool) if dice.chance(0.5) else None)
        if not hard and dice.chance(0.4):
            claim = r.entailed(dice, claim, 2) or claim
        premises = hard_premises(dice, claim) if hard else premises_for(dice, pool, claim)
        if all(told and sound(told) for told in premises):
            break
    entailing, neutral, contrary = premises
    negated = dice.chance(0.25 if hard else DENIED[label])
    if negated:   # what is told against a claim tells for its denial
        entailing, contrary = contrary, entailing
    told = {"entailment": entailing, "neutral": neutral, "contradiction": contrary}[label]
    say = r.resay(dice, told) if dice.chance(turned) else Sentence(told)
    more = [Sentence(other(dice, pool, domain, claim, hard)) for _ in range(dice.number(*extra))]
    hypothesis = Sentence(claim._replace(negated=negated),
                          passive=dice.chance(0.15) and r.can_be_passive(claim))
    return Statements(dice.some([say, *more], 9), [hypothesis], label, domain)


def premises_for(dice: Dice, pool: str, claim: Clause) -> tuple[Clause | None, ...]:
    """What entails a claim, leaves it open, contradicts it (None where nothing does)."""
    entailing = r.extended(dice, claim) if dice.chance(0.8) else claim
    if dice.chance(0.6):
        neutral = r.entailed(dice, claim, dice.number(1, 2))
    else:
        same = claim.agent if claim.agent.kind == "PER" else None
        neutral = event(dice, pool, claim.domain, same)
        neutral = None if neutral.verb == claim.verb else neutral
    contrary = r.contradicted(dice, claim, negate=dice.chance(0.3))
    longer = r.extended(dice, contrary) if contrary and dice.chance(0.5) else None
    return entailing, neutral, longer or contrary


def hard_premises(dice: Dice, claim: Clause) -> tuple[Clause | None, ...]:
    """The same three with nearly the words of the claim: details open, roles or times exchanged."""
    entailing = r.extended(dice, claim, details=False) or claim
    details = [slot for slot in ("place", "time") if claim.at(slot)]
    neutral = claim.without(dice.pick(details)) if details else None
    contrary = r.swapped(claim) or (r.elsewhen(dice, claim) if claim.at("time") else None)
    return entailing, neutral, contrary


def sound(clause: Clause) -> bool:
    """One sells to and buys from; an opposite verb may have kept the wrong adposition."""
    fitting = RECIPIENTS.get(clause.verb)
    return fitting is None or not clause.at({"to": "from", "from": "to"}[fitting])


def other(dice: Dice, pool: str, domain: str, claim: Clause, alike: bool) -> Clause:
    """One more event; `alike`: with the verb of the claim and its place or time."""
    made = event(dice, pool, domain, person(dice, pool))
    if not alike or not (claim.patient and made.patient):
        return made
    shared = tuple(a for a in claim.adjuncts if a[0] in ("place", "time") and dice.chance(0.7))
    between = tuple((s, w, person(dice, pool, made.agent)) for s, w, _ in claim.adjuncts
                    if s in ("to", "from"))
    return made._replace(verb=claim.verb, patient=similar(dice, pool, claim.patient),
                         adjuncts=(*between, *shared))


def qqp(dice: Dice, pool: str, domain: str) -> Statements:
    """Two questions, the second the first said otherwise, or a near miss said otherwise."""
    label = dice.pick(("not_duplicate", "duplicate"))
    while True:
        clause = meant = event(dice, pool, domain, when=0.7)
        slot = asked = dice.pick(r.slots(clause))
        if label == "not_duplicate" and dice.chance(0.3):
            asked = dice.pick(r.slots(clause))
        elif label == "not_duplicate":
            meant = dice.pick((r.swapped(clause), r.contradicted(dice, clause, negate=False)))
        if not meant or not sound(meant) or asked not in r.slots(meant):
            continue
        first, near = Sentence(clause, ask=slot), Sentence(meant, ask=asked)
        if (say(first, ALL["en"]) == say(near, ALL["en"])) != (label == "duplicate"):
            continue
        said = r.resay(dice, meant)
        if said.clause.verb in CONVERSES and asked in CONVERSES[said.clause.verb]:
            asked = CONVERSES[said.clause.verb][asked]
        second = said._replace(ask=asked, front=said.front if asked == "agent" else "")
        if second != near and asked in r.slots(second.clause):
            return Statements([first], [second], label, domain)


def paws(dice: Dice, pool: str, domain: str) -> Statements:
    """The same words in another order: the same fact ("1"), or two of them exchanged ("0").

    Half of the different facts told for training differ by a word, as a step towards the rest.
    """
    label, kind = dice.pick("01"), dice.pick(("qualities", "cities", "people"))
    fits = {"qualities": r.crossed, "cities": r.swapped, "people": r.swapped}[kind]
    while True:
        clause = event(dice, pool, domain, where=0.1, when=0.9)
        patient = clause.patient
        if kind == "qualities" and patient and not r.is_person(patient):
            clause = clause._replace(patient=pair(dice, patient.head, "the"))
        common = patient and r.is_person(patient) and {patient.kind, clause.agent.kind} == {"noun"}
        sort = "people" if common else "cities" if not patient else "qualities"
        if sort == kind and fits(clause) and (clause.at("place") or clause.at("time")):
            break
    second = clause if label == "1" else fits(clause)
    if label == "0" and pool == "train" and dice.chance(0.5):
        second = r.contradicted(dice, clause, negate=False) or second
    return Statements([Sentence(clause)], [reordered(dice, second)], label, domain)


def reordered(dice: Dice, clause: Clause) -> Sentence:
    """Another order of words that says the same: a fronted adjunct, "and" turned round."""
    ways = ["front"] + ["turn"] * 2 * bool(clause.patient and clause.patient.plus)
    ways += ["adjuncts"] * (len(clause.adjuncts) > 1)
    way = dice.pick(ways)
    if way == "turn":
        first, second = clause.patient._replace(plus=None), clause.patient.plus
        clause = clause._replace(patient=second._replace(plus=first))
    if way == "adjuncts":
        clause = clause._replace(adjuncts=clause.adjuncts[::-1])
    front = dice.pick([slot for slot in ("place", "time") if clause.at(slot)])
    return Sentence(clause, front=front if way == "front" else "")
