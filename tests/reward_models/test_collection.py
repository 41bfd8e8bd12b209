import json

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError, ResultError
from rmkit.reward_models.collection import RewardModels
from rmkit.reward_models.linear.bradley_terry import LinearBradleyTerry
from rmkit.reward_models.registry import REWARD_MODELS, build
from rmkit.reward_models.storage import StoredHead
from tests.reward_models.worlds import QUICK, PlantedWorld

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.sets((40, 60))


@pytest.fixture(scope="module")
def collection():
    rng_s = np.random.default_rng(0).spawn(TRAIN.n_sets)
    models = {
        name: build(name, **QUICK.get(name, {})).fit(WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=rng_s)
        for name in REWARD_MODELS
    }
    rows = [
        {"fit": f"{name}-{size}", "reward_model": name, "position": s, "annotations": size}
        for name in REWARD_MODELS
        for s, size in enumerate((40, 60))
    ]
    return RewardModels(pd.DataFrame(rows), models)


def test_what_is_saved_comes_back(collection, tmp_path):
    collection.save(tmp_path / "heads")
    loaded = RewardModels.load(tmp_path / "heads")
    pd.testing.assert_frame_equal(loaded.fits, collection.fits)
    for name in REWARD_MODELS:
        np.testing.assert_array_equal(
            loaded.models[name].score(WORLD.embedding_rd), collection.models[name].score(WORLD.embedding_rd)
        )


def test_no_file_is_a_pickle_and_the_format_is_said(collection, tmp_path):
    collection.save(tmp_path)
    suffixes = {path.suffix for path in tmp_path.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".parquet", ".safetensors", ".txt"}
    assert json.loads((tmp_path / "reward_models.json").read_text(encoding="utf-8"))["format"] == 2


def test_saving_fails_when_the_reload_scores_otherwise(collection, tmp_path, monkeypatch):
    load = LinearBradleyTerry.load

    def load_wrongly(folder):
        model = load(folder)
        model.weight_sd_ = np.roll(model.weight_sd_, 1, axis=1)
        return model

    monkeypatch.setattr(LinearBradleyTerry, "load", load_wrongly)
    with pytest.raises(ResultError, match="linear_bt: gives other rewards when read back, off by up to"):
        collection.save(tmp_path)


def of_own(score=lambda embedding_rd: np.ones((2, len(embedding_rd)))):
    """Two heads: one of the registry under a name of ours, and one of a class that no name leads to."""

    class Mine(StoredHead):
        name = "mine"
        by_fit = ("weight_sd_",)
        n_dimensions = 8

        def score(self, embedding_rd):
            return score(embedding_rd)

    mine = Mine()
    mine.weight_sd_ = np.zeros((2, 8))
    rng_s = np.random.default_rng(0).spawn(TRAIN.n_sets)
    weak = build("linear_bt", l2_grid=(100.0,)).fit(WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=rng_s)
    varied = pd.DataFrame({"annotations": [40, 60]})
    return RewardModels.of({"mine": mine, "weak": weak}, varied)


def test_a_head_that_no_name_leads_to_is_scored_and_named_but_its_weights_are_not_saved(tmp_path):
    both = of_own()
    assert both.score(WORLD.embedding_rd).shape == (4, 600)
    both.keep((both.fits["annotations"] == 60).to_numpy()).save(tmp_path)
    loaded = RewardModels.load(tmp_path)
    assert (list(loaded.models), loaded.not_saved) == (["weak"], ("mine",))
    np.testing.assert_array_equal(loaded.score(WORLD.embedding_rd), both.score(WORLD.embedding_rd)[3:])
    assert not (tmp_path / "mine").exists()


def test_a_collection_of_such_heads_alone_is_saved_as_their_names(tmp_path):
    both = of_own()
    both.keep((both.fits["reward_model"] == "mine").to_numpy()).save(tmp_path)
    loaded = RewardModels.load(tmp_path)
    assert loaded.not_saved == ("mine",)
    assert loaded.score(WORLD.embedding_rd).shape == (0, 600)


def test_what_one_head_returns_moves_no_other_heads_rewards():
    reward_fr = of_own(lambda embedding_rd: np.full((2, len(embedding_rd)), 1 / 3)).score(WORLD.embedding_rd)
    assert reward_fr.dtype == np.float32
    with pytest.raises(ResultError, match=r"mine: its score returned float64 of shape \(600,\); it must be float32 of"):
        of_own(lambda embedding_rd: np.ones(len(embedding_rd))).score(WORLD.embedding_rd)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda fits: fits.drop(columns="position"), "fits lack position"),
        (lambda fits: fits.assign(fit="one"), "fit 'one' is listed twice"),
        (
            lambda fits: fits[fits["reward_model"] == "mlp_bt"],
            "fits are of mlp_bt, but the models are lightgbm_bt, lightgbm_bt_ensemble, lightgbm_clf, linear_bt, mlp_bt, "
            "mlp_bt_ensemble, mlp_clf",
        ),
    ],
)
def test_a_table_that_does_not_fit_the_models_is_refused(collection, change, says):
    with pytest.raises(ResultError, match=says):
        RewardModels(change(collection.fits), collection.models)


def test_positions_must_be_those_of_the_model(collection, tmp_path):
    shifted = RewardModels(collection.fits.assign(position=collection.fits["position"] + 1), collection.models)
    with pytest.raises(ResultError, match=r"linear_bt: holds 2 fits, but their positions in the table are \[1, 2\]"):
        shifted.save(tmp_path)


@pytest.mark.parametrize(
    "kept",
    [
        lambda fits: fits["annotations"] == 60,
        lambda fits: fits["reward_model"].str.startswith("lightgbm"),
        lambda fits: fits["fit"].isin(["mlp_bt-40", "linear_bt-60"]),
        lambda fits: fits["position"] >= 0,
    ],
)
def test_some_fits_alone_keep_their_names_and_rewards_and_can_be_saved(collection, tmp_path, kept):
    kept_f = kept(collection.fits).to_numpy()
    some = collection.keep(kept_f)
    assert list(some.fits["fit"]) == list(collection.fits["fit"][kept_f])
    assert list(some.fits["annotations"]) == list(collection.fits["annotations"][kept_f])
    assert set(some.models) == set(collection.fits["reward_model"][kept_f])
    reward_gr = collection.score(WORLD.embedding_rd)[kept_f]
    np.testing.assert_array_equal(some.score(WORLD.embedding_rd), reward_gr)
    some.save(tmp_path)
    np.testing.assert_array_equal(RewardModels.load(tmp_path).score(WORLD.embedding_rd), reward_gr)


def test_positions_count_anew_whatever_the_order_of_the_table(collection):
    turned = RewardModels(collection.fits.iloc[::-1], collection.models)
    kept_f = (turned.fits["annotations"] == 40).to_numpy() | (turned.fits["reward_model"] == "linear_bt").to_numpy()
    some = turned.keep(kept_f)
    assert some.fits.loc[some.fits["reward_model"] == "linear_bt", "fit"].tolist() == ["linear_bt-60", "linear_bt-40"]
    np.testing.assert_array_equal(some.score(WORLD.embedding_rd), turned.score(WORLD.embedding_rd)[kept_f])


@pytest.mark.parametrize("wrong_f", [np.zeros(14, bool), np.ones(13, bool), np.arange(14)])
def test_what_is_kept_is_said_by_one_bool_a_fit(collection, wrong_f):
    with pytest.raises(ResultError, match=r"kept_f: is .* it must be bool of shape \(14,\), one of them true"):
        collection.keep(wrong_f)


def test_no_class_but_a_registered_one_is_imported(collection, tmp_path, monkeypatch):
    collection.save(tmp_path)
    path = tmp_path / "reward_models.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    (tmp_path / "theirs.py").write_text("raise SystemExit('was imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for target in ("theirs:Head", "rmkit.reward_models.collection:RewardModels", "os:system"):
        path.write_text(json.dumps({**about, "reward_models": {"linear_bt": target}}), encoding="utf-8")
        with pytest.raises(
            DataError, match=f"reward_models.json: {target}: is no reward model of rmkit; those are linear_bt, "
        ) as told:
            RewardModels.load(tmp_path)
        assert "\n" not in str(told.value)


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no reward_models"):
        RewardModels.load(tmp_path)
    (tmp_path / "reward_models.json").write_text('{"format": 3}', encoding="utf-8")
    with pytest.raises(DataError, match="is of format 3; this rmkit reads format 2"):
        RewardModels.load(tmp_path)
