"""Language models, encoders and reward models from folders or from the hub: found, checked, and loaded.

Knows transformers' folder format and what makes a folder the wrong one for a purpose; every such mistake is one line.
Code that comes with a model is never run (`trust_remote_code` is off). A model goes to the GPU if there is one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError, ParamsError, one_of, quoted
from rmkit.files.digests import files_below
from rmkit.files.regular import read_json, require_regular, why_unreadable
from rmkit.lm.libraries import quiet_libraries

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

CAUSAL, CLASSIFIER = ("ForCausalLM", "LMHeadModel"), ("ForSequenceClassification",)
# What transformers looks for in a folder, in its order, and what holds a tokenizer's vocabulary.
WEIGHTS = (
    *("model.safetensors", "model.safetensors.index.json"),
    *("pytorch_model.bin", "pytorch_model.bin.index.json"),
)
VOCABULARIES = (
    *("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model", "sentencepiece.bpe.model"),
    *("*.tiktoken", "tekken.json", "*.spm", "*.vocab", "bpe.codes"),
)
WITHOUT_VOCABULARY = ("ByT5", "Canine", "Perceiver")  # classes that read bytes or characters
FOLDER = "model folder "  # begins the name by which a folder of a model is counted
HUB = re.compile(r"\w[\w.-]*/\w[\w.-]*(@.+)?")  # with a revision, if need be
IN_PARTS, TRANSFORMER = "modules.json", "Transformer"  # of sentence-transformers, and a module of it
# Model types whose sequence classifier of transformers 5 has no head on the last token: encoders, mostly.
NOT_CAUSAL = frozenset(
    [
        "albert",
        "bart",
        "bert",
        "big_bird",
        "bigbird_pegasus",
        "camembert",
        "canine",
        "convbert",
        "ctrl",
        "data2vec-text",
        "deberta",
        "deberta-v2",
        "distilbert",
        "electra",
        "ernie",
        "esm",
        "esmc",
        "eurobert",
        "flaubert",
        "fnet",
        "funnel",
        "ibert",
        "jina_embeddings_v3",
        "layoutlm",
        "layoutlmv2",
        "layoutlmv3",
        "lilt",
        "longformer",
        "luke",
        "markuplm",
        "mbart",
        "megatron-bert",
        "mobilebert",
        "modernbert",
        "modernbert-decoder",
        "modernvbert",
        "mpnet",
        "mra",
        "mt5",
        "mvp",
        "nomic_bert",
        "nystromformer",
        "perceiver",
        "plbart",
        "reformer",
        "rembert",
        "roberta",
        "roberta-prelayernorm",
        "roc_bert",
        "roformer",
        "squeezebert",
        "t5",
        "tapas",
        "umt5",
        "xlm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xlnet",
        "xmod",
        "yoso",
    ]
)


@dataclass(frozen=True)
class Origin:
    """Where a model comes from: a folder, or a name on the hub; with the revision of a hub model."""

    name: str  # as the parameters have it
    path: str  # what transformers is given
    revision: str | None = None


def origin_of(name: str, own: Mapping[str, Path], where: str = "model") -> Origin:
    """The origin of a named model: one of `own` (name -> folder), or, with a slash in it, a folder or a hub name.

    `google/gemma-2b@9cf48e5` asks for a revision. ParamsError, with the names there are, for any other name.
    """
    if "/" not in name:
        return Origin(name, str(own[one_of(name, own, where)]))
    if Path(name).is_dir():
        return Origin(name, name)
    path, _, revision = name.partition("@")
    return Origin(name, path, revision or None)


def load_causal(origin: Origin, **options: Any) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """A causal language model, ready to sample (padded left), or DataError. Options: dtype, pad_token."""
    from transformers import AutoModelForCausalLM

    return _load(origin, AutoModelForCausalLM, CAUSAL, padding_side="left", **options)


def load_encoder(origin: Origin, **options: Any) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """A model without its head, whose last layer gives embeddings (padded right), or DataError."""
    from transformers import AutoModel

    return _load(origin, AutoModel, (), padding_side="right", **options)


def load_reward_model(origin: Origin, **options: Any) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """A sequence classifier with one label and a trained head (padded right), or DataError."""
    from transformers import AutoModelForSequenceClassification

    model, tokenizer = _load(origin, AutoModelForSequenceClassification, CLASSIFIER, padding_side="right", **options)
    if model.config.num_labels != 1:
        raise DataError(f"{origin.name}: has {model.config.num_labels} labels; a reward model has one")
    return model, tokenizer


def load_tokenizer(origin: Origin, *, padding_side: str) -> "PreTrainedTokenizerBase":
    """The tokenizer of a model."""
    from transformers import AutoTokenizer

    _require_readable(origin)
    try:
        return AutoTokenizer.from_pretrained(origin.path, revision=origin.revision, padding_side=padding_side)
    except (OSError, ValueError) as fault:
        raise DataError(
            f"{origin.name}: its tokenizer cannot be loaded ({first_line(fault)}); give a folder or a hub name"
        ) from None


def context_of(model: "PreTrainedModel") -> int | None:
    """The longest sequence in tokens that a model was made for, or None where its configuration does not say."""
    names = ("max_position_embeddings", "n_positions", "seq_length")
    return next((getattr(model.config, name) for name in names if getattr(model.config, name, None)), None)


def require_model_name(name: str, counts: Mapping[str, Any], where: str) -> None:
    """ParamsError unless a name is that of a folder that `check_folder` has counted, or may be one on the hub."""
    if "/" not in name:
        raise ParamsError(f"{where}: {quoted(name)} is no folder or hub name with a slash in it")
    if f"{FOLDER}{name}" not in counts and not HUB.fullmatch(name):
        raise ParamsError(f"{where}: there is no folder {quoted(name)}, and on the hub a name is as org/name")


def check_folder(path: str | Path, shown: str | None = None) -> tuple[str, dict[str, int]]:
    """A sentence on a folder that holds a model, or DataError if it is none, has no weights or no tokenizer.

    Counts that there is such a folder, for `require_model_name`. Loads nothing: of the weights it reads what a file of
    them says of itself.
    """
    folder, shown = Path(path), shown or str(path)
    if (folder / IN_PARTS).exists():  # an encoder of sentence-transformers keeps each in a place of its own
        return f"{shown}: {_modules(folder, shown)}", {f"{FOLDER}{shown}": 1}
    return f"{shown}: {_whole(folder, shown)}", {f"{FOLDER}{shown}": 1}


def check_causal_folder(path: str | Path, shown: str | None = None) -> tuple[str, dict[str, int]]:
    """As `check_folder`, of a model to fine-tune on pairs: also DataError unless it reads a text from its beginning."""
    folder, shown = Path(path), shown or str(path)
    config = _configuration(folder, shown)
    if config["model_type"] in NOT_CAUSAL:
        raise not_causal(shown, config.get("architectures") or [], config["model_type"])
    return f"{shown}: {_whole(folder, shown)}", {f"{FOLDER}{shown}": 1}


def not_causal(name: str, architectures: Sequence[str], model_type: str) -> DataError:
    """The error for a model whose reward would not be read at the last token."""
    kind = ", ".join(architectures) or model_type
    right = "a causal language model, as LlamaForCausalLM or GPT2LMHeadModel"
    return DataError(f"{name}: is {kind}, which is no causal language model; give {right}, or take it as --encoder")


def _whole(folder: Path, shown: str) -> str:
    """What a folder holds that `save_pretrained` wrote; DataError unless its weights and its tokenizer are there."""
    config = _configuration(folder, shown)
    _require_weights(folder, shown)
    _require_tokenizer(folder, shown)
    return ", ".join(config.get("architectures") or ["a model"])


def _modules(folder: Path, shown: str) -> str:
    """What an encoder of sentence-transformers is made of; DataError unless each transformer among that is whole."""
    try:
        kinds = {str(module["path"]): str(module["type"]).split(".")[-1] for module in read_json(folder / IN_PARTS)}
        transformers = [Path(place) for place, kind in kinds.items() if kind == TRANSFORMER]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        said = first_line(fault)
        raise DataError(f"{shown}: its {IN_PARTS} is not what sentence-transformers writes ({said})") from None
    held = [_whole(folder / place, str(Path(shown) / place)) for place in transformers]
    return ", ".join([*held, *(kind for kind in kinds.values() if kind != TRANSFORMER)]) or "no module"


def _require_weights(folder: Path, shown: str) -> None:
    """DataError unless a model's weights are there, with every part that its index names, and none is cut off."""
    from safetensors import SafetensorError, safe_open

    right = "a model is a folder that save_pretrained wrote, or a hub name"
    found = next((name for name in WEIGHTS if (folder / name).exists()), None)
    if found is None:
        raise DataError(f"{shown}: has no weights (no {WEIGHTS[0]}); {right}")
    try:
        names = {found}
        if found.endswith(".json"):
            names = set(read_json(folder / found)["weight_map"].values())
        for name in sorted(names):
            require_regular(folder / name)
            if name.endswith(".safetensors"):
                with safe_open(folder / name, "np"):  # reads how long it must be
                    pass
    except OSError as fault:
        what = why_unreadable(fault) if fault.errno else first_line(fault)
        raise DataError(
            f"{shown}: its weights cannot be read ({Path(fault.filename or found).name} {what}); {right}"
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError, SafetensorError) as fault:
        raise DataError(f"{shown}: its weights cannot be read ({found}: {first_line(fault)}); {right}") from None


def _require_tokenizer(folder: Path, shown: str) -> None:
    """DataError unless a tokenizer's vocabulary is there, or its class needs none."""
    if any(next(folder.glob(name), None) for name in VOCABULARIES):
        return
    try:
        named = read_json(folder / "tokenizer_config.json")["tokenizer_class"]
    except (OSError, ValueError, KeyError, TypeError):
        named = ""
    if not str(named).startswith(WITHOUT_VOCABULARY):
        right = "save its tokenizer there too, by save_pretrained"
        raise DataError(f"{shown}: has no tokenizer (no {VOCABULARIES[0]}); {right}")


def _configuration(folder: Path, shown: str) -> dict[str, Any]:
    try:
        config = read_json(folder / "config.json")
        if isinstance(config, dict) and isinstance(config.get("model_type"), str):
            named = config.get("architectures") or []
            if isinstance(named, list) and all(isinstance(name, str) for name in named):
                return config
            found = "a config.json whose architectures are no list of names"
        else:
            found = "a config.json without model_type"
    except (FileNotFoundError, NotADirectoryError):
        beside = sorted(path.name for path in folder.iterdir())[:3] if folder.is_dir() else []
        found = f"no config.json that can be read (found {', '.join(beside) or 'nothing'})"
    except OSError as fault:
        found = f"a config.json that {why_unreadable(fault)}"
    except ValueError as fault:
        found = f"no config.json that can be read ({first_line(fault)})"
    raise DataError(f"{shown}: holds {found}; a model is a folder that save_pretrained wrote, or a hub name")


def _require_readable(origin: Origin) -> None:
    """DataError unless a folder, where it is one, holds regular files alone: transformers would wait at a pipe."""
    if Path(origin.path).is_dir():
        try:
            files_below(Path(origin.path))
        except OSError as fault:
            what = f"{fault.filename} {why_unreadable(fault)}"
            raise DataError(f"{origin.name}: {what}; a model is a folder of regular files") from None


def _load(
    origin: Origin,
    auto: Any,
    head: tuple[str, ...],
    *,
    padding_side: str,
    dtype: str = "float32",
    pad_token: str | None = None,
) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    import torch
    from safetensors import SafetensorError
    from transformers import AutoTokenizer

    _require_readable(origin)
    if Path(origin.path).exists():
        architectures = _configuration(Path(origin.path), origin.name).get("architectures") or []
        if head and architectures and not any(name.endswith(head) for name in architectures):
            raise DataError(f"{origin.name}: is {', '.join(architectures)}; this needs a model that ends in {head[0]}")
    hub = {"revision": origin.revision, "trust_remote_code": False}
    cuda = torch.cuda.is_available()
    with quiet_libraries():
        try:
            tokenizer = AutoTokenizer.from_pretrained(origin.path, padding_side=padding_side, **hub)
            model, loading = auto.from_pretrained(
                origin.path,
                dtype=getattr(torch, dtype),
                output_loading_info=True,
                **({"device_map": "auto"} if cuda else {}),
                **hub,
            )
        except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as fault:
            raise DataError(
                f"{origin.name}: cannot be loaded ({first_line(fault)}); give a folder or a hub name"
            ) from None
    if missing := sorted(loading["missing_keys"]):
        raise DataError(
            f"{origin.name}: has no weights for {missing[0]}; it must be saved with its head "
            f"({' or '.join(head) or auto.__name__})"
        )
    give_pad_token(origin, model, tokenizer, pad_token)
    return model.eval(), tokenizer


def give_pad_token(
    origin: Origin, model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", pad_token: str | None
) -> None:
    """See that the tokenizer and the model agree on a pad token; DataError if there is none."""
    if pad_token is not None:
        if pad_token not in tokenizer.get_vocab():
            raise DataError(
                f"{origin.name}: pad_token {quoted(pad_token)} is not in its vocabulary; name a token that is"
            )
        tokenizer.pad_token = pad_token
    if tokenizer.pad_token is None:
        offered = f", as in pad_token = {quoted(tokenizer.eos_token)}" if tokenizer.eos_token else ""
        raise DataError(f"{origin.name}: its tokenizer has no pad token; name one of its tokens{offered}")
    model.config.pad_token_id = tokenizer.pad_token_id


def first_line(fault: BaseException) -> str:
    """The first line of an exception's message, at most 160 characters."""
    return (str(fault).strip().splitlines() or [type(fault).__name__])[0][:160]
