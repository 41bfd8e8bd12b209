"""The published scores are those that were published, and what is computed over them is what scipy computes."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, pearsonr, spearmanr

from rmkit.errors import DataError
from rmkit.evaluation.published_scores import (
    BENCHMARKS,
    FILE,
    SCORE,
    fisher_interval,
    fisher_rows,
    leave_one_out,
    one_bad_model,
    random_subsets,
    read_published_scores,
    without_each,
)
from rmkit.intervals.correlations import CORRELATIONS
from tests.small_project import REPOSITORY

SCIPY = {"pearson": pearsonr, "spearman": spearmanr, "kendall": kendalltau}
STATISTIC = pytest.mark.parametrize("statistic", SCIPY)


@pytest.fixture(scope="module")
def published():
    return read_published_scores(REPOSITORY / FILE)


def test_as_many_models_as_were_published_and_their_correlation(published):
    assert {name: len(published.tables[name]) for name in BENCHMARKS} == {"v1": 179, "v2": 197}
    both = published.both()
    assert len(both) == 45
    assert spearmanr(both["v1"], both["v2"])[0] == pytest.approx(0.896, abs=5e-4)
    assert both["v1"].is_monotonic_increasing


def test_scores_are_shares_and_totals_are_there(published):
    for table in published.tables.values():
        values = table.to_numpy()
        assert np.nanmin(values) >= 0
        assert np.nanmax(values) <= 1
        assert table[SCORE].notna().all()
        assert table.index.is_unique
    assert published.tables["v2"]["Ties"].isna().sum() == 6  # not scored there
    assert {"repository", "revision", "licence", "sha256"} <= set(published.source)


def test_the_total_of_the_second_benchmark_is_the_mean_of_its_sections(published):
    """Each is printed to four places; what was not scored counted as -0.01 there."""
    table = published.tables["v2"]
    sections = table.drop(columns=SCORE).fillna(-0.01)
    assert np.abs(sections.mean(axis=1) - table[SCORE]).max() < 2e-4


@STATISTIC
def test_correlations_without_each_model_are_scipys(published, statistic):
    both = published.both().iloc[:9]
    whole, without = without_each(both["v1"], both["v2"], statistic)
    assert whole == pytest.approx(SCIPY[statistic](both["v1"], both["v2"])[0])
    expected = [
        SCIPY[statistic](np.delete(both["v1"].to_numpy(), m), np.delete(both["v2"].to_numpy(), m))[0] for m in range(9)
    ]
    np.testing.assert_allclose(without, expected)


@STATISTIC
def test_subsets_of_all_models_are_the_whole_and_of_fewer_are_about_it(published, statistic):
    both = published.both()
    whole = SCIPY[statistic](both["v1"], both["v2"])[0]
    all_of_them = random_subsets(both["v1"], both["v2"], statistic, n_models=45, draws=3, rng=np.random.default_rng(0))
    np.testing.assert_allclose(all_of_them, whole)
    tens = random_subsets(both["v1"], both["v2"], statistic, n_models=10, draws=5000, rng=np.random.default_rng(0))
    assert tens.shape == (5000,)
    assert np.ptp(tens) > 0.3
    assert np.median(tens) == pytest.approx(whole, abs=0.05)


def test_tables_hold_what_the_functions_say_and_one_bad_model_makes_a_pearson(published):
    both = published.both()
    rows = leave_one_out(both)
    for statistic in ("pearson", "spearman"):
        whole, without = without_each(both["v1"], both["v2"], statistic)
        here = rows[rows["statistic"] == statistic]
        np.testing.assert_array_equal(here["value"], without)
        assert set(here["whole"]) == {whole}
    best = one_bad_model(both, [10]).set_index("statistic")
    top = both.iloc[-10:]
    with_worst = pd.concat([top, both.iloc[:1]])
    for statistic in ("pearson", "spearman"):
        assert best.loc[statistic, "value"] == pytest.approx(SCIPY[statistic](top["v1"], top["v2"])[0])
        expected = SCIPY[statistic](with_worst["v1"], with_worst["v2"])[0]
        assert best.loc[statistic, "with_worst"] == pytest.approx(expected)
    assert best.loc["pearson", "with_worst"] > 0.95
    with pytest.raises(DataError, match="the 45 best of 45 models: take 5 to 44"):
        one_bad_model(both, [45])
    fisher = fisher_rows(both, 10, ["spearman"]).iloc[0]
    assert (fisher["low"], fisher["high"]) == fisher_interval(fisher["whole"], 10, "spearman")


@pytest.mark.parametrize(("statistic", "rho"), [("pearson", 0.6), ("spearman", 0.6), ("kendall", 0.45)])
def test_the_interval_covers_what_it_promises_for_ten_normal_models(statistic, rho):
    """Of bivariate normal scores; ten of them are few, so within three points."""
    rng, normal_rho = np.random.default_rng(1), {"kendall": np.sin(np.pi * rho / 2)}.get(statistic, rho)
    if statistic == "spearman":
        normal_rho = 2 * np.sin(np.pi * rho / 6)
    first = rng.normal(size=(4000, 10))
    second = normal_rho * first + np.sqrt(1 - normal_rho**2) * rng.normal(size=first.shape)
    found = CORRELATIONS[statistic](first, second)
    limits = [fisher_interval(float(one), 10, statistic) for one in found if abs(one) < 1]
    covered = [low <= rho <= high for low, high in limits]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)


def test_the_interval_of_ten_models_is_the_one_that_is_quoted():
    assert fisher_interval(0.753, 10, "spearman") == pytest.approx((0.14, 0.95), abs=0.01)
    assert fisher_interval(0.656, 10, "kendall") == pytest.approx((0.25, 0.87), abs=0.01)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: without_each([1, 2, 3, 4], [1, 2, 3, 4], "pearson"), "of 5 models or more"),
        (lambda: without_each([1, 2, 3, 4, 5], [1, 2, 3, 4, np.nan], "pearson"), "some are not finite"),
        (lambda: without_each([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], "tau"), "'tau' is not one of"),
        (
            lambda: random_subsets(range(9), range(9), "pearson", n_models=10, draws=1, rng=np.random.default_rng(0)),
            "1 draws of 10 models",
        ),
        (lambda: fisher_interval(0.5, 3, "pearson"), "takes 4 models"),
        (lambda: fisher_interval(0.5, 4, "kendall"), "takes 5 models"),
        (lambda: fisher_interval(1.0, 10, "pearson"), "between -1 and 1"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(call, said):
    with pytest.raises(DataError, match=said):
        call()


def test_a_file_that_is_amiss_is_one_sentence(tmp_path):
    path = tmp_path / "scores.json"
    with pytest.raises(DataError, match="cannot be read"):
        read_published_scores(path)
    for content, said in (
        ("[]", "is no file of published scores"),
        ('{"format": 2}', "is of format 2"),
        ('{"format": 1}', "is no file of published scores"),
        (
            json.dumps(
                {"format": 1, "source": {}}
                | {name: {"sections": ["Score"], "models": {"a": [7]}} for name in BENCHMARKS}
            ),
            "v1 has a score outside 0 to 1",
        ),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(DataError, match=said):
            read_published_scores(path)
