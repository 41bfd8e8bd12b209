import pytest

from rmkit.errors import LISTED, QUOTED, DataError, ParamsError, check_each_once, cut, not_one_of, one_of, quoted

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


NESTED = ["x"]
for _ in range(15):
    NESTED = [NESTED] * 20  # written out it would have 20 ** 15 texts
LARGE = ["x" * 10**7, list(range(10**6)), {"k" * 10**6: 1}, 10**5000, [10**5000], b"x" * 10**6, NESTED, {"a": NESTED}]


@pytest.mark.parametrize("value", LARGE, ids=range(len(LARGE)))
def test_a_large_value_is_quoted_by_its_first_characters_at_once(value):
    assert 10 < len(quoted(value)) <= QUOTED


@pytest.mark.parametrize(
    "value", ["a", "it's", 1, 1.5, None, True, [], (), {}, (1,), [1, ["a", {"b": (1, 2)}]], {1}, 1j]
)
def test_a_small_value_is_quoted_as_python_writes_it(value):
    assert quoted(value) == repr(value)


def test_what_is_cut_ends_with_an_ellipsis():
    assert cut("a" * QUOTED) == "a" * QUOTED
    assert cut("a" * QUOTED + "b") == "a" * (QUOTED - 1) + "…"


def test_a_message_on_names_has_a_bound_however_many_there_are_and_however_long():
    options = [f"{number:04}" + "x" * 1000 for number in range(1000)]
    said = not_one_of("y" * 10**6, options)
    assert len(said) < QUOTED * (LISTED + 3)
    assert f"and {1000 - LISTED} more" in said


def test_a_value_that_is_listed_twice_is_found_among_many():
    with pytest.raises(ParamsError, match=r"^here: 7 is listed twice; give each once$"):
        check_each_once([*range(30_000), 7], "here")
    with pytest.raises(ParamsError, match=r"^here: \[1\] is listed twice"):
        check_each_once([[0], [1], [1]], "here")
