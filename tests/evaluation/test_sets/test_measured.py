"""Labels obey their laws, and measures on a test set are those of its responses and labels."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy.special import expit

from rmkit.errors import DataError
from rmkit.evaluation.population import MEASURES
from rmkit.evaluation.test_sets.annotation import Annotation, denoised_accuracy, labelled
from rmkit.evaluation.test_sets.design import draw_test_set
from rmkit.evaluation.test_sets.judged import JudgedResponses, Rows
from rmkit.evaluation.test_sets.measured import label_accuracy, measured_on
from rmkit.evaluation.test_sets.paraphrase_share import ParaphraseShare
from rmkit.evaluation.test_sets.responses_a_prompt import ResponsesAPrompt

RNG = np.random.default_rng(0)
GOLD_PK = RNG.integers(0, 6, size=(50, 7)).astype(float)
JUDGED = JudgedResponses(GOLD_PK, n_wordings=2)
SCORE_FVPK = GOLD_PK + 2 * RNG.normal(size=(3, 2, 50, 7)).round(1)


def pairs_alone(n_rows=40_000):
    """A pair of two responses to each of many prompts, and its gap in gold in standard deviations of the bank."""
    gold_pk = np.tile([[0.0, 1.0]], (n_rows, 1)) * RNG.choice([-1, 1], size=(n_rows, 1))
    rows = Rows(np.arange(n_rows), np.tile([0, 1], (n_rows, 1)), np.zeros(n_rows, int))
    return JudgedResponses(gold_pk), rows, 1 / gold_pk.std()


@pytest.mark.parametrize(
    "annotation",
    [
        Annotation(flip=0.2),
        Annotation(temperature=0.7),
        Annotation(flip=0.1, temperature=1.3),
        Annotation(flip=0.1, temperature=1.3, votes=5),
        Annotation("response", temperature=0.7),
    ],
)
def test_labels_obey_their_law(annotation):
    judged, rows, gap = pairs_alone()
    drawn = labelled(rows, judged, np.random.default_rng(1), annotation)
    once = (1 - annotation.flip) * (1.0 if not annotation.temperature else expit(gap / annotation.temperature))
    once += annotation.flip * (0.0 if not annotation.temperature else expit(-gap / annotation.temperature))
    right = sum(
        np.prod([once if vote else 1 - once for vote in votes])
        for votes in product([0, 1], repeat=annotation.votes)
        if sum(votes) * 2 > annotation.votes
    )
    found = (drawn.label_qc == drawn.true_qc).mean()
    assert abs(found - right) < 4 * np.sqrt(right * (1 - right) / len(drawn.label_qc))
    if annotation.unit == "comparison":
        gap_1 = np.array([gap * judged.gold_pk.std()])
        assert annotation.chance_first(gap_1, judged.gold_pk.std())[0] == pytest.approx(right)


def test_several_ratings_are_their_mean():
    judged, rows, _ = pairs_alone()
    one, nine = (
        labelled(rows, judged, np.random.default_rng(0), Annotation("response", temperature=1.0, votes=votes))
        for votes in (1, 9)
    )
    noise = [np.std(drawn.rating_qm - drawn.gold_qm) for drawn in (one, nine)]
    assert noise[0] / noise[1] == pytest.approx(3, rel=0.02)
    assert noise[0] == pytest.approx(np.pi / np.sqrt(6) * judged.gold_pk.std(), rel=0.02)


def test_measures_of_the_truth_are_those_of_the_responses():
    drawn = draw_test_set(ResponsesAPrompt(4, annotation=Annotation(flip=0.3)), JUDGED, np.random.default_rng(0))
    score_fqm = SCORE_FVPK[:, 0][:, drawn.rows.prompt_q[:, None], drawn.rows.response_qm]
    found = measured_on(drawn, SCORE_FVPK, by_labels=False)
    for name, measure in MEASURES.items():
        ordered_q = np.isfinite(drawn.true_qc).any(axis=1)
        np.testing.assert_allclose(found[name][:, ordered_q], measure(score_fqm, drawn.gold_qm)[:, ordered_q])


def test_accuracy_by_labels_against_a_loop():
    drawn = draw_test_set(ResponsesAPrompt(4, annotation=Annotation(flip=0.4)), JUDGED, np.random.default_rng(0))
    accuracy_fq = measured_on(drawn, SCORE_FVPK)["accuracy"]
    for q, p in enumerate(drawn.rows.prompt_q):
        right = []
        for c, (i, j) in enumerate(combinations(range(4), 2)):
            score_i, score_j = (SCORE_FVPK[1, 0, p, drawn.rows.response_qm[q, k]] for k in (i, j))
            if drawn.gold_qm[q, i] != drawn.gold_qm[q, j]:
                tied = score_i == score_j
                right.append(0.5 if tied else float((score_i > score_j) == (drawn.label_qc[q, c] == 1)))
        assert accuracy_fq[1, q] == pytest.approx(np.mean(right) if right else np.nan, nan_ok=True)


def test_flips_lower_accuracy_by_their_law_and_are_taken_off_again():
    judged = JudgedResponses(np.random.default_rng(1).normal(size=(20_000, 2)))
    score_fpk = judged.gold_pk[None] + np.random.default_rng(2).normal(size=(1, 20_000, 2))
    drawn = draw_test_set(ResponsesAPrompt(2, annotation=Annotation(flip=0.2)), judged, np.random.default_rng(0))
    true, seen = (measured_on(drawn, score_fpk, by_labels=by)["accuracy"].mean() for by in (False, True))
    assert seen == pytest.approx(0.6 * true + 0.2, abs=4 * 0.5 / np.sqrt(20_000))
    assert denoised_accuracy(0.6 * true + 0.2, 0.2) == pytest.approx(true)
    with pytest.raises(DataError, match=r"flip: 0\.5"):
        denoised_accuracy(0.7, 0.5)


def test_comparisons_rate_by_wins_and_ratings_by_what_they_say():
    rows = ResponsesAPrompt(5).draw(JUDGED, np.random.default_rng(0))
    compared, rated = (
        labelled(rows, JUDGED, np.random.default_rng(0), Annotation(unit)) for unit in ("comparison", "response")
    )
    for q in range(len(rows.prompt_q)):
        wins = [sum(0.5 if b == a else a > b for b in compared.gold_qm[q]) - 0.5 for a in compared.gold_qm[q]]
        np.testing.assert_array_equal(compared.rating_qm[q], wins)
    np.testing.assert_array_equal(rated.rating_qm, rated.gold_qm)


def test_scores_are_those_of_the_wording():
    drawn = draw_test_set(ParaphraseShare(ResponsesAPrompt(3), 0.5), JUDGED, np.random.default_rng(0))
    found = measured_on(drawn, SCORE_FVPK)["accuracy"]
    for wording in (0, 1):
        at_q = drawn.rows.wording_q == wording
        own = Rows(drawn.rows.prompt_q[at_q], drawn.rows.response_qm[at_q], np.zeros(at_q.sum(), int))
        alone = measured_on(labelled(own, JUDGED, np.random.default_rng(0)), SCORE_FVPK[:, wording])["accuracy"]
        np.testing.assert_array_equal(found[:, at_q], alone)
    with pytest.raises(DataError, match="V wordings"):
        measured_on(drawn, SCORE_FVPK[:, 0])


def test_rows_of_equal_gold_have_no_value():
    judged = JudgedResponses(np.array([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]))
    annotation = Annotation(temperature=1.0)
    drawn = draw_test_set(ResponsesAPrompt(3, annotation=annotation), judged, np.random.default_rng(0))
    score_fpk = np.arange(6.0).reshape(1, 2, 3)
    for value_fq in measured_on(
        drawn, score_fpk, measures={"accuracy": MEASURES["accuracy"], "best_of_all": MEASURES["best_of_all"]}
    ).values():
        assert list(np.isnan(value_fq[0, np.argsort(drawn.rows.prompt_q)])) == [True, False]


def test_labels_without_a_pair_of_unequal_score_count_half():
    assert label_accuracy(
        np.zeros((2, 3)), np.array([[1.0, 0, 1], [0, np.nan, 1]]), np.array([[0, 1], [0, 2], [1, 2]])
    ).tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("scores", "said"),
    [
        (np.zeros((50, 7)), "it must be"),
        (np.zeros((2, 9, 7)), "the test set has prompt"),
        (np.full((2, 50, 7), np.inf), "score of the test set's responses at"),
    ],
)
def test_scores_of_other_shapes_are_refused(scores, said):
    drawn = draw_test_set(ResponsesAPrompt(7), JUDGED, np.random.default_rng(0))
    with pytest.raises(DataError, match=said):
        measured_on(drawn, scores)


def test_a_wording_that_is_not_there_is_refused():
    rows = Rows(np.zeros(1, int), np.array([[0, 1]]), np.array([2]))
    with pytest.raises(DataError, match="wording 2: prompts have 2"):
        labelled(rows, JUDGED, np.random.default_rng(0))
