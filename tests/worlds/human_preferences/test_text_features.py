import json
import os
import subprocess
import sys

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from rmkit.errors import DataError
from rmkit.worlds.human_preferences.text_features import NgramFeatures, embed, fitted

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


@pytest.mark.parametrize(("texts", "n_dimensions"), [(TEXTS[:20], 19), (["aa", "bb"] * 50, 2), (["aa b", "cc"] * 5, 2)])
def test_dimensions_are_fewer_than_the_texts_and_their_runs_and_at_most_their_rank(texts, n_dimensions):
    embedding_rd, source = embed(texts, n_dimensions=20, min_df=1)
    assert embedding_rd.shape == (len(texts), n_dimensions)
    assert source["n_dimensions"] == n_dimensions < source["n_ngrams"]


@pytest.mark.parametrize("texts", [[chr(0x4E00 + i) for i in range(100)], ["ab"], []])
def test_texts_that_nothing_tells_apart_are_one_line(texts):
    with pytest.raises(DataError, match=r"^texts: \d+ n-grams occur in 5 or more of the \d+ texts; they tell no two"):
        embed(texts, n_dimensions=20)


def test_equal_texts_are_one_line():
    with pytest.raises(DataError, match=r"^texts: all 9 are alike; add texts$"):
        embed(["aa b"] * 9, n_dimensions=20, min_df=1)


def test_what_was_fitted_gives_old_and_new_texts_their_features_also_from_a_folder(tmp_path):
    features, embedding_rd, _ = fitted(TEXTS, n_dimensions=20)
    step = np.spacing(np.abs(embedding_rd).max())
    assert np.abs(features.embed(TEXTS).astype(float) - embedding_rd).max() <= step
    features.save(tmp_path)
    new = ["people never understand bread", "ЖЖ", ""]
    np.testing.assert_array_equal(NgramFeatures.load(tmp_path).embed([*new, *TEXTS]), features.embed([*new, *TEXTS]))
    assert features.embed(new)[0].any()
    assert not features.embed(new)[1:].any()
    assert features.embed([]).shape == (0, 20)


def test_new_texts_are_weighted_as_the_library_would(tmp_path):
    features, _, _ = fitted(TEXTS, n_dimensions=20)
    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), min_df=5, sublinear_tf=True).fit(TEXTS)
    weight_rv = vectorizer.transform(["people never understand bread"])
    np.testing.assert_allclose(
        features.embed(["people never understand bread"]), weight_rv @ features.direction_dv.T, atol=1e-3
    )


def test_a_folder_without_features_is_one_line(tmp_path):
    with pytest.raises(DataError, match="holds no n-gram features that can be read"):
        NgramFeatures.load(tmp_path)
    features, _, _ = fitted(TEXTS, n_dimensions=20)
    features.save(tmp_path)
    about = json.loads((tmp_path / "ngrams.json").read_text(encoding="utf-8"))
    for change in ({"format": 9}, {"ngrams": about["ngrams"][1:]}, {"ngram_range": 3}):
        (tmp_path / "ngrams.json").write_text(json.dumps(about | change), encoding="utf-8")
        with pytest.raises(DataError, match=r"ngrams\.(json|safetensors): (is of format 9|rarity_v: |ngram_range: )"):
            NgramFeatures.load(tmp_path)


@pytest.mark.parametrize(
    "answers", [["yes yes yes", "no no"], ["yes", "no"], [*"ABCD"], ["good", "bad", "fine", "so so"]]
)
def test_a_few_answers_again_and_again_give_equal_bytes_and_no_more_dimensions_than_their_rank(answers):
    texts = [f"{answers[i % len(answers)]}" for i in range(120)]
    (_, first, source), (_, second, _) = (
        fitted(texts, n_dimensions=16, min_df=2, ngram_range=(1, 2)) for _ in range(2)
    )
    assert first.tobytes() == second.tobytes()
    assert first.shape[1] == source["n_dimensions"] <= len(answers)
    assert len({tuple(row) for row in first.tolist()}) == len(answers)
    _, again, _ = fitted(texts, n_dimensions=source["n_dimensions"], min_df=2, ngram_range=(1, 2))
    assert again.tobytes() == first.tobytes(), "a refit asks for as many dimensions as there were"
