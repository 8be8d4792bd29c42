"""When is an answer right? SQuAD's and MLQA's normalisation, exact match and word F1.

XTREME scores XQuAD and TyDiQA with SQuAD v1.1's rules in every language, MLQA with rules of its
own for each of its seven. What is defined here concerns one answer; `metrics` takes the means.
"""

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

from xstilts.paths import BadInput, nearest


def squad_tokens(text: str, lang: str = "en") -> list[str]:
    """Lower-cased words without ASCII punctuation and English articles, in any language.

    Chinese and Thai, written without spaces, are one word; their punctuation stays.
    """
    return _ENGLISH.sub(" ", text.lower().translate(_NO_ASCII_PUNCTUATION)).split()


def mlqa_tokens(text: str, lang: str) -> list[str]:
    """Lower-cased words without any Unicode punctuation and the articles of `lang`.

    Chinese characters are words of their own. Private-use codes (`qaa`...`qtz`), which MLQA does
    not have, are read as SQuAD's; any other language is an error.
    """
    if PRIVATE_USE.fullmatch(lang):
        return squad_tokens(text)
    if lang not in _ARTICLES:
        raise BadInput(f"MLQA has no normalisation for '{lang}': {nearest(lang, _ARTICLES)}")
    bare = "".join(c for c in text.lower() if not _is_punctuation(c))
    if articles := _ARTICLES[lang]:
        bare = articles.sub(" ", bare)
    return (_HAN.sub(r" \g<0> ", bare) if lang == "zh" else bare).split()


PRIVATE_USE = re.compile("q[a-t][a-z]")  # ISO 639's range for codes that are no language
_NO_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ENGLISH = re.compile(r"\b(a|an|the)\b")
_ARTICLES = {
    "en": _ENGLISH,
    "es": re.compile(r"\b(un|una|unos|unas|el|la|los|las)\b"),
    "vi": re.compile(r"\b(của|là|cái|chiếc|những)\b"),
    "de": re.compile(r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "ar": re.compile("ال"),  # wherever the two letters stand, inside a word too
    "hi": None,
    "zh": None,
}
_HAN = re.compile("[\u4e00-\u9fa5]")


def _is_punctuation(char: str) -> bool:
    return char in string.punctuation or unicodedata.category(char).startswith("P")


def match(
    said: str | None,
    golds: Sequence[str],
    tokens: Callable[[str], list[str]] = squad_tokens,
    no_answer: bool = False,
) -> tuple[float, float]:
    """(exact match, F1) of one answer in 0..1, each the best over the right texts.

    `said` None: not answered, scores 0. Where `golds` is empty, only an empty answer is right.
    `no_answer` follows SQuAD v2: right texts without a word do not count, and two empty answers
    agree, while in v1.1 they have an F1 of 0.
    """
    rights = [tokens(gold) for gold in golds]
    if no_answer or not rights:
        no_answer, rights = True, [right for right in rights if right] or [[]]
    if said is None:
        return 0.0, 0.0
    mine = tokens(said)
    exact = max(float(mine == right) for right in rights)
    return exact, max(_overlap(mine, right, no_answer) for right in rights)


def _overlap(said: list[str], gold: list[str], no_answer: bool) -> float:
    """F1 of two bags of words. Two empty ones score 0 in SQuAD v1.1, 1 in v2."""
    if no_answer and not (said and gold):
        return float(said == gold)
    same = sum((Counter(said) & Counter(gold)).values())
    if not same:
        return 0.0
    precision, recall = same / len(said), same / len(gold)
    return (2 * precision * recall) / (precision + recall)
