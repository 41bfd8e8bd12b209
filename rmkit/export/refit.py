"""The chosen head fitted once more, on all pairs, with what turns a new text into its features; or a language model.

Knows a bank with its texts, comparisons and a head's name; not how the head was chosen.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError
from rmkit.export.classifier import ClassifierRewardModel
from rmkit.export.text_reward_model import HeadRewardModel
from rmkit.lm.training.preference_folds import LANGUAGE_MODEL, on_all_pairs
from rmkit.lm.training.preference_model import PreferenceTraining
from rmkit.progress import Progress
from rmkit.reward_models.collection import RewardModels
from rmkit.reward_models.fit_heads import fitted_on_all_pairs
from rmkit.training_sets.validation_splits import ValidationSplit
from rmkit.worlds.human_preferences.stored_features import NGRAMS
from rmkit.worlds.human_preferences.text_features import NgramFeatures, fitted

STREAM = "all pairs"


def refitted(
    name: str,
    bank: ResponseBank,
    comparisons: Comparisons,
    *,
    features: str,
    procedure: str,
    validation_share: float,
    validation_split: ValidationSplit,
    rng_of: Callable[[str], np.random.Generator],
    progress: Callable[[str], Progress],
    about: Mapping[str, Any],
) -> HeadRewardModel:
    """A head by name, fitted on all pairs, of which a share chooses its penalty or when to stop.

    features: how the bank's were made, a key of computed_features.FEATURES. about: in JSON's types, carried along. The
    draws are those of rng_of("all pairs …"). DataError if the bank lacks its texts, or they give other features.
    """
    ngrams = _ngrams_of(bank) if features == NGRAMS else None
    models, sets = fitted_on_all_pairs(
        name, bank, comparisons, procedure=procedure, validation_share=validation_share,
        validation_split=validation_split, rng=rng_of(STREAM), stream=STREAM, rng_of=rng_of, progress=progress,
    )  # fmt: skip
    source = dict(bank.embedding_source)
    return HeadRewardModel(
        head=RewardModels.of(models, sets.fits),
        features=features,
        with_prompt="read" in source,
        encoder=source.get("encoder"),
        ngrams=ngrams,
        about={**about, "embedding_source": source, **_sizes(bank, comparisons)},
    )


def refitted_language_model(
    training: PreferenceTraining,
    bank: ResponseBank,
    comparisons: Comparisons,
    *,
    validation_share: float,
    rng_of: Callable[[str], np.random.Generator],
    progress: Callable[[str], Progress],
    about: Mapping[str, Any],
) -> ClassifierRewardModel:
    """A language model fine-tuned on all pairs, of which those of a share of the prompts choose the epoch.

    about: as for `refitted`. Draws and errors are those of preference_folds.on_all_pairs.
    """
    tuned = on_all_pairs(
        training, bank, comparisons, validation_share=validation_share, rng_of=rng_of, progress=progress
    )
    made = {"training": asdict(training), "epoch": tuned.epoch, "validation_log_loss": tuned.validation_loss_e}
    sizes = {**_sizes(bank, comparisons), "texts_cut": tuned.n_cut}
    return ClassifierRewardModel(
        LANGUAGE_MODEL,
        tuned.model,
        tuned.tokenizer,
        tuned.template,
        encoder=training.language_model,
        revision=tuned.revision,
        about={**about, **made, **sizes},
    )


def _sizes(bank: ResponseBank, comparisons: Comparisons) -> dict[str, int]:
    """How many pairs it learned from, and of how many prompts: the bank may have more, that nobody has judged."""
    return {"pairs": len(comparisons), "prompts": len(np.unique(bank.prompt_id_r[comparisons.chosen_m]))}


def _ngrams_of(bank: ResponseBank) -> NgramFeatures:
    """What was fitted on the bank's texts, made once more, and equal to what the bank holds."""
    source = bank.embedding_source
    if "response" not in bank.responses or "prompt" not in bank.prompts:
        raise DataError("bank: has no texts, so new ones cannot be given its features; name a pairs_file")
    texts = bank.responses["response"].tolist()
    if "read" in source:
        prompt_p = bank.prompts.set_index("prompt_id")["prompt"]
        texts = [f"{prompt} {text}" for prompt, text in zip(prompt_p.loc[bank.prompt_id_r], texts, strict=True)]
    features, embedding_rd, _ = fitted(
        texts,
        n_dimensions=source["n_dimensions"],
        min_df=source["min_df"],
        ngram_range=tuple(source["ngram_range"]),
    )
    if not np.array_equal(embedding_rd, bank.embedding_rd):
        raise DataError("bank: its texts no longer give its features; make it again with `rmkit run`")
    return features
