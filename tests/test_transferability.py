"""What is known beforehand: a few rows by `fit` itself, likenesses of what is the same, Fisher."""

import pytest
import torch
from tiny import encoder, feed, rows, task

from xstilts import measure, train, transferability
from xstilts.analysis import spaces
from xstilts.encoder import Encoder
from xstilts.paths import MissingData
from xstilts.recipes import Recipe
from xstilts.settings import Setting

SMALL = Setting("small", "tiny-xlmr", "world", layer=1, budget={"target": {"max_len": 64}})
KNOWN = {f"my_{form}": task(form) for form in ("classify", "tag", "pairs")}


def told(task, split, lang):
    if task.name not in KNOWN:
        raise MissingData(f"no {task.name}")
    return rows(task.form, 16, seed=1 + (split == "dev"))


@pytest.fixture
def where(tmp_path, monkeypatch):
    """A small encoder, three fine-tuning sets with rows and one without."""
    feed(monkeypatch, told)
    for module in (transferability, train):
        monkeypatch.setattr(module, "task", lambda name, *_: KNOWN.get(name) or task("choose"))
    monkeypatch.setattr(transferability, "load", lambda *a, limit=None, **k: train.load(*a, **k))
    monkeypatch.setattr(transferability, "SETS", ("my_classify", "my_pairs", "my_choose"))
    single = Recipe("my_classify", ("my_classify",)), Recipe("my_tag", ("my_tag",))
    monkeypatch.setattr(transferability, "SINGLE", (*single, Recipe("gone", ("my_choose",))))
    monkeypatch.setattr(transferability, "MULTI", Recipe("both", ("my_classify", "my_tag")))
    names = ("my_classify", "my_tag", "my_pairs", "my_choose")
    monkeypatch.setitem(transferability.ENGLISH, "likeness", [(name, "train") for name in names])
    for name, count in (("FEW", 16), ("UPDATES", 4), ("BATCH", 4)):
        monkeypatch.setattr(transferability, name, count)
    return encoder().save(tmp_path / "encoder")


def test_a_few_rows_are_what_fit_makes_of_them(where, tmp_path):
    found = measure.measured("few", where, SMALL)
    recipe = Recipe("again", ("my_classify",), examples=16, updates=4, batch=4)
    fitted = train.fit(where, recipe, SMALL, phase="target", seed=1, out=tmp_path / "model")
    assert list(found["task"]) == ["my_classify", "my_pairs"]  # the third has no data
    assert found["value"][0] == fitted.dev["my_classify"] and fitted.updates == 4
    assert not spaces.problems(found)


def test_a_task_is_like_itself_and_tasks_without_data_have_no_rows(where):
    found = measure.measured("likeness", where, SMALL)
    table = found.pivot(index="task", columns="measure", values="value")
    assert set(table.index) == {f"{one}>{other}" for one in ("my_classify", "my_tag", "both")
                                for other in ("my_classify", "my_pairs")}  # fmt: skip
    assert table.loc["my_classify>my_classify"].tolist() == pytest.approx([1, 1])
    assert (table.drop("my_classify>my_classify") < 0.9999).all(axis=None)
    single = table.loc["my_tag>my_classify", "task_likeness"]
    assert single < table.loc["both>my_classify", "task_likeness"] < 1
    assert not spaces.problems(found)
    assert "highest for" in spaces.picture("likeness", found, 1).axes[0].get_title("left")


def test_demands_are_squared_gradients(where, monkeypatch):
    """With all rows at once: those of one loss, by hand."""
    monkeypatch.setattr(transferability, "TOGETHER", 100)
    found = transferability.demands(where, "my_classify", SMALL)
    with transferability._fitted(where, "my_classify", SMALL) as fitted:
        model = transferability.Model.load(fitted.path)
    tokenizer, given = model.encoder.tokenizer, told(KNOWN["my_classify"], "train", "en")
    texts = [[row[side] for row in given] for side in ("text_a", "text_b")]
    batch = tokenizer(*texts, padding=True, return_tensors="pt")
    hidden = model.encoder.body(**batch).last_hidden_state
    wanted = torch.tensor([["no", "yes"].index(row["label"]) for row in given])
    torch.nn.functional.cross_entropy(model.tops["my_classify"](hidden, None), wanted).backward()
    grads = {name: p.grad for name, p in model.encoder.named_parameters() if p.grad is not None}
    assert found and not any("embeddings" in name for name in found)
    for name, units in found.items():
        torch.testing.assert_close(units, grads[name].square().sum(1), rtol=1e-3, atol=1e-10)


def test_the_encoder_itself_stays_as_it_is(where):
    before = Encoder.load(where).state_dict()
    measure.measured("few", where, SMALL)
    after = Encoder.load(where).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
