import numpy as np
import pytest

from rmkit.errors import ParamsError
from rmkit.worlds.human_preferences import encoder_features, text_features
from rmkit.worlds.human_preferences.computed_features import FEATURES, read_texts
from rmkit.worlds.human_preferences.stored_features import ENCODED, MINILM, NGRAMS, STORED

OPTIONS = {**STORED[NGRAMS], "n_dimensions": 20}


def test_each_set_of_features_that_is_stored_can_be_computed():
    assert list(FEATURES) == [*STORED, ENCODED]


@pytest.mark.parametrize(
    "option", [{"n_dimensions": 10}, {"ngrams": [1, 3]}, {"min_df": 40}, {"embedded": "prompt_and_response"}]
)
def test_every_option_of_ngrams_changes_the_features_and_nothing_else(option, dialogues):
    usual = read_texts(dialogues, features=NGRAMS, **OPTIONS)
    other = read_texts(dialogues, features=NGRAMS, **OPTIONS | option)
    assert not np.array_equal(usual.bank.embedding_rd, other.bank.embedding_rd)
    assert other.bank.responses.equals(usual.bank.responses)
    assert other.comparisons.table.equals(usual.comparisons.table)


def test_ngrams_are_of_the_responses_in_the_banks_order(dialogues):
    bank = read_texts(dialogues, features=NGRAMS, **OPTIONS).bank
    expected_rd, source = text_features.embed(bank.responses["response"].tolist(), n_dimensions=20)
    np.testing.assert_array_equal(bank.embedding_rd, expected_rd)
    assert bank.embedding_source == source


def test_the_encoder_reads_each_response_after_its_prompt(dialogues, tiny_encoder):
    bank = read_texts(dialogues, features=MINILM, encoder=str(tiny_encoder)).bank
    prompt_r = bank.prompts["prompt"].loc[bank.prompt_id_r]  # prompts are numbered from 0
    joined = [f"{prompt} {text}" for prompt, text in zip(prompt_r, bank.responses["response"], strict=True)]
    expected_rd, source = encoder_features.embed(joined, encoder=str(tiny_encoder))
    np.testing.assert_array_equal(bank.embedding_rd, expected_rd)
    assert bank.embedding_source == {**source, "read": "prompt and response"}
    assert source["encoder"] == str(tiny_encoder), "it is not the published one, whatever it is called"


def test_an_unknown_set_is_a_sentence(dialogues):
    with pytest.raises(ParamsError, match=r"features: 'minilm' is not one of ngrams, all-MiniLM-L6-v2"):
        read_texts(dialogues, features="minilm", **OPTIONS)
