"""What each design draws, by its definition; whatever design, rows are of different responses to one prompt."""

import itertools

import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.bank import ResponseBank
from rmkit.errors import DataError
from rmkit.evaluation.test_sets.annotation import Annotation
from rmkit.evaluation.test_sets.annotation_noise import AnnotationNoise
from rmkit.evaluation.test_sets.category import InCategory
from rmkit.evaluation.test_sets.design import draw_test_set
from rmkit.evaluation.test_sets.fixed_budget import FixedBudget
from rmkit.evaluation.test_sets.judged import JudgedResponses, Rows
from rmkit.evaluation.test_sets.number_of_pairs import NumberOfPairs
from rmkit.evaluation.test_sets.paraphrase_share import ParaphraseShare
from rmkit.evaluation.test_sets.rank_bins import RankBins
from rmkit.evaluation.test_sets.registry import DESIGNS
from rmkit.evaluation.test_sets.response_source import ResponseSource
from rmkit.evaluation.test_sets.responses_a_prompt import ResponsesAPrompt

N_PROMPTS, K = 60, 9
RNG = np.random.default_rng(0)
GOLD_PK = RNG.normal(size=(N_PROMPTS, K))
SOURCE_PK = np.broadcast_to(np.array(["sft"] * 4 + ["base"] * 3 + ["large"] * 2), GOLD_PK.shape)
CATEGORY_P = np.array(["chat", "code", "maths"])[np.arange(N_PROMPTS) % 3]
JUDGED = JudgedResponses(GOLD_PK, SOURCE_PK, CATEGORY_P, n_wordings=3)
PLAIN = ResponsesAPrompt(4)
DRAWN = {
    "response_source": ResponseSource("mixed", own="sft", n_responses=5),
    "rank_bins": RankBins(2, 0),
    "category": InCategory("code", n_responses=3),
    "paraphrase_share": ParaphraseShare(PLAIN, 0.5),
    "number_of_pairs": NumberOfPairs(200),
    "responses_a_prompt": PLAIN,
    "fixed_budget": FixedBudget(100, 3),
    "annotation_noise": AnnotationNoise(PLAIN, Annotation(flip=0.2, votes=3)),
}


def test_every_design_is_tried_here():
    assert set(DRAWN) == set(DESIGNS)
    assert all(isinstance(design, DESIGNS[name]) for name, design in DRAWN.items())


@pytest.mark.parametrize("name", DESIGNS)
def test_a_design_draws_rows_of_different_responses_by_its_generator_alone(name):
    first, again, other = (draw_test_set(DRAWN[name], JUDGED, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.rows.response_qm, again.rows.response_qm)
    np.testing.assert_array_equal(first.label_qc, again.label_qc)
    assert first.rows.response_qm.shape == other.rows.response_qm.shape
    assert (first.rows.response_qm != other.rows.response_qm).any()
    assert (np.diff(np.sort(first.rows.response_qm, axis=1), axis=1) > 0).all()
    assert first.rows.prompt_q.max() < N_PROMPTS
    np.testing.assert_array_equal(first.gold_qm, GOLD_PK[first.rows.prompt_q[:, None], first.rows.response_qm])


@pytest.mark.parametrize(
    ("design", "of_own"),
    [
        (ResponseSource("sft", n_responses=4), {4}),
        (ResponseSource("base", n_responses=3), {0}),
        (ResponseSource("others", own="sft", n_responses=5), {0}),
        (ResponseSource("mixed", own="sft"), {1}),
        (ResponseSource("mixed", own="sft", n_responses=5), {2}),
    ],
)
def test_the_source_of_responses_is_as_asked(design, of_own):
    rows = design.draw(JUDGED, np.random.default_rng(0))
    source_qm = SOURCE_PK[rows.prompt_q[:, None], rows.response_qm]
    assert set((source_qm == "sft").sum(axis=1)) == of_own
    assert len(rows.prompt_q) == N_PROMPTS
    assert len(np.unique(rows.response_qm)) > 2


@pytest.mark.parametrize(("chosen", "rejected"), [(2, 0), (2, 2), (1, 0), (0, 0)])
def test_rank_bins_are_by_gold_of_each_prompt(chosen, rejected):
    rank_pk = GOLD_PK.argsort(axis=1).argsort(axis=1)
    seen = set()
    for seed in range(20):
        rows = RankBins(chosen, rejected).draw(JUDGED, np.random.default_rng(seed))
        rank_q2 = rank_pk[rows.prompt_q[:, None], rows.response_qm]
        assert set(rank_q2[:, 0] // 3) == {chosen}
        assert set(rank_q2[:, 1] // 3) == {rejected}
        assert (rank_q2[:, 0] > rank_q2[:, 1]).all()
        seen |= set(map(tuple, rank_q2))
    assert len(seen) == (3 if chosen == rejected else 9)


def test_a_category_has_its_prompts_alone():
    rows = InCategory("maths", n_prompts=15).draw(JUDGED, np.random.default_rng(0))
    assert set(CATEGORY_P[rows.prompt_q]) == {"maths"}
    assert len(set(rows.prompt_q)) == 15


def test_paraphrases_are_nested_exact_in_share_and_of_the_same_rows():
    drawn = [ParaphraseShare(PLAIN, share).draw(JUDGED, np.random.default_rng(3)) for share in (0.0, 0.25, 0.5, 1.0)]
    for before, after in itertools.pairwise(drawn):
        np.testing.assert_array_equal(before.response_qm, after.response_qm)
        kept_q = before.wording_q > 0
        np.testing.assert_array_equal(before.wording_q[kept_q], after.wording_q[kept_q])
    assert [np.count_nonzero(rows.wording_q) for rows in drawn] == [0, 15, 30, 60]
    assert set(drawn[-1].wording_q) == {1, 2}


def test_pairs_are_of_every_prompt_before_any_comes_again_and_none_twice():
    rows = NumberOfPairs(150).draw(JUDGED, np.random.default_rng(0))
    assert set(np.bincount(rows.prompt_q)) == {2, 3}
    pairs = {(p, *sorted(pair)) for p, pair in zip(rows.prompt_q, rows.response_qm, strict=True)}
    assert len(pairs) == 150


@pytest.mark.parametrize(
    ("unit", "votes", "m", "n_prompts"),
    [("comparison", 1, 2, 50), ("comparison", 1, 5, 5), ("comparison", 3, 3, 5), ("response", 1, 5, 10), ("response", 2, 8, 3)],
)  # fmt: skip
def test_a_budget_pays_for_all_comparisons_or_all_ratings_of_a_prompt(unit, votes, m, n_prompts):
    drawn = draw_test_set(FixedBudget(50, m, Annotation(unit, votes=votes)), JUDGED, np.random.default_rng(0))
    assert len(drawn.gold_qm) == n_prompts
    each = m if unit == "response" else m * (m - 1) // 2
    assert drawn.cost == n_prompts * each * votes <= 50


def test_of_one_seed_all_annotations_are_of_the_same_rows():
    quiet, noisy = (
        draw_test_set(AnnotationNoise(PLAIN, one), JUDGED, np.random.default_rng(5))
        for one in (Annotation(), Annotation(flip=0.3))
    )
    np.testing.assert_array_equal(quiet.rows.response_qm, noisy.rows.response_qm)
    np.testing.assert_array_equal(quiet.label_qc, noisy.true_qc)
    assert (noisy.label_qc != noisy.true_qc).mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / noisy.label_qc.size))


def test_a_part_of_the_prompts_is_numbered_anew():
    part = JUDGED.only(CATEGORY_P == "code")
    assert set(part.category_p) == {"code"}
    np.testing.assert_array_equal(part.gold_pk, GOLD_PK[CATEGORY_P == "code"])
    assert part.n_wordings == 3


def bank():
    prompts = pd.DataFrame({"prompt_id": np.arange(N_PROMPTS), "category": CATEGORY_P})
    responses = pd.DataFrame({"prompt_id": np.repeat(np.arange(N_PROMPTS), K), "model": SOURCE_PK.ravel()})
    source = {"gold": {"model": "rule", "revision": None, "template": None}}
    gold = {"gold": GOLD_PK.ravel().astype(np.float32)}
    return ResponseBank(prompts, responses, np.zeros((N_PROMPTS * K, 2), np.float16), {}, gold, source)


def test_a_bank_gives_gold_sources_and_categories_by_their_columns():
    judged = JudgedResponses.of_bank(bank(), source="model", category="category")
    np.testing.assert_allclose(judged.gold_pk, GOLD_PK, rtol=1e-6)
    np.testing.assert_array_equal(judged.source_pk, SOURCE_PK)
    np.testing.assert_array_equal(judged.category_p, CATEGORY_P)
    with pytest.raises(DataError, match="gold: 'truth' is not one of gold"):
        JudgedResponses.of_bank(bank(), gold="truth")
    with pytest.raises(DataError, match=r"source of responses: 'modle' is not one of .*did you mean 'model'"):
        JudgedResponses.of_bank(bank(), source="modle")


BARE = JudgedResponses(GOLD_PK)
TIED = JudgedResponses(np.zeros((30, 6)))


@pytest.mark.parametrize(
    ("design", "judged", "said"),
    [
        (ResponseSource("stf"), JUDGED, "source: 'stf' is not one of base, large, sft; did you mean 'sft'"),
        (ResponseSource("sft"), BARE, "source 'sft': these responses do not say who wrote them"),
        (ResponseSource("others"), JUDGED, "say whose responses are the policy's own"),
        (ResponseSource("large", n_responses=3), JUDGED, "3 responses of the source large: 0 of 60 prompts"),
        (
            ResponseSource("mixed", own="large", n_responses=6),
            JUDGED,
            "3 responses of the policy and 3 of others: 0 of",
        ),
        (InCategory("poems"), JUDGED, "category: 'poems' is not one of chat, code, maths"),
        (InCategory("chat"), BARE, "these prompts have no categories"),
        (InCategory("chat", n_prompts=21), JUDGED, "21 prompts with 2 responses in the category chat: 20 of 60"),
        (RankBins(9, 0, n_bins=10), JUDGED, "rank bins 9 and 0 of 10: 9 responses to a prompt have no such pair"),
        (RankBins(3, 3, n_bins=9), JUDGED, "rank bins 3 and 3 of 9: 9 responses to a prompt have no such pair"),
        (RankBins(2, 0), TIED, "a pair of unequal gold in rank bins 2 and 0 of 3: 0 of 30 prompts"),
        (ResponsesAPrompt(10), JUDGED, "10 responses to a prompt: a design takes 2 to 9"),
        (ResponsesAPrompt(1), JUDGED, "1 responses to a prompt"),
        (ResponsesAPrompt(2, n_prompts=0), JUDGED, "n_prompts: 0"),
        (ResponsesAPrompt(2, n_prompts=61), JUDGED, "61 prompts with 2 responses: 60 of 60"),
        (FixedBudget(9, 5), JUDGED, "a budget of 9 comparisons: one prompt with 5 responses takes 10"),
        (FixedBudget(4, 5, Annotation("response")), JUDGED, "a budget of 4 responses: one prompt .* takes 5"),
        (NumberOfPairs(60 * 36 + 1), JUDGED, "60 prompts offer 36 random pairs each"),
        (ParaphraseShare(PLAIN, 0.5), BARE, "these prompts have one wording"),
        (AnnotationNoise(ResponsesAPrompt(2), Annotation(temperature=1.0)), TIED, "all gold rewards are equal"),
    ],
)
def test_what_cannot_be_drawn_is_one_sentence(design, judged, said):
    with pytest.raises(DataError, match=said):
        draw_test_set(design, judged, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: RankBins(0, 1), "the rejected one is not above the chosen one"),
        (lambda: ParaphraseShare(PLAIN, 1.2), "share of paraphrases: 1.2"),
        (lambda: Annotation("token"), "unit: 'token' is not one of comparison, response"),
        (lambda: Annotation(flip=0.5), "flip: 0.5"),
        (lambda: Annotation(votes=2), "votes: 2"),
        (lambda: Annotation(temperature=-1), "temperature: -1"),
        (lambda: Annotation("response", flip=0.1), "a rating has no other side"),
        (lambda: JudgedResponses(np.zeros((3, 1))), r"gold_pk: shape \(3, 1\)"),
        (lambda: JudgedResponses(np.full((3, 2), np.nan)), "gold reward at"),
        (lambda: JudgedResponses(GOLD_PK, category_p=CATEGORY_P[:5]), "category_p"),
        (lambda: JudgedResponses(GOLD_PK, n_wordings=0), "n_wordings: 0"),
        (lambda: Rows(np.zeros(1, int), np.array([[2, 2]]), np.zeros(1, int)), "a response twice"),
        (lambda: Rows(np.zeros(2, int), np.array([[2, 1]]), np.zeros(1, int)), "a prompt and a wording each"),
        (lambda: Rows(np.zeros(1, int), np.array([[2]]), np.zeros(1, int)), "a row of at least two"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_made(call, said):
    with pytest.raises(DataError, match=said):
        call()
