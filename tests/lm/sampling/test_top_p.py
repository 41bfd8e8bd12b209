"""Top-p by a few sorted tokens against transformers' own, which sorts them all."""

import pytest
import torch
from transformers import TopPLogitsWarper

from rmkit.lm.sampling.top_p import LIKELIEST, least_kept, top_p_warper

NO_IDS = torch.zeros(400, 0, dtype=torch.long)


def logits(spread, *, decimals=None, n_tokens=1500):
    drawn_bv = spread * torch.randn(len(NO_IDS), n_tokens, generator=torch.Generator().manual_seed(0))
    return drawn_bv if decimals is None else drawn_bv.round(decimals=decimals)


def with_a_sum_on_the_border():
    """Probabilities of 0.95 and, of many tokens, 0.05 together: the border lies within the rounding of a sum."""
    logit_bv = torch.zeros(len(NO_IDS), 1500)
    logit_bv[:, 7] = torch.tensor(1499 * 0.95 / 0.05).log()
    return logit_bv


@pytest.mark.parametrize("top_p", [0.3, 0.95, 0.999, 1.0])
@pytest.mark.parametrize(
    "logit_bv",
    [logits(4), logits(2), logits(8), logits(4, decimals=0), logits(4, n_tokens=90), with_a_sum_on_the_border()],
    ids=["a few", "many", "very few", "with equal ones", "a small vocabulary", "on the border"],
)
def test_the_same_tokens_stay_in_as_with_transformers(logit_bv, top_p):
    assert torch.equal(top_p_warper(top_p)(NO_IDS, logit_bv), TopPLogitsWarper(top_p)(NO_IDS, logit_bv))


def test_few_tokens_decide_where_they_hold_the_probability_and_say_so_where_they_do_not():
    _, told_b = least_kept(logits(8), 0.05)
    assert told_b.float().mean() > 0.9
    for unsure_bv in (logits(0.1), with_a_sum_on_the_border()):
        assert not least_kept(unsure_bv, 0.05)[1].any()


def test_tokens_that_are_ruled_out_stay_out():
    logit_bv = logits(4)
    logit_bv[:, 2 * LIKELIEST :: 2] = -torch.inf
    assert torch.equal(top_p_warper(0.9)(NO_IDS, logit_bv), TopPLogitsWarper(0.9)(NO_IDS, logit_bv))
