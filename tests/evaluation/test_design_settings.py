"""Which settings a study asks for: every design, within the budget and the bank."""

from dataclasses import replace

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.design_settings import DESIGN_NAMES, OWN, WORDINGS, WRITERS, beside, settings_of
from rmkit.evaluation.test_sets.design import draw_test_set
from rmkit.evaluation.test_sets.judged import JudgedResponses
from tests.evaluation.judged_population import ASKED, P, Population

SETTINGS = settings_of(ASKED, Population().of)


def of(letter):
    return [setting for setting in SETTINGS if setting.letter == letter]


def test_every_design_is_there_and_each_setting_once():
    assert {setting.letter for setting in SETTINGS} == set(DESIGN_NAMES)
    assert len({str(setting) for setting in SETTINGS}) == len(SETTINGS)


def test_without_writers_wordings_and_categories_their_designs_are_left_out():
    own = Population().of[OWN]
    bare = type(own)(JudgedResponses(own.judged.gold_pk), own.score_fvpk)
    letters = {setting.letter for setting in settings_of(ASKED, {OWN: bare})}
    assert letters == set("BEFGHI")


@pytest.mark.parametrize("setting", of("G"), ids=str)
def test_a_budget_is_never_overspent(setting):
    test_set = draw_test_set(setting.design, Population().of[OWN].judged, np.random.default_rng(0))
    assert test_set.annotation.unit == setting.values["unit"]
    assert setting.values["budget"] - test_set.annotation.cost(setting.values["n_responses"]) < test_set.cost
    assert test_set.cost <= setting.values["budget"]


def test_a_budget_that_pays_for_more_prompts_than_there_are_is_left_out():
    paid = {(one.values["budget"], one.values["unit"], one.values["n_responses"]) for one in of("G")}
    assert (48, "response", 2) in paid  # of 24 prompts
    assert (72, "response", 2) not in paid  # of 36


def test_the_first_source_is_the_policys_own_and_noise_begins_with_none():
    assert [one.values["source"] for one in of("A")] == ["sft", "base", "mixed"]
    assert {one.responses for one in of("A")} == {WRITERS}
    assert [(one.values["flip"], one.values["temperature"], one.values["votes"]) for one in of("H")] == [
        (0, 0, 1), (0.2, 0, 1), (0.2, 0, 3), (0.4, 0, 1), (0.4, 0, 3), (0, 1, 1), (0, 1, 3),
    ]  # fmt: skip


def test_rank_bins_are_of_each_writer():
    cells = [(one.values["source"], one.values["chosen_bin"], one.values["rejected_bin"]) for one in of("B")]
    assert cells == [(source, *cell) for source in ("sft", "base") for cell in ((0, 0), (1, 0), (1, 1))]
    assert {one.responses for one in of("D")} == {WORDINGS}


def test_a_measure_that_takes_more_responses_than_are_measured_is_no_measure_of_design_i():
    (few,) = [one for one in settings_of(replace(ASKED, n_measured=2), Population().of) if one.letter == "I"]
    (many,) = of("I")
    assert "best_of_four" not in few.measures
    assert set(many.measures) > set(few.measures)


def test_more_responses_than_a_prompt_has_are_refused():
    with pytest.raises(DataError, match="9 responses to a prompt: a design takes 2 to 8, as a prompt has"):
        settings_of(replace(ASKED, n_responses=(2, 9)), Population().of)


def test_writers_of_other_prompts_or_one_writer_are_refused():
    own = Population().of[OWN]
    short = JudgedResponses(own.judged.gold_pk[1:])
    with pytest.raises(DataError, match=f"writers: answer {P - 1} and {P} prompts; they must answer the same"):
        beside({"sft": (own.judged, own.score_fvpk), "base": (short, own.score_fvpk[:, 1:])})
    with pytest.raises(DataError, match="writers: sft; to compare sources takes two"):
        settings_of(ASKED, {OWN: own} | beside({"sft": (own.judged, own.score_fvpk)}))
