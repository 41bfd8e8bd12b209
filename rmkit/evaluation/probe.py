"""A linear probe: the weights of a ridge regression of gold rewards on embeddings, both centred within prompts.

Says whether there is something to learn from embeddings at all. Knows arrays; no model, no world.
"""

import numpy as np

RIDGE = 10.0  # on standardised, prompt-centred embeddings


def probe(embedding_rd: np.ndarray, prompt_id_r: np.ndarray, gold_r: np.ndarray) -> np.ndarray:
    """(D,) float64 weights of a ridge regression of gold on the embedding, both centred within prompts."""
    x_rd = centred(prompt_id_r, embedding_rd.astype(np.float64))
    scale_d = np.maximum(x_rd.std(axis=0), 1e-9)
    x_rd /= scale_d
    gram_dd = x_rd.T @ x_rd + RIDGE * np.eye(x_rd.shape[1])
    return np.linalg.solve(gram_dd, x_rd.T @ centred(prompt_id_r, gold_r.astype(np.float64))) / scale_d


def centred(prompt_id_r: np.ndarray, values_r: np.ndarray) -> np.ndarray:
    """The values, (R,) or (R, D), less their mean over each prompt's responses."""
    _, number_r, count_p = np.unique(prompt_id_r, return_inverse=True, return_counts=True)
    sums = np.zeros((len(count_p), *values_r.shape[1:]), dtype=np.float64)
    np.add.at(sums, number_r, values_r)
    return values_r - (sums.T / count_p).T[number_r]
