"""Choice of task: effects, matrix, null model, rankings by hand; the notebook, whole and spoilt."""

import math

import made
import numpy as np
import pandas as pd
import pytest
from test_notebooks import play

from xstilts import stats
from xstilts.analysis import advice, choice, effects, rulings
from xstilts.gridfile import read
from xstilts.paths import UserError

GRID = made.small()


def figures(rows):
    """A figures table from (recipe, seed, column, value, missing)."""
    names = ["recipe", "seed", "column", "value", "missing"]
    return pd.DataFrame(rows, columns=names).assign(setting="tiny-xlmr")


# Effects


def test_a_gap_is_of_the_seeds_that_have_all_and_over_the_same_languages():
    rows = [("none", s, c, 10.0, "") for s in (1, 2, 3) for c in "ab"]
    rows += [("mnli", 1, "a", 12.0, ""), ("mnli", 1, "b", 14.0, ""), ("mnli", 2, "a", 13.0, ""),
             ("mnli", 2, "b", 19.0, "qaa"), ("mnli", 3, "a", 11.0, ""),
             ("mnli", 3, "b", 10.0, "")]  # fmt: skip
    table = figures(rows)
    assert effects.gap(table, "mnli", "none", ["a", "b"]).to_dict() == {1: 3.0, 3: 0.5}
    assert effects.gap(table, "mnli", "none", ["a"]).to_dict() == {1: 2.0, 2: 3.0, 3: 1.0}
    assert effects.gap(table, ["mnli", "none"], "none", ["a"]).tolist() == [1.0, 1.5, 0.5]
    assert effects.gap(table, "", "none", ["a"]).empty and effects.gap(table, [], "none", "a").empty


def test_an_effect_is_the_paired_test_and_one_seed_has_no_interval():
    one = rulings.effect([1.0, 2.0, 3.0])
    assert one[:3] == stats.t_interval([1.0, 2.0, 3.0]) and one.seeds == 3
    assert one.detectable == pytest.approx(stats.detectable(1.0, 3))
    single = rulings.effect([2.0])
    assert single.estimate == 2.0 and math.isnan(single.low) and math.isnan(single.p)
    assert rulings.effect([]).seeds == 0


def test_figures_are_the_mean_over_the_languages_other_than_english():
    scores = made.scores(GRID, lambda run, task: 3.0 * (run.params["recipe"] == "mnli"))
    scores.loc[(scores["lang"] == "en"), "value"] = 99.0
    table = effects.figures(scores, GRID)
    some = table[(table["column"] == "PAN-X") & (table["seed"] == 1)].set_index("recipe")["value"]
    mine = scores[(scores["task"] == "panx") & (scores["seed"] == 1) & (scores["lang"] != "en")]
    assert some.to_dict() == pytest.approx(mine.groupby("recipe")["value"].mean().to_dict())
    assert set(table["form"]) == {"tag", "span", "pairs"}


def test_a_mean_is_a_column_of_the_runs_that_have_all():
    rows = [("none", 1, "a", 1.0, ""), ("none", 1, "b", 3.0, "x"), ("none", 2, "a", 1.0, "")]
    found = effects.with_mean(figures(rows), ["b", "a"], "both")
    found = found[found["column"] == "both"]
    assert found[["seed", "value", "missing"]].to_numpy().tolist() == [[1, 2.0, " / x"]]


def test_rulings_say_what_intervals_do():
    sure, vague = rulings.effect([2.0, 2.1, 1.9]), rulings.effect([2.0, -1.0, 1.0])
    assert sure.ruling() == "holds"
    assert rulings.effect([-2.0, -2.1, -1.9]).ruling() == "does not hold: the other way"
    assert rulings.side(sure, "left", "right") == "left"
    some = [sure, vague, rulings.effect([3.0]), rulings.Effect()]
    assert rulings.count(some, "left", "right") == "1 left, 2 cannot tell"
    assert rulings.count(some[3:], "left", "right") == "no runs yet"
    assert vague.ruling().startswith(f"cannot tell (would need {vague.detectable:.1f} points or ")
    need = vague.needed(vague.estimate)
    noise = np.std([2.0, -1.0, 1.0], ddof=1)
    assert stats.detectable(noise, need) <= vague.estimate < stats.detectable(noise, need - 1)
    assert "two seeds" in rulings.effect([3.0]).ruling()
    both = rulings.verdicts({"a": [2.0, 2.1, 1.9], "b": [2.0, -1.0, 1.0], "c": []})
    assert both.loc["a", "p"] == pytest.approx(2 * sure.p) and both["p"].isna()["c"]


# Matrix, null model, agreement


def cube(generator, interaction=0.0, r=6, c=5, seeds=5):
    """Gains of one simulated grid: additive, columns of unequal noise, none shared by a column."""
    noise = np.array([0.3, 0.5, 1.0, 2.0, 3.0])[:c]
    task, target = generator.normal(size=(r, 1, 1)), generator.normal(size=(1, c, 1))
    scores = generator.normal(size=(r, c, seeds)) * noise[None, :, None]
    none = generator.normal(size=(1, c, seeds)) * noise[None, :, None]
    return task + target + scores - none + interaction * generator.normal(size=(r, c, 1))


def test_the_null_model_is_refused_as_often_as_it_should_be():
    generator = np.random.default_rng(7)
    p = np.array([choice._variance(cube(generator))[-1] for _ in range(600)])
    assert 0.02 <= (p < 0.05).mean() <= 0.075
    p = np.array([choice._variance(cube(generator, 2.0))[-1] for _ in range(60)])
    assert (p < 0.05).mean() > 0.9


def test_additive_gains_leave_no_rest_and_shares_add_up():
    rows = [(r, s, c, base + more + 0.01 * s, "") for r, base in (("none", 0.0), ("a", 1.0),
            ("b", 3.0)) for c, more in (("x", 0.0), ("y", 5.0)) for s in (1, 2, 3)]  # fmt: skip
    table = figures([(r, s, c, v * (1 + (c == "y") * (r != "none")), m) for r, s, c, v, m in rows])
    plain, mixed = (choice.additive(t, ["a", "b"], ["x", "y"]) for t in (figures(rows), table))
    assert (plain.rows, plain.rest, plain.seeds) == (pytest.approx(1.0), pytest.approx(0.0), 3)
    assert mixed.rows + mixed.targets + mixed.rest == pytest.approx(1.0) and mixed.rest > 0.01
    assert choice.additive(figures(rows), ["a"], ["x", "y"]).seeds == 0


def test_the_matrix_corrects_over_all_its_cells_and_names_what_is_missing():
    scores = made.scores(GRID, lambda run, task: 9.0 * (run.params["recipe"] == "mnli"))
    found = choice.matrix(effects.figures(scores, GRID), ["mnli", "squad_v1", "ccg"], ["PAN-X"])
    found = found.set_index("recipe")
    assert found.loc["ccg", "seeds"] == 0 and math.isnan(found.loc["ccg", "q"])
    assert found.loc["mnli", "q"] == pytest.approx(2 * found.loc["mnli", "p"])
    assert choice.gains(found.reset_index()).index.tolist() == ["mnli", "squad_v1"]


def test_agreement_is_of_ranks_within_each_target():
    one = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [4.0, 3.0, 2.0, 1.0]}, list("abcd"))
    same = choice.agreement(one, 10 * one + [5, -5])
    assert (same.rho, same.p) == (pytest.approx(1.0), pytest.approx(1 / 24))
    assert choice.agreement(one, -one).rho == pytest.approx(-1.0)
    assert choice.agreement(one, one[::-1]).rho == pytest.approx(1.0)  # by name, not by place
    assert math.isnan(choice.agreement(one[:2], one).rho)


# Rankings and advice


def test_regret_by_hand():
    gains = pd.Series({"a": 3.0, "b": 1.0, "c": 2.0})
    rank = pd.Series({"a": 1, "b": 2, "c": 3})
    assert [advice.regret(gains, rank, k) for k in (1, 2, 3)] == [1.0, 1.0, 0.0]
    chance = pd.Series(0.0, gains.index)
    assert advice.regret(gains, chance, 1) == pytest.approx(1.0)
    assert advice.regret(gains, chance, 2) == pytest.approx(1 / 3)  # ab 0, ac 0, bc 1
    tied = pd.Series({"a": 0, "b": 5, "c": 0})
    assert advice.regret(gains, tied, 2) == pytest.approx(0.5)  # b, then a or c
    assert advice.regret(gains, pd.Series({"c": 1.0}), 1) == 1.0  # the unknown come last


def test_rankings_by_what_was_measured_beforehand():
    rows = [
        ("few_rows", "mnli", "panx", 70.0),
        ("few_rows", "mnli", "panx", 80.0),
        ("few_rows", "ccg", "panx", 90.0),
        ("text_likeness", "none", "ccg>panx", 0.2),
        ("text_likeness", "none", "mnli>tydiqa", 0.4),
        ("fertility", "none", "a test", 1.5),
    ]
    names = ["measure", "recipe", "task", "value"]
    table = pd.DataFrame(rows, columns=names).assign(setting="tiny-xlmr")
    found = advice.measured(table, "tiny-xlmr", {"PAN-X": "panx", "Tatoeba": ""})
    assert found["a few rows"].to_dict() == {"PAN-X": {"ccg": 90.0, "mnli": 75.0}}
    assert found["likeness of texts"]["PAN-X"].dropna().to_dict() == {"ccg": 0.2}
    assert found["likeness of tasks"].empty
    assert advice.measured(table, "other", {"PAN-X": "panx"})["a few rows"].empty


def test_the_mean_gain_is_of_targets_with_another_fine_tuning_set():
    gains = pd.DataFrame({"XQuAD": [5.0, 0.0], "MLQA": [4.0, 0.0], "PAN-X": [0.0, 1.0]}, ["q", "n"])
    kin = {"XQuAD": "squad_v1", "MLQA": "squad_v1", "PAN-X": "panx"}
    found = advice.rankings(gains, {}, kin, ks=(1,)).set_index(["ranking", "column"])["regret"]
    assert found["mean gain on other targets"].to_dict() == {"XQuAD": 5.0, "MLQA": 4.0,
                                                             "PAN-X": 1.0}  # fmt: skip
    assert found["random"].to_dict() == {"XQuAD": 2.5, "MLQA": 2.0, "PAN-X": 0.5}


def test_rankings_are_judged_on_the_targets_that_all_of_them_have():
    gains = pd.DataFrame(
        {"PAN-X": [2.0, 0.0], "XNLI": [0.0, 3.0], "Tatoeba": [9.0, 0.0]}, ["a", "b"]
    )
    kin = {"PAN-X": "panx", "XNLI": "mnli", "Tatoeba": ""}
    dev = pd.DataFrame({"PAN-X": [1.0, 0.0], "XNLI": [1.0, 0.0]}, ["a", "b"])  # none of retrieval
    known = {"size": pd.DataFrame(1.0, ["a", "b"], list(gains)), "dev": dev, "few": pd.DataFrame()}
    found = advice.rankings(gains, known, kin, ks=(1,))
    assert set(found["column"]) == {"PAN-X", "XNLI"} and "few" not in set(found["ranking"])
    mean = found.groupby("ranking")["regret"].mean()
    assert mean["dev"] == 1.5 and mean["random"] == mean["size"] == 1.25
    known["few"] = pd.DataFrame({"PAN-X": [1.0], "XNLI": [1.0]}, ["a"])  # b was not measured
    assert "few" not in set(advice.rankings(gains, known, kin, ks=(1,))["ranking"])


def test_the_best_was_chosen_after_the_fact_so_all_pairs_are_corrected_for():
    """Ten equal recipes: seldom is one called worse than the best, at most 1 in 20."""
    dice, wrong = np.random.default_rng(3), 0
    for _ in range(60):
        rows = [(r, s, "x", v, "") for r in ("none", *"abcdefghij")
                for s, v in enumerate(dice.normal(size=5))]  # fmt: skip
        wrong += len(advice.advise(figures(rows), "x", list("abcdefghij")).alike) < 9
    assert wrong <= 6


def test_same_form_and_rows():
    forms = {"PAN-X": "tag", "TyDiQA-GoldP": "span"}
    gains = pd.DataFrame(0.0, ["ccg", "squad_v1"], list(forms))
    assert advice.same_form(GRID, gains, forms).to_numpy().tolist() == [[1, 0], [0, 1]]
    grid = read(SMALL)
    setting = grid.setting("tiny-xlmr")
    assert choice.training_rows(grid, "mnli-few", setting) == 4000
    assert choice.training_rows(grid, "mnli", setting) == 10000
    table = choice.by_size(grid, setting, figures([("none", 1, "a", 1.0, "")]), "mnli-few", ["a"])
    assert table[["recipe", "equal"]].to_numpy().tolist() == [["mnli-few", True], ["mnli", False]]


def test_advice_is_as_sure_as_the_seeds_are():
    def rows(best):
        noise = {1: 0.0, 2: 0.1, 3: -0.1, 4: 0.05, 5: -0.05}
        values = {"none": 0.0, "mnli": best, "qqp": 0.2, "ccg": best - 0.05}
        return figures([(r, s, "x", v + n * (s if r == "ccg" else 1), "")
                        for r, v in values.items() for s, n in noise.items()])  # fmt: skip

    table = rows(3.0)
    table["value"] += np.random.default_rng(1).normal(0, 0.1, len(table))
    found = advice.advise(table, "x", ["none", "mnli", "qqp", "ccg"])
    assert found.helps and found.best in ("mnli", "ccg") and "qqp" not in found.alike
    assert len(found.alike) == 1 and list(found.effects)[-1] == "qqp"
    assert advice.advise(table, "y", ["mnli"]).best == ""
    assert not advice.advise(table[table["seed"] == 1], "x", ["mnli"]).helps


# The notebook

SMALL = {
    "settings": ["tiny-xlmr"], "seeds": [1, 2, 3],
    "recipes": [
        "none",
        {"name": "mnli-few", "tasks": ["mnli"], "examples": 4000, "updates": 500, "batch": 32},
        {"name": "squad-few", "tasks": ["squad_v1"], "examples": 4000, "updates": 500, "batch": 32},
    ],
    "targets": ["panx", "tydiqa"],
    "also": [{"recipes": ["none", "mnli", "squad_v1", "hellaswag"],
              "targets": ["panx", "tydiqa", "mnli"], "retrieval": True}],
    "studies": ["choice_of_task"],
}  # fmt: skip


def gain(run, task):
    return 4.0 * (task.name == "tydiqa" and "squad" in run.params["recipe"])


@pytest.fixture
def path(out):
    """The small grid as a file; `recipes` of its first part may be spoilt by the test."""
    import yaml

    where = out.with_name("few.yaml")
    where.write_text(yaml.safe_dump(SMALL))
    return where


def played(path, monkeypatch, spoil=None, **more):
    made.collects(monkeypatch, path, spoil, gain=gain, **more)
    return play("12_choice_of_task", grid=str(path))


def test_the_notebook_finds_what_was_planted(path, monkeypatch):
    space = played(path, monkeypatch, noise=0.2)
    assert space["lines"]["TyDiQA-GoldP"].estimate == pytest.approx(4.0, abs=0.6)
    assert space["primary"].low > 0 and "QA is better" in space["closing"][0]
    assert space["matrices"]["tiny-xlmr", "whole"]["seeds"].min() == 3


def test_the_notebook_reads_real_languages_of_which_one_suite_has_more(path, monkeypatch):
    path.write_text(path.read_text().replace("tiny-xlmr", "xlmr-base"))
    space = played(path, monkeypatch)
    assert space["primary"].seeds == 3


@pytest.mark.parametrize("there", [0, 1])
def test_the_notebook_runs_on_nothing_and_on_one_seed(there, path, monkeypatch):
    space = played(path, monkeypatch, lack=lambda run: run.params["seed"] > there)
    said = "cannot tell" if there else "not tested"
    assert space["primary"].seeds == there and said in space["closing"][0]
    assert len(space["collected"].missing) == (3 - there) * 20 == len(space["planned"]) - there * 20


def too_large(scores):
    return scores.assign(value=scores["value"].where(scores.index != 3, 150.0))


def stranger(scores):
    return scores.assign(run=scores["run"].where(scores.index != 3, "mbert.s1/none/zero-panx"))


def twice(scores):
    return pd.concat([scores, scores.iloc[[3]]], ignore_index=True)


@pytest.mark.parametrize("spoil", [too_large, stranger, twice])
def test_the_notebook_refuses_spoilt_scores(spoil, path, monkeypatch):
    with pytest.raises((AssertionError, UserError)):
        played(path, monkeypatch, spoil)


@pytest.mark.parametrize(
    ("old", "new"), [("updates: 500", "updates: 400"), ("examples: 4000", "examples: 3000"),
                     ("- panx\n- tydiqa", "- panx\n- squad_v1")])  # fmt: skip
def test_the_notebook_refuses_arms_that_are_unequal_or_read_their_target(
    old, new, path, monkeypatch
):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1) if "panx" not in old else text.replace(old, new))
    with pytest.raises(AssertionError):
        played(path, monkeypatch)


def test_the_notebook_refuses_another_figure_than_a_hand_finds(path, monkeypatch):
    real = effects.gap
    monkeypatch.setattr(effects, "gap", lambda *given: real(*given) + 0.1)
    with pytest.raises(AssertionError, match="hand"):
        played(path, monkeypatch)
