"""Which pairs of a file a person should judge next: those that tell a linear head most, given all labels so far.

Candidates are the pairs of answers to one prompt that nobody has judged. Where there are fewer of them than are asked
for, pairs that were judged just once come after them: a second judgement of a pair tells something too, and says how
noisy the labels are (annotation/crowd_noise.py). The rule is D-optimal, greedily and past-aware, as
strategies/d_optimal.py has it (arXiv 2502.04354), in the features of the linear Bradley-Terry head whatever head is
kept, because the criterion is exact there. Knows a bank and comparisons; no file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from rmkit.active.setting import as_seen
from rmkit.active.strategies.d_optimal import DOptimal
from rmkit.artifacts.bank import ResponseBank
from rmkit.artifacts.comparisons import Comparisons
from rmkit.progress import Progress
from rmkit.reward_models.fit_heads import fitted_on_all_pairs

HEAD, STREAM = "linear_bt", "pairs to judge"
MOST_CANDIDATES = 20_000  # that are looked at; of more, so many at random
ANNOTATOR, NEXT = "annotator", "judged next"
PRIOR = 1.0  # precision of the head's weights, as in notebook 05


@dataclass(frozen=True, eq=False)
class ToJudge:
    """The pairs to judge next, those that nobody has judged first, each kind by how much it tells."""

    pair_n2: np.ndarray  # (N, 2) int64 positions in the bank, in the order in which to show them
    again_n: np.ndarray  # (N,) bool: judged before
    unjudged: int  # pairs of answers to one prompt that nobody has judged

    def table(self, bank: ResponseBank, comparisons: Comparisons) -> pd.DataFrame:
        """Rows that a person fills in, in a form that rmkit reads: prompt, response_a, response_b, label (empty),
        annotator, line.

        `annotator` tells a second judgement from a repetition of the first; a person may give another name. `line` is
        that of the earlier judgement in the file, missing where there is none.
        """
        prompt_of = bank.prompts.set_index("prompt_id")["prompt"]
        text_r = bank.responses["response"].to_numpy()
        lines = comparisons.table.groupby(["first", "second"])["line"].first()
        ordered = [tuple(sorted(pair)) for pair in self.pair_n2.tolist()]
        return pd.DataFrame(
            {
                "prompt": prompt_of.loc[bank.prompt_id_r[self.pair_n2[:, 0]]].to_numpy(),
                "response_a": text_r[self.pair_n2[:, 0]],
                "response_b": text_r[self.pair_n2[:, 1]],
                "label": pd.Series([None] * len(self.pair_n2), dtype=object),
                ANNOTATOR: [NEXT] * len(self.pair_n2),
                "line": pd.array([lines.get(pair) for pair in ordered], dtype="Int64"),
            }
        )


def to_judge(
    bank: ResponseBank,
    comparisons: Comparisons,
    *,
    n_pairs: int,
    validation_share: float,
    rng_of: Callable[[str], np.random.Generator],
    progress: Callable[[str], Progress],
) -> ToJudge:
    """At most `n_pairs` pairs; what is random is drawn from rng_of("pairs to judge")."""
    rng = rng_of(STREAM)
    every_m2 = np.stack([comparisons.first_m, comparisons.second_m], axis=1)
    judged_m2, times_m = np.unique(every_m2, axis=0, return_counts=True)
    fresh_m2 = unjudged_pairs(bank.prompt_id_r, judged_m2)
    models, _ = fitted_on_all_pairs(
        HEAD, bank, comparisons, procedure="sound", validation_share=validation_share, validation_split="pair",
        rng=rng, stream=STREAM, rng_of=rng_of, progress=progress,
    )  # fmt: skip
    head = models[HEAD]
    known_m2, again = judged_m2, list[bool]()
    picked: list[np.ndarray] = []
    for candidate_m2, judged_before in ((fresh_m2, False), (judged_m2[times_m == 1], True)):
        candidate_m2 = some_of(candidate_m2, rng)
        wanted = min(n_pairs - len(again), len(candidate_m2))
        if wanted:
            candidates = as_seen(head, 0, bank.embedding_rd, candidate_m2, known_m2, prior=PRIOR)
            picked.append(candidate_m2[DOptimal().select(candidates, wanted, rng)])
            known_m2 = np.concatenate([known_m2, picked[-1]])
            again += [judged_before] * wanted
    pair_n2 = np.concatenate([np.empty((0, 2), np.int64), *picked])
    turned_n = rng.random(len(pair_n2)) < 0.5  # so that the order in which they are shown says nothing
    pair_n2 = np.where(turned_n[:, None], pair_n2[:, ::-1], pair_n2)
    return ToJudge(pair_n2, np.array(again, dtype=bool), len(fresh_m2))


def some_of(candidate_m2: np.ndarray, rng: np.random.Generator, most: int = MOST_CANDIDATES) -> np.ndarray:
    """The (M, 2) candidates, or of more than `most` so many at random, in their order."""
    if len(candidate_m2) <= most:
        return candidate_m2
    return candidate_m2[np.sort(rng.permutation(len(candidate_m2))[:most])]


def unjudged_pairs(prompt_id_r: np.ndarray, judged_m2: np.ndarray) -> np.ndarray:
    """(M, 2) int64 positions, first < second, of all pairs of answers to one prompt that are not among the judged."""
    judged = set(map(tuple, np.sort(judged_m2, axis=1).tolist()))
    of_prompt: dict[int, list[int]] = {}
    for r, prompt in enumerate(prompt_id_r.tolist()):
        of_prompt.setdefault(prompt, []).append(r)
    found = [pair for rows in of_prompt.values() for pair in combinations(rows, 2) if pair not in judged]
    return np.array(found, dtype=np.int64).reshape(-1, 2)
