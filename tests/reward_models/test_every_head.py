"""One battery for every head of the registry: what a reward model promises, whichever it is."""

import functools
import json

import numpy as np
import pytest

from rmkit.comparisons import PairSets
from rmkit.errors import DataError, ParamsError
from rmkit.reward_models.protocol import HasLastLayer
from rmkit.reward_models.registry import REWARD_MODELS, build, reward_model_class
from tests.reward_models.worlds import PlantedWorld, subset, with_more_padding

WORLD = PlantedWorld.make(0)
SIZES = (40, 150, 90)
TRAIN, VALIDATION = WORLD.sets(SIZES)
RANDOM_HEADS = ("mlp_bt", "mlp_clf")
LAST_LAYER_HEADS = ("linear_bt", "mlp_bt", "mlp_clf")
LEAST_SHARE = {"lightgbm_clf": 0.75}  # of unseen pairs in the right order; steps follow a slope less well than lines do
FLOAT_DRIFT = 0.01  # of a reward's s.d.: a product of another shape sums in another order, training carries it on
BRIEF = {"mlp_bt": {"max_steps": 60}, "mlp_clf": {"max_steps": 60}}  # where it does not matter how good a fit is
OTHER_OPTIONS = {
    "linear_bt": {"l2_grid": (3.0,)},
    "mlp_bt": {"hidden": (5,)},
    "mlp_clf": {"hidden": (5,)},
    "lightgbm_clf": {"n_leaves": 4},
}

every_head = pytest.mark.parametrize("name", REWARD_MODELS)
every_last_layer = pytest.mark.parametrize("name", LAST_LAYER_HEADS)


def fitted(name, train=TRAIN, validation=VALIDATION, *, embedding_rd=WORLD.embedding_rd, seed=0, **options):
    return build(name, **options).fit(
        embedding_rd, train, validation, rng_s=np.random.default_rng(seed).spawn(train.n_sets)
    )


def rewards(name, *sets, seed=0, **options):
    return fitted(name, *sets, seed=seed, **options).score(WORLD.embedding_rd)


@functools.cache
def default_model(name):
    """The head with its defaults on these sets, fitted once; tests look at it and leave it as it is."""
    return fitted(name)


def default_rewards(name):
    return default_model(name).score(WORLD.embedding_rd)


@pytest.fixture(scope="module", params=REWARD_MODELS)
def head(request):
    return request.param, default_model(request.param)


def folder_bytes(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


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
    for module in ("protocol", "mlp", "mlp_training"):
        monkeypatch.setattr(f"rmkit.reward_models.{module}.BLOCK_NUMBERS", 1000)
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
    assert json.loads((tmp_path / "model" / "model.json").read_text())["format"] == 1


@every_head
def test_other_options_are_saved_and_change_the_rewards(name, tmp_path):
    other = fitted(name, **OTHER_OPTIONS[name])
    other.save(tmp_path)
    assert reward_model_class(name).load(tmp_path) == other != build(name)
    assert not np.allclose(other.score(WORLD.embedding_rd), default_rewards(name), rtol=1e-3)


@every_head
def test_same_generator_same_bytes(name, tmp_path):
    for folder in ("one", "other"):
        fitted(name, seed=5, **BRIEF.get(name, {})).save(tmp_path / folder)
    assert folder_bytes(tmp_path / "one") == folder_bytes(tmp_path / "other")


@every_head
def test_another_generator_matters_to_the_heads_that_draw_and_to_no_other(name):
    one_sr, other_sr = (rewards(name, seed=seed, **BRIEF.get(name, {})) for seed in (1, 2))
    assert np.array_equal(one_sr, other_sr) == (name not in RANDOM_HEADS)


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
    together_sr = default_rewards(name)
    alone_sr = rewards(name, subset(TRAIN, [0]), subset(VALIDATION, [0]))
    np.testing.assert_allclose(alone_sr[0], together_sr[0], atol=FLOAT_DRIFT * together_sr[0].std())
    others = WORLD.sets((40, 500, 10, 70), seed=9)
    mixed = [
        PairSets.padded([real(mine, s) if s == 1 else real(theirs, s) for s in range(4)])
        for mine, theirs in zip((TRAIN, VALIDATION), others, strict=True)
    ]
    mixed_sr = rewards(name, *mixed)
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
    build(name).fit(
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
    monkeypatch.setattr("rmkit.reward_models.protocol.BLOCK_NUMBERS", 1000)  # so that it is not in the first block
    embedding_rd = WORLD.embedding_rd.copy()
    embedding_rd[211, 3] = bad
    with pytest.raises(DataError, match=rf"embedding_rd\[211, 3\] is {bad}"):
        fitted(name, embedding_rd=embedding_rd)
    with pytest.raises(DataError, match=rf"embedding_rd\[211, 3\] is {bad}"):
        default_model(name).score(embedding_rd)


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
    other = next(other for other in REWARD_MODELS if other != name)
    default_model(other).save(tmp_path / "other")
    with pytest.raises(DataError, match=f"holds {other} of format 1, expected {name}"):
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
    ],
)
def test_an_impossible_option_is_a_mistake_of_the_parameters(name, options):
    with pytest.raises(ParamsError, match=name if name == "linear_bt" else reward_model_class(name).__name__):
        build(name, **options)
