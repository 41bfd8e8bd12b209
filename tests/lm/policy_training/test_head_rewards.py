"""A head as a reward of texts: the unit, blank answers, and an encoder that reads as the bank was read."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError, ParamsError
from rmkit.lm.loading import load_encoder
from rmkit.lm.policy_training.head_rewards import RewardScale, TextReader, head_rewards, scored_answers
from rmkit.lm.reading.embed import embed
from rmkit.lm.reading.score import source_of
from rmkit.reward_models.collection import RewardModels


@dataclass
class Linear:
    """Two fits: the sum of an embedding, and minus twice its first number."""

    weight_sd: np.ndarray

    def score(self, embedding_rd):
        return (embedding_rd.astype(np.float32) @ self.weight_sd.T).T

    def only(self, position_g):
        return Linear(self.weight_sd[position_g])


@dataclass(frozen=True, eq=False)
class Lengths(TextReader):
    """Reads the lengths of prompt and answer."""

    def embed(self, prompts, answers):
        assert all(answers)
        return np.array(
            [[len(prompt), len(answer)] for prompt, answer in zip(prompts, answers, strict=True)], np.float16
        )


READER = Lengths(None, None, "plain")
MODELS = RewardModels(
    pd.DataFrame({"fit": ["sum", "first"], "reward_model": "linear", "position": [0, 1]}),
    {"linear": Linear(np.array([[1.0, 1.0], [-2.0, 0.0]], np.float32))},
)
STORED_FR = np.array([[2.0, 4.0, 6.0, 8.0], [-1.0, -1.0, -3.0, -3.0]])


def scales(scale):
    return {fit: RewardScale.of(stored_r, scale) for fit, stored_r in zip(("sum", "first"), STORED_FR, strict=True)}


def test_whitened_rewards_have_mean_0_and_spread_1_on_the_stored_responses_and_raw_ones_stay():
    for stored_r in STORED_FR:
        whitened_r = RewardScale.of(stored_r, "whitened").brought(stored_r)
        assert whitened_r.mean() == pytest.approx(0)
        assert whitened_r.std() == pytest.approx(1)
        np.testing.assert_array_equal(RewardScale.of(stored_r, "raw").brought(stored_r), stored_r)
    np.testing.assert_array_equal(RewardScale.of(np.full(3, 7.0), "whitened").brought(np.full(3, 7.0)), 0)
    with pytest.raises(DataError, match=r"^reward_scale: 'withened' is not one of whitened, raw; did you mean"):
        RewardScale.of(STORED_FR[0], "withened")


@pytest.mark.parametrize("scale", ["whitened", "raw"])
def test_each_fit_is_a_reward_and_a_blank_answer_gets_the_lowest_stored(scale):
    rewards = head_rewards(READER, MODELS, scales(scale))
    prompts, answers = ["p", "pp", "ppp"], ["aaa", "", "a"]
    own = scales(scale)
    np.testing.assert_allclose(rewards["sum"](prompts, answers), own["sum"].brought([4, 2, 4]))
    np.testing.assert_allclose(rewards["first"](prompts, answers), own["first"].brought([-2, -3, -6]))
    together_fr = scored_answers(READER, MODELS, own, prompts, answers)
    np.testing.assert_allclose(together_fr, [rewards[fit](prompts, answers) for fit in ("sum", "first")])
    np.testing.assert_allclose(scored_answers(READER, MODELS, own, ["p"], [""])[:, 0], [own["sum"].brought([2.0])[0],
                                                                                    own["first"].brought([-3.0])[0]])  # fmt: skip


def test_a_reader_reads_as_the_bank_says_it_was_read(bandit):
    loaded = load_encoder(bandit)
    source = source_of("bandit", *loaded, "plain") | {"text": "truncated", "pooling": "last token"}
    reader = TextReader.of(source, {"bandit": bandit.path})
    np.testing.assert_array_equal(
        reader.embed(["a", "f b"], ["c", "a a"]), embed(*loaded, ["a", "f b"], ["c", "a a"])[0]
    )
    for changed, said in (
        ({"text": "raw"}, "the bank's embeddings are of 'raw' text"),
        ({"template": "plain:0123"}, r"encoder bandit: makes plain:\w+ of a text, and the bank has plain:0123"),
        ({"template": "plian:0123"}, "the bank's template: 'plian' is not one of"),
    ):
        with pytest.raises(DataError, match=said):
            TextReader.of(source | changed, {"bandit": bandit.path})
    with pytest.raises(ParamsError, match="encoder: 'other' is not one of bandit"):
        TextReader.of(source | {"model": "other"}, {"bandit": bandit.path})
