"""The tables hold what the closed forms say, and mark the largest information of each share of flips."""

import pytest
from scipy.stats import norm

from rmkit.evaluation.sample_size_rows import SIZES, gap_rows, variance_rows
from rmkit.measures.sample_size import COSTS, informative_gap, variance_a_unit


def test_every_unit_and_size_is_a_row():
    rows = variance_rows(0.5)
    assert len(rows) == len(COSTS) * len(SIZES)
    for row in rows.itertuples():
        assert row.value == variance_a_unit(0.5, row.n_responses, row.unit)


def test_the_best_gap_of_each_share_is_the_largest_of_its_rows_and_above_a_random_pair():
    rows = gap_rows(0.5, (0.0, 0.3))
    assert rows.groupby("flip")["best"].sum().tolist() == [1, 1]
    for flip, here in rows.groupby("flip"):
        best = here[here["best"]].iloc[0]
        assert best["value"] == here["value"].max() > best["random"]
        assert best["chance"] == pytest.approx(norm.cdf(informative_gap(flip)))
