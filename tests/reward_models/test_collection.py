import json

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError, ResultError
from rmkit.reward_models.collection import RewardModels
from rmkit.reward_models.linear_bt import LinearBradleyTerry
from rmkit.reward_models.registry import REWARD_MODELS, build
from tests.reward_models.worlds import PlantedWorld

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.sets((40, 60))


@pytest.fixture(scope="module")
def collection():
    models = {
        name: build(name).fit(WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=np.random.default_rng(0).spawn(TRAIN.n_sets))
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
    assert json.loads((tmp_path / "reward_models.json").read_text())["format"] == 1


def test_saving_fails_when_the_reload_scores_otherwise(collection, tmp_path, monkeypatch):
    load = LinearBradleyTerry.load

    def load_wrongly(folder):
        model = load(folder)
        model.weight_sd_ = np.roll(model.weight_sd_, 1, axis=1)
        return model

    monkeypatch.setattr(LinearBradleyTerry, "load", load_wrongly)
    with pytest.raises(ResultError, match="linear_bt: gives other rewards when read back, off by up to"):
        collection.save(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda fits: fits.drop(columns="position"), "fits lack position"),
        (lambda fits: fits.assign(fit="one"), "fit 'one' is listed twice"),
        (
            lambda fits: fits[fits["reward_model"] == "mlp_bt"],
            "fits are of mlp_bt, but the models are lightgbm_clf, linear_bt, mlp_bt, mlp_clf",
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


def test_a_folder_that_holds_something_else_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no reward_models"):
        RewardModels.load(tmp_path)
    (tmp_path / "reward_models.json").write_text('{"format": 2}')
    with pytest.raises(DataError, match="is of format 2; this rmkit reads format 1"):
        RewardModels.load(tmp_path)
