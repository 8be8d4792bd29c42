"""Which translations there are, where they lie, and which languages a recipe reads in."""

from dataclasses import replace

import pytest

from xstilts.arms import translated
from xstilts.paths import BadInput, MissingData
from xstilts.recipes import Recipe
from xstilts.tasks import TASKS
from xstilts.translations import spoken, translation, translations
from xstilts.world import LANGS


@pytest.fixture(autouse=True)
def nowhere(monkeypatch):
    for name in ("XSTILTS_HUB", "XSTILTS_TRANSLATED"):
        monkeypatch.delenv(name, raising=False)


def test_published_translations_are_those_that_records_name(monkeypatch, tmp_path):
    mnli, pawsx, udpos = (TASKS[name] for name in ("mnli", "pawsx", "udpos"))
    assert translation(mnli, "hub") is TASKS["xnli"]
    assert len(translations(mnli, "hub")) == 14 and len(translations(pawsx, "hub")) == 6
    assert translations(udpos, "hub") == ()  # German treebanks are no translation
    assert translations(mnli, "world") == translations(udpos, "world") == LANGS
    assert translations(TASKS["ccg"], "world") == ()
    (tmp_path / "facebook/xnli/de").mkdir(parents=True)  # a folder that holds a part of it
    (tmp_path / "facebook/xnli/de/train-00000.parquet").touch()
    monkeypatch.setenv("XSTILTS_HUB", str(tmp_path))
    assert translations(mnli, "hub") == ("de",)
    with pytest.raises(BadInput, match="did you mean 'xnli'"):
        translation(replace(mnli, translated="xnly"), "hub")


def test_a_folder_of_translations_comes_first(monkeypatch, tmp_path):
    rows = {
        "mnli/fi.csv": "id,text_a,text_b,label\n7,p,h,neutral\n",
        "csqa/fi.jsonl": '{"context": "Q", "choices": ["a", "b"], "label": 1}\n',
        "squad_v1/fi.jsonl": '{"question": "Q", "context": "a b", '
                             '"answers": {"text": ["b"], "answer_start": [2]}}\n',
        "udpos/fi.tsv": "tokens\ttags\na b\tNOUN VERB\n",
    }  # fmt: skip
    for name, text in rows.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("XSTILTS_TRANSLATED", str(tmp_path))
    got = {}
    for name in rows:
        record = TASKS[name.split("/")[0]]
        assert translations(record, "hub") == ("fi",)
        (got[record.name],) = translated(record, "fi", data="hub")
    assert got["mnli"] == {"id": "7", "text_a": "p", "text_b": "h", "label": "neutral"}
    assert (got["csqa"]["choices"], got["csqa"]["label"]) == (["a", "b"], 1)
    assert got["squad_v1"]["answers"] == {"text": ["b"], "answer_start": [2]}
    assert got["udpos"]["tags"] == ["NOUN", "VERB"]
    assert translations(TASKS["pawsx"], "hub")[:2] == ("de", "es")


def test_the_languages_a_recipe_reads_in_or_what_is_missing():
    mnli, pawsx, qqp = (TASKS[name] for name in ("mnli", "pawsx", "qqp"))
    every = Recipe("r", translate=("all",))
    assert spoken(Recipe("r"), [qqp], "hub") == ("en",)
    assert spoken(every, [mnli], "world") == ("en", *LANGS)
    assert spoken(every, [mnli, pawsx], "hub") == ("en", "de", "es", "fr", "zh")
    assert spoken(Recipe("r", translate=("zh",)), [mnli], "hub") == ("zh",)
    for recipe, record, said in (
        (
            every,
            qqp,
            "QQP translated into any language; set XSTILTS_TRANSLATED to a folder with qq",
        ),
        (Recipe("r", translate=("sw", "fi")), mnli, "MNLI translated into fi; set XSTILTS_TRANS"),
        (Recipe("r", translate=("sw",), errors=0.1), mnli, "errors are drawn in the synthetic w"),
    ):
        with pytest.raises(MissingData, match=said):
            spoken(recipe, [record], "hub")
    with pytest.raises(MissingData, match="CCG translated into qaa; the synthetic world has none"):
        spoken(Recipe("r", translate=("qaa",)), [TASKS["ccg"]], "world")
