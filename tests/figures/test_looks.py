from rmkit.active.registry import STRATEGIES
from rmkit.figures.looks import LOOK, STRATEGY_LOOK
from rmkit.reward_models.registry import REWARD_MODELS


def test_every_strategy_has_a_look_of_its_own_in_colour_dash_and_marker():
    assert set(STRATEGY_LOOK) == set(STRATEGIES)
    for part in ("color", "linestyle", "marker", "label"):
        assert len({look[part] for look in STRATEGY_LOOK.values()}) == len(STRATEGIES)


def test_reward_models_are_told_apart_by_each_of_colour_dash_and_marker():
    assert set(LOOK) == {*REWARD_MODELS, "gold", "random", "shorter"}
    for part in ("color", "linestyle", "marker", "label"):
        # gold is the truth and no model: its line is solid, as one model's is
        looks = [look[part] for name, look in LOOK.items() if (name, part) != ("gold", "linestyle")]
        assert len(set(looks)) == len(looks), part
