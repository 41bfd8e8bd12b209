"""One battery for every head of the registry: what a reward model promises, whichever it is."""

import functools
import json
import sys

import numpy as np
import pytest

from rmkit.errors import DataError, ParamsError
from rmkit.reward_models.protocol import HasLastLayer, HasUncertainty
from rmkit.reward_models.registry import REWARD_MODELS, build, reward_model_class
from rmkit.training_sets.pair_sets import PairSets, ScoreSets
from tests.reward_models.worlds import QUICK, SMALL, PlantedWorld, centred, subset, with_more_padding

WORLD = PlantedWorld.make(0)
SIZES = (40, 150, 90)
TRAIN, VALIDATION = WORLD.sets(SIZES)
SCORED, SCORED_VALIDATION = WORLD.score_sets((300, 100))
LAST_LAYER_HEADS = ("linear_bt", "mlp_bt", "mlp_clf")
CLASSIFIERS = ("mlp_clf", "lightgbm_clf")
ENSEMBLES = ("mlp_bt_ensemble", "lightgbm_bt_ensemble")
UNCERTAIN_HEADS = ("linear_bt", *ENSEMBLES)  # networks and trees are asked in an ensemble
SMOOTH_HEADS = ("linear_bt", "mlp_bt_ensemble")  # trees are flat far from their data
LEAST_SHARE = dict.fromkeys(("lightgbm_clf", "lightgbm_bt", "lightgbm_bt_ensemble"), 0.75)  # of unseen pairs in order:
# steps follow a slope less well than lines do
LEAST_CORRELATION = dict.fromkeys(LEAST_SHARE, 0.9)  # of scores on unseen responses with the planted ones
FLOAT_DRIFT = 0.01  # of a reward's s.d.: a product of another shape sums in another order, training carries it on
FEW_STEPS = SMALL | {"max_steps": 60}
BRIEF = QUICK | {"mlp_bt": FEW_STEPS, "mlp_clf": FEW_STEPS, "mlp_bt_ensemble": {"n_members": 2, "options": FEW_STEPS}}
OTHER_OPTIONS = {
    "linear_bt": {"l2_grid": (3.0,)},
    "mlp_bt": {"hidden": (5,)},
    "mlp_clf": {"hidden": (5,)},
    "lightgbm_clf": {"n_leaves": 4},
    "lightgbm_bt": {"n_leaves": 4},
    "mlp_bt_ensemble": {"n_members": 2},
    "lightgbm_bt_ensemble": {"n_members": 2},
}

every_head = pytest.mark.parametrize("name", REWARD_MODELS)
every_uncertain_head = pytest.mark.parametrize("name", UNCERTAIN_HEADS)
every_last_layer = pytest.mark.parametrize("name", LAST_LAYER_HEADS)


def quick(name, **options):
    """The head with options that make it quick, which these may replace."""
    return build(name, **(QUICK.get(name, {}) | options))


def fitted(name, train=TRAIN, validation=VALIDATION, *, embedding_rd=WORLD.embedding_rd, seed=0, **options):
    rng_s = np.random.default_rng(seed).spawn(train.n_sets)
    return quick(name, **options).fit(embedding_rd, train, validation, rng_s=rng_s)


def fitted_on_scores(name, train=SCORED, validation=SCORED_VALIDATION, *, embedding_rd=WORLD.embedding_rd, seed=0):
    rng_s = np.random.default_rng(seed).spawn(train.n_sets)
    return quick(name).fit_scores(embedding_rd, train, validation, rng_s=rng_s)


def rewards(name, *sets, seed=0, **options):
    return fitted(name, *sets, seed=seed, **options).score(WORLD.embedding_rd)


@functools.cache
def default_model(name):
    """The head on these sets, fitted once; tests look at it and leave it as it is."""
    return fitted(name)


@functools.cache
def default_model_of_scores(name):
    return fitted_on_scores(name)


def told(name, reward_sr):
    """What pairs say of the rewards: of Bradley-Terry's nothing about their constant."""
    return reward_sr if name in CLASSIFIERS else centred(reward_sr)


def default_rewards(name):
    return default_model(name).score(WORLD.embedding_rd)


@pytest.fixture(scope="module", params=REWARD_MODELS)
def head(request):
    return request.param, default_model(request.param)


def folder_bytes(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@every_head
def test_a_planted_linear_reward_is_learned(name):
    """Ten training sets on one half of the responses: the mean share of pairs of the other half, which no fit has seen,
    that are ranked as the planted reward ranks them, with its standard error.
    """
    world = PlantedWorld.make(0, n_responses=1200)
    seen = PlantedWorld(world.embedding_rd[:600], world.reward_r[:600])
    model = fitted(name, *seen.sets([600] * 10, seed=3), embedding_rd=seen.embedding_rd)
    reward_sr = model.score(world.embedding_rd)
    first_m, second_m = np.random.default_rng(0).permutation(np.arange(600, 1200)).reshape(2, 300)
    planted_m = world.reward_r[first_m] > world.reward_r[second_m]
    share_s = ((reward_sr[:, first_m] > reward_sr[:, second_m]) == planted_m).mean(axis=1)
    assert share_s.mean() - 3 * share_s.std(ddof=1) / np.sqrt(10) > LEAST_SHARE.get(name, 0.9)


def test_rewards_are_float32_one_row_a_fit_and_finite(head):
    reward_sr = head[1].score(WORLD.embedding_rd)
    assert (reward_sr.dtype, reward_sr.shape) == (np.float32, (3, 600))
    assert np.isfinite(reward_sr).all()
    assert (reward_sr.std(axis=1) > 0).all()


@every_head
def test_which_heads_have_a_last_layer(name):
    assert isinstance(build(name), HasLastLayer) == (name in LAST_LAYER_HEADS)


@every_last_layer
def test_the_last_layers_features_and_weights_give_the_rewards(name):
    model = default_model(name)
    feature_srh, weight_sh = model.last_layer(WORLD.embedding_rd[:50])
    assert (feature_srh.dtype, weight_sh.dtype) == (np.float32, np.float32)
    assert feature_srh.shape == (3, 50, weight_sh.shape[1])
    by_hand_sr = np.einsum("srh,sh->sr", feature_srh.astype(np.float64), weight_sh.astype(np.float64))
    np.testing.assert_allclose(by_hand_sr, model.score(WORLD.embedding_rd[:50]), rtol=1e-4, atol=1e-5)
    with pytest.raises(DataError, match="has 7 dimensions; the model was fitted on 8"):
        model.last_layer(WORLD.embedding_rd[:, :7])


def test_a_response_is_scored_the_same_alone_as_among_others(head):
    np.testing.assert_allclose(
        head[1].score(WORLD.embedding_rd[41:42])[:, 0], head[1].score(WORLD.embedding_rd)[:, 41], rtol=1e-4, atol=1e-5
    )


def test_blocks_bound_the_memory_and_change_nothing(head, monkeypatch):
    name, model = head
    whole_sr = model.score(WORLD.embedding_rd)
    for module in [module for module in sys.modules if module.startswith("rmkit.reward_models.")]:
        if hasattr(sys.modules[module], "BLOCK_NUMBERS"):
            monkeypatch.setattr(f"{module}.BLOCK_NUMBERS", 1000)
    np.testing.assert_allclose(model.score(WORLD.embedding_rd), whole_sr, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(rewards(name), whole_sr, rtol=1e-3, atol=1e-4)


def test_what_is_saved_scores_the_same_when_loaded(head, tmp_path):
    name, model = head
    model.save(tmp_path / "model")
    loaded = reward_model_class(name).load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.score(WORLD.embedding_rd), model.score(WORLD.embedding_rd))
    np.testing.assert_array_equal(loaded.validation_log_loss_s_, model.validation_log_loss_s_)
    assert loaded == model  # the options
    loaded.save(tmp_path / "again")
    assert folder_bytes(tmp_path / "again") == folder_bytes(tmp_path / "model")
    assert json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))["format"] == 2


@every_head
def test_other_options_are_saved_and_change_the_rewards(name, tmp_path):
    other = fitted(name, **OTHER_OPTIONS[name])
    other.save(tmp_path)
    assert reward_model_class(name).load(tmp_path) == other != quick(name)
    assert not np.allclose(other.score(WORLD.embedding_rd), default_rewards(name), rtol=1e-3)


@every_head
def test_same_generator_same_bytes(name, tmp_path):
    for folder in ("one", "other"):
        fitted(name, seed=5, **BRIEF.get(name, {})).save(tmp_path / folder)
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "other")


@every_head
def test_another_generator_matters_to_the_heads_that_draw_and_to_no_other(name):
    one_sr, other_sr = (rewards(name, seed=seed, **BRIEF.get(name, {})) for seed in (1, 2))
    assert np.array_equal(one_sr, other_sr) == (not build(name).draws)


@every_head
def test_global_generators_are_neither_read_nor_moved(name):
    torch = pytest.importorskip("torch")
    first = default_rewards(name)
    torch.manual_seed(123)
    before = torch.get_rng_state()
    np.testing.assert_array_equal(rewards(name), first)
    assert torch.equal(torch.get_rng_state(), before)


@every_head
def test_padding_never_matters(name):
    padded = rewards(name, with_more_padding(TRAIN, 30), with_more_padding(VALIDATION, 11))
    np.testing.assert_array_equal(padded, default_rewards(name))


@every_head
def test_a_fit_does_not_depend_on_its_neighbours(name):
    together_sr = told(name, default_rewards(name))
    alone_sr = told(name, rewards(name, subset(TRAIN, [0]), subset(VALIDATION, [0])))
    np.testing.assert_allclose(alone_sr[0], together_sr[0], atol=FLOAT_DRIFT * together_sr[0].std())
    others = WORLD.sets((40, 500, 10, 70), seed=9)
    mixed = [
        PairSets.padded([real(mine, s) if s == 1 else real(theirs, s) for s in range(4)])
        for mine, theirs in zip((TRAIN, VALIDATION), others, strict=True)
    ]
    mixed_sr = told(name, rewards(name, *mixed))
    np.testing.assert_allclose(mixed_sr[1], together_sr[1], atol=FLOAT_DRIFT * together_sr[1].std())
    assert not np.allclose(mixed_sr[0], together_sr[0], atol=0.1 * together_sr[0].std())  # its pairs are others


def real(pairs, s):
    kept_m = pairs.weight_sm[s] > 0
    return pairs.chosen_sm[s, kept_m], pairs.rejected_sm[s, kept_m]


@every_head
def test_one_pair_is_enough_to_give_finite_rewards(name):
    """Even a set of one pair has a response of each class, so that no head meets a class alone."""
    reward_sr = rewards(name, *(PairSets.padded([WORLD.pairs(1, seed)]) for seed in (0, 1)), **BRIEF.get(name, {}))
    assert reward_sr.shape == (1, 600)
    assert np.isfinite(reward_sr).all()


@every_head
def test_pairs_of_small_weight_hardly_count(name):
    """300 pairs and as many that say the opposite of the planted reward: with equal weights these spoil the fit."""
    train, validation = WORLD.sets((300,), seed=4)
    pair_2m = np.array(WORLD.pairs(300, 5))
    worse_m, better_m = np.take_along_axis(pair_2m, WORLD.reward_r[pair_2m].argsort(axis=0), axis=0)
    follows = []
    for weight in (0.01, 1.0):
        both = PairSets(
            chosen_sm=np.hstack([train.chosen_sm, worse_m[None]]),
            rejected_sm=np.hstack([train.rejected_sm, better_m[None]]),
            weight_sm=np.r_[np.ones(300), np.full(300, weight)].astype(np.float32)[None],
        )
        follows.append(np.corrcoef(rewards(name, both, validation)[0], WORLD.reward_r)[0, 1])
    assert follows[0] > max(0.6, follows[1] + 0.1)


@every_head
def test_the_validation_loss_it_reports_is_never_worse_than_not_knowing_by_much(name):
    assert (default_model(name).validation_log_loss_s_ < np.log(2) + 0.02).all()


@every_head
def test_progress_ends_at_its_total(name):
    seen = []
    quick(name).fit(
        WORLD.embedding_rd,
        TRAIN,
        VALIDATION,
        rng_s=np.random.default_rng(0).spawn(TRAIN.n_sets),
        progress=lambda *step: seen.append(step),
    )
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert len({total for _, total in seen}) == 1
    assert seen[-1][0] == seen[-1][1]


@every_head
def test_embeddings_may_lie_on_disk_and_be_of_any_width(name, tmp_path):
    np.save(tmp_path / "embedding.npy", WORLD.embedding_rd)
    mapped_rd = np.load(tmp_path / "embedding.npy", mmap_mode="r")
    np.testing.assert_array_equal(fitted(name, embedding_rd=mapped_rd).score(mapped_rd), default_rewards(name))
    wide_rd = WORLD.embedding_rd.astype(np.float64)
    np.testing.assert_allclose(
        fitted(name, embedding_rd=wide_rd).score(wide_rd), default_rewards(name), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@every_head
def test_an_embedding_that_is_not_finite_is_named(name, bad, monkeypatch):
    monkeypatch.setattr("rmkit.reward_models.inputs.BLOCK_NUMBERS", 1000)  # so that it is not in the first block
    embedding_rd = WORLD.embedding_rd.copy()
    embedding_rd[211, 3] = bad
    with pytest.raises(DataError, match=rf"embedding_rd\[211, 3\] is {bad}"):
        fitted(name, embedding_rd=embedding_rd)
    with pytest.raises(DataError, match=rf"embedding_rd\[211, 3\] is {bad}"):
        default_model(name).score(embedding_rd)


@every_head
def test_a_value_that_float16_does_not_hold_is_explained(name):
    with np.errstate(over="ignore"):
        embedding_rd = (WORLD.embedding_rd.astype(np.float32) * np.where(np.arange(600) == 77, 1e6, 1)[:, None]).astype(
            np.float16
        )
    with pytest.raises(DataError, match=r"embedding_rd\[77, 0\] is .*inf; .*: float16 ends at 65504"):
        fitted(name, embedding_rd=embedding_rd)


@every_head
def test_an_embedding_beyond_float32_is_named(name):
    embedding_rd = WORLD.embedding_rd.astype(np.float64)
    embedding_rd[211, 3] = 1e200
    with pytest.raises(DataError, match=r"embedding_rd\[211, 3\] is 1e\+200; embeddings must be finite"):
        fitted(name, embedding_rd=embedding_rd)


@pytest.mark.parametrize(("side", "position"), [("chosen", 600), ("rejected", -1)])
@every_head
def test_a_pair_outside_the_responses_is_named(name, side, position):
    arrays = {key: getattr(TRAIN, key).copy() for key in ("chosen_sm", "rejected_sm", "weight_sm")}
    arrays[f"{side}_sm"][1, 7] = position
    broken = PairSets(**arrays)
    with pytest.raises(DataError, match=f"train set 1, pair 7: {side} is {position}, but there are 600 responses"):
        fitted(name, broken, VALIDATION)
    with pytest.raises(DataError, match=f"validation set 1, pair 7: {side} is {position}"):
        fitted(name, TRAIN, broken)


@every_head
def test_sets_that_do_not_match_are_counted(name):
    with pytest.raises(DataError, match="3 training sets but 2 validation sets"):
        fitted(name, TRAIN, subset(VALIDATION, [0, 1]))
    with pytest.raises(DataError, match="3 training sets but 2 generators"):
        quick(name).fit(WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=np.random.default_rng(0).spawn(2))
    with pytest.raises(DataError, match="0 training sets; a fit needs one"):
        fitted(name, subset(TRAIN, []), subset(VALIDATION, []))


@every_head
def test_rows_of_one_class_are_no_training_set_for_a_classifier(name):
    """A split by rows may leave only the chosen responses of set 1 to train on; Bradley-Terry has its pairs still."""
    row_sm2 = TRAIN.rows_sm2
    row_sm2[1, :, 1] = 0
    one_class = PairSets.of_rows(TRAIN.chosen_sm, TRAIN.rejected_sm, row_sm2)
    if name in CLASSIFIERS:
        with pytest.raises(DataError, match="train set 1: one-class labels, every row is a chosen response"):
            fitted(name, one_class)
    else:
        assert (fitted(name, one_class, **BRIEF.get(name, {})).score(WORLD.embedding_rd).std(axis=1) > 0).all()


@every_head
def test_which_row_of_a_pair_is_there_matters_to_classifiers_alone(name):
    """A row of each pair, weighing 2, is the pair itself for Bradley-Terry, whose two rows have one loss."""
    rng = np.random.default_rng(0)
    row_sm2 = 2 * np.eye(2, dtype=np.float32)[rng.integers(2, size=TRAIN.weight_sm.shape)] * TRAIN.rows_sm2
    divided = PairSets.of_rows(TRAIN.chosen_sm, TRAIN.rejected_sm, row_sm2)
    divided_sr, whole_sr = (told(name, rewards(name, train, **BRIEF.get(name, {}))) for train in (divided, TRAIN))
    same = np.allclose(divided_sr, whole_sr, atol=FLOAT_DRIFT * whole_sr.std(axis=1, keepdims=True))
    assert same == (name not in CLASSIFIERS)


@every_head
def test_planted_scores_are_recovered_on_responses_that_no_fit_has_seen(name):
    world = PlantedWorld.make(1, n_responses=1000)
    seen = PlantedWorld(world.embedding_rd[:700], world.reward_r[:700])
    train, validation = seen.score_sets([500] * 4, noise_sd=0.2)
    model = fitted_on_scores(name, train, validation, embedding_rd=seen.embedding_rd)
    unseen_sr = model.score(world.embedding_rd[700:])
    correlation_s = np.array([np.corrcoef(reward_r, world.reward_r[700:])[0, 1] for reward_r in unseen_sr])
    assert correlation_s.mean() - 3 * correlation_s.std(ddof=1) / 2 > LEAST_CORRELATION.get(name, 0.95)
    slope_s = [np.polyfit(reward_r, world.reward_r[700:], 1)[0] for reward_r in unseen_sr]
    np.testing.assert_allclose(slope_s, 1, atol=0.25)  # in the unit of the scores
    assert (model.validation_squared_error_s_ < 0.3 * world.reward_r.var()).all()


@every_head
def test_a_model_of_scores_is_saved_too_and_scores_the_same(name, tmp_path):
    model = default_model_of_scores(name)
    model.save(tmp_path)
    loaded = reward_model_class(name).load(tmp_path)
    np.testing.assert_array_equal(loaded.score(WORLD.embedding_rd), model.score(WORLD.embedding_rd))
    np.testing.assert_array_equal(loaded.validation_squared_error_s_, model.validation_squared_error_s_)
    assert not hasattr(loaded, "validation_log_loss_s_")


@every_head
def test_a_head_that_is_fitted_again_forgets_what_it_was_fitted_on(name):
    rng_s = np.random.default_rng(0).spawn(3)
    again = fitted_on_scores(name).fit(WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=rng_s)
    np.testing.assert_array_equal(again.score(WORLD.embedding_rd), default_rewards(name))
    assert hasattr(again, "validation_log_loss_s_")
    assert not hasattr(again, "validation_squared_error_s_")


@every_head
def test_scores_of_small_weight_hardly_count(name):
    """200 responses with their planted score and as many with minus it."""
    train, validation = WORLD.score_sets((400,), seed=2)
    sign_n = np.where(np.arange(400) < 200, 1.0, -1.0)
    follows = []
    for weight in (0.001, 1.0):
        weight_sn = np.where(sign_n > 0, 1, weight).astype(np.float32)[None]
        both = ScoreSets(train.position_sn, train.score_sn * sign_n, weight_sn)
        reward_r = fitted_on_scores(name, both, validation).score(WORLD.embedding_rd)[0]
        follows.append(((reward_r - WORLD.reward_r) ** 2).mean())
    assert follows[0] < min(0.5 * WORLD.reward_r.var(), follows[1])


@every_head
def test_a_score_set_that_does_not_fit_the_responses_is_named(name):
    position_sn = SCORED.position_sn.copy()
    position_sn[1, 5] = 600
    outside = ScoreSets(position_sn, SCORED.score_sn, SCORED.weight_sn)
    with pytest.raises(DataError, match="train set 1, row 5: position is 600, but there are 600 responses"):
        fitted_on_scores(name, outside)
    with pytest.raises(DataError, match="validation set 1, row 5: position is 600"):
        fitted_on_scores(name, SCORED, outside)
    with pytest.raises(DataError, match="2 training sets but 1 validation sets"):
        fitted_on_scores(name, SCORED, WORLD.score_sets((40,))[1])


@every_head
def test_some_fits_alone_are_those_fits(name, tmp_path):
    model, position_g = default_model(name), np.array([2, 0])
    some = model.only(position_g)
    np.testing.assert_array_equal(some.score(WORLD.embedding_rd), default_rewards(name)[position_g])
    np.testing.assert_array_equal(some.validation_log_loss_s_, model.validation_log_loss_s_[position_g])
    assert some == model
    assert len(model.score(WORLD.embedding_rd[:1])) == 3
    some.save(tmp_path)
    loaded = reward_model_class(name).load(tmp_path)
    np.testing.assert_array_equal(loaded.score(WORLD.embedding_rd), default_rewards(name)[position_g])
    if name in UNCERTAIN_HEADS:
        whole_sr = model.uncertainty(WORLD.embedding_rd)
        np.testing.assert_array_equal(loaded.uncertainty(WORLD.embedding_rd), whole_sr[position_g])


@every_head
def test_some_fits_of_scores_alone_are_those_fits(name):
    some = default_model_of_scores(name).only(np.array([1]))
    whole_sr = default_model_of_scores(name).score(WORLD.embedding_rd)
    np.testing.assert_array_equal(some.score(WORLD.embedding_rd), whole_sr[1:])
    assert some.validation_squared_error_s_ == default_model_of_scores(name).validation_squared_error_s_[1:]


@every_head
def test_which_heads_say_how_uncertain_they_are(name):
    assert isinstance(quick(name), HasUncertainty) == (name in UNCERTAIN_HEADS)


@pytest.mark.parametrize("model_of", [default_model, default_model_of_scores], ids=["pairs", "scores"])
@every_uncertain_head
def test_uncertainty_is_a_positive_float32_for_each_reward_and_is_saved(name, model_of, tmp_path):
    model = model_of(name)
    sd_sr = model.uncertainty(WORLD.embedding_rd)
    assert (sd_sr.dtype, sd_sr.shape) == (np.float32, model.score(WORLD.embedding_rd).shape)
    assert np.isfinite(sd_sr).all()
    assert (sd_sr >= 0).all()
    assert (sd_sr.mean(axis=1) > 0).all()
    model.save(tmp_path)
    np.testing.assert_array_equal(reward_model_class(name).load(tmp_path).uncertainty(WORLD.embedding_rd), sd_sr)
    with pytest.raises(DataError, match="has 7 dimensions; the model was fitted on 8"):
        model.uncertainty(WORLD.embedding_rd[:, :7])


@pytest.mark.parametrize("model_of", [default_model, default_model_of_scores], ids=["pairs", "scores"])
@pytest.mark.parametrize("name", SMOOTH_HEADS)
def test_a_head_is_less_sure_far_from_its_data(name, model_of):
    near_rd = WORLD.embedding_rd[:100].astype(np.float32)
    far_rd = near_rd.mean(axis=0) + 10 * (near_rd - near_rd.mean(axis=0))
    near_sr, far_sr = (model_of(name).uncertainty(embedding_rd) for embedding_rd in (near_rd, far_rd))
    assert (np.median(far_sr, axis=1) > 3 * np.median(near_sr, axis=1)).all()


@pytest.mark.parametrize("name", ["linear_bt", *ENSEMBLES])
def test_more_pairs_make_a_head_surer(name):
    """By the mean over ten sets of each size, against its standard error."""
    few, many = (fitted(name, *WORLD.sets([size] * 10, seed=size)) for size in (60, 600))
    few_s, many_s = (model.uncertainty(WORLD.embedding_rd).mean(axis=1) for model in (few, many))
    reward_sd = [model.score(WORLD.embedding_rd).std(axis=1).mean() for model in (few, many)]
    few_s, many_s = few_s / reward_sd[0], many_s / reward_sd[1]
    error = np.hypot(few_s.std(ddof=1), many_s.std(ddof=1)) / np.sqrt(10)
    assert few_s.mean() - many_s.mean() > 2 * error


@every_head
def test_embeddings_of_another_length_cannot_be_scored(name):
    with pytest.raises(DataError, match="has 7 dimensions; the model was fitted on 8"):
        default_model(name).score(WORLD.embedding_rd[:, :7])


@pytest.mark.parametrize("wrong_rd", [np.zeros((0, 8), np.float16), np.zeros(8), np.zeros((600, 8), np.int64)])
@every_head
def test_embeddings_that_are_no_float_matrix_are_refused(name, wrong_rd):
    with pytest.raises(DataError, match=r"must be floats \(R, D\)"):
        fitted(name, embedding_rd=wrong_rd)


@every_head
def test_a_folder_of_another_head_or_none_is_refused(name, tmp_path):
    other = "lightgbm_bt" if name == "linear_bt" else "linear_bt"
    default_model(other).save(tmp_path / "other")
    with pytest.raises(DataError, match=f"holds {other} of format 2, expected {name}"):
        reward_model_class(name).load(tmp_path / "other")
    with pytest.raises(DataError, match="cannot be read as a saved reward model"):
        reward_model_class(name).load(tmp_path / "nothing")
    (tmp_path / "other" / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(DataError, match="cannot be read as a saved reward model"):
        reward_model_class(other).load(tmp_path / "other")


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("linear_bt", {"l2_grid": ()}),
        ("linear_bt", {"l2_grid": (1.0, 0.0)}),
        ("mlp_bt", {"hidden": ()}),
        ("mlp_bt", {"batch_pairs": 0}),
        ("mlp_bt", {"learning_rate": 0.0}),
        ("mlp_bt", {"weight_decay": -1.0}),
        ("mlp_clf", {"patience": 0}),
        ("lightgbm_clf", {"n_rounds": 0}),
        ("lightgbm_clf", {"n_leaves": 1}),
        ("lightgbm_clf", {"learning_rate": -0.1}),
        ("lightgbm_bt", {"n_bins": 1}),
        ("lightgbm_bt", {"procedure": "publish"}),
        ("mlp_bt_ensemble", {"n_members": 1}),
        ("lightgbm_bt_ensemble", {"bootstrap": False}),
    ],
)
def test_an_impossible_option_is_a_mistake_of_the_parameters(name, options):
    with pytest.raises(ParamsError, match=f"{name}|{reward_model_class(name).__name__}"):
        build(name, **options)
