"""A fitted head as the reward of texts: read as the bank's responses were, scored, and brought to a unit.

Knows reward models and an encoder. What a head gives is known up to a constant and a factor, and an optimiser sees
both: `whitened` rewards have mean 0 and standard deviation 1 on the base policy's stored responses, so that a KL
coefficient means the same for every reward; `raw` ones are as the head gives them. Encoders refuse to read an answer
without text: it gets the lowest reward of the stored responses. Source of the question: arXiv 2410.05584 optimises raw
scores, whose scale differs between reward models.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from rmkit.errors import DataError, one_of, quoted
from rmkit.lm.policy_training.rewards import RewardFunction, blank_as
from rmkit.lm.reading.embed import embed
from rmkit.lm.reading.read_again import reader_of
from rmkit.reward_models.collection import RewardModels

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

SCALES = ("whitened", "raw")


@dataclass(frozen=True)
class RewardScale:
    """What is taken off a reward and what it is divided by, and what a blank answer gets, in the reward's own unit."""

    centre: float
    spread: float
    blank: float

    @classmethod
    def of(cls, reward_r: np.ndarray, scale: str) -> Self:
        """By the rewards of the base policy's R stored responses; scale: one of SCALES, or DataError.

        A reward that is the same for all of them has spread 1: it is left for the optimiser to refuse.
        """
        one_of(scale, SCALES, "reward_scale", DataError)
        reward_r = np.asarray(reward_r, dtype=np.float64)
        centre, spread = (reward_r.mean(), reward_r.std() or 1.0) if scale == "whitened" else (0.0, 1.0)
        return cls(float(centre), float(spread), float(reward_r.min()))

    def brought(self, reward_r: np.ndarray) -> np.ndarray:
        """(R,) float64 rewards in this unit."""
        return (np.asarray(reward_r, dtype=np.float64) - self.centre) / self.spread


@dataclass(frozen=True, eq=False)
class TextReader:
    """An encoder that reads prompts with answers as a bank's responses were read."""

    encoder: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    template: str

    @classmethod
    def of(cls, source: Mapping[str, Any], folders: Mapping[str, Path], **options: Any) -> Self:
        """The reader that a bank's `embedding_source` tells of; folders: of the world's models.

        Options: dtype, pad_token. DataError if the bank embedded responses as they were drawn, where a reward is given
        answers, or if the model there is now makes other tokens of the same text.
        """
        if source.get("text") != "truncated":
            raise DataError(
                f"the bank's embeddings are of {quoted(source.get('text'))} text; policies are optimised for rewards "
                "of answers: sample with embedded_text: truncated"
            )
        return cls(*reader_of(source, folders, **options))

    def embed(self, prompts: Sequence[str], answers: Sequence[str]) -> np.ndarray:
        """(R, D) float16 embeddings, as notebook 02 makes them; DataError for a blank answer."""
        return embed(self.encoder, self.tokenizer, prompts, answers, template=self.template)[0]


def head_rewards(
    reader: TextReader, models: RewardModels, scales: Mapping[str, RewardScale]
) -> dict[str, RewardFunction]:
    """Each fit as a reward of texts, by its name, in the unit that `scales` gives it."""
    names = models.fits["fit"].to_numpy()
    return {name: _reward(reader, models.keep(names == name), scales[name]) for name in names}


def _reward(reader: TextReader, model: RewardModels, scale: RewardScale) -> RewardFunction:
    def reward(prompts: Sequence[str], answers: Sequence[str]) -> np.ndarray:
        return scale.brought(model.score(reader.embed(prompts, answers))[0])

    return blank_as(float(scale.brought(np.array(scale.blank))), reward)


def scored_answers(
    reader: TextReader,
    models: RewardModels,
    scales: Mapping[str, RewardScale],
    prompts: Sequence[str],
    answers: Sequence[str],
) -> np.ndarray:
    """(F, R) float64 rewards of R answers by every fit, in the order of `models.fits`; each text is read once."""
    said = sorted({pair for pair in zip(prompts, answers, strict=True) if pair[1]})
    place = {pair: position for position, pair in enumerate(said)}
    score_fu = models.score(reader.embed(*zip(*said, strict=True))) if said else np.empty((len(models.fits), 0))
    rows = [place.get(pair, -1) for pair in zip(prompts, answers, strict=True)]
    found_fr = []
    for name, score_u in zip(models.fits["fit"], score_fu, strict=True):
        scale = scales[name]
        found_fr.append(np.append(scale.brought(score_u), scale.brought(np.array(scale.blank)))[rows])
    return np.stack(found_fr)
