import numpy as np
import pytest

from rmkit.errors import DataError, ParamsError
from rmkit.reward_models.ensembles.ensemble import Ensemble, repeated
from rmkit.reward_models.registry import build
from rmkit.training_sets.pair_sets import PairSets
from tests.reward_models.worlds import PlantedWorld

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.sets((60, 150))
SCORED, SCORED_VALIDATION = WORLD.score_sets((80, 200))
SAMPLED = {"head": "linear_bt", "bootstrap": True, "n_members": 4}  # quick, exact, and drawn by the ensemble alone


def fitted(train=TRAIN, *, seed=0, **options):
    rng_s = np.random.default_rng(seed).spawn(train.n_sets)
    return Ensemble(**(SAMPLED | options)).fit(WORLD.embedding_rd, train, VALIDATION, rng_s=rng_s)


def test_the_reward_is_the_members_mean_and_the_uncertainty_their_spread_about_their_training_responses():
    model = fitted()
    reward_sbr = model.members_.score(WORLD.embedding_rd).reshape(2, 4, 600).astype(np.float64)
    np.testing.assert_allclose(model.score(WORLD.embedding_rd), reward_sbr.mean(axis=1), rtol=1e-5, atol=1e-6)
    for s, size in enumerate(TRAIN.sizes_s):
        trained = np.r_[TRAIN.chosen_sm[s, :size], TRAIN.rejected_sm[s, :size]]
        centered_br = reward_sbr[s] - reward_sbr[s][:, trained].mean(axis=1, keepdims=True)
        np.testing.assert_allclose(
            model.uncertainty(WORLD.embedding_rd)[s], np.std(centered_br, axis=0, ddof=1), rtol=1e-4
        )


def test_each_member_is_the_head_on_a_sample_of_the_pairs_with_replacement(monkeypatch):
    seen = []
    head = type(build("linear_bt"))
    original = head.fit

    def watched(self, embedding_rd, train, validation, **others):
        seen.append((train, validation))
        return original(self, embedding_rd, train, validation, **others)

    monkeypatch.setattr(head, "fit", watched)
    fitted()
    ((train, validation),) = seen  # one call for all members of all fits
    assert train.n_sets == validation.n_sets == 8
    for f in range(8):
        size = TRAIN.sizes_s[f // 4]
        times_m = train.weight_sm[f]
        assert times_m.sum() == size
        assert set(times_m[:size]) > {0, 1, 2}
        assert not times_m[size:].any()
        np.testing.assert_array_equal(train.chosen_sm[f], TRAIN.chosen_sm[f // 4])
        np.testing.assert_array_equal(validation.weight_sm[f], VALIDATION.weight_sm[f // 4])
    assert len(np.unique(train.weight_sm[4:], axis=0)) == 4
    # a share of about 1 / e of the pairs is not drawn: 150 pairs four times, within four standard deviations
    missing = (train.weight_sm[4:, :150] == 0).mean()
    assert abs(missing - np.exp(-1)) < 4 * np.sqrt(0.1 / 600)


def test_without_bootstrap_members_differ_by_their_generators_alone():
    def members(bootstrap):
        options = {"hidden": [4], "max_steps": 20}
        model = Ensemble(head="mlp_bt", n_members=2, bootstrap=bootstrap, options=options)
        rng_s = np.random.default_rng(0).spawn(2)
        return model.fit(WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=rng_s).members_.score(WORLD.embedding_rd)

    plain_fr = members(False)
    rng_f = [member for rng in np.random.default_rng(0).spawn(2) for member in rng.spawn(2)]
    alike = repeated(TRAIN, np.repeat([0, 1], 2)), repeated(VALIDATION, np.repeat([0, 1], 2))
    direct = build("mlp_bt", hidden=[4], max_steps=20).fit(WORLD.embedding_rd, *alike, rng_s=rng_f)
    np.testing.assert_array_equal(plain_fr, direct.score(WORLD.embedding_rd))
    assert not np.allclose(plain_fr[0], plain_fr[1])
    assert not np.allclose(members(True), plain_fr)


@pytest.mark.parametrize(
    "option",
    [{"n_members": 9}, {"head": "lightgbm_clf"}, {"options": {"l2_grid": [0.01]}}],
    ids=lambda option: next(iter(option)),
)
def test_every_option_changes_the_result(option):
    other_sr, default_sr = (fitted(**options).score(WORLD.embedding_rd) for options in (option, {}))
    assert not np.allclose(other_sr, default_sr, rtol=1e-3)


def test_weights_of_rows_are_multiplied_for_both_rows_of_a_pair():
    row_sm2 = np.random.default_rng(0).integers(1, 3, size=(1, 5, 2)).astype(np.float32)
    pairs = PairSets.of_rows(np.arange(5)[None], np.arange(5, 10)[None], row_sm2)
    times_fm = np.array([[0, 1, 2, 0, 2], [1, 1, 1, 1, 1]], np.float32)
    twice = repeated(pairs, np.array([0, 0]), times_fm)
    np.testing.assert_array_equal(twice.rows_sm2, row_sm2 * times_fm[:, :, None])
    np.testing.assert_array_equal(twice.weight_sm, pairs.weight_sm * times_fm)
    assert repeated(TRAIN, np.array([1])).row_weight_sm2 is None


def test_scores_are_sampled_too_and_spread_in_their_own_unit():
    def spread(unit):
        scores = [type(each)(each.position_sn, unit * each.score_sn, each.weight_sn) for each in (noisy, validation)]
        model = Ensemble(**SAMPLED).fit_scores(WORLD.embedding_rd, *scores, rng_s=np.random.default_rng(0).spawn(2))
        return model.uncertainty(WORLD.embedding_rd)

    noisy, validation = WORLD.score_sets((80, 200), noise_sd=1.0)
    assert (spread(1).mean(axis=1) > 0.01).all()
    np.testing.assert_allclose(spread(10), 10 * spread(1), rtol=1e-3)


def test_blocks_of_responses_change_nothing(monkeypatch):
    model = fitted()
    whole = model.score(WORLD.embedding_rd), model.uncertainty(WORLD.embedding_rd), model.center_sb_
    monkeypatch.setattr("rmkit.reward_models.inputs.BLOCK_NUMBERS", 100)
    again = fitted()
    parts = again.score(WORLD.embedding_rd), again.uncertainty(WORLD.embedding_rd), again.center_sb_
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"head": "linear_bt"}, "linear_bt draws nothing, all members would be equal; use bootstrap: true"),
        ({"head": "lightgbm_bt"}, "lightgbm_bt draws nothing"),
        ({"head": "lightgbm_clf"}, "lightgbm_clf draws nothing"),
        ({"n_members": 1}, "n_members is 1; a spread needs 2 or more"),
        ({"head": "linear_tb"}, "'linear_tb' is not one of linear_bt, .*; did you mean 'linear_bt'"),
        ({"head": "lightgbm_bt_ensemble"}, "the members of an ensemble are no ensembles"),
        ({"options": {"hiden": [3]}}, "'hiden' is not one of .*; did you mean 'hidden'"),
    ],
)
def test_an_impossible_ensemble_is_refused_when_it_is_made(options, says):
    with pytest.raises(ParamsError, match=says):
        Ensemble(**options)


def test_an_ensemble_is_saved_with_its_head_and_members(tmp_path):
    model = fitted()
    model.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"model.json", "model.safetensors", "members"}
    loaded = Ensemble.load(tmp_path)
    assert loaded == model
    np.testing.assert_array_equal(loaded.uncertainty(WORLD.embedding_rd), model.uncertainty(WORLD.embedding_rd))
    (tmp_path / "members" / "model.json").unlink()
    with pytest.raises(DataError, match=r"members/model\.json: cannot be read as a saved reward model"):
        Ensemble.load(tmp_path)
