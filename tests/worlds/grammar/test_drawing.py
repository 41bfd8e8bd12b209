"""Test prompts share nothing with what is learned from, and answers follow their law."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError
from rmkit.lm.templates import ASSISTANT, HUMAN
from rmkit.worlds.grammar.drawing import (
    CORPUS,
    DEMONSTRATED,
    SHARES,
    AnswerLaw,
    answer_text,
    dealt_in_turn,
    demonstration_table,
    dialogues,
    frames,
    pick,
    prompt_table,
    prompt_text,
    reaction_text,
    with_capitals,
)
from rmkit.worlds.grammar.gold_rule import Asked, terms_of, understood
from rmkit.worlds.grammar.judge_corpus import gold_pairs
from rmkit.worlds.grammar.phrases import TASKS, read_grammar

GRAMMAR = read_grammar(Path(__file__).parents[3] / "data/grammar")
PARTS = ("test", "train", "corpus")
SEEDS = range(4)
PROMPT = re.compile(r"\n\nHuman: .*?\n\nAssistant:", re.DOTALL)


def names(frame):
    return frame.category.name, frame.category.things[frame.thing][0], frame.category.troubles[frame.trouble]


@pytest.fixture(scope="module")
def held_out():
    """Every prompt text of the parts `test` and `train` that can be drawn at all."""
    return {
        prompt_text(frame, request, called)
        for part in ("test", "train")
        for frame in frames(GRAMMAR, part)
        for request in range(len(frame.category.requests))
        for called in (0, 1)
    }


def test_every_frame_is_in_one_part_in_the_shares_that_are_said():
    of_part = {part: [names(frame) for frame in frames(GRAMMAR, part)] for part in PARTS}
    everything = [name for part in PARTS for name in of_part[part]]
    n_frames = sum(len(category.things) * len(category.troubles) for category in GRAMMAR.categories)
    assert len(everything) == len(set(everything)) == n_frames
    for part in PARTS:
        error = np.sqrt(SHARES[part] * (1 - SHARES[part]) / n_frames)
        assert abs(len(of_part[part]) / n_frames - SHARES[part]) < 4 * error
    for task in TASKS:
        assert [frame.category.task for frame in frames(GRAMMAR, "test", task)] == [task] * len(
            frames(GRAMMAR, "test", task)
        )


def test_no_order_and_no_size_of_the_lists_moves_a_frame():
    def turned(category):
        return replace(
            category, things=category.things[::-1][:7], troubles=category.troubles[::-1], requests=category.requests[:2]
        )

    other = replace(GRAMMAR, categories=tuple(turned(category) for category in GRAMMAR.categories[::-1]))
    for part in PARTS:
        assert {names(frame) for frame in frames(other, part)} < {names(frame) for frame in frames(GRAMMAR, part)}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_prompt_to_measure_on_occurs_in_what_is_learned_from(held_out, seed):
    rng = np.random.default_rng(seed)
    texts = list(dialogues(GRAMMAR, 600, rng))
    demonstrations = demonstration_table(GRAMMAR, 200, rng)
    texts += (demonstrations["prompt"] + demonstrations["completion"]).tolist()
    texts += gold_pairs(GRAMMAR, 50, seed=seed)["prompt"].tolist()
    learned = {prompt for text in texts for prompt in PROMPT.findall(text)}
    assert len(learned) > 500
    assert not learned & held_out
    for part in ("test", "train"):
        drawn = prompt_table(GRAMMAR, part, 50, rng)
        assert set(drawn["prompt"]) | set(drawn["paraphrase"]) <= held_out


def test_train_and_test_prompts_share_no_frame():
    train, test = (prompt_table(GRAMMAR, part, 300, np.random.default_rng(0)) for part in ("train", "test"))
    frame = ["category", "thing", "trouble"]
    assert train.merge(test, on=frame).empty


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("n", [1, 30, 403])
def test_a_prompt_table_has_n_unique_prompts_of_each_task_evenly_over_the_categories(part, n):
    prompts = prompt_table(GRAMMAR, part, n, np.random.default_rng(1))
    assert list(prompts) == ["task", "category", "part", "prompt", "paraphrase", "thing", "trouble"]
    assert prompts["task"].value_counts().to_dict() == dict.fromkeys(TASKS, n)
    assert prompts["prompt"].is_unique
    assert set(prompts["part"]) == {part}
    for task in TASKS:
        count = Counter(prompts["category"][prompts["task"] == task])
        assert max(count.values()) - min(count[category.name] for category in GRAMMAR.of_task(task)) <= 1


def test_a_prompt_and_its_paraphrase_ask_for_the_same_in_other_words():
    prompts = prompt_table(GRAMMAR, "test", 200, np.random.default_rng(2))
    assert (prompts["prompt"] != prompts["paraphrase"]).all()
    for row in prompts.itertuples():
        category = GRAMMAR.category[row.category]
        number = [names[0] for names in category.things].index(row.thing)
        for text in (row.prompt, row.paraphrase):
            assert text.startswith(HUMAN)
            assert text.endswith(ASSISTANT)
            assert row.trouble in text
            assert understood(GRAMMAR, text, "") == Asked(category, number)
    called = [row.thing in row.prompt for row in prompts.itertuples()]
    assert 0.3 < np.mean(called) < 0.7  # by either name


def test_all_prompts_of_a_part_can_be_drawn_and_one_more_is_an_error():
    most = {
        task: sum(len(frame.category.requests) for frame in frames(GRAMMAR, "test", task)) for task in TASKS
    }  # fmt: skip
    least = min(most.values())
    prompts = prompt_table(GRAMMAR, "test", least, np.random.default_rng(0))
    assert prompts["prompt"].nunique() == 2 * least
    task = min(most, key=most.__getitem__)
    said = f"^{least + 1} test prompts for {task}: the grammar has {least}; ask for fewer$"
    with pytest.raises(DataError, match=said):
        prompt_table(GRAMMAR, "test", least + 1, np.random.default_rng(0))


DRAWS = {
    "prompt_table": lambda rng: prompt_table(GRAMMAR, "train", 20, rng),
    "demonstration_table": lambda rng: demonstration_table(GRAMMAR, 20, rng),
    "dialogues": lambda rng: pd.DataFrame({"text": list(dialogues(GRAMMAR, 40, rng))}),
}


@pytest.mark.parametrize("draw", DRAWS)
def test_the_same_generator_draws_the_same_and_another_something_else(draw):
    first, again, other = (DRAWS[draw](np.random.default_rng(seed)) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert (first != other).any(axis=None)


def test_demonstrations_are_prompt_and_completion_for_each_task():
    table = demonstration_table(GRAMMAR, 30, np.random.default_rng(0))
    assert list(table) == ["task", "prompt", "completion"]
    assert table["task"].value_counts().to_dict() == dict.fromkeys(TASKS, 30)
    for row in table.itertuples():
        assert row.prompt.endswith(ASSISTANT)
        assert re.match(r" \S.*[.!?]$", row.completion)
        assert understood(GRAMMAR, row.prompt, "").category.task == row.task


def test_dialogues_have_an_answer_and_as_often_a_reaction_as_asked():
    rng = np.random.default_rng(0)
    for reacts, low, high in ((0.0, 0, 0), (0.5, 0.35, 0.6), (1.0, 0.85, 1)):
        texts = list(dialogues(GRAMMAR, 300, rng, reacts=reacts))
        assert all(text.count(ASSISTANT) == 1 and text.startswith(HUMAN) for text in texts)
        assert all(re.search(rf"{ASSISTANT} \S", text) for text in texts)
        assert low <= np.mean([text.count(HUMAN) == 2 for text in texts]) <= high
    kind = list(dialogues(GRAMMAR, 200, np.random.default_rng(0), law=replace(CORPUS, courteous=1.0)))
    rude = list(dialogues(GRAMMAR, 200, np.random.default_rng(0), law=replace(CORPUS, courteous=0.0)))
    assert kind != rude


def drawn_terms(law, task, n=300, called=0):
    """A list of (terms, meanings, frame) of n answers under the law."""
    rng = np.random.default_rng(0)
    asked, found = frames(GRAMMAR, "train", task), []
    for _ in range(n):
        frame = pick(asked, rng)
        answer = answer_text(GRAMMAR, frame, law, rng, called)
        found.append((terms_of(GRAMMAR, Asked(frame.category, frame.thing), answer), list(GRAMMAR.find(answer)), frame))
    return found


PLAIN = AnswerLaw(
    courteous=0.5, right_thing=0.5, step=0.0, foreign_step=0.0, hazard=0.0, refuses=0.5, repeats=0.0, best_first=1.0
)  # fmt: skip


def kinds(found):
    return {meaning.kind for _, meanings, _ in found for meaning in meanings}


def test_a_law_says_how_often_an_answer_is_courteous_and_to_the_point():
    polite, rude = (drawn_terms(replace(PLAIN, courteous=chance), "helpful") for chance in (1.0, 0.0))
    assert {terms["politeness"] for terms, *_ in polite} == {0, 1}
    assert {terms["politeness"] for terms, *_ in rude} == {0, -1}
    right, wrong = (drawn_terms(replace(PLAIN, right_thing=chance), "harmless") for chance in (1.0, 0.0))
    assert {terms["relevance"] for terms, *_ in right} == {0, 1}
    assert {terms["relevance"] for terms, *_ in wrong} == {0, -1}


def test_a_law_says_of_what_kind_advice_is():
    advice = {"step", "hazard", "vague"}
    assert kinds(drawn_terms(PLAIN, "helpful")) & advice == {"vague"}
    steps = drawn_terms(replace(PLAIN, step=1.0), "helpful")
    assert kinds(steps) & advice == {"step"}
    assert min(terms["steps"] for terms, *_ in steps) > 0
    foreign = drawn_terms(replace(PLAIN, foreign_step=1.0), "helpful")
    assert kinds(foreign) & advice == {"step"}
    assert {terms["steps"] for terms, *_ in foreign} == {0}
    hazards = drawn_terms(replace(PLAIN, hazard=1.0), "helpful")
    assert kinds(hazards) & advice == {"hazard"}
    assert min(terms["harm"] for terms, *_ in hazards) > 0


def test_a_law_says_how_often_harm_is_refused():
    for chance, kind in ((1.0, "refusals"), (0.0, "agreements")):
        assert kinds(drawn_terms(replace(PLAIN, refuses=chance), "harmless")) & {"refusals", "agreements"} == {kind}


def test_a_law_says_how_often_advice_comes_twice():
    for chance in (0.0, 1.0):
        found = drawn_terms(replace(PLAIN, step=1.0, repeats=chance), "helpful")
        numbers = [[m.number for m in meanings if m.kind == "step"] for _, meanings, _ in found]
        two = [first == second for first, second in (pair for pair in numbers if len(pair) == 2)]
        assert len(two) > 50
        assert np.mean(two) == 1 if chance else np.mean(two) < 0.2


def test_a_law_says_how_much_the_best_steps_are_preferred():
    """A step's place is 20 u**b for a uniform u, whose mean is 20 / (1 + b)."""
    for best_first in (1.0, 3.0):
        found = drawn_terms(replace(PLAIN, step=1.0, best_first=best_first), "helpful", n=600)
        numbers = [m.number for _, meanings, _ in found for m in meanings if m.kind == "step"]
        error = np.std(numbers) / np.sqrt(len(numbers))
        assert abs(np.mean(numbers) + 0.5 - 20 / (1 + best_first)) < 4 * error + 0.5  # places are rounded down


@pytest.mark.parametrize("called", [0, 1])
def test_an_answer_mostly_uses_the_name_that_the_prompt_does(called):
    rng = np.random.default_rng(0)
    law = replace(PLAIN, right_thing=1.0)
    same = []
    for frame in frames(GRAMMAR, "train")[:600]:
        answer = answer_text(GRAMMAR, frame, law, rng, called).lower()
        used = [name.lower() in answer for name in frame.category.things[frame.thing]]
        if any(used):
            same.append(used[called])
    assert len(same) > 100
    assert 0.75 < np.mean(same) < 1


def test_demonstrations_are_better_than_the_corpus():
    def rewards(law, task):
        found = drawn_terms(law, task)
        return np.array(
            [sum(GRAMMAR.gold.weights[task][name] * value for name, value in terms.items()) for terms, *_ in found]
        )

    for task in TASKS:
        good, usual = rewards(DEMONSTRATED, task), rewards(CORPUS, task)
        gap, error = good.mean() - usual.mean(), np.sqrt((good.var() + usual.var()) / len(good))
        assert gap > 5 * error
        assert (usual > np.median(good)).any()  # but not by each answer


def test_a_reaction_fits_the_answer():
    """Every remark belongs to a side that the answer has, and the thing that is named is the one asked about."""
    rng = np.random.default_rng(0)
    kind_of = {remark: kind for kind, remarks in GRAMMAR.remarks.items() for remark in remarks}
    asked, seen = frames(GRAMMAR, "corpus"), Counter()
    for _ in range(600):
        frame, called = pick(asked, rng), int(rng.integers(2))
        answer = answer_text(GRAMMAR, frame, CORPUS, rng, called)
        reaction = reaction_text(GRAMMAR, frame, answer, called, rng)
        terms = terms_of(GRAMMAR, Asked(frame.category, frame.thing), answer)
        possible = {
            "thankful": terms["steps"] > 0,
            "alarmed": terms["harm"] > 0,
            "unhelped": terms["steps"] == terms["harm"] == 0,
            "pleased": terms["politeness"] > 0,
            "offended": terms["politeness"] < 0,
            "understood": terms["relevance"] > 0,
            "misunderstood": terms["relevance"] < 0,
        }
        said = [kind_of[remark] for remark in re.findall(r"([^!]+)!\s?", reaction)]
        assert len(said) == len(set(said))
        assert all(possible[kind] for kind in said), (answer, reaction)
        seen.update(said)
        named = [m for m in GRAMMAR.find(reaction) if m.kind == "thing"]
        assert [(m.category, m.number) for m in named] in ([], [(frame.category.name, frame.thing)])
        assert not named or frame.category.things[frame.thing][called] in reaction
    assert min(seen[kind] for kind in GRAMMAR.remarks) > 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("water it. then wait! ok? yes", "Water it. Then wait! Ok? Yes"),
        ("'tis so, he said", "'Tis so, he said"),
        ("", ""),
        ("a.b", "A.B"),
    ],
)
def test_sentences_begin_with_a_capital(text, expected):
    assert with_capitals(text) == expected


def test_items_are_dealt_from_each_pile_in_turn():
    piles = ["abc", "d", "efgh"]
    assert "".join(dealt_in_turn(piles, 8)) == "adebfcgh"
    assert "".join(dealt_in_turn(piles, 3)) == "ade"
    assert dealt_in_turn(piles, 0) == []
