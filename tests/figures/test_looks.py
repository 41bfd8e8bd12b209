import matplotlib

matplotlib.use("Agg")

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from rmkit.ablations.validation_split import HEADS
from rmkit.active.registry import STRATEGIES
from rmkit.annotation.pairs import CHOICES, POOLS
from rmkit.evaluation.population import MEASURES
from rmkit.evaluation.rulers import RULERS
from rmkit.figures.looks import ARMS, LOOKS, SPARES, UNFILLED, called, look_of, looks_of, metric_label, policy_label
from rmkit.figures.theme import GREY, INK, READABLE, contrast
from rmkit.measures.registry import AGAINST_GOLD
from rmkit.reward_models.registry import REWARD_MODELS
from rmkit.training_sets.validation_splits import SPLITS
from rmkit.worlds.goodhart.error_shapes import SHAPES

BASELINES = {"gold", "base", *RULERS}
NAMES = {
    "reward_model": {*REWARD_MODELS, *BASELINES},
    "strategy": set(STRATEGIES),
    "choice": set(CHOICES),
    "pool": set(POOLS),
    "measure": set(MEASURES),
    "validation": set(SPLITS),
    "error_shape": set(SHAPES),
}


@pytest.mark.parametrize("kind", NAMES)
def test_whatever_can_be_chosen_has_a_look(kind):
    assert set(LOOKS[kind]) == NAMES[kind]


@pytest.mark.parametrize("kind", LOOKS)
def test_things_of_a_kind_are_told_apart_by_each_of_colour_dash_marker_and_name(kind):
    # strategies are too many: a family has a colour and a dash, and its members their markers
    for part in ("label",) if kind == "strategy" else ("color", "linestyle", "marker", "label"):
        # gold is the truth and no model: its line is solid, as one model's is
        looks = [getattr(look, part) for name, look in LOOKS[kind].items() if (name, part) != ("gold", "linestyle")]
        assert len(set(looks)) == len(looks), part


def test_every_measure_against_gold_has_a_label_of_its_own_even_where_it_has_no_look():
    labels = [look.label for look in looks_of(AGAINST_GOLD, "measure").values()]
    assert len(set(labels)) == len(AGAINST_GOLD)
    assert not set(labels) & set(AGAINST_GOLD)
    assert look_of("mrr", "measure").label == metric_label("mrr") == "MRR"
    assert look_of("mrr").label == "mrr"  # a reward model of that name


@pytest.mark.parametrize("kind", LOOKS)
def test_unlisted_names_are_told_apart_from_each_other_and_from_all_that_is_listed(kind):
    own = [f"my_head_{number}" for number in range(12)]
    looks = looks_of([*LOOKS[kind], *own], kind)
    assert [looks[name].label for name in own] == own
    mine = {(looks[name].color, str(looks[name].linestyle), looks[name].marker) for name in own}
    assert len(mine) == len(own)
    assert not {looks[name].color for name in own} & {INK, GREY, *(look.color for look in LOOKS[kind].values())}
    assert len({looks_of(own[:4], kind)[name].color for name in own[:4]}) == 4


def drawn_together(kind):
    """The looks of all that a figure of a kind may show: what is listed, and a dozen names of one's own."""
    return looks_of([*LOOKS[kind], *(f"my_head_{number}" for number in range(12))], kind)


@pytest.mark.parametrize("kind", LOOKS)
def test_no_two_things_of_a_kind_are_told_apart_by_colour_alone(kind):
    for (one, look), (other, beside) in itertools.combinations(drawn_together(kind).items(), 2):
        assert (str(look.linestyle), look.marker) != (str(beside.linestyle), beside.marker), (one, other)


def test_arms_of_one_head_differ_in_dash_and_of_two_heads_in_marker():
    for (one, look), (other, beside) in itertools.combinations(ARMS.items(), 2):
        same_head = one.split()[0] == other.split()[0]
        assert (look.linestyle != beside.linestyle) if same_head else (look.marker != beside.marker), (one, other)


@pytest.mark.parametrize("kind", LOOKS)
def test_every_name_can_be_read_on_white(kind):
    for name, look in drawn_together(kind).items():
        assert contrast(look.text) >= READABLE, name
        assert look.text == look.color or contrast(look.color) < READABLE, name
    assert min(contrast(look.text) for look in [*SPARES, *ARMS.values()]) >= READABLE


def test_an_unlisted_look_hangs_on_the_names_and_not_on_their_order():
    own = ["mine", "yours", "theirs", "ours"]
    first, *others = (looks_of(names) for names in itertools.permutations(own))
    assert all(other == first for other in others)
    assert looks_of(["mine", "linear_bt"])["mine"] == look_of("mine")


def test_more_unlisted_names_than_spare_looks_still_have_one_each():
    assert len(looks_of(range(2 * len(SPARES)))) == 2 * len(SPARES)


def test_a_look_is_what_matplotlib_plots_with():
    figure, ax = plt.subplots()
    for kind, names in LOOKS.items():
        for look in looks_of([*names, "mine"], kind).values():
            (line,) = ax.plot([0, 1], **look.line)
            assert (line.get_color(), line.get_marker(), line.get_label()) == (look.color, look.marker, look.label)
            dots = ax.scatter([0, 1], [0, 1], **look.dots)
            filled = look.color if look.marker not in UNFILLED else look.text
            assert to_hex(dots.get_facecolors()[0]) == filled.lower()
    plt.close(figure)


def test_a_name_in_a_sentence_is_the_name_of_the_legend_but_for_what_needs_an_article():
    assert [called(name) for name in HEADS] == [look_of(name).label for name in HEADS]
    assert (called("shorter"), called("random")) == ("the shorter answer", "a random reward")
    assert called("random", "strategy") == "random"


@pytest.mark.parametrize(
    ("n", "nats", "shown"),
    [(8, np.nan, "Best-of-8"), (np.nan, 0.5, "KL optimum at 0.5 nats"), (np.nan, 1, "KL optimum at 1 nat")],
)
def test_policies_have_names_that_read(n, nats, shown):
    assert policy_label(n, nats) == shown


@pytest.mark.parametrize(
    ("policy", "nats", "steps", "shown"),
    [
        ("ppo_30", np.nan, 30.0, "PPO, 30 steps"),
        ("rloo_1", np.nan, 1.0, "RLOO, 1 step"),
        ("grpo_at_kl_0.5", 0.5, np.nan, "GRPO at 0.5 nats"),
        ("kl_0.5", 0.5, np.nan, "KL optimum at 0.5 nats"),
    ],
)
def test_trained_policies_go_by_their_optimiser(policy, nats, steps, shown):
    assert policy_label(np.nan, nats, steps, policy) == shown


def test_a_metric_is_called_by_its_n_where_it_has_one():
    assert metric_label("best_of_n", 32.0) == "gold reward of the best of 32"
    assert metric_label("best_of_n", np.nan) == metric_label("best_of_n") == "gold reward of the best of n"
    assert metric_label("spearman", np.nan) == metric_label("spearman")
    assert metric_label("my_measure") == "my measure"


def test_an_arm_has_its_heads_colour_and_its_own_dash_where_it_is_told_as_a_reward_model():
    looks = looks_of(
        ["mlp_bt", *(f"mlp_bt {way}" for way in ("published pair", "published mirrored_row", "sound pair"))]
    )
    assert {look.color for look in looks.values()} == {look_of("mlp_bt").color}
    assert len({look.linestyle for name, look in looks.items() if " " in name}) == 3
    assert looks["mlp_bt sound pair"].label == "BT MLP, sound, split by pair"
    assert len({look.label for look in ARMS.values()}) == len(ARMS)
