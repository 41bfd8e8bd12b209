"""A reward model in transformers' own form: a sequence classifier with one label, and what rmkit must know beside it.

Loads without rmkit and without remote code in transformers, TRL and vLLM. reward_model.json says which template made
its texts, and the template's fingerprint: read otherwise, it is another scorer. Knows a model, a tokenizer and texts.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError, quoted
from rmkit.export.model_card import CARD_FILE, card
from rmkit.export.text_reward_model import ABOUT, CLASSIFIER, FORMAT, JOINT, TextRewardModel
from rmkit.lm.classifier_folders import load_classifier, save_classifier
from rmkit.lm.reading.score import rewards_of
from rmkit.lm.templates import TEMPLATES, cut_ids, fingerprint

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

BATCH = 16


@dataclass(frozen=True, eq=False)
class ClassifierRewardModel(TextRewardModel):
    """A sequence classifier whose one logit is the reward; its tokenizer is one of loading.prepare_tokenizer."""

    head: str  # how it came about: a head's name
    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    template: str  # a key of templates.TEMPLATES
    encoder: str | None = None  # the model that it was made from
    revision: str | None = None  # of that, on the hub
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.head

    @property
    def reads(self) -> str:
        return f"{JOINT} by {self.encoder}"

    def score(
        self, prompts: Sequence[str], responses: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> "np.ndarray":
        import numpy as np

        if not len(responses):
            return np.empty(0, np.float32)
        ids_r, _ = cut_ids(prompts, responses, self.template, self.tokenizer)
        try:
            return rewards_of(self.model, self.tokenizer, ids_r, batch_size=BATCH, progress=progress)
        except DataError as fault:
            raise DataError(f"{self.model.name_or_path or 'the reward model'}: {fault}") from None

    def save(self, folder: str | Path) -> None:
        folder = Path(folder)
        save_classifier(self.model, self.tokenizer, folder)
        about = {
            "format": FORMAT,
            "head": self.head,
            "features": CLASSIFIER,
            "reads": JOINT,
            "encoder": self.encoder,
            "revision": self.revision,
            "layer": "last",
            "pooling": "last token",
            "template": self.template,
            "template_fingerprint": fingerprint(self.template, self.tokenizer),
            "max_length": self.tokenizer.model_max_length,
            "about": dict(self.about),
        }
        (folder / ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        (folder / CARD_FILE).write_text(card(self, in_transformers=True), encoding="utf-8")

    @classmethod
    def of(cls, folder: Path, about: Mapping[str, Any]) -> "ClassifierRewardModel":
        """The reward model of a folder whose reward_model.json says `about`; as `TextRewardModel.load`."""
        template, head, encoder = about["template"], about["head"], about["encoder"]
        if template not in TEMPLATES or not isinstance(head, str):
            raise ValueError(f"template {quoted(template)} of head {quoted(head)}")
        model, tokenizer = load_classifier(folder, template, about["template_fingerprint"])
        return cls(head, model, tokenizer, template, encoder, about.get("revision"), about["about"])
