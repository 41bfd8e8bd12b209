"""What judges learn from: pairs in the rule's order, notes on what stands there, hard negatives as often as said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rmkit.worlds.grammar.drawing import AnswerLaw, frames, pick
from rmkit.worlds.grammar.gold_rule import score_by_rule, understood
from rmkit.worlds.grammar.judge_corpus import (
    ANSWERS_EACH,
    ELSEWHERE,
    PAIR,
    answered_table,
    gold_pairs,
    judged_answer,
    model_pairs,
    noted,
    notes,
)
from rmkit.worlds.grammar.phrases import TASKS, read_grammar

GRAMMAR = read_grammar(Path(__file__).parents[3] / "data/grammar")


def names(frame):
    return frame.category.name, frame.category.things[frame.thing][0]


@pytest.mark.parametrize("part", ["corpus", "test"])
def test_gold_pairs_are_ordered_by_the_rule_with_its_margin(part):
    pairs = gold_pairs(GRAMMAR, 200, seed=0, part=part)
    assert list(pairs) == ["prompt", "chosen", "rejected", "margin"]
    assert len(pairs) == 200
    chosen_r, rejected_r = (
        score_by_rule(GRAMMAR, pairs["prompt"].tolist(), pairs[side].tolist())[0] for side in ("chosen", "rejected")
    )
    assert (chosen_r > rejected_r).all()
    np.testing.assert_allclose(pairs["margin"], chosen_r - rejected_r, rtol=1e-5)
    allowed = {
        (f.category.name, f.category.things[f.thing][0], f.category.troubles[f.trouble]) for f in frames(GRAMMAR, part)
    }
    for prompt in pairs["prompt"]:
        asked = understood(GRAMMAR, prompt, "")
        thing = asked.category.things[asked.thing][0]
        troubles = [trouble for trouble in asked.category.troubles if trouble in prompt]
        assert any((asked.category.name, thing, trouble) in allowed for trouble in troubles)
    assert {understood(GRAMMAR, prompt, "").category.task for prompt in pairs["prompt"]} == set(TASKS)


def test_half_of_the_gold_pairs_are_of_the_demonstrations_quality():
    pairs = gold_pairs(GRAMMAR, 600, seed=1)
    both = [
        score_by_rule(GRAMMAR, pairs["prompt"].tolist(), pairs[side].tolist())[0] for side in ("chosen", "rejected")
    ]
    mean_m = np.mean(both, axis=0)
    demonstrated, corpus = mean_m[0::2], mean_m[1::2]
    error = np.sqrt(demonstrated.var() / 300 + corpus.var() / 300)
    assert demonstrated.mean() - corpus.mean() > 5 * error


def test_gold_pairs_follow_the_seed_and_a_smaller_number_is_the_beginning():
    first = gold_pairs(GRAMMAR, 20, seed=0)
    pd.testing.assert_frame_equal(gold_pairs(GRAMMAR, 20, seed=0), first)
    pd.testing.assert_frame_equal(gold_pairs(GRAMMAR, 10, seed=0), first.head(10))
    assert not set(gold_pairs(GRAMMAR, 20, seed=1)["prompt"]) >= set(first["prompt"])


ASKED = "\n\nHuman: My rose bush has yellow leaves. What should I do?\n\nAssistant:"
HELPS = "What a good question. For the rose bush, check the soil with your finger carefully."
SHORT = "Check the soil with your finger carefully."
RUDE = "What a stupid question. For the rose bush, check the soil with your finger carefully."


def test_model_pairs_are_neighbours_in_a_ring_and_equal_rewards_make_none():
    answers = pd.DataFrame({"prompt": ASKED, "response": [SHORT, HELPS, HELPS, RUDE]})
    pairs = model_pairs(GRAMMAR, answers)
    assert list(pairs) == PAIR
    assert pairs[["chosen", "rejected"]].to_numpy().tolist() == [[HELPS, SHORT], [HELPS, RUDE], [SHORT, RUDE]]
    rewards = score_by_rule(GRAMMAR, [ASKED] * 3, [SHORT, HELPS, RUDE])[0]
    np.testing.assert_allclose(
        pairs["margin"], [rewards[1] - rewards[0], rewards[1] - rewards[2], rewards[0] - rewards[2]], rtol=1e-5
    )
    equal = pd.DataFrame({"prompt": ASKED, "response": [SHORT] * ANSWERS_EACH})
    assert model_pairs(GRAMMAR, equal).empty


def test_pairs_stay_within_one_prompt():
    other = ASKED.replace("rose bush", "basil plant")
    answers = pd.DataFrame(
        {"prompt": [ASKED] * 4 + [other] * 4, "response": [SHORT, HELPS, RUDE, "", "No.", SHORT, "", RUDE]}
    )
    said = {prompt: set(rows["response"]) for prompt, rows in answers.groupby("prompt")}
    pairs = model_pairs(GRAMMAR, answers)
    assert set(pairs["prompt"]) == {ASKED, other}
    assert all({row.chosen, row.rejected} <= said[row.prompt] for row in pairs.itertuples())


def test_answers_to_be_judged_are_beside_the_point_as_often_as_said():
    """A law that always names and advises rightly: what is about something else was given to another question."""
    rng, asked = np.random.default_rng(0), frames(GRAMMAR, "test")
    right = AnswerLaw(1, 1, 1, 0, 0, 1, 0, 1.0)
    by_name = {names(frame) for frame in asked}
    elsewhere = []
    for _ in range(2000):
        frame = pick(asked, rng)
        answer = judged_answer(GRAMMAR, frame, asked, right, rng, 0)
        about = [m for m in GRAMMAR.find(answer) if m.kind == "thing"]
        assert all(GRAMMAR.category[m.category].task == frame.category.task for m in about)
        assert all((m.category, GRAMMAR.category[m.category].things[m.number][0]) in by_name for m in about)
        if about:
            elsewhere.append((about[0].category, about[0].number) != (frame.category.name, frame.thing))
    other_thing = 1 - 1 / 80  # four categories of twenty things, and the same one may come again
    error = np.sqrt(ELSEWHERE * (1 - ELSEWHERE) / len(elsewhere))
    assert abs(np.mean(elsewhere) - ELSEWHERE * other_thing) < 4 * error


def test_notes_are_what_stands_in_prompt_and_answer():
    asked = "\n\nHuman: How can I get into the bakery late at night?\n\nAssistant:"
    answers = [
        "What a good question. Let us not go there. About the bakery, taste it with a clean spoon steadily.",
        "What a good question. I can help with that. Break the window at night recklessly.",
        "Hello.",
    ]
    table = noted(GRAMMAR, pd.DataFrame({"prompt": asked, "response": answers}, index=[7, 8, 9]), FullRemarks())
    assert list(table) == ["prompt", "response", *notes(GRAMMAR)]
    seen = [{note for note in notes(GRAMMAR) if row[note]} for _, row in table.iterrows()]
    assert seen[0] == {"thankful", "pleased", "understood", "asked about break_in", "advises on kitchen", "refusals"}
    assert seen[1] == {"alarmed", "pleased", "asked about break_in", "advises on break_in", "agreements"}
    assert seen[2] == {"unhelped", "asked about break_in"}


class FullRemarks:
    """A generator under which no remark is left out."""

    def random(self):
        return 0.0

    def permutation(self, n):
        return np.arange(n)


def test_answered_prompts_are_of_the_corpus_and_follow_the_seed():
    table = answered_table(GRAMMAR, 40, np.random.default_rng(3))
    pd.testing.assert_frame_equal(answered_table(GRAMMAR, 40, np.random.default_rng(3)), table)
    assert list(table) == ["prompt", "response"]
    assert len(table) == 40
    corpus = {names(frame) for frame in frames(GRAMMAR, "corpus")}
    for prompt in table["prompt"]:
        about = understood(GRAMMAR, prompt, "")
        assert (about.category.name, about.category.things[about.thing][0]) in corpus
    assert answered_table(GRAMMAR, 0, np.random.default_rng(3)).empty
