import pytest

from rmkit.active.budget import Budget, budget_of
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


def test_the_papers_sizes_are_those_of_the_paper_where_there_are_prompts_enough():
    budget, told = budget_of(
        sizes="published", has_prompts=500, n_start=1, n_rounds=3, n_batch=250, n_prompts=7, n_candidates=9000
    )
    assert budget == Budget(n_start=250, n_rounds=3, n_batch=250, n_prompts=500, n_candidates=9000)
    assert told is None


def test_the_papers_sizes_shrink_together_where_a_world_has_fewer_prompts_and_that_is_said():
    budget, told = Budget.published(n_rounds=3, n_batch=125, n_candidates=9000, has_prompts=300)
    assert budget == Budget(n_start=75, n_rounds=3, n_batch=75, n_prompts=300, n_candidates=5400)
    assert told.startswith("the paper draws 500 prompts a round")
    assert "300" in told
    assert "75 for 125" in told
    with pytest.raises(DataError, match=r"^n_batch: 100 with sizes published; the paper's are 125, 250, 500, 1000$"):
        Budget.published(n_rounds=3, n_batch=100, n_candidates=9000, has_prompts=300)
