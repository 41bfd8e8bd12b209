"""Which prompts pass and in what order, on readings small enough to work out by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from rmkit.widgets.responses.reading import GoldReading, HumanReading
from rmkit.widgets.responses.wanted import (
    AS_STORED,
    LEAST_SURE,
    MOST_SURE,
    WORST,
    Wanted,
    in_order,
    listed,
    pattern_of,
    said_of_places,
)

# Three prompts with 3, 2 and 1 responses; the fit's favourites are responses 2, 1 and 1.
GOLD_R = np.array([1.0, 0.5, 3.0, 2.0, 0.0, -1.0])
REWARD_R = np.array([0.1, 0.7, 0.4, 5.0, 1.0, 0.0])
TEXTS = ["Water the soil.", "Cut it.", "Fresh SOIL\nhelps.", "Wait.", "Call.", "soil"]
GOLD = GoldReading(
    pd.DataFrame({"reward_model": ["one"]}),
    ["How is the soil?", "Why?", "And now?"],
    TEXTS,
    np.array([0, 3, 5, 6]),
    GOLD_R,
    lambda fit: REWARD_R,
    "",
)
PEOPLE = HumanReading(
    pd.DataFrame({"reward_model": ["one"]}),
    ["first", "second", "third"],
    ["good", "soil", "fine"],
    ["bad", "no", "soil again"],
    "",
    lambda fit: np.array([0.5, -2.0, 0.0]),
)


def test_what_a_fit_makes_of_each_prompt_where_gold_is_known():
    found = GOLD.by_prompt(0)
    np.testing.assert_allclose(found["gold"], [0.5, 2.0, -1.0])
    np.testing.assert_allclose(found["lost"], [2.5, 0.0, 0.0])
    np.testing.assert_allclose(found["margin"], [0.3, 4.0, 0.0])  # of a single response there is none: 0
    assert list(found["label"]) == ["not gold's best", "gold's best too", "gold's best too"]


def test_what_a_fit_makes_of_each_pair_that_people_judged():
    found = PEOPLE.by_prompt(0)
    assert list(found["label"]) == ["agrees", "contradicts", "undecided"]
    np.testing.assert_allclose(found["lost"], [-0.5, 2.0, 0.0])
    assert "gold" not in found


@pytest.mark.parametrize(
    ("reading", "order", "prompts"),
    [
        (GOLD, AS_STORED, [0, 1, 2]),
        (GOLD, WORST, [0, 1, 2]),
        (GOLD, LEAST_SURE, [2, 0, 1]),
        (GOLD, MOST_SURE, [1, 0, 2]),
        (PEOPLE, WORST, [1, 2, 0]),
        (PEOPLE, LEAST_SURE, [2, 0, 1]),
        (PEOPLE, MOST_SURE, [1, 0, 2]),  # the surest may be wrong
    ],
)
def test_the_order(reading, order, prompts):
    assert list(in_order(reading.by_prompt(0), order)) == prompts


@pytest.mark.parametrize(
    ("reading", "wanted", "prompts"),
    [
        (GOLD, Wanted(), [0, 1, 2]),
        (GOLD, Wanted(label="gold's best too"), [1, 2]),
        (GOLD, Wanted(gold=(0.5, 2.0)), [0, 1]),  # both ends included
        (GOLD, Wanted(margin=(0.0, 1.0)), [0, 2]),
        (GOLD, Wanted(label="gold's best too", gold=(0, 9), margin=(0, 9)), [1]),
        (PEOPLE, Wanted(label="contradicts"), [1]),
        (PEOPLE, Wanted(margin=(-math.inf, 0)), [1, 2]),
        (PEOPLE, Wanted(gold=(5, 6)), [0, 1, 2]),  # what a reading has not is not asked for
    ],
)
def test_the_prompts_that_pass(reading, wanted, prompts):
    assert list(np.flatnonzero(wanted.passing(reading.by_prompt(0)))) == prompts


def test_words_are_found_in_prompts_and_responses_and_said_where():
    found = [GOLD.places(prompt, pattern_of(" Soil ")) for prompt in range(3)]
    assert found == [["prompt", "response 1", "response 3"], [], ["response 1"]]
    assert [said_of_places(places) for places in found] == ["the prompt and responses 1 and 3", "", "response 1"]
    assert GOLD.places(0, pattern_of("soil helps")) == ["response 3"]  # across a line break
    assert GOLD.places(0, pattern_of("water.*")) == []  # signs are signs
    assert [PEOPLE.places(pair, pattern_of("soil")) for pair in range(3)] == [[], ["chosen"], ["rejected"]]
    assert said_of_places(["prompt", "chosen"]) == "the prompt and the chosen response"
    assert pattern_of("  ") is None


def test_a_long_list_is_cut():
    assert listed(["1", "2", "3"]) == "1, 2 and 3"
    assert listed(list("1234567")) == "1, 2, 3, 4, 5, 6 and 7"
    assert listed(list("12345678")) == "1, 2, 3, 4, 5, 6 and 2 more"
