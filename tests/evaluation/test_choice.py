"""Which head is kept: the first in order that the most accurate one is not shown to beat."""

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ResultError
from rmkit.evaluation.choice import CHANCE, EXACT, choose_head, gap, side
from rmkit.evaluation.on_pairs import evaluate_pairs

N_PAIRS = 400


def evaluations_of(accuracies, rulers=None, n_pairs=N_PAIRS):
    """Heads and rulers, each right on so many of the pairs, a prompt each; heads right on the same pairs first."""

    def margins(share):
        return np.where(np.arange(n_pairs) < round(share * n_pairs), 1.0, -1.0)

    heads = {
        name: pd.DataFrame([-margins(0.9), margins(share)], index=pd.Index([50, 100], name="annotations"))
        for name, share in accuracies.items()
    }
    orders = {name: margins(share) for name, share in (rulers or {}).items()}
    return [evaluate_pairs(heads, orders, np.arange(n_pairs))[1]]


@pytest.mark.parametrize(
    ("accuracies", "kept"),
    [
        ({"simple": 0.7, "large": 0.7}, "simple"),
        ({"simple": 0.7, "large": 0.7025}, "simple"),
        ({"simple": 0.7, "large": 0.9}, "large"),
        ({"simple": 0.6, "middle": 0.7975, "large": 0.8}, "middle"),
        ({"simple": 0.8, "large": 0.7}, "simple"),
    ],
)
def test_the_first_that_is_not_shown_to_be_worse_than_the_best_is_kept(accuracies, kept):
    choice = choose_head(evaluations_of(accuracies, {"shorter": 0.5, "longer": 0.55}))
    assert (choice.name, choice.annotations, choice.ruler) == (kept, 100, "longer")
    assert choice.best == max(accuracies, key=accuracies.__getitem__)
    assert (choice.to_best is None) == (choice.name == choice.best)
    assert choice.to_ruler["mean"] == pytest.approx(accuracies[kept] - 0.55)


def test_it_is_said_in_words_and_in_json():
    choice = choose_head(evaluations_of({"linear_bt": 0.7, "mlp_bt": 0.7025}, {"longer": 0.55}))
    kept, ahead = choice.sentences()
    assert kept.startswith("kept: linear_bt, 70.0% of held-out pairs with 100 annotations; the first head that mlp_bt")
    assert "is not shown to beat: +0.2 points (95% interval 0.0 to 0.8)" in kept
    assert ahead.startswith("it is ahead of the best baseline, longer (55.0%): +15.0 points (95% interval ")
    rows = choice.about()["held_out_accuracy"]
    assert [(row["reward_model"], row["is_ruler"]) for row in rows] == [
        ("linear_bt", False), ("mlp_bt", False), ("longer", True),
    ]  # fmt: skip


def test_what_is_no_better_than_a_ruler_is_not_called_ahead():
    assert "not shown to beat" in list(choose_head(evaluations_of({"a": 0.552}, {"longer": 0.55})).sentences())[1]
    assert "it is behind" in list(choose_head(evaluations_of({"a": 0.5}, {"longer": 0.65})).sentences())[1]


def test_what_learns_from_labels_is_no_rule_without_them():
    choice = choose_head(evaluations_of({"a": 0.85}, {"longer": 0.55, "nearest_to_chosen": 0.85}))
    assert choice.ruler == "longer"
    assert "nearest_to_chosen" in set(choice.accuracies["reward_model"])
    assert choose_head(evaluations_of({"a": 0.85}, {"nearest_to_chosen": 0.85})).ruler == CHANCE


def test_a_draw_that_is_lucky_is_no_rule_and_no_rule_below_chance_is_a_bar():
    choice = choose_head(evaluations_of({"a": 0.47}, {"random": 0.6, "shorter": 0.4}))
    assert (choice.ruler, choice.ruler_accuracy) == (CHANCE, 0.5)
    assert choice.to_ruler["mean"] == pytest.approx(-0.03)
    assert choice.to_ruler["low"] == pytest.approx(choice.accuracies["low"][0] - 0.5)
    random = choice.accuracies.set_index("reward_model").loc["random"]
    assert (random["mean"], np.isnan(random["low"]), random["reason"]) == (0.5, True, EXACT)


def test_a_head_that_orders_as_the_rule_does_is_told_from_one_that_is_as_accurate():
    assert choose_head(evaluations_of({"a": 0.55}, {"longer": 0.55})).same_as_ruler
    shifted = evaluations_of({"a": 0.55}, {"longer": 0.55})
    value_fp = shifted[0].values["accuracy"]
    value_fp[-1] = value_fp[-1][::-1].copy()  # as accurate, on other pairs
    choice = choose_head(shifted)
    assert choice.to_ruler["mean"] == 0
    assert not choice.same_as_ruler


def test_a_difference_that_is_the_same_on_every_prompt_is_shown():
    row = pd.Series(
        {
            "mean": 1.0,
            "low": np.nan,
            "prompts": 40,
            "reason": "all 40 prompts have the value 1: a bootstrap sees no variation",
        }
    )
    assert side(row) == 1
    assert side(pd.Series({**row, "mean": -1.0})) == -1
    assert side(pd.Series({**row, "mean": -4e-16})) == 0, "what rounding leaves of no difference"
    assert side(pd.Series({**row, "mean": 2e-17, "low": 1e-17, "high": 3e-17})) == 0
    assert side(choose_head(evaluations_of({"a": 1.0})).to_ruler) == 1  # as the real reason is worded
    few = choose_head(evaluations_of({"a": 1.0}, {"longer": 0.0}, n_pairs=10)).to_ruler
    assert side(few) == 0


def test_too_few_prompts_for_an_interval_keep_the_first_and_say_why():
    choice = choose_head(evaluations_of({"simple": 0.6, "large": 0.9}, {"longer": 0.5}, n_pairs=10))
    assert choice.name == "simple"
    assert all("no interval: " in line for line in choice.sentences())
    assert choice.about()["held_out_accuracy"][0]["low"] is None


def test_without_a_head_or_a_ruler():
    (_, ahead) = choose_head(evaluations_of({"simple": 0.6})).sentences()
    assert ahead.startswith("it is ahead of the best baseline, chance (50.0%): +10.0 points")
    with pytest.raises(ResultError, match="hold no head that learned from annotations"):
        choose_head(evaluations_of({}, {"longer": 0.55}))


def test_a_head_that_is_asked_for_is_kept_and_its_distance_from_the_best_is_said():
    evaluations = evaluations_of({"simple": 0.9, "large": 0.7}, {"longer": 0.5})
    choice = choose_head(evaluations, asked="large")
    assert (choice.name, choice.best, choice.asked) == ("large", "simple", True)
    assert choice.to_best["mean"] == pytest.approx(0.2)
    assert choice.to_ruler["mean"] == pytest.approx(0.2)
    assert next(choice.sentences()).endswith(
        "; as was asked; simple, the most accurate, differs by " + gap(choice.to_best)
    )
    assert choose_head(evaluations, asked="simple").to_best is None
    with pytest.raises(ResultError, match="keep_head: 'other' is not one of simple, large"):
        choose_head(evaluations, asked="other")
