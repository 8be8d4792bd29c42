"""What is measured of a model: known answers, the world and the hub alike, spoilt rows refused."""

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from test_notebooks import play
from tiny import NAMES, PLACES, VERBS, encoder

from xstilts import measure, minimal, world
from xstilts.analysis import spaces
from xstilts.gridfile import MEASURES
from xstilts.paths import BadInput, MissingData
from xstilts.settings import Setting
from xstilts.tasks import TASKS
from xstilts.world.languages import ALL, LANGS

WORLD = Setting("small", "tiny-xlmr", "world", layer=1)
HUB = Setting("small", "tiny-xlmr", "hub", layer=1)
SAME = [(f"ana {verb} {name} in the garden .",) * 2 for name in NAMES for verb in VERBS]
LONGER = [(a, f"{a} {b}") for a, b in SAME]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return encoder().save(tmp_path_factory.mktemp("encoder"))


@pytest.fixture
def two(monkeypatch):
    """Parallel text in two languages: one that is English itself, one that says all twice."""
    told = {"qaa": ("a test", SAME), "qab": ("a test", LONGER)}
    monkeypatch.setattr(measure, "parallel", lambda data: told)


def values(rows, lang, **where):
    own = rows[rows["lang"] == lang]
    for name, value in where.items():
        own = own[own[name] == value]
    return own.set_index("measure")["value"]


def test_every_group_that_a_grid_may_name_can_be_measured():
    assert set(measure.KINDS) == set(MEASURES)
    with pytest.raises(BadInput, match="did you mean 'text'"):
        measure.measured("txt", "nowhere", WORLD)


def test_text(model, two):
    rows = measure.measured("text", model, WORLD)
    assert values(rows, "qaa").to_dict() == {
        "fertility": 1.0, "shared_pieces": 100.0, "unknown_pieces": 0.0
    }  # fmt: skip
    assert values(rows, "qab")["fertility"] == 2
    assert not spaces.problems(rows)


def test_what_the_tokenizer_cannot_read_is_shared_with_nobody(model, monkeypatch):
    told = {"qaa": ("a test", [("ana ☃", "☃ ☃ ☃")])}
    monkeypatch.setattr(measure, "parallel", lambda data: told)
    own = values(measure.measured("text", model, WORLD), "qaa")
    assert own["unknown_pieces"] > 40 and own["shared_pieces"] <= 100 - own["unknown_pieces"]


def test_a_language_that_is_english_lies_where_english_does(model, two):
    rows = measure.measured("space", model, WORLD)
    for layer in range(3):
        own = values(rows, "qaa", layer=layer)
        assert own["cosine_translations"] == pytest.approx(1, abs=1e-5)
        assert own["cosine_translations_centred"] == pytest.approx(1, abs=1e-4)
        assert abs(own["centroid"]) < 0.05 < values(rows, "qab", layer=layer)["centroid"]
    assert not spaces.problems(rows)


def test_positions(model, monkeypatch):
    monkeypatch.setattr(measure, "WINDOWS", 4)
    monkeypatch.setattr(measure, "languages", lambda task, data: ("qaa",))
    docs = [[a for a, _ in SAME]] * 6
    monkeypatch.setattr(measure, "_told", lambda lang, data: docs)
    rows = measure.measured("positions", model, WORLD)
    assert list(values(rows, "en").index) == ["mlm_loss@0-63", "mlm_loss@64-127"]
    assert (rows["value"] - np.log(220)).abs().max() < 1.5  # a random encoder knows nothing
    assert not spaces.problems(rows)


def test_same_domain_is_no_distance_and_another_language_none_after_centring(model, monkeypatch):
    here = np.random.default_rng(0).permutation([a for a, _ in SAME]).tolist()
    there = [f"otto hears {who} in the {place} ." for who in NAMES for place in PLACES]
    monkeypatch.setattr(measure, "parallel", lambda data: {"qaa": ("a test", SAME)})
    monkeypatch.setattr(measure, "languages", lambda task, data: ("en", "qaa"))
    texts = {"home": here, "sport": there}
    monkeypatch.setattr(measure, "_by_domain", lambda *_: texts)
    monkeypatch.setattr(measure, "COMPARED", (("xnli", "test", "xnli"),))
    rows = measure.measured("domains", model, WORLD)
    same, other = (values(rows, "qaa", domain=d, layer=1) for d in ("home>home", "home>sport"))
    for name in ("centroid_centred", "proxy_a_centred"):
        assert same[name] < 0.5 < other[name]
    js = rows[rows["measure"] == "js_subwords"].set_index("domain")["value"]
    assert abs(js["home>home"]) < 0.02 < 0.1 < js["home>sport"]
    assert not spaces.problems(rows)


def test_turned_languages_keep_their_words():
    for lang in ("qaa", "qal"):
        assert minimal.xnli(ALL[lang]) == world.rows("xnli", "test", lang)
    plain, (turned, way) = ALL["qaa"], minimal.changed("qaa", "order")
    assert (turned.order, way) == ("SOV", minimal.AWAY)
    assert minimal.changed("qal", "order")[0].order == "SVO"
    before, after = (minimal.tatoeba(language) for language in (plain, turned))
    moved = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(moved) > 100
    for a, b in moved:
        assert sorted(a.rstrip(".?").split()) == sorted(b.rstrip(".?").split())
    assert len([*minimal.variants()]) == len(LANGS) * (1 + len(minimal.OTHER))


def test_knobs(model, monkeypatch):
    monkeypatch.setattr(minimal, "SENTENCES", 20)
    some = [v for v in minimal.variants() if v[0] in ("qaa", "qai")][:4]
    monkeypatch.setattr(minimal, "variants", lambda: [("qaa", "itself", ALL["en"]), *some])
    rows = measure.measured("knobs", model, WORLD)
    own = rows.set_index("domain")["value"]
    assert own["itself"] == 100 and set(rows["task"]) == {"tatoeba"}  # no head, no XNLI
    with pytest.raises(MissingData, match="only the synthetic world"):
        measure.measured("knobs", model, HUB)


def test_parallel_text_of_the_hub(monkeypatch):
    def load(task, split, lang, data):
        if (task.name, lang) not in (("xnli", "en"), ("xnli", "de"), ("tatoeba", "af")):
            raise MissingData(f"no {lang}")
        if task.name == "xnli":
            rows = [{"id": str(n), "text_a": f"{lang} {n}"} for n in (1, 2)]
        else:
            rows = [{"id": "q", "side": "query", "text": "Hi.", "gold": ["7"]},
                    {"id": "7", "side": "candidate", "text": "Hallo.", "gold": []}]  # fmt: skip
        return Dataset.from_list(rows)

    monkeypatch.setattr(measure, "load", load)
    assert measure.parallel("hub") == {
        "de": ("xnli", [("en 1", "de 1"), ("en 2", "de 2")]), "af": ("tatoeba", [("Hi.", "Hallo.")])
    }  # fmt: skip


# The notebook

ROWS = pd.DataFrame(
    [("a test", lang, "", None, name, value) for lang, by in (("qaa", 1.0), ("qab", 2.0))
     for name, value in (("fertility", by), ("shared_pieces", 100.0))],
    columns=["task", "lang", "domain", "layer", "measure", "value"],
).astype({"layer": "Int64"})  # fmt: skip
SPOILT = {
    "no number": (0, "value", float("nan")),
    "out of bounds": (0, "value", -1.0),
    "a strange measure": (0, "measure", "height"),
    "twice": (0, "lang", "qab"),
    "another count": (2, "value", 1.5),
}


@pytest.mark.parametrize("spoil", ["", *SPOILT])
def test_the_notebook_refuses_spoilt_rows(spoil, model, two, out, monkeypatch):
    rows = ROWS.copy()
    if spoil:
        place, column, value = SPOILT[spoil]
        rows.loc[place, column] = value
    monkeypatch.setattr(measure, "measured", lambda *_: rows)
    monkeypatch.setattr("xstilts.runs.OpenRun.need", lambda self, kind="encoder": model)
    if not spoil:
        assert len(play("10_measures")["rows"]) == 4
        return
    with pytest.raises(AssertionError):
        play("10_measures")


def test_layers_and_positions_may_not_be_left_out():
    layers = [("", "qaa", "", layer, "cosine_random", 0.5) for layer in (0, 2)]
    bins = [("", "en", "", None, f"mlm_loss@{at}", 1.0) for at in ("0-63", "128-191")]
    rows = pd.DataFrame(layers + bins, columns=ROWS.columns)
    assert spaces.problems(rows) == ["cosine_random: a layer is missing",
                                     "en: positions with a gap"]  # fmt: skip


def test_xnli_by_the_models_own_head(tmp_path):
    from xstilts.model import Model, heads_for

    facts = {"max_len": 64, "token_budget": 4096, "selection": ""}
    Model(encoder(), heads_for([TASKS["mnli"]]), facts).save(tmp_path / "model")
    judge = measure._head(tmp_path / "model", encoder())
    rows = minimal.xnli(ALL["en"])[:12]
    assert 0 <= judge(rows, "fp32") <= 100


def test_overlap_is_drawn_where_there_is_any():
    rows = pd.DataFrame({"task": ["ccg>udpos", "ccg>udpos", "mnli>xnli"], "value": [5.6, 6.0, 0.0],
                         "measure": ["overlap_whole", "overlap_near", "overlap_near"]})  # fmt: skip
    (axis,) = spaces.picture("overlap", rows, 1).axes
    assert "6.0 %" in axis.get_title("left") and "ccg and udpos" in axis.get_title("left")
    assert [label.get_text() for label in axis.get_xticklabels()] == ["udpos"]
    (axis,) = spaces.picture("overlap", rows.assign(value=0.0), 1).axes
    assert "No English test row" in axis.get_title("left")
