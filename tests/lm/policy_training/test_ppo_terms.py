"""Each term of PPO against a loop written from its definition."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rmkit.lm.policy_training.ppo_terms import (
    centred,
    clipped_surrogate,
    clipped_value_loss,
    gae,
    mean_of_drawn,
    token_rewards,
)


def drawn(seed, lengths, width=6):
    """The generator, and (B, T) ones for the tokens of responses of such lengths."""
    drawn_bt = torch.zeros(len(lengths), width, dtype=torch.float64)
    for row, length in enumerate(lengths):
        drawn_bt[row, :length] = 1
    return torch.Generator().manual_seed(seed), drawn_bt


def numbers(generator, drawn_bt):
    return torch.randn(drawn_bt.shape, generator=generator, dtype=torch.float64)


LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=4)
SEEDS = st.integers(0, 1000)
SHARES = st.floats(0, 1)


@given(SEEDS, LENGTHS, SHARES, SHARES)
def test_gae_is_the_sum_of_discounted_errors(seed, lengths, gamma, lambd):
    generator, drawn_bt = drawn(seed, lengths)
    reward_bt, value_bt = (numbers(generator, drawn_bt) for _ in range(2))
    advantage_bt, return_bt = gae(reward_bt, value_bt, drawn_bt, gamma=gamma, lambd=lambd)
    for b, length in enumerate(lengths):
        value_t = [*value_bt[b, :length].tolist(), 0.0]  # the response ends, cut off or not
        delta_t = [reward_bt[b, t].item() + gamma * value_t[t + 1] - value_t[t] for t in range(length)]
        for t in range(6):
            expected = sum((gamma * lambd) ** (later - t) * delta_t[later] for later in range(t, length))
            assert advantage_bt[b, t].item() == pytest.approx(expected, abs=1e-10)
            value = value_t[t] if t < length else 0.0
            assert return_bt[b, t].item() == pytest.approx(expected + value, abs=1e-10)


@given(SEEDS, LENGTHS)
def test_with_lambda_1_the_return_is_what_follows_and_with_0_one_step_and_the_next_value(seed, lengths):
    generator, drawn_bt = drawn(seed, lengths)
    reward_bt, value_bt = (numbers(generator, drawn_bt) for _ in range(2))
    _, whole_bt = gae(reward_bt, value_bt, drawn_bt, gamma=1.0, lambd=1.0)
    _, step_bt = gae(reward_bt, value_bt, drawn_bt, gamma=1.0, lambd=0.0)
    for b, length in enumerate(lengths):
        following_t = [reward_bt[b, t:length].sum().item() for t in range(length)]
        np.testing.assert_allclose(whole_bt[b, :length], following_t, atol=1e-10)
        bootstrapped_t = [
            reward_bt[b, t].item() + (value_bt[b, t + 1].item() if t + 1 < length else 0) for t in range(length)
        ]
        np.testing.assert_allclose(step_bt[b, :length], bootstrapped_t, atol=1e-10)


@given(SEEDS, LENGTHS, st.floats(0, 2))
def test_token_rewards_pay_the_reward_at_the_last_token_and_take_the_kl_at_each(seed, lengths, kl_coef):
    generator, drawn_bt = drawn(seed, lengths)
    log_ratio_bt, reward_b = numbers(generator, drawn_bt), numbers(generator, drawn_bt)[:, 0]
    found_bt = token_rewards(reward_b, log_ratio_bt, drawn_bt, kl_coef)
    for b, length in enumerate(lengths):
        for t in range(6):
            expected = -kl_coef * log_ratio_bt[b, t].item() if t < length else 0.0
            expected += reward_b[b].item() if t == length - 1 else 0.0
            assert found_bt[b, t].item() == pytest.approx(expected, abs=1e-12)
    whole_b = reward_b - kl_coef * (log_ratio_bt * drawn_bt).sum(dim=1)
    np.testing.assert_allclose(found_bt.sum(dim=1), whole_b, atol=1e-10)


@given(SEEDS, LENGTHS, st.floats(0, 0.9))
def test_the_clipped_surrogate_and_the_value_loss_are_means_over_drawn_tokens(seed, lengths, clip):
    generator, drawn_bt = drawn(seed, lengths)
    first_bt, second_bt, third_bt = (numbers(generator, drawn_bt) for _ in range(3))
    policy_terms, value_terms = [], []
    for b, length in enumerate(lengths):
        for t in range(length):
            first, second, third = (number_bt[b, t].item() for number_bt in (first_bt, second_bt, third_bt))
            ratio = np.exp(first - second)
            policy_terms.append(min(ratio * third, min(max(ratio, 1 - clip), 1 + clip) * third))
            held = min(max(first, second - clip), second + clip)
            value_terms.append(max((first - third) ** 2, (held - third) ** 2) / 2)
    policy_loss = clipped_surrogate(first_bt, second_bt, third_bt, drawn_bt, clip)
    assert policy_loss.item() == pytest.approx(-np.mean(policy_terms), abs=1e-10)
    value_loss = clipped_value_loss(first_bt, second_bt, third_bt, drawn_bt, clip)
    assert value_loss.item() == pytest.approx(np.mean(value_terms), abs=1e-10)


@pytest.mark.parametrize(
    ("ratio", "advantage", "moves"),
    [(1.1, 1, True), (1.3, 1, False), (1.3, -1, True), (0.7, 1, True), (0.7, -1, False), (0.9, -1, True)],
)
def test_a_ratio_beyond_the_clip_moves_nothing_further_that_way(ratio, advantage, moves):
    log_prob_bt = torch.tensor([[np.log(ratio)]], requires_grad=True)
    whole = torch.ones(1, 1)
    clipped_surrogate(log_prob_bt, torch.zeros(1, 1), advantage * whole, whole, 0.2).backward()
    assert (log_prob_bt.grad.item() != 0) == moves
    if moves:  # the policy gradient's own step: against the advantage, times the ratio
        assert log_prob_bt.grad.item() == pytest.approx(-advantage * ratio)


@given(SEEDS, LENGTHS, st.booleans())
def test_centred_advantages_have_mean_0_and_if_scaled_an_sd_of_1_over_drawn_tokens(seed, lengths, scaled):
    generator, drawn_bt = drawn(seed, lengths)
    advantage_bt = 3 + 5 * numbers(generator, drawn_bt)
    found_bt = centred(advantage_bt, drawn_bt, scaled=scaled)
    was, now = advantage_bt[drawn_bt > 0].numpy(), found_bt[drawn_bt > 0].numpy()
    expected = (was - was.mean()) / (was.std() + 1e-8) if scaled else was - was.mean()
    np.testing.assert_allclose(now, expected, atol=1e-10)
    assert (found_bt[drawn_bt == 0] == 0).all()


def test_what_is_padded_does_not_count():
    _, drawn_bt = drawn(0, [2, 1])
    assert mean_of_drawn(torch.where(drawn_bt > 0, 2.0, 99.0), drawn_bt).item() == 2.0
