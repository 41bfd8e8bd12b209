import numpy as np
import pytest

from rmkit.errors import ParamsError
from rmkit.reward_models.fit_heads import fitted_heads
from rmkit.reward_models.registry import options_of
from tests.reward_models.worlds import PlantedWorld

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.sets((40, 80))
NAMES = ["linear_bt", "mlp_bt", "lightgbm_clf", "mlp_clf"]


def fitted(names=NAMES, procedure="sound", shown=None):
    def bar(what):
        if shown is not None:
            shown.append(what)
        return lambda done, total: None

    return fitted_heads(
        names, WORLD.embedding_rd, TRAIN, VALIDATION, streams=["40", "80"], procedure=procedure, progress=bar,
        rng_of=lambda name: np.random.default_rng([ord(letter) for letter in name]),
    )  # fmt: skip


def test_networks_are_one_batch_and_the_other_heads_come_after_them():
    shown = []
    models = fitted(shown=shown)
    assert list(models) == NAMES
    assert shown == ["fitting mlp_bt, mlp_clf", "fitting linear_bt", "fitting lightgbm_clf"]
    for model in models.values():
        assert model.score(WORLD.embedding_rd).shape == (2, 600)


def test_a_head_is_the_same_whichever_heads_are_fitted_beside_it():
    together_sr, alone_sr = (fitted(names)["mlp_bt"].score(WORLD.embedding_rd) for names in (NAMES, ["mlp_bt"]))
    np.testing.assert_allclose(together_sr, alone_sr, atol=0.02 * alone_sr.std())


def test_the_procedure_goes_to_the_heads_that_have_one():
    sound, published = fitted(), fitted(procedure="published")
    for name in NAMES:
        same = np.array_equal(sound[name].score(WORLD.embedding_rd), published[name].score(WORLD.embedding_rd))
        assert same == ("procedure" not in options_of(name)), name
    assert options_of("mlp_bt")[0] == "procedure"
    with pytest.raises(ParamsError, match="procedure: 'best' is not one of sound, published"):
        fitted(procedure="best")


def test_an_ensembles_members_are_trained_by_the_procedure():
    members = fitted(["lightgbm_bt_ensemble"], procedure="published")["lightgbm_bt_ensemble"].members_
    assert members.procedure == "published"
