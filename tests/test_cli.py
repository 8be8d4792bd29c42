"""The command line: totals last, one line for what is wrong, exit codes."""

import json

import pandas as pd
import pytest

from xstilts.cli import main
from xstilts.scores import COLUMNS

EXPORT = "export core --setting tiny-xlmr --to x"


def test_plan_counts_phases_and_ends_in_totals(capsys, out):
    assert main(["plan", "core"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "core: 2,193 runs: 2,191 to do"
    assert any(line.split()[:2] == ["evaluations", "1,100"] for line in lines)


def test_plan_tells_what_lies_ahead(capsys, out, monkeypatch, tmp_path):
    monkeypatch.setenv("XSTILTS_CACHE", str(tmp_path / "cache"))
    assert main(["plan", "core"]) == 0
    said = capsys.readouterr().out
    assert "disk: 1.2 GB in the end" in said
    assert "time: unknown for tiny-xlmr, tiny-mbert until measured with --probe" in said
    assert "5 paired seeds: unknown until two seeds are done" in said
    from xstilts import speeds
    from xstilts.settings import setting
    from xstilts.tasks import TASKS

    known = speeds.Speed(0.0, 1e12, 1e12, "by hand", dict.fromkeys(TASKS, 30.0))
    for name in ("tiny-xlmr", "tiny-mbert"):
        speeds.remember(setting(name), known)
    assert main(["plan", "core", "--seeds", "1"]) == 0
    said = capsys.readouterr().out
    assert "for what is left" in said and "(by hand)" in said
    assert "one seed gives no confidence interval" in said


def test_plan_tells_the_least_effect_from_the_noise_there_is(capsys, monkeypatch):
    """Three differences of standard deviation 2; the least effect by simulation, in test_stats."""
    from xstilts import outlook, paired, runs, stats
    from xstilts.grid import plan
    from xstilts.gridfile import read

    grid = read("core")
    every = plan(grid)
    monkeypatch.setattr(runs, "collect", lambda runs: (pd.DataFrame(columns=COLUMNS), 0, 0, 0))
    monkeypatch.setattr(paired, "spread", lambda averages: {"XNLI": 2.0})
    done = {run.id: "" for run in every}
    head, told, other = outlook.contrasts(grid, every, done)
    assert head == ("smallest detectable gain over `none` with 5 paired seeds (points; 80 % power, "
                    "two-sided 5 %):")  # fmt: skip
    assert told == f"tiny-xlmr: XNLI {stats.detectable(2.0, 5):.1f}" == "tiny-xlmr: XNLI 3.4"
    assert other == told.replace("xlmr", "mbert")


def test_plan_lists_every_run_once(capsys, out):
    assert main(["plan", "core", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    ids = [line.split()[0] for line in lines[: lines.index("")]]
    assert len(ids) == len(set(ids)) == 2193


def test_plan_marks_what_has_no_data_and_exits_0(capsys, out):
    assert main(["plan", "slice", "-l"]) == 0
    said = capsys.readouterr().out
    assert "set XSTILTS_TEXT" in said and said.splitlines()[-1].startswith("slice: ")


def test_an_encoder_that_is_not_there_is_missing_data(capsys, out, monkeypatch, tmp_path):
    from xstilts import paths

    monkeypatch.setattr(paths, "ENCODERS", tmp_path)
    assert main(["run", "demo"]) == 3
    assert "no encoder 'tiny-xlmr'" in capsys.readouterr().err
    assert not out.exists()


@pytest.fixture
def sides(tmp_path):
    """PAWS-X predictions and labels in all its languages."""
    for side, lines in (("said", "1\n0\n"), ("gold", "1\n1\n")):
        (tmp_path / side / "pawsx").mkdir(parents=True)
        for lang in ("de", "en", "es", "fr", "ja", "ko", "zh"):
            (tmp_path / side / "pawsx" / f"test-{lang}.tsv").write_text(lines)
    return [str(tmp_path / "said"), str(tmp_path / "gold")]


def test_scores_on_stdout_and_in_a_file(sides, tmp_path, capsys):
    file = tmp_path / "new" / "scores.json"
    (tmp_path / "said" / "xnli").mkdir()
    assert main(["score", *sides, "--json", str(file)]) == 0
    said = capsys.readouterr()
    assert said.out.split()[:4] == ["pawsx", "50.00", "accuracy", "50.00"]
    assert said.err == f"xstilts: {sides[0]}/xnli is not scored: no labels in {sides[1]}\n"
    found = json.loads(file.read_text())
    assert list(found) == ["pawsx"] and found["pawsx"]["avg_metric"] == 50.0
    assert main(["score", *sides, "--suite", "xtreme-r", "--json", str(file)]) == 0
    assert "our own mean over the ten tasks" in capsys.readouterr().out
    assert "our own mean" in json.loads(file.read_text())["note"]


def test_a_score_that_cannot_be_written_is_one_line(sides, tmp_path, capsys):
    assert main(["score", *sides, "--json", f"{tmp_path}/said/pawsx/test-de.tsv/x.json"]) == 2
    said = capsys.readouterr()
    assert "may not write" in said.err and len(said.err.splitlines()) == 1
