"""The benchmarks' own metrics, in percent, to the last digit.

XTREME's scorer decides: chunk F1 as seqeval 0.0.12 computes it (for POS tags too, where runs of
one tag make a chunk), SQuAD's and MLQA's answer scores, set F1 for mined pairs, mean average
precision at 20 for rankings. The order of every multiplication and division is the scorer's, since
two right formulas may differ in the last bit. Nothing here reads files or knows tasks.

Beside the percent, each metric yields one `(hit, said, gold)` per example, so that any of them is
`200 * sum(hit) / (sum(said) + sum(gold))` over any resampling of examples: accuracy, exact match
and average precision have `said = gold = 1`, the F1 of chunks and pairs has counts.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from xstilts.answers import match, mlqa_tokens, squad_tokens
from xstilts.paths import BadInput, nearest

Count = tuple[float, float, float]  # hit, said, gold of one example
HEADLINES = ("f1", "map@20", "accuracy", "token_accuracy")  # the first that a task has
RANKS = 20  # the cut-off of mean average precision
NO_ANSWER = ("squad_v2",)  # metrics by which saying nothing may be right


@dataclass(frozen=True)
class Measured:
    """`percent`: metric -> value; `counts`: metric -> one `(hit, said, gold)` per example."""

    percent: dict[str, float]
    counts: dict[str, list[Count]]


def measure(metric: str, said: Sequence, gold: Sequence, lang: str = "en") -> Measured:
    """`said[i]` against `gold[i]` for all examples of one language, by one of `METRICS`.

    A said or gold value is a label (accuracy), a list of tags (token_accuracy, chunk_f1), a text
    or None and its list of right texts (squad, squad_v2, mlqa), or lists of ids: the mined and
    the right partners of a sentence (pairs), the candidates best first and the relevant (map@20).
    """
    if metric not in METRICS:
        raise BadInput(f"unknown metric '{metric}': {nearest(metric, METRICS)}")
    if len(said) != len(gold):
        raise BadInput(f"{metric}: {len(said)} answers for {len(gold)} examples")
    if not len(gold):
        raise BadInput(f"{metric}: no examples")
    return METRICS[metric](said, gold, lang)


def headline(percent: Mapping[str, float]) -> float:
    """The one figure a task is known by (XTREME): (EM + F1) / 2, or F1, mAP@20, accuracy."""
    if "exact_match" in percent:
        return (percent["exact_match"] + percent["f1"]) / 2
    for name in HEADLINES:
        if name in percent:
            return percent[name]
    raise BadInput(f"no headline among the metrics {', '.join(percent) or '(none)'}")


# Labels, tags


def chunks(sentences: Iterable[Sequence[str]]) -> list[tuple[str, int, int]]:
    """(type, first, last) of every chunk, positions counted through the whole file.

    Sentences are joined with an `O` after each, as seqeval 0.0.12 does. The tag is the first
    letter, the type what follows the last dash (all of it if there is none): so in bare POS a run
    of equal tags is one chunk, except that a tag in S (SCONJ, SYM) always starts a new one.
    """
    found, start, before, kind_before = [], 0, "O", ""
    joined = [tag for sentence in sentences for tag in (*sentence, "O")]
    if "" in joined:
        raise BadInput("an empty tag; a word without a tag is written O")
    for i, tag in enumerate([*joined, "O"]):
        letter, kind = tag[0], tag.rsplit("-", 1)[-1]
        other = kind != kind_before
        if before in "ES" or (before in "BI" and letter in "BSO") or (before not in "O." and other):
            found.append((kind_before, start, i - 1))
        if letter in "BS" or (before in "ESO" and letter in "EI") or (letter not in "O." and other):
            start = i
        before, kind_before = letter, kind
    return found


def chunk_counts(said: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> list[Count]:
    """One (right, said, gold) count of chunks per sentence; a chunk belongs where it ends."""
    _same_words(said, gold)
    home = [i for i, sentence in enumerate(gold) for _ in range(len(sentence) + 1)]
    said_chunks, gold_chunks = set(chunks(said)), set(chunks(gold))
    tallies = [
        Counter(home[last] for _, _, last in some)
        for some in (said_chunks & gold_chunks, said_chunks, gold_chunks)
    ]
    return [tuple(tally[i] for tally in tallies) for i in range(len(gold))]


def _same_words(said, gold) -> None:
    for i, (mine, right) in enumerate(zip(said, gold, strict=True)):
        if len(mine) != len(right):
            raise BadInput(f"sentence {i + 1}: {len(mine)} tags for {len(right)} words")


def _accuracy(said, gold, lang) -> Measured:
    return _shares("accuracy", [(float(s == g), 1, 1) for s, g in zip(said, gold, strict=True)])


def _token_accuracy(said, gold, lang) -> Measured:
    """Equal tags, all words of all sentences together."""
    _same_words(said, gold)
    pairs = zip(said, gold, strict=True)
    hits = [sum(s == g for s, g in zip(mine, right, strict=True)) for mine, right in pairs]
    sizes = map(len, gold)
    return _shares("token_accuracy", [(h, n, n) for h, n in zip(hits, sizes, strict=True)])


def _chunk_f1(said, gold, lang) -> Measured:
    """Chunks of the whole file together, and token accuracy beside their F1."""
    counts, tags = chunk_counts(said, gold), _token_accuracy(said, gold, lang)
    return Measured(_f1(counts) | tags.percent, {"f1": counts} | tags.counts)


# Answers


def _answers(said, golds, lang, *, tokens, no_answer=False) -> Measured:
    """Exact match and F1, each the best over the right texts of a question."""
    pairs = [
        match(text, right, partial(tokens, lang=lang), no_answer)
        for text, right in zip(said, golds, strict=True)
    ]
    named = zip(("exact_match", "f1"), zip(*pairs, strict=True), strict=True)
    counts = {name: [(hit, 1, 1) for hit in hits] for name, hits in named}
    percent = {k: 100.0 * sum(hit for hit, _, _ in v) / len(v) for k, v in counts.items()}
    return Measured(percent, counts)


# Pairs, rankings


def pair_f1(said: Iterable[tuple], gold: Iterable[tuple]) -> dict[str, float]:
    """F1, precision and recall of a set of pairs (BUCC); a repeated pair counts once."""
    said, gold = set(said), set(gold)
    return _f1([(len(said & gold), len(said), len(gold))])


def average_precision(ranked: Sequence, relevant: Iterable) -> float:
    """AP@20 in 0..1: precision at each hit among the first 20, over the hits there could be.

    With one relevant item it is the reciprocal rank. Nothing ranked, or nothing relevant: 0.
    An item ranked twice counts where it comes first.
    """
    waiting, hits, total = set(relevant), 0, 0.0
    possible = min(len(waiting), RANKS)
    for rank, item in enumerate(ranked[:RANKS], start=1):
        if item in waiting:
            waiting.remove(item)
            hits += 1
            total += hits / rank
    return total / possible if possible else 0.0


def _pairs(said, gold, lang) -> Measured:
    sets = [(set(mine), set(right)) for mine, right in zip(said, gold, strict=True)]
    counts = [(len(mine & right), len(mine), len(right)) for mine, right in sets]
    return Measured(_f1(counts), {"f1": counts})


def _ranks(said, gold, lang) -> Measured:
    pairs = zip(said, gold, strict=True)
    return _shares(f"map@{RANKS}", [(average_precision(r, g), 1, 1) for r, g in pairs])


# From counts to percent


def _shares(name: str, counts: list[Count]) -> Measured:
    hits, possible = sum(hit for hit, _, _ in counts), sum(gold for _, _, gold in counts)
    return Measured({name: hits / max(possible, 1) * 100}, {name: counts})


def _f1(counts: Sequence[Count]) -> dict[str, float]:
    hit, said, gold = (sum(column) for column in zip(*counts, strict=True))
    precision, recall = (hit / said if said else 0.0), (hit / gold if gold else 0.0)
    f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
    return {"f1": f1 * 100, "precision": precision * 100, "recall": recall * 100}


METRICS: dict[str, Callable[[Sequence, Sequence, str], Measured]] = {
    "accuracy": _accuracy,
    "token_accuracy": _token_accuracy,
    "chunk_f1": _chunk_f1,
    "squad": partial(_answers, tokens=squad_tokens),
    "squad_v2": partial(_answers, tokens=squad_tokens, no_answer=True),
    "mlqa": partial(_answers, tokens=mlqa_tokens),
    "pairs": _pairs,
    f"map@{RANKS}": _ranks,
}
