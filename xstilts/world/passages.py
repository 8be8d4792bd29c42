"""Passages with questions: SQuAD v1.1 and v2, XQuAD, MLQA, TyDiQA, and the passages of LAReQA.

A passage tells of events that differ in who, what, where or when, and a question fits exactly one.
The answer is a phrase of the passage. `pieces` stretches the passage by sentences about other
people and other deeds around the same evidence; the question and its answer stay.
"""

from typing import NamedTuple

from xstilts.world import concepts as c
from xstilts.world import relations as r
from xstilts.world.corpus import similar
from xstilts.world.events import Dice, event, person
from xstilts.world.grammar import say
from xstilts.world.languages import ALL
from xstilts.world.lore import bio
from xstilts.world.meaning import Clause, Sentence

PIECES_PER_WORD = 1.4   # of English, roughly, by the tokenizers that ship


class Passage(NamedTuple):
    """A row of the form span, before it is said; `slot` is empty where nothing answers."""

    question: Sentence
    context: list[Sentence]
    evidence: int
    slot: str
    domain: str


def passage(dice: Dice, pool: str, domain: str, kept: float = 0.6, turned: float = 0.0,
            lone: float = 0.0, told: float = 0.15, pieces: int | None = None) -> Passage:
    """A question about one event of a passage.

    `kept`: how many adjuncts the question repeats; `turned`: share of questions in the passive or
    with a fronted adjunct; `lone`: share of unanswerable ones; `told`: of events said otherwise.
    """
    alone = dice.chance(lone)
    while True:
        main, events = scene(dice, pool, domain)
        slot = dice.pick(r.slots(main))
        drop = [s for s in ("place", "time") if s != slot and not dice.chance(kept)]
        asked = main.without(*drop)
        if alone:
            asked = unanswerable(dice, asked, slot, events)
        if asked and sum(fits(asked, slot, e) for e in events) == (not alone):
            break
    context = [Sentence(e, passive=dice.chance(told) and r.can_be_passive(e)) for e in events]
    if dice.chance(0.3):
        context.insert(0, Sentence(bio(dice, main.agent, domain)))
    evidence = next(n for n, s in enumerate(context) if s.clause is main)
    before, after = stretched(dice, pool, domain, main.verb, context, pieces)
    return Passage(ask(dice, asked, slot, turned), [*before, *context, *after],
                   len(before) + evidence, "" if alone else slot, domain)


def ask(dice: Dice, clause: Clause, slot: str, turned: float) -> Sentence:
    """A question, at times in another form than a plain one."""
    turn = dice.chance(turned)
    passive = turn and slot in ("patient", "place", "time", "num") and r.can_be_passive(clause)
    fronts = [s for s in ("place", "time") if clause.at(s) and slot == "agent"]
    return Sentence(clause, ask=slot, passive=passive,
                    front=dice.pick(fronts) if turn and not passive and fronts else "")


def scene(dice: Dice, pool: str, domain: str) -> tuple[Clause, list[Clause]]:
    """An event to ask about among others, some of them alike in verb and sort of thing."""
    main = event(dice, pool, domain, person(dice, pool), where=0.8, when=0.8)
    events = [main]
    for _ in range(dice.number(2, 5)):
        agent = main.agent if dice.chance(0.3) else person(dice, pool, main.agent)
        made = event(dice, pool, domain, agent, where=0.6, when=0.6)
        if dice.chance(0.5) and main.patient and made.patient:
            between = tuple((s, w, person(dice, pool, agent))
                            for s, w, _ in main.adjuncts if s in ("to", "from"))
            setting = tuple(a for a in made.adjuncts if a[0] in ("place", "time"))
            made = made._replace(verb=main.verb, patient=similar(dice, pool, main.patient),
                                 adjuncts=between + setting)
        events.append(made)
    return main, dice.some(events, 9)


def fits(question: Clause, slot: str, told: Clause) -> bool:
    """Whether an event answers a question: it agrees with all that the question says."""
    if question.verb != told.verb or bool(question.patient) != bool(told.patient):
        return False
    for name in ("agent", "patient", *(s for s, _, _ in question.adjuncts)):
        asked, there = question.at(name), told.at(name)
        if name == slot or (name == "patient" and slot == "num"):
            if there is None or (slot == "num" and (there.head != asked.head or not there.num)):
                return False
        elif there != asked:
            return False
    return True


def unanswerable(dice: Dice, asked: Clause, slot: str, events: list[Clause]) -> Clause | None:
    """A question near what the passage tells: another of its people, things, places or times."""
    changed = [s for s in ["agent", "patient", "place", "time", "to", "from"]
               if s != slot and asked.at(s) and not (slot == "num" and s == "patient")]
    ways = [asked.put(s, e.at(s)) for s in changed for e in events
            if e.at(s) and e.at(s) != asked.at(s) and e.at(s).kind == asked.at(s).kind]
    swap = r.swapped(asked) if slot in ("place", "time") else None
    ways += [swap] * 2 if swap else []
    return dice.pick(ways) if ways else None


def stretched(dice: Dice, pool: str, domain: str, verb: str, context: list[Sentence],
              pieces: int | None) -> tuple[list[Sentence], list[Sentence]]:
    """Sentences to put before and after, so that the English passage has about so many pieces."""
    around: tuple[list[Sentence], list[Sentence]] = ([], [])
    wanted = (pieces or 0) / PIECES_PER_WORD
    words = sum(len(say(s, ALL["en"]).split()) for s in context)
    extra = Dice(f"stretch {dice.random()}")   # the same draws of `dice` for every length
    while words < wanted:
        made = event(extra, pool, domain, person(extra, pool))
        if made.verb in (verb, c.OPPOSITE.get(verb), c.WAY_OF.get(verb)):
            continue
        sentence = Sentence(made)
        words += len(say(sentence, ALL["en"]).split())
        around[extra.chance(0.5)].append(sentence)
    return around
