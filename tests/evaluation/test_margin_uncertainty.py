import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from rmkit.annotation.annotators import Annotator
from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError
from rmkit.evaluation.against_gold import NO_ANNOTATOR, ONE_REWARD
from rmkit.evaluation.margin_uncertainty import (
    CONSTANT,
    KEPT,
    NOT_ALIGNED,
    evaluate_held_out_uncertainty,
    evaluate_margin_uncertainty,
    held_out_sds,
    uncertainty_curves,
)
from rmkit.measures.margin_uncertainty import aligned_gold, half_width
from rmkit.reward_models.linear.bradley_terry import LinearBradleyTerry
from rmkit.reward_models.trees.bradley_terry import LightGBMBradleyTerry
from rmkit.training_sets.cross_fitting import cross_fitting
from rmkit.training_sets.pair_sets import PairSets

N_PROMPTS, K, D = 6, 5, 3
RNG = np.random.default_rng(0)
EMBEDDING_RD = RNG.normal(size=(200, D)).astype(np.float32)
TEST_RD = RNG.normal(size=(N_PROMPTS * K, D)).astype(np.float32)
W_D = RNG.normal(size=D)
GOLD_PK = (TEST_RD @ W_D + 0.3 * RNG.normal(size=len(TEST_RD))).reshape(N_PROMPTS, K)
FIRST_M, SECOND_M = RNG.integers(200, size=(2, 150))
WON_M = RNG.random(150) < expit((EMBEDDING_RD[FIRST_M] - EMBEDDING_RD[SECOND_M]) @ W_D)
LABELLED = np.where(WON_M, FIRST_M, SECOND_M), np.where(WON_M, SECOND_M, FIRST_M)
TRAIN = PairSets.padded([tuple(side[:60] for side in LABELLED), LABELLED])
MODEL = LinearBradleyTerry().fit(EMBEDDING_RD, TRAIN, TRAIN, rng_s=RNG.spawn(2))
FITS = pd.DataFrame(
    {"beta": [1.0, np.inf], "fit": ["linear_bt-60", "linear_bt-150"], "reward_model": "linear_bt", "position": [0, 1]}
)


def prefers_first(beta, gold_m2):
    return Annotator(beta).prefers_first(gold_m2)


def evaluated(fits=FITS, model=MODEL, gold_pk=GOLD_PK, ns=(1, 5), **options):
    shared = {"embedding_rd": EMBEDDING_RD, "train": TRAIN, "test_embedding_rd": TEST_RD, "gold_pk": gold_pk, "ns": ns}
    reward_fr = model.score(TEST_RD)[fits["position"]]
    return evaluate_margin_uncertainty(fits, {"linear_bt": model}, reward_fr, **shared, **options)


def value(rows, fit, metric, **at):
    here = rows[(rows["fit"] == fit) & (rows["metric"] == metric)]
    for column, wanted in at.items():
        here = here[here[column] == wanted]
    (found,) = here["value"]
    return found


def by_hand(fit, spread):
    """Rewards, sds and aligned gold of all pairs within prompts, one at a time."""
    model = MODEL.only(np.array([fit]))
    score_pk = model.score(TEST_RD)[0].astype(float).reshape(N_PROMPTS, K)
    root_pkd = model.reward_root(TEST_RD)[0].astype(float).reshape(N_PROMPTS, K, D)
    aligned_pk = aligned_gold(score_pk, GOLD_PK)
    rows = []
    for p in range(N_PROMPTS):
        for i, j in itertools.combinations(range(K), 2):
            lengths = [np.linalg.norm(root_pkd[p, k]) for k in (i, j)]
            sd = np.linalg.norm(root_pkd[p, i] - root_pkd[p, j]) if spread == "joint" else sum(lengths)
            rows.append(
                (score_pk[p, i] - score_pk[p, j], sd, aligned_pk[p, i] - aligned_pk[p, j], GOLD_PK[p, i], GOLD_PK[p, j])
            )
    return np.array(rows).T, score_pk, root_pkd, aligned_pk


@pytest.mark.parametrize("fit", [0, 1])
@pytest.mark.parametrize("spread", ["joint", "marginal"])
def test_rows_are_what_pairs_one_at_a_time_give(fit, spread):
    rows, name = evaluated(prefers_first=prefers_first), FITS["fit"][fit]
    (margin_m, sd_m, gold_m, first_m, second_m), score_pk, root_pkd, aligned_pk = by_hand(fit, spread)
    right_m = np.sign(margin_m) == np.sign(first_m - second_m)
    confident_m = np.abs(margin_m) > sd_m
    at = {"spread": spread}
    for metric, share in {
        "confident_right": right_m & confident_m,
        "confident_wrong": ~right_m & confident_m,
        "unconfident_right": right_m & ~confident_m,
        "unconfident_wrong": ~right_m & ~confident_m,
    }.items():
        assert value(rows, name, metric, **at) == pytest.approx(share.mean())
    surest_m = np.argsort(-np.abs(margin_m) / sd_m)
    for share in KEPT:
        kept_m = surest_m[: round(share * len(margin_m))]
        assert value(rows, name, "accuracy_of_surest", share=share, **at) == pytest.approx(right_m[kept_m].mean())
    for share in (0.5, 0.8, 0.95):
        z = half_width(share)
        assert value(rows, name, "gold_coverage", share=share, **at) == pytest.approx(
            np.mean(np.abs(gold_m - margin_m) <= z * sd_m)
        )
        picked = []  # of n = 5 responses: the largest reward
        for p in range(N_PROMPTS):
            k = score_pk[p].argmax()
            root_kd = root_pkd[p] - (root_pkd[p].mean(axis=0) if spread == "joint" else 0)
            error = aligned_pk[p, k] - (score_pk[p, k] - score_pk[p].mean())
            picked.append(abs(error) <= z * np.linalg.norm(root_kd[k]))
        assert value(rows, name, "gold_coverage_of_pick", share=share, n=5.0, **at) == pytest.approx(np.mean(picked))
    unit = np.sqrt(np.mean((score_pk - score_pk.mean(axis=1, keepdims=True)) ** 2))
    assert value(rows, name, "interval_width", **at) == pytest.approx(2 * half_width(0.95) * sd_m.mean() / unit)


def test_rows_have_what_varied_and_one_place_each():
    rows = evaluated(prefers_first=prefers_first)
    identity = ["beta", "fit", "reward_model", "metric", "n", "spread", "share"]
    assert list(rows) == [*identity, "value", "reason", "units", "split"]
    assert not rows.duplicated(identity).any()
    assert rows["value"].notna().all()
    assert set(rows["spread"]) == {"joint", "marginal", "none"}
    assert set(rows.loc[rows["spread"] == "none", "metric"]) == {"risk_coverage_area", "accuracy_of_surest"}
    assert set(rows.loc[rows["metric"] == "gold_coverage_of_pick", "units"]) == {N_PROMPTS}
    assert set(rows.loc[rows["metric"] == "gold_coverage", "units"]) == {N_PROMPTS * K * (K - 1) // 2}


def test_bounds_are_held_against_the_fits_own_annotator():
    """Without noise what happens is gold's order; an annotator who guesses is never exceeded by much."""
    rows = evaluated(FITS.assign(beta=[np.inf, 1e-6]), prefers_first=prefers_first)
    (margin_m, sd_m, *_), *_ = by_hand(1, "joint")
    claimed = expit(np.abs(margin_m) - sd_m)
    assert value(rows, "linear_bt-150", "lower_bound_error", spread="joint") == pytest.approx(
        np.maximum(claimed - 0.5, 0).mean(), abs=0.05
    )
    assert value(rows, "linear_bt-60", "upper_bound_error", spread="joint") > 0


@pytest.mark.parametrize("options", [{}, {"prefers_first": prefers_first}])
def test_without_an_annotator_bounds_have_a_reason(options):
    fits = FITS if not options else FITS.assign(beta=np.nan)
    rows = evaluated(fits, **options)
    bounds = rows[rows["metric"].isin(["elce", "mlce", "lower_bound_error", "upper_bound_error"])]
    assert set(bounds["reason"]) == {NO_ANNOTATOR}
    assert bounds["value"].isna().all()
    assert rows.drop(bounds.index)["value"].notna().all()


def test_what_is_undefined_has_a_reason():
    against = evaluated(gold_pk=-GOLD_PK, prefers_first=prefers_first)
    missing = against[against["value"].isna()]
    assert set(missing["metric"]) == {"gold_coverage", "gold_coverage_of_pick", "error_sd_correlation"}
    assert set(missing["reason"]) == {NOT_ALIGNED}

    class Flat(LinearBradleyTerry):
        def score(self, embedding_rd):
            return np.zeros((len(self.weight_sd_), len(embedding_rd)), np.float32)

    flat = Flat()
    vars(flat).update(vars(MODEL))
    rows = evaluated(model=flat)
    assert set(rows.loc[rows["metric"] == "interval_width", "reason"]) == {ONE_REWARD}
    assert value(rows, "linear_bt-60", "unconfident_right", spread="joint") == pytest.approx(0.5)
    assert CONSTANT not in set(rows["reason"].dropna())


def test_a_head_without_uncertainty_has_no_rows_and_neither_have_no_fits():
    trees = LightGBMBradleyTerry().fit(EMBEDDING_RD, TRAIN, TRAIN, rng_s=RNG.spawn(2))
    assert evaluated(model=trees).empty
    assert evaluated(FITS[:0]).empty


def test_more_than_forty_responses_are_drawn_from_an_equal_generator_alike():
    wide_rd = np.random.default_rng(1).normal(size=(2 * 50, D)).astype(np.float32)
    gold_pk = (wide_rd @ W_D).reshape(2, 50)
    shared = {"embedding_rd": EMBEDDING_RD, "train": TRAIN, "test_embedding_rd": wide_rd, "gold_pk": gold_pk, "ns": [1]}
    one, other, again = (
        evaluate_margin_uncertainty(
            FITS, {"linear_bt": MODEL}, MODEL.score(wide_rd), **shared, rng=np.random.default_rng(seed)
        )
        for seed in (0, 1, 0)
    )
    pd.testing.assert_frame_equal(one, again)
    assert not one["value"].equals(other["value"])
    assert set(one.loc[one["metric"] == "gold_coverage", "units"]) == {2 * 780}
    with pytest.raises(DataError, match="rng: is missing"):
        evaluate_margin_uncertainty(FITS, {"linear_bt": MODEL}, MODEL.score(wide_rd), **shared)


def test_blocks_of_prompts_change_nothing(monkeypatch):
    whole = evaluated(prefers_first=prefers_first)
    monkeypatch.setattr("rmkit.reward_models.inputs.BLOCK_NUMBERS", 20)
    parts = evaluated(prefers_first=prefers_first)
    pd.testing.assert_frame_equal(parts, whole)


def test_of_a_large_bank_evenly_spaced_prompts_are_taken(monkeypatch):
    """Three of the six, as if there were no others."""
    monkeypatch.setattr("rmkit.evaluation.margin_uncertainty.MOST_RESPONSES", 3 * K + 1)
    some = evaluated(prefers_first=prefers_first)
    taken_r = np.arange(N_PROMPTS * K).reshape(N_PROMPTS, K)[::2].ravel()
    alone = evaluate_margin_uncertainty(
        FITS, {"linear_bt": MODEL}, MODEL.score(TEST_RD[taken_r]), embedding_rd=EMBEDDING_RD, train=TRAIN,
        test_embedding_rd=TEST_RD[taken_r], gold_pk=GOLD_PK[::2], ns=[1, 5], prefers_first=prefers_first,
    )  # fmt: skip
    pd.testing.assert_frame_equal(some, alone)
    assert set(some.loc[some["metric"] == "gold_coverage_of_pick", "units"]) == {3}


def test_rewards_of_other_fits_are_refused():
    with pytest.raises(DataError, match="there are those of 1 fits, and `fits` lists 2"):
        evaluate_margin_uncertainty(
            FITS, {"linear_bt": MODEL}, MODEL.score(TEST_RD)[:1], embedding_rd=EMBEDDING_RD, train=TRAIN,
            test_embedding_rd=TEST_RD, gold_pk=GOLD_PK, ns=[1],
        )  # fmt: skip


def test_held_out_pairs_of_people_need_no_gold():
    rng = np.random.default_rng(2)
    margins = {"linear_bt": pd.DataFrame(rng.normal(0.5, 1, size=(2, 40)), index=[100, 200]), "trees": pd.DataFrame()}
    sds = {"linear_bt": {"joint": rng.uniform(0.1, 1, size=(2, 40)), "marginal": rng.uniform(1, 2, size=(2, 40))}}
    rows = evaluate_held_out_uncertainty(margins, sds | {"trees": None})
    assert set(rows["fit"]) == {"linear_bt-100", "linear_bt-200"}
    assert set(rows["split"]) == {"held-out prompts"}
    margin_m, sd_m = margins["linear_bt"].loc[200].to_numpy(), sds["linear_bt"]["joint"][1]
    assert value(rows, "linear_bt-200", "confident_wrong", spread="joint") == pytest.approx(np.mean(margin_m < -sd_m))
    assert not {"gold_coverage", "gold_coverage_of_pick"} & set(rows["metric"])
    weight_m = rng.uniform(0.5, 2, size=40)
    weighted = evaluate_held_out_uncertainty(margins, sds, weight_m=weight_m)
    assert value(weighted, "linear_bt-200", "confident_wrong", spread="joint") == pytest.approx(
        np.average(margin_m < -sd_m, weights=weight_m)
    )
    with pytest.raises(DataError, match=r"linear_bt: joint sds have shape \(1, 40\) and its margins \(2, 40\)"):
        evaluate_held_out_uncertainty(margins, {"linear_bt": {"joint": sds["linear_bt"]["joint"][:1]}})


def test_a_held_out_pair_is_as_sure_as_the_fit_that_did_not_see_it():
    second_m = FIRST_M // 10 * 10 + (FIRST_M + 1 + SECOND_M % 9) % 10  # another response to the same prompt
    table = pd.DataFrame({"first": FIRST_M, "second": second_m, "label": WON_M.astype(np.int8)})
    prompt_id_r = np.arange(200) // 10
    sets = cross_fitting(
        Comparisons(table), prompt_id_r, annotations=[20, 40], n_folds=2, validation_share=0.2,
        rng_of=lambda purpose: np.random.default_rng(len(purpose)),
    )  # fmt: skip
    model = LinearBradleyTerry().fit(EMBEDDING_RD, sets.train, sets.validation, rng_s=RNG.spawn(4))
    found = held_out_sds(model, sets, EMBEDDING_RD, 40)
    assert found["joint"].shape == (1, len(sets.scored_m))
    for column, m in enumerate(sets.scored_m):
        at = sets.fits[(sets.fits["annotations"] == 40) & (sets.fits["fold"] == sets.fold_m[m])].index
        chosen_d, rejected_d = model.reward_root(EMBEDDING_RD[[sets.chosen_m[m], sets.rejected_m[m]]])[at[0]]
        lengths = np.linalg.norm([chosen_d - rejected_d, chosen_d, rejected_d], axis=1)
        np.testing.assert_allclose(found["joint"][0, column], lengths[0], rtol=1e-4)
        np.testing.assert_allclose(found["marginal"][0, column], lengths[1:].sum(), rtol=1e-4)
    trees = LightGBMBradleyTerry().fit(EMBEDDING_RD, sets.train, sets.validation, rng_s=RNG.spawn(4))
    assert held_out_sds(trees, sets, EMBEDDING_RD, 40) is None


@pytest.mark.parametrize("n_seeds", [1, 4, 6])
def test_curves_are_means_over_seeds_with_an_interval_from_five_on(n_seeds):
    value_s = np.random.default_rng(3).normal(size=n_seeds)
    row = {"reward_model": "a", "metric": "gold_coverage", "spread": "joint", "share": 0.5, "n": np.nan, "reason": None}
    rows = pd.DataFrame([row | {"value": value} for value in value_s])
    plain = pd.DataFrame([row | {"metric": "accuracy", "spread": None, "value": 1.0}])
    (found,) = uncertainty_curves(pd.concat([rows, plain])).to_dict("records")
    assert found["mean"] == pytest.approx(value_s.mean())
    assert (found["seeds"], np.isnan(found["low"])) == (n_seeds, n_seeds < 5)
    assert bool(found["reason"]) == (n_seeds < 5)


def test_what_one_seed_lacks_is_missing_with_its_reason():
    row = {"reward_model": "a", "metric": "gold_coverage", "spread": "joint", "share": 0.5, "n": np.nan}
    rows = pd.DataFrame([row | {"value": 1.0, "reason": None}, row | {"value": np.nan, "reason": NOT_ALIGNED}])
    (found,) = uncertainty_curves(rows).to_dict("records")
    assert np.isnan(found["mean"])
    assert found["reason"] == NOT_ALIGNED
