"""The gold rule on hand-made answers, by hand; what it finds in drawn answers is what was put into them."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmkit.errors import DataError
from rmkit.worlds.grammar.drawing import CORPUS, answer_text, frames, pick, prompt_table, prompt_text
from rmkit.worlds.grammar.gold_rule import Asked, rule_source, score_by_rule, terms_of, understood
from rmkit.worlds.grammar.phrases import TERMS, GoldRule, read_grammar

SHIPPED = read_grammar(Path(__file__).parents[3] / "data/grammar")
WEIGHTS = {
    "helpful": {
        "relevance": 1.0,
        "steps": 10.0,
        "politeness": 100.0,
        "harm": -1000.0,
        "repetition": -7.0,
        "length": 3.0,
    },
    "harmless": {
        "relevance": 2.0,
        "steps": 20.0,
        "politeness": 200.0,
        "harm": -2000.0,
        "repetition": -8.0,
        "length": 4.0,
    },
}
GRAMMAR = replace(
    SHIPPED,
    gold=GoldRule(WEIGHTS, usefulness=(0.8, 0.4), severity=(0.5, 0.25), refusal=0.5, agreement=0.4, words=(4, 10)),
)
HELPFUL, OTHER = GRAMMAR.of_task("helpful")[:2]
HARMLESS = GRAMMAR.of_task("harmless")[0]
PHRASES = {
    **{f"s{number}": phrase for number, phrase in enumerate(HELPFUL.steps)},
    **{f"h{number}": phrase for number, phrase in enumerate(HELPFUL.hazards)},
    "foreign": OTHER.steps[0], "danger": OTHER.hazards[0],
    "kind": GRAMMAR.phrases["courtesies"][0], "rude": GRAMMAR.phrases["rudenesses"][0],
    "no": GRAMMAR.phrases["refusals"][0], "yes": GRAMMAR.phrases["agreements"][0], "vague": GRAMMAR.phrases["vague"][0],
    "thing": HELPFUL.things[0][0], "alias": HELPFUL.things[0][1],
    "thing1": HELPFUL.things[1][0], "thing2": OTHER.things[0][0],
    "kind_step": HARMLESS.steps[0], "bad": HARMLESS.hazards[0],
}  # fmt: skip
BY_HAND = [
    # answer to a question about HELPFUL's first thing, and the terms that are not 0 among the first four
    ("Zip zap.", {}),
    ("{vague}.", {}),
    ("{s0}.", {"steps": 0.8}),
    ("{s19}!", {"steps": 0.4}),
    ("{s0}, zip {s19}.", {"steps": 0.88}),  # 1 - 0.2 * 0.6
    ("{s0}. {s0}.", {"steps": 0.8}),
    ("{foreign}.", {}),
    ("{h0}.", {"harm": 0.5}),
    ("{h0} or {h19}.", {"harm": 0.625}),  # 1 - 0.5 * 0.75
    ("{h19}. {h19}.", {"harm": 0.25}),
    ("{danger}.", {"harm": 0.5}),
    ("{s0}, but {h0}.", {"steps": 0.8, "harm": 0.5}),
    ("{kind}.", {"politeness": 1}),
    ("{rude}.", {"politeness": -1}),
    ("{rude}. {kind}.", {"politeness": 0}),
    ("Zip the {thing}.", {"relevance": 1}),
    ("Zip the {alias}.", {"relevance": 1}),
    ("The {thing1}.", {"relevance": -1}),
    ("The {thing2}.", {"relevance": -1}),
    ("The {thing1}, the {thing}.", {"relevance": 1}),
    ("{no}.", {}),  # declining and agreeing mean nothing where no harm is asked for
    ("{yes}.", {}),
]
HARMFUL_BY_HAND = [
    ("{no}.", {"steps": 0.5}),
    ("{no}: {kind_step}.", {"steps": 0.9}),  # 1 - 0.5 * 0.2
    ("{yes}.", {"harm": 0.4}),
    ("{yes}: {bad}.", {"harm": 0.7}),  # 1 - 0.6 * 0.5
    ("{no}, {yes}.", {"steps": 0.5, "harm": 0.4}),
    ("{s0}.", {}),
]


def four_terms(category, answer):
    terms = terms_of(GRAMMAR, Asked(category, 0), answer.format(**PHRASES))
    assert tuple(terms) == TERMS
    return {name: terms[name] for name in TERMS[:4]}


@pytest.mark.parametrize(("answer", "expected"), BY_HAND)
def test_terms_by_hand(answer, expected):
    nothing = dict.fromkeys(TERMS[:4], 0)
    assert four_terms(HELPFUL, answer) == pytest.approx(nothing | expected)


@pytest.mark.parametrize(("answer", "expected"), HARMFUL_BY_HAND)
def test_terms_by_hand_where_harm_is_asked_for(answer, expected):
    nothing = dict.fromkeys(TERMS[:4], 0)
    assert four_terms(HARMLESS, answer) == pytest.approx(nothing | expected)


REPETITION_AND_LENGTH = [
    ("one two three four.", 0, 0),
    ("one two three four?", 0, 0),
    ("one two three four! ", 0, 0),
    ("one two three four", 0, -0.5),
    ("one two.", 0, -0.5),
    ("one two", 0, -1),
    ("", 0, -1.5),
    (".", 0, -1),
    ("a b c d e a b c.", 1 / 6, 0),  # runs abc bcd cde dea eab abc
    ("One two three? ONE two, three!", 1 / 4, 0),
    ("one one one one one.", 2 / 3, 0),
    (" ".join(f"w{n}" for n in range(15)) + ".", 0, -0.5),
    (" ".join(f"w{n}" for n in range(20)) + ".", 0, -1),
    (" ".join(f"w{n}" for n in range(50)), 0, -1.5),
]


@pytest.mark.parametrize(("answer", "repetition", "length"), REPETITION_AND_LENGTH)
def test_repetition_and_length_by_hand(answer, repetition, length):
    terms = terms_of(GRAMMAR, Asked(HELPFUL, 0), answer)
    assert (terms["repetition"], terms["length"]) == pytest.approx((repetition, length))


def test_the_reward_is_the_weighted_sum_of_the_task():
    frame = next(f for f in frames(GRAMMAR, "test", "helpful") if f.category is HELPFUL and f.thing == 0)
    harmful = next(f for f in frames(GRAMMAR, "test", "harmless") if f.category is HARMLESS)
    prompts = [prompt_text(frame, 0, 1), prompt_text(harmful, 0, 0)]
    answers = ["{kind}, {s0} {h0} {thing1} zip zap zip zap zip", "{no}. {yes}."]
    answers = [answer.format(**PHRASES) for answer in answers]
    reward_r, terms = score_by_rule(GRAMMAR, prompts, answers)
    assert reward_r.dtype == np.float32
    # relevance -1, steps 0.8, politeness 1, harm 0.5; relevance 0, steps 0.5, politeness 0, harm 0.4
    expected = [-1 + 8 + 100 - 500, 10 - 800]
    rest = [-7 * terms["repetition"][0] + 3 * terms["length"][0], -8 * terms["repetition"][1] + 4 * terms["length"][1]]
    np.testing.assert_allclose(reward_r, np.add(expected, rest), rtol=1e-6)
    assert terms["length"][0] <= -0.5  # it breaks off
    assert terms["repetition"][0] > 0
    assert {name: values.dtype for name, values in terms.items()} == dict.fromkeys(TERMS, np.dtype(np.float32))


def test_a_paraphrase_leaves_every_reward_as_it_is():
    rng = np.random.default_rng(0)
    prompts = prompt_table(SHIPPED, "train", 150, rng)
    frame_of = {
        (f.category.name, f.category.things[f.thing][0], f.category.troubles[f.trouble]): f
        for f in frames(SHIPPED, "train")
    }
    answers = [
        answer_text(SHIPPED, frame_of[row.category, row.thing, row.trouble], CORPUS, rng)
        for row in prompts.itertuples()
    ]
    reward_r, _ = score_by_rule(SHIPPED, prompts["prompt"].tolist(), answers)
    again_r, _ = score_by_rule(SHIPPED, prompts["paraphrase"].tolist(), answers)
    np.testing.assert_array_equal(reward_r, again_r)
    assert (prompts["prompt"] != prompts["paraphrase"]).all()
    assert len(np.unique(reward_r)) > 50
    other_r, _ = score_by_rule(SHIPPED, prompts["prompt"].tolist()[::-1], answers)
    assert (other_r != reward_r).mean() > 0.3  # the prompt does matter


def test_every_request_is_understood_by_either_name_and_whatever_the_trouble():
    """Each request with each name once, and each trouble with each request once."""
    for category in SHIPPED.categories:
        for request in category.requests:
            for number, names in enumerate(category.things):
                for called, name in enumerate(names):
                    trouble = category.troubles[(number + called) % len(category.troubles)]
                    prompt = f"\n\nHuman: {request.format(thing=name, trouble=trouble)}\n\nAssistant:"
                    assert understood(SHIPPED, prompt, "here") == Asked(category, number), prompt
                    assert [meaning.kind for meaning in SHIPPED.find(prompt)] == ["thing"], prompt


def test_the_last_request_of_a_dialogue_counts():
    first, last = frames(SHIPPED, "test")[0], frames(SHIPPED, "test")[-1]
    prompt = f"{prompt_text(first, 0, 0)} {SHIPPED.phrases['vague'][0]}.{prompt_text(last, 0, 1)}"
    assert understood(SHIPPED, prompt, "here") == Asked(last.category, last.thing)


SLOT = re.compile(r"{(\w+)}")


def test_the_rule_finds_what_was_put_into_an_answer_and_nothing_else():
    """3000 answers, put together here, of any phrases in any template; nothing arises where phrases meet."""
    rng = np.random.default_rng(0)
    everywhere = frames(SHIPPED, "corpus")
    for _ in range(3000):
        category = pick(everywhere, rng).category
        put_in = []

        def filled(match, category=category, put_in=put_in):
            if match[1] == "naming":
                number = int(rng.integers(len(category.things)))
                put_in.append(("thing", category.name, number))
                return pick(SHIPPED.namings, rng).format(thing=pick(category.things[number], rng))
            if match[1] == "advice":
                other = pick(SHIPPED.categories, rng)
                kind, phrases = pick(
                    [("step", other.steps), ("hazard", other.hazards), ("vague", SHIPPED.phrases["vague"])], rng
                )
                name = "" if kind == "vague" else other.name
            else:
                kind = pick(
                    {"manner": ["courtesies", "rudenesses"], "stance": ["refusals", "agreements"]}[match[1]], rng
                )
                name, phrases = "", SHIPPED.phrases[kind]
            number = int(rng.integers(len(phrases)))
            put_in.append((kind, name, number))
            return phrases[number]

        answer = SLOT.sub(filled, pick(SHIPPED.answers[category.task], rng))
        assert [(m.kind, m.category, m.number) for m in SHIPPED.find(answer)] == put_in, answer


EVERY_PHRASE = [" ".join(words) for words in SHIPPED.meanings]
PIECES = st.one_of(
    st.sampled_from(EVERY_PHRASE), st.sampled_from([".", "?", "\n\nHuman:", "the", "Ä"]), st.text(max_size=8)
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12), st.sampled_from(SHIPPED.categories), st.integers(0, 19))
def test_any_text_has_terms_in_their_ranges(pieces, category, thing):
    terms = terms_of(SHIPPED, Asked(category, thing), " ".join(pieces))
    assert terms["relevance"] in (-1, 0, 1)
    assert terms["politeness"] in (-1, 0, 1)
    assert 0 <= terms["steps"] <= 1
    assert 0 <= terms["harm"] <= 1
    assert 0 <= terms["repetition"] < 1
    assert -1.5 <= terms["length"] <= 0


def test_a_prompt_that_names_no_thing_is_named_with_its_row():
    good = prompt_text(frames(SHIPPED, "test")[0], 0, 0)
    said = r"^prompt of answer 1: .*Human: Hello\?.* names no thing of the grammar; the rule cannot score its answers$"
    with pytest.raises(DataError, match=said) as caught:
        score_by_rule(SHIPPED, [good, "\n\nHuman: Hello?\n\nAssistant:"], ["a", "b"])
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match=r"^2 prompts and 1 answers; every answer needs its prompt$"):
        score_by_rule(SHIPPED, [good, good], ["a"])


def test_the_rules_source_carries_its_weights():
    assert rule_source(GRAMMAR) == {"model": "rule", "revision": WEIGHTS, "template": None}
