"""Other wordings have equal gold, say the same, and are other texts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmkit.errors import DataError
from rmkit.worlds.grammar.drawing import CORPUS, answer_text, drawn_question, frames
from rmkit.worlds.grammar.gold_rule import score_by_rule, understood
from rmkit.worlds.grammar.phrases import read_grammar, words_of
from rmkit.worlds.grammar.rewordings import parts_of, reworded_answer, reworded_answers, reworded_prompts

GRAMMAR = read_grammar(Path(__file__).parents[3] / "data/grammar")


def drawn(seed, n_each=60):
    rng = np.random.default_rng(seed)
    prompts, answers = [], []
    for task in ("helpful", "harmless"):
        asked = frames(GRAMMAR, "test", task)
        for _ in range(n_each):
            frame, called, prompt = drawn_question(asked, rng)
            prompts.append(prompt)
            answers.append(answer_text(GRAMMAR, frame, CORPUS, rng, called))
    return prompts, answers, rng


PROMPTS, ANSWERS, _ = drawn(0)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_gold_is_equal_term_by_term_and_most_texts_change(seed):
    prompts, answers, rng = drawn(seed, n_each=10)
    in_other_words, asked_otherwise = (
        reworded_answers(GRAMMAR, prompts, answers, rng),
        reworded_prompts(GRAMMAR, prompts, rng),
    )
    before, terms = score_by_rule(GRAMMAR, prompts, answers)
    after, their_terms = score_by_rule(GRAMMAR, asked_otherwise.texts, in_other_words.texts)
    assert (before == after).all()
    for name, term_r in terms.items():
        assert (term_r == their_terms[name]).all()
    changed_r = [words_of(one) != words_of(other) for one, other in zip(answers, in_other_words.texts, strict=True)]
    assert changed_r == list(in_other_words.changed_r)
    assert np.mean(changed_r) > 0.6


def test_advice_stays_and_nearly_all_answers_find_another_wording():
    found = reworded_answers(GRAMMAR, PROMPTS, ANSWERS, np.random.default_rng(0))
    assert found.changed_r.mean() > 0.9
    for answer, text in zip(ANSWERS, found.texts, strict=True):
        said, again = (
            [m for m in GRAMMAR.find(one) if m.kind in ("step", "hazard", "thing")] for one in (answer, text)
        )
        assert said == again


def test_a_prompt_asks_the_same_by_another_request():
    found = reworded_prompts(GRAMMAR, PROMPTS, np.random.default_rng(0))
    assert found.changed_r.all()
    for prompt, text in zip(PROMPTS, found.texts, strict=True):
        assert prompt != text
        assert understood(GRAMMAR, prompt, "one") == understood(GRAMMAR, text, "other")


def test_the_parts_of_an_answer_are_its_text_even_where_it_is_broken():
    rng = np.random.default_rng(0)
    for answer in [*ANSWERS, "", "...", "for the for the", *("".join(rng.permutation(list(a))) for a in ANSWERS[:20])]:
        assert "".join(part.text for part in parts_of(GRAMMAR, answer)) == answer


def test_an_answer_that_breaks_off_is_reworded_where_it_stands():
    prompt, thing = PROMPTS[0], understood(GRAMMAR, PROMPTS[0], "prompt")
    name, other = thing.category.things[thing.thing]
    broken = f"zip As for the {name}, {GRAMMAR.phrases['vague'][0]} and then"
    text = reworded_answer(GRAMMAR, thing, broken, np.random.default_rng(1))
    assert text.endswith(" and then")
    assert name in text.lower() or other in text.lower()
    assert (score_by_rule(GRAMMAR, [prompt], [broken])[0] == score_by_rule(GRAMMAR, [prompt], [text])[0]).all()


def test_an_answer_that_says_nothing_the_grammar_knows_has_no_other_wording():
    found = reworded_answers(GRAMMAR, PROMPTS[:1], ["zip zap."], np.random.default_rng(0))
    assert found.texts == ("zip zap.",)
    assert not found.changed_r.any()


def test_equal_generators_give_equal_texts():
    one, same, other = (reworded_answers(GRAMMAR, PROMPTS, ANSWERS, np.random.default_rng(s)).texts for s in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda rng: reworded_prompts(GRAMMAR, ["What is up?"], rng), "prompt 0: .* names no thing"),
        (lambda rng: reworded_prompts(GRAMMAR, [PROMPTS[0], f"{PROMPTS[0]} zip"], rng), "prompt 1: .* is no request"),
        (lambda rng: reworded_answers(GRAMMAR, PROMPTS[:2], ["a"], rng), "2 prompts and 1 answers"),
        (lambda rng: reworded_answers(GRAMMAR, ["What?"], ["a"], rng), "prompt of answer 0: .* names no thing"),
    ],
)
def test_what_is_not_of_the_grammar_is_one_sentence(call, said):
    with pytest.raises(DataError, match=said):
        call(np.random.default_rng(0))
