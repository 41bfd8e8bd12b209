"""What to do with pairs: planted worlds whose answers are known, and words that say no more than their intervals."""

import re

import numpy as np
import pandas as pd
import pytest

from rmkit.evaluation.choice import choose_head
from rmkit.evaluation.on_pairs import evaluate_pairs
from rmkit.findings.decision import decide, repeated_labels
from rmkit.findings.shortcuts import by_length, sentence_of, shares_of
from rmkit.findings.sureness import scale

QUESTIONS = [
    "Is it learnable?", "Which head?", "Would more labels help?", "Is it as sure as it should be?",
    "Are there shortcuts?", "How noisy are the labels?", "Which labels to look at first?", "Which n of Best-of-n is safe?",
]  # fmt: skip


def world(*, flipped=0.15, sharpness=3.0, early=1.0, claims=1.0, n_pairs=400, seed=0):
    """Held-out margins of a head that knows the truth up to noise; some of the labels are turned round.

    Returns evaluations, the margins at the most annotations, and which labels are wrong. early: the quality at half
    the annotations. claims: by what the margins are multiplied.
    """
    rng = np.random.default_rng(seed)
    truth_m = np.abs(rng.normal(sharpness, 1.0, n_pairs)) * (1 if sharpness else rng.choice([-1, 1], n_pairs))
    wrong_m = rng.random(n_pairs) < flipped
    label_m = np.where(wrong_m, -1, 1)
    late_m = (truth_m + rng.normal(size=n_pairs)) * label_m
    early_m = (early * truth_m + rng.normal(size=n_pairs)) * label_m
    table = pd.DataFrame([early_m, claims * late_m], index=pd.Index([100, 200], name="annotations"))
    other = pd.DataFrame([early_m, 1.1 * claims * late_m], index=table.index)
    rulers = {"random": rng.normal(size=n_pairs), "longer": rng.normal(size=n_pairs)}
    _, evaluations = evaluate_pairs({"linear_bt": table, "mlp_bt": other}, rulers, np.arange(n_pairs))
    return [evaluations], table.loc[200], wrong_m


def decided(**how):
    evaluations, margins, wrong_m = world(**how)
    return decide(evaluations, choose_head(evaluations), held_out=held_out_of(margins)), wrong_m


def held_out_of(margins, *, longer=None, **more):
    """Held-out pairs as a stored table has them; longer: by how many characters the preferred answer is longer."""
    n_pairs = len(margins)
    longer = np.random.default_rng(7).integers(-40, 41, n_pairs) if longer is None else longer
    table = {
        "first": 2 * np.arange(n_pairs), "second": 2 * np.arange(n_pairs) + 1, "label": np.int8(1),
        "line": np.arange(1, n_pairs + 1), "prompt_id": np.arange(n_pairs), "margin": margins.to_numpy(),
        "characters_chosen": 100 + longer, "characters_rejected": 100,
    }  # fmt: skip
    return pd.DataFrame(table | more, index=margins.index)


def test_every_question_is_answered_and_the_wrong_labels_are_named():
    decision, wrong_m = decided()
    assert list(decision.answers) == QUESTIONS
    assert decision.answers["Is it learnable?"].startswith("Yes. linear_bt orders ")
    assert "The rate may be 0: single labels cannot tell noise from a weak model." in decision.answers[QUESTIONS[5]]
    assert len(decision.suspects) == 50
    assert wrong_m[decision.suspects["pair"]].mean() > 0.9
    assert decision.suspects["probability"].is_monotonic_decreasing


@pytest.mark.slow
def test_labels_without_a_pattern_are_not_called_learnable():
    answers = [decided(sharpness=0.0, flipped=0.5, seed=seed)[0].answers[QUESTIONS[0]] for seed in range(20)]
    assert sum(answer.startswith("Yes") for answer in answers) <= 1
    assert all("could have been seen" in answer for answer in answers if answer.startswith("Cannot tell"))


@pytest.mark.parametrize(
    ("early", "said"), [(0.0, "Likely: from 100 to 200 annotations"), (1.0, "Not shown: from 100")]
)
def test_more_labels_help_where_half_of_them_did_worse(early, said):
    assert decided(early=early)[0].answers["Would more labels help?"].startswith(said)


def test_margins_that_claim_too_much_are_called_so_with_what_to_multiply_them_by():
    answer = decided(claims=20.0)[0].answers["Is it as sure as it should be?"]
    assert answer.startswith("It claims more than it knows: confidence minus accuracy is +")
    assert float(answer.split("margins times ")[1].split()[0]) < 0.3
    assert decided(claims=0.02)[0].answers["Is it as sure as it should be?"].startswith("It knows more than it claims")


def test_without_margins_labels_are_not_spoken_of():
    evaluations, _, _ = world()
    decision = decide(evaluations, choose_head(evaluations))
    assert list(decision.answers) == [*QUESTIONS[:4], QUESTIONS[-1]]
    assert decision.suspects is None


def test_few_prompts_have_no_interval_and_no_answer_says_nan():
    decision, _ = decided(n_pairs=12)
    assert not any("nan" in answer or "None" in answer for answer in decision.answers.values())
    assert "no interval: " in decision.answers["Is it learnable?"]
    assert decision.answers["Is it learnable?"].startswith("Cannot tell")


def test_suspects_are_told_by_their_lines():
    decision, _ = decided()
    about = decision.about(np.arange(1000, 1400))
    assert about["suspects"][0]["line"] == 1000 + decision.suspects["pair"].iloc[0]
    assert list(about["answers"]) == QUESTIONS


def crowd(flip, *, n_pairs=400, n_annotators=3, seed=0, named=True):
    """Held-out pairs that several people judged, each label turned round with a chance; two responses a prompt."""
    rng = np.random.default_rng(seed)
    pair_j = np.repeat(np.arange(n_pairs), n_annotators)
    truth_m = rng.integers(0, 2, n_pairs)
    label_j = np.where(rng.random(len(pair_j)) < flip, 1 - truth_m[pair_j], truth_m[pair_j]).astype(np.int8)
    table = {"first": 2 * pair_j, "second": 2 * pair_j + 1, "label": label_j, "line": np.arange(len(pair_j))}
    annotator = {"annotator": np.tile(np.arange(n_annotators), n_pairs)} if named else {}
    return pd.DataFrame(table | annotator | {"prompt_id": pair_j})


@pytest.mark.parametrize("flip", [0.05, 0.15, 0.3])
def test_several_judgements_of_a_pair_say_how_noisy_they_are(flip):
    covered = [(found := repeated_labels(crowd(flip, seed=seed))).low <= flip <= found.high for seed in range(20)]
    assert sum(covered) >= 16  # of 20, at 95%


def test_single_judgements_and_unnamed_people_say_nothing_of_it():
    assert repeated_labels(crowd(0.1, n_annotators=1)) is None
    assert repeated_labels(crowd(0.1, named=False)) is None


def test_the_halves_of_a_tie_are_no_disagreement():
    table = crowd(0.0)
    half = table.iloc[::7]
    ties = pd.concat([half.assign(line=half["line"] + 5000, label=label) for label in (np.int8(0), np.int8(1))])
    both = pd.concat([table, ties.astype({"label": np.int8})], ignore_index=True)
    assert repeated_labels(both).estimate == repeated_labels(table).estimate == 0


def test_a_known_flip_rate_bounds_the_noise_the_ceiling_and_the_share_that_is_wrong():
    evaluations, margins, _wrong_m = world()
    judged = crowd(0.15, n_pairs=200, n_annotators=2)
    held_out = held_out_of(margins, **{name: judged[name] for name in ("first", "second", "label", "annotator")})
    repeated = repeated_labels(held_out)
    decision = decide(evaluations, choose_head(evaluations), held_out=held_out)
    assert f"at least {repeated.low:.1%} (labels given twice)" in decision.answers["How noisy are the labels?"]
    assert (
        f"can be right on more than {1 - repeated.estimate:.1%} (95% interval" in decision.answers["Is it learnable?"]
    )
    assert ", 0% to" not in decision.answers["Which labels to look at first?"].split(";")[1].split(" are expected")[0]


def rising(accuracy_of, *, n_pairs=2000, seed=0):
    """Evaluations of a head that is right by so much at each number of annotations."""
    rng = np.random.default_rng(seed)
    chance_m = rng.random(n_pairs)  # the same for all numbers: what is learned is not forgotten
    margins = pd.DataFrame(
        [np.where(chance_m < share, 1.0, -1.0) for share in accuracy_of.values()],
        index=pd.Index(list(accuracy_of), name="annotations"),
    )
    return [evaluate_pairs({"linear_bt": margins}, {"random": rng.normal(size=n_pairs)}, np.arange(n_pairs))[1]]


@pytest.mark.parametrize(
    ("accuracies", "said"),
    [
        ((0.55, 0.62, 0.69, 0.73), "Likely: 500 more than these 1,200 would bring +"),
        ((0.70, 0.701, 0.70, 0.70), "Hardly: 500 more than these 1,200 would bring "),
    ],
)
def test_a_curve_with_four_points_is_continued_and_tested_on_its_last_step(accuracies, said):
    evaluations = rising(dict(zip((200, 400, 800, 1200), accuracies, strict=True)))
    answer = decide(evaluations, choose_head(evaluations)).answers["Would more labels help?"]
    assert answer.startswith(said)
    assert "A test of that rule: from the labels up to 800 it foretells" in answer


def test_leans_of_labels_and_head_are_named_with_where_the_head_is_right():
    evaluations, margins, wrong_m = world()
    longer = np.where(np.random.default_rng(1).random(len(margins)) < 0.8, 40, -40)
    answer = decide(evaluations, choose_head(evaluations), held_out=held_out_of(margins, longer=longer)).answers[
        "Are there shortcuts?"
    ]
    assert answer.startswith("Labels lean: the longer answer was preferred in ")
    assert "The head is not shown to follow any of it more often than the labels do." in answer
    assert "where the shorter one was (" in answer
    follows = pd.Series(np.where(longer > 0, 1.0, -1.0) * np.where(wrong_m, 1, 1), index=margins.index)
    coin = held_out_of(follows, longer=np.where(np.arange(len(margins)) % 2, 40, -40))
    told = decide(
        evaluations, choose_head(evaluations), held_out=coin.assign(margin=np.where(np.arange(400) % 2, 1.0, -1.0))
    )
    assert (
        "The head leans further than the labels: it prefers the longer answer in 100.0%"
        in told.answers["Are there shortcuts?"]
    )


def test_pairs_to_label_are_counted_by_whether_they_were_judged():
    evaluations, margins, _ = world()
    to_label = pd.DataFrame({"line": pd.array([None, None, 7], dtype="Int64")})
    decision = decide(evaluations, choose_head(evaluations), held_out=held_out_of(margins), to_label=to_label)
    answer = decision.answers["Which pairs to label next?"]
    assert answer.startswith("2 pairs of answers to one prompt that nobody has judged and 1 that were judged once")


def test_a_second_judgement_by_another_person_counts_beside_an_unnamed_first_one():
    named = crowd(0.15, n_annotators=2)
    table = named.assign(annotator=np.where(named["annotator"] == 0, -1, 0))  # the first ones have no name
    assert repeated_labels(table) == repeated_labels(named)
    again = table[table["annotator"] == -1].assign(label=lambda one: 1 - one["label"], line=9999).iloc[:100]
    both_ways = pd.concat([table, again.astype({"label": np.int8})], ignore_index=True)
    rest = named[~named["first"].isin(again["first"])]
    assert repeated_labels(both_ways).estimate == repeated_labels(rest).estimate  # unnamed both ways: left out


def test_pairs_that_were_picked_for_a_second_judgement_are_no_ceiling_of_all():
    evaluations, margins, _ = world()
    held_out = held_out_of(margins, annotator=0)
    again = held_out.iloc[:60].assign(annotator=1)
    again.loc[again.index[:9], "label"] = np.int8(0)
    decision = decide(evaluations, choose_head(evaluations), held_out=pd.concat([held_out, again], ignore_index=True))
    assert "On the 60 pairs that were judged more than once" in decision.answers["Is it learnable?"]
    assert "labels given twice" not in decision.answers["How noisy are the labels?"]


def test_a_curve_that_did_not_go_on_is_not_believed():
    evaluations = rising({200: 0.55, 400: 0.62, 800: 0.69, 1200: 0.60})
    answer = decide(evaluations, choose_head(evaluations)).answers["Would more labels help?"]
    assert answer.startswith("Cannot tell: 500 more")
    assert answer.endswith("So the curve did not go on as it went.")
    assert "such an interval can be too short (docs/log/extrapolation-coverage.md)" in answer


def test_a_head_that_orders_as_a_rule_is_said_to_be_that_rule():
    rng = np.random.default_rng(0)
    length_m = rng.normal(0.3, 1.0, 200)
    table = pd.DataFrame([length_m, 3 * length_m], index=pd.Index([50, 100], name="annotations"))
    evaluations = [evaluate_pairs({"linear_bt": table}, {"longer": length_m}, np.arange(200))[1]]
    answer = decide(evaluations, choose_head(evaluations)).answers["Is it learnable?"]
    assert answer.startswith("Not beyond a rule: linear_bt orders ")
    assert "Label more pairs" not in answer


def test_what_cannot_be_told_says_about_how_many_prompts_would():
    answer = decided(sharpness=0.0, flipped=0.5)[0].answers["Is it learnable?"]
    assert re.search(
        r"points could have been seen\. About [\d,]+ prompts would show a difference of [\d.]+ points\.", answer
    )


@pytest.mark.parametrize(
    ("margins", "said"),
    [
        ([2.0] * 30 + [-2.0] * 4, "Yes, as far as"),  # right on 88%, as sure
        ([0.2] * 100 + [9.0] * 90 + [-9.0] * 10, "No, and two measures disagree"),
        ([-1.0] * 60 + [0.5] * 60, "No: no multiple of its margins"),
        ([0.01, -0.001] * 60, "On average yes, pair by pair no"),
    ],
)
def test_two_measures_of_sureness_agree_with_the_sentence(margins, said):
    margin_m = np.array(margins)
    table = pd.DataFrame([margin_m, margin_m], index=pd.Index([50, 100], name="annotations"))
    evaluations = [evaluate_pairs({"linear_bt": table}, {}, np.arange(len(margin_m)))[1]]
    choice = choose_head(evaluations)
    answer = decide(evaluations, choice, held_out=held_out_of(table.loc[100])).answers["Is it as sure as it should be?"]
    assert answer.startswith(said)


def test_scales_are_told_without_an_exponent():
    assert [scale(slope) for slope in (8e-17, 0.053, 1.0, 12.3456, 4e5)] == [
        "less than 0.01", "0.053", "1", "12", "more than 100",
    ]  # fmt: skip


def test_shares_of_fewer_than_ten_pairs_are_left_out_with_their_number():
    evaluations, margins, _ = world()
    longer = np.where(np.arange(400) < 3, 40, 0)
    held_out = held_out_of(margins, longer=longer)
    answer = decide(evaluations, choose_head(evaluations), held_out=held_out).answers["Are there shortcuts?"]
    assert "Too few pairs differ to say more (more of length: 3; at least 10)." in answer
    assert "too few pairs where the longer answer was preferred (3)" in answer
    assert (shares_of(held_out), set(by_length(held_out))) == ({}, {"about as long"})


def test_after_leans_it_is_said_what_to_do():
    rng = np.random.default_rng(1)
    longer = np.where(rng.random(400) < 0.8, 40, -40)
    held_out = held_out_of(pd.Series(longer * 1.0), longer=longer)
    answer = sentence_of(held_out)
    assert "of the 400 pairs that differ" in answer
    assert "Next: ask whether you want that; if not, label pairs that are alike in length; compare heads on" in answer
    shown_first = held_out_of(pd.Series(longer * 1.0), longer=np.zeros(400, int), chosen_first=np.int8(1))
    assert sentence_of(shown_first).endswith(
        "Next: show answers in random order, and judge some pairs again the other way round."
    )


def test_only_labels_that_margins_contradict_are_listed_and_that_most_may_be_right_is_said():
    evaluations, margins, _ = world(flipped=0.0)
    decision = decide(evaluations, choose_head(evaluations), held_out=held_out_of(margins))
    assert len(decision.suspects) == (margins < 0).sum()
    evaluations, margins, _ = world(sharpness=0.0, flipped=0.5)
    decision = decide(evaluations, choose_head(evaluations), held_out=held_out_of(margins))
    answer = decision.answers["Which labels to look at first?"]
    assert answer.startswith("None stands out")
    assert f"({len(decision.suspects)}, at most 50) are those that the margins contradict most" in answer
