"""An embedding is the last layer's state at the last real token, whatever the text is padded with."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from rmkit.errors import DataError
from rmkit.lm.loading import load_encoder
from rmkit.lm.reading.embed import embed
from rmkit.lm.templates import HUMAN, TEMPLATES

PROMPT, SHORT, LONG = "\n\nHuman: My rose bush has brown spots.\n\nAssistant:", "No.", "Give it more water. " * 20


def by_hand(origin, text):
    """hidden_states[-1] at the last position of the text alone, as arXiv 2411.04991's code has it."""
    tokenizer, model = AutoTokenizer.from_pretrained(origin.path), AutoModelForCausalLM.from_pretrained(origin.path)
    with torch.no_grad():
        states = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states
    return states[-1][0, -1].numpy()


@pytest.mark.parametrize("name", ["base", "gpt2"])
def test_an_embedding_is_what_transformers_gives_at_the_last_token(name, request):
    origin = request.getfixturevalue(name)
    embedding_rd, _ = embed(*load_encoder(origin), [PROMPT] * 2, [SHORT, LONG])
    assert embedding_rd.dtype == np.float16
    for embedding_d, response in zip(embedding_rd, (SHORT, LONG), strict=True):
        expected_d = by_hand(origin, f"{PROMPT} {response.strip()}")
        np.testing.assert_allclose(embedding_d, expected_d, atol=1e-3 * np.abs(expected_d).max())
    assert np.abs(embedding_rd[0] - embedding_rd[1]).max() > 0.1


@pytest.mark.parametrize("name", ["base", "gpt2"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_short_response_beside_a_long_one_is_embedded_as_if_alone(name, side, request):
    model, tokenizer = load_encoder(request.getfixturevalue(name))
    tokenizer.padding_side = side
    together_rd, _ = embed(model, tokenizer, [PROMPT] * 2, [SHORT, LONG], batch_size=2)
    alone_rd, _ = embed(model, tokenizer, [PROMPT], [SHORT])
    np.testing.assert_allclose(together_rd[0], alone_rd[0], atol=1e-3 * np.abs(alone_rd).max())


def test_the_pad_token_cannot_matter_even_where_the_text_ends_with_it(base):
    """As in GPT-2 and its like, whose pad token is the end of text: the mask says what is real."""
    usual, other = load_encoder(base), load_encoder(base, pad_token="</s>")
    said = [f"{SHORT}</s>", LONG]
    first_rd, second_rd = (embed(*loaded, [PROMPT] * 2, said)[0] for loaded in (usual, other))
    np.testing.assert_array_equal(first_rd, second_rd)
    assert np.abs(first_rd[0] - embed(*usual, [PROMPT], [SHORT])[0][0]).max() > 0.05


@pytest.mark.parametrize("template", ["published", "next_turn", "response"])
def test_a_template_changes_the_embedding_to_that_of_its_own_text(base, encoder, template):
    _, tokenizer = encoder
    plain_rd, _ = embed(*encoder, [PROMPT], [SHORT])
    found_rd, _ = embed(*encoder, [PROMPT], [SHORT], template=template)
    expected_d = by_hand(base, TEMPLATES[template](PROMPT, SHORT, tokenizer))
    np.testing.assert_allclose(found_rd[0], expected_d, atol=1e-3 * np.abs(expected_d).max())
    assert np.abs(found_rd - plain_rd).max() > 0.05


def test_a_state_too_large_for_float16_is_one_line(base):
    model, tokenizer = load_encoder(base)
    with torch.no_grad():
        model.norm.weight.mul_(1e7)
    with pytest.raises(DataError, match=r"^embedding of response 0: does not fit float16; use another encoder"):
        embed(model, tokenizer, [PROMPT], [HUMAN])


def test_a_prompt_has_a_part_in_the_joint_embedding_alone(encoder):
    """Of `response` two prompts give one embedding, and of every other template two."""
    prompts, responses = [PROMPT, PROMPT.replace("rose bush", "lawn")], [SHORT, SHORT]
    apart = {}
    for template in TEMPLATES.keys() - {"chat"}:
        first_d, second_d = embed(*encoder, prompts, responses, template=template)[0].astype(float)
        apart[template] = np.abs(first_d - second_d).max()
    assert apart.pop("response") == 0
    assert min(apart.values()) > 0.01
