"""The world's languages, meanings and pretraining text."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from xstilts import world
from xstilts.world import concepts as c
from xstilts.world import corpus, events
from xstilts.world import relations as r
from xstilts.world.events import Dice, event, person, pool_of
from xstilts.world.grammar import join, say, tokens
from xstilts.world.languages import ALL, LEXICON, ORDERS, WEIGHTS
from xstilts.world.meaning import Clause, Phrase, Sentence

FRUIT = Phrase("apple", det="a", adj="red")
ADJUNCTS = (("to", "to", Phrase("Mira Doval", "PER")), ("place", "in", Phrase("Tavik", "LOC")),
            ("time", "on", Phrase("Monday", "PROPN")))  # fmt: skip
SOLD = Clause(Phrase("baker", det="the"), "sell", FRUIT, ADJUNCTS, domain="market")
SAID = {
    "The baker sold a red apple to Mira Doval in Tavik on Monday.": Sentence(SOLD),
    "A red apple was sold by the baker to Mira Doval in Tavik on Monday.":
        Sentence(SOLD, passive=True),
    "On Monday, the baker sold a red apple to Mira Doval in Tavik.": Sentence(SOLD, front="time"),
    "To whom did the baker sell a red apple in Tavik on Monday?": Sentence(SOLD, ask="to"),
    "What did the baker sell to Mira Doval in Tavik on Monday?": Sentence(SOLD, ask="patient"),
    "Who sold a red apple to Mira Doval in Tavik on Monday?": Sentence(SOLD, ask="agent"),
    "The baker did not sell a red apple to Mira Doval in Tavik on Monday.":
        Sentence(SOLD._replace(negated=True)),
    "Mira Doval bought a red apple from the baker in Tavik on Monday.": Sentence(r.converse(SOLD)),
    "In Tavik.": Sentence(SOLD, only="place"),
}  # fmt: skip


def test_english_reads_like_english():
    assert {say(sentence, ALL["en"]): sentence for sentence in SAID.values()} == SAID


@pytest.mark.parametrize("order", ORDERS)
def test_constituents_follow_the_order_of_the_language(order):
    language = replace(ALL["en"], code="qaa", order=order)
    slots = {"agent": "S", "verb": "V", "patient": "O"}
    clause = SOLD._replace(adjuncts=())
    said = [slots[word.slot] for word in tokens(Sentence(clause), language) if word.slot in slots]
    assert "".join(dict.fromkeys(said)) == order


def test_adjectives_adpositions_cases_and_scripts_follow_the_knobs():
    for language in world.LANGUAGES.values():
        words = tokens(Sentence(SOLD), language)
        place = {word.form: n for n, word in enumerate(words)}
        red, city = language.words.forms["red"], language.words.spell("Tavik")
        noun = next(n for n, w in enumerate(words) if w.slot == "patient" and w.pos == "NOUN")
        assert (place[red] > noun) == bool(language.adjective), language.code
        around = words[place[city] + (1 if language.adposition else -1)]
        assert around.form == language.words.forms["in"], language.code
        marked = words[noun].form.endswith(language.words.forms["OBJECT"])
        assert marked == (language.case > 0), language.code
        assert (" " in join(words, language)) == (language.script != "han"), language.code


def test_no_two_knobs_go_together():
    table = np.array([list(language.knobs().values()) for language in world.LANGUAGES.values()])
    correlations = np.abs(np.corrcoef(table.T)) - np.eye(table.shape[1])
    assert len(table) >= 12
    assert correlations.max() <= 0.2


def test_distance_grows_with_every_knob_and_is_zero_for_english(monkeypatch):
    assert world.distance("en") == 0
    order = sorted(world.LANGS, key=world.distance)
    assert 0 < world.distance(order[0]) < 0.15 and world.distance(order[-1]) > 0.6
    further = dict(order="VOS", adjective=1, adposition=1, case=2, plural=0, tense=0,
                   script="han", cognates=0.0)  # fmt: skip
    assert set(further) == set(WEIGHTS)
    for knob, value in further.items():
        monkeypatch.setitem(ALL, "tmp", replace(ALL["en"], code="tmp", **{knob: value}))
        assert world.distance("tmp") > 0, knob


@pytest.mark.parametrize("code", ALL)
def test_a_language_has_one_form_for_each_concept(code):
    forms = [ALL[code].words.forms[concept] for concept in LEXICON]
    assert len(set(forms)) == len(forms)


def test_cognates_come_as_often_as_the_knob_says():
    small = {*c.FUNCTION, *c.SUFFIXES}
    content = [word for word in LEXICON if word not in small]
    for code in ("qaa", "qab", "qac", "qal"):
        near = [ALL[code].words.forms[word][:2] == word.lower()[:2] for word in content]
        assert np.mean(near) == pytest.approx(ALL[code].cognates, abs=0.15), code


def test_pools_share_no_event_name_or_route():
    for pool in events.POOLS:
        dice = Dice(f"test {pool}")
        for _ in range(300):
            made = event(dice, pool, dice.pick(list(c.DOMAINS)))
            heads = [made.agent, *(p for p in (made.patient, made.at("to")) if p)]
            people = [p.head.split() for p in heads if p.kind == "PER"]
            assert all(pool_of(*name) == pool for name in people)
            if made.verb in c.MOTION:
                assert pool_of(made.at("from").head, made.at("to").head) == pool
            elif made.agent.kind == "noun" and made.patient and made.patient.kind == "noun":
                assert pool_of(made.agent.head, made.verb, made.patient.head) == pool
            elif made.agent.kind == "ORG":
                assert pool_of(made.agent.head, made.agent.adj) == pool
            else:
                assert people
    named = Counter(name for names in events.NAMES.values() for name in names)
    assert max(named.values()) == 1


def test_relations_keep_or_break_the_truth_as_they_say():
    dice = Dice("test relations")
    one = SOLD._replace(adjuncts=SOLD.adjuncts[:1])
    assert say(Sentence(r.swapped(one)), ALL["en"]) == "Mira Doval sold a red apple to the baker."
    hat, coat = Phrase("hat", det="the", adj="red"), Phrase("coat", det="the", adj="blue")
    pair = Clause(Phrase("Mira Doval", "PER"), "buy", hat._replace(plus=coat))
    assert say(Sentence(r.crossed(pair)), ALL["en"]) == (
        "Mira Doval bought the blue hat and the red coat."
    )
    for _ in range(50):
        wider = r.entailed(dice, SOLD)
        assert wider != SOLD and wider.verb == "sell"
        assert r.contradicted(dice, SOLD) != SOLD
        assert r.extended(dice, one) != one
    assert person(dice, "test") != person(dice, "dev")


def test_documents_are_drawn_alike_whatever_the_hash_seed():
    code = "from xstilts import world; print(world.fingerprint())"
    env = os.environ | {"PYTHONHASHSEED": "7"}
    said = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == world.fingerprint()


def test_text_and_pairs_are_kept_and_read_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path))
    monkeypatch.setattr(corpus, "DOCUMENTS", 40)
    monkeypatch.setattr(corpus, "PAIRS", 40)
    first, couples = world.text("qac"), world.parallel("qac")
    assert len(first) == len(couples) == 14  # share .35
    assert all(len(pair) == 2 for pair in couples)
    monkeypatch.setattr(corpus, "DOCUMENTS", 0)
    assert world.text("qac") == first
    assert not list(tmp_path.rglob("*.part"))
    assert world.parallel("en") == []


def test_documents_say_nothing_twice_in_a_row_and_some_are_long():
    made = list(corpus.documents("en", 300))
    assert all(a != b for told in made for a, b in zip(told, told[1:], strict=False))
    lengths = [sum(len(sentence.split()) for sentence in told) for told in made]
    assert max(lengths) > 190 and np.median(lengths) < 60
