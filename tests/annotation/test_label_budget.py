import pytest

from rmkit.annotation.label_budget import EVERYWHERE, LabelBudget
from rmkit.errors import DataError


def test_a_budget_says_how_many_prompts_pairs_and_labels_it_comes_to():
    budget = LabelBudget(n_annotated_prompts=3, labels_per_pair=2)
    assert (budget.prompts_of(10), EVERYWHERE.prompts_of(10)) == (3, 10)
    assert (budget.pairs_of(7), EVERYWHERE.pairs_of(7)) == (4, 7)
    assert budget.most(10, 5, "random") == 3 * 10 * 2
    assert EVERYWHERE.most(10, 5, "similar") == 10


@pytest.mark.parametrize(
    ("amiss", "message"),
    [
        ({"labels_per_pair": 0}, "labels_per_pair: 0; give at least 1"),
        ({"n_annotated_prompts": 0}, "n_annotated_prompts: 0; give at least 1, or null for all"),
        ({"prompt_order": "sorted"}, "prompt_order: 'sorted' is not one of random, file"),
    ],
)
def test_a_budget_amiss_is_one_line(amiss, message):
    with pytest.raises(DataError, match=f"^{message}$"):
        LabelBudget(**amiss)


def test_room_is_for_as_many_labels_as_pairs_within_prompts_have_and_across_for_any():
    budget = LabelBudget(labels_per_pair=2)
    budget.check(20, 10, 5, "similar", "within_prompt")
    budget.check(10_000, 10, 5, "similar", "cross_prompt")
    said = "^n_labels / labels_per_pair: 11, and 10 prompts offer 1 similar pair each; say at most 10$"
    with pytest.raises(DataError, match=said):
        budget.check(21, 10, 5, "similar", "within_prompt")
