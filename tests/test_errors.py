import pytest

from rmkit.errors import DataError, ParamsError, not_one_of, one_of

POOLS = ("within_prompt", "cross_prompt")


def test_a_name_that_is_an_option_comes_back():
    assert one_of("within_prompt", POOLS, "pool") == "within_prompt"


@pytest.mark.parametrize("error", [ParamsError, DataError])
def test_another_one_is_an_error_of_the_callers_that_lists_the_options_and_suggests_the_nearest(error):
    said = "^pool: 'across_prompt' is not one of within_prompt, cross_prompt; did you mean 'cross_prompt'.$"
    with pytest.raises(error, match=said):
        one_of("across_prompt", POOLS, "pool", error)


def test_nothing_is_suggested_where_nothing_is_near():
    assert not_one_of(3, [1, 2]) == "3 is not one of 1, 2"
