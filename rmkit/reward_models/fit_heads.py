"""Several heads fitted on the same sets of pairs, one after another; those that train faster together, as one batch.

Knows heads as objects, whoever defined them; not what they do inside.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import ResultError
from rmkit.progress import Progress
from rmkit.reward_models.protocol import FitsBeside, RewardModel
from rmkit.reward_models.registry import build_heads
from rmkit.training_sets.by_annotations import TrainingSets, all_pairs
from rmkit.training_sets.pair_sets import PairSets
from rmkit.training_sets.validation_splits import ValidationSplit


def fitted_heads(
    heads: Mapping[str, RewardModel],
    *,
    embedding_rd: np.ndarray,
    train: PairSets,
    validation: PairSets,
    streams: Sequence[str],
    rng_of: Callable[[str], np.random.Generator],
    progress: Callable[[str], Progress],
) -> dict[str, RewardModel]:
    """S fits of each head, by its name: the heads themselves, fitted.

    streams: S names; rng_of: the generator of a name, asked for "<head> <stream>". progress is asked for a bar by what
    is being fitted. ResultError for a head whose `fit` does not return it.
    """
    models = dict(heads)
    for batch in batches(heads):
        first, *others = (heads[name] for name in batch)
        rngs = [[rng_of(f"{name} {stream}") for stream in streams] for name in batch]
        shown = progress(f"fitting {', '.join(batch)}")
        if others and isinstance(first, FitsBeside):
            first.fit_beside(others, embedding_rd, train, validation, rngs=rngs, progress=shown)
            continue
        models[batch[0]] = fitted = first.fit(embedding_rd, train, validation, rng_s=rngs[0], progress=shown)
        if not hasattr(fitted, "score"):
            raise ResultError(f"{batch[0]}: its fit returned {type(fitted).__name__}; it must return the fitted head")
    return models


def fitted_on_all_pairs(
    name: str,
    bank: ResponseBank,
    comparisons: Comparisons,
    *,
    procedure: str,
    validation_share: float,
    validation_split: ValidationSplit,
    rng: np.random.Generator,
    stream: str,
    rng_of: Callable[[str], np.random.Generator],
    progress: Callable[[str], Progress],
) -> tuple[dict[str, RewardModel], TrainingSets]:
    """One fit of a head, by its name, on all pairs, and its set; a share of them chooses its penalty or when to stop.

    rng orders the pairs; the fit draws from rng_of("<name> <stream>").
    """
    sets = all_pairs(
        comparisons, bank.prompt_id_r, validation_share=validation_share, validation_split=validation_split, rng=rng
    )
    models = fitted_heads(
        build_heads([name], procedure=procedure),
        embedding_rd=bank.embedding_rd,
        train=sets.train,
        validation=sets.validation,
        streams=[stream],
        rng_of=rng_of,
        progress=progress,
    )
    return models, sets


def batches(heads: Mapping[str, RewardModel]) -> list[list[str]]:
    """The names of the heads, those together that may be trained as one batch, in the order of the first of each."""
    found: list[list[str]] = []
    for name, head in heads.items():
        for batch in found:
            first = heads[batch[0]]
            if isinstance(first, FitsBeside) and first.fits_beside(head):
                batch.append(name)
                break
        else:
            found.append([name])
    return found
