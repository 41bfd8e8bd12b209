"""The loss of pairs, with weights and with either regulariser, is that of its definition; TRL's where TRL has it."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
from trl import RewardConfig, RewardTrainer

from rmkit.annotation.label_flips import settled_margin
from rmkit.lm.training.arguments import training_arguments
from rmkit.lm.training.preference_model import PreferenceTraining, fit_preference_model
from rmkit.lm.training.preference_options import REGULARISERS
from rmkit.lm.training.preference_trainer import PENALTIES, preference_trainer
from tests.lm.training.test_preference_model import pairs_of

CHOSEN, REJECTED, WEIGHT = [0.3, -1.0, 2.0], [1.2, -2.0, 0.5], [0.5, 1.5, 1.0]


def loss_of(monkeypatch, inputs, **options):
    """A training step's loss where the model gives these rewards, and TRL's own loss is -1."""
    kind = preference_trainer(**options)
    out = SimpleNamespace(logits=torch.tensor([*CHOSEN, *REJECTED])[:, None])
    monkeypatch.setattr(kind.__base__, "compute_loss", lambda self, model, inputs, *more: (torch.tensor(-1.0), out))
    return float(kind.__new__(kind).compute_loss(None, inputs))


def by_hand(weights, penalty):
    each = [
        weight * (np.log1p(np.exp(rejected - chosen)) + penalty(chosen, rejected))
        for weight, chosen, rejected in zip(weights, CHOSEN, REJECTED, strict=True)
    ]
    return sum(each) / len(each)


def test_options_and_penalties_have_the_same_names():
    assert tuple(PENALTIES) == REGULARISERS


def test_without_weights_and_regulariser_the_loss_is_trl_s_own(monkeypatch):
    assert loss_of(monkeypatch, {}) == -1


SQUARES, CENTRE = {"coefficient": 0.2}, {"regulariser": "centre", "coefficient": 0.2}


@pytest.mark.parametrize(
    ("weights", "options", "penalty"),
    [
        (WEIGHT, {}, lambda chosen, rejected: 0.0),
        (None, SQUARES, lambda chosen, rejected: 0.2 * (chosen * chosen + rejected * rejected)),
        (WEIGHT, SQUARES, lambda chosen, rejected: 0.2 * (chosen * chosen + rejected * rejected)),
        (None, CENTRE, lambda chosen, rejected: 0.2 * (chosen + rejected) * (chosen + rejected)),
        (WEIGHT, CENTRE, lambda chosen, rejected: 0.2 * (chosen + rejected) * (chosen + rejected)),
    ],
    ids=["weighted", "squares", "weighted squares", "centre", "weighted centre"],
)
def test_the_loss_is_the_weighted_mean_of_its_definition(monkeypatch, weights, options, penalty):
    inputs = {} if weights is None else {"margin": torch.tensor(weights)}
    assert loss_of(monkeypatch, inputs, **options) == pytest.approx(by_hand(weights or [1, 1, 1], penalty), abs=1e-6)


def test_centre_is_trl_s_own_option(base, tmp_path):
    """One batch through a model, by TRL with its option, and by the class here."""
    from datasets import Dataset

    tokenizer = AutoTokenizer.from_pretrained(base.path)
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(base.path, num_labels=1)
    model.config.pad_token_id = tokenizer.pad_token_id
    rows = Dataset.from_dict({"chosen_ids": [[5, 6, 7], [8, 9]], "rejected_ids": [[5, 6], [7, 9, 11]]})
    arguments = training_arguments(str(tmp_path), epochs=1, batch_size=2, learning_rate=1e-3, seed=0)
    losses = []
    for kind, options in (
        (RewardTrainer, {"center_rewards_coefficient": 3.0}),
        (preference_trainer("centre", 3.0), {}),
        (RewardTrainer, {}),
    ):
        config = RewardConfig(**arguments, max_length=None, **options)
        trainer = kind(model, config, train_dataset=rows, processing_class=tokenizer)
        batch = trainer.data_collator([rows[0], rows[1]])
        losses.append(float(trainer.compute_loss(trainer.model, batch).detach()))
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)
    assert abs(losses[0] - losses[2]) > 1e-3


def test_a_separable_pair_settles_at_the_margin_of_its_closed_form():
    """Two free scores by the loss of the class: 3.36 for the paper's coefficient; centred scores go on growing."""
    assert settled(PENALTIES["sum_of_squares"]) == pytest.approx(3.36, abs=0.01)
    assert settled(PENALTIES["sum_of_squares"]) == pytest.approx(settled_margin(0.0, 0.01), abs=1e-3)
    assert settled(PENALTIES["centre"]) > 6


def settled(penalty):
    score_2 = torch.tensor([0.2, 0.1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([score_2], max_iter=1000, tolerance_grad=1e-12, tolerance_change=1e-14)

    def step():
        optimiser.zero_grad()
        loss = torch.nn.functional.softplus(score_2[1] - score_2[0]) + 0.01 * penalty(score_2[0], score_2[1])
        loss.backward()
        return loss

    optimiser.step(step)
    return float((score_2[0] - score_2[1]).detach())


def test_in_a_training_the_sum_of_squares_shrinks_scores_and_no_coefficient_is_none(base):
    """With a heavy regulariser scores are small; the form does not matter where its coefficient is 0."""
    texts = pairs_of(20, 3)

    def scores(**options):
        training = PreferenceTraining(base.path, learning_rate=1e-2, batch_size=2, epochs=1, **options)
        tuned = fit_preference_model(training, pairs_of(32, 0), pairs_of(10, 5), seed=0)
        return np.concatenate([tuned.score(texts.prompt_m, side) for side in (texts.chosen_m, texts.rejected_m)])

    usual, none, heavy = scores(), scores(regulariser="centre"), scores(coefficient=5.0)
    np.testing.assert_array_equal(usual, none)
    assert heavy.std() < 0.5 * usual.std()
