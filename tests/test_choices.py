"""The choices that notebooks declare are those that the library has: each list is written once, and copied nowhere else.

A notebook's parameters cell is read by people and by `rmkit check`, which imports nothing; so it lists its choices itself.
"""

import pytest

from rmkit.active.pools_of_rules import ACTIVE_POOLS
from rmkit.active.registry import STRATEGIES
from rmkit.annotation.habits import TIES
from rmkit.annotation.label_budget import PROMPT_ORDERS
from rmkit.annotation.pools import CHOICES, POOLS
from rmkit.annotation.scales import SCALES
from rmkit.lm.templates import TEMPLATES
from rmkit.lm.training import preference_population
from rmkit.lm.training.preference_trainer import PENALTIES
from rmkit.lm.training.sft import RECIPES
from rmkit.measures.registry import AGAINST_GOLD
from rmkit.reward_models.protocol import HasLastLayer
from rmkit.reward_models.registry import REWARD_MODELS, build
from rmkit.stages.graph import STAGES
from rmkit.study.planning.notebook import declared, read_notebook
from rmkit.training_sets.validation_splits import SPLITS
from rmkit.worlds.goodhart.error_shapes import SHAPES
from tests.small_project import REPOSITORY

REGISTRIES = {
    "reward_model": REWARD_MODELS, "reward_models": REWARD_MODELS,
    "strategies": STRATEGIES,
    "choice": CHOICES,
    "pool": POOLS, "pools": ACTIVE_POOLS,
    "validation_split": SPLITS, "splits": SPLITS,
    "scale": SCALES, "ties": TIES, "prompt_order": PROMPT_ORDERS,
    "gold_template": TEMPLATES, "embedding_template": TEMPLATES,
    "recipe": RECIPES, "lm_recipe": preference_population.RECIPES, "regulariser": PENALTIES,
    "measures": AGAINST_GOLD, "error_shapes": SHAPES,
}  # fmt: skip
SOME = {  # where a notebook offers fewer, and why
    ("05_active_labeling", "reward_model"): "strategies look at the last layer of a Bradley-Terry head",
    ("02_sampling", "gold_template"): "a gold model reads prompts too",
}


def choices():
    """(stage, parameter, its choices) of every notebook that declares a parameter of REGISTRIES."""
    for stage in STAGES:
        for name, item in declared(read_notebook(REPOSITORY / f"notebooks/{stage}.ipynb", stage)).items():
            if name in REGISTRIES:
                kind = item.kind.of or item.kind
                yield pytest.param(stage, name, kind.choices, id=f"{stage} {name}")


@pytest.mark.parametrize(("stage", "name", "offered"), list(choices()))
def test_a_notebook_offers_what_there_is(stage, name, offered):
    assert len(set(offered)) == len(offered)
    if (stage, name) in SOME:
        assert set(offered) < set(REGISTRIES[name])
    else:
        assert set(offered) == set(REGISTRIES[name])


def test_every_registry_is_offered_somewhere():
    assert {name for _, name, _ in (case.values for case in choices())} == set(REGISTRIES)


def test_the_head_that_chooses_in_05_has_a_last_layer():
    (offered,) = [case.values[2] for case in choices() if case.values[:2] == ("05_active_labeling", "reward_model")]
    assert all(isinstance(build(name), HasLastLayer) for name in offered)
