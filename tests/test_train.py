"""`fit`: learns, repeats itself exactly, keeps the best, refuses nonsense."""

import json
from dataclasses import replace

import pytest
import tiny
import torch
from conftest import SHARED
from safetensors import SafetensorError
from safetensors.torch import load_file

from xstilts import train
from xstilts.encoder import Encoder
from xstilts.forms import FORMS, form
from xstilts.loop import share, weight_groups
from xstilts.model import Model, heads_for
from xstilts.paths import BadInput, MissingData, UserError
from xstilts.recipes import Recipe
from xstilts.settings import Setting

HUB = SHARED / "hub"
BUDGET = {"lr": 5e-3, "batch": 8, "updates": 60, "max_len": 64, "evaluate_every": 15,
          "tokens": 400}  # fmt: skip


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    return tiny.encoder(dropout=0.1).save(tmp_path_factory.mktemp("start"))


@pytest.fixture(autouse=True)
def data(monkeypatch):
    """24 training rows of every form in each language, and 8 dev rows, the first in English."""

    def rows(task, split, lang):
        assert lang == "en" or split == "train"
        return tiny.rows(task.form, 24, seed=len(lang) - 2)[: 24 if split == "train" else 8]

    tiny.feed(monkeypatch, rows)


def fit(start, out, *tasks, seed=0, recipe=None, **budget):
    setting = Setting("test", str(start), "world", budget={"target": BUDGET | budget})
    recipe = recipe or Recipe("mine", tasks=tuple(t.name for t in tasks))
    return train.fit(start, recipe, setting, phase="target", seed=seed, out=out, known_tasks=tasks)


@pytest.mark.parametrize("name", FORMS)
def test_learns_a_few_rows_by_heart(name, start, tmp_path):
    torch.manual_seed(99)
    fitted = fit(start, tmp_path / "model", tiny.task(name), updates=200, evaluate_every=50)
    losses = [row["loss"] for row in fitted.curve]
    assert sum(losses[-5:]) < 0.6 * sum(losses[:5])
    assert fitted.dev[f"my_{name}"] >= 90
    assert train.Fitted.load(tmp_path / "model") == fitted
    (row,) = fitted.scores().to_dict("records")
    rows = 4 if name == "pairs" else 8  # of pairs the queries
    assert (row["task"], row["lang"], row["split"], row["n"]) == (f"my_{name}", "en", "dev", rows)
    assert row["value"] == fitted.dev[f"my_{name}"] and row["selection"] == "best English dev"


def test_the_same_seed_gives_the_same_weights(start, tmp_path):
    task, weights = tiny.task("classify"), []
    for seed, name, tokens in ((0, "a", 400), (0, "b", 400), (1, "c", 400)):
        torch.manual_seed(len(weights))  # what was drawn before must not matter
        fit(start, tmp_path / name, task, seed=seed, updates=12, tokens=tokens)
        weights.append(load_file(tmp_path / name / "model.safetensors"))
    a, b, c = weights
    assert all(torch.equal(a[k], b[k]) for k in a)
    assert any(not torch.equal(a[k], c[k]) for k in a)


def test_the_folder_holds_an_encoder_heads_and_a_record(start, tmp_path, capsys):
    out = tmp_path / "deep" / "model"
    fitted = fit(start, out, tiny.task("tag"), updates=6)
    line = f"mine: {len(fitted.loaded)} tensors loaded, fresh: {', '.join(fitted.fresh)}"
    assert line in capsys.readouterr().out
    before, after = Encoder.load(start), Encoder.load(out)
    assert {p.name for p in out.parent.iterdir()} == {"model"}
    assert set(fitted.loaded) == set(before.lm.state_dict())
    assert fitted.fresh == ["heads.my_tag.out.weight", "heads.my_tag.out.bias"]
    key = "roberta.encoder.layer.0.output.dense.weight"
    assert not torch.equal(before.lm.state_dict()[key], after.lm.state_dict()[key])
    model = Model.load(out)
    assert model.facts["selection"] == "best English dev" and model.facts["max_len"] == 64
    record = json.loads((out / "fit.json").read_text())
    assert record["hyper"]["lr"] == 5e-3 and record["seed"] == 0


def test_heads_of_the_start_are_not_taken_over(start, tmp_path):
    first, again = tmp_path / "one", tmp_path / "two"
    fit(start, first, tiny.task("classify"), updates=6)
    fitted = fit(first, again, tiny.task("classify"), updates=6)
    assert all(name.startswith("heads.") for name in fitted.fresh) and len(fitted.fresh) == 4


def test_the_best_evaluation_is_kept_and_the_earliest_of_equals(start, tmp_path, monkeypatch):
    scores = iter([40.0, 70.0, 70.0, 60.0])
    seen = []

    def dev_score(model, *_):
        seen.append({k: v.clone() for k, v in model.named_parameters()})
        return next(scores)

    monkeypatch.setattr("xstilts.loop.dev_score", dev_score)
    fitted = fit(start, tmp_path / "m", tiny.task("tag"))
    assert (fitted.best, fitted.dev, fitted.updates) == (30, {"my_tag": 70.0}, 60)
    kept = dict(Model.load(tmp_path / "m").named_parameters())
    assert all(torch.equal(kept[k], seen[1][k]) for k in kept)
    assert not all(torch.equal(kept[k], seen[3][k]) for k in kept)
    assert [row["dev"] for row in fitted.curve if row["dev"] is not None] == [40, 70, 70, 60]


def test_patience_ends_a_training_that_no_longer_improves(start, tmp_path, monkeypatch):
    monkeypatch.setattr("xstilts.loop.dev_score", lambda *_: 50.0)
    fitted = fit(start, tmp_path / "m", tiny.task("tag"), patience=2)
    assert (fitted.best, fitted.updates) == (15, 45)


def test_without_a_dev_split_the_last_weights_stay(start, tmp_path, monkeypatch):
    def rows(task, split, lang):
        if split == "dev":
            raise MissingData("none")
        return tiny.rows(task.form, 24)

    tiny.feed(monkeypatch, rows)
    fitted = fit(start, tmp_path / "m", tiny.task("tag"), updates=10)
    assert (fitted.best, fitted.dev) == (10, {})
    assert Model.load(tmp_path / "m").facts["selection"] == "last"


def test_several_tasks_share_a_head_where_their_labels_agree(start, tmp_path):
    one, two = tiny.task("classify"), replace(tiny.task("classify"), name="other")
    fitted = fit(start, tmp_path / "m", one, two, tiny.task("span"), updates=30)
    model = Model.load(tmp_path / "m")
    assert [(h.name, h.tasks) for h in model.heads] == [
        ("my_classify", ("my_classify", "other")), ("my_span", ("my_span",))]  # fmt: skip
    assert model.head_of(two).name == "my_classify"
    assert set(fitted.dev) == {"my_classify", "other", "my_span"}
    assert {row["task"] for row in fitted.curve} == set(fitted.dev)
    with pytest.raises(BadInput, match="no head for task 'my_tag'"):
        model.head_of(tiny.task("tag"))


def test_updates_follow_epochs_of_all_tasks(start, tmp_path):
    tasks = tiny.task("tag"), tiny.task("classify")
    fitted = fit(start, tmp_path / "m", *tasks, updates=None, epochs=2)
    assert fitted.updates == 2 * (3 + 3)
    assert fitted.skipped == 0 and fitted.tokens > 0


def test_the_learning_rate_warms_up_and_falls_to_nothing():
    shares = [share(step, total=20, warmup=0.1) for step in range(21)]
    assert shares[:3] == [0.5, 1.0, 1.0] and shares[20] == 0
    assert shares[2:] == sorted(shares[2:], reverse=True)


def test_weight_decay_spares_biases_norms_and_scales():
    model = Model(tiny.encoder(), heads_for([tiny.task("pairs")]), {})
    decayed, spared = weight_groups(model, 0.01)
    names = {id(p): name for name, p in model.named_parameters()}
    assert decayed["weight_decay"] == 0.01 and spared["weight_decay"] == 0
    plain = {names[id(p)] for p in spared["params"]}
    assert plain == {n for n in names.values() if "bias" in n or "LayerNorm" in n
                     or "layer_norm" in n or "scale" in n}  # fmt: skip


def test_a_diverged_loss_is_refused_and_nothing_is_left(start, tmp_path):
    with pytest.raises(UserError, match=r"mine: the loss .* step \d+ of 60, task 'my_tag'"):
        fit(start, tmp_path / "m", tiny.task("tag"), lr=1e30)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_one_clear_line_and_nothing_is_left(start, tmp_path, monkeypatch):
    def save_file(*_):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("xstilts.model.save_file", save_file)
    with pytest.raises(UserError, match="no space left to write"):
        fit(start, tmp_path / "m", tiny.task("tag"), updates=1)
    assert not list(tmp_path.iterdir())


def test_bad_input(start, tmp_path):
    with pytest.raises(BadInput, match="max_len is 500, but the encoder reads at most 128"):
        fit(start, tmp_path / "m", tiny.task("tag"), max_len=500)
    with pytest.raises(BadInput, match="has no tasks"):
        fit(start, tmp_path / "m", recipe=Recipe("none"))
    with pytest.raises(MissingData, match=r"no fit\.json"):
        train.Fitted.load(tmp_path)


def test_rows_without_a_usable_label_are_counted_or_refused(start, tmp_path, monkeypatch):
    rows = tiny.rows("span", 24)
    for row in rows[:20]:
        row["answers"] = {"text": ["nowhere"], "answer_start": [0]}

    tiny.feed(monkeypatch, lambda *_: rows)
    assert fit(start, tmp_path / "m", tiny.task("span"), updates=3).skipped == 20
    rows = rows[:20]
    with pytest.raises(BadInput, match="none of its 20 training rows"):
        fit(start, tmp_path / "n", tiny.task("span"), updates=3)


def test_masked_words_alone_take_as_many_updates_as_the_task(start, tmp_path):
    recipe = Recipe("mlm", tasks=("my_tag",), mlm=1.0, epochs=30)
    fitted = fit(start, tmp_path / "m", tiny.task("tag"), recipe=recipe, updates=None, tokens=900)
    assert fitted.updates == 30 * 3 and fitted.best == 90 and fitted.selection == "last"
    assert {row["task"] for row in fitted.curve} == {"mlm"} and not fitted.dev
    losses = [row["loss"] for row in fitted.curve]
    assert sum(losses[-9:]) < 0.8 * sum(losses[:9])
    assert not fitted.fresh and not Model.load(tmp_path / "m").heads


def test_masked_words_mixed_in_take_their_share(start, tmp_path):
    recipe = Recipe("mixed", tasks=("my_tag",), mlm=0.4, mlm_text=("qab",))
    fitted = fit(start, tmp_path / "m", tiny.task("tag"), recipe=recipe, updates=200, lr=1e-3)
    told = [row["task"] for row in fitted.curve if row["dev"] is None]
    assert 0.3 < told.count("mlm") / len(told) < 0.5
    assert set(fitted.dev) == {"my_tag"} and fitted.hyper["mlm"] == 0.4


def test_moments_aligned_take_their_share_and_come_nearer(start, tmp_path, monkeypatch):
    asked = []

    def told(data, langs, chars, domains=()):
        asked.append((langs, domains))
        return tiny.documents(data, langs, chars)

    monkeypatch.setattr(train, "documents", told)
    recipe = Recipe("aligned", tasks=("my_tag",), mlm=0.5, mlm_text=("qab",), mlm_domains=("home",),
                    align="coral")  # fmt: skip
    fitted = fit(start, tmp_path / "m", tiny.task("tag"), recipe=recipe, updates=120, lr=1e-3)
    assert asked == [(("qab",), ("home",))] and set(fitted.dev) == {"my_tag"}
    losses = [row["loss"] for row in fitted.curve if row["task"] == "align"]
    assert 0.3 < len(losses) / len(fitted.curve) < 0.7
    assert 0 <= sum(losses[-9:]) < 0.8 * sum(losses[:9])
    with pytest.raises(BadInput, match="align takes the share 'mlm'"):
        fit(start, tmp_path / "n", tiny.task("tag"), recipe=Recipe("x", ("my_tag",), align="coral"))


@pytest.mark.parametrize("langs", [("qaa",), ("en", "qaa", "qab"), ("all",)])
def test_translated_rows_take_as_many_updates_as_english_ones(start, tmp_path, langs):
    task = tiny.task("classify", world="mnli")
    recipe = Recipe("mine", tasks=("my_classify",), translate=langs)
    fitted = fit(start, tmp_path / "m", task, recipe=recipe, updates=None, epochs=4)
    assert fitted.updates == 4 * 3 and fitted.hyper["epochs"] == 4
    with pytest.raises(MissingData, match="CLASSIFY translated into de".lower()):
        fit(start, tmp_path / "n", task, recipe=replace(recipe, translate=("de",)))


def test_translate_train_on_the_slice_of_the_hub(start, tmp_path, monkeypatch):
    if not HUB.is_dir():
        pytest.skip(f"no {HUB}")
    monkeypatch.undo()
    monkeypatch.setenv("XSTILTS_HUB", str(HUB))
    recipe = Recipe("mine", tasks=("mnli",), translate=("all",), updates=2)
    budget = {"target": BUDGET | {"examples": 45, "eval_examples": 4, "epochs": 15}}
    setting = Setting("test", str(start), "hub", budget=budget)
    fitted = train.fit(start, recipe, setting, phase="target", seed=0, out=tmp_path / "m")
    assert fitted.updates == 2 and fitted.dev_rows == {"mnli": 4}


def test_dropout_is_on_from_the_first_step(start, tmp_path, monkeypatch):
    modes, models, real = [], [], form("tag").loss

    def loss(out, batch):
        modes.append({module.training for module in models[0].modules()})
        return real(out, batch)

    monkeypatch.setattr("xstilts.forms.tag.loss", loss)
    monkeypatch.setattr(train, "Model", lambda *given: models.append(Model(*given)) or models[0])
    fit(start, tmp_path / "m", tiny.task("tag"), updates=1)
    assert modes[0] == {True}


def test_the_last_checkpoint_may_be_asked_for(start, tmp_path, monkeypatch):
    scores = iter([40.0, 70.0, 60.0, 50.0])
    monkeypatch.setattr("xstilts.loop.dev_score", lambda *_: next(scores))
    recipe = Recipe("mine", tasks=("my_tag",), select="last")
    fitted = fit(start, tmp_path / "m", tiny.task("tag"), recipe=recipe, patience=1)
    assert (fitted.best, fitted.dev, fitted.updates) == (60, {"my_tag": 50.0}, 60)
    assert fitted.selection == "last"


def test_altered_rows_are_what_is_trained_on(start, tmp_path, monkeypatch):
    seen = []
    encode = form("classify").encode
    told = lambda rows, *more: seen.append(rows) or encode(rows, *more)  # noqa: E731
    monkeypatch.setattr("xstilts.forms.classify.encode", told)
    recipe = Recipe("part", tasks=("my_classify",), hide="text_a")
    fit(start, tmp_path / "m", tiny.task("classify"), recipe=recipe, updates=1)
    assert [len(rows) for rows in seen] == [24, 8]
    assert {row["text_a"] for rows in seen for row in rows} == {""}
