"""Which head is kept: the first in order that the most accurate one is not shown to beat."""

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import ResultError
from rmkit.evaluation.choice import choose_head, gap
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
    assert choose_head(evaluations_of({"a": 0.85}, {"nearest_to_chosen": 0.85})).ruler is None


def test_too_few_prompts_for_an_interval_keep_the_first_and_say_why():
    choice = choose_head(evaluations_of({"simple": 0.6, "large": 0.9}, {"longer": 0.5}, n_pairs=10))
    assert choice.name == "simple"
    assert all("no interval: " in line for line in choice.sentences())
    assert choice.about()["held_out_accuracy"][0]["low"] is None


def test_without_a_head_or_a_ruler():
    assert len(list(choose_head(evaluations_of({"simple": 0.6})).sentences())) == 1
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
