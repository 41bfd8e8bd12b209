"""Independent generators from one seed: the same seed and names give the same draws, another name gives others.

Knows numbers and names only. Sources: NumPy's SeedSequence (O'Neill 2015), spawned by a hash of the names.
"""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def generator(seed: int, *names: str) -> "np.random.Generator":
    """The generator of these names (a stage, a purpose) under `seed`, at least 0; independent of every other name's."""
    import numpy as np

    name = hashlib.sha256("/".join(names).encode()).digest()
    words = tuple(int.from_bytes(name[start : start + 4], "little") for start in range(0, 16, 4))
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=words))
