"""What to do with pairs: planted worlds whose answers are known, and words that say no more than their intervals."""

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.comparisons import Comparisons
from rmkit.evaluation.choice import choose_head
from rmkit.evaluation.on_pairs import evaluate_pairs
from rmkit.findings.decision import decide, repeated_labels

QUESTIONS = [
    "Is it learnable?", "Which head?", "Would more labels help?", "Is it as sure as it should be?",
    "How noisy are the labels?", "Which labels to look at first?", "Which n of Best-of-n is safe?",
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
    choice = choose_head(evaluations)
    return decide(evaluations, choice, margins=margins, prompt_m=np.arange(len(margins))), wrong_m


def test_every_question_is_answered_and_the_wrong_labels_are_named():
    decision, wrong_m = decided()
    assert list(decision.answers) == QUESTIONS
    assert decision.answers["Is it learnable?"].startswith("Yes. linear_bt orders ")
    assert "The rate may be 0: single labels cannot tell noise from a weak model." in decision.answers[QUESTIONS[4]]
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
    """Comparisons of pairs that several people judged, each label turned round with a chance; two responses a prompt."""
    rng = np.random.default_rng(seed)
    pair_j = np.repeat(np.arange(n_pairs), n_annotators)
    truth_m = rng.integers(0, 2, n_pairs)
    label_j = np.where(rng.random(len(pair_j)) < flip, 1 - truth_m[pair_j], truth_m[pair_j]).astype(np.int8)
    table = {"first": 2 * pair_j, "second": 2 * pair_j + 1, "label": label_j, "line": np.arange(len(pair_j))}
    annotator = {"annotator": np.tile(np.arange(n_annotators), n_pairs)} if named else {}
    return Comparisons(pd.DataFrame(table | annotator)), np.repeat(np.arange(n_pairs), 2)


@pytest.mark.parametrize("flip", [0.05, 0.15, 0.3])
def test_several_judgements_of_a_pair_say_how_noisy_they_are(flip):
    covered = [(found := repeated_labels(*crowd(flip, seed=seed))).low <= flip <= found.high for seed in range(20)]
    assert sum(covered) >= 16  # of 20, at 95%


def test_single_judgements_and_unnamed_people_say_nothing_of_it():
    assert repeated_labels(*crowd(0.1, n_annotators=1)) is None
    assert repeated_labels(*crowd(0.1, named=False)) is None


def test_the_halves_of_a_tie_are_no_disagreement():
    comparisons, prompt_id_r = crowd(0.0)
    half = comparisons.table.iloc[::7]
    ties = pd.concat([half.assign(line=half["line"] + 5000, label=label) for label in (np.int8(0), np.int8(1))])
    both = Comparisons(pd.concat([comparisons.table, ties.astype({"label": np.int8})], ignore_index=True))
    assert repeated_labels(both, prompt_id_r).estimate == repeated_labels(comparisons, prompt_id_r).estimate == 0


def test_a_known_flip_rate_bounds_both_the_noise_and_the_share_that_is_wrong():
    evaluations, margins, _wrong_m = world()
    repeated = repeated_labels(*crowd(0.15))
    prompt_m = np.arange(len(margins))
    decision = decide(evaluations, choose_head(evaluations), margins=margins, prompt_m=prompt_m, repeated=repeated)
    assert f"at least {repeated.low:.1%} (labels given twice)" in decision.answers["How noisy are the labels?"]
    assert "0% to" not in decision.answers["Which labels to look at first?"].split(";")[1].split(" are expected")[0]
