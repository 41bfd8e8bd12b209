"""Which pools there are, and which strategies choose within a prompt alone, so that a prompt must have several pairs.

Names and counts only, so that a study can be refused before any of its jobs has run (preconditions/). The rules
themselves are in strategies/, and what they share in within_prompt.py.
"""

from collections.abc import Collection, Iterable

from rmkit.annotation.pools import POOLS
from rmkit.errors import DataError, one_of

MIXED = "mixed"  # some pairs of one prompt and some of two
ACTIVE_POOLS = (*POOLS, MIXED)
JUDGED = "judged"  # the pool of the pairs that people judged

SCORED = ("delta_ucb", "info_max", "info_gain", "max_min_lcb", "delta_quantile")  # rules that rank prompts, too
THOMPSON = ("thompson", "reverse_thompson")
WITHIN_PROMPT = frozenset(
    f"{rule}{form}"
    for rules, forms in ((SCORED, ("", "_random_prompts", "_published")), (THOMPSON, ("", "_published")))
    for rule in rules
    for form in forms
)


def defined_in(strategies: Iterable[str], pool: str) -> list[str]:
    """Those that a pool has pairs for: where a pair may have two prompts, not the rules that choose within one."""
    return [name for name in strategies if name not in WITHIN_PROMPT or pool in ("within_prompt", JUDGED)]


def check_pools_of(strategies: Collection[str], pools: Collection[str], n_responses: int | None) -> None:
    """DataError for a rule that chooses within a prompt where no pool has such pairs, or a prompt has one pair, and for
    a pool in which no strategy can choose.
    """
    if empty := [pool for pool in pools if not defined_in(strategies, pool)]:
        raise DataError(
            f"pools: {empty[0]} has no strategy, since all choose within a prompt; leave it out, or add one"
        )
    for name in strategies:
        if name not in WITHIN_PROMPT:
            continue
        if "within_prompt" not in pools:
            raise DataError(
                f"strategies: {name} chooses within a prompt, and pairs of {', '.join(pools)} may have two; "
                "add within_prompt to pools"
            )
        if n_responses is not None and n_responses < 3:
            raise DataError(
                f"strategies: {name} chooses within a prompt, and with {n_responses} responses it has one pair"
            )


def parts_of(pool: str, n_pairs: int, cross_share: float) -> dict[str, int]:
    """How many of so many pairs are to be of each pool of annotation/pools.py; DataError for another pool."""
    if one_of(pool, ACTIVE_POOLS, "pool", DataError) != MIXED:
        return {pool: n_pairs}
    n_cross = round(cross_share * n_pairs)
    return {"within_prompt": n_pairs - n_cross, "cross_prompt": n_cross}
