"""How far several annotators agree: pairwise, beyond chance (Krippendorff's alpha), and one against the others.

Knows judgements alone. Every interval is a percentile bootstrap over prompts (over pairs, where no prompts are given),
so it is about new prompts and the same annotators; a figure that is undefined is NaN with a reason.
Sources: Krippendorff 2011, "Computing Krippendorff's alpha-reliability" (nominal data, missing values allowed).
"""

import numpy as np

from rmkit.annotation.judgements import Judgements
from rmkit.intervals.means import Interval, bootstrap_over_prompts, check_request, resampled_means, why_too_few_prompts

NEW_PROMPTS_THESE_ANNOTATORS = "new prompts, these annotators"


def pairwise_agreement(
    judgements: Judgements,
    *,
    rng: np.random.Generator,
    prompt_m: np.ndarray | None = None,
    repeats: bool = False,
    n_resamples: int = 2000,
    level: float = 0.95,
) -> Interval:
    """The share of comparisons in which two judgements of one pair are the same answer (a tie is an answer).

    Two judgements by different annotators are a comparison, so a pair with k annotators counts k (k - 1) / 2 times.
    With `repeats`, only two judgements by the same annotator are. prompt_m: (M,) int64, the prompt of each pair.
    For agreement where both decide, give `judgements.decided()`. Pairs without a comparison do not count.
    """
    same_m, compared_m = comparisons(judgements, repeats=repeats)
    who = "by one annotator" if repeats else "by two annotators"
    return _share_by_prompt(
        same_m,
        compared_m,
        judgements.prompt_of_pair(prompt_m),
        none=f"no pair was judged twice {who}",
        rng=rng,
        n_resamples=n_resamples,
        level=level,
    )


def comparisons(judgements: Judgements, *, repeats: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(M,) and (M,) int64: comparisons with the same answer, and all comparisons, as in `pairwise_agreement`."""
    cells_xc, pair_x = judgements.cell_counts_xc, np.empty(len(judgements.cell_counts_xc), np.int64)
    pair_x[judgements.cell_j] = judgements.pair_j
    within_m = [
        np.bincount(pair_x, weights=twos_x, minlength=judgements.n_pairs).astype(np.int64)
        for twos_x in (_twos(cells_xc).sum(axis=1), _twos(cells_xc.sum(axis=1)))
    ]
    if repeats:
        return within_m[0], within_m[1]
    counts_mc = judgements.counts_mc
    return _twos(counts_mc).sum(axis=1) - within_m[0], _twos(counts_mc.sum(axis=1)) - within_m[1]


def krippendorff_alpha(
    judgements: Judgements,
    *,
    rng: np.random.Generator,
    prompt_m: np.ndarray | None = None,
    mirrored: bool = False,
    n_resamples: int = 2000,
    level: float = 0.95,
) -> Interval:
    """Krippendorff's alpha for nominal answers: 1 - observed / expected disagreement. 1 is perfect, 0 is chance.

    Pairs with one judgement are left out. Chance is what the shares of the answers give, so it depends on which
    response was shown first: where that is not random (every chosen response first), say `mirrored`, which counts
    each pair in both orders. Where only one answer was ever given, alpha is undefined.
    """
    check_request(level, n_resamples)
    counts_mc = judgements.counts_mc * (judgements.counts_mc.sum(axis=1, keepdims=True) > 1)
    size_m = counts_mc.sum(axis=1)
    differ_m = (size_m**2 - (counts_mc**2).sum(axis=1)) / np.maximum(size_m - 1, 1)
    if mirrored:  # a mirrored pair has the same disagreement, with the answers' counts turned round
        counts_mc, differ_m = counts_mc + counts_mc[:, ::-1], 2 * differ_m
    prompt_m = judgements.prompt_of_pair(prompt_m)
    used_p = np.bincount(prompt_m, weights=size_m) > 0
    sums_kp = np.stack([np.bincount(prompt_m, weights=value_m)[used_p] for value_m in (differ_m, *counts_mc.T)])
    n_prompts = int(used_p.sum())
    method = f"percentile bootstrap over prompts, {n_resamples} resamples"
    estimate, reason = np.nan, None
    if not n_prompts:
        reason = "no pair was judged twice"
    elif (sums_kp[1:].sum(axis=1) > 0).sum() < 2:
        reason = "only one answer was ever given, so no disagreement is to be expected"
    else:
        estimate = float(_alpha(sums_kp.sum(axis=1)[None])[0])
        reason = why_too_few_prompts(n_prompts)
        if reason is None and estimate == 1:
            reason = f"all judgements of {n_prompts} prompts agree: a bootstrap sees no variation"
    low = high = np.nan
    if reason is None:
        mean_bk = resampled_means(sums_kp, np.ones(n_prompts), rng=rng, n_resamples=n_resamples)
        # a resample with one answer only has no alpha; it is left out
        low, high = np.nanquantile(_alpha(mean_bk * n_prompts), [(1 - level) / 2, (1 + level) / 2])
    return Interval(estimate, float(low), float(high), level, NEW_PROMPTS_THESE_ANNOTATORS, method, n_prompts, reason)


def agreement_with_others(
    judgements: Judgements,
    *,
    rng: np.random.Generator,
    prompt_m: np.ndarray | None = None,
    n_resamples: int = 2000,
    level: float = 0.95,
) -> list[Interval]:
    """For each of A annotators, how often their answer is the one that most of the others gave.

    The others are all judgements of the pair by somebody else. Where no single answer leads among them, the pair does
    not count for this annotator. An annotator without such a pair has NaN and a reason.
    """
    other_jc = judgements.counts_mc[judgements.pair_j] - judgements.cell_counts_xc[judgements.cell_j]
    most_j = other_jc.max(axis=1)
    leads_j = (other_jc == most_j[:, None]).sum(axis=1) == 1
    same_j = leads_j & (np.take_along_axis(other_jc, judgements.answer_j[:, None], axis=1)[:, 0] == most_j)
    prompt_j = judgements.prompt_of_pair(prompt_m)[judgements.pair_j]
    order_j = np.argsort(judgements.annotator_j, kind="stable")
    ends = np.cumsum(np.bincount(judgements.annotator_j))[:-1]
    found = []
    for annotator, own_j in enumerate(np.split(order_j, ends)):
        none = f"no pair of annotator {annotator} has one answer that most of the others gave"
        found.append(
            _share_by_prompt(
                same_j[own_j],
                leads_j[own_j],
                prompt_j[own_j],
                none=none,
                rng=rng,
                n_resamples=n_resamples,
                level=level,
            )
        )
    return found


def _share_by_prompt(
    part_m: np.ndarray,
    whole_m: np.ndarray,
    prompt_m: np.ndarray,
    *,
    none: str,
    rng: np.random.Generator,
    n_resamples: int,
    level: float,
) -> Interval:
    """sum(part) / sum(whole) with its interval over prompts; prompts with nothing of the whole do not count."""
    if not np.sum(whole_m):
        method = f"percentile bootstrap over prompts, {n_resamples} resamples"
        return Interval(np.nan, np.nan, np.nan, level, NEW_PROMPTS_THESE_ANNOTATORS, method, 0, none)
    part_p, whole_p = (np.bincount(prompt_m, weights=value_m) for value_m in (part_m, whole_m))
    used_p = whole_p > 0
    (interval,) = bootstrap_over_prompts(
        part_p[used_p] / whole_p[used_p],
        whole_p[used_p],
        rng=rng,
        n_resamples=n_resamples,
        level=level,
        estimand=NEW_PROMPTS_THESE_ANNOTATORS,
    )
    return interval


def _alpha(sums_bk: np.ndarray) -> np.ndarray:
    """(B,) alpha from (B, 1 + answers): disagreement within pairs, and how often each answer was given."""
    total_b = sums_bk[:, 1:].sum(axis=1)
    expected_b = (total_b**2 - (sums_bk[:, 1:] ** 2).sum(axis=1)) / (total_b - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(expected_b > 0, 1.0 - sums_bk[:, 0] / expected_b, np.nan)


def _twos(count: np.ndarray) -> np.ndarray:
    """How many two can be chosen of so many."""
    return count * (count - 1) // 2
