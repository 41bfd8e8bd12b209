import dataclasses
import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from rmkit.errors import DataError, ParamsError, ResultError
from rmkit.machine.number_formats import multiplies_bfloat16_fast
from rmkit.reward_models.mlp import training
from rmkit.reward_models.mlp.batches import Batches, Events, shared
from rmkit.reward_models.mlp.bradley_terry import MLPBradleyTerry
from rmkit.reward_models.mlp.classifier import MLPClassifier
from rmkit.reward_models.mlp.embedding_table import center_and_scale
from rmkit.reward_models.mlp.layers import hidden_activations, initial_layers, rewards
from rmkit.reward_models.mlp.network import fit_together
from rmkit.reward_models.mlp.procedures import BestWeights, LastWeights, Published, finite
from rmkit.reward_models.mlp.training import rows_of
from rmkit.training_sets.pair_sets import PairSets, ScoreSets
from tests.reward_models.worlds import PlantedWorld, subset, swapped

WORLD = PlantedWorld.make(0)
TRAIN, VALIDATION = WORLD.sets((40, 150))
SMALL = {"hidden": (32, 16), "learning_rate": 3e-3, "batch_pairs": 64, "max_steps": 400, "patience": 20}
BOTH = np.arange(2)
FLOAT_DRIFT = 0.02  # of a reward's s.d.: a product of another shape sums in another order, training carries it on

every_loss = pytest.mark.parametrize("head", [MLPBradleyTerry, MLPClassifier])


def streams(n_fits, seed=0):
    return np.random.default_rng(seed).spawn(n_fits)


def fitted(head, train=TRAIN, validation=VALIDATION, *, seed=0, **options):
    published = options.get("procedure") == "published"
    options = ({"hidden": SMALL["hidden"]} if published else SMALL) | options
    return head(**options).fit(WORLD.embedding_rd, train, validation, rng_s=streams(train.n_sets, seed))


def divided_rows(pairs, seed=0):
    """(train, validation): 80 in 100 of the rows of these pairs, and the others, drawn at random."""
    trains_smr = np.random.default_rng(seed).random((*pairs.weight_sm.shape, 2)) < 0.8
    return tuple(
        PairSets.of_rows(pairs.chosen_sm, pairs.rejected_sm, pairs.rows_sm2 * side.astype(np.float32))
        for side in (trains_smr, ~trains_smr)
    )


def misled(pairs):
    """The same pairs, every label of the first two sets turned round."""
    turned_s1 = (np.arange(pairs.n_sets) < 2)[:, None]
    sides = (pairs.chosen_sm, pairs.rejected_sm)
    return PairSets(np.where(turned_s1, *sides[::-1]), np.where(turned_s1, *sides), pairs.weight_sm)


# The network


def test_the_rewards_are_those_of_a_sequential_torch_module():
    layers = initial_layers(streams(3), (8, 6, 5, 1))
    input_snd = torch.from_numpy(np.random.default_rng(1).normal(size=(3, 10, 8)).astype(np.float32))
    for s in range(3):
        sizes = [torch.nn.Linear(8, 6), torch.nn.ReLU(), torch.nn.Linear(6, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1)]
        module = torch.nn.Sequential(*sizes)
        with torch.no_grad():
            for parameter, layer in zip(module.parameters(), layers, strict=True):
                parameter.copy_(layer[s].T if parameter.ndim == 2 else layer[s, 0])
        torch.testing.assert_close(rewards(layers, input_snd)[s], module(input_snd[s]).squeeze(-1))


def test_the_published_start_is_that_of_torchs_linear_layers():
    torch.manual_seed(0)
    theirs = [torch.nn.Linear(300, 200), torch.nn.Linear(200, 1)]
    mine = initial_layers(streams(1), (300, 200, 1), last=Published().last)
    for layer, weight, bias in zip(theirs, mine[::2], mine[1::2], strict=True):
        bound = layer.weight.shape[1] ** -0.5
        for values in (weight, bias):
            assert values.abs().max() <= bound
        spreads = [values.detach().std().item() for values in (weight, layer.weight)]
        assert spreads[0] == pytest.approx(spreads[1], rel=0.1)


def test_the_published_network_has_the_papers_number_of_parameters():
    layers = initial_layers(streams(1), (2048, *MLPBradleyTerry().hidden, 1))
    assert sum(layer.numel() for layer in layers) == 2_623_489


def test_rewards_start_near_zero_and_each_fit_elsewhere():
    layers = initial_layers(streams(2), (128, 64, 1))
    input_rd = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 50, 128))).float()
    start_sr = rewards(layers, input_rd.expand(2, -1, -1))
    assert start_sr.abs().max() < 0.15
    assert not torch.allclose(start_sr[0], start_sr[1])


@every_loss
def test_the_loss_has_the_gradient_of_finite_differences(head):
    input_snd = torch.from_numpy(np.random.default_rng(2).normal(size=(2, 6, 4)))

    def loss(*layers):
        chosen_sm, rejected_sm = rewards(list(layers), input_snd).chunk(2, dim=1)
        return head.row_losses(
            chosen_sm, rejected_sm, lambda logit, label: F.softplus(-logit if label else logit)
        ).mean(dim=(1, 2))

    layers = [layer.detach().double().requires_grad_() for layer in initial_layers(streams(2), (4, 3, 1))]
    assert torch.autograd.gradcheck(loss, layers)


def test_bfloat16_products_give_the_rewards_of_float32_but_for_rounding():
    layers = initial_layers(streams(1), (64, 128, 32, 1), last=1.0)
    input_snd = torch.from_numpy(np.random.default_rng(2).normal(size=(1, 200, 64))).float()
    exact, rounded = rewards(layers, input_snd), rewards(layers, input_snd.bfloat16())
    assert rounded.dtype == torch.float32
    assert not torch.equal(exact, rounded)
    assert (exact - rounded).abs().max() < 0.03 * exact.std()
    assert len(set(rounded.flatten().tolist())) == 200  # the last layer is float32: no ties from rounding
    assert hidden_activations(layers, input_snd.bfloat16()).dtype == torch.bfloat16


# Batches


def events(*sizes):
    return Events.of_pairs(PairSets.padded([(np.arange(n), np.arange(n) + 100) for n in sizes]), "cpu")


def test_an_epoch_visits_every_pair_once_but_for_a_remainder():
    batches = Batches(events(10, 3), streams(2), n_pairs=4)
    drawn = [batches.draw() for _ in range(6)]  # two batches of 4 of the 10 an epoch
    for batch in drawn:
        first_gb, second_gb = batch.position_gu.chunk(2, dim=1)
        assert (second_gb - first_gb == 100).all()
        assert batch.weight_gb2.sum(dim=2).tolist() == [[2, 2, 2, 2], [2, 2, 2, 0]]
        assert sorted(first_gb[1, :3].tolist()) == [0, 1, 2]
    epochs = [torch.cat([drawn[i].position_gu[0, :4], drawn[i + 1].position_gu[0, :4]]).tolist() for i in (0, 2, 4)]
    assert all(len(set(epoch)) == 8 for epoch in epochs)
    assert len(set(map(tuple, epochs))) == 3


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_a_fit_draws_the_same_batches_whoever_leaves_beside_it(leaves):
    alone = Batches(events(10), streams(3)[:1], n_pairs=4)
    among_others = Batches(events(10, 10, 7), streams(3), n_pairs=4)
    for leave in leaves:
        if leave and len(among_others.order_g) > 1:
            among_others.without(np.arange(len(among_others.order_g) - 1))
        first, other = alone.draw(), among_others.draw()
        assert first.position_gu[0].tolist() == other.position_gu[0].tolist()


def test_fits_whose_streams_are_alike_share_their_draws_and_no_others():
    alike = [np.random.default_rng(0), np.random.default_rng(0), np.random.default_rng(1), np.random.default_rng(0)]
    assert shared(alike, np.array([5, 5, 5, 6])) == [0, 0, 2, 3]


def test_a_batch_of_rows_holds_each_pair_once_with_the_weight_of_its_rows():
    """As released, 20 of the 40 rows of 20 pairs; a pair and its mirror image have one loss, which is computed once."""
    batches = Batches(events(20), streams(1), n_rows=20)
    seen = np.zeros((20, 2))
    for _ in range(400):
        batch = batches.draw()
        first_b = batch.position_gu.chunk(2, dim=1)[0][0].numpy()
        assert len(set(first_b)) == len(first_b)
        assert batch.weight_gb2.sum() == 20
        assert (batch.weight_gb2.sum(dim=2) > 0).all()
        seen[first_b] += batch.weight_gb2[0].numpy()
    assert abs(seen / 400 - 0.5).max() < 0.15  # every row as often as any other: 0.5, s.d. 0.025


def test_a_classifiers_rows_are_one_response_each():
    rows = events(20).by_row()
    batch = Batches(rows, streams(1), n_rows=10).draw()
    assert batch.position_gu.shape == (1, 10)
    won_b, lost_b = (batch.weight_gb2[0, :, side] > 0 for side in (0, 1))
    assert (won_b ^ lost_b).all()
    assert (batch.position_gu[0, won_b] < 100).all()
    assert (batch.position_gu[0, lost_b] >= 100).all()


def test_a_batch_of_everything_looks_at_each_response_once():
    repeated = Events.of_pairs(PairSets.padded([(np.array([3, 3, 3, 5]), np.array([4, 5, 6, 4]))]), "cpu")
    batch = repeated.everything()
    assert batch.position_gu.tolist() == [[3, 4, 5, 6]]
    first_gb, second_gb = batch.sides(batch.position_gu.double())
    assert first_gb.tolist() == [[3, 3, 3, 5]]
    assert second_gb.tolist() == [[4, 5, 6, 4]]


def test_a_batch_in_parts_is_the_whole_batch():
    batch = Batches(events(30), streams(1), n_pairs=12).draw()
    sides = [part.sides(part.position_gu) for part in batch.parts(5)]
    for side, whole in enumerate(batch.sides(batch.position_gu)):
        assert torch.cat([part[side] for part in sides], dim=1).equal(whole)


# Stopping


def test_the_best_weights_are_kept_until_patience_runs_out():
    layers = [torch.zeros(2, 1, 1)]
    best = BestWeights(layers, patience_steps=20)
    going = []
    for step, log_losses in {10: (0.7, 0.7), 20: (0.5, 0.6), 30: (0.6, 0.65), 40: (0.55, 0.5), 60: (0.6, 0.6)}.items():
        layers[0][:] = step
        going.append(best.update(step, BOTH, np.array(log_losses), layers).tolist())
    assert best.step_s.tolist() == [20, 40]
    assert best.layers[0].ravel().tolist() == [20, 40]
    assert best.log_loss_s.tolist() == [0.5, 0.5]
    assert going == [[True, True]] * 3 + [[False, True], [False, False]]


def test_the_published_rule_stops_above_each_of_the_last_three_and_keeps_the_last_weights():
    layers = [torch.zeros(2, 1, 1)]
    last = LastWeights(layers)
    losses = [(0.7, 0.5), (0.6, 0.6), (0.5, 0.7), (0.65, 0.65), (0.66, 0.71)]
    going = []
    for step, log_losses in enumerate(losses, start=1):
        layers[0][:] = step
        going.append(last.update(step, BOTH, np.array(log_losses), layers).tolist())
    # the fourth loss of the first fit, 0.65, is below its first; the fifth is above the three before it, of both fits
    assert going == [[True, True]] * 4 + [[False, False]]
    assert last.layers[0].ravel().tolist() == [5, 5]


def test_a_rise_cannot_stop_a_published_fit_before_its_fourth_epoch():
    last = LastWeights([torch.zeros(1, 1, 1)])
    rising = [
        last.update(step, np.zeros(1, int), np.array([step / 10]), [torch.zeros(1, 1, 1)])[0] for step in (1, 2, 3, 4)
    ]
    assert rising == [True, True, True, False]


def test_a_loss_that_is_not_a_number_names_the_fit():
    with pytest.raises(ResultError, match="fit 7: validation log-loss is nan at step 20; lower learning_rate"):
        finite(20, np.array([3, 7]), np.array([0.6, np.nan]))


@pytest.mark.parametrize(
    ("pairs", "epochs_steps"), [(5_000, 1), (10_000, 2), (20_000, 4), (40_000, 7)], ids=lambda each: str(each)
)
def test_the_published_steps_are_those_of_the_paper(pairs, epochs_steps):
    assert Published().steps(round(1.6 * pairs)) == (30 * epochs_steps, epochs_steps)


@pytest.mark.parametrize("label", [0, 1])
def test_the_published_loss_is_cross_entropy_of_probabilities(label):
    """As nn.BCELoss has it: where a probability rounds to the wrong end a row costs 100 and teaches nothing."""
    values = torch.tensor([-3.0, 0.0, 2.0, 40.0 if label == 0 else -120.0])
    mine, theirs = values.clone().requires_grad_(), values.clone().requires_grad_()
    loss = Published().nll(mine, label)
    expected = torch.nn.BCELoss(reduction="none")(torch.sigmoid(theirs), torch.full((4,), float(label)))
    torch.testing.assert_close(loss, expected)
    loss.sum().backward()
    expected.sum().backward()
    torch.testing.assert_close(mine.grad, theirs.grad)
    torch.testing.assert_close(loss[:3], F.softplus(-values[:3] if label else values[:3]))
    assert loss[3] == 100
    assert mine.grad[3] == 0


def test_a_published_loss_that_is_not_a_number_stays_so():
    assert torch.isnan(Published().nll(torch.tensor([np.nan, 1.0]), 1)).tolist() == [True, False]


def test_an_optimiser_of_some_rows_goes_on_as_if_it_had_never_had_others():
    gradient_tsio = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 4, 3, 2)))

    def stepped(optimiser, rows, steps):
        for t in steps:
            for layer in optimiser.param_groups[0]["params"]:
                layer.grad = gradient_tsio[t, rows]
            optimiser.step()

    def adamw(n_rows):
        ones = torch.ones(n_rows, 3, 2, dtype=torch.float64, requires_grad=True)
        return torch.optim.AdamW([ones], lr=0.1, fused=True)

    left, always = adamw(4), adamw(2)
    stepped(left, [0, 1, 2, 3], range(3))
    (layer,) = rows_of(left, torch.tensor([1, 3]))
    stepped(left, [1, 3], range(3, 6))
    stepped(always, [1, 3], range(6))
    torch.testing.assert_close(layer, always.param_groups[0]["params"][0])
    assert layer.requires_grad


@every_loss
def test_validation_pairs_that_mislead_stop_a_fit_early(head):
    misled, led = fitted(head, TRAIN, swapped(VALIDATION)), fitted(head)
    assert (misled.steps_s_ < led.steps_s_).all()


@every_loss
def test_progress_is_told_of_every_group_and_ends_at_its_total(head, monkeypatch):
    monkeypatch.setitem(training.NUMBERS_AT_ONCE, "cpu", 1)
    seen = []
    head(**SMALL).fit(WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=streams(2), progress=lambda *at: seen.append(at))
    assert seen == sorted(seen)
    assert seen[-1] == (800, 800)


# Many fits at once


MANY = (60, 150, 90, 400, 120)
MANY_TRAIN, MANY_VALIDATION = WORLD.sets(MANY)
PROCEDURES = {
    "sound": SMALL | {"precision": "float32"},
    "published": {"hidden": (256, 128), "procedure": "published", "precision": "float32"},
}


@pytest.mark.parametrize("procedure", PROCEDURES)
@every_loss
def test_a_fit_beside_others_that_stop_earlier_or_later_is_the_fit_alone(head, procedure, monkeypatch):
    options = PROCEDURES[procedure]
    monkeypatch.setitem(training.NUMBERS_AT_ONCE, "cpu", 2**30)  # all of them in one batch
    sets = (
        (divided_rows(MANY_TRAIN)[0], misled(MANY_VALIDATION))
        if procedure == "published"
        else (MANY_TRAIN, MANY_VALIDATION)
    )
    together = head(**options).fit(WORLD.embedding_rd, *sets, rng_s=streams(len(MANY)))
    assert len(set(together.steps_s_)) > 1
    monkeypatch.setitem(training.NUMBERS_AT_ONCE, "cpu", 1)  # each by itself
    alone = head(**options).fit(WORLD.embedding_rd, *sets, rng_s=streams(len(MANY)))
    np.testing.assert_array_equal(alone.steps_s_, together.steps_s_)
    np.testing.assert_allclose(alone.validation_log_loss_s_, together.validation_log_loss_s_, rtol=1e-3)
    drift_sr = np.abs(alone.score(WORLD.embedding_rd) - together.score(WORLD.embedding_rd))
    assert (drift_sr.max(axis=1) < FLOAT_DRIFT * alone.score(WORLD.embedding_rd).std(axis=1)).all()


def test_in_law_a_batch_of_many_fits_is_as_good_as_one_fit_at_a_time(monkeypatch):
    """Forty seeds each, other ones: mean held-out order of a batch's fits and of lone ones, within three errors."""
    train, validation = WORLD.sets([150] * 40, seed=5)
    first_m, second_m = np.random.default_rng(3).permutation(600).reshape(2, 300)
    right_m = WORLD.reward_r[first_m] > WORLD.reward_r[second_m]

    def accuracy_s(seed, at_once):
        monkeypatch.setitem(training.NUMBERS_AT_ONCE, "cpu", at_once)
        model = fitted(MLPBradleyTerry, train, validation, seed=seed)
        reward_sr = model.score(WORLD.embedding_rd)
        return ((reward_sr[:, first_m] > reward_sr[:, second_m]) == right_m).mean(axis=1)

    together_s, alone_s = accuracy_s(1, 2**30), accuracy_s(2, 1)
    error = np.sqrt((together_s.var(ddof=1) + alone_s.var(ddof=1)) / 40)
    assert abs(together_s.mean() - alone_s.mean()) < 3 * error
    assert together_s.mean() > 0.8


@pytest.mark.parametrize("procedure", PROCEDURES)
def test_heads_that_are_trained_together_are_the_heads_trained_alone(procedure):
    options = PROCEDURES[procedure]
    together = [MLPBradleyTerry(**options), MLPClassifier(**options)]
    fit_together(together, WORLD.embedding_rd, TRAIN, VALIDATION, rngs=[streams(2), streams(2)])
    for model in together:
        alone = type(model)(**options).fit(WORLD.embedding_rd, TRAIN, VALIDATION, rng_s=streams(2))
        expected_sr = alone.score(WORLD.embedding_rd)
        np.testing.assert_allclose(model.score(WORLD.embedding_rd), expected_sr, atol=FLOAT_DRIFT * expected_sr.std())


def test_heads_of_other_options_cannot_be_one_batch():
    heads = [MLPBradleyTerry(hidden=(8,)), MLPClassifier(hidden=(9,))]
    with pytest.raises(ParamsError, match=r"trained together must have equal options: .*hidden=\(8,\).*hidden=\(9,\)"):
        fit_together(heads, WORLD.embedding_rd, TRAIN, VALIDATION, rngs=[streams(2), streams(2)])


# Options


@pytest.mark.parametrize(
    "option",
    [
        {"learning_rate": 1e-2},
        {"weight_decay": 10.0},
        {"batch_pairs": 16},
        {"max_steps": 20},
        {"evaluate_every": 7},
        {"patience": 1},
        {"hidden": (8,)},
        {"procedure": "published"},
    ],
    ids=lambda option: next(iter(option)),
)
@every_loss
def test_every_option_changes_the_result(head, option):
    base = {"evaluate_every": 1, "learning_rate": 3e-2} if "patience" in option else {}  # so that a loss rises early
    changed = fitted(head, **base, **option).score(WORLD.embedding_rd)
    assert not np.allclose(changed, fitted(head, **base).score(WORLD.embedding_rd))


@every_loss
def test_bfloat16_fits_as_well_as_float32_and_says_which_it_was(head):
    models = {precision: fitted(head, precision=precision) for precision in ("float32", "bfloat16", "auto")}
    exact_sr, rounded_sr, auto_sr = (model.score(WORLD.embedding_rd) for model in models.values())
    assert not np.array_equal(exact_sr, rounded_sr)
    for one_r, other_r in zip(exact_sr, rounded_sr, strict=True):
        assert np.corrcoef(one_r, other_r)[0, 1] > 0.99
    fast = "bfloat16" if multiplies_bfloat16_fast("cpu") else "float32"
    assert models["auto"].precision_ == fast
    np.testing.assert_array_equal(auto_sr, models[fast].score(WORLD.embedding_rd))


def test_inputs_far_from_their_origin_are_not_rounded_unless_they_are_centred():
    far_rd = WORLD.embedding_rd.astype(np.float32) + 3  # ten spreads
    fast = "bfloat16" if multiplies_bfloat16_fast("cpu") else "float32"
    for embedding_rd, procedure, expected in [
        (WORLD.embedding_rd, "published", fast),
        (far_rd, "published", "float32"),
        (far_rd, "sound", fast),
    ]:
        options = {"hidden": (8,), "procedure": procedure}
        model = MLPBradleyTerry(**options).fit(embedding_rd, TRAIN, VALIDATION, rng_s=streams(2))
        assert model.precision_ == expected


@every_loss
def test_published_training_leaves_nothing_to_choose(head):
    with pytest.raises(ParamsError, match="procedure published has no learning_rate, patience to choose"):
        head(procedure="published", learning_rate=1e-2, patience=2)


def test_cuda_that_is_not_there_is_a_mistake_of_the_parameters():
    if torch.cuda.is_available():
        assert MLPBradleyTerry(device="cuda").device == "cuda"
        return
    with pytest.raises(ParamsError, match="mlp_bt: device is cuda, and torch sees none here"):
        MLPBradleyTerry(device="cuda")


@every_loss
def test_a_row_that_is_in_validation_alone_teaches_nothing(head):
    """Rows divided: turning the losing side of pairs whose second row validates must not move a classifier's fit."""
    row_sm2 = np.ones((1, 40, 2), np.float32)
    row_sm2[0, :20, 1] = 0
    chosen_sm, rejected_sm = TRAIN.chosen_sm[:1, :40], TRAIN.rejected_sm[:1, :40]
    other_sm = rejected_sm.copy()
    other_sm[0, :20] = np.setdiff1d(np.arange(600), np.concatenate([chosen_sm, rejected_sm]))[:20]
    validation = subset(VALIDATION, [0])
    scores = [
        fitted(head, PairSets.of_rows(chosen_sm, side_sm, row_sm2), validation, precision="float32").score(
            WORLD.embedding_rd
        )
        for side_sm in (rejected_sm, other_sm)
    ]
    assert np.allclose(*scores, atol=1e-5) == (head is MLPClassifier)


# The model


@every_loss
def test_a_curved_reward_that_no_line_can_follow_is_learned(head):
    rng = np.random.default_rng(0)
    embedding_rd = rng.normal(size=(3000, 4)).astype(np.float16)
    reward_r = embedding_rd[:, 0].astype(float) ** 2
    first_m, second_m = rng.permutation(3000).reshape(2, 1500)
    chosen_m = np.where(reward_r[first_m] > reward_r[second_m], first_m, second_m)
    rejected_m = first_m + second_m - chosen_m
    cut = [slice(0, 800), slice(800, 1000), slice(1000, 1500)]
    train, validation = (PairSets.padded([(chosen_m[part], rejected_m[part])]) for part in cut[:2])
    model = head(**SMALL | {"hidden": (64,)}).fit(embedding_rd, train, validation, rng_s=rng.spawn(1))
    score_r = model.score(embedding_rd)[0]
    assert (score_r[chosen_m[cut[2]]] > score_r[rejected_m[cut[2]]]).mean() > 0.85


def test_inputs_are_centred_by_the_mean_of_all_responses_and_divided_by_one_number():
    embedding_rd = (5 + 3 * np.random.default_rng(0).normal(size=(500, 6))).astype(np.float16)
    center_d, scale = center_and_scale(embedding_rd)
    np.testing.assert_allclose(center_d, embedding_rd.astype(float).mean(axis=0), rtol=1e-6)
    assert scale == pytest.approx((embedding_rd - embedding_rd.astype(float).mean(axis=0)).std(), rel=1e-6)
    assert center_and_scale(np.ones((3, 2), np.float16))[1] == 1.0


@every_loss
def test_a_sound_fit_does_not_care_where_the_origin_is_nor_about_the_unit(head):
    model = fitted(head, precision="float32")
    moved_rd = 16 * (WORLD.embedding_rd.astype(np.float64) + 3)
    moved = head(**SMALL, precision="float32").fit(moved_rd, TRAIN, VALIDATION, rng_s=streams(2))
    expected_sr = model.score(WORLD.embedding_rd)
    np.testing.assert_allclose(moved.score(moved_rd), expected_sr, atol=FLOAT_DRIFT * expected_sr.std())


@every_loss
def test_the_last_layer_is_that_of_a_network_of_two_hidden_layers_too(head):
    model = fitted(head, hidden=(7, 5), max_steps=20)
    feature_srh, weight_sh = model.last_layer(WORLD.embedding_rd)
    assert feature_srh.shape == (2, 600, 6)
    assert (feature_srh[:, :, 5] == 1).all()  # beside the bias
    assert (feature_srh >= 0).all()  # after the ReLU
    by_hand_sr = np.einsum("srh,sh->sr", feature_srh, weight_sh)
    np.testing.assert_allclose(by_hand_sr, model.score(WORLD.embedding_rd), rtol=1e-4, atol=1e-5)


@every_loss
def test_scores_may_be_learned_in_place_of_pairs(head):
    position_sn = np.random.default_rng(0).permutation(600)[None]
    score_sn = WORLD.reward_r[position_sn]
    train, validation = (
        ScoreSets(position_sn[:, at], score_sn[:, at], np.ones_like(score_sn[:, at], np.float32))
        for at in (slice(0, 300), slice(300, 400))
    )
    model = head(**SMALL).fit_scores(WORLD.embedding_rd, train, validation, rng_s=streams(1))
    left_r = position_sn[0, 400:]
    assert np.corrcoef(model.score(WORLD.embedding_rd)[0, left_r], WORLD.reward_r[left_r])[0, 1] > 0.97
    assert model.validation_squared_error_s_[0] < 0.1 * WORLD.reward_r.var()
    assert not hasattr(model, "validation_log_loss_s_")


@every_loss
def test_a_saved_model_bears_the_name_of_its_head_and_not_of_the_other(head, tmp_path):
    fitted(head, max_steps=10).save(tmp_path)
    assert json.loads((tmp_path / "model.json").read_text())["reward_model"] == head.name
    (other,) = {MLPBradleyTerry, MLPClassifier} - {head}
    with pytest.raises(DataError, match=f"holds {head.name} of format 1, expected {other.name}"):
        other.load(tmp_path)


def test_an_option_that_is_not_one_of_those_there_are_is_named():
    for option in ("procedure", "precision", "device"):
        with pytest.raises(ParamsError, match=f"mlp_clf: {option}: 'best' is not one of"):
            MLPClassifier(**{option: "best"})
    assert {field.name for field in dataclasses.fields(MLPClassifier)} >= {"procedure", "precision", "device"}
