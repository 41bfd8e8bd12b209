"""Who wrote the responses: the policy that is to be trained, other models, or both."""

from dataclasses import dataclass

import numpy as np

from rmkit.errors import DataError
from rmkit.evaluation.test_sets.annotation import NOISELESS, Annotation
from rmkit.evaluation.test_sets.judged import JudgedResponses, Rows, check_counts, drawn_prompts, rows_among

OTHERS, MIXED = "others", "mixed"


@dataclass(frozen=True)
class ResponseSource:
    """All responses of a row from one source, from all but `own`, or half of them (rounded down) from `own`."""

    source: str  # the name of a source, "others" or "mixed"
    own: str | None = None  # the policy's name, for "others" and "mixed"
    n_responses: int = 2
    n_prompts: int | None = None  # None: every prompt that has as many
    annotation: Annotation = NOISELESS

    def draw(self, judged: JudgedResponses, rng: np.random.Generator) -> Rows:
        if self.source not in (OTHERS, MIXED):
            allowed_pk = judged.is_from(self.source)
            return rows_among(
                allowed_pk, self.n_prompts, self.n_responses, rng, f"responses of the source {self.source}"
            )
        if self.own is None:
            raise DataError(f"source {self.source!r}: say whose responses are the policy's own (own=...)")
        own_pk = judged.is_from(self.own)
        if self.source == OTHERS:
            return rows_among(~own_pk, self.n_prompts, self.n_responses, rng, "responses of others")
        check_counts(self.n_prompts, self.n_responses, judged.n_responses)
        n_own = self.n_responses // 2
        key_pk = rng.random(own_pk.shape)
        has_p = (own_pk.sum(axis=1) >= n_own) & ((~own_pk).sum(axis=1) >= self.n_responses - n_own)
        what = f"{n_own} responses of the policy and {self.n_responses - n_own} of others"
        prompt_q = drawn_prompts(has_p, self.n_prompts, rng, what)
        each = [
            np.argsort(np.where(from_pk, key_pk, np.inf)[prompt_q], axis=1)[:, :size]
            for from_pk, size in ((own_pk, n_own), (~own_pk, self.n_responses - n_own))
        ]
        response_qm = rng.permuted(np.concatenate(each, axis=1), axis=1)
        return Rows(prompt_q, response_qm, np.zeros(len(prompt_q), np.int64))
