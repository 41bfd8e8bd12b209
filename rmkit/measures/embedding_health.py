"""Whether embeddings and gold rewards are in a state from which reward models can learn, and what to do where not.

Six findings, each a number, a threshold and one sentence. Knows arrays alone; reads embeddings in blocks, because they
may be larger than memory. `spread_units` is the rule by which heads divide each dimension by its own spread: only
where a few dimensions would drown all others. Thresholds were chosen on planted worlds and by hand; no source.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

SMALLEST_SCALE = 2.0**-12  # below it, float16 tells numbers apart by fixed steps of 2^-24, not by their eleven bits
WIDE, WIDE_SHARE = 10.0, 0.5  # times the spread of the median dimension; of the variance that all such ones hold
CONSTANT, MOST_CONSTANT = 1e-3, 0.1  # of the median spread, or of a dimension's own mean; share of the dimensions
MOST_REPEATED = 0.2  # share of responses that have the embedding of another response
MOST_SHARED = 0.01  # share of test responses whose embedding is in the training bank
OUTLYING, MOST_STRETCHED = 15.0, 1.5  # robust standard deviations; how much outlying rewards may stretch gold's s.d.
NORMAL_QUARTILES, NORMAL_TWENTIETHS = (
    1.349,
    3.290,
)  # what lies between a normal's quartiles, and its 5% and 95%, in s.d.
ROUNDING = 1e-14  # of the mean square: what a variance that is its difference from a squared mean may be off by
BLOCK_NUMBERS = 2**20  # of embeddings, turned into float64 at once


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: its number, whether it is a warning, and a sentence that says what to do if so."""

    name: str
    value: float
    warns: bool
    sentence: str

    def __str__(self) -> str:
        return f"{'WARNING' if self.warns else 'fine':9}{self.sentence}"


def spread_units(spread_d: np.ndarray) -> np.ndarray | None:
    """(D,) what each dimension is divided by where a few drown all others, else None: they then share one number.

    They do where the dimensions that spread more than 10 times as widely as the median one hold more than half of the
    variance. Each is then divided by its own spread; one that hardly varies, by the median spread, so that neither
    rounding nor a value that training never saw is blown up. spread_d: (D,) standard deviations of features,
    or of their differences.
    """
    if not dominating(spread_d)[1] > WIDE_SHARE:
        return None
    median = median_spread(spread_d)
    return np.where(spread_d < CONSTANT * median, median, spread_d)


def dominating(spread_d: np.ndarray) -> tuple[np.ndarray, float]:
    """The dimensions that spread more than 10 times as widely as the median one, and their share of all variance."""
    wide_e = np.flatnonzero(spread_d > WIDE * median_spread(spread_d))
    if not len(wide_e):
        return wide_e, 0.0
    relative_d = spread_d / spread_d.max()  # squares of small numbers may vanish
    return wide_e, float((relative_d[wide_e] ** 2).sum() / (relative_d**2).sum())


def median_spread(spread_d: np.ndarray) -> float:
    """The median over dimensions that vary, the lower one of two; 0 if none does."""
    varying_e = spread_d[spread_d > 0]
    return float(np.quantile(varying_e, 0.5, method="lower")) if len(varying_e) else 0.0


def mean_and_spread(embedding_rd: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(D,) float64 mean and standard deviation of each dimension over all R rows; 0 where only rounding is left."""
    sum_d, square_d = np.zeros((2, embedding_rd.shape[1]))
    for block_rd in blocks(embedding_rd):
        wide_rd = block_rd.astype(np.float64)
        sum_d += wide_rd.sum(axis=0)
        square_d += np.einsum("rd,rd->d", wide_rd, wide_rd)
    return mean_and_spread_of(sum_d, square_d, len(embedding_rd))


def mean_and_spread_of(sum_d: np.ndarray, square_d: np.ndarray, n_rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The same from the sums of n_rows values and of their squares."""
    mean_d, mean_square_d = sum_d / n_rows, square_d / n_rows
    variance_d = mean_square_d - mean_d**2
    return mean_d, np.sqrt(np.where(variance_d > ROUNDING * mean_square_d, variance_d, 0.0))


def embedding_findings(embedding_rd: np.ndarray) -> Iterator[Finding]:
    """Scale, dimensions that dominate, near-constant dimensions and repeated responses, of (R, D) finite embeddings."""
    mean_d, spread_d = mean_and_spread(embedding_rd)
    yield scale_finding(float(np.sqrt(np.mean(spread_d**2))))
    yield dominance_finding(spread_d)
    yield constant_finding(mean_d, spread_d)
    yield repeated_finding(row_digests(embedding_rd))


def scale_finding(scale: float) -> Finding:
    """scale: the root mean square of the embeddings about their mean."""
    said = f"The embeddings spread by {scale:.3g} (root mean square about their mean)"
    if not 0 < scale < SMALLEST_SCALE:
        return Finding("scale", scale, scale == 0, f"{said}." if scale else f"{said}: all are equal; bring others.")
    steps = scale / 2.0**-24
    todo = "bring them in float32, which is enlarged before it is rounded, or multiplied by a power of two"
    return Finding("scale", scale, True, f"{said}, and float16 keeps about {steps:.0f} steps of it: {todo}.")


def dominance_finding(spread_d: np.ndarray) -> Finding:
    """Whether `spread_units` finds a few dimensions that drown the others."""
    wide_e, share = dominating(spread_d)
    if not share > WIDE_SHARE:
        top = float(spread_d.max() / (median_spread(spread_d) or 1.0))
        return Finding(
            "dominating", share, False, f"The widest dimension spreads {top:.3g} times as widely as the median one."
        )
    said = f"{counted(wide_e, 'dimension')} of {len(spread_d)} {'hold' if len(wide_e) > 1 else 'holds'}"
    follows = "linear heads and networks trained soundly divide each dimension by its spread; networks trained as "
    follows += (
        "published and the linear head of active labelling take them as they come: divide them before you bring them"
    )
    return Finding("dominating", share, True, f"{said} {share:.1%} of the variance: {follows}.")


def constant_finding(mean_d: np.ndarray, spread_d: np.ndarray) -> Finding:
    """Which dimensions hardly vary: less than a thousandth of the median spread, or of their own mean."""
    still_e = np.flatnonzero(spread_d <= CONSTANT * np.maximum(np.abs(mean_d), median_spread(spread_d)))
    share = len(still_e) / len(spread_d)
    said = f"{counted(still_e, 'dimension')} of {len(spread_d)} hardly {'vary' if len(still_e) != 1 else 'varies'}"
    if share <= MOST_CONSTANT:
        return Finding("near_constant", share, False, f"{said}.")
    todo = "subtract each dimension's mean before rounding, or leave them out; check that the encoder was loaded whole"
    return Finding("near_constant", share, True, f"{said}: {todo}.")


def repeated_finding(digest_r: np.ndarray) -> Finding:
    """How many responses have the embedding of another one."""
    _, count_u = np.unique(digest_r, return_counts=True)
    repeated = int(count_u[count_u > 1].sum())
    share = repeated / len(digest_r)
    said = f"{repeated:,} of {len(digest_r):,} responses ({share:.1%}) have the embedding of another response"
    if share <= MOST_REPEATED:
        return Finding("repeated", share, False, f"{said}.")
    todo = "a pair of two such says nothing, and Best-of-n has fewer to choose from: leave repeats out"
    return Finding("repeated", share, True, f"{said}; {todo}.")


def shared_finding(embedding_rd: np.ndarray, test_rd: np.ndarray) -> Finding:
    """How many test responses have the embedding of a training response. embedding_rd, test_rd: (R, D), (T, D)."""
    shared = int(np.isin(row_digests(test_rd), row_digests(embedding_rd)).sum())
    share = shared / len(test_rd)
    said = f"{shared:,} of {len(test_rd):,} test responses ({share:.1%}) have the embedding of a training response"
    if share <= MOST_SHARED:
        return Finding("shared_with_test", share, False, f"{said}.")
    todo = "results on the test bank are too good by what was seen before: leave shared prompts out of one of the two"
    return Finding("shared_with_test", share, True, f"{said}; {todo}.")


def gold_finding(gold_r: np.ndarray, prompt_id_r: np.ndarray, of: str = "training") -> Finding:
    """Whether a few gold rewards set the unit in which an annotator's noise is measured (scale: gold_sd).

    gold_r: (R,) finite. prompt_id_r: (R,) sorted, to name the furthest one by its prompt and its place there. A reward
    is outlying if it is more than 15 robust standard deviations from the median. The value is the standard deviation of
    all rewards over that of the rest.
    """
    gold_r = gold_r.astype(np.float64)
    away_r = np.abs(gold_r - np.median(gold_r))
    robust = robust_spread(gold_r)
    outlying_r = away_r > OUTLYING * robust if robust else np.zeros(len(gold_r), dtype=bool)
    rest = float(gold_r[~outlying_r].std())
    stretched = float(gold_r.std()) / rest if rest else 1.0
    if stretched <= MOST_STRETCHED:
        furthest = f"{away_r.max() / robust:.3g} robust standard deviations" if robust else f"{away_r.max():.3g}"
        said = f"The furthest gold reward of the {of} bank lies {furthest} from the median."
        return Finding("outlying_gold", stretched, False, said)
    row = int(np.argmax(away_r))
    place = f"prompt {prompt_id_r[row]}, response {row - int(np.searchsorted(prompt_id_r, prompt_id_r[row]))}"
    said = f"{int(outlying_r.sum()):,} of {len(gold_r):,} gold rewards of the {of} bank lie far outside, the furthest "
    said += (
        f"{gold_r[row]:.6g} ({place}): gold's standard deviation is {gold_r.std():.3g} with them, {rest:.3g} without"
    )
    follows = "they shift averages and the best of n: correct or clip them in the file"
    if of == "training":
        follows = (
            "measured in the larger unit, labels are near coin flips: correct or clip them in the file, or run with "
        )
        follows += f"--set scale=fixed --set fixed_scale={rest:.3g}"
    return Finding("outlying_gold", stretched, True, f"{said}; {follows}.")


def robust_spread(value_r: np.ndarray) -> float:
    """The standard deviation that a normal of the same quartiles has; or of the same 5% and 95%."""
    low, quarter, upper, high = np.quantile(value_r, [0.05, 0.25, 0.75, 0.95])
    return float((upper - quarter) / NORMAL_QUARTILES or (high - low) / NORMAL_TWENTIETHS)


def row_digests(embedding_rd: np.ndarray) -> np.ndarray:
    """(R,) uint64, equal where rows are; that any two of a million unequal rows are equal has a chance of 1e-7."""
    found = [
        blake2b(row_d.tobytes(), digest_size=8).digest() for block_rd in blocks(embedding_rd) for row_d in block_rd
    ]
    return np.frombuffer(b"".join(found), dtype=np.uint64)


def blocks(embedding_rd: np.ndarray) -> Iterator[np.ndarray]:
    """The rows, as many at a time as hold BLOCK_NUMBERS numbers."""
    step = max(1, BLOCK_NUMBERS // embedding_rd.shape[1])
    for start in range(0, len(embedding_rd), step):
        yield embedding_rd[start : start + step]


def counted(which_e: np.ndarray, noun: str) -> str:
    """How many, and which if it is few: `1 dimension (5)`, `40 dimensions (0, 1, 2, ...)`."""
    listed = ", ".join(map(str, which_e[:5])) + (", ..." if len(which_e) > 5 else "")
    return f"{len(which_e)} {noun}{'' if len(which_e) == 1 else 's'}" + (f" ({listed})" if listed else "")
