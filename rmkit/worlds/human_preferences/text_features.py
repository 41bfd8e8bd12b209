"""Text features that need no download: which short runs of characters a text is made of, in a few dimensions.

TF-IDF of character n-grams within words, then a truncated SVD. Fitted once on all the texts that are given, without
labels: it sees the words of the test responses, never which one was preferred. Knows no prompt, no pair and no model.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rmkit.errors import DataError

if TYPE_CHECKING:
    import numpy as np


def embed(
    texts: Sequence[str], *, n_dimensions: int = 128, min_df: int = 5, ngram_range: tuple[int, int] = (2, 4)
) -> "tuple[np.ndarray, dict[str, Any]]":
    """The R texts as (R, D) float16, D = n_dimensions, and how that was made, in JSON's types.

    min_df: how many texts an n-gram must occur in to count. A text without any such n-gram is a row of zeros.
    DataError if texts or n-grams are no more than the dimensions. Equal texts in equal order give equal bytes.
    """
    import numpy as np
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from threadpoolctl import threadpool_limits

    if len(texts) <= max(n_dimensions, min_df):
        needs = f"{n_dimensions} dimensions of n-grams found in {min_df} texts need more"
        raise DataError(f"texts: there are {len(texts)}; {needs}: add texts, or lower n_dimensions and min_df")
    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=ngram_range, min_df=min_df, sublinear_tf=True, dtype=np.float64
    )
    try:
        weight_rv = vectorizer.fit_transform(texts)  # sparse (R, V), V the n-grams found in min_df texts or more
        n_ngrams = weight_rv.shape[1]
    except ValueError:  # scikit-learn's way of saying that none is left
        n_ngrams = 0
    if n_ngrams <= n_dimensions:
        found = f"{n_ngrams} n-grams occur in {min_df} or more of the {len(texts)} texts"
        raise DataError(f"texts: {found}; {n_dimensions} dimensions need more: lower n_dimensions or min_df")
    # arpack: exact to rounding, where the randomized solver's last dimensions hang on its seed. One BLAS thread: else
    # the order of a sum, and with it the last bit, would follow the number of cores.
    svd = TruncatedSVD(n_components=n_dimensions, algorithm="arpack", random_state=0)
    with threadpool_limits(limits=1, user_api="blas"):
        embedding_rd = svd.fit_transform(weight_rv).astype(np.float16)
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
    return embedding_rd, source
