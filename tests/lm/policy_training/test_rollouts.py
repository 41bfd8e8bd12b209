"""What is drawn, and what a policy thinks of it, against the model asked for one response at a time."""

import numpy as np
import pytest
import torch

from rmkit.lm.loading import load_causal
from rmkit.lm.policy_training.rollouts import answer_text, log_probs, of_drawn, roll_out
from tests.lm.policy_training.bandit import END, distribution

N_TOKENS = 12


@pytest.fixture(params=["base", "gpt2"])
def model_and_rollout(request, asked):
    """A Llama that has learned to stop now and then, or a GPT-2; ten prompts of different lengths."""
    model, tokenizer = load_causal(request.getfixturevalue(request.param))
    uniform_bt = np.random.default_rng(0).random((10, N_TOKENS))
    return model, tokenizer, roll_out(model, tokenizer, asked["prompt"].tolist(), uniform_bt), uniform_bt


def test_log_probabilities_are_those_of_each_response_alone(model_and_rollout):
    model, tokenizer, rollout, _ = model_and_rollout
    with torch.no_grad():
        log_prob_btv, state_btd = log_probs(model, rollout)
    log_prob_bt = of_drawn(log_prob_btv, rollout)
    for b, prompt in enumerate(rollout.prompts):
        n_drawn = int(rollout.drawn_bt[b].sum())
        response = rollout.token_bt[b, :n_drawn]
        alone = torch.cat([torch.tensor(tokenizer(prompt)["input_ids"]), response])[None]
        with torch.no_grad():
            out = model(alone, output_hidden_states=True)
        log_prob_tv = out.logits[0, -n_drawn - 1 : -1].log_softmax(dim=-1)
        torch.testing.assert_close(log_prob_btv[b, :n_drawn], log_prob_tv, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(
            state_btd[b, :n_drawn], out.hidden_states[-1][0, -n_drawn - 1 : -1], atol=1e-4, rtol=1e-4
        )
        chosen_t = log_prob_tv.gather(1, response[:, None])[:, 0]
        torch.testing.assert_close(log_prob_bt[b, :n_drawn], chosen_t, atol=1e-4, rtol=1e-4)
        assert (log_prob_bt[b, n_drawn:] == 0).all()


def test_each_token_is_where_the_cumulated_probability_passes_its_number(model_and_rollout):
    model, _, rollout, uniform_bt = model_and_rollout
    with torch.no_grad():
        cumulated_btv = log_probs(model, rollout)[0].double().exp().cumsum(dim=-1)
    below_bt = torch.where(
        rollout.token_bt > 0, cumulated_btv.gather(-1, (rollout.token_bt - 1).clamp(min=0)[..., None])[..., 0], 0.0
    )
    above_bt = cumulated_btv.gather(-1, rollout.token_bt[..., None])[..., 0]
    drawn_bt = rollout.drawn_bt.bool()
    uniform_bt = torch.from_numpy(uniform_bt)[:, : drawn_bt.shape[1]]
    assert (below_bt - 1e-5 <= uniform_bt)[drawn_bt].all()
    assert (uniform_bt <= above_bt + 1e-5)[drawn_bt].all()


def test_a_response_ends_with_its_end_token_or_at_the_most_tokens(bandit):
    model, tokenizer = load_causal(bandit)
    rollout = roll_out(model, tokenizer, ["a"] * 400, np.random.default_rng(1).random((400, 3)))
    for b, tokens in enumerate(rollout.token_bt.tolist()):
        n_drawn = int(rollout.drawn_bt[b].sum())
        assert rollout.stopped_b[b] == (END in tokens)
        assert n_drawn == (tokens.index(END) + 1 if END in tokens else 3)
        assert rollout.n_tokens_b[b] == n_drawn - rollout.stopped_b[b]
        assert rollout.answers[b] == tokenizer.decode(tokens[:n_drawn], skip_special_tokens=True)
    assert 0 < rollout.stopped_b.sum() < 400
    part = rollout.part(torch.tensor([7, 2]))
    assert part.answers == [rollout.answers[7], rollout.answers[2]]
    torch.testing.assert_close(part.token_bt, rollout.token_bt[[7, 2]])
    torch.testing.assert_close(part.drawn_bt, rollout.drawn_bt[[7, 2]])


def test_tokens_come_as_often_as_the_policy_has_it(bandit):
    """Within 4 standard errors: nothing is cut, the temperature is 1, and an end token is drawn like any other."""
    model, tokenizer = load_causal(bandit)
    n = 20_000
    rollout = roll_out(model, tokenizer, ["a"] * n, np.random.default_rng(2).random((n, 1)))
    count_v = np.bincount(rollout.token_bt[:, 0].numpy(), minlength=9)
    p_v = np.array([distribution(bandit, "a", 1)[(token,)] for token in range(9)])
    assert (np.abs(count_v / n - p_v) < 4 * np.sqrt(p_v * (1 - p_v) / n)).all()


def test_an_answer_ends_at_the_next_turn(base):
    _, tokenizer = load_causal(base)
    ids = tokenizer(" Thank you.\n\nHuman: And?", add_special_tokens=False)["input_ids"]
    assert answer_text(tokenizer, ids, []) == "Thank you."
    end = tokenizer.eos_token_id
    assert answer_text(tokenizer, [*ids[:3], end, *ids], [end]) == tokenizer.decode(ids[:3]).strip()
    assert answer_text(tokenizer, [end], [end]) == ""
