"""Every notebook: its manners, its parameters, and a Check that a corrupted input must fail.

The second half runs the notebooks' own cells in this process on hand-made results, whole and
then spoilt; that they run for real, kernel and all, is `test_dag`'s business.
"""

import ast
import json
import re
from types import SimpleNamespace

import made
import pandas as pd
import pytest

from xstilts.data import load
from xstilts.grid import alone, plan
from xstilts.gridfile import read
from xstilts.languages import languages
from xstilts.paths import GRIDS, NOTEBOOKS, UserError
from xstilts.scores import COLUMNS, EXAMPLE_COLUMNS, SWEEP
from xstilts.submission import write_answers
from xstilts.tasks import TASKS

BOOKS = {path.stem: json.loads(path.read_text("utf-8")) for path in NOTEBOOKS.glob("*.ipynb")}
ORDER = ("setting", "recipe", "target", "seed", "grid", "measure", "sentences", "base")
every = pytest.mark.parametrize("name", sorted(BOOKS))


def code(name):
    return [cell for cell in BOOKS[name]["cells"] if cell["cell_type"] == "code"]


def source(cell):
    return "".join(cell["source"])


def prose(name):
    return "\n".join(source(c) for c in BOOKS[name]["cells"] if c["cell_type"] == "markdown")


def parameters(name):
    """{name: (type, default)} of a notebook's parameters cell."""
    (cell,) = [c for c in code(name) if "parameters" in c["metadata"].get("tags", ())]
    lines = ast.parse(source(cell)).body
    assert all(isinstance(line, ast.AnnAssign) for line in lines)
    return {line.target.id: (line.annotation.id, ast.literal_eval(line.value)) for line in lines}


# Manners


@every
def test_one_cell_of_parameters_in_the_usual_order(name):
    first = code(name)[0]
    assert "parameters" in first["metadata"]["tags"]
    found = parameters(name)
    assert list(found) == sorted(found, key=ORDER.index)
    for kind, default in found.values():
        assert type(default).__name__ == kind
    for line in source(first).splitlines():
        assert re.search(r"  # \S", line), f"{line}: does not say what it means"


@every
def test_first_it_opens_its_run_with_all_its_parameters(name):
    lines = source(code(name)[1]).strip().splitlines()
    assert lines[0] == "from xstilts.runs import open_run"
    given = ", ".join(f"{p}={p}" for p in parameters(name))
    assert f'run = open_run("{name}", {given})' in lines


@pytest.mark.parametrize("grid", sorted(path.stem for path in GRIDS.glob("*.yaml")))
def test_every_planned_parameter_is_declared(grid):
    for run in plan(grid):
        declared = parameters(run.notebook)
        assert set(run.params) <= set(declared)
        for key, value in run.params.items():
            assert type(value).__name__ == declared[key][0]


@pytest.mark.parametrize("grid", ["demo", "slice", "arms"])
def test_every_planned_run_is_opened_as_itself(grid):
    read_grid, opened = read(grid), {}
    for run in plan(grid):
        kind = (run.notebook, tuple(run.params))
        if run.leaves == "report" or kind in opened:
            continue
        defaults = {name: default for name, (_, default) in parameters(run.notebook).items()}
        opened[kind] = alone(run.notebook, defaults | run.params, read_grid)[-1].id
        assert opened[kind] == run.id


@every
def test_it_tells_what_goes_in_what_comes_out_and_how_long_it_takes(name):
    opening = source(BOOKS[name]["cells"][0])
    assert opening.startswith(f"# {name[:2]} · ")
    assert "?**" in opening
    for words in ("| goes in |", "| comes out |", "| on a laptop |"):
        assert words in opening


@every
def test_sections_end_with_check_and_save(name):
    heads = re.findall(r"^## (.+)$", prose(name), re.M)
    assert heads[-2:] == ["Check", "Save"]
    numbered = [int(head.split(".")[0]) for head in heads[:-2]]
    assert numbered == list(range(1, len(numbered) + 1)) and 4 <= len(numbered) <= 8
    last = source(code(name)[-1])
    assert "run.save(" in last and 'surroundings()["versions"]' in last


@every
def test_sizes(name):
    cells = BOOKS[name]["cells"]
    assert 12 <= len(cells) <= 28
    for cell in code(name):
        assert source(cell).count("\n") < 18, source(cell)


@every
def test_no_functions_no_star_imports_no_paths(name):
    for cell in code(name):
        for node in ast.walk(ast.parse(source(cell))):
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)
            if isinstance(node, ast.ImportFrom):
                assert "*" not in [alias.name for alias in node.names]
                assert node.module not in ("pathlib", "os")
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not re.search(r"(^|\s)[/~.]+/|\.(csv|json|ipynb|parquet)$", node.value)


@every
def test_committed_without_outputs(name):
    for cell in code(name):
        assert not cell["outputs"] and cell["execution_count"] is None


# Check


def play(name, **params):
    """Run a notebook's code cells here, up to and with its Check; gives back their names."""
    space = {}
    for cell in code(name):
        if "run.save(" in (text := source(cell)):
            return space
        exec(compile(text, name, "exec"), space)  # noqa: S102
        if "parameters" in cell["metadata"].get("tags", ()):
            space |= params
    raise AssertionError("nothing was saved")


@pytest.fixture(autouse=True)
def quiet(monkeypatch, tmp_path):
    """Nothing is shown, and the committed snapshot is not there."""
    monkeypatch.setattr("IPython.display.display", lambda *_: None)
    monkeypatch.setattr("xstilts.snapshot.SNAPSHOT", tmp_path)


def score(task, lang, value, *, metric, layer=None, **more):
    own = {"task": task.name, "lang": lang, "suite": " ".join(task.langs), "split": "test",
           "metric": metric, "value": value, "n": 10, "layer": layer,
           "selection": "fixed" if layer else SWEEP if layer == 0 else ""}  # fmt: skip
    return {name: "" for name in COLUMNS} | own | more


def collected(grid):
    """Scores when every run of `grid` is done: 50 everywhere, 51 after a task; two layers."""
    found = made.scores(grid, gain=lambda run, _: run.params["recipe"] != "none", noise=0)
    swept = found[found["layer"].notna()].assign(layer=0, selection=SWEEP)
    return pd.concat([found, swept], ignore_index=True)


reports = pytest.mark.parametrize("name", ["20_main_table", "21_per_language", "22_claims"])


@pytest.fixture
def grid(out):
    """A grid file: two recipes, two fine-tuning sets, retrieval."""
    path = out.with_name("two.yaml")
    path.write_text("settings: [tiny-xlmr]\nseeds: [1]\nrecipes: [none, mnli]\n"
                    "targets: [udpos, mnli]\nretrieval: true\n")  # fmt: skip
    return str(path)


@reports
def test_reports_read_a_whole_grid(name, grid, monkeypatch):
    monkeypatch.setattr("xstilts.runs.collect", lambda runs: (collected(grid), None, [], []))
    space = play(name, grid=grid)
    if name == "20_main_table":
        (found,) = space["cells"].values()
        assert set(found["value"]) == {50.0, 51.0} and set(found["gain"]) == {0.0, 1.0}


@reports
def test_reports_show_a_grid_that_has_not_run(name, grid):
    assert len(play(name, grid=grid)["missing"]) == 6


@reports
@pytest.mark.parametrize("spoil", ["too large", "a stranger", "twice"])
def test_reports_refuse_a_spoilt_table(name, spoil, grid, monkeypatch):
    def spoilt(runs):
        scores = collected(grid)
        if spoil == "too large":
            scores.loc[3, "value"] = 150.0
        elif spoil == "a stranger":
            scores.loc[3, "run"] = "mbert.s1/none/zero-mnli"
        else:
            scores = pd.concat([scores, scores.iloc[[3]]], ignore_index=True)
        return scores, None, [], []

    monkeypatch.setattr("xstilts.runs.collect", spoilt)
    with pytest.raises((AssertionError, UserError)):
        play(name, grid=grid)


class Answered:
    """Stands in for `zero_shot` and `retrieve`: every answer is right, then one thing is not."""

    def __init__(self, spoil=None):
        self.spoil = spoil

    def __call__(self, model, task, setting):
        scores, examples, answers = [], [], {}
        layers = range(setting.layer + 2) if not task.train else [None]
        for lang in languages(task, setting.data):
            rows = load(task, "test", lang, data=setting.data).to_list()
            asked = [row for row in rows if row.get("side") != "candidate"]
            text = write_answers(task, [row["id"] for row in asked], right(task, rows))
            answers[task.name, "test", lang] = text
            for metric in made.METRICS[task.metric]:
                scores += [score(task, lang, 100.0, layer=at, metric=metric) for at in layers]
                examples += [
                    (task.name, lang, "test", row["id"], metric, *count(row), 9, False, "")
                    for row in asked
                ]
        scores = pd.DataFrame(scores).astype({"layer": "Int64"})
        examples = pd.DataFrame(examples, columns=EXAMPLE_COLUMNS)
        if self.spoil == "a language is gone":
            scores = scores[scores["lang"] != "qaa"]
        elif self.spoil == "examples do not add up":
            examples.loc[examples.index[examples["hit"] == 1][0], "hit"] = 0.0
        elif self.spoil == "no number":
            scores.loc[0, "value"] = float("nan")
        return SimpleNamespace(scores=scores, examples=examples, answers=answers, missing={})


def count(row):
    """(hit, said, gold) of a right answer; nothing was to be found where there is no gold."""
    return (1.0, 1.0, 1.0) if row.get("gold", True) else (0.0, 0.0, 0.0)


def right(task, rows):
    """The right answers, as `write_answers` wants them."""
    if task.form in ("tag", "choose", "classify"):
        return [row["tags" if task.form == "tag" else "label"] for row in rows]
    if task.form == "span":
        return [row["answers"]["text"][0] for row in rows]
    queries = [row for row in rows if row["side"] == "query"]
    if task.metric != "accuracy":
        return [row["gold"] for row in queries]
    places = [row["id"] for row in rows if row["side"] == "candidate"]
    return [places.index(row["gold"][0]) for row in queries]


SPOILT = ["a language is gone", "examples do not add up", "no number"]
evaluations = pytest.mark.parametrize(
    "name, act",
    [
        ("04_zero_shot", "xstilts.evaluate.zero_shot"),
        ("05_retrieval", "xstilts.retrieval.retrieve"),
    ],
)


@evaluations
@pytest.mark.parametrize("spoil", [None, *SPOILT])
def test_evaluations_refuse_a_spoilt_result(name, act, spoil, out, monkeypatch):
    monkeypatch.setattr(act, Answered(spoil))
    monkeypatch.setattr("xstilts.runs.OpenRun.need", lambda self, kind: None)
    if spoil is None:
        play(name)
    else:
        with pytest.raises((AssertionError, UserError)):
            play(name)


@pytest.mark.parametrize("target", ["mnli", "squad_v1", "copa", "lareqa"])
def test_zero_shot_reads_every_form(target, out, monkeypatch):
    monkeypatch.setattr("xstilts.evaluate.zero_shot", Answered())
    monkeypatch.setattr("xstilts.runs.OpenRun.need", lambda self, kind: None)
    assert play("04_zero_shot", target=target)["both"]["hit"].all()


class Weights:
    """Stands in for an encoder: two tensors, moved by `by`."""

    def __init__(self, by):
        import torch

        self.body = torch.nn.Module()
        self.body.embeddings = torch.nn.Linear(3, 3)
        self.body.layer = torch.nn.ModuleList([torch.nn.Linear(3, 3)])
        for weight in self.body.parameters():
            torch.nn.init.constant_(weight, 1.0 + by)


def fitted(name, **spoilt):
    """Stands in for `fit`'s result on the defaults of 02 and 03."""
    task = {"02_intermediate": "mnli", "03_target": "udpos"}[name]
    curve = [{"step": s, "task": task, "loss": 2.0 - s / 10, "lr": 1e-3,
              "dev": 10.0 * s if s % 2 == 0 else None, "seconds": 1.0, "tokens": 5}
             for s in range(1, 9)]  # fmt: skip
    own = {"path": "after", "curve": curve, "dev": {task: 80.0}, "best": 8,
           "loaded": ["roberta.embeddings.weight"], "fresh": ["heads.a.weight"]}  # fmt: skip
    return SimpleNamespace(**own | spoilt)


@pytest.mark.parametrize("name", ["02_intermediate", "03_target"])
@pytest.mark.parametrize(
    "spoilt",
    [
        {},
        {"curve": [{"step": s, "task": "mnli", "loss": s, "dev": 80.0} for s in range(1, 9)]},
        {"fresh": ["roberta.embeddings.weight", "heads.a.weight"]},
        {"dev": {"qqp": 80.0}},
    ],
    ids=["whole", "diverged", "random encoder", "another task"],
)
def test_trainings_refuse_a_spoilt_model(name, spoilt, out, monkeypatch):
    monkeypatch.setattr("xstilts.train.fit", lambda *_, **__: fitted(name, **spoilt))
    monkeypatch.setattr("xstilts.runs.OpenRun.need", lambda self, kind: "before")
    loaded = lambda where: Weights(0.1 if where == "after" else 0.0)  # noqa: E731
    monkeypatch.setattr("xstilts.encoder.Encoder.load", loaded)
    if not spoilt:
        play(name)
    else:
        with pytest.raises(AssertionError):
            play(name)


def saying(spoil=None):
    """Stands in for `translated`: rows whose words name their language, and one thing wrong."""

    def translated(task, lang, *, data, errors=0, limit=None):
        wrong = 0 if spoil == "no errors" else round(10 * errors)
        rows = []
        for n in range(30 if spoil == "rows are gone" and lang != "en" else 60):
            words = " ".join(f"{lang if i >= wrong else 'wrong'}{i}" for i in range(8))
            row = {"id": f"{n}", "text_a": words, "text_b": f"{lang} {n}", "label": "neutral"}
            if task.form == "span":
                at = {"text": [words[4:7]], "answer_start": [5 if spoil == "moved" else 4]}
                row = {"id": f"{n}", "question": "who ?", "context": words, "answers": at}
            rows.append(row)
        if spoil == "other labels" and lang != "en":
            rows[3]["label"] = "entailment"
        if spoil == "a test row":
            test = load(TASKS["xnli"], "test", "qaa", data="world")[0]
            rows[5] |= {name: test[name] for name in ("text_a", "text_b")}
        return rows

    return translated


@pytest.mark.parametrize(
    ("recipe", "spoil"),
    [("mnli-translated", None), ("squad_v1-translated", None), ("squad_v1-translated", "moved")]
    + [("mnli-translated", spoil) for spoil in ("no errors", "rows are gone", "other labels",
       "a test row", "diverged", "random encoder", *SPOILT[::2])],
)  # fmt: skip
def test_a_translated_arm_refuses_spoilt_rows_and_models(recipe, spoil, out, monkeypatch):
    rising = [{"step": s, "task": "mnli", "loss": s, "dev": 80.0} for s in range(1, 9)]
    bad = {"diverged": {"curve": rising}, "random encoder": {"fresh": ["roberta.a.weight"]}}
    model = fitted("02_intermediate", **bad.get(spoil, {}))
    monkeypatch.setenv("XSTILTS_GRID", "arms")
    monkeypatch.setattr("xstilts.train.fit", lambda *_, **__: model)
    monkeypatch.setattr("xstilts.runs.OpenRun.need", lambda self, kind: "before")
    monkeypatch.setattr("xstilts.evaluate.zero_shot", Answered(spoil if spoil in SPOILT else None))
    monkeypatch.setattr("xstilts.arms.translated", saying(spoil))
    if spoil is None:
        assert set(play("07_translate_train", recipe=recipe)["found"]) == {
            "translated", "English only"}  # fmt: skip
    else:
        with pytest.raises((AssertionError, UserError)):
            play("07_translate_train", recipe=recipe)


def continued(**spoilt):
    """Stands in for `fit`'s result on the defaults of 06: masked language modelling alone."""
    curve = [{"step": s, "task": "mlm", "loss": 5.0 - s / 10, "lr": 1e-3, "dev": None}
             for s in range(1, 9)]  # fmt: skip
    own = {"path": "after", "curve": curve, "dev": {}, "best": None, "updates": 8,
           "hyper": {"updates": 8}, "loaded": ["roberta.a.weight"], "fresh": []}  # fmt: skip
    return SimpleNamespace(**own | spoilt)


def at_its_layer(model, task, setting):
    """Stands in for `retrieve`: the setting's layer alone."""
    found = Answered()(model, task, setting)
    return SimpleNamespace(scores=found.scores[found.scores["layer"] == setting.layer])


RISING = [{"step": s, "task": "mlm", "loss": float(s), "dev": None} for s in range(1, 9)]


@pytest.mark.parametrize(
    ("spoilt", "moved"),
    [({}, 0.1), ({}, 0.0), ({}, float("nan")), ({"curve": RISING}, 0.1), ({"updates": 7}, 0.1),
     ({"fresh": ["roberta.a.weight"]}, 0.1),
     ({"curve": [step | {"task": "mnli"} for step in continued().curve]}, 0.1)],
    ids=["whole", "encoder as it was", "loss no number", "diverged", "updates are missing",
         "random encoder", "no masked words"],
)  # fmt: skip
def test_continued_pretraining_refuses_a_spoilt_model(spoilt, moved, out, monkeypatch):
    texts = {"en": [["One."]], "qaa": [["Ena."]]}
    monkeypatch.setattr("xstilts.text.documents", lambda *_, **__: texts)
    monkeypatch.setattr("xstilts.text.bilingual", lambda _: {"qaa": [("One.", "Ena.")]})
    monkeypatch.setattr("xstilts.train.fit", lambda *_, **__: continued(**spoilt))
    monkeypatch.setattr("xstilts.runs.OpenRun.need", lambda self, kind: "before")
    monkeypatch.setattr("xstilts.encoder.Encoder.load", lambda where: where)
    loss = lambda encoder, texts: 4.0 - (moved if encoder == "after" else 0.0)  # noqa: E731
    monkeypatch.setattr("xstilts.pretrain.held_loss", loss)
    monkeypatch.setattr("xstilts.retrieval.retrieve", at_its_layer)
    if not spoilt and moved == 0.1:
        assert list(play("06_mlm_baseline")["aligned"]) == ["before", "after"]
    else:
        with pytest.raises(AssertionError):
            play("06_mlm_baseline")
