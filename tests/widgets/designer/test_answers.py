"""What the designer's page answers: sentences from the table's numbers, and why not where the bank cannot tell."""

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.design_question import Resampling
from rmkit.evaluation.designer import cost_for
from rmkit.evaluation.score_bank import ScoreBank
from rmkit.evaluation.test_sets.annotation import Annotation
from rmkit.widgets.designer import answers
from rmkit.widgets.designer.answers import Asked, affordable_designs, answer

RNG = np.random.default_rng(0)
GOLD_PK = RNG.normal(size=(120, 6))
NOISE_F = np.array([0.3, 0.7, 1.5, 3.0])
SCORE_FPK = GOLD_PK + NOISE_F[:, None, None] * RNG.normal(size=(4, 120, 6))
BANK = ScoreBank(("a", "b", "c", "d"), SCORE_FPK, GOLD_PK)
ASKED = {"budget": 200, "n": 4, "n_models": 4, "measures": ("accuracy",)}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(answers, "RESAMPLING", Resampling(n_draws=2, resamples=30))


def said(bank=BANK, **changed):
    return answer(bank, Asked(**(ASKED | changed)))


def test_sentences_have_the_numbers_of_the_table():
    found = said(half_width=0.03)
    row = found.table.iloc[0]
    needed = cost_for(found.table.iloc[:1], 0.03).iloc[0]
    assert found.sentences[0] == found.advice.sentence
    assert f"is known to ±{row['half_width']:.2g}. To know it to ±0.03" in found.sentences[1]
    assert f"takes {needed['n_prompts']:,.0f} prompts, {needed['cost']:,.0f} comparisons." in found.sentences[1]
    assert f"a difference of {row['detectable']:.2g} between two" in found.sentences[2]
    assert "4 reward models on 120 prompts with 6 responses each; 4 of them are chosen between" in found.told


def test_measures_have_the_names_of_the_figure():
    found = said(measures=("best_of_all",))
    assert "best_of_all" in found.advice.sentence
    assert "best_of_all" not in found.sentences[0]
    assert "by gold of its best" in found.sentences[0]


def test_flips_are_paid_for_and_ratings_have_none():
    flipped = said(flip=0.2)
    assert flipped.sentences[-1] == "Flipped labels cost 2.8 times the pairs for the same interval: 1/(1 − 2 × 0.2)²."
    assert flipped.table["half_width"].median() > said().table["half_width"].median() * 0.99
    rated = said(flip=0.2, unit="response")
    assert len(rated.sentences) == 3
    assert set(rated.table["unit"]) == {"response"}


def test_fewer_candidates_are_a_smaller_choice():
    assert "2 of them are chosen between" in said(n_models=2).told
    assert said(n_models=2).table["correlation"].isna().all()


def test_a_design_is_offered_where_the_budget_pays_for_twenty_prompts_and_the_cheapest_always():
    assert list(affordable_designs(6, Annotation(), 200)) == ["2 responses", "3 responses", "5 responses"]
    assert list(affordable_designs(6, Annotation("response"), 200)) == ["2 responses", "3 responses", "5 responses"]
    assert list(affordable_designs(6, Annotation(), 5)) == ["2 responses"]
    found = said(budget=5)
    assert found.cannot_tell
    assert found.sentences[0].startswith(
        "Cannot tell which design is best for Best-of-4: the budget pays for 5 prompts"
    )
    assert len(found.sentences) == 1


def test_models_that_are_alike_cannot_be_told_apart_and_the_answer_says_so():
    alike = GOLD_PK + np.random.default_rng(1).normal(size=(4, 120, 6))
    assert said(ScoreBank(("a", "b", "c", "d"), alike, GOLD_PK), measures=("accuracy", "best_of_all")).cannot_tell


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"measures": ()}, "measures: choose at least one"),
        ({"n": 7}, "best of 7: a prompt has 6 responses"),
        ({"n": None, "nats": 1.0}, r"of 6 responses to a prompt \S+ count, and a mean takes 10"),
        ({"n": None, "nats": 50.0, "samples": False}, "too alike for the KL optimum at 50 nats"),
        ({"n": None}, "give n of Best-of-n or a mean KL in nats"),
        ({"flip": 0.6}, "from 0 to below 0.5"),
        ({"n_models": 1}, "to choose takes two models"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(changed, sentence):
    with pytest.raises(DataError, match=sentence):
        said(**changed)


def test_equal_questions_have_equal_answers():
    assert said().table.equals(said().table)
    assert not said().table.equals(said(seed=1).table)
