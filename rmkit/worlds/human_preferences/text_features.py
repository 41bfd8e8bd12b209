"""Text features that need no download: which short runs of characters a text is made of, in a few dimensions.

TF-IDF of character n-grams within words, then a truncated SVD. Fitted once on all the texts that are given, without
labels: it sees the words of the test responses, never which one was preferred. What was fitted can be saved, and gives
new texts their features. Knows no prompt, no pair and no model.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError, listed_twice, quoted
from rmkit.files.regular import read_json

if TYPE_CHECKING:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

FORMAT = 1
AT_ONCE = 2_000  # texts whose runs are counted at a time
SHORTEST_WORD = 3  # with the spaces beside it: a shorter word is one n-gram, however short
LARGEST_RARITY = 100  # 1 + log((1 + texts) / (1 + texts with it)): no disk has as many texts
LARGEST_ENTRY = 1.01  # of a direction of length 1, rounded
NGRAM_READER = "character n-grams"  # as messages and cards call it
SETTINGS, ARRAYS = "ngrams.json", "ngrams.safetensors"

RANK = 1e-7  # a singular value that is smaller, of the largest one, is 0
LEFT = 1e-10  # of all squares: what is less is rounding, and the directions are all that there are


@dataclass(frozen=True, eq=False)
class NgramFeatures:
    """What was fitted on some texts: V n-grams with their rarity, and D directions along which the texts differ."""

    ngrams: tuple[str, ...]  # V of them, in the order of the columns
    ngram_range: tuple[int, int]  # the shortest and the longest
    rarity_v: "np.ndarray"  # (V,) float64, the inverse document frequencies
    direction_dv: "np.ndarray"  # (D, V) float32

    def embed(self, texts: Sequence[str]) -> "np.ndarray":
        """(R, D) float16 of R texts, seen before or not; one without any known n-gram is a row of zeros."""
        import numpy as np
        from threadpoolctl import threadpool_limits

        vectorizer = _vectorizer(self.ngram_range, vocabulary={ngram: v for v, ngram in enumerate(self.ngrams)})
        vectorizer.idf_ = self.rarity_v
        parts = [np.empty((0, len(self.direction_dv)), np.float16)]
        with threadpool_limits(limits=1, user_api="blas"):
            for start in range(0, len(texts), AT_ONCE):
                weight_rv = vectorizer.transform(texts[start : start + AT_ONCE])
                parts.append((weight_rv @ self.direction_dv.T.astype(np.float64)).astype(np.float16))
        return np.concatenate(parts)

    def save(self, folder: str | Path) -> None:
        """Write ngrams.json and ngrams.safetensors; equal features give equal bytes."""
        from safetensors.numpy import save_file

        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        about = {"format": FORMAT, "ngram_range": list(self.ngram_range), "ngrams": list(self.ngrams)}
        (folder / SETTINGS).write_text(json.dumps(about, ensure_ascii=False) + "\n", encoding="utf-8")
        save_file({"rarity_v": self.rarity_v, "direction_dv": self.direction_dv}, folder / ARRAYS)

    @classmethod
    def load(cls, folder: str | Path) -> "NgramFeatures":
        """The features of a folder that `save` wrote, or DataError."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        folder = Path(folder)
        try:
            about = read_json(folder / SETTINGS)
            arrays = load_file(folder / ARRAYS)
            wrong = _wrong_in(about, arrays)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError) as fault:
            raise DataError(f"{folder}: holds no n-gram features that can be read ({quoted(fault)})") from None
        if wrong:
            raise DataError(f"{folder}/{wrong}; fit it again")
        shortest, longest = about["ngram_range"]
        return cls(tuple(about["ngrams"]), (shortest, longest), arrays["rarity_v"], arrays["direction_dv"])


def _wrong_in(about: Any, arrays: "Mapping[str, np.ndarray]") -> str | None:
    """What is wrong with saved features, beginning with the file; None if `save` may have written them."""
    import numpy as np

    if lacking := [name for name in ("format", "ngram_range", "ngrams") if name not in about]:
        return f"{SETTINGS}: has no key {lacking[0]!r}"
    spans, ngrams = about["ngram_range"], about["ngrams"]
    if about["format"] != FORMAT:
        return f"{SETTINGS}: is of format {quoted(about['format'])}; this rmkit reads format {FORMAT}"
    if not isinstance(spans, list) or [type(each) for each in spans] != [int, int] or not 1 <= spans[0] <= spans[1]:
        return f"{SETTINGS}: ngram_range: is {quoted(spans)}; it must be two lengths, the shortest first, from 1 on"
    if not isinstance(ngrams, list) or not ngrams:
        return f"{SETTINGS}: ngrams: is {quoted(ngrams)}; it must be a list of texts"
    least = min(spans[0], SHORTEST_WORD)
    for at, ngram in enumerate(ngrams):
        if not isinstance(ngram, str) or not least <= len(ngram) <= spans[1]:
            return f"{SETTINGS}: ngrams: number {at} is {quoted(ngram)}; it must be a text as long as ngram_range says"
    if twice := listed_twice(ngrams):
        return f"{SETTINGS}: ngrams: {quoted(twice[0])} is listed twice; each has a column of its own"
    n_ngrams, n_dimensions = len(ngrams), (*arrays.get("direction_dv", np.empty(0)).shape, 0)[0]
    for name, dtype, shape in (
        ("rarity_v", "float64", (n_ngrams,)),
        ("direction_dv", "float32", (n_dimensions, n_ngrams)),
    ):
        if name not in arrays:
            return f"{ARRAYS}: {name}: is not there"
        array = arrays[name]
        if array.dtype != dtype or array.shape != shape or not array.size:
            held = f"is {array.dtype} of shape {array.shape} for {n_ngrams} n-grams"
            return f"{ARRAYS}: {name}: {held}; it must be {dtype}, a number for each of them"
        if not np.isfinite(array).all():
            return f"{ARRAYS}: {name}: holds a number that is not finite"
    if not ((arrays["rarity_v"] >= 1) & (arrays["rarity_v"] <= LARGEST_RARITY)).all():
        return f"{ARRAYS}: rarity_v: holds a number below 1 or above {LARGEST_RARITY}, which no rarity is"
    if not (np.abs(arrays["direction_dv"]) <= LARGEST_ENTRY).all():
        return f"{ARRAYS}: direction_dv: holds a number beyond {LARGEST_ENTRY}, and directions have length 1"
    return None


def embed(
    texts: Sequence[str], *, n_dimensions: int = 128, min_df: int = 5, ngram_range: tuple[int, int] = (2, 4)
) -> "tuple[np.ndarray, dict[str, Any]]":
    """The R texts as (R, D) float16, and how that was made, in JSON's types; as `fitted`."""
    _, embedding_rd, source = fitted(texts, n_dimensions=n_dimensions, min_df=min_df, ngram_range=ngram_range)
    return embedding_rd, source


def fitted(
    texts: Sequence[str], *, n_dimensions: int = 128, min_df: int = 5, ngram_range: tuple[int, int] = (2, 4)
) -> "tuple[NgramFeatures, np.ndarray, dict[str, Any]]":
    """What is fitted on R texts, these as (R, D) float16, and how that was made, in JSON's types.

    n_dimensions: D, but less than the texts and than their n-grams, and at most the rank of their counts. min_df: how
    many texts an n-gram must occur in to count; DataError if fewer than two do. A text without any such n-gram is a row
    of zeros. Equal texts in equal order give equal bytes; `embed` of what is fitted gives the same numbers to a step of
    float16.
    """
    import numpy as np
    from sklearn.decomposition import TruncatedSVD
    from threadpoolctl import threadpool_limits

    vectorizer = _vectorizer(ngram_range, min_df=min_df)
    try:
        weight_rv = vectorizer.fit_transform(texts)  # sparse (R, V), V the n-grams found in min_df texts or more
        n_ngrams = weight_rv.shape[1]
    except ValueError:  # scikit-learn's way of saying that none is left
        n_ngrams = 0
    n_dimensions = min(n_dimensions, len(texts) - 1, n_ngrams - 1)
    if n_dimensions < 1:
        found = f"{n_ngrams} n-grams occur in {min_df} or more of the {len(texts)} texts"
        raise DataError(f"texts: {found}; they tell no two texts apart: add texts, or lower min_df")
    # arpack: exact to rounding, where the randomized solver's last dimensions hang on its seed. One BLAS thread: else
    # the order of a sum, and with it the last bit, would follow the number of cores.
    svd = TruncatedSVD(n_components=n_dimensions, algorithm="arpack", random_state=0)
    with threadpool_limits(limits=1, user_api="blas"), np.errstate(divide="ignore", invalid="ignore"):
        embedding_rd = svd.fit_transform(weight_rv).astype(np.float16)
        rank = int((svd.singular_values_ > RANK * svd.singular_values_.max()).sum())
        left = 1 - float((svd.singular_values_**2).sum()) / max(1, weight_rv.power(2).sum())
        # Of a few answers, arpack goes on from vectors of its own, other ones each time; and where the directions are
        # all that there are, it must not count whether so many or more were asked for: the features are made again.
        if 0 < rank < n_dimensions or (rank and left < LEFT):
            n_dimensions = rank
            svd = TruncatedSVD(n_components=rank, algorithm="randomized", n_iter=7, random_state=0)  # exact at the rank
            embedding_rd = svd.fit_transform(weight_rv).astype(np.float16)
    if not np.isfinite(svd.explained_variance_ratio_).all():
        raise DataError(f"texts: all {len(texts)} are alike; add texts")
    source = {
        "method": "TF-IDF of character n-grams (char_wb, sublinear), truncated SVD",
        "fitted_on": "all texts at once, without labels",
        "ngram_range": list(ngram_range),
        "min_df": min_df,
        "n_dimensions": n_dimensions,
        "n_texts": len(texts),
        "n_ngrams": n_ngrams,
        "explained_variance": round(float(svd.explained_variance_ratio_.sum()), 3),
    }
    ngrams = tuple(map(str, vectorizer.get_feature_names_out()))
    features = NgramFeatures(ngrams, ngram_range, vectorizer.idf_, svd.components_.astype(np.float32))
    return features, embedding_rd, source


def highest_min_df(texts: Sequence[str], min_df: int, ngram_range: tuple[int, int]) -> int:
    """min_df where two n-grams occur in as many texts, so that `fitted` can do with it; else the most that two do.

    0 where the texts have fewer than two n-grams. It reads on only until it knows.
    """
    count_in = _vectorizer(ngram_range).build_analyzer()
    found: Counter[str] = Counter()
    enough = 0
    for text in texts:
        for ngram in set(count_in(text)):
            found[ngram] += 1
            enough += found[ngram] == min_df
        if enough > 1:
            return min_df
    return min(number for _, number in found.most_common(2)) if len(found) > 1 else 0


def _vectorizer(ngram_range: tuple[int, int], **options: Any) -> "TfidfVectorizer":
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(analyzer="char_wb", ngram_range=ngram_range, sublinear_tf=True, dtype=np.float64, **options)
