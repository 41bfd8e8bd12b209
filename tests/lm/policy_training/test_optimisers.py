"""Options that cannot be are one line, whichever optimiser has them."""

from dataclasses import replace

import pytest

from rmkit.errors import DataError
from rmkit.lm.policy_training.optimisers import COUNTS, GRPO, OPTIMISERS, PPO, RANGES, RLOO, build_optimiser


@pytest.mark.parametrize("optimiser", [PPO(), RLOO(), GRPO()], ids=lambda one: type(one).__name__)
def test_every_option_has_a_least_and_a_most(optimiser):
    for name, value in vars(optimiser).items():
        if isinstance(value, bool | str):
            continue
        assert name in {*COUNTS, *RANGES}
        for wrong in (-1, 10_000_001, float("nan")):
            with pytest.raises(DataError, match=rf"^{name}: is {wrong}; it must be "):
                replace(optimiser, **{name: wrong})


def test_counts_are_whole():
    with pytest.raises(DataError, match=r"^steps: is 2.5; it must be a whole number from 1 to 1,000,000$"):
        PPO(steps=2.5)


def test_a_step_has_whole_updates():
    ppo = PPO(rollout_batch_size=6, n_samples_per_prompt=2, train_batch_size=4, max_epochs=3)
    assert (ppo.responses, ppo.updates) == (12, 9)
    told = (
        r"^train_batch_size: is 5, which does not divide the 12 responses of a step \(6 prompts, 2 responses to each\)$"
    )
    with pytest.raises(DataError, match=told):
        replace(ppo, train_batch_size=5)


@pytest.mark.parametrize("optimiser", [RLOO, GRPO])
def test_who_compares_responses_needs_two(optimiser):
    told = rf"^n_samples_per_prompt: is 1; {optimiser.__name__} compares responses to one prompt and needs 2 or more$"
    with pytest.raises(DataError, match=told):
        optimiser(rollout_batch_size=64, n_samples_per_prompt=1)


def test_a_scale_of_grpo_is_one_of_two():
    with pytest.raises(DataError, match=r"^scale_rewards: 'gruop' is not one of group, none; did you mean 'group'\?$"):
        GRPO(scale_rewards="gruop")


def test_the_names_are_those_of_parameters():
    assert {name: made.__name__ for name, made in OPTIMISERS.items()} == {"ppo": "PPO", "rloo": "RLOO", "grpo": "GRPO"}


def test_an_optimiser_is_built_of_those_parameters_that_it_has():
    given = {"steps": 7, "scale_rewards": "none", "critic_learning_rate": 0.5, "n_samples_per_prompt": 4, "seed": 3}
    assert build_optimiser("ppo", given) == PPO(steps=7, critic_learning_rate=0.5, n_samples_per_prompt=4)
    assert build_optimiser("grpo", given) == GRPO(steps=7, scale_rewards="none", n_samples_per_prompt=4)
    with pytest.raises(DataError, match=r"^optimiser: 'pop' is not one of ppo, rloo, grpo; did you mean 'ppo'\?$"):
        build_optimiser("pop", given)
