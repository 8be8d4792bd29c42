"""Every form: gold -> features -> perfect outputs -> gold, for both families' tokenizers."""

from itertools import product

import numpy as np
import pytest
import tiny
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xstilts.forms import FORMS, IGNORED, Frame, blind, form, judge, number, span, tag
from xstilts.forms.classify import longest_first
from xstilts.paths import BadInput

SQUADS = ("squad", "squad_v2")  # without and with questions that have no answer
FAMILY = pytest.mark.parametrize("family", tiny.FAMILIES)
WORDS = st.sampled_from([*tiny.NAMES, *tiny.PLACES, "Ünïcödé", "12.5", "·", "\u200b", "𝒳", "ﬁ"])
HAN = st.text(tiny.HAN, min_size=1, max_size=6)
SENTENCES = st.lists(WORDS | HAN, min_size=1, max_size=80)
QUICK = settings(max_examples=40, deadline=None)


def perfect(features, task):
    """Outputs that score exactly the targets highest."""
    outs = []
    for f in features:
        length = len(f.inputs[0].ids)
        if task.form == "span":
            out, target = np.zeros((length, 2), np.float32), f.target or (0, 0)
            out[target[0], 0] = out[target[1], 1] = 10 if target != (0, 0) else 1
        elif task.form == "tag":
            out = np.zeros((length, len(task.labels)), np.float32)
            places = np.flatnonzero(f.target != IGNORED)
            out[places, f.target[places]] = 1
        else:
            size = len(f.inputs) if task.form == "choose" else len(task.labels)
            out = np.eye(size, dtype=np.float32)[f.target]
            out = out[:, None] if task.form == "choose" else out
        outs.append(out)
    return outs


def decoded(name, rows, task, family, max_len=64):
    module = form(name)
    features = module.encode(rows, tiny.tokenizer(family), task, max_len)
    assert all(len(i.ids) <= max_len for f in features for i in f.inputs)
    return module.decode(perfect(features, task), features, rows, task), features


@FAMILY
@pytest.mark.parametrize("name", ["classify", "choose", "tag", "span"])
def test_perfect_outputs_decode_to_gold(name, family):
    task, rows = tiny.task(name), tiny.rows(name, 12)
    answers, _ = decoded(name, rows, task, family)
    assert set(judge(task, rows, answers, "en").percent.values()) == {100.0}


@FAMILY
def test_frame_agrees_with_the_tokenizer(family):
    tok = tiny.tokenizer(family)
    frame = Frame(tok)
    a, b = "ana sees ben .", "in the harbour"
    ids = [tok(t, add_special_tokens=False)["input_ids"] for t in (a, b)]
    pair, both = frame.pair(*ids), tok(a, b)
    assert pair.ids.tolist() == both["input_ids"]
    assert frame.single(ids[0]).ids.tolist() == tok(a)["input_ids"]
    assert frame.room(50, pair=True) == 50 - tok.num_special_tokens_to_add(pair=True)
    assert frame.room(50, pair=False) == 50 - tok.num_special_tokens_to_add(pair=False)
    if family == "bert":
        types = [int(i >= pair.second) for i in range(len(pair.ids))]
        assert types == both["token_type_ids"]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(2, 30))
def test_longest_first_keeps_beginnings_and_as_much_as_fits(n, m, room):
    a, b = list(range(n)), list(range(m))
    x, y = longest_first(a, b, room)
    assert (x, y) == (a[: len(x)], b[: len(y)])
    assert len(x) + len(y) == min(room, n + m)
    assert len(x) == n or len(x) >= len(y) - 1  # only what is longer is cut
    assert len(y) == m or len(y) >= len(x)


def test_classify_marks_what_it_cut_and_reads_single_texts():
    task = tiny.task("classify")
    long = " ".join(["harbour"] * 60)
    rows = [{"id": "0", "text_a": long, "text_b": "ana", "label": "no"},
            {"id": "1", "text_a": "ana", "text_b": "", "label": None}]  # fmt: skip
    first, second = form("classify").encode(rows, tiny.tokenizer("bert"), task, 40)
    assert (first.cut, len(first.inputs[0].ids), first.pieces > 60) == (True, 40, True)
    assert (second.cut, second.target) == (False, None)
    assert second.inputs[0].second == len(second.inputs[0].ids) == second.pieces


def test_choose_cuts_the_front_of_the_context():
    tok, task = tiny.tokenizer("bert"), tiny.task("choose")
    context = " ".join(["harbour"] * 60 + ["museum"])
    rows = [{"id": "0", "context": context, "choices": ["ana", "ben cleo"], "label": 1}]
    (feature,) = form("choose").encode(rows, tok, task, 30)
    texts = [tok.decode(i.ids[1 : i.second - 1]) for i in feature.inputs]
    assert all(t.startswith("harbour") and t.endswith("museum") for t in texts)
    assert [tok.decode(i.ids[i.second : -1]) for i in feature.inputs] == ["ana", "ben cleo"]
    assert [len(i.ids) for i in feature.inputs] == [30, 30] and feature.cut


@pytest.mark.parametrize("label", [2, -2])
def test_choose_refuses_a_label_without_a_choice(label):
    rows = [{"id": "r7", "context": "a", "choices": ["b", "c"], "label": label}]
    with pytest.raises(BadInput, match="r7"):
        form("choose").encode(rows, tiny.tokenizer("bert"), tiny.task("choose"), 30)


@FAMILY
@QUICK
@given(words=SENTENCES, max_len=st.integers(8, 40), data=st.data())
def test_every_word_gets_its_one_tag(family, words, max_len, data):
    task = tiny.task("tag")
    tags = data.draw(st.lists(st.sampled_from(task.labels), min_size=len(words),
                              max_size=len(words)))  # fmt: skip
    rows = [{"id": "0", "tokens": words, "tags": tags}, {"id": "1", "tokens": [], "tags": []}]
    answers, features = decoded("tag", rows, task, family, max_len)
    assert answers == [tags, []]
    assert sum(len(f.place) for f in features) == len(words)


def test_tag_labels_first_pieces_and_reads_impossible_words_as_unknown():
    tok, task = tiny.tokenizer("bert"), tiny.task("tag")
    words = ["ana", "\u200b", "harbour" * 20, "anaben"]
    rows = [{"id": "0", "tokens": words, "tags": ["NAME", "OTHER", "VERB", "NAME"]}]
    (feature,) = form("tag").encode(rows, tok, task, 20)
    ids, target = feature.inputs[0].ids, feature.target
    assert ids[feature.place[1]] == ids[feature.place[2]] == tok.unk_token_id
    assert target[feature.place].tolist() == [0, 1, 2, 0]
    assert (np.delete(target, feature.place) == IGNORED).all()
    assert len(target) == len(ids) > len(words) + 2


def test_tag_refuses_uneven_rows_and_unknown_labels():
    encode, task = form("tag").encode, tiny.task("tag")
    with pytest.raises(BadInput, match="row 'x' has 2 words but 1 tags"):
        encode([{"id": "x", "tokens": ["a", "b"], "tags": ["NAME"]}], tiny.tokenizer("bert"),
               task, 20)  # fmt: skip
    with pytest.raises(BadInput, match="'NAMES'; did you mean 'NAME'"):
        number("NAMES", {"id": "x"}, task)


CONTEXTS = st.lists(WORDS | HAN, min_size=1, max_size=200)


@FAMILY
@QUICK
@given(words=CONTEXTS, glue=st.sampled_from([" ", "  ", " \n"]), max_len=st.integers(48, 120),
       data=st.data())  # fmt: skip
def test_answers_are_cut_out_of_the_original_context(family, words, glue, max_len, data):
    """At whatever characters an answer begins and ends, it lies inside what comes back, and only
    the rest of the pieces at its ends can be too much."""
    context = glue.join(words)
    begin = data.draw(st.integers(0, len(context) - 1))
    end = data.draw(st.integers(begin + 1, min(len(context), begin + 12)))
    text = context[begin:end]
    if not text.strip() or "\u200b" in text:
        return
    rows = [{"id": "0", "question": "who ?", "context": context,
             "answers": {"text": [text], "answer_start": [begin]}}]  # fmt: skip
    answers, features = decoded("span", rows, tiny.task("span"), family, max_len)
    if features[0].target is None:
        return  # no piece or no window holds it
    assert text.strip() in answers[0]
    assert answers[0] in context and answers[0] == answers[0].strip()
    assert len(answers[0]) <= len(text) + 16


@FAMILY
@QUICK
@given(words=st.lists(st.sampled_from(tiny.NAMES), min_size=60, max_size=150), data=st.data())
def test_whole_words_come_back_exactly_from_any_window(family, words, data):
    i = data.draw(st.integers(0, len(words) - 3))
    begin = len(" ".join(words[:i])) + (i > 0)
    text = " ".join(words[i : i + 3])
    rows = [{"id": "0", "question": "who ?", "context": " ".join(words),
             "answers": {"text": [text], "answer_start": [begin]}}]  # fmt: skip
    answers, features = decoded("span", rows, tiny.task("span"), family)
    assert len(features) > 1
    assert answers == [text]


def test_an_answer_that_no_window_holds_cannot_teach_that_there_is_none():
    words = [tiny.NAMES[i % len(tiny.NAMES)] for i in range(150)]
    rows = [{"id": "0", "question": "who ?", "context": " ".join(words),
             "answers": {"text": [" ".join(words)], "answer_start": [0]}}]  # fmt: skip
    features = span.encode(rows, tiny.tokenizer("roberta"), tiny.task("span"), 48)
    assert len(features) > 1 and {f.target for f in features} == {None}
    assert span.lost(features, rows) == {0}
    for text, start in (([words[3]], [rows[0]["context"].index(words[3])]), ([words[3]], [-1]),
                        ([], [])):  # one that a window holds, one said nowhere, none  # fmt: skip
        given = rows[0] | {"answers": {"text": text, "answer_start": start}}
        assert span.lost(features, [given]) == set()


@given(st.integers(0, 600), st.integers(2, 400))
def test_windows_cover_the_context_and_each_piece_is_some_windows_own(length, room):
    bounds = span.windows(length, room)
    assert bounds[0][0] == 0 and bounds[-1][1] == length
    assert all(e - b <= room for b, e in bounds)
    assert all(b2 <= e1 and b2 - b1 <= span.STRIDE for (b1, e1), (b2, _) in
               zip(bounds, bounds[1:], strict=False))  # fmt: skip
    assert (len(bounds) == 1) == (length <= room)
    cores = span._cores(bounds, length)
    assert (cores.sum(0) == 1).all()
    for (b, e), core in zip(bounds, cores, strict=True):
        assert set(np.flatnonzero(core)) <= set(range(b, e))


@given(st.integers(128, 400), st.integers(0, 1200))
def test_the_window_that_owns_a_start_holds_the_longest_answer_from_there(room, more):
    """Unless the last window adds a single piece: then BERT's bonus for size keeps starts away."""
    length = room + more
    bounds = span.windows(length, room)
    assume(len(bounds) == 1 or length - bounds[-2][1] > 1)
    for (_, end), core in zip(bounds, span._cores(bounds, length), strict=True):
        last = np.flatnonzero(core)[-1:]
        assert all(end == length or end - place >= span.LONGEST for place in last)


def berts_answer(outs, features, context, no_answer):
    """Second implementation, of the rules as they are told: all pairs of the best 20."""
    found, sizes = [], [len(f.place.offsets) for f in features]
    step = min(span.STRIDE, max(1, sizes[0] // 2))
    begins = [step * n for n in range(len(features))]
    owner = {}
    for n, (begin, size) in enumerate(zip(begins, sizes, strict=True)):
        for at in range(size):
            worth = min(at, size - 1 - at) + 0.01 * size
            owner[begin + at] = max(owner.get(begin + at, (-1.0, 0)), (worth, -n))
    for n, (feature, out) in enumerate(zip(features, outs, strict=True)):
        best = [(-column).argsort()[:20] for column in out.T]
        for start, end in product(*best):
            first, last = start - feature.place.first, end - feature.place.first
            inside = 0 <= first <= last < sizes[n] and last - first < 30
            if inside and owner[begins[n] + first][1] == -n:
                bounds = feature.place.offsets[[first, last]]
                text = context[bounds[0, 0] : bounds[1, 1]].strip()
                found.append((out[start, 0] + out[end, 1], text))
    score, text = max(found, default=(-np.inf, ""))
    null = min(out[0, 0] + out[0, 1] for out in outs)
    return "" if no_answer and null > score else text


@FAMILY
@QUICK
@given(words=st.lists(WORDS | HAN, min_size=1, max_size=120), max_len=st.integers(40, 100),
       seed=st.integers(0, 10**6), no_answer=st.booleans(), vain=st.integers(15, 22))  # fmt: skip
def test_decoding_agrees_with_berts_rules(family, words, max_len, seed, no_answer, vain):
    """With about 20 better ends before the likeliest start."""
    task, dice = tiny.task("span", metric=SQUADS[no_answer]), np.random.default_rng(seed)
    rows = [{"id": "0", "question": "who ?", "context": " ".join(words)}]
    features = span.encode(rows, tiny.tokenizer(family), task, max_len)
    outs = [dice.normal(size=(len(f.inputs[0].ids), 2)) for f in features]
    for out in outs:
        start = dice.integers(len(out))
        out[0] *= 9
        out[start, 0] += 9
        out[:start][:vain, 1] += 9
        out[start + 9 :][:1, 1] += 8
    said = span.decode(outs, features, rows, task)
    assert said == [berts_answer(outs, features, rows[0]["context"], no_answer)]


@given(st.lists(st.integers(1, 9), max_size=60), st.integers(9, 30))
def test_sentences_are_split_where_xtreme_splits_them(sizes, room):
    """Second implementation: a word opens a segment where the pieces before leave it no room."""
    runs, left = [], 0
    for i, size in enumerate(sizes):
        if not runs or left < size:
            runs, left = [*runs, [i, i]], room
        runs[-1][1], left = i + 1, left - size
    assert tag._segments(sizes, room) == [tuple(run) for run in runs]


def test_maximal_context_follows_berts_rule():
    bounds = span.windows(12, 8)  # 0-8, 4-12
    assert span._cores(bounds, 12)[0].tolist() == [True] * 6 + [False] * 6


def test_unanswerable_and_useless_answers():
    encode, tok = form("span").encode, tiny.tokenizer("bert")
    row = {"id": "0", "question": "who ?", "context": "ana sees ben"}
    none, wrong = {"text": [], "answer_start": []}, {"text": ["ben"], "answer_start": [4]}
    v1, v2 = tiny.task("span"), tiny.task("span", metric="squad_v2")
    assert encode([row | {"answers": none}], tok, v1, 64)[0].target is None
    assert encode([row | {"answers": none}], tok, v2, 64)[0].target == span.NOWHERE
    assert encode([row | {"answers": wrong}], tok, v1, 64)[0].target is None


def test_null_score_wins_only_where_no_answer_is_possible():
    tok, row = tiny.tokenizer("bert"), {"id": "0", "question": "who ?", "context": "ana sees ben"}
    for margin, said in ((0.5, ""), (0.0, "ben"), (-0.5, "ben")):
        task = tiny.task("span", metric="squad_v2")
        (feature,) = form("span").encode([row], tok, task, 64)
        out = np.full((len(feature.inputs[0].ids), 2), -5.0)
        out[-2], out[0] = 3, (3 + margin, 3)
        assert span.decode([out], [feature], [row], task) == [said]
        assert span.decode([out], [feature], [row], tiny.task("span")) == ["ben"]


def test_no_answer_is_longer_than_thirty_pieces_or_ends_before_it_begins():
    tok, words = tiny.tokenizer("bert"), ["ana"] * 40
    row = {"id": "0", "question": "who ?", "context": " ".join(words)}
    (feature,) = form("span").encode([row], tok, tiny.task("span"), 120)
    pieces = len(feature.place.offsets)
    out = np.zeros((len(feature.inputs[0].ids), 2))
    first = feature.place.first
    out[first + pieces - 1, 0], out[first, 1] = 9, 9  # only backwards
    out[first, 0], out[first + pieces - 1, 1] = 8, 8  # or far too long
    (said,) = span.decode([out], [feature], [row], tiny.task("span"))
    assert said and len(tok(said, add_special_tokens=False)["input_ids"]) <= 30
    out[:] = 0
    out[first, 0], out[first + 29, 1], out[first + 30, 1] = 9, 9, 10  # thirty, and one too many
    (said,) = span.decode([out], [feature], [row], tiny.task("span"))
    assert said == row["context"][: feature.place.offsets[29, 1]]


def test_pairs_couples_and_ranks_one_pool():
    module, tok, task = form("pairs"), tiny.tokenizer("bert"), tiny.task("pairs")
    rows = [*tiny.rows("pairs", 4), {"id": "d", "side": "candidate", "text": "pia", "gold": []},
            {"id": "c1", "side": "candidate", "text": "again", "gold": []},
            {"id": "q9", "side": "query", "text": "max", "gold": ["nowhere"]}]  # fmt: skip
    features = module.encode(rows, tok, task, 40)
    couples = module.couples(features, rows)
    assert [rows[c.row]["id"] for c in couples] == ["q0", "q1", "q2", "q3"]
    assert couples[0].inputs == features[0].inputs + features[1].inputs
    vectors = {"q0": 0, "c0": 0, "q1": 1, "c1": 1, "q2": 2, "c2": 2, "q3": 3, "c3": 3, "d": 4}
    outs = [np.eye(6, dtype=np.float32)[vectors.get(row["id"], 5)] for row in rows]
    answers = module.decode(outs, features, rows, task)
    assert [a[0] for a in answers[:8:2]] == ["c0", "c1", "c2", "c3"]
    assert sorted(answers[0]) == ["c0", "c1", "c2", "c3", "d"]
    assert all(a is None for row, a in zip(rows, answers, strict=True) if row["side"][0] == "c")


@pytest.mark.parametrize("name", FORMS)
def test_answers_do_not_depend_on_the_gold(name):
    task, rows, tok = tiny.task(name), tiny.rows(name, 3), tiny.tokenizer("xlm-roberta")
    seen = form(name).encode(rows, tok, task, 64)
    unseen = form(name).encode(blind(rows, task), tok, task, 64)
    assert [i.ids.tolist() for f in seen for i in f.inputs] == [
        i.ids.tolist() for f in unseen for i in f.inputs
    ]
    assert all(f.target is None for f in unseen)


def test_unknown_form():
    with pytest.raises(BadInput, match="did you mean 'span'"):
        form("spam")
