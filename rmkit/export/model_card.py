"""The model card of a reward model: what it is, how to use it, and what it is worth on pairs that it has not seen.

Knows what a reward model says of itself; no weights.
"""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from rmkit.evaluation.choice import EXACT
from rmkit.worlds.human_preferences.text_features import NGRAM_READER

if TYPE_CHECKING:
    from rmkit.export.text_reward_model import TextRewardModel

CARD_FILE = "README.md"


def card(model: "TextRewardModel", *, in_transformers: bool) -> str:
    """Markdown with the hub's header; in_transformers: whether transformers loads the folder, or rmkit alone."""
    about: Mapping[str, Any] = model.about
    rows = "".join(
        f"| {row['reward_model']} | {row['mean']:.1%} | {_interval(row)} |\n"
        for row in about.get("held_out_accuracy", [])
    )
    answers = "\n".join(f"- **{question}** {answer}" for question, answer in about.get("answers", {}).items())
    encoder, reads = model.encoder or "", model.reads
    if Path(encoder).is_dir():  # where it lies here concerns nobody
        encoder, reads = "", reads.replace(encoder, Path(encoder).name)
    base = f"base_model: {encoder.partition('@')[0]}\n" if encoder else ""
    return CARD.format(
        library="transformers" if in_transformers else "rmkit",
        base=base,
        name=model.name,
        reads=reads,
        pairs=about["pairs"],
        prompts=about["prompts"],
        use=IN_TRANSFORMERS if in_transformers else IN_RMKIT,
        rows=rows,
        answers=answers,
    )


def cards_of(told: Mapping[str, Any]) -> list[str]:
    """The cards that go with a reward_model.json, of a folder that transformers loads and of one that rmkit does."""
    encoder, by = told["encoder"], told["encoder"] or NGRAM_READER
    model = SimpleNamespace(about=told["about"], encoder=encoder, reads=f"{told['reads']} by {by}", name=told["head"])
    return [card(cast("TextRewardModel", model), in_transformers=each) for each in (True, False)]


def _interval(row: Mapping[str, Any]) -> str:
    if row["low"] is not None:
        return f"{row['low']:.1%} to {row['high']:.1%}"
    return "exact" if row.get("reason") == EXACT else "none"


CARD = """---
library_name: {library}
pipeline_tag: text-classification
{base}tags: [reward-model]
---
# A reward model of your pairs

{name} on {reads}, fitted on {pairs} preference pairs of {prompts} prompts. More is better; the difference of two scores
is the log-odds that the first response is preferred, as far as the model is calibrated.

{use}
## On held-out pairs

| | accuracy | 95% interval |
|---|---|---|
{rows}
{answers}
"""
IN_TRANSFORMERS = """```python
from transformers import AutoModelForSequenceClassification, AutoTokenizer

model, tokenizer = (kind.from_pretrained(".") for kind in (AutoModelForSequenceClassification, AutoTokenizer))
messages = [
    {"role": "user", "content": "How do I bake bread?"},
    {"role": "assistant", "content": "Mix flour and water, and wait."},
]
print(model(**tokenizer.apply_chat_template(messages, return_dict=True, return_tensors="pt")).logits.item())
```

The chat template is the form in which the model was fitted. TRL's RLOO and GRPO take the folder as `reward_funcs` for
prompts of messages; `rmkit.export.trl_reward.reward_func` gives a function that takes plain texts too.
"""
IN_RMKIT = """```python
from rmkit.export.text_reward_model import TextRewardModel

model = TextRewardModel.load(".")
print(model.score(["\\n\\nHuman: How do I bake bread?\\n\\nAssistant:"], ["Mix flour and water, and wait."]).item())
```

transformers has no class for such a model. reward_model.json says what reads the texts; `head/` has the fitted head
(JSON, safetensors and, for trees, LightGBM's text; no pickle); `encoder/` has what makes features of a text, unless
reward_model.json names it on the hub. As TRL's reward: `rmkit.export.trl_reward.reward_func`.
"""
