"""Result rows of a world: whole, and with a reason where there is no number."""

import numpy as np
import pandas as pd
import pytest

from rmkit.worlds.grammar.summary import summary_rows
from tests.worlds.grammar.banks import K, P, bank


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_result_rows_say_which_surface_feature_was_the_strongest(rng):
    longer = ["word " * int(n) for n in rng.permuted(np.tile(np.arange(1, K + 1), (P, 1)), axis=1).ravel()]
    test = bank(rng, longer, np.array([text.count("word") for text in longer], float))
    rows = summary_rows({"train": bank(rng, longer, rng.normal(size=P * K)), "test": test})
    surface = rows[rows["metric"] == "surface"]
    assert surface["detail"].tolist() in (["words"], ["characters"])
    assert {"fit", "metric", "value", "reason", "units", "part", "category", "scorer"} <= set(rows)
    assert rows[["fit", "metric", "units", "part", "category", "scorer"]].notna().all(axis=None)
    gold = rows[
        (rows["metric"] == "gold_mean")
        & (rows["part"] == "test")
        & (rows["category"] == "all")
        & (rows["scorer"] == "rule")
    ]
    assert gold["value"].tolist() == [pytest.approx((K + 1) / 2)]


def test_a_policy_that_always_says_the_same_has_rows_with_a_reason(rng):
    """As one that collapsed, or at a low temperature: no figure is a number, and none is a silent NaN."""
    same = [["Yes.", "No.", "So."][number % 3] for number in np.arange(P).repeat(K)]
    banks = {part: bank(rng, same, np.arange(P).repeat(K).astype(float)) for part in ("train", "test")}
    rows = summary_rows(banks).set_index("metric")
    for figure in ("surface", "probe", "fidelity"):
        assert pd.isna(rows.loc[figure, "value"])
        assert rows.loc[figure, "reason"]
    assert rows.loc["duplicates", "value"] == pytest.approx(1 - 1 / K)
    assert rows.loc["spread", "value"] == 0
