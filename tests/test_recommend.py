"""`xstilts recommend`: what it prints, when it cannot tell, exit codes."""

import made
import pytest

from xstilts import recommend, snapshot
from xstilts.analysis.advice import Advice
from xstilts.analysis.rulings import effect
from xstilts.cli import main
from xstilts.paths import BadInput
from xstilts.tables import STAMP

GRID = made.small()


def gain(run, task):
    """SQuAD is worth six points to TyDiQA; nothing else does anything."""
    return 6.0 * (task.name == "tydiqa" and run.params["recipe"] == "squad_v1")


@pytest.fixture
def results(monkeypatch):
    """The runs of GRID as if they were there; call it to say which."""

    def put(**more):
        found = made.collected(GRID, gain=gain, noise=0.3, **more)
        monkeypatch.setattr(snapshot, "collect", lambda runs: found)

    put()
    return put


def lines(target, **more):
    return list(recommend.recommend(target, GRID, **more))


def test_the_best_comes_first_with_its_interval_and_stamp(results):
    said = lines("tydiqa")
    assert said[0].startswith("TyDiQA-GoldP, tiny-xlmr: gain over no intermediate task")
    name, size = said[2].split()[:2]
    assert name == "squad_v1" and float(size) == pytest.approx(6.0, abs=0.8)
    assert said[2].split()[-1] == "5" and said[3].split()[0] == "mnli"
    assert said[4].startswith("Train first on squad_v1: it helps (p = ")
    assert said[4].endswith("is better than all others tried.")
    assert said[5] == STAMP and said[-1] == "read from: made up"


def test_it_says_when_it_cannot_tell(results):
    said = lines("PAN-X")
    assert said[4].startswith(("Cannot tell whether any helps: ", "No intermediate task: "))


def test_one_seed_shows_nothing(results):
    results(lack=lambda run: run.params["seed"] > 1)
    said = lines("tydiqa")
    assert said[4].startswith("Cannot tell: squad_v1 came out best, but one seed")
    assert "provisional" in said[5] and "–" in said[2]


def test_a_fine_tuning_set_means_all_its_tasks_and_titles_count(results):
    assert [line for line in lines("TyDiQA-GoldP") if "gain over" in line]
    both = [line for line in lines("tatoeba", setting="tiny-xlmr") if "gain over" in line]
    assert both and both[0].startswith("Tatoeba")


def test_verdicts_by_hand():
    def advice(estimates, p, **more):
        found = {name: effect([value - 0.1, value, value + 0.1])
                 for name, value in estimates.items()}  # fmt: skip
        return Advice(found, p, next(iter(found)), **more)

    two = advice({"a": 2.0, "b": 1.9}, {"a": 0.001, "b": 0.001}, helps=True, alike=("b",),
                 lead=effect([0.2, -0.1, 0.2]))  # fmt: skip
    said = recommend.verdict(two)
    assert said.startswith("Train first on a: it helps (p = 0.001, Holm-corrected over 2 tasks).")
    assert "Cannot tell it from b, over the next +0.1 points (95 % interval" in said
    assert recommend.verdict(advice({"a": 2.0}, {"a": 0.2})).startswith("Cannot tell whether any")
    assert recommend.verdict(advice({"a": -2.0}, {"a": 0.01})).startswith("No intermediate task")
    single = advice({"a": 2.0, "b": 1.0}, {"a": 0.2, "b": float("nan")})  # b has one seed
    assert "Holm-corrected over 1 task)" in recommend.verdict(single)
    alone = recommend.verdict(advice({"a": 2.0}, {"a": 0.01}, helps=True))
    assert alone.endswith("No other was tried.")
    many = advice({"a": 2.0}, {"a": 0.01}, helps=True, alike=tuple("bcdefgh"))
    assert "b, c, d, e, f and 2 more" in recommend.verdict(many)


def test_unknown_names_are_refused(results):
    with pytest.raises(BadInput, match="did you mean 'tydiqa'"):
        lines("tydqa")
    with pytest.raises(BadInput, match="no setting 'mbert'"):
        lines("tydiqa", setting="mbert")


def test_exit_codes(results, out, capsys):
    assert main(["recommend", "tydiqa"]) == 0
    assert "Train first on squad_v1" in capsys.readouterr().out
    assert main(["recommend", "tydqa"]) == 2
    assert "did you mean 'tydiqa'" in capsys.readouterr().err
    assert main(["recommend", "tydiqa", "--grid", "cor"]) == 2
    results(lack=lambda run: True)
    assert main(["recommend", "tydiqa"]) == 3
    assert "first `xstilts run core`" in capsys.readouterr().err
