"""The noise of a response, where its answer ends, which prompts fit, and which decodings there are."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from rmkit.errors import DataError
from rmkit.lm.sampling.draws import Decoding, answer_of, fitting, noise


def test_noise_is_uniform_and_differs_between_responses():
    rows = [{"prompt_id": prompt_id, "sample": k} for prompt_id in range(40) for k in range(10)]
    noise_rt = np.stack([noise(row, 8, seed=0, draw=1) for row in rows])
    assert len(np.unique(noise_rt)) == noise_rt.size
    assert kstest(noise_rt.ravel(), "uniform").pvalue > 1e-3
    assert kstest(noise_rt[:, 0], "uniform").pvalue > 1e-3
    for other in (noise(rows[0], 8, seed=1, draw=1), noise(rows[0], 8, seed=0, draw=2)):
        assert not np.isclose(other, noise_rt[0]).any()


def test_an_answer_ends_at_the_next_turn():
    assert answer_of(" Water it.\n\nHuman: Thanks.\n\nAssistant: Bye.") == "Water it."
    assert answer_of(" Water it.\n\nIn the morning.\n") == "Water it.\n\nIn the morning."
    assert answer_of(" \n\nHuman: Hello?") == ""


def test_fitting_keeps_the_prompts_of_at_most_so_many_tokens(causal, asked):
    _, tokenizer = causal
    lengths = np.array([len(tokenizer(prompt)["input_ids"]) for prompt in asked["prompt"]])
    middle = int(np.median(lengths))
    kept = fitting(asked, tokenizer, middle)
    assert 0 < len(kept) < 10
    assert kept["prompt_id"].tolist() == asked["prompt_id"][lengths <= middle].tolist()
    assert kept.index.tolist() == list(range(len(kept)))
    pd.testing.assert_frame_equal(fitting(asked, tokenizer, int(lengths.max())), asked)
    shortest = lengths.min()
    with pytest.raises(DataError, match=f"none of 10 has at most {shortest - 1} tokens; the shortest has {shortest}"):
        fitting(asked, tokenizer, int(shortest) - 1)


@pytest.mark.parametrize(
    "options", [{"max_new_tokens": 0}, {"temperature": 0.0}, {"temperature": -1.0}, {"top_p": 0.0}, {"top_p": 1.1}]
)
def test_a_decoding_that_cannot_be_is_refused(options):
    with pytest.raises(DataError, match="needs max_new_tokens >= 1, temperature > 0 and 0 < top_p <= 1"):
        Decoding(**{"max_new_tokens": 5, **options})
