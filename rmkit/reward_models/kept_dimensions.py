"""A head that sees a part of the embedding alone: a reward model that cannot know what the other dimensions say.

`KeptDimensions` is made of G copies of one head, each with dimensions of its own. Of S sets of pairs, the first S / G
are fitted on the first part's dimensions, the next on the second's, and so on: fits of one head that differ in what
they see stay one reward model, with one name. Knows embeddings and positions; not what a head does inside.
"""

import copy
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from rmkit.errors import DataError, quoted
from rmkit.progress import Progress
from rmkit.reward_models.array_forms import Form, check_arrays
from rmkit.reward_models.inputs import check_embeddings
from rmkit.reward_models.protocol import RewardModel, Storable
from rmkit.reward_models.registry import class_at, target_of
from rmkit.reward_models.storage import ABOUT, ARRAYS, load_state, save_state
from rmkit.training_sets.pair_sets import PairSets


def seeing(
    heads: Mapping[str, RewardModel], shares: Sequence[float], n_dimensions: int, rng: np.random.Generator
) -> dict[str, RewardModel]:
    """The heads, each to see these shares of D dimensions in turn; with the one share 1 they are the same objects.

    Dimensions are drawn once, in an order that all heads and shares have in common: a smaller share is the beginning of
    a larger one, and holds one dimension at least. DataError for a share that is not above 0 and at most 1.
    """
    if wrong := [share for share in shares if not 0 < share <= 1]:
        raise DataError(f"kept_dimensions: {wrong[0]}; a share is above 0 and at most 1")
    if list(shares) == [1.0]:
        return dict(heads)
    order_d = rng.permutation(n_dimensions)
    kept = [np.sort(order_d[: max(1, round(share * n_dimensions))]) for share in shares]
    return {
        name: KeptDimensions([copy.deepcopy(head) for _ in kept], kept, n_dimensions) for name, head in heads.items()
    }


class KeptDimensions:
    """G heads as one, each of its own dimensions of D; see the top of the file.

    parts: G heads, fitted or not. kept: for each the dimensions that it sees, rising, int64. sizes: how many fits each
    has, once fitted.
    """

    name: ClassVar[str] = "kept_dimensions"

    def __init__(
        self, parts: Sequence[RewardModel], kept: Sequence[np.ndarray], n_dimensions: int, sizes: Sequence[int] = ()
    ) -> None:
        self.parts, self.kept = list(parts), [np.asarray(kept_d, dtype=np.int64) for kept_d in kept]
        self.n_dimensions, self.sizes = n_dimensions, list(sizes)

    @property
    def n_fits(self) -> int:
        """S."""
        return sum(self.sizes)

    def fit(
        self,
        embedding_rd: np.ndarray,
        train: PairSets,
        validation: PairSets,
        *,
        rng_s: Sequence[np.random.Generator],
        progress: Progress | None = None,
    ) -> Self:
        """As `RewardModel.fit`; DataError for S sets that G parts cannot share evenly, or another D."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        n_parts = len(self.parts)
        if train.n_sets % n_parts or not train.n_sets == validation.n_sets == len(rng_s):
            counts = f"{train.n_sets} training sets, {validation.n_sets} validation sets and {len(rng_s)} generators"
            raise DataError(f"{counts}: they must be as many, and the same number for each of {n_parts} parts")
        size = train.n_sets // n_parts
        for g, (part, kept_d) in enumerate(zip(self.parts, self.kept, strict=True)):
            own = range(g * size, (g + 1) * size)
            sets = [pairs.only(np.array(own)) for pairs in (train, validation)]
            rngs = [rng_s[s] for s in own]
            self.parts[g] = part.fit(embedding_rd[:, kept_d], *sets, rng_s=rngs, progress=progress)
        self.sizes = [size] * n_parts
        return self

    def score(self, embedding_rd: np.ndarray) -> np.ndarray:
        """As `RewardModel.score`."""
        check_embeddings(embedding_rd, n_dimensions=self.n_dimensions)
        parts = zip(self.parts, self.kept, strict=True)
        return np.concatenate([part.score(embedding_rd[:, kept_d]) for part, kept_d in parts])

    def only(self, position_g: np.ndarray) -> Self:
        """As `RewardModel.only`."""
        part_s = np.repeat(np.arange(len(self.sizes)), self.sizes)
        own_s = np.concatenate([np.arange(size) for size in self.sizes])
        places = [(int(part_s[s]), int(own_s[s])) for s in np.asarray(position_g)]
        runs = [(g, [own for _, own in run]) for g, run in groupby(places, key=lambda place: place[0])]
        return type(self)(
            [self.parts[g].only(np.array(own)) for g, own in runs],
            [self.kept[g] for g, _ in runs],
            self.n_dimensions,
            [len(own) for _, own in runs],
        )

    def save(self, folder: Path) -> None:
        """As `Storable.save`, each part in a folder of its own; DataError for a part that cannot be stored."""
        folder, targets = Path(folder), []
        for g, part in enumerate(self.parts):
            if (target := target_of(part)) is None or not isinstance(part, Storable):
                raise DataError(f"{type(part).__name__}: has no name in the registry by which it could be loaded again")
            part.save(folder / part_folder(g))
            targets.append(target)
        facts = {"parts": targets, "n_dimensions": self.n_dimensions}
        arrays = {f"kept_{g}": kept_d for g, kept_d in enumerate(self.kept)}
        save_state(folder, reward_model=self.name, options={}, facts=facts, arrays=arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """As `Storable.load`; DataError names file and key, or file and array, of what no save wrote."""
        folder = Path(folder)
        _, facts, arrays = load_state(folder, cls.name)
        targets, n_dimensions = facts.get("parts"), facts.get("n_dimensions")
        if not isinstance(targets, list) or not targets or not all(isinstance(target, str) for target in targets):
            raise DataError(f"{folder / ABOUT}: parts: is {quoted(targets)}; it must be a list of heads; fit it again")
        if type(n_dimensions) is not int or n_dimensions < 1:
            found = quoted(n_dimensions)
            raise DataError(f"{folder / ABOUT}: n_dimensions: is {found}; it must be a number above 0; fit it again")
        check_arrays(
            arrays, {f"kept_{g}": Form("int64", (f"D{g}",)) for g in range(len(targets))}, str(folder / ARRAYS)
        )
        kept = [arrays[f"kept_{g}"] for g in range(len(targets))]
        parts: list[Any] = [class_at(target).load(folder / part_folder(g)) for g, target in enumerate(targets)]
        for g, (part, kept_d) in enumerate(zip(parts, kept, strict=True)):
            if not (np.diff(kept_d) > 0).all() or kept_d[0] < 0 or kept_d[-1] >= n_dimensions:
                said = f"must rise, from 0 to below {n_dimensions}"
                raise DataError(f"{folder / ARRAYS}: kept_{g}: dimensions {said}; fit it again")
            if part.n_dimensions != len(kept_d):
                said = f"was fitted on {part.n_dimensions} dimensions, and kept_{g} names {len(kept_d)}"
                raise DataError(f"{folder / part_folder(g)}: {said}; fit it again")
        return cls(parts, kept, n_dimensions, [part.n_fits for part in parts])


def part_folder(g: int) -> str:
    """The folder of the part at this place."""
    return f"part_{g}"
