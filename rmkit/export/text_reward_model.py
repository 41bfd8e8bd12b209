"""A reward model of texts, in one folder: a fitted head with what turns a text into its features, or a language model.

Gives a reward to any response after its prompt, seen before or not. Knows texts, features and heads; no pair and no
label. No folder holds a pickle. That of a head has reward_model.json, head/ and, where the features are n-grams or the
encoder came along, encoder/; that of a language model is a sequence classifier's (classifier.py).
"""

import json
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError, quoted
from rmkit.export.carried_facts import check_facts
from rmkit.files.digests import file_digest, files_below
from rmkit.files.regular import read_json
from rmkit.reward_models.collection import RewardModels
from rmkit.worlds.human_preferences.computed_features import FEATURES, embedding_of
from rmkit.worlds.human_preferences.stored_features import ENCODED, NGRAMS
from rmkit.worlds.human_preferences.text_features import ARRAYS as NGRAM_ARRAYS
from rmkit.worlds.human_preferences.text_features import NGRAM_READER, NgramFeatures
from rmkit.worlds.human_preferences.text_features import SETTINGS as NGRAM_SETTINGS

if TYPE_CHECKING:
    import numpy as np

FORMAT = 1
RESPONSE, JOINT = "response", "prompt and response"  # what features are of
ABOUT, HEAD, ENCODER = "reward_model.json", "head", "encoder"
BESIDE = f"./{ENCODER}"  # an encoder that came along, in the same folder
IN_TRANSFORMERS = "rmkit.export.classifier:ClassifierRewardModel"  # as text: other models need no transformers
CLASSIFIER = "sequence classifier"  # in place of features: the language model gives the reward itself
OF_TRANSFORMERS = (  # names of what a sequence classifier's folder holds besides
    *("config.json", "model*.safetensors", "model.safetensors.index.json", "tokenizer*", "*.jinja", "README.md"),
    *("special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "spiece.model"),
)
OF_HEAD = ("model.json", "model.safetensors", "trees_*.txt")
FILES = (  # all that `save` writes, of either kind, by names from the folder on
    *(ABOUT, *OF_TRANSFORMERS, f"{HEAD}/reward_models.json", f"{HEAD}/fits.parquet", f"{ENCODER}/{NGRAM_SETTINGS}"),
    *(f"{ENCODER}/{NGRAM_ARRAYS}", *(f"{HEAD}/*/{inside}{name}" for inside in ("", "members/") for name in OF_HEAD)),
)
WEIGHTS = "model.safetensors"  # of an encoder's folder: what its digest is of
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)


class TextRewardModel(ABC):
    """Rewards of responses after their prompts. `about` is carried, never read: data, evaluation, why this head."""

    about: Mapping[str, Any]  # in JSON's types
    encoder: str | None  # the folder or hub name of the model that reads the texts

    @property
    @abstractmethod
    def name(self) -> str:
        """The head's name."""

    @property
    @abstractmethod
    def reads(self) -> str:
        """What is read, and by what."""

    @abstractmethod
    def score(
        self, prompts: Sequence[str], responses: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> "np.ndarray":
        """(R,) float32 rewards, more is better; the difference of two is the margin, in the head's own scale.

        prompts: dialogues in HH-RLHF's form, each response's own.
        """

    @abstractmethod
    def save(self, folder: str | Path) -> None:
        """Write the folder; equal models give equal bytes."""

    @classmethod
    def load(cls, folder: str | Path) -> "TextRewardModel":
        """The reward model of a folder that `save` wrote, or DataError; also if its encoder is no longer the same."""
        folder = Path(folder)
        where = str(folder / ABOUT)
        if not folder.is_dir() and folder.exists():
            raise DataError(f"{folder}: is a file; a reward model is a folder that `rmkit fit` wrote")
        try:
            about = read_json(folder / ABOUT)
            files_below(folder)  # regular ones only: a pipe would be waited for
            if about["format"] != FORMAT:
                raise DataError(f"{where}: is of format {quoted(about['format'])}; this rmkit reads format {FORMAT}")
            kind = pkgutil.resolve_name(IN_TRANSFORMERS) if about["features"] == CLASSIFIER else HeadRewardModel
            check_facts(about["about"], where)
            model: TextRewardModel = kind.of(folder, about)
            return model
        except FileNotFoundError:
            raise DataError(f"{folder}: holds no {ABOUT}; it must be a folder that `rmkit fit` wrote") from None
        except KeyError as fault:
            raise DataError(f"{where}: is not what rmkit wrote (it has no key {fault}); fit it again") from None
        except DAMAGED as fault:
            raise DataError(f"{where}: is not what rmkit wrote ({quoted(fault)}); fit it again") from None


def require_finite(reward_r: "np.ndarray", where: str) -> None:
    """DataError unless all rewards are finite numbers."""
    import numpy as np

    if not (finite_r := np.isfinite(reward_r)).all():
        row = int(np.argmin(finite_r))
        value = float(reward_r[row])
        said = f"gives response {row} a reward that is {value}, not finite"
        raise DataError(f"{where}: {said}: its numbers are damaged or too large; fit it again")


@dataclass(frozen=True, eq=False)
class HeadRewardModel(TextRewardModel):
    """One fit of one head on features of texts."""

    head: RewardModels  # of one fit
    features: str  # a key of computed_features.FEATURES
    with_prompt: bool  # whether the features are of prompt and response, or of the response alone
    encoder: str | None = None  # of features that a model gives: its folder or hub name
    ngrams: NgramFeatures | None = None  # of n-grams: what was fitted
    about: Mapping[str, Any] = field(default_factory=dict)  # in JSON's types
    folder: str | None = None  # where it was loaded from

    @property
    def name(self) -> str:
        """The head's name."""
        return str(self.head.fits["reward_model"].iloc[0])

    @property
    def features_of(self) -> str:
        """What its features are of."""
        return JOINT if self.with_prompt else RESPONSE

    @property
    def reads(self) -> str:
        return f"{self.features_of} by {NGRAM_READER if self.ngrams else self.encoder or self.features}"

    def embed(
        self, prompts: Sequence[str], responses: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> "np.ndarray":
        """(R, D) float features of R responses after their prompts; prompts as dialogues in HH-RLHF's form."""
        texts = list(responses)
        if self.with_prompt:
            texts = [f"{prompt} {text}" for prompt, text in zip(prompts, responses, strict=True)]
        if self.ngrams is not None:
            return self.ngrams.embed(texts)
        if self.features == ENCODED:  # not rounded to float16, as those are that a bank stores
            from rmkit.lm.reading.text_encoder import read

            return read(texts, encoder=str(self.encoder), progress=progress)[0]
        return embedding_of(texts, self.features, encoder=self.encoder, progress=progress)[0]

    def score(
        self, prompts: Sequence[str], responses: Sequence[str], *, progress: Callable[[int, int], None] | None = None
    ) -> "np.ndarray":
        import numpy as np

        if not len(responses):
            return np.empty(0, np.float32)
        (model,) = self.head.models.values()
        embedding_rd = self.embed(prompts, responses, progress=progress)
        self.require_width(embedding_rd.shape[1])
        if not np.isfinite(embedding_rd).all():
            row = int(np.argmin(np.isfinite(embedding_rd).all(axis=1)))
            held = f"gives response {row} features that are not finite"
            raise DataError(f"{self._reader()}: {held}; put its files back, or fit again")
        with np.errstate(over="ignore", invalid="ignore"):  # told below
            reward_r = np.asarray(model.score(embedding_rd)[0], np.float32)
        require_finite(reward_r, f"{self.folder or 'the reward model'}/{HEAD}")
        return reward_r

    def require_width(self, n_dimensions: int) -> None:
        """DataError unless the head was fitted on as many numbers a text as its features have."""
        (head,) = self.head.models.values()
        if (wanted := head.n_dimensions) != n_dimensions:  # type: ignore[attr-defined]  # of the registry
            held = f"gives {n_dimensions} numbers a text, and the head in {self.folder or 'memory'}"
            raise DataError(f"{self._reader()}: {held} was fitted on {wanted}; put its files back, or fit again")

    def _reader(self) -> str:
        """What makes features of texts, as messages give it."""
        beside = f"{self.folder}/{ENCODER}" if self.folder else "the n-grams"
        return beside if self.ngrams is not None else str(self.encoder or self.features)

    def save(self, folder: str | Path) -> None:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.head.save(folder / HEAD)
        if self.ngrams is not None:
            self.ngrams.save(folder / ENCODER)
        weights = self.weights()
        about = {
            "format": FORMAT,
            "head": self.name,
            "features": self.features,
            "reads": self.features_of,
            "encoder": self.encoder,
            "encoder_sha256": file_digest(weights) if weights else None,
            "about": dict(self.about),
        }
        (folder / ABOUT).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")

    def weights(self) -> Path | None:
        """The weights of an encoder that is a folder."""
        path = Path(self.encoder) / WEIGHTS if self.encoder else None
        return path if path and path.is_file() else None

    @classmethod
    def of(cls, folder: Path, about: Mapping[str, Any]) -> "HeadRewardModel":
        """The reward model of a folder whose reward_model.json says `about`; as `load`."""
        features, reads, encoder, held = (about[name] for name in ("features", "reads", "encoder", "about"))
        if reads not in (RESPONSE, JOINT):
            raise ValueError(f"reads {quoted(reads)}")
        if features not in FEATURES or not isinstance(encoder, type(None) if features == NGRAMS else str):
            raise ValueError(f"features {quoted(features)} of encoder {quoted(encoder)}")
        if encoder == BESIDE:
            encoder = str(folder.resolve() / ENCODER)
        ngrams = NgramFeatures.load(folder / ENCODER) if features == NGRAMS else None
        head = RewardModels.load(folder / HEAD)
        if len(head.fits) != 1:
            raise DataError(
                f"{folder / HEAD}: holds {len(head.fits)} fits; a reward model of texts is one; fit it again"
            )
        model = cls(head, features, reads == JOINT, encoder, ngrams, held, str(folder))
        if ngrams is not None:
            model.require_width(len(ngrams.direction_dv))
        weights = model.weights()
        if about.get("encoder_sha256") and (not weights or file_digest(weights) != about["encoder_sha256"]):
            state = "holds other weights than" if weights else "is not there any more, or lacks"
            raise DataError(f"{folder}: its encoder {encoder} {state} those that it was fitted with; put them back")
        return model
