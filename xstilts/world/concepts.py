"""What there is in the world: kinds, qualities, actions, places, and what is usually true of them.

The tables are in `concepts.toml`; a concept is named by its English lemma. How it is said in a
language is in `languages`, which events happen is in `events`. The world is far smaller and far
more regular than ours on purpose: an encoder of a few megabytes must learn it from a few million
words.
"""

import tomllib
from pathlib import Path

_T = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _lists(table: str) -> dict[str, list[str]]:
    return {key: value.split() for key, value in _T[table].items()}


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("/") for pair in text.split())


PEOPLE, GOODS = _lists("people"), _lists("goods")
KINDS = PEOPLE | GOODS
KIND = {noun: kind for kind, nouns in KINDS.items() for noun in nouns}
ABOVE = ({kind: "person" for kind in PEOPLE} | {"fruit": "food", "vegetable": "food"}
         | {"bird": "animal", "beast": "animal"})
DOMAINS = {domain: (who, kinds.split(), places.split())
           for domain, (who, kinds, places) in _T["domains"].items()}
PLACES = [place for _, _, places in DOMAINS.values() for place in places]
AT = {place: word for word, places in _lists("place_words").items() for place in places}

COLORS, COMPARED = _lists("words")["colors"], _lists("words")["compared"]
MOTION, ALONE = _lists("words")["motion"], _lists("words")["alone"]
DAYS, MONTHS, HOURS = (_lists("words")[key] for key in ("days", "months", "hours"))
ORG_NOUNS = _lists("words")["org_nouns"]
FUNCTION, SUFFIXES = _lists("words")["function"], _lists("words")["suffixes"]
LIKE = {kind: (_lists("like").get(kind) or _lists("like")[ABOVE.get(kind, "thing")])
        + (COLORS if kind not in PEOPLE else []) for kind in KINDS}   # what each kind can be like
_OPPOSITES = {key: _pairs(text) for key, text in _T["opposites"].items()}
THING_ADJ, PERSON_ADJ, FEELINGS = ([adj for pair in pairs.items() for adj in pair]
                                   for pairs in _OPPOSITES.values())


def past_forms(verb: str, *given: str) -> tuple[str, str]:
    """Past and participle of an English verb, by rule where they are not given."""
    if given:
        return given[0], given[-1]
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return (verb[:-1] + "ied",) * 2
    return (verb + ("d" if verb.endswith("e") else "ed"),) * 2


_VERBS = [[part.split() for part in cell.split("|")] for cell in _T["verbs"]["table"].split(";")]
ENGLISH_PAST = {forms[0]: past_forms(*forms) for forms, _, _ in _VERBS}
WAY_OF = {forms[0]: above[0] for forms, above, _ in _VERBS if above}   # steal -> take
OPPOSITE = {forms[0]: other[0] for forms, _, other in _VERBS if other}   # verbs and adjectives
for _table in _OPPOSITES.values():
    OPPOSITE |= _table | {b: a for a, b in _table.items()}
CONVERSE = {"sell": ("buy", "from"), "give": ("receive", "from"), "lend": ("borrow", "from")}


def _actions(kind: str) -> list[str]:
    """What is done to a patient of this kind."""
    groups = _lists("groups")
    if kind in PEOPLE:
        return groups["people"]
    if ABOVE.get(kind) == "food":
        return groups["sent"] + groups["food"]
    if ABOVE.get(kind) == "animal":
        return groups["sent"][:2] + groups["animals"] + ["ride"] * (kind == "beast")
    made = groups["made"] if kind not in ("document", "prize") else []
    return groups["sent"] + groups["any"] + made + _lists("actions")[kind]


ACTIONS = {kind: _actions(kind) for kind in KINDS}
CHAINS_OF = {kind: [chain.split() for chain in chains] for kinds, chains in _T["chains"].items()
             for kind in kinds.split()}
_FELT = _T["feelings"]["table"].split()
MAKES_FEEL = {verb: tuple(felt.split("/")) for verb, felt in zip(_FELT[::2], _FELT[1::2],
                                                                 strict=True)}
SYNONYM = _pairs(_T["pairs"]["synonyms"])
SYNONYM |= {word: concept for concept, word in SYNONYM.items()}
ANSWERED_BY, BECOMES, FOUND_IN = (_pairs(_T["pairs"][key])
                                  for key in ("answered_by", "becomes", "found_in"))
USED_FOR = {noun: (verb, what) for noun, verb, what in
            (use.split("/") for use in _T["pairs"]["used_for"].split())}
