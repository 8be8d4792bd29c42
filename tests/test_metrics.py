"""Metrics agree with hand-worked examples, with second implementations, and under fuzzing."""

from collections import Counter
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xstilts import metrics
from xstilts.answers import match, mlqa_tokens, squad_tokens
from xstilts.mining import cosines, mine, threshold, unique
from xstilts.paths import BadInput

fuzz = settings(deadline=None, database=None)


def percent(metric, said, gold, lang="en"):
    return metrics.measure(metric, said, gold, lang).percent


POS = ["NOUN", "VERB", "ADJ", "SCONJ", "SYM", "INTJ", "PUNCT", "X", "_", "O", "CCONJ", "DET"]
IOB = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]


def files(tags):
    """Said and gold tags of a few sentences, with the same words."""
    pair = st.tuples(st.sampled_from(tags), st.sampled_from(tags))
    return st.lists(st.lists(pair, max_size=9), min_size=1, max_size=5).map(
        lambda file: tuple([[p[side] for p in sentence] for sentence in file] for side in (0, 1))
    )


def pos_chunks(file):
    """Second implementation, for bare POS tags: runs, except that S... tags stand alone."""
    found = set()
    for n, sentence in enumerate(file):
        alone = [(tag, i if tag.startswith("S") else -1) for i, tag in enumerate(sentence)]
        at = 0
        for (tag, _), run in groupby(alone):
            size = len(list(run))
            if tag != "O":
                found.add((n, tag, at, at + size - 1))
            at += size
    return found


def iob_chunks(file):
    """Second implementation, for IOB2 and its usual errors: I- continues its own type only."""
    found = set()
    for n, sentence in enumerate(file):
        open_chunk = None
        for i, tag in enumerate([*sentence, "O"]):
            if open_chunk and tag != f"I-{open_chunk[0]}":
                found.add((n, open_chunk[0], open_chunk[1], i - 1))
                open_chunk = None
            if tag != "O" and open_chunk is None:
                open_chunk = (tag[2:], i)
    return found


def naive_f1(said, gold):
    hit = len(said & gold)
    return 200 * hit / (len(said) + len(gold)) if hit else 0.0


@fuzz
@given(files(POS))
def test_chunk_f1_of_pos_tags_is_that_of_runs(file):
    said, gold = file
    want = naive_f1(pos_chunks(said), pos_chunks(gold))
    assert percent("chunk_f1", said, gold)["f1"] == pytest.approx(want, abs=1e-9)


@fuzz
@given(files(IOB))
def test_chunk_f1_of_malformed_iob_is_repaired_as_conlleval_does(file):
    said, gold = file
    want = naive_f1(iob_chunks(said), iob_chunks(gold))
    assert percent("chunk_f1", said, gold)["f1"] == pytest.approx(want, abs=1e-9)


@fuzz
@given(files(POS + IOB))
def test_sentence_counts_add_up_to_the_files_f1(file):
    said, gold = file
    measured = metrics.measure("chunk_f1", said, gold)
    for metric, counts in measured.counts.items():
        hit, mine, right = np.array(counts, float).sum(axis=0)
        want = 200 * hit / (mine + right) if mine + right else 0.0
        assert measured.percent[metric] == pytest.approx(want, abs=1e-9)
        assert len(counts) == len(gold)


def test_pos_and_names_by_hand():
    tags = ["NOUN", "NOUN", "VERB", "SCONJ", "SCONJ", "SYM", "O", "PUNCT", "PUNCT"]
    assert metrics.chunks([tags]) == [
        ("NOUN", 0, 1), ("VERB", 2, 2), ("SCONJ", 3, 3), ("SCONJ", 4, 4), ("SYM", 5, 5),
        ("PUNCT", 7, 8),
    ]  # fmt: skip
    assert metrics.chunks([["I-PER", "B-X-LOC"], ["I-LOC"]]) == [
        ("PER", 0, 0), ("LOC", 1, 1), ("LOC", 3, 3),
    ]  # fmt: skip
    assert percent("chunk_f1", [["O"]], [["O"]]) == {
        "f1": 0, "precision": 0, "recall": 0, "token_accuracy": 100,
    }  # fmt: skip


def test_accuracy_and_token_accuracy():
    assert percent("accuracy", "abc", "axc") == {"accuracy": 2 / 3 * 100}
    assert percent("token_accuracy", ["NV", ""], ["NN", ""]) == {"token_accuracy": 50.0}


@pytest.mark.parametrize(
    ("metric", "said", "gold", "message"),
    [
        ("accuracy", ["a"], ["a", "b"], "1 answers for 2"),
        ("acuracy", ["a"], ["a"], "did you mean 'accuracy'"),
        ("squad", [], [], "no examples"),
        ("chunk_f1", ["O", "O"], ["O", "OO"], "sentence 2: 1 tags for 2 words"),
        ("chunk_f1", [["NOUN", ""]], [["O", "O"]], "empty tag"),
    ],
)
def test_what_cannot_be_measured_says_why(metric, said, gold, message):
    with pytest.raises(BadInput, match=message):
        metrics.measure(metric, said, gold)


# Answers


def test_squad_takes_the_best_of_several_answers_and_keeps_them_apart():
    said, golds = ["The red house!", "cat sat"], [["house", "red house"], ["dog", "cat"]]
    found = percent("squad", said, golds)
    assert found["exact_match"] == 50.0
    assert found["f1"] == pytest.approx((100 + 200 / 3) / 2)


def test_a_missing_answer_scores_nothing_even_where_the_gold_is_empty():
    assert match(None, ["the"]) == (0.0, 0.0)
    assert match("", ["the"]) == (1.0, 0.0)  # SQuAD v1.1: two empty answers share no word
    assert match("", ["the"], no_answer=True) == (1.0, 1.0)


def test_squad_v2_by_hand():
    said = ["", "Paris", "", "Paris"]
    golds = [[], [], ["Rome"], ["Paris", ""]]
    assert percent("squad_v2", said, golds) == {"exact_match": 50.0, "f1": 50.0}


def test_squad_deletes_ascii_punctuation_only_and_english_articles_everywhere():
    assert squad_tokens("The A-Team, an example: 第六，名.") == ["ateam", "example", "第六，名"]
    assert squad_tokens("Der Hund") == ["der", "hund"]


def test_mlqa_normalises_by_language():
    assert mlqa_tokens("El año de la paz, ¡los!", "es") == ["año", "de", "paz"]
    assert mlqa_tokens("第六，名 NBA", "zh") == ["第", "六", "名", "nba"]
    assert mlqa_tokens("«Ein» Haus", "de") == ["haus"]
    assert mlqa_tokens("«Ein» Haus", "qab") == squad_tokens("«Ein» Haus") == ["«ein»", "haus"]
    with pytest.raises(BadInput, match="MLQA has no normalisation for 'fr'"):
        mlqa_tokens("le chat", "fr")


@fuzz
@given(st.sampled_from(["en", "es", "vi", "de", "ar", "hi", "zh", "qaa"]), st.text(max_size=30))
def test_normalising_again_changes_only_what_deletion_brought_together(lang, text):
    tokens = mlqa_tokens(text, lang)
    assert all(token and not any(c.isspace() for c in token) for token in tokens)
    assert sum(map(len, tokens)) <= len(text.lower())


bags = st.lists(st.sampled_from(["ab", "cd", "ef", "gh"]), max_size=6)


@fuzz
@given(bags, bags)
def test_word_f1_is_dice_of_bags(said, gold):
    same = sum(min(Counter(said)[w], Counter(gold)[w]) for w in set(said))
    want = 2 * same / (len(said) + len(gold)) if same else 0.0
    assert match(" ".join(said), [" ".join(gold)])[1] == pytest.approx(want)


# Pairs and rankings


def test_pairs_count_once():
    found = metrics.pair_f1([("a", 1), ("a", 1), ("b", 2)], [("a", 1), ("c", 3), ("d", 4)])
    assert found["precision"] == 50.0
    assert found["recall"] == pytest.approx(100 / 3)
    assert found["f1"] == pytest.approx(40.0)
    by_query = metrics.measure("pairs", [["1"], ["2"], [], []], [["1"], [], ["3"], ["4"]])
    assert by_query.percent["f1"] == found["f1"]
    assert by_query.counts["f1"] == [(1, 1, 1), (0, 1, 0), (0, 0, 1), (0, 0, 1)]


def test_average_precision_by_hand():
    assert metrics.average_precision("xay", "a") == 1 / 2  # one relevant: reciprocal rank
    assert metrics.average_precision("axb", "abc") == (1 / 1 + 2 / 3) / 3
    assert metrics.average_precision("aab", "ab") == (1 / 1 + 2 / 3) / 2
    assert metrics.average_precision("xyzxyz", "a") == metrics.average_precision("a", "") == 0
    many = range(30)
    assert metrics.average_precision(many, many) == 1.0  # 20 of 30 is all there could be
    assert percent("map@20", ["a", "x"], ["a", "a"]) == {"map@20": 50.0}


def test_headline_follows_the_benchmark():
    assert metrics.headline({"exact_match": 50.0, "f1": 60.0}) == 55.0
    assert metrics.headline({"precision": 1.0, "f1": 60.0, "token_accuracy": 90.0}) == 60.0
    assert metrics.headline({"map@20": 3.0}) == 3.0
    with pytest.raises(BadInput, match="no headline"):
        metrics.headline({"recall": 1.0})


# Mining


def neighbours(x, y, k=4):
    """Exact k nearest neighbours by inner product: sims, ids, back sims, back ids."""
    similarity = x @ y.T
    both = []
    for s in (similarity, similarity.T):
        ids = np.argsort(-s, axis=1, kind="stable")[:, : min(k, s.shape[1])]
        both += [np.take_along_axis(s, ids, axis=1), ids]
    return both


def unit(generator, n, width=8):
    vectors = generator.normal(size=(n, width))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def brute_force(x, y, k=4):
    """Second implementation: all proposals scored one by one, then taken greedily."""
    near = lambda a, b: sorted(range(len(b)), key=lambda j: -(a @ b[j]))[:k]  # noqa: E731
    local = lambda a, b: np.mean([a @ b[j] for j in near(a, b)])  # noqa: E731
    score = lambda i, j: x[i] @ y[j] / ((local(x[i], y) + local(y[j], x)) / 2)  # noqa: E731
    proposals = [(i, max(near(x[i], y), key=lambda j: score(i, j))) for i in range(len(x))]
    proposals += [(max(near(y[j], x), key=lambda i: score(i, j)), j) for j in range(len(y))]
    taken, pairs = [set(), set()], []
    for i, j in sorted(proposals, key=lambda p: -score(*p)):
        if i not in taken[0] and j not in taken[1]:
            taken[0].add(i)
            taken[1].add(j)
            if score(i, j) > 0:
                pairs.append((i, j))
    return pairs


@settings(fuzz, max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 9))
def test_mining_is_greedy_over_both_sides_proposals(seed, n, m):
    generator = np.random.default_rng(seed)
    x, y = unit(generator, n), unit(generator, m)
    _, source, target = mine(*neighbours(x, y))
    assert list(zip(source, target, strict=True)) == brute_force(x, y)


def test_mining_finds_translations_among_distractors_one_to_one():
    generator = np.random.default_rng(1)
    x = unit(generator, 40, 32)
    y = np.concatenate([x[:20] + 0.05 * unit(generator, 20, 32), unit(generator, 30, 32)])
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    score, source, target = mine(*neighbours(x, y))
    assert (np.diff(score) <= 0).all()
    assert len(set(source)) == len(source) and len(set(target)) == len(target)
    right = (source == target) & (source < 20)
    assert right[:20].all() and right.sum() == 20
    assert score[19] >= threshold(score, right, 20) > score[20]


def test_mining_by_similarity_alone_takes_the_nearest_of_all_first():
    generator = np.random.default_rng(4)
    x, y = unit(generator, 6), unit(generator, 5)
    score, source, target = mine(*neighbours(x, y), cosines)
    sims = x @ y.T
    assert score[0] == sims.max() == sims[source[0], target[0]]
    np.testing.assert_array_equal(score, sims[source, target])
    assert len(set(source)) == len(source) and len(set(target)) == len(target)


def test_threshold_is_half_way_after_the_best_rank_or_the_last_score_itself():
    scores = np.array([1.5, 1.3, 1.1, 0.9])
    assert threshold(scores, np.array([1, 1, 0, 0], bool), 2) == pytest.approx(1.2)
    assert threshold(scores, np.array([1, 0, 0, 1], bool), 2) == 1.4  # 2/3 twice: the first wins
    assert threshold(scores, np.array([1, 1, 1, 1], bool), 4) == 0.9
    assert threshold(scores, np.zeros(4, bool), 4) == 0.0
    assert threshold(np.array([]), np.array([], bool), 4) == 0.0


def test_repeated_sentences_are_searched_once_and_never_answered():
    rows, answered = unique(["a", "b", "a", "c ", "c", "d"])
    assert rows.tolist() == [2, 1, 3, 4, 5]
    assert answered.tolist() == [False, True, False, False, True]
