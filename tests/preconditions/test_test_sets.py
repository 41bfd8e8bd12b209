"""What 14_test_sets refuses before any job has run."""

import pytest

from rmkit.errors import ParamsError
from rmkit.preconditions.test_sets import check_test_sets

SOUND = {
    "n_test_prompts": 100, "n_test_responses": 32, "measuring_share": 0.5, "gold": "rule",
    "design_measures": ["accuracy"], "n_measured": 5, "writers": ["base", "sft"], "n_bins": 4, "n_wordings": 2,
    "shares": [0.0, 1.0], "n_pairs": [50, 100], "n_responses": [2, 32], "budgets": [100], "label_flips": [0.2],
    "label_temperatures": [0.5], "votes": [1, 3], "ns": [2, 32], "kls": [0.5, 2.0], "n_test_sets": 4, "n_resamples": 200,
    "budget": 100, "designed_for": "best_of_n", "designed_at": 8.0,
}  # fmt: skip


def test_what_a_world_has_is_not_refused():
    check_test_sets(SOUND, {}, "here")
    check_test_sets(SOUND | {"designed_for": "kl", "designed_at": 2.5, "writers": []}, {}, "here")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shares": [0.0, 1.5]}, r"shares\[1\]: 1.5; it must be from 0 to 1"),
        ({"label_flips": [0.5]}, r"label_flips\[0\]: 0.5; it must be above 0 and below 0.5"),
        ({"label_temperatures": [0.0]}, r"label_temperatures\[0\]: 0.0; it must be above 0"),
        ({"votes": [1, 2]}, r"votes\[1\]: 2; it must be odd"),
        ({"budgets": [0]}, r"budgets\[0\]: 0; it must be 1 or more"),
        ({"n_pairs": [50, 50]}, "n_pairs: 50 is listed twice"),
        ({"n_pairs": [24801]}, r"n_pairs\[0\]: 24801, and 50 prompts have 24800 pairs"),
        ({"n_responses": [2, 33]}, r"n_responses\[1\]: 33; it takes 2, and there are 32 responses to a test prompt"),
        ({"n_measured": 1}, "n_measured: 1; it takes 2, and there are 32 responses"),
        ({"n_bins": 17}, "n_bins: 17 bins of 32 responses; a bin needs two of them"),
        ({"n_bins": 1}, "n_bins: 1; give at least 2"),
        ({"n_test_sets": 0}, "n_test_sets: 0; give at least 1"),
        ({"n_resamples": 1}, "n_resamples: 1; give at least 2"),
        ({"writers": ["sft"]}, r"writers: \['sft'\]; say \[base, sft\] to compare them, or \[\]"),
        ({"gold": "model"}, "n_wordings: other words have equal gold by the rule alone; say gold: rule, or 1"),
        ({"measuring_share": 1.0}, "measuring_share: 1.0 of 100 test prompts leaves one side empty"),
        ({"ns": [33]}, r"ns\[0\]: best of 33, and there are 32 responses"),
        ({"kls": [3.5]}, "kls: 3.5 nats; with that many test responses give 0 to 3.47"),
        ({"designed_at": 8.5}, "designed_at: 8.5; for best_of_n give a whole number from 1 to 32"),
        ({"designed_for": "kl", "designed_at": 4.0}, "designed_at: 4.0; for kl give nats above 0 and at most 3.466"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, message):
    with pytest.raises(ParamsError, match=f"^here: {message}"):
        check_test_sets(SOUND | change, {}, "here")
