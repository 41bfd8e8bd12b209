"""Agreement against comparisons counted one by one, and alpha against its definition over all pairable values."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmkit.annotation.crowd_agreement import agreement_with_others, krippendorff_alpha, pairwise_agreement
from rmkit.annotation.judgements import Judgements

ROWS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 3), st.sampled_from([0.0, 0.5, 1.0])), min_size=1, max_size=25
)


def of_rows(rows):
    pair, annotator, label = zip(*rows, strict=True)
    return Judgements(np.array(pair), np.array(annotator), np.array(label))


def figure(estimate, judgements, **options):
    return estimate(judgements, rng=np.random.default_rng(0), n_resamples=10, **options)


@given(rows=ROWS, repeats=st.booleans())
def test_agreement_is_the_share_of_equal_comparisons(rows, repeats):
    same = [
        one[2] == other[2]
        for one, other in itertools.combinations(rows, 2)
        if one[0] == other[0] and (one[1] == other[1]) == repeats
    ]
    found = figure(pairwise_agreement, of_rows(rows), repeats=repeats)
    assert found.estimate == pytest.approx(np.mean(same)) if same else "no pair was judged twice" in found.reason


def alpha_by_definition(rows, mirrored):
    """1 - mean disagreement of values within a unit over mean disagreement of all pairable values."""
    units = {}
    for pair, _, label in rows:
        for side in (0, 1) if mirrored else (0,):
            units.setdefault((pair, side), []).append(1 - label if side else label)
    units = [values for values in units.values() if len(values) > 1]
    values = list(itertools.chain(*units))
    if len(set(values)) < 2:
        return None
    within = sum(
        (one != other) / (len(unit) - 1) for unit in units for one, other in itertools.permutations(unit, 2)
    ) / len(values)
    across = np.mean([one != other for one, other in itertools.permutations(values, 2)])
    return 1 - within / across


@given(rows=ROWS, mirrored=st.booleans())
def test_alpha_is_its_definition(rows, mirrored):
    want, found = alpha_by_definition(rows, mirrored), figure(krippendorff_alpha, of_rows(rows), mirrored=mirrored)
    if want is None:
        assert np.isnan(found.estimate)
        assert found.reason
    else:
        assert found.estimate == pytest.approx(want, abs=1e-12)


def test_alpha_of_a_published_table():
    """Krippendorff 2011, section B: two observers, ten units, binary; alpha is 0.095."""
    one, other = "0100000000", "1110010010"
    rows = [(m, a, float(said[m])) for a, said in enumerate((one, other)) for m in range(10)]
    assert figure(krippendorff_alpha, of_rows(rows)).estimate == pytest.approx(0.095, abs=5e-4)


@given(rows=ROWS)
def test_one_against_the_others_asks_for_a_leading_answer(rows):
    judgements = of_rows(rows)
    found = figure(agreement_with_others, judgements)
    assert len(found) == judgements.n_annotators
    for annotator, interval in enumerate(found):
        same = []
        for pair, who, label in rows:
            others = Counter(row[2] for row in rows if row[0] == pair and row[1] != annotator).most_common(2)
            if who == annotator and others and (len(others) == 1 or others[0][1] > others[1][1]):
                same.append(label == others[0][0])
        assert interval.estimate == pytest.approx(np.mean(same)) if same else np.isnan(interval.estimate)


def test_intervals_are_over_prompts_and_hold_the_estimate():
    rng = np.random.default_rng(3)
    n_pairs = 400
    truth_m = rng.random(n_pairs) < 0.5
    label_ma = (rng.random((n_pairs, 3)) < 0.8) == truth_m[:, None]
    judgements = Judgements(np.repeat(np.arange(n_pairs), 3), np.tile(np.arange(3), n_pairs), label_ma.ravel() * 1.0)
    for estimate in (pairwise_agreement, krippendorff_alpha):
        alone = estimate(judgements, rng=np.random.default_rng(0))
        assert alone.low < alone.estimate < alone.high
        assert alone.units == n_pairs
        by_prompt = estimate(judgements, rng=np.random.default_rng(0), prompt_m=np.arange(n_pairs) // 10)
        assert by_prompt.units == 40
        assert by_prompt.estimate == pytest.approx(alone.estimate)
        few = estimate(judgements, rng=np.random.default_rng(0), prompt_m=np.arange(n_pairs) // 100)
        assert np.isnan(few.low)
        assert "4 prompts are too few" in few.reason
    # pairs of one prompt that are copies of each other say no more than one of them
    copies = Judgements(
        (np.arange(4)[:, None] * n_pairs + judgements.pair_j).ravel(),
        np.tile(judgements.annotator_j, 4),
        np.tile(judgements.label_j, 4),
    )
    wide, narrow = (
        estimate(copies, rng=np.random.default_rng(0), prompt_m=prompt)
        for estimate, prompt in ((pairwise_agreement, np.tile(np.arange(n_pairs), 4)), (pairwise_agreement, None))
    )
    assert 1.8 < (wide.high - wide.low) / (narrow.high - narrow.low) < 2.2
