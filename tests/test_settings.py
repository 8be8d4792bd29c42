"""Hyper-parameters: the paper's, then the setting's, then the recipe's, each with its source."""

from dataclasses import replace

import pytest

from xstilts.paths import BadInput
from xstilts.recipes import RECIPES, Recipe
from xstilts.settings import SETTINGS, Setting, resolve, setting

LARGE = SETTINGS["xlmr-large"]


@pytest.mark.parametrize(
    ("target", "epochs", "batch", "max_len"),
    [("mnli", 2, 32, 256), ("pawsx", 5, 32, 256), ("udpos", 10, 32, 256), ("panx", 10, 32, 256),
     ("squad_v1", 2, 16, 384), ("tydiqa", 2, 16, 384)],
)  # fmt: skip
def test_targets_follow_the_authors_configuration(target, epochs, batch, max_len):
    hyper = resolve(RECIPES[target], LARGE, "target")
    assert (hyper.lr, hyper.epochs, hyper.batch, hyper.max_len) == (1e-5, epochs, batch, max_len)
    assert (hyper.warmup, hyper.weight_decay, hyper.clip) == (0.1, 0.01, 1.0)
    assert hyper.source["batch"] == "authors' code"


def test_what_is_only_remembered_says_so():
    hyper = resolve(RECIPES["mnli"], LARGE, "intermediate")
    assert hyper.source["epochs"].startswith("recalled")
    assert "recalled" not in resolve(RECIPES["mnli"], LARGE, "target").source["lr"]


@pytest.mark.parametrize(("target", "lr"), [("siqa", 3e-5), ("copa", 3e-5), ("lareqa", 2e-5),
                                            ("mewslix", 1e-5)])  # fmt: skip
def test_what_xtreme_r_adds_follows_xtremes_scripts(target, lr):
    hyper = resolve(RECIPES[target], LARGE, "target")
    assert hyper.lr == lr and hyper.source["lr"] == "XTREME's scripts"


def test_order_of_precedence():
    cut = Setting("s", "e", budget={"target": {"lr": 1e-3, "epochs": 4},
                                    "target/udpos": {"epochs": 7}})  # fmt: skip
    assert resolve(RECIPES["panx"], cut, "target").epochs == 4
    assert resolve(RECIPES["udpos"], cut, "target").epochs == 7
    own = resolve(replace(RECIPES["udpos"], epochs=1), cut, "target")
    assert (own.epochs, own.lr, own.source["epochs"]) == (1, 1e-3, "recipe udpos")


def test_unknown_names_get_the_nearest():
    with pytest.raises(BadInput, match="'tiny-xlmr'"):
        setting("tiny-xlm")
    with pytest.raises(BadInput, match="setting 's', budget 'target': .*'epochs'"):
        resolve(RECIPES["mnli"], Setting("s", "e", budget={"target": {"epoch": 1}}), "target")


def test_retrieval_layers_are_fixed_in_advance():
    assert (LARGE.layer, SETTINGS["mbert"].layer, SETTINGS["xlmr-base"].layer) == (14, 8, 8)


def test_a_variant_takes_the_budget_of_its_task():
    budget = {"intermediate/mnli": {"epochs": 7}, "intermediate/mine": {"lr": 1e-3}}
    cut = Setting("s", "e", budget=budget)
    variant = Recipe("mine", tasks=("mnli",), scramble="words", select="last")
    hyper = resolve(variant, cut, "intermediate")
    assert (hyper.epochs, hyper.lr, hyper.select) == (7, 1e-3, "last")
    whole = replace(RECIPES["multi"], name="multi-mlm", mlm=0.3)
    assert resolve(whole, Setting("s", "e"), "intermediate").max_len == 384


def test_masked_language_modelling_brings_its_own_numbers():
    hyper = resolve(RECIPES["mlm"], LARGE, "intermediate")
    assert (hyper.mlm, hyper.lr, hyper.mlm_batch, hyper.epochs) == (1.0, 5e-6, 8, 2)
    assert hyper.source["lr"].startswith("recalled")
    assert resolve(RECIPES["mlm"], SETTINGS["tiny-xlmr"], "intermediate").lr == 3e-4
