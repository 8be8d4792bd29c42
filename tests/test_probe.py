"""The probe goes through the real loop, with the user's encoder or one of the published size."""

import pytest
from tiny import encoder

from xstilts import costs, probe
from xstilts.grid import plan
from xstilts.paths import MissingData
from xstilts.settings import Setting

SMALL = costs.Shape(2, 64, 96, 300, 130, 2)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(probe, "FLOPS", (2e8, 2e8))


def plausible(speed) -> bool:
    return speed.update >= 0 and min(speed.learning, speed.reading) > 1e6


def test_an_encoder_of_ones_own_at_the_lengths_of_the_grid(quick, tmp_path, capsys):
    own = encoder()
    own.save(tmp_path / "mine")
    pieces = len(own.tokenizer("ana sees", "ben .")["input_ids"])
    (tmp_path / "train.csv").write_text("text_a,text_b,label\n" + "ana sees,ben .,no\n" * 5)
    own = {"name": "mine", "encoder": str(tmp_path / "mine"), "data": "hub",
           "budget": {"target": {"batch": 4, "max_len": 32}}}  # fmt: skip
    task = {"name": "short", "title": "Short", "form": "classify", "labels": ["no", "yes"],
            "files": {split: str(tmp_path / "train.csv") for split in ("train", "dev", "test")},
            "langs": {"own": ["en"]}, "train": {"own": "short"}}  # fmt: skip
    runs = plan({"settings": [own], "seeds": [1], "recipes": ["none"], "tasks": [task],
                 "targets": [{"name": "short", "tasks": ["short"]}]})  # fmt: skip
    speed = probe.measure(runs[0].setting, runs)
    assert plausible(speed) and speed.lengths == {"short": pieces}
    assert f"4 x {pieces} subwords an update" in capsys.readouterr().out


def test_one_that_is_not_here_is_stood_in_for(quick, monkeypatch, capsys):
    monkeypatch.setitem(costs.PUBLISHED, "some/bert", SMALL)
    speed = probe.measure(Setting("far", "some/bert"), ())
    assert plausible(speed) and speed.lengths == {}
    assert "'some/bert' is not here; an untrained encoder of its size" in capsys.readouterr().out


def test_one_of_unknown_size_is_not_measured():
    with pytest.raises(MissingData, match="'some/other' is not here"):
        probe.measure(Setting("far", "some/other"), ())


def test_two_measurements_give_a_speed():
    assert probe.solved((10.0, 3.0), (40.0, 6.0)) == (2.0, 10.0)
    assert probe.solved((10.0, 7.0), (40.0, 6.0)) == (0.0, 40 / 6)  # noise: no update is free
    assert probe.solved((10.0, 0.1), (40.0, 6.0)) == (0.0, 40 / 6)
