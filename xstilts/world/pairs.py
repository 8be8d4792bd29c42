"""Retrieval: Tatoeba, BUCC, LAReQA and Mewsli-X, as queries and candidates with gold ids.

Near-duplicates (the same sentence but for one word, role or number) make topic alone too little.
"""

from xstilts.world import relations as r
from xstilts.world.corpus import document
from xstilts.world.events import Dice, city, event, person
from xstilts.world.grammar import say
from xstilts.world.languages import ALL
from xstilts.world.lore import bio
from xstilts.world.meaning import Clause, Sentence
from xstilts.world.passages import passage

MINED = ("qaa", "qad", "qaf", "qal")                      # BUCC, from near to far
ANSWERED = ("en", "qaa", "qad", "qae", "qag", "qal")      # LAReQA
LINKED = ("en", "qaa", "qab", "qad", "qaj", "qak", "qan")  # Mewsli-X
DOMAINS = ("market", "travel", "science", "sport", "home")


def row(code: str, side: str, text: str, gold: list[str], domain: str = "") -> dict:
    return {"id": code, "side": side, "text": text, "gold": gold, "domain": domain}


def sentences(dice: Dice, pool: str, count: int) -> list[Sentence]:
    """Different sentences, a third of them with a near-duplicate beside it."""
    found: dict[Sentence, None] = {}
    while len(found) < count:
        for told in document(dice, pool):
            if not told.only and len(say(told, ALL["en"])) > 25 and dice.chance(0.3):
                found[told] = None
                near = r.contradicted(dice, told.clause) if dice.chance(0.4) else None
                if near:
                    found[told._replace(clause=near)] = None
    return list(found)[:count]


def tatoeba(split: str, lang: str, count: int) -> list[dict]:
    """English queries, candidates in the language: everything has its translation."""
    dice, language = Dice(f"xstilts tatoeba {split}"), ALL[lang]
    told = sentences(dice, "retrieval", count)
    queries = [row(f"q{n}", "query", say(s, ALL["en"]), [f"c{n}"]) for n, s in enumerate(told)]
    return queries + [row(f"c{n}", "candidate", say(s, language), [f"q{n}"])
                      for n, s in enumerate(told)]


def bucc(split: str, lang: str, count: int) -> list[dict]:
    """Two pools of which two fifths are translations; the rest is like it and has none."""
    dice, language = Dice(f"xstilts bucc {split} {lang}"), ALL[lang]
    told = dice.some(sentences(dice, "retrieval", count * 8 // 5), count * 8 // 5)
    both, left, right = told[:count * 2 // 5], told[count * 2 // 5:count], told[count:]
    rows = [row(f"{lang}-{n}", "query", say(s, language), [f"en-{n}"] if n < len(both) else [])
            for n, s in enumerate(both + left)]
    return rows + [row(f"en-{n}", "candidate", say(s, ALL["en"]), [f"{lang}-{n}"] if n < len(both)
                       else []) for n, s in enumerate(both + right)]


def lareqa(split: str, lang: str, count: int) -> list[dict]:
    """Questions, and every sentence of the passages with its passage as candidate.

    A question's gold ids are its answer sentence in each language of the common pool, for training
    in English alone. The caller joins the languages' candidates.
    """
    dice, language = Dice(f"xstilts lareqa {split}"), ALL[lang]
    gap = "" if language.script == "han" else " "
    pool = {"train": "train", "dev": "dev"}.get(split, "test")
    codes = ANSWERED if split == "test" else (lang,)
    queries, candidates = [], []
    for n in range(count):
        made = passage(dice, pool, dice.pick(DOMAINS), kept=0.7)
        said = [say(s, language) for s in made.context]
        queries.append(row(f"{lang}-q{n}", "query", say(made.question, language),
                           [f"{code}-{n}.{made.evidence}" for code in codes], made.domain))
        candidates += [row(f"{lang}-{n}.{i}", "candidate", text + gap + gap.join(said),
                           [f"{code}-q{n}" for code in codes] if i == made.evidence else [],
                           made.domain) for i, text in enumerate(said)]
    return queries + candidates


def mewslix(split: str, lang: str, count: int) -> list[dict]:
    """Mentions of people in context, and descriptions, each in one language of the pool.

    A third of the names belong to two people, told apart by what the mention's context says.
    """
    dice, pool = Dice(f"xstilts mewslix {split}"), {"test": "retrieval"}.get(split, split)
    queries, candidates, names = [], [], []
    for n in range(count):
        domain = dice.pick(DOMAINS)
        who = dice.pick(names) if names and dice.chance(0.2) else person(dice, pool)
        names.append(who)
        life = bio(dice, who, domain)
        home = ("place", "in", life.at("place") or city(dice))
        life = life._replace(adjuncts=(home,))
        deed = event(dice, pool, domain, who, where=0)
        mention = event(dice, pool, domain, who, where=0)
        mention = mention._replace(adjuncts=(*mention.adjuncts, home))
        code = LINKED[n % len(LINKED)] if split == "test" else "en"
        candidates.append(row(f"e{n}", "candidate", text_of([life, deed], code), [f"{lang}-m{n}"],
                              domain))
        queries.append(row(f"{lang}-m{n}", "query", text_of([mention], lang), [f"e{n}"], domain))
    return queries + candidates


def text_of(clauses: list[Clause], lang: str) -> str:
    gap = "" if ALL[lang].script == "han" else " "
    return gap.join(say(Sentence(clause), ALL[lang]) for clause in clauses)
