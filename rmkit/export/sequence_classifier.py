"""A reward model of texts as a folder that transformers, TRL and vLLM load: a sequence classifier with one label.

A linear head on a causal model's last token is exactly its `score` layer, so nothing is fitted again. Of other heads
and encoders transformers has no such class. What was written is read back and compared, at batch sizes 1 and 16.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmkit.errors import DataError
from rmkit.export.text_reward_model import TextRewardModel
from rmkit.lm.libraries import quiet_libraries
from rmkit.lm.loading import context_of, first_line, load_reward_model, load_tokenizer, origin_of
from rmkit.lm.reading.text_encoder import LONGEST, is_causal, is_of_sentence_transformers
from rmkit.reward_models.linear.bradley_terry import LinearBradleyTerry
from rmkit.worlds.human_preferences.stored_features import ENCODED

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PROBES = (
    ("\n\nHuman: How do I bake bread?\n\nAssistant:", "Mix flour and water, and wait."),
    ("\n\nHuman: Why?\n\nAssistant:", "No."),
    ("\n\nHuman: Tell me a story.\n\nAssistant: Which?\n\nHuman: A long one.\n\nAssistant:", "Once upon a time. " * 9),
)
PAD = "[PAD]"  # what is added where no token will do
OFF = 1e-4  # of the spread of the probes' scores: how far a score may be off


def write_sequence_classifier(model: TextRewardModel, folder: str | Path) -> None:
    """Write config, weights, tokenizer and a model card; DataError if transformers has no class for it.

    The scores are those of `model.score`, up to OFF of their spread; DataError, and no folder, if they are not.
    """
    (head,) = model.head.models.values()
    origin = origin_of(str(model.encoder), {}, "encoder") if model.features == ENCODED else None
    if not isinstance(head, LinearBradleyTerry) or origin is None or is_of_sentence_transformers(origin):
        raise DataError(_why_not(model))
    import torch
    from transformers import AutoModelForSequenceClassification

    with quiet_libraries():
        if not is_causal(origin):
            raise DataError(_why_not(model))
        tokenizer = load_tokenizer(origin, padding_side="right")
        _prepare(tokenizer)
        try:
            whole = AutoModelForSequenceClassification.from_pretrained(
                origin.path, revision=origin.revision, num_labels=1, dtype=torch.float32, trust_remote_code=False
            )
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as fault:
            said = first_line(fault)
            raise DataError(f"{origin.name}: transformers has no sequence classifier of it ({said})") from None
        if len(tokenizer) > whole.get_input_embeddings().num_embeddings:  # a pad token was added
            whole.resize_token_embeddings(len(tokenizer))
        whole.config.pad_token_id = tokenizer.pad_token_id
        tokenizer.model_max_length = min(LONGEST, context_of(whole) or LONGEST)
        with torch.no_grad():
            whole.score.weight.copy_(torch.from_numpy(np.asarray(head.weight_sd_, np.float32)))
        whole.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    _compare(model, Path(folder))
    (Path(folder) / "README.md").write_text(card(model), encoding="utf-8")


def _why_not(model: TextRewardModel) -> str:
    reads = "character n-grams" if model.ngrams else str(model.encoder or model.features)
    needs = "it takes linear_bt (--set 'reward_models=[linear_bt]') on a causal language model (--encoder)"
    return f"{model.name} on {reads}: transformers has no class for that; {needs}"


def _prepare(tokenizer: "PreTrainedTokenizerBase") -> None:
    """A pad token that no text ends with, since the last other token is what is read; and long texts cut in front."""
    last = tokenizer("text")["input_ids"][-1]
    named = (tokenizer.pad_token, tokenizer.eos_token, tokenizer.unk_token, tokenizer.bos_token)
    pad_token = next((token for token in named if token and tokenizer.convert_tokens_to_ids(token) != last), None)
    tokenizer.truncation_side = "left"
    tokenizer.init_kwargs["truncation_side"] = "left"  # what is saved
    if pad_token is None:
        tokenizer.add_special_tokens({"pad_token": PAD})
    else:
        tokenizer.pad_token = pad_token


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


def _compare(model: TextRewardModel, folder: Path) -> None:
    prompts, responses = zip(*PROBES, strict=True)
    expected_r = model.score(prompts, responses)
    for batch_size in (1, 16):
        texts = [f"{prompt} {response}" for prompt, response in zip(prompts, responses, strict=True)]
        off = float(np.abs(scores_of(folder, texts, batch_size=batch_size) - expected_r).max())
        if off > OFF * max(1.0, float(np.ptp(expected_r))):
            raise DataError(f"{folder}: read back, it gives other scores, off by up to {off:.2g}; it is of no use")


def card(model: TextRewardModel) -> str:
    """The model card: what it is, how to use it, and what it is worth on pairs that it has not seen."""
    about: Mapping[str, Any] = model.about
    rows = "".join(
        f"| {row['reward_model']} | {row['mean']:.3f} | {_interval(row)} |\n"
        for row in about.get("held_out_accuracy", [])
    )
    answers = "\n".join(f"- **{question}** {answer}" for question, answer in about.get("answers", {}).items())
    return CARD.format(
        encoder=model.encoder,
        name=model.name,
        pairs=about["pairs"],
        prompts=about["prompts"],
        rows=rows,
        answers=answers,
    )


def _interval(row: Mapping[str, Any]) -> str:
    return "none" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"


CARD = """---
library_name: transformers
pipeline_tag: text-classification
base_model: {encoder}
tags: [reward-model]
---
# A reward model of your pairs

A linear Bradley–Terry head ({name}) on the last token of {encoder}, fitted on {pairs} preference pairs of {prompts}
prompts. More is better; the difference of two scores is the log-odds that the first response is preferred. It reads
whole dialogues: `"\\n\\nHuman: …\\n\\nAssistant: …"`, a blank before the response.

```python
from transformers import AutoModelForSequenceClassification, AutoTokenizer

model, tokenizer = (kind.from_pretrained(".") for kind in (AutoModelForSequenceClassification, AutoTokenizer))
text = "\\n\\nHuman: How do I bake bread?\\n\\nAssistant: Mix flour and water, and wait."
print(model(**tokenizer(text, return_tensors="pt")).logits.item())
```

## On held-out pairs

| | accuracy | 95% interval |
|---|---|---|
{rows}
{answers}
"""
