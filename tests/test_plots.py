"""Pictures say what is in their tables: titles, marks, missing values, reproducible files."""

import pandas as pd
import pytest

from xstilts import plots

CURVE = pd.DataFrame({
    "step": [10, 20, 30], "task": "mnli", "loss": [1.1, 0.8, 0.5], "dev": [None, 60.0, 55.0],
})  # fmt: skip
VALUES = pd.Series({"en": 90.0, "qaa": 70.0, "qab": float("nan"), "qac": 50.0})


def titles(figure):
    return [axis.get_title(loc="left") for axis in figure.axes]


def test_training_names_the_best_score_and_marks_what_was_kept():
    figure = plots.training(CURVE, "accuracy", best=20)
    assert titles(figure) == ["Training loss: from 1.10 to 0.50", "Best English dev score: 60.0"]
    assert [text.get_text() for text in figure.axes[1].texts] == ["kept: update 20"]


def test_training_draws_each_task_of_a_mixture():
    curve = pd.concat([CURVE, CURVE.assign(task="qqp")])
    left = plots.training(curve, "accuracy").axes[0]
    assert len(left.lines) == 3  # two tasks and their mean


def test_training_does_without_dev_data():
    assert titles(plots.training(CURVE.assign(dev=None), "accuracy"))[1] == "No dev data"


def test_languages_leaves_a_missing_language_out_of_mean_and_bars():
    axis = plots.languages(VALUES, "XNLI", "accuracy").axes[0]
    assert titles(axis.figure)[0].endswith("English 90.0, the other 2 languages 60.0 on average")
    assert [text.get_text() for text in axis.texts] == ["90", "70", "–", "50"]
    assert [label.get_text() for label in axis.get_xticklabels()] == list(VALUES.index)


def test_languages_draws_chance_where_it_is_known():
    assert not plots.languages(VALUES, "XNLI", "accuracy").axes[0].collections
    axis = plots.languages(VALUES, "XNLI", "accuracy", {"en": 33.0, "qaa": 34.0}).axes[0]
    heights = [segment[0][1] for ticks in axis.collections for segment in ticks.get_segments()]
    assert heights == [33.0, 34.0]


def test_low_scores_fill_their_axis_and_high_ones_the_whole_scale():
    tops = [plots.languages(VALUES / by, "XNLI", "accuracy").axes[0].get_ylim()[1] for by in (1, 9)]
    assert tops == [105.0, 12.5]
    nothing = pd.Series({"de": float("nan")})
    assert plots.languages(nothing, "XNLI", "accuracy").axes[0].get_ylim()[1] == 105.0


def test_before_and_after_tells_the_gain_without_english():
    after = VALUES + pd.Series({"en": 50.0, "qaa": 2.0, "qab": 1.0, "qac": -1.0})
    distance = dict(zip(VALUES.index, (0, 0.1, 0.2, 0.3), strict=True))
    names = ("none", "mnli")
    figure = plots.before_and_after(VALUES, after, distance, "XNLI", "accuracy", names)
    assert titles(figure) == ["XNLI after mnli: +0.5 on average over 2 languages, better in 1"]


def test_layers_compare_the_fixed_layer_with_the_best():
    rows = [("Tatoeba", "accuracy", kind, lang, layer, 10.0 * layer + i + more)
            for kind, more in (("cosine", 0), ("margin", 50))
            for i, lang in enumerate(("qaa", "qab")) for layer in range(4)]  # fmt: skip
    scores = pd.DataFrame(rows, columns=["task", "metric", "kind", "lang", "layer", "value"])
    figure = plots.layers(scores, 2)
    assert titles(figure) == ["Tatoeba: 20.5 at layer 2, best 30.5 at layer 3"]
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["cosine", "margin"]


@pytest.mark.parametrize("value, text", [(1.26, "+1.3"), (-0.04, "+0.0"), (-2.0, "-2.0")])
def test_gains_are_signed_and_missing_ones_have_no_number(value, text):
    table = pd.DataFrame({"XNLI": [value, None], "POS": [3.0, 4.0]}, index=["mnli", "ccg"])
    texts = [text.get_text() for text in plots.gains(table).axes[0].texts]
    assert texts == [text, "+3.0", "+4.0"]  # row by row, none where nothing is


def test_gains_draw_even_when_nothing_is_there():
    table = pd.DataFrame({"XNLI": [None]}, index=["mnli"], dtype=float)
    assert not plots.gains(table).axes[0].texts


def test_multiples_order_languages_and_tell_the_best_recipe():
    rows = [(column, "F1", recipe, lang, 50.0, 10.0 * (recipe == "mnli" and lang != "en")
             if column != "NER" else float("nan"))
            for column in ("POS", "XNLI", "NER")
            for recipe in ("none", "ccg", "mnli", "qqp", "squad_v1")
            for lang in ("qab", "en", "qaa") if (column, recipe) != ("NER", "none")]  # fmt: skip
    scores = pd.DataFrame(rows, columns=["column", "metric", "recipe", "lang", "value", "gain"])
    figure = plots.multiples(scores, ["en", "qaa", "qab", "qac"])
    shown = [axis for axis in figure.axes if axis.get_visible()]
    best = ": best outside English mnli, +10.0"
    assert [axis.get_title(loc="left") for axis in shown] == [f"POS{best}", f"XNLI{best}", "NER"]
    labels = [label.get_text() for label in shown[0].get_xticklabels()]
    assert labels == ["en", "qaa", "qab"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["none", "ccg", "mnli", "qqp", "others"]


def test_saved_pictures_are_the_same_twice(tmp_path):
    for name in ("one", "two"):
        plots.save(plots.training(CURVE, "accuracy"), tmp_path, name)
    for kind in ("svg", "png"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()


def test_multiples_of_nothing_are_an_empty_figure():
    nothing = pd.DataFrame(columns=["column", "metric", "recipe", "lang", "value", "gain"])
    assert not any(axis.get_visible() for axis in plots.multiples(nothing, []).axes)


def test_pictures_show_themselves_in_any_kernel():
    assert plots.training(CURVE, "accuracy")._repr_png_().startswith(b"\x89PNG")
