"""Keys and values in a laid-out room are those that concatenation gives, bit for bit."""

import pytest
import torch
from transformers import DynamicCache, MambaConfig, MambaForCausalLM, MistralConfig, MistralForCausalLM
from transformers.cache_utils import DynamicSlidingWindowLayer

from rmkit.lm.loading import load_causal
from rmkit.lm.sampling.roomy_cache import cached, roomy_cache


def pieces(lengths):
    drawing = torch.Generator().manual_seed(0)
    return [[torch.randn(2, 3, length, 4, generator=drawing) for _ in range(2)] for length in lengths]


@pytest.mark.parametrize("n_tokens", [9, 7, 5, 1])  # enough, and too few from the third, the second and the first on
def test_what_is_held_is_what_concatenation_holds(causal, n_tokens):
    roomy, plain = roomy_cache(causal[0], n_tokens), DynamicCache(config=causal[0].config)
    for keys, values in pieces([5, 1, 2, 1]):
        held, expected = roomy.update(keys, values, 0), plain.update(keys, values, 0)
        assert all(torch.equal(one, other) for one, other in zip(held, expected, strict=True))
        assert roomy.get_seq_length(0) == plain.get_seq_length(0)


def test_a_layer_is_laid_out_once(causal):
    cache = roomy_cache(causal[0], 9)
    places = {cache.update(*piece, 0)[0].data_ptr() for piece in pieces([5, 1, 1, 1, 1])}
    assert len(places) == 1


def test_sliding_windows_stay_what_they_are():
    config = MistralConfig(
        vocab_size=20, hidden_size=8, intermediate_size=8, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=2, sliding_window=4,
    )  # fmt: skip
    cache = roomy_cache(MistralForCausalLM(config), 30)
    assert {type(layer) for layer in cache.layers} == {DynamicSlidingWindowLayer}


@pytest.mark.parametrize("name", ["base", "gpt2"])
def test_a_model_says_the_same_with_room(name, request):
    model, tokenizer = load_causal(request.getfixturevalue(name))
    asked = tokenizer(["Human: Hello", "Human: How is your garden?"], return_tensors="pt", padding=True)
    room = cached(model, asked["input_ids"].shape[1] + 12)
    assert room
    drawn = [model.generate(**asked, max_new_tokens=12, do_sample=False, **more) for more in ({}, room)]
    assert torch.equal(*drawn)


def test_a_model_without_keys_and_values_draws_as_it_does():
    model = MambaForCausalLM(MambaConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, state_size=4))
    assert cached(model, 9) == {}
    asked = torch.tensor([[3, 4, 5]])
    assert model.generate(asked, max_new_tokens=6, do_sample=False, eos_token_id=None, **cached(model, 9)).shape == (
        1,
        9,
    )
