import pytest

from rmkit.active.budget import Budget
from rmkit.errors import DataError

NUMBERS = {"n_start": 50, "n_rounds": 2, "n_batch": 20, "n_prompts": 10, "n_candidates": 200}


def test_labels_are_counted_after_the_start_and_after_each_round():
    assert Budget(**NUMBERS).annotations == [50, 70, 90]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"n_start": 4}, "n_start: 4; each fifth label validates, give at least 5"),
        ({"n_batch": 201}, "n_batch: 201 labels a round, of 200 candidates; give 1 to 200"),
        ({"n_batch": 0}, "n_batch: 0 labels a round"),
    ],
)
def test_a_budget_amiss_is_one_line(change, says):
    with pytest.raises(DataError, match=f"^{says}"):
        Budget(**NUMBERS | change)
