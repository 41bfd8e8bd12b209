from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rmkit.ablations.validation_split import (
    against_gold,
    as_released,
    on_held_out_pairs,
    stops,
    with_own_fits,
)
from rmkit.artifacts.comparisons import Comparisons
from rmkit.artifacts.metric import Metric
from rmkit.errors import DataError
from rmkit.evaluation.against_gold import evaluate_against_gold
from rmkit.reward_models.registry import build
from rmkit.training_sets.by_annotations import training_sets
from rmkit.training_sets.cross_fitting import cross_fitting

P, K, D = 60, 4, 64
RNG = np.random.default_rng(0)
EMBEDDING_RD = RNG.normal(size=(P * K, D)).astype(np.float16)
GOLD_PK = (EMBEDDING_RD.astype(float) @ RNG.normal(size=D)).reshape(P, K)
PROMPT_ID_R = np.repeat(np.arange(P), K)
BETAS = (0.5, 3.0)


def rng_of(name):
    return np.random.default_rng([ord(letter) for letter in name])


def no_bar(what):
    del what
    return lambda done, total: None


def comparisons(betas=BETAS):
    """All six pairs of each prompt's responses, in random order, at each level of noise."""
    pair_c2 = np.stack(np.triu_indices(K, k=1), axis=1)
    pair_m2 = (K * np.arange(P)[:, None, None] + pair_c2).reshape(-1, 2)
    pair_m2 = np.random.default_rng(2).permutation(pair_m2)
    table = pd.DataFrame({"first": pair_m2[:, 0], "second": pair_m2[:, 1]})
    gap_m = GOLD_PK.ravel()[table["first"]] - GOLD_PK.ravel()[table["second"]]
    uniform_m = np.random.default_rng(1).random(len(table))
    levels = [table.assign(beta=b, label=(uniform_m < 1 / (1 + np.exp(-b * gap_m))).astype(np.int8)) for b in betas]
    return Comparisons(pd.concat(levels, ignore_index=True))


def sets_of(split, annotations=(100, 200)):
    return training_sets(
        comparisons(), annotations=annotations, validation_share=0.2, validation_split=split, rng_of=rng_of
    )


SETS = {split: sets_of(split) for split in ("mirrored_row", "pair")}


@pytest.fixture(scope="module")
def arms():
    return as_released(EMBEDDING_RD, SETS, rng_of=rng_of, progress=no_bar)


def studys_own(annotations=(50, 100, 200), *, ns=(1, 2, 4), reward_model="mlp_bt"):
    """What a study's reward models were evaluated to: a network, and a baseline that learned nothing."""
    every = sets_of("pair", annotations)
    model = build("mlp_bt", hidden=(16,)).fit(
        EMBEDDING_RD, every.train, every.validation, rng_s=[rng_of(stream) for stream in every.streams]
    )
    fits = every.fits.assign(reward_model=reward_model, fit=[f"own {s}" for s in range(len(every.fits))])
    plain = pd.DataFrame({"fit": ["random"], "reward_model": ["random"]})
    reward_fr = [*model.score(EMBEDDING_RD), np.random.default_rng(5).normal(size=P * K)]
    fits = pd.concat([fits, plain], ignore_index=True)
    return evaluate_against_gold(fits, reward_fr, GOLD_PK, np.arange(P), ns=ns)[1]


def test_the_four_arms_as_released(arms):
    assert [arm.name for arm in arms] == [
        "mlp_bt published mirrored_row",
        "mlp_clf published mirrored_row",
        "mlp_bt published pair",
        "mlp_clf published pair",
    ]
    assert all(len(arm.fits) == 4 for arm in arms)


def test_the_studys_own_fits_stand_beside_the_arms_as_they_were_evaluated(arms):
    _, released = against_gold(arms, EMBEDDING_RD, GOLD_PK, np.arange(P), ns=[1, 4])
    study = studys_own()
    both = with_own_fits(released, study, procedure="sound", validation_split="pair")
    own = both.fits[both.fits["arm"] == "mlp_bt sound pair"]
    assert len(both.fits) == 20
    assert both.fits["fit"].is_unique
    assert set(own["annotations"]) == {100, 200}  # the arms' numbers, not the study's 50
    taken = study.fits.index[study.fits["annotations"].isin([100, 200])]
    for metric in released.metrics():
        np.testing.assert_array_equal(both.value_fp(metric)[own.index], study.value_fp(metric)[taken])
    again = with_own_fits(released, study, procedure="published", validation_split="pair")
    assert len(again.fits) == len(released.fits)  # that arm is there already
    other = with_own_fits(released, studys_own(reward_model="linear_bt"), procedure="sound", validation_split="pair")
    assert len(other.fits) == len(released.fits)  # another head is no arm


def test_fits_of_other_prompts_or_without_a_metric_are_refused(arms):
    _, released = against_gold(arms, EMBEDDING_RD, GOLD_PK, np.arange(P), ns=[1, 4])
    elsewhere = replace(released, prompt_id_p=released.prompt_id_p + 1)
    with pytest.raises(DataError, match="on other prompts than the ablation's"):
        with_own_fits(elsewhere, studys_own(), procedure="sound", validation_split="pair")
    with pytest.raises(DataError, match="have no best_of_4, proxy_of_pick_4"):
        with_own_fits(released, studys_own(ns=(1, 2)), procedure="sound", validation_split="pair")


def test_a_head_starts_alike_under_both_splits_and_learns_otherwise(arms):
    under_rows, under_pairs = (arm.model.score(EMBEDDING_RD) for arm in (arms[0], arms[2]))
    for one_r, other_r in zip(under_rows, under_pairs, strict=True):
        assert 0.5 < np.corrcoef(one_r, other_r)[0, 1] < 0.9999


def test_early_stopping_does_not_see_bradley_terrys_over_fitting_where_rows_are_mirrored(arms):
    """At beta 0.5 nearly half of the labels are wrong, and pairs are few: a clean split stops at once."""
    released = stops(arms).set_index(["reward_model", "validation"])
    assert released.loc[("mlp_bt", "mirrored_row"), "step kept"] > 1.5 * released.loc[("mlp_bt", "pair"), "step kept"]
    losses = released["validation log-loss"]
    assert losses[("mlp_bt", "mirrored_row")] < losses[("mlp_bt", "pair")] - 0.05


def test_every_fit_is_held_against_gold_under_its_arm(arms):
    rows, evaluations = against_gold(arms, EMBEDDING_RD, GOLD_PK, np.arange(P), ns=[1, 4])
    assert len(rows["fit"].unique()) == len(evaluations.fits) == 16
    assert evaluations.fits["fit"].is_unique
    assert {"arm", "procedure", "validation", "reward_model", "beta", "annotations"} <= set(evaluations.fits)
    picks_pk = arms[2].model.score(EMBEDDING_RD)[3].reshape(P, K)
    best = GOLD_PK[np.arange(P), picks_pk.argmax(axis=1)].mean()
    fit = evaluations.fits.index[evaluations.fits["arm"] == "mlp_bt published pair"][3]
    assert evaluations.value_fp(Metric("best_of_n", 4))[fit].mean() == pytest.approx(best, rel=1e-5)


def test_on_judged_pairs_every_arm_has_its_held_out_margins():
    judged = comparisons((1.0,))
    options = {"annotations": [40, 80], "n_folds": 3, "validation_share": 0.25, "rng_of": rng_of}
    sets = {
        split: cross_fitting(judged, PROMPT_ID_R, validation_split=split, **options)
        for split in ("mirrored_row", "pair")
    }
    arms = as_released(EMBEDDING_RD, sets, heads=["mlp_clf"], rng_of=rng_of, progress=no_bar)
    rows, evaluations = on_held_out_pairs(arms, EMBEDDING_RD, PROMPT_ID_R)
    assert list(evaluations.fits["arm"].unique()) == ["mlp_clf published mirrored_row", "mlp_clf published pair"]
    assert list(evaluations.fits["reward_model"].unique()) == ["mlp_clf"]
    assert set(evaluations.values) == {"accuracy", "log_loss", "brier", "overconfidence"}
    assert np.isfinite(rows["value"]).all()
