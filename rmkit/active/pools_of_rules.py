"""Which strategies choose within a prompt alone, so that their pool must have several pairs of each prompt.

Names only, so that a study can be refused before any of its jobs has run (preconditions/). The rules themselves are in
strategies/, and what they share in within_prompt.py.
"""

from collections.abc import Iterable

from rmkit.errors import DataError

SCORED = ("delta_ucb", "info_max", "info_gain", "max_min_lcb", "delta_quantile")  # rules that rank prompts, too
THOMPSON = ("thompson", "reverse_thompson")
WITHIN_PROMPT = frozenset(
    f"{rule}{form}"
    for rules, forms in ((SCORED, ("", "_random_prompts", "_published")), (THOMPSON, ("", "_published")))
    for rule in rules
    for form in forms
)


def check_pool_of(strategies: Iterable[str], pool: str, n_responses: int | None) -> None:
    """DataError for a rule that chooses within a prompt where a pool's pairs have two, or a prompt has one pair."""
    for name in strategies:
        if name not in WITHIN_PROMPT:
            continue
        if pool != "within_prompt":
            raise DataError(
                f"strategies: {name} chooses within a prompt, and {pool} pairs have two; say pools: [within_prompt]"
            )
        if n_responses is not None and n_responses < 3:
            raise DataError(
                f"strategies: {name} chooses within a prompt, and with {n_responses} responses it has one pair"
            )
