import pytest

from rmkit.active.budget import Budget, check_budget
from rmkit.errors import ParamsError

NUMBERS = {"n_start": 50, "n_rounds": 2, "n_batch": 20, "n_prompts": 10, "n_candidates": 200}
GOOD = {**NUMBERS, "pools": ["cross_prompt"], "beta": 1.0, "prior": 1.0, "ns": [1, 4]}


def test_labels_are_counted_after_the_start_and_after_each_round():
    assert Budget(**NUMBERS).annotations == [50, 70, 90]


@pytest.mark.parametrize("change", [{}, {"n_test_responses": 4}, {"pools": ["within_prompt"], "n_prompts": 1}])
def test_what_can_be_drawn_passes(change):
    check_budget({**GOOD, **change}, {}, "here")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"n_start": 4}, "n_start: 4; each fifth label validates, give at least 5"),
        ({"n_batch": 201}, "n_batch: 201 labels a round, of 200 candidates; give 1 to 200"),
        ({"n_batch": 0}, "n_batch: 0 labels a round"),
        ({"n_prompts": 1}, "n_prompts: 1 prompts for cross_prompt pairs; give at least 2"),
        ({"n_prompts": 0, "pools": ["within_prompt"]}, "n_prompts: 0 prompts for within_prompt pairs; give at least 1"),
        ({"n_prompts": 301, "n_train_prompts": 300}, "n_prompts: 301 prompts for cross_prompt pairs; give 2 to 300"),
        ({"beta": 0.0}, "beta: 0.0; a sharpness is above 0"),
        ({"beta": float("nan")}, "beta: nan; a sharpness"),
        ({"prior": 0.0}, "prior: 0.0; it must be"),
        ({"n_test_responses": 3}, r"ns: \[1, 4\]; give numbers from 1 to 3, the responses to a prompt"),
        ({"ns": []}, r"ns: \[\]; give numbers from 1"),
    ],
)
def test_what_cannot_is_said_before_anything_runs(change, says):
    with pytest.raises(ParamsError, match=f"^here: {says}"):
        check_budget({**GOOD, **change}, {}, "here")
