"""Recipes: the paper's nine intermediate tasks, all of them together, and the fine-tuning sets."""

import pytest

from xstilts.paths import BadInput
from xstilts.recipes import MULTI, RECIPES, SINGLE, Recipe, recipe

NINE = "anli mnli qqp squad_v2 squad_v1 hellaswag ccg cosmosqa csqa"


def test_the_nine_of_the_paper_and_all_together():
    assert [r.name for r in SINGLE] == NINE.split()
    assert set(MULTI.tasks) == {task for single in SINGLE for task in single.tasks}
    assert len(MULTI.tasks) == len(set(MULTI.tasks)) == 12  # ANLI+ brings SNLI and three rounds


def test_anli_plus_is_the_union_of_five_sets():
    assert set(RECIPES["anli"].tasks) == {"snli", "mnli", "anli_r1", "anli_r2", "anli_r3"}


def test_every_parent_exists():
    assert all(r.after in RECIPES for r in RECIPES.values() if r.after)


def test_a_grids_own_recipe_wins_and_a_typo_gets_the_nearest_name():
    own = Recipe("mnli", tasks=("mnli",), epochs=1)
    assert recipe("mnli", [own]) is own
    with pytest.raises(BadInput, match="'hellaswag'"):
        recipe("helaswag")
