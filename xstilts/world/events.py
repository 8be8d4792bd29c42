"""What happens: names, the partition into pools, and the drawing of events.

Every event has a key (who, did what, to whom). A hash of the key puts it into one pool for good,
and full names, routes and organisations are partitioned alike: what is told in the pretraining text
is never told in a task, what is trained on is never tested. Habits (who likes to do what to what)
are world knowledge, the same in all pools.
"""

import random
import zlib
from itertools import product

from xstilts.world import concepts as c
from xstilts.world.meaning import Clause, Phrase

POOLS = {"text": 50, "parallel": 12, "intermediate": 14, "train": 8, "dev": 4, "test": 8,
         "retrieval": 4}  # per cent


class Dice(random.Random):
    """Random draws from a seed in words. Only `random()` is used, whose sequence is guaranteed."""

    def pick(self, options):
        return options[int(self.random() * len(options))]

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def number(self, low: int, high: int) -> int:
        return low + int(self.random() * (high - low + 1))

    def some(self, options, count: int) -> list:
        """`count` different options in random order."""
        left = list(options)
        return [left.pop(int(self.random() * len(left))) for _ in range(min(count, len(left)))]

    def other(self, options, *taken):
        """An option that is none of those taken."""
        return self.pick([option for option in options if option not in taken])


def bucket(*key, size: int = 100) -> int:
    """A stable hash in [0, size)."""
    return zlib.crc32(" ".join(map(str, key)).encode()) % size


def pool_of(*key) -> str:
    """The pool to which an event, a full name, a route or an organisation belongs."""
    place = bucket("pool", *key)
    for pool, share in POOLS.items():
        place -= share
        if place < 0:
            return pool
    raise AssertionError("shares of POOLS do not add up to 100")


def partition(keys) -> dict[str, list]:
    """Keys (tuples) by pool."""
    pools: dict[str, list] = {pool: [] for pool in POOLS}
    for key in keys:
        pools[pool_of(*key)].append(key)
    return pools


def _names(dice: Dice, count: int, shapes: tuple[str, ...], taken: set[str]) -> list[str]:
    names = []
    sounds = {"C": "bdfgklmnprstvz", "V": "aeiou", "A": "aoi"}
    while len(names) < count:
        name = "".join(dice.pick(sounds.get(s, s)) for s in dice.pick(shapes)).capitalize()
        if name.lower() not in taken:
            taken.add(name.lower())
            names.append(name)
    return names


_dice, _taken = Dice("xstilts names"), {*c.KIND, *c.ENGLISH_PAST, *c.SYNONYM}
FIRST = _names(_dice, 48, ("CVCA", "VCCA", "CVnA", "CVlA"), _taken)
LAST = _names(_dice, 48, ("CVCVn", "CVCVs", "CVrCV", "CVlVt"), _taken)
CITIES = _names(_dice, 40, ("CVCVk", "CVsCV", "VCVr", "CVnCV"), _taken)
FIRMS = _names(_dice, 30, ("CVCVm", "VCVx", "CVCCo"), _taken)
NAMES = partition((first, last) for first, last in product(FIRST, LAST))
ORGANISATIONS = partition(product(FIRMS, c.ORG_NOUNS))
ROUTES = partition((a, b) for a, b in product(CITIES, CITIES) if a != b)
RECIPIENTS = {"sell": "to", "give": "to", "lend": "to", "donate": "to", "show": "to",
              "buy": "from", "receive": "from", "borrow": "from", "take": "from", "steal": "from"}


def _deeds(domain: str):
    """(agent, verb, patient) that an agent of the domain has the habit of doing."""
    who, kinds, _ = c.DOMAINS[domain]
    for agent, kind in product(c.PEOPLE[who], [*kinds, *c.PEOPLE]):
        for verb, patient in product(c.ACTIONS[kind], c.KINDS[kind]):
            near = kind in kinds or (kind == who and agent != patient)
            if near and bucket(agent, verb, size=10) < 7 and bucket(agent, patient, size=10) < 6:
                yield agent, verb, patient


DEEDS = {pool: {domain: [] for domain in c.DOMAINS} for pool in POOLS}
for _domain in c.DOMAINS:
    for _pool, _found in partition(_deeds(_domain)).items():
        DEEDS[_pool][_domain] = _found


def adjectives(noun: str) -> list[str]:
    """What a thing or person can be like."""
    return c.LIKE[c.KIND.get(noun, noun)]


def adjective(dice: Dice, noun: str) -> str:
    """Mostly one of the few that this noun tends to have."""
    options = adjectives(noun)
    if dice.chance(0.3):
        return dice.pick(options)
    return options[bucket(noun, dice.number(0, 4), size=len(options))]


def maybe(dice: Dice, noun: str, probability: float) -> str:
    """An adjective for the noun, or none."""
    return adjective(dice, noun) if dice.chance(probability) else ""


def person(dice: Dice, pool: str, *taken: Phrase | None) -> Phrase:
    """Somebody with a full name of this pool, other than those taken."""
    while (found := Phrase(" ".join(dice.pick(NAMES[pool])), "PER")) in taken:
        pass
    return found


def organisation(dice: Dice, pool: str) -> Phrase:
    firm, noun = dice.pick(ORGANISATIONS[pool])
    return Phrase(firm, "ORG", adj=noun)


def city(dice: Dice) -> Phrase:
    return Phrase(dice.pick(CITIES), "LOC")


def place(dice: Dice, domain: str) -> tuple[str, str, Phrase]:
    """An adjunct of place: a city, or a place where the domain is at home."""
    if dice.chance(0.4):
        return "place", "in", city(dice)
    noun = dice.pick(c.DOMAINS[domain][2])
    word = "near" if dice.chance(0.15) else c.AT.get(noun, "in")
    return "place", word, Phrase(noun, det="the")


def time(dice: Dice) -> tuple[str, str, Phrase]:
    """An adjunct of time: a day, a month, a year or an hour."""
    x = dice.random()
    if x < 0.4:
        return "time", "on", Phrase(dice.pick(c.DAYS), "PROPN")
    if x < 0.65:
        return "time", "in", Phrase(dice.pick(c.MONTHS), "PROPN")
    if x < 0.85:
        return "time", "in", Phrase(str(dice.number(1950, 2019)), "NUM")
    return "time", "at", Phrase(dice.pick(c.HOURS))


def thing(dice: Dice, noun: str, det: str = "", num: float = 0.15) -> Phrase:
    """A noun phrase about one or several of these, now and then with another of the kind."""
    if dice.chance(0.08):
        return pair(dice, noun, det)
    count = dice.number(2, 19) if dice.chance(num) else 0
    quality = maybe(dice, noun, 0.4)
    return Phrase(noun, det="" if count else det or ("the" if dice.chance(0.3) else "a"),
                  adj=quality, num=count)


def pair(dice: Dice, noun: str, det: str = "") -> Phrase:
    """A thing and another of its kind, mostly with a quality each."""
    second = dice.other(c.KINDS[c.KIND[noun]], noun)
    first, second = (Phrase(n, det=det or "a", adj=maybe(dice, n, 0.8)) for n in (noun, second))
    return first._replace(plus=second)


def someone(dice: Dice, pool: str, domain: str, named: float = 0.6, *taken: Phrase) -> Phrase:
    """A person by name, an organisation now and then, or a person of the domain by trade."""
    x = dice.random()
    heads = [phrase.head for phrase in taken]
    if x < named:
        return person(dice, pool, *taken)
    if x < named + 0.08:
        return organisation(dice, pool)
    noun = dice.other(c.PEOPLE[c.DOMAINS[domain][0]], *heads)
    return Phrase(noun, det="the", adj=maybe(dice, noun, 0.25))


def event(dice: Dice, pool: str, domain: str, agent: Phrase | None = None,
          other: Phrase | None = None, where: float = 0.6, when: float = 0.5) -> Clause:
    """Something that happens in a domain; `agent` and `other` (a person) take part if given."""
    x = dice.random()
    adjuncts: list[tuple[str, str, Phrase]] = []
    if x < 0.16:   # only named people move or rest: their names keep the pools apart
        agent = agent if agent and agent.kind == "PER" else person(dice, pool)
        verb, patient = dice.pick(c.MOTION if x < 0.10 else c.ALONE), None
        if verb in c.MOTION:
            start, goal = dice.pick(ROUTES[pool])
            adjuncts = [("from", "from", Phrase(start, "LOC")), ("to", "to", Phrase(goal, "LOC"))]
            where = 0.0
    else:
        noun, verb, target = dice.pick(DEEDS[pool][domain])
        if agent is None and not dice.chance(0.55):
            agent = Phrase(noun, det="the", adj=maybe(dice, noun, 0.25))
        agent = agent or someone(dice, pool, domain, named=1.0 if dice.chance(0.9) else 0.0)
        if agent.kind == "noun" and pool_of(agent.head, verb, target) != pool:
            agent = agent._replace(head=noun)
        if c.KIND[target] in c.PEOPLE:
            named = dice.chance(0.6) or target == agent.head
            patient = ((other or person(dice, pool, agent)) if named
                       else Phrase(target, det="the", adj=maybe(dice, target, 0.25)))
        else:
            patient = thing(dice, target)
            if verb in RECIPIENTS and (verb in c.CONVERSE or dice.chance(0.6)):
                word = RECIPIENTS[verb]
                giver = other or someone(dice, pool, domain, 0.7, agent)
                adjuncts = [(word, word, giver)]
    if dice.chance(where):
        adjuncts.append(place(dice, domain))
    if dice.chance(when):
        adjuncts.append(time(dice))
    return Clause(agent, verb, patient, tuple(adjuncts), domain=domain)
