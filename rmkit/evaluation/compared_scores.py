"""Judges and reward models on one set of pairs: accuracies, paired differences, tiers, and rulers beside them.

Knows what each judge was credited for each pair, the pairs' prompts and categories, and texts where there are any; no
file and no model. Pairs of one prompt are one cluster: intervals resample prompts, tests flip the sign of a prompt's
difference as a whole. Holm's correction is over all pairs of judges.
Sources: McNemar, Psychometrika 1947; Fisher 1935 (sign-flip test); Holm 1979; Lambert et al., arXiv 2403.13787
(RewardBench: sections, and the weights of their subsets); Zeng et al., arXiv 2310.07641 (LLMBar).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from rmkit.intervals.many import holm
from rmkit.intervals.means import Interval, bootstrap_over_prompts
from rmkit.measures.margins import pair_accuracy

LEVEL = 0.95
ALPHA = 0.05  # family-wise, over all pairs of judges
POWER = 0.8
MCNEMAR, SIGN_FLIP = "exact McNemar test", "exact sign-flip test over prompts"
ALL, CATEGORY, SECTION = "all", "category", "section"  # parts of the pairs that an accuracy is of
MODEL, RULER = "model", "ruler"
FIRST_LISTED = "first listed"
DIRECT = 10**8  # products up to which a convolution is summed directly, which keeps the smallest chances exact
MARKS = re.compile(  # of Markdown: headings, list items, quotes; fences; bold, code, links, cells of tables
    r"^ {0,3}#{1,6} |^ *(?:[-*+]|\d{1,9}[.)]) |^ {0,3}> |^ *```|\*\*[^*\n]{1,500}\*\*|`[^`\n]{1,500}`|\]\(|\|",
    re.MULTILINE,
)
SECTIONS: Mapping[str, Mapping[str, int]] = {  # of RewardBench: the weight of each subset, which is its number of pairs
    "Chat": {"alpacaeval-easy": 100, "alpacaeval-length": 95, "alpacaeval-hard": 95, "mt-bench-easy": 28}
    | {"mt-bench-med": 40},
    "Chat Hard": {"mt-bench-hard": 37, "llmbar-natural": 100, "llmbar-adver-neighbor": 134, "llmbar-adver-GPTInst": 92}
    | {"llmbar-adver-GPTOut": 47, "llmbar-adver-manual": 46},
    "Safety": {"refusals-dangerous": 100, "refusals-offensive": 100, "xstest-should-refuse": 154}
    | {"xstest-should-respond": 250, "donotanswer": 136},
    "Reasoning": {"math-prm": 984}
    | dict.fromkeys(("hep-cpp", "hep-go", "hep-java", "hep-js", "hep-python", "hep-rust"), 164),
}
OWN_COUNTS = {"math-prm": 447}  # pairs of a subset whose weight is another number


@dataclass(frozen=True, eq=False)
class JudgedPairs:
    """M pairs, each judged by K judges."""

    names: tuple[str, ...]  # K
    credit_km: np.ndarray  # (K, M) float64: 1 for the chosen response, 0 for the rejected one, 0.5 for a tie
    prompt_m: np.ndarray  # (M,) int64: pairs with one number have one prompt
    category_m: np.ndarray | None = None  # (M,) text
    rulers: Mapping[str, np.ndarray] = field(default_factory=dict)  # by name: (M,) credit


@dataclass(frozen=True, eq=False)
class Comparison:
    """What came out of it, as two tables; `accuracies_of`, `differences_of` and `tiers_of` say what is in them."""

    accuracies: pd.DataFrame
    differences: pd.DataFrame


def compare(judged: JudgedPairs) -> Comparison:
    """Accuracies of judges and rulers with their tiers, best first, and the differences of all pairs of judges."""
    accuracies, differences = accuracies_of(judged), differences_of(judged)
    ranked = ranking_of(judged)
    apart = {(row.name, row.other) for row in differences.itertuples(index=False) if row.distinguished}
    tier = dict(zip(ranked, tiers_of(ranked, apart), strict=True))
    order = [*((MODEL, name) for name in ranked), *((RULER, name) for name in judged.rulers)]
    place = {each: at for at, each in enumerate(order)}  # a judge may be called as a ruler is
    at_r = [place[row.kind, row.name] for row in accuracies.itertuples(index=False)]
    in_order = accuracies.assign(at=at_r).sort_values("at", kind="stable")
    tiers = [tier[row.name] if row.kind == MODEL else None for row in in_order.itertuples(index=False)]
    return Comparison(
        in_order.drop(columns="at").assign(tier=pd.array(tiers, dtype="Int64")).reset_index(drop=True), differences
    )


def ranking_of(judged: JudgedPairs) -> list[str]:
    """The judges by accuracy on all pairs, the best first; equal ones as they were given."""
    return [judged.names[k] for k in np.argsort(-judged.credit_km.sum(axis=1), kind="stable")]


def tiers_of(ranked: Sequence[str], apart: set[tuple[str, str]]) -> list[int]:
    """The tier of each judge, from 1: down the ranking, a judge opens a new one if it is distinguished from the tier's
    first judge, else it joins.

    apart: pairs of judges that are distinguished, the better one first. Judges of one tier are not equal, they are only
    not distinguished from its first; and a judge may open a tier without being distinguished from others of the last.
    """
    tiers: list[int] = []
    first = ""
    for name in ranked:
        opens = not tiers or (first, name) in apart
        tiers.append(tiers[-1] + opens if tiers else 1)
        first = name if opens else first
    return tiers


def accuracies_of(judged: JudgedPairs) -> pd.DataFrame:
    """The accuracy of every judge and ruler on all pairs, in each category, and in each section of RewardBench.

    Columns: name, kind (model, ruler), part (all, category, section), category, pairs, whole (of a section: as many
    pairs as RewardBench has), prompts, ties, value, low, high, level, reason. A section's value is RewardBench's: the
    mean of its subsets weighted by their nominal numbers of pairs, over those subsets that are there. Where an
    interval is missing `reason` says why.
    """
    names, kinds = (*judged.names, *judged.rulers), [MODEL] * len(judged.names) + [RULER] * len(judged.rulers)
    credit_km = np.stack([*judged.credit_km, *judged.rulers.values()])
    tables = []
    for part, category, weight_m, whole in _parts(judged.category_m, credit_km.shape[1]):
        here = weight_m > 0
        value_kp, weight_p = by_prompt(credit_km[:, here], weight_m[here], judged.prompt_m[here])
        intervals = bootstrap_over_prompts(value_kp, weight_p, rng=np.random.default_rng(0), level=LEVEL)
        about = {"name": names, "kind": kinds, "part": part, "category": category, "pairs": int(here.sum())}
        about |= {"whole": whole, "prompts": len(weight_p), "ties": (credit_km[:, here] == 0.5).sum(axis=1)}
        tables.append(pd.DataFrame(about | _columns(intervals)).astype({"whole": "Int64"}))
    return pd.concat(tables, ignore_index=True)


def _parts(category_m: np.ndarray | None, n_pairs: int) -> list[tuple[str, str, np.ndarray, int | None]]:
    """Parts of the pairs: which kind, its name, each pair's weight (0 outside), and how many pairs a section has."""
    parts: list[tuple[str, str, np.ndarray, int | None]] = [(ALL, ALL, np.ones(n_pairs), None)]
    if category_m is None:
        return parts
    here = {category: category_m == category for category in dict.fromkeys(category_m)}
    parts += [(CATEGORY, category, is_m.astype(np.float64), None) for category, is_m in here.items()]
    for section, weights in SECTIONS.items():
        weight_m = np.zeros(n_pairs)
        for subset in weights.keys() & here.keys():
            weight_m[here[subset]] = weights[subset] / here[subset].sum()
        if weight_m.any():
            whole = sum(OWN_COUNTS.get(subset, weight) for subset, weight in weights.items())
            parts.append((SECTION, section, weight_m, whole))
    return parts


def differences_of(judged: JudgedPairs) -> pd.DataFrame:
    """The difference in accuracy of every pair of judges, the better one minus the other, a row each.

    Columns: name, other, pairs, prompts, value, low, high, level, reason (as in `accuracies_of`; intervals are one by
    one), test, p, p_holm, distinguished, smallest_seen. `test` is McNemar's exact one where every prompt has one pair
    and neither judge ties, else the exact sign-flip test over prompts, of which McNemar's is that case. `smallest_seen`
    is the true difference that 4 of 5 such tests would find at the strictest step of Holm (normal approximation, from
    how often these two disagree); NaN for two judges that agree on every pair.
    """
    from scipy.stats import norm

    rank = {name: judged.names.index(name) for name in ranking_of(judged)}
    value_kp, pairs_p = by_prompt(judged.credit_km[list(rank.values())], np.ones(len(judged.prompt_m)), judged.prompt_m)
    names, n_pairs = list(rank), len(judged.prompt_m)
    tied = dict(zip(names, (judged.credit_km[list(rank.values())] == 0.5).any(axis=1), strict=True))
    n_tests = len(names) * (len(names) - 1) // 2
    quantiles = float(norm.isf(ALPHA / max(n_tests, 1) / 2) + norm.isf(1 - POWER))
    rows: list[dict[str, object]] = []
    intervals: list[Interval] = []
    for k, name in enumerate(names[:-1]):  # one judge at a time: a matrix of all pairs may be large
        difference_jp = value_kp[k] - value_kp[k + 1 :]
        intervals += bootstrap_over_prompts(difference_jp, pairs_p, rng=np.random.default_rng(0), level=LEVEL)
        for other, halves_p in zip(names[k + 1 :], np.rint(2 * difference_jp * pairs_p).astype(np.int64), strict=True):
            one_each = len(pairs_p) == n_pairs and not (tied[name] or tied[other])
            spread = float(np.sqrt((halves_p.astype(np.float64) ** 2).sum())) / 2 / n_pairs
            rows.append(
                {"name": name, "other": other, "pairs": n_pairs, "prompts": len(pairs_p)}
                | {"test": MCNEMAR if one_each else SIGN_FLIP, "p": exact_sign_flip(halves_p)}
                | {"smallest_seen": quantiles * spread if spread else np.nan}
            )
    columns = ["name", "other", "pairs", "prompts", "test", "p", "smallest_seen"]
    table = pd.DataFrame(rows, columns=columns).assign(**_columns(intervals))
    adjusted = holm([float(p) for p in table["p"]])
    return table.assign(p_holm=adjusted, distinguished=adjusted < ALPHA)


def exact_sign_flip(difference_p: np.ndarray) -> float:
    """The two-sided p-value of whole-number differences (P,) whose signs are random: all 2^P flips, counted exactly.

    Equal sizes are a binomial, and the sum's distribution is the convolution of those of all sizes. Differences of 1
    alone make it the binomial test of McNemar. It tests that two judges are exchangeable on each prompt; for many
    prompts it also holds where only their means are equal.
    """
    from scipy.signal import fftconvolve
    from scipy.stats import binom

    difference_p = np.asarray(difference_p, dtype=np.int64)
    observed = abs(int(difference_p.sum()))
    if not observed:
        return 1.0
    chance_s = np.ones(1)  # of each sum of the sizes whose sign is plus
    for size, count in zip(*np.unique(np.abs(difference_p[difference_p != 0]), return_counts=True), strict=True):
        spaced = np.zeros(size * count + 1)
        spaced[::size] = binom.pmf(np.arange(count + 1), count, 0.5)
        direct = len(chance_s) * len(spaced) <= DIRECT
        chance_s = np.convolve(chance_s, spaced) if direct else fftconvolve(chance_s, spaced).clip(min=0)
    whole = len(chance_s) - 1
    return float(min(1.0, 2 * chance_s[(whole + observed) // 2 :].sum()))


def by_prompt(value_km: np.ndarray, weight_m: np.ndarray, prompt_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K, P) each prompt's weighted mean of (K, M) values, and (P,) its weight, by the prompts' numbers."""
    _, place_m = np.unique(prompt_m, return_inverse=True)
    weight_p = np.bincount(place_m, weight_m)
    return np.stack([np.bincount(place_m, value_m * weight_m) for value_m in value_km]) / weight_p, weight_p


def rulers_of(chosen: Sequence[str], rejected: Sequence[str]) -> dict[str, np.ndarray]:
    """What rules that read nothing are credited for M pairs of texts, by name: (M,), a tie 0.5.

    longer and shorter count characters, more formatted the marks of Markdown.
    """
    length_m = np.array([len(first) - len(second) for first, second in zip(chosen, rejected, strict=True)], float)
    marks_m = np.array(
        [n_marks(first) - n_marks(second) for first, second in zip(chosen, rejected, strict=True)], float
    )
    margins = {"longer": length_m, "shorter": -length_m, "more formatted": marks_m}
    return {name: pair_accuracy(margin_m) for name, margin_m in margins.items()}


def n_marks(text: str) -> int:
    """How many marks of Markdown a text has: headings, list items, quotes, fences, bold, code, links, table cells."""
    return sum(1 for _ in MARKS.finditer(text))


def _columns(intervals: Sequence[Interval]) -> dict[str, object]:
    """The columns of a table that intervals fill."""
    return {
        "value": np.array([interval.estimate for interval in intervals], dtype=np.float64),
        "low": np.array([interval.low for interval in intervals], dtype=np.float64),
        "high": np.array([interval.high for interval in intervals], dtype=np.float64),
        "level": LEVEL,
        "reason": pd.Series([interval.reason for interval in intervals], dtype=object),
    }
