"""Is a sampled world rich enough to study reward models in? Five figures, each with the bound that it must keep.

    surface      the largest |mean within-prompt Spearman| of gold with one surface feature (length, a word, repetition,
                 overlap with the prompt): below 0.5, or a reward model could get by without reading
    probe        the share of within-prompt pairs of unequal gold that a linear probe on the embeddings orders rightly,
                 fitted to the training prompts' gold: at least 0.7, or there is nothing to learn from
    spread       within-prompt s.d. of gold over its total s.d.: at least 0.5, or the prompt decides
    duplicates   the largest share of a prompt's answers that stood before: at most 0.1
    fidelity     mean within-prompt Spearman of the gold model with the rule: at least 0.8

Knows arrays and texts of one task and one generator; no model, no file. A feature counts on the prompts
within which it differs, and is left out where these are fewer than MIN_PROMPTS: a mean over a handful is mostly noise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rmkit.artifacts.bank import ResponseBank
from rmkit.evaluation.probe import centred, probe
from rmkit.measures.ranking import within_prompt_accuracy, within_prompt_spearman
from rmkit.worlds.grammar.gold_rule import repeated_share
from rmkit.worlds.grammar.phrases import words_of

MIN_PROMPTS = 10


@dataclass(frozen=True)
class Bound:
    """The value that a figure must keep."""

    value: float
    at_least: bool

    def kept_by(self, figure: float) -> bool:
        return figure >= self.value if self.at_least else figure <= self.value


BOUNDS: Mapping[str, Bound] = {
    "surface": Bound(0.5, at_least=False),
    "probe": Bound(0.7, at_least=True),
    "spread": Bound(0.5, at_least=True),
    "duplicates": Bound(0.1, at_least=False),
    "fidelity": Bound(0.8, at_least=True),
}


def acceptance_figures(train: ResponseBank, test: ResponseBank) -> tuple[dict[str, float], str]:
    """The figures of BOUNDS for one task and generator, and the name of the strongest surface feature.

    Both banks have the column `answer` and the scores `rule` and `model`. The probe learns from `train`; everything is
    measured on `test`.
    """
    gold_r = test.scores["rule"]
    prompts_r = test.prompts.set_index("prompt_id")["prompt"].reindex(test.prompt_id_r).tolist()
    answers_r = test.responses["answer"].tolist()
    feature, strength = strongest_feature(test.prompt_id_r, surface_features(prompts_r, answers_r), gold_r)
    learned = probe(train.embedding_rd, train.prompt_id_r, train.scores["rule"])
    figures = {
        "surface": strength,
        "probe": within_prompt_accuracy(test.prompt_id_r, test.embedding_rd.astype(np.float64) @ learned, gold_r),
        "spread": float(centred(test.prompt_id_r, gold_r).std() / gold_r.std()),
        "duplicates": most_duplicates(test.prompt_id_r, answers_r),
        "fidelity": mean_or_nan(within_prompt_spearman(test.prompt_id_r, test.scores["model"], gold_r)),
    }
    return figures, feature


def surface_features(prompts: Sequence[str], answers: Sequence[str]) -> dict[str, np.ndarray]:
    """(R,) float64 each: lengths, repetition, overlap with the prompt, and the presence of every word."""
    words_r = [words_of(answer) for answer in answers]
    asked = {prompt: set(words_of(prompt)) for prompt in set(prompts)}
    features = {
        "words": np.array([len(words) for words in words_r], dtype=float),
        "characters": np.array([len(answer) for answer in answers], dtype=float),
        "repetition": np.array([repeated_share(words) for words in words_r]),
        "overlap with the prompt": np.array(
            [len(asked[p].intersection(words)) / max(1, len(words)) for p, words in zip(prompts, words_r, strict=True)]
        ),
    }
    number = {word: place for place, word in enumerate(sorted({word for words in words_r for word in words}))}
    present_rv = np.zeros((len(answers), len(number)), dtype=bool)
    for row, words in enumerate(words_r):
        present_rv[row, [number[word] for word in words]] = True
    return features | {f"the word {word!r}": present_rv[:, place].astype(float) for word, place in number.items()}


def strongest_feature(
    prompt_id_r: np.ndarray, features: Mapping[str, np.ndarray], gold_r: np.ndarray
) -> tuple[str, float]:
    """The feature with the largest |mean within-prompt Spearman| with gold among those that differ often enough.

    ("none", NaN) where no feature, or no gold, differs within enough prompts.
    """
    strength = {}
    for name, feature_r in features.items():
        correlation_p = within_prompt_spearman(prompt_id_r, feature_r, gold_r)
        correlation_p[~differs(prompt_id_r, feature_r)] = np.nan
        if np.isfinite(correlation_p).sum() >= min(MIN_PROMPTS, len(correlation_p)):
            strength[name] = abs(float(np.nanmean(correlation_p)))
    if not strength:
        return "none", float("nan")
    best = max(strength, key=strength.__getitem__)
    return best, strength[best]


def differs(prompt_id_r: np.ndarray, feature_r: np.ndarray) -> np.ndarray:
    """(P,) bool: the prompts, in ascending order of their ids, within which a feature differs."""
    _, first_p, prompt_r = np.unique(prompt_id_r, return_index=True, return_inverse=True)
    return np.bincount(prompt_r, weights=feature_r != feature_r[first_p][prompt_r]) > 0


def most_duplicates(prompt_id_r: np.ndarray, answers: Sequence[str]) -> float:
    """The largest share, over prompts, of a prompt's answers that are an earlier one again."""
    texts_r = np.array(answers, dtype=object)
    shares = []
    for prompt_id in np.unique(prompt_id_r):
        texts = texts_r[prompt_id_r == prompt_id]
        shares.append(1 - len(set(texts)) / len(texts))
    return max(shares)


def mean_or_nan(value_p: np.ndarray) -> float:
    """The mean of the finite values, or NaN if there are none."""
    finite = value_p[np.isfinite(value_p)]
    return float(finite.mean()) if len(finite) else float("nan")
