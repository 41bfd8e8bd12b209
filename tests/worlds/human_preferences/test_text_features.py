import json
import os
import subprocess
import sys

import numpy as np
import pytest

from rmkit.errors import DataError
from rmkit.worlds.human_preferences.text_features import embed

WORDS = ["please", "tell", "how", "to", "make", "bread", "without", "flour", "sugar", "today", "people", "never"]
WORDS += ["understand", "why"]
RNG = np.random.default_rng(0)
TEXTS = [" ".join(RNG.choice(WORDS, size=RNG.integers(3, 12))) for _ in range(200)]


def test_an_embedding_has_a_row_a_text_and_says_how_it_was_made():
    embedding_rd, source = embed(TEXTS, n_dimensions=20)
    assert embedding_rd.shape == (200, 20)
    assert embedding_rd.dtype == np.float16
    assert np.isfinite(embedding_rd).all()
    assert json.loads(json.dumps(source)) == source
    assert (source["n_texts"], source["n_dimensions"], source["ngram_range"]) == (200, 20, [2, 4])
    assert 0 < source["explained_variance"] < 1


def test_the_embedding_does_not_depend_on_the_process_or_on_the_number_of_threads():
    code = (
        "import hashlib, json, sys; from rmkit.worlds.human_preferences.text_features import embed;"
        "print(hashlib.sha256(embed(json.load(sys.stdin), n_dimensions=20)[0].tobytes()).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(TEXTS),
            env=os.environ | {"OMP_NUM_THREADS": n, "OPENBLAS_NUM_THREADS": n, "PYTHONHASHSEED": n},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for n in ("1", "2")
    }
    assert len(digests) == 1


def test_similar_texts_lie_closer_than_different_ones():
    texts = [*TEXTS, "how to make bread today", "how to make breads today", "people never understand why"]
    same, near, far = embed(texts, n_dimensions=20)[0][-3:].astype(np.float64)
    assert np.linalg.norm(same - near) < np.linalg.norm(same - far) / 2


def test_every_option_changes_the_embedding():
    plain, _ = embed(TEXTS, n_dimensions=20)
    for option in ({"min_df": 85}, {"ngram_range": (2, 3)}):
        changed, source = embed(TEXTS, n_dimensions=20, **option)
        assert not np.array_equal(changed, plain)
        assert next(iter(option.values())) in (source["min_df"], tuple(source["ngram_range"]))


def test_a_text_without_a_known_run_of_characters_is_a_row_of_zeros():
    embedding_rd, _ = embed([*TEXTS, "ЖЖ"], n_dimensions=20)
    assert not embedding_rd[-1].any()
    assert embedding_rd[:-1].any(axis=1).all()


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (TEXTS[:20], "texts: there are 20; 20 dimensions of n-grams found in 5 texts need more: add texts, or lower"),
        (["aa"] * 100, "texts: 6 n-grams occur in 5 or more of the 100 texts; 20 dimensions need more: lower"),
        ([chr(0x4E00 + i) for i in range(100)], "texts: 0 n-grams occur in 5 or more of the 100 texts"),
    ],
)
def test_too_little_text_for_the_dimensions_is_said(texts, said):
    with pytest.raises(DataError, match=f"^{said}"):
        embed(texts, n_dimensions=20)
