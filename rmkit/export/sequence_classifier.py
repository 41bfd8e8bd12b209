"""A reward model of texts as a folder that transformers, TRL and vLLM load: a sequence classifier with one label.

A linear head on a causal model's last token is exactly its `score` layer, so nothing is fitted again. Of other heads
and encoders transformers has no such class (composite.py). What was written is read back and compared, at batch sizes
1 and 16.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rmkit.errors import DataError
from rmkit.export.classifier import ClassifierRewardModel
from rmkit.export.probes import OFF, PROBES
from rmkit.export.text_reward_model import HeadRewardModel
from rmkit.lm.libraries import quiet_libraries
from rmkit.lm.loading import context_of, first_line, load_reward_model, load_tokenizer, origin_of
from rmkit.lm.reading.text_encoder import LONGEST, is_causal, is_of_sentence_transformers
from rmkit.lm.templates import prepare_tokenizer
from rmkit.reward_models.linear.bradley_terry import LinearBradleyTerry
from rmkit.worlds.human_preferences.stored_features import ENCODED

TEMPLATE = "plain"  # of features of prompt and response


def has_a_class(model: HeadRewardModel) -> bool:
    """Whether it is a linear head on a causal model's last token."""
    (head,) = model.head.models.values()
    if not isinstance(head, LinearBradleyTerry) or model.features != ENCODED:
        return False
    origin = origin_of(str(model.encoder), {}, "encoder")
    with quiet_libraries():
        return not is_of_sentence_transformers(origin) and is_causal(origin)


def write_sequence_classifier(model: HeadRewardModel, folder: str | Path) -> None:
    """Write config, weights, tokenizer and a model card; DataError if transformers has no class for it.

    The scores are those of `model.score`, up to OFF of their spread; DataError, and no folder, if they are not.
    """
    if not has_a_class(model):
        raise DataError(f"{model.name} on {model.reads}: transformers has no class for that")
    import torch
    from transformers import AutoModelForSequenceClassification

    (head,) = model.head.models.values()
    assert isinstance(head, LinearBradleyTerry)  # has_a_class has looked
    origin = origin_of(str(model.encoder), {}, "encoder")
    with quiet_libraries():
        tokenizer = load_tokenizer(origin, padding_side="right")
        try:
            whole = AutoModelForSequenceClassification.from_pretrained(
                origin.path, revision=origin.revision, num_labels=1, dtype=torch.float32, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as fault:
            said = first_line(fault)
            raise DataError(f"{origin.name}: transformers has no sequence classifier of it ({said})") from None
        prepare_tokenizer(tokenizer, TEMPLATE, longest=min(LONGEST, context_of(whole) or LONGEST))
        if len(tokenizer) > whole.get_input_embeddings().num_embeddings:  # a pad token was added
            whole.resize_token_embeddings(len(tokenizer))
        whole.config.pad_token_id = tokenizer.pad_token_id
        with torch.no_grad():
            whole.score.weight.copy_(torch.from_numpy(np.asarray(head.weight_sd_, np.float32)))
    revision = getattr(whole.config, "_commit_hash", None)
    made = ClassifierRewardModel(
        model.name, whole.eval(), tokenizer, TEMPLATE, encoder=model.encoder, revision=revision, about=model.about
    )
    made.save(folder)
    _compare(model, Path(folder))


def scores_of(folder: str | Path, texts: Sequence[str], *, batch_size: int = 16) -> np.ndarray:
    """(R,) float32: what plain transformers gives R whole texts, padded on the right."""
    import torch

    with quiet_libraries():
        model, tokenizer = load_reward_model(origin_of(f"{Path(folder).resolve()}", {}))
    found = []
    with torch.inference_mode():
        for start in range(0, len(texts), batch_size):
            batch = list(texts[start : start + batch_size])
            ids = tokenizer(batch, padding=True, truncation=True, return_tensors="pt").to(model.device)
            found.append(model(**ids).logits[:, 0].float().cpu().numpy())
    return np.concatenate(found)


def _compare(model: HeadRewardModel, folder: Path) -> None:
    expected_r = model.score(*PROBES)
    for batch_size in (1, 16):
        texts = [f"{prompt} {response}" for prompt, response in zip(*PROBES, strict=True)]
        off = float(np.abs(scores_of(folder, texts, batch_size=batch_size) - expected_r).max())
        if not off <= OFF * max(1.0, float(np.ptp(expected_r))):
            raise DataError(f"{folder}: read back, it gives other scores, off by up to {off:.2g}; it is of no use")
