"""The main table by hand: means, paired differences, missing cells, marks, escaping."""

import math

import pandas as pd
import pytest

from xstilts import tables
from xstilts.gridfile import read
from xstilts.languages import languages
from xstilts.scores import COLUMNS, SWEEP
from xstilts.settings import setting
from xstilts.tasks import TASKS

TINY = setting("tiny-xlmr")
GRID = read({
    "settings": ["tiny-xlmr"], "seeds": [1, 2], "recipes": ["none", "mnli", "ccg"],
    "targets": ["mnli", "udpos"], "retrieval": True,
})  # fmt: skip
COLS = tables.columns(GRID)


def row(task, recipe, seed, lang, value, metric="accuracy", target="", layer=None, split="test"):
    own = {"setting": "tiny-xlmr", "seed": seed, "recipe": recipe, "task": task, "lang": lang,
           "target": target, "suite": "xtreme xtreme-r", "split": split, "metric": metric,
           "value": value, "n": 100, "layer": layer, "run": f"{recipe}.{seed}.{task}",
           "selection": SWEEP if layer not in (None, TINY.layer) else "fixed"}  # fmt: skip
    return {name: own.get(name, "") for name in COLUMNS}


def scores(drop=()):
    """XNLI and POS for none (60, 70) and mnli (one point a seed more), two seeds; retrieval at
    two layers for both; nothing for ccg."""
    rows = []
    for recipe, base in (("none", 0.0), ("mnli", 1.0)):
        for seed in (1, 2):
            for name, value, metric, target in (
                ("xnli", 60.0, "accuracy", "mnli"), ("udpos", 70.0, "f1", "udpos"),
            ):  # fmt: skip
                rows += [row(name, recipe, seed, lang, value + seed * base, metric, target)
                         for lang in languages(TASKS[name], "world")]  # fmt: skip
            for name, metric in (("bucc2018", "f1"), ("tatoeba", "accuracy")):
                rows += [row(name, recipe, seed, lang, 10.0 * layer - base, metric, layer=layer)
                         for lang in languages(TASKS[name], "world")
                         for layer in (TINY.layer, TINY.layer + 1)]  # fmt: skip
    frame = pd.DataFrame([r for r in rows if (r["task"], r["recipe"], r["lang"]) not in drop])
    return frame.astype({"layer": "Int64"})


def cells(frame):
    return tables.cells(tables.averages(frame, TINY, COLS), ["none", "mnli", "ccg"], COLS)


def test_columns_follow_the_records_and_retrieval_comes_last():
    titles = [column.title for column in COLS]
    assert titles == ["XNLI", TASKS["udpos"].title, TASKS["bucc2018"].title, "Tatoeba"]


def test_copa_alone_and_after_siqa_are_both_reported_and_the_mean_takes_the_first():
    grid = read({"settings": ["tiny-xlmr"], "seeds": [1], "recipes": ["none"],
                 "targets": ["copa", "siqa-copa"]})  # fmt: skip
    columns = tables.columns(grid)
    frame = pd.DataFrame([row("xcopa", "none", 1, lang, value, target=target)
                          for target, value in (("copa", 60.0), ("siqa-copa", 65.0))
                          for lang in languages(TASKS["xcopa"], "world")])  # fmt: skip
    averages = tables.averages(frame, TINY, columns)
    printed = tables.printed(tables.cells(averages, ["none"], columns)).loc["none"]
    wanted = {"XCOPA": "60.0", "XCOPA (siqa-copa)": "65.0", tables.WITHOUT: "60.0"}
    assert printed[list(wanted)].to_dict() == wanted


def test_means_are_over_the_tasks_of_the_first_suite():
    """PAN-X is averaged over XTREME's languages, so nothing of XTREME-R alone may join it."""
    grid = read({"settings": ["tiny-xlmr"], "seeds": [1], "recipes": ["none"], "retrieval": True,
                 "targets": ["copa", "lareqa", "panx"]})  # fmt: skip
    titles = {mean: set(over) for mean, over in tables.over(tables.columns(grid)).items()}
    assert titles == {tables.WITHOUT: {"PAN-X"}, tables.WITH: {"PAN-X", "BUCC 2018", "Tatoeba"}}


def test_means_and_paired_gains():
    values, gains = (tables.wide(cells(scores()), what) for what in ("value", "gain"))
    assert values.loc["mnli", "XNLI"] == 61.5 and gains.loc["mnli", "XNLI"] == 1.5
    assert values.loc["none", tables.WITHOUT] == 65.0
    layer = 10.0 * TINY.layer
    assert values.loc["none", "Tatoeba"] == layer  # the setting's layer, not the better one
    assert values.loc["none", tables.WITH] == (60 + 70 + layer + layer) / 4
    assert gains.loc["none"].eq(0).all()


def test_a_gain_has_the_interval_of_its_paired_seeds():
    own = cells(scores()).set_index(["recipe", "column"])
    gain, low, high = own.loc[("mnli", "XNLI"), ["gain", "low", "high"]]
    assert gain == 1.5 and low == pytest.approx(1.5 - 12.706 * 0.5, abs=1e-3)
    assert high - gain == pytest.approx(gain - low)
    text = tables.intervals(cells(scores()))
    assert text.loc["mnli", "XNLI"] == "+1.5 [-4.9, +7.9]" and text.loc["ccg", "XNLI"] == "–"
    assert "none" not in text.index
    one = tables.intervals(cells(scores().query("seed == 1")))
    assert one.loc["mnli", "XNLI"] == "+1.0"


def test_every_figure_says_how_it_came_about():
    found = cells(scores()).set_index(["recipe", "column"])["how"]
    assert found["none", "XNLI"] == "test, fixed" and found["mnli", tables.WITH] == ""
    assert found["mnli", "Tatoeba"] == f"test, layer {TINY.layer}, fixed"


def test_a_missing_language_marks_the_cell_and_every_mean_over_it():
    n = len(languages(TASKS["xnli"], "world"))
    found = cells(scores(drop={("xnli", "mnli", "en")}))
    values, gains, langs = (tables.wide(found, what) for what in ("value", "gain", "langs"))
    assert values.loc["mnli", "XNLI"] == 61.5 and langs.loc["mnli", "XNLI"] == f"{n - 1}/{n}"
    assert langs.loc["none"].eq("").all() and langs.loc["mnli", "Tatoeba"] == ""
    printed = tables.printed(found)
    for name in ("XNLI", tables.WITHOUT, tables.WITH):  # none has one language more
        assert math.isnan(gains.loc["mnli", name]) and langs.loc["mnli", name]
        assert printed.loc["mnli", name] == f"{values.loc['mnli', name]:.1f}{tables.MARK}"
    assert printed.loc["none", "XNLI"] == "60.0"


def test_what_lacks_the_same_language_is_compared():
    frame = scores(drop={("xnli", "mnli", "qaa"), ("xnli", "none", "qaa")})
    printed = tables.printed(cells(frame))
    assert printed.loc["mnli", "XNLI"] == f"61.5{tables.MARK} (+1.5)"
    assert printed.loc["none", tables.WITHOUT] == f"65.0{tables.MARK}"
    assert printed.loc["mnli", TASKS["udpos"].title] == "71.5 (+1.5)"


def test_as_many_languages_but_others_are_not_compared():
    frame = scores(drop={("xnli", "mnli", "qaa"), ("xnli", "none", "qab")})
    gains = tables.wide(cells(frame), "gain")
    assert math.isnan(gains.loc["mnli", "XNLI"]) and math.isnan(gains.loc["mnli", tables.WITHOUT])


def test_seeds_with_fewer_languages_than_others_do_not_count():
    frame = scores()
    gone = frame["task"].eq("xnli") & frame["seed"].eq(2) & frame["lang"].eq("qaa")
    own = cells(frame[~(gone & frame["recipe"].eq("mnli"))]).set_index(["recipe", "column"])
    assert own.loc[("mnli", "XNLI"), ["value", "gain", "seeds", "langs"]].tolist() == [61, 1, 1, ""]


def test_a_task_without_any_run_empties_the_means():
    frame = scores()
    found = tables.wide(cells(frame[frame["task"] != "xnli"]), "value")
    assert found.loc["mnli", ["XNLI", tables.WITHOUT, tables.WITH]].isna().all()


def dev_only():
    """No test pairs for BUCC, but dev pairs in one language."""
    frame = scores()
    dev = [row("bucc2018", recipe, seed, "qaa", value, "f1", layer=TINY.layer, split="dev")
           for recipe, value in (("none", 30.0), ("mnli", 32.0)) for seed in (1, 2)]  # fmt: skip
    return pd.concat([frame[frame["task"] != "bucc2018"], pd.DataFrame(dev)], ignore_index=True)


def test_dev_pairs_stand_in_for_test_pairs_and_say_so():
    frame = dev_only()
    columns = tables.of_setting(COLS, frame, TINY)
    assert [c.title for c in columns] == [
        "XNLI", TASKS["udpos"].title, "BUCC 2018 (dev)", "Tatoeba",
    ]  # fmt: skip
    averages = tables.averages(frame, TINY, columns)
    printed = tables.printed(tables.cells(averages, ["none", "mnli"], columns))
    assert printed.loc["mnli", "BUCC 2018 (dev)"] == f"32.0{tables.MARK} (+2.0)"
    assert tables.MARK in printed.loc["mnli", tables.WITH]
    assert tables.MARK not in printed.loc["mnli", tables.WITHOUT]
    found = tables.per_language(frame, TINY, columns)
    assert set(found.loc[found["column"] == "BUCC 2018 (dev)", "lang"]) == {"qaa"}


def test_dev_pairs_beside_test_pairs_are_left_out():
    more = dev_only()
    both = pd.concat([scores(), more[more["split"] == "dev"]], ignore_index=True)
    assert tables.of_setting(COLS, both, TINY) == COLS
    assert tables.of_setting(COLS, both.iloc[:0], TINY) == COLS
    found = tables.wide(cells(both), "value")
    assert found.loc["none", "BUCC 2018"] == 10.0 * TINY.layer


def test_a_recipe_without_runs_keeps_its_row():
    printed = tables.printed(cells(scores()))
    assert list(printed.index) == ["none", "mnli", "ccg"] and set(printed.loc["ccg"]) == {"–"}
    assert printed["XNLI"].tolist() == ["60.0", "61.5 (+1.5)", "–"]


def test_fewer_than_five_seeds_are_marked():
    assert tables.printed(cells(scores())).loc["mnli", "seeds"] == f"2 {tables.FEW}"
    twice = scores()
    more = [twice[twice["seed"] == 1].assign(seed=seed) for seed in (3, 4, 5)]
    five = pd.concat([twice, *more], ignore_index=True)
    assert tables.printed(cells(five)).loc["mnli", "seeds"] == "5"


def test_without_any_run_every_cell_is_missing():
    printed = tables.printed(cells(pd.DataFrame(columns=COLUMNS)))
    assert printed.shape == (3, 7) and set(printed.to_numpy().ravel()) == {"–"}


def test_per_language_takes_the_mean_over_seeds():
    found = tables.per_language(scores(), TINY, COLS).set_index(["column", "recipe", "lang"])
    assert found.loc[("XNLI", "mnli", "en"), "value"] == 61.5
    assert found.loc[("XNLI", "mnli", "en"), "seeds"] == 2
    assert found.loc[("Tatoeba", "none", "qaa"), "value"] == 10.0 * TINY.layer
    assert "ccg" not in found.index.get_level_values("recipe")


def test_per_language_gains_are_over_the_seeds_that_both_have():
    three = scores()
    more = three[(three["seed"] == 1) & (three["recipe"] == "none")].assign(seed=3, value=0.0)
    found = tables.per_language(pd.concat([three, more]), TINY, COLS)
    found = found.set_index(["column", "recipe", "lang"]).loc["XNLI"]
    assert found.loc[("none", "en"), "value"] == 40.0 and found.loc[("none", "en"), "gain"] == 0
    assert found.loc[("mnli", "en"), "gain"] == 1.5  # not 21.5
    alone = three[three["recipe"] == "mnli"]
    assert tables.per_language(alone, TINY, COLS)["gain"].isna().all()


def test_exact_match_and_f1_become_one_figure():
    frame = pd.DataFrame({
        "lang": ["en", "en", "qaa", "qaa"], "metric": ["exact_match", "f1"] * 2,
        "value": [40.0, 60.0, 10.0, 30.0],
    })  # fmt: skip
    assert tables.by_language(frame).to_dict() == {"en": 50.0, "qaa": 20.0}
    guess = frame.assign(metric="guess_" + frame["metric"], value=9.0)
    both = pd.concat([frame, guess])
    assert tables.by_language(both, "guess_").to_dict() == {"en": 9.0, "qaa": 9.0}
    assert tables.by_language(both).to_dict() == {"en": 50.0, "qaa": 20.0}
    assert tables.by_language(frame, "guess_").empty
    assert tables.metric(TASKS["xquad"]) == "(EM + F1) / 2"
    assert tables.metric(TASKS["xnli"]) == "accuracy"


def test_languages_come_nearest_first():
    assert tables.nearest_first(["sw", "qaj", "en", "qaa"]) == ["en", "qaa", "qaj", "sw"]
    assert tables.nearest_first(["sw", "de"]) == ["de", "sw"]


def test_only_tables_of_the_world_are_stamped():
    assert tables.stamp([TINY]) == tables.STAMP
    assert tables.stamp([setting("mbert")]) == ""
