"""Facts that ship: the table of languages. What it says of each must be possible, and is cited."""

import math

import pytest

from xstilts.languages import URIEL, facts, language, table
from xstilts.paths import FACTS
from xstilts.tasks import TASKS

REAL = sorted({lang for task in TASKS.values() for suite in ("xtreme", "xtreme-r")
               for lang in task.langs.get(suite, ())})  # fmt: skip


def far(code, kind):
    return float(facts()[code][kind])


def test_every_language_of_both_suites_is_there():
    assert len(facts()) == 50 and set(REAL) <= set(facts()) == set(table())
    assert language("fa").iso3 == "pes" and language("fa").script == "Arabic"


@pytest.mark.parametrize("kind", URIEL)
def test_distances_are_from_english(kind):
    values = {code: far(code, kind) for code in facts()}
    assert values.pop("en") == 0
    assert all(0 < value <= 1 for value in values.values())


def test_near_languages_are_near():
    for near in ("de", "nl", "af"):
        for other in ("ja", "ta", "tr", "zh"):
            assert far(near, "genetic") < far(other, "genetic") == 1
            assert far(near, "syntactic") < far(other, "syntactic")
    assert far("nl", "geographic") < far("ru", "geographic") < far("id", "geographic")


def test_orders_and_families():
    known = {"SVO", "SOV", "VSO", "VOS", "OVS", "OSV"}
    for code, row in facts().items():
        assert row["order"] and set(row["order"].split()) <= known, code
        assert row["family"] and row["script"] and 0 <= float(row["attested"]) <= 1
    assert facts()["ja"]["order"] == "SOV" and facts()["de"]["order"] == "SVO SOV"


def test_sizes_and_what_is_recalled():
    sizes = {code: float(row["cc100_gib"]) for code, row in facts().items()}
    assert max(sizes, key=sizes.get) == "en"
    assert {code for code, size in sizes.items() if not size} == {"ht", "qu", "wo", "yo"}
    for row in facts().values():
        assert bool(row["wikipedia_million"]) == (row["wikipedia_source"] == "recalled")
        assert not row["wikipedia_million"] or math.isfinite(float(row["wikipedia_million"]))


def test_the_licence_names_every_column_that_is_not_ours():
    licence = (FACTS / "LICENSE-languages").read_text("utf-8")
    ours = {"code", "iso3", "name", "treebank", "script", "family"}
    for column in facts()["en"].keys() - ours:
        assert column in licence
    assert "CC BY-SA 4.0" in licence and "lang2vec 1.1.2" in licence
