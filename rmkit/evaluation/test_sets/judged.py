"""The responses that test sets are drawn from: P prompts with K responses each, and what is known of them.

Knows gold, who wrote each response, the category of each prompt and how many wordings of equal gold there are: no
text, no score of a reward model. Prompts are numbered 0 to P - 1 in the order of the arrays.
"""

from dataclasses import dataclass

import numpy as np

from rmkit.artifacts.bank import ResponseBank
from rmkit.errors import DataError, one_of
from rmkit.measures.arrays import finite


@dataclass(frozen=True, eq=False)
class JudgedResponses:
    """P x K responses with gold; DataError with the array that is wrong.

    A prompt has n_wordings wordings, 0 the original: gold of a response is the same in all of them, and reward models
    score each, so that scores are (..., V, P, K).
    """

    gold_pk: np.ndarray  # (P, K) finite
    source_pk: np.ndarray | None = None  # (P, K) text: who wrote it, the policy or another model
    category_p: np.ndarray | None = None  # (P,) text
    n_wordings: int = 1

    def __post_init__(self) -> None:
        gold_pk = finite(self.gold_pk, "gold reward")
        if gold_pk.ndim != 2 or gold_pk.shape[1] < 2 or not len(gold_pk):
            raise DataError(f"gold_pk: shape {gold_pk.shape}; it must be (prompts, K) with at least two responses each")
        object.__setattr__(self, "gold_pk", gold_pk)
        for name, wanted in (("source_pk", gold_pk.shape), ("category_p", gold_pk.shape[:1])):
            given = getattr(self, name)
            if given is not None and np.shape(given) != wanted:
                raise DataError(f"{name}: shape {np.shape(given)} beside gold of {gold_pk.shape}; it must be {wanted}")
        if self.n_wordings < 1:
            raise DataError(f"n_wordings: {self.n_wordings}; there is at least one, the original")

    @classmethod
    def of_bank(
        cls,
        bank: ResponseBank,
        *,
        gold: str = "gold",
        source: str | None = None,
        category: str | None = None,
        n_wordings: int = 1,
    ) -> "JudgedResponses":
        """Of a bank with as many responses to every prompt: gold by the score's name, the rest by their columns."""
        gold_pk = bank.grid().scores_pk[one_of(gold, bank.scores, "gold", DataError)]
        source_pk = category_p = None
        if source is not None:
            one_of(source, list(bank.responses.columns), "column of the source of responses", DataError)
            source_pk = bank.responses[source].to_numpy().reshape(gold_pk.shape)
        if category is not None:
            one_of(category, list(bank.prompts.columns), "column of the category of prompts", DataError)
            category_p = bank.prompts[category].to_numpy()
        return cls(gold_pk, source_pk, category_p, n_wordings)

    @property
    def n_prompts(self) -> int:
        return len(self.gold_pk)

    @property
    def n_responses(self) -> int:
        return self.gold_pk.shape[1]

    def only(self, prompt_q: np.ndarray) -> "JudgedResponses":
        """Of these prompts alone, by number or as (P,) bool, numbered anew."""
        source_pk = None if self.source_pk is None else np.asarray(self.source_pk)[prompt_q]
        category_p = None if self.category_p is None else np.asarray(self.category_p)[prompt_q]
        return JudgedResponses(self.gold_pk[prompt_q], source_pk, category_p, self.n_wordings)

    def is_from(self, source: str) -> np.ndarray:
        """(P, K) bool: which responses this source wrote, or DataError if none did."""
        if self.source_pk is None:
            raise DataError(f"source {source!r}: these responses do not say who wrote them; give source_pk")
        one_of(source, sorted(map(str, np.unique(self.source_pk))), "source", DataError)
        return np.asarray(self.source_pk) == source

    def is_in(self, category: str) -> np.ndarray:
        """(P,) bool: which prompts are of this category, or DataError if none is."""
        if self.category_p is None:
            raise DataError(f"category {category!r}: these prompts have no categories; give category_p")
        one_of(category, sorted(map(str, np.unique(self.category_p))), "category", DataError)
        return np.asarray(self.category_p) == category


@dataclass(frozen=True, eq=False)
class Rows:
    """Q rows of a test set, each m different responses to one prompt in one wording; pairs are rows of two.

    A prompt may have several rows. DataError for other shapes or a response that comes twice in a row.
    """

    prompt_q: np.ndarray  # (Q,) int64 into P
    response_qm: np.ndarray  # (Q, m) int64 into K; their order says nothing
    wording_q: np.ndarray  # (Q,) int64, 0 the original

    def __post_init__(self) -> None:
        if self.response_qm.ndim != 2 or self.response_qm.shape[1] < 2 or not len(self.response_qm):
            raise DataError(f"a test set of {self.response_qm.shape} (rows, responses): it needs a row of at least two")
        if not len(self.prompt_q) == len(self.response_qm) == len(self.wording_q):
            raise DataError("a test set's rows need a prompt and a wording each")
        if (np.diff(np.sort(self.response_qm, axis=1), axis=1) == 0).any():
            raise DataError("a test set's row has a response twice; a row is of different responses to a prompt")

    def of(self, value_vpk: np.ndarray) -> np.ndarray:
        """(..., Q, m) of (..., V, P, K), or of (..., P, K) where only the original wording is there."""
        if not self.wording_q.any() and value_vpk.ndim < 4:
            return value_vpk[..., self.prompt_q[:, None], self.response_qm]
        return value_vpk[..., self.wording_q[:, None], self.prompt_q[:, None], self.response_qm]


def rows_among(
    allowed_pk: np.ndarray, n_prompts: int | None, n_responses: int, rng: np.random.Generator, what: str
) -> Rows:
    """A row of m allowed responses, drawn evenly, for n prompts drawn evenly of those with as many; None: for all.

    what: whose these responses are, for the DataError where prompts or responses do not suffice.
    """
    check_counts(n_prompts, n_responses, allowed_pk.shape[1])
    key_pk = np.where(allowed_pk, rng.random(allowed_pk.shape), np.inf)
    prompt_q = drawn_prompts(allowed_pk.sum(axis=1) >= n_responses, n_prompts, rng, f"{n_responses} {what}")
    return Rows(prompt_q, np.argsort(key_pk[prompt_q], axis=1)[:, :n_responses], np.zeros(len(prompt_q), np.int64))


def drawn_prompts(has_p: np.ndarray, n_prompts: int | None, rng: np.random.Generator, what: str) -> np.ndarray:
    """int64 prompts in random order: n of those that have what a design needs, or all of them; DataError for more."""
    found_q = rng.permutation(np.flatnonzero(has_p))
    if not len(found_q) or (n_prompts is not None and n_prompts > len(found_q)):
        asked = "a prompt" if n_prompts is None else f"{n_prompts} prompts"
        raise DataError(f"{asked} with {what}: {len(found_q)} of {len(has_p)} prompts have as many")
    return found_q[:n_prompts]


def check_counts(n_prompts: int | None, n_responses: int, most: int) -> None:
    """DataError unless there is at least one prompt, and from two responses to as many as a prompt has."""
    if n_prompts is not None and n_prompts < 1:
        raise DataError(f"n_prompts: {n_prompts}; give at least 1, or None for all")
    if not 2 <= n_responses <= most:
        raise DataError(f"{n_responses} responses to a prompt: a design takes 2 to {most}, as a prompt has")
