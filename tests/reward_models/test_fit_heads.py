import numpy as np
import pytest

from rmkit.errors import ParamsError, ResultError
from rmkit.reward_models.fit_heads import fitted_heads
from rmkit.reward_models.registry import build, build_heads, options_of
from tests.reward_models.worlds import PlantedWorld, centred

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.sets((40, 80))
NAMES = ["linear_bt", "mlp_bt", "lightgbm_clf", "mlp_clf"]


def fitted(names=NAMES, procedure="sound", shown=None, own=None):
    def bar(what):
        if shown is not None:
            shown.append(what)
        return lambda done, total: None

    return fitted_heads(
        build_heads(names, procedure=procedure) | (own or {}),
        embedding_rd=WORLD.embedding_rd,
        train=TRAIN,
        validation=VALIDATION,
        streams=["40", "80"],
        rng_of=lambda name: np.random.default_rng([ord(letter) for letter in name]),
        progress=bar,
    )


def test_networks_are_one_batch_and_the_other_heads_are_fitted_one_by_one():
    shown = []
    models = fitted(shown=shown)
    assert list(models) == NAMES
    assert shown == ["fitting linear_bt", "fitting mlp_bt, mlp_clf", "fitting lightgbm_clf"]
    for model in models.values():
        assert model.score(WORLD.embedding_rd).shape == (2, 600)


def test_a_head_is_the_same_whichever_heads_are_fitted_beside_it():
    together_sr, alone_sr = (
        centred(fitted(names)["mlp_bt"].score(WORLD.embedding_rd)) for names in (NAMES, ["mlp_bt"])
    )
    np.testing.assert_allclose(together_sr, alone_sr, atol=0.02 * alone_sr.std())


def test_a_network_of_other_options_is_a_batch_of_its_own():
    shown = []
    fitted(["mlp_bt", "mlp_clf"], shown=shown, own={"narrow": build("mlp_bt", hidden=[8])})
    assert shown == ["fitting mlp_bt, mlp_clf", "fitting narrow"]


class MeanDifference:
    """A head of one's own, as short as it goes: the mean difference of chosen and rejected is the direction."""

    def fit(self, embedding_rd, train, validation, *, rng_s, progress=None):
        chosen, rejected = (embedding_rd[side].astype(float) for side in (train.chosen_sm, train.rejected_sm))
        self.weight_sd = np.einsum("sm,smd->sd", train.weight_sm, chosen - rejected)
        return self

    def score(self, embedding_rd):
        return self.weight_sd @ embedding_rd.T.astype(float)


def test_an_object_stands_beside_heads_by_name_and_leaves_them_as_they_are():
    models = fitted(own={"mine": MeanDifference()})
    assert list(models) == [*NAMES, "mine"]
    reward_sr = models["mine"].score(WORLD.embedding_rd)
    assert (np.corrcoef(reward_sr, WORLD.reward_r)[-1, :2] > 0.8).all()
    alone = fitted()
    for name in NAMES:
        np.testing.assert_array_equal(models[name].score(WORLD.embedding_rd), alone[name].score(WORLD.embedding_rd))


def test_a_fit_that_returns_nothing_is_one_sentence():
    class Forgetful(MeanDifference):
        def fit(self, *sets, **options):
            super().fit(*sets, **options)

    with pytest.raises(ResultError, match="mine: its fit returned NoneType; it must return the fitted head"):
        fitted([], own={"mine": Forgetful()})


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
