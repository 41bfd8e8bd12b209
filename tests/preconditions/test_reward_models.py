import pytest

from rmkit.errors import ParamsError
from rmkit.preconditions.reward_models import check_cross_fitting

GOOD = {"annotations": [100, 200], "n_folds": 5, "validation_share": 0.2}
COUNTS = {"pairs": 300, "prompts": 300}


def test_what_can_be_drawn_passes():
    check_cross_fitting(GOOD, COUNTS, "here")
    check_cross_fitting({**GOOD, "annotations": [10**6]}, {}, "here")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"annotations": [100, 400, 800]},
            r"annotations: 400, 800, and there are about 240 pairs outside a fold .*say --set 'annotations=\[100\]'",
        ),
        ({"annotations": [400]}, r".*say --set 'annotations=\[60,120\]'"),
        ({"validation_share": 1.5}, "validation_share: 1.5 is not between 0 and 1"),
        ({"n_folds": 1}, "n_folds: 1; .* at least 2"),
        ({"n_folds": 400}, "n_folds: 400 folds, and there are 300 prompts"),
    ],
)
def test_what_cannot_is_said_with_what_to_type(change, says):
    with pytest.raises(ParamsError, match=f"^here: {says}"):
        check_cross_fitting({**GOOD, **change}, COUNTS, "here")
