"""Several heads fitted on the same sets of pairs: networks as one batch of products, the others one after another.

Knows heads by name; not what they do inside.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rmkit.progress import Progress
from rmkit.reward_models.protocol import RewardModel
from rmkit.reward_models.registry import build, options_of
from rmkit.training_sets.pair_sets import PairSets

NETWORKS = ("mlp_bt", "mlp_clf")  # one network, two losses: they are trained together


def fitted_heads(
    names: Sequence[str],
    embedding_rd: np.ndarray,
    train: PairSets,
    validation: PairSets,
    *,
    streams: Sequence[str],
    rng_of: Callable[[str], np.random.Generator],
    procedure: str = "sound",
    progress: Callable[[str], Progress],
) -> dict[str, RewardModel]:
    """S fits of each head. streams: S names; rng_of: the generator of a name, asked for "<head> <stream>".

    procedure goes to the heads that have one. progress is asked for a bar by what is being fitted.
    """
    models: dict[str, RewardModel] = {name: build(name, **with_procedure(name, procedure)) for name in names}
    rngs = {name: [rng_of(f"{name} {stream}") for stream in streams] for name in names}
    together = [name for name in names if name in NETWORKS]
    if len(together) > 1:
        from rmkit.reward_models.mlp.network import MLP, fit_together

        networks = [model for name in together if isinstance(model := models[name], MLP)]
        shown = progress(f"fitting {', '.join(together)}")
        fit_together(networks, embedding_rd, train, validation, rngs=[rngs[name] for name in together], progress=shown)
    for name in names:
        if len(together) < 2 or name not in together:
            shown = progress(f"fitting {name}")
            models[name].fit(embedding_rd, train, validation, rng_s=rngs[name], progress=shown)
    return models


def with_procedure(name: str, procedure: str) -> dict[str, Any]:
    """The options that give a head this procedure: its own, or its members'; none for a head without."""
    options = options_of(name)
    if "procedure" in options:
        return {"procedure": procedure}
    return {"options": {"procedure": procedure}} if "options" in options else {}
