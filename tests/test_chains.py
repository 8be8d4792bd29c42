"""Chains: who is compared with whom, suites taken apart by hand; the notebook, whole and spoilt."""

import made
import pandas as pd
import pytest
from test_choice import stranger, twice
from test_notebooks import play

from xstilts import tables
from xstilts.analysis import chains, effects, rulings
from xstilts.gridfile import read
from xstilts.paths import UserError
from xstilts.scores import MEMBERS, suite_averages
from xstilts.settings import setting

SMALL = {
    "settings": ["tiny-mbert"], "seeds": [1, 2, 3],
    "recipes": [
        {"name": "qa-qa", "tasks": ["squad_v1"], "after": "qa", "updates": 50, "batch": 32},
        {"name": "nli-qa", "tasks": ["squad_v1"], "after": "nli", "updates": 50, "batch": 32},
    ],
    "targets": ["panx", "copa"],
    "also": [
        {"recipes": [
            "none",
            {"name": "nli", "tasks": ["mnli"], "updates": 50, "batch": 32},
            {"name": "qa", "tasks": ["squad_v1"], "updates": 50, "batch": 32},
            {"name": "qa-nli", "tasks": ["mnli"], "after": "qa", "updates": 50, "batch": 32},
            {"name": "long", "tasks": ["squad_v1"], "updates": 100, "batch": 32},
            {"name": "both", "tasks": ["mnli", "squad_v1"], "updates": 100, "batch": 32},
         ], "targets": ["panx", "copa", "mnli"], "retrieval": True},
        {"recipes": ["qa-qa", "nli-qa"], "targets": ["mnli"], "retrieval": True},
    ],
    "studies": ["task_chains"],
}  # fmt: skip
GRID = read(SMALL)
MBERT = setting("tiny-mbert")


def gain(run, task):
    """NLI first is worth three points to PAN-X and five to retrieval."""
    first = run.params["recipe"] == "nli-qa"
    return first * {"panx": 3.0, "bucc2018": 5.0, "tatoeba": 5.0}.get(task.name, 0.0)


def test_roles_go_by_the_records_not_by_names():
    assert chains.roles(GRID) == {
        "chain": "nli-qa", "control": "qa-qa", "first": "nli", "second": "qa", "reverse": "qa-nli",
        "again": "", "both": "both", "long first": "", "long second": "long",
    }  # fmt: skip
    assert chains.updates(GRID, "nli-qa") == 100 and chains.updates(GRID, "none") == 0
    assert chains.updates(GRID, "mnli") is None


# XTREME and XTREME-R

CELLS = {("a", "en"): 10.0, ("a", "de"): 20.0, ("a", "qu"): 60.0, ("b", "en"): 40.0,
         ("c", "en"): 0.0}  # fmt: skip
OLD = {"a": ("en", "de"), "b": ("en",)}
NEW = {"a": ("en", "de", "qu"), "c": ("en",)}


def test_a_suite_is_taken_apart_by_hand():
    """Shared: (10 + 20) / 2. With qu: 30. Old average: (15 + 40) / 2, new: (30 + 0) / 2."""
    old, new = chains.shift_share(CELLS, OLD, NEW), chains.shift_share(CELLS, NEW, OLD)
    assert list(old.values()) == [15.0, 0.0, 12.5, 27.5]
    assert list(new.values()) == [15.0, 15.0, -15.0, 15.0]
    assert list(chains.shift_share(CELLS, OLD, OLD).values()) == [15 / 2 + 20, 0.0, 0.0, 27.5]


@pytest.mark.parametrize("other", [{"c": ("en",)}, {"a": ("qu",), "b": ("en",)}])
def test_suites_without_shared_cells_are_not_compared(other):
    with pytest.raises(ValueError, match="share no cells"):
        chains.shift_share(CELLS, {"a": ("en", "de")}, other)


def found(grid, **more):
    scores = made.scores(grid, gain, **more)
    columns = tables.columns(grid)
    return scores, columns, effects.gained(scores, MBERT, columns, "nli-qa", "qa-qa")


def test_the_average_is_the_suites_own():
    """Every task of both suites: `all_task` of the scorer, after less before."""
    every = read(SMALL | {"also": [{"recipes": ["qa-qa", "nli-qa"], "retrieval": True, "targets":
                 ["mnli", "pawsx", "udpos", "squad_v1", "tydiqa", "lareqa", "mewslix"]},
                 *SMALL["also"]]})  # fmt: skip
    scores, columns, won = found(every)
    shares, gulf, lacking = chains.compared(won, columns, "world")
    assert not lacking
    averages = tables.averages(scores, MBERT, columns)
    for suite, members in MEMBERS.items():
        own = {}
        for recipe in ("nli-qa", "qa-qa"):
            mine = averages[averages["recipe"] == recipe].groupby("task")["value"].mean()
            own[recipe] = suite_averages(mine.reindex(members).to_dict(), suite)["all_task"]
        assert shares[suite]["average"].estimate == pytest.approx(own["nli-qa"] - own["qa-qa"])
        assert shares[suite]["languages only there"].estimate == pytest.approx(0.0)
    assert gulf.estimate == pytest.approx(
        shares["xtreme-r"]["average"].estimate - shares["xtreme"]["average"].estimate
    )


def test_seeds_that_lack_a_task_are_left_out_or_else_the_task_and_named():
    def lack(*seeds):
        return lambda run: run.params["seed"] in seeds and run.params.get("target") == "panx"

    _, columns, won = found(GRID, lack=lack(2))
    shares, _, lacking = chains.compared(won, columns, "world")
    assert lacking == [] and shares["xtreme"]["shared cells"].seeds == 2
    _, columns, won = found(GRID, lack=lack(2, 3))
    shares, _, lacking = chains.compared(won, columns, "world")
    assert lacking == ["PAN-X"] and shares["xtreme"]["shared cells"].seeds == 3
    assert chains.compared(won[:0], columns, "world")[0] == {}


# The notebook


@pytest.fixture
def path(out):
    import yaml

    where = out.with_name("links.yaml")
    where.write_text(yaml.safe_dump(SMALL))
    return where


def played(path, monkeypatch, spoil=None, **more):
    made.collects(monkeypatch, path, spoil, gain=gain, **more)
    return play("15_task_chains", grid=str(path))


def test_the_notebook_finds_what_was_planted(path, monkeypatch):
    space = played(path, monkeypatch, noise=0.2)
    assert space["lines"]["PAN-X"].estimate == pytest.approx(3.0, abs=0.6)
    assert space["paths"]["NLI → QA"][2].estimate == pytest.approx(5.0, abs=0.6)
    assert "NLI for as long" not in space["known"] and "both at once" in space["known"]
    assert set(space["shares"]) == {"xtreme", "xtreme-r"}


def test_the_notebook_reads_real_languages_of_which_one_suite_has_more(path, monkeypatch):
    path.write_text(path.read_text().replace("tiny-mbert", "mbert"))
    space = played(path, monkeypatch)
    assert space["primary"].seeds == 3 and space["shares"]["xtreme-r"]["languages only there"]


@pytest.mark.parametrize("there", [0, 1])
def test_the_notebook_runs_on_nothing_and_on_one_seed(there, path, monkeypatch):
    space = played(path, monkeypatch, lack=lambda run: run.params["seed"] > there)
    said = "cannot tell" if there else "not tested"
    assert space["primary"].seeds == there and said in space["closing"][0]


@pytest.mark.parametrize("spoil", [stranger, twice])
def test_the_notebook_refuses_spoilt_scores(spoil, path, monkeypatch):
    with pytest.raises((AssertionError, UserError)):
        played(path, monkeypatch, spoil)


@pytest.mark.parametrize("spoil", ["another rate", "its own target", "fewer updates"])
def test_the_notebook_refuses_unequal_arms(spoil, path, monkeypatch):
    import yaml

    grid = yaml.safe_load(path.read_text())
    if spoil == "another rate":
        grid["recipes"][0]["lr"] = 0.1
    elif spoil == "its own target":
        grid["targets"] = ["panx", "squad_v1"]
    else:
        grid["also"][0]["recipes"][3]["updates"] = 40
    path.write_text(yaml.safe_dump(grid))
    with pytest.raises(AssertionError):
        played(path, monkeypatch)


def test_the_notebook_refuses_another_figure_than_a_hand_finds(path, monkeypatch):
    real = effects.gap
    monkeypatch.setattr(effects, "gap", lambda *given: real(*given) + 0.1)
    with pytest.raises(AssertionError, match="hand"):
        played(path, monkeypatch)


def test_the_notebook_refuses_parts_that_do_not_add_up(path, monkeypatch):
    real = chains.compared

    def wrong(*given):
        shares, gulf, lacking = real(*given)
        shares["xtreme"]["average"] = rulings.effect(pd.Series([9.0, 9.0, 9.1]))
        return shares, gulf, lacking

    monkeypatch.setattr(chains, "compared", wrong)
    with pytest.raises(AssertionError, match="add up"):
        played(path, monkeypatch)
