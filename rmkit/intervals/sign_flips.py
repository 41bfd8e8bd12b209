"""A test of a mean that needs no normal distribution: were the signs of prompts' deviations thrown like coins?

Where every prompt's deviation from the value that is tested is as likely as its opposite, any signs are as likely as
those that were seen. So the p-value holds for few prompts and for shares, whose t-test rejects too often (with 100
pairs of which a share of 1/2 is tested at 1.7%, it does so in 2.1%). Of equal deviations this is the sign test, of
pairs McNemar's exact test.
Source: Fisher 1935, The Design of Experiments, section 21; Phipson & Smyth 2010 (the p-value of drawn signs).
"""

import numpy as np
from scipy.stats import norm

N_FLIPS = 9_999
MOST_FLIPPED = 10_000  # prompts; beyond, the sum of flipped signs is normal to within what could matter
AT_ONCE = 2**22  # signs


def sign_flip_p_value(deviation_p: np.ndarray, *, rng: np.random.Generator, n_flips: int = N_FLIPS) -> float:
    """The two-sided p-value of "the P deviations have the mean 0", at least 1 / (n_flips + 1).

    deviation_p: (P,) each prompt's deviation, times its weight. NaN where none differs from 0: all signs are alike.
    """
    deviation_p = np.asarray(deviation_p, np.float64)
    deviation_p = deviation_p[deviation_p != 0]
    if not len(deviation_p):
        return float("nan")
    total, size = abs(deviation_p.sum()), np.abs(deviation_p).sum()
    if len(deviation_p) > MOST_FLIPPED:
        return float(2 * norm.sf(total / np.sqrt((deviation_p**2).sum())))
    as_far, step = 0, max(1, AT_ONCE // len(deviation_p))
    for start in range(0, n_flips, step):
        rows, row = min(step, n_flips - start), (len(deviation_p) + 7) // 8
        drawn = np.frombuffer(rng.bytes(rows * row), np.uint8).reshape(rows, row)
        minus = np.unpackbits(drawn, axis=1, count=len(deviation_p)).astype(np.float64)
        flipped = deviation_p.sum() - 2 * minus @ deviation_p
        as_far += int((np.abs(flipped) >= total - 1e-9 * size).sum())
    return (1 + as_far) / (1 + n_flips)
