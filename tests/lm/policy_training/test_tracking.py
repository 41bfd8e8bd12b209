"""What is seen on the way: divergences against enumeration, means by step, and what is said of a far policy."""

import numpy as np
import pandas as pd
import pytest
import torch

from rmkit.artifacts.shards import Shards
from rmkit.errors import DataError
from rmkit.lm.loading import load_causal
from rmkit.lm.policy_training.tracking import Tracked, Tracker, by_step, tracked_steps
from tests.lm.policy_training.bandit import ONE, PROMPTS, reward


def tracker_of(bandit, *, n_tokens=1, tracked=None, shards=None):
    """Of a policy that is not where it started."""
    (policy, tokenizer), (start, _) = load_causal(bandit), load_causal(bandit)
    with torch.no_grad():
        for weight in policy.parameters():
            weight.mul_(1.3)
    tracked = tracked or Tracked(ONE, reward, n=3000)
    return Tracker(policy, start, tokenizer, reward, tracked, 4, n_tokens, 0, shards)


def token_log_probs(model, tokenizer, tokens):
    with torch.no_grad():
        return model(torch.tensor([[*tokenizer("a")["input_ids"], *tokens]])).logits[0, -1].double().log_softmax(-1)


def test_the_divergence_of_one_token_is_that_of_the_two_distributions(bandit):
    tracker = tracker_of(bandit)
    here_v, start_v = (token_log_probs(model, tracker.tokenizer, []) for model in (tracker.policy, tracker.start))
    exact = (here_v.exp() * (here_v - start_v)).sum().item()
    tracker.look(4)
    seen = tracker.responses
    assert exact > 0.05
    np.testing.assert_allclose(seen["kl_by_token"], exact, rtol=1e-4)
    assert abs(seen["kl"].mean() - exact) < 4 * seen["kl"].sem()
    log_ratio_v = (here_v - start_v).numpy()
    assert set(seen["kl"].round(4)) <= set(log_ratio_v.round(4))


def test_that_of_longer_responses_has_two_estimates_with_the_mean_of_all_responses(bandit):
    tracker = tracker_of(bandit, n_tokens=2)
    first, first_start = (token_log_probs(model, tracker.tokenizer, []) for model in (tracker.policy, tracker.start))
    exact = (first.exp() * (first - first_start)).sum().item()
    for token in range(9):
        if token != tracker.tokenizer.eos_token_id:
            second, second_start = (
                token_log_probs(model, tracker.tokenizer, [token]) for model in (tracker.policy, tracker.start)
            )
            exact += first[token].exp().item() * (second.exp() * (second - second_start)).sum().item()
    tracker.look(4)
    seen = tracker.responses
    for name in ("kl", "kl_by_token"):
        assert abs(seen[name].mean() - exact) < 4 * seen[name].sem()
    assert seen["kl_by_token"].std() < seen["kl"].std() / 2
    assert (seen["kl_by_token"] >= 0).all()
    assert (seen["kl"] < 0).any()


def test_steps_whose_turn_it_is_are_seen_with_the_same_numbers(bandit):
    tracker = tracker_of(bandit, tracked=Tracked(PROMPTS, reward, n=5, every=3), n_tokens=3)
    for step in range(5):
        tracker.look(step)
    seen = tracker.responses
    assert seen["step"].unique().tolist() == [0, 3, 4]  # the last one, too
    assert len(seen) == 3 * 2 * 5
    assert seen["prompt_id"].unique().tolist() == [4, 9]
    first, last = (seen[seen["step"] == step].drop(columns="step").reset_index(drop=True) for step in (0, 4))
    pd.testing.assert_frame_equal(first, last)  # the policy did not change
    np.testing.assert_allclose(seen["proxy_reward"], reward(None, seen["answer"]))
    assert not tracker.policy.training


@pytest.mark.parametrize(("steps", "every", "seen"), [(4, 3, [3, 4]), (6, 3, [3, 6]), (2, 10, [2]), (3, 1, [1, 2, 3])])
def test_the_steps_that_are_looked_at_are_every_so_many_and_the_last(steps, every, seen):
    assert tracked_steps(steps, every) == seen


def test_a_row_a_step_has_the_means_over_its_responses():
    seen = pd.DataFrame(
        {
            "step": [0, 0, 4], "prompt_id": [1, 2, 1], "answer": ["a", "b", "a"], "proxy_reward": [1.0, 3.0, 5.0],
            "gold_reward": [0.0, 1.0, 7.0], "kl": [0.0, 0.0, 2.5], "kl_by_token": [0.0, 0.0, 2.0],
            "n_tokens": [3, 6, 1], "stopped": [True, False, True],
        }
    )  # fmt: skip
    expected = pd.DataFrame(
        {
            "step": [0, 4], "proxy_reward": [2.0, 5.0], "gold_reward": [0.5, 7.0], "kl": [0.0, 2.5],
            "kl_by_token": [0.0, 2.0], "n_tokens": [4.5, 1.0], "stopped": [0.5, 1.0], "n_responses": [2, 1],
        }
    )  # fmt: skip
    pd.testing.assert_frame_equal(by_step(seen), expected)
    assert "gold_reward" not in by_step(seen.drop(columns="gold_reward"))


def test_what_was_seen_is_kept_and_taken_up_again(bandit, tmp_path):
    tracked = Tracked(PROMPTS, reward, n=2, every=2)
    shards = Shards(tmp_path)
    tracker = tracker_of(bandit, tracked=tracked, shards=shards)
    for step in (0, 1, 2):
        tracker.look(step)
    again = tracker_of(bandit, tracked=tracked, shards=shards)
    again.recall(3)
    pd.testing.assert_frame_equal(again.responses, tracker.responses, check_exact=True)
    (tmp_path / "0000002.parquet").unlink()
    with pytest.raises(DataError, match=r"^checkpoints: what was tracked at step 2 is gone; remove the folder, start"):
        tracker_of(bandit, tracked=tracked, shards=shards).recall(3)


@pytest.mark.parametrize("changed", [{"n": 0}, {"every": 0}, {"max_kl": 0.0}, {"max_kl": float("nan")}])
def test_tracking_that_cannot_be_is_one_line(changed):
    with pytest.raises(DataError, match=r"^tracked: 1 prompts, n=.*; each must be above 0$"):
        Tracked(ONE, **changed)
