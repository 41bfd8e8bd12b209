"""How much reward models mind other words, as rows: by the measures' own definition, with intervals over prompts."""

import numpy as np
import pandas as pd
import pytest

from rmkit.errors import DataError
from rmkit.evaluation.rewording_rows import rewording_rows
from rmkit.measures.rewording import rank_flips, score_change
from rmkit.study.notebook_side.result_rows import wrong_with

RNG = np.random.default_rng(0)
FITS = pd.DataFrame({"fit": ["deaf", "mild", "wild"], "reward_model": "linear_bt", "position": range(3)})
FIRST_FPK = RNG.normal(size=(3, 30, 5))
SCORE_FVPK = np.stack([FIRST_FPK, FIRST_FPK + np.array([0, 0.3, 3])[:, None, None] * RNG.normal(size=(3, 30, 5))], 1)


def rows(score_fvpk=SCORE_FVPK):
    return rewording_rows(FITS, score_fvpk, rng=np.random.default_rng(0))


def test_values_are_the_means_of_the_measures():
    found = rows().set_index(["metric", "fit"])["value"]
    for name, measure in (("score_change", score_change), ("rank_flips", rank_flips)):
        wanted_f = measure(SCORE_FVPK[:, 0], SCORE_FVPK[:, 1]).mean(axis=1)
        np.testing.assert_allclose(found[name].to_numpy(), wanted_f)
    assert found["rank_flips", "deaf"] == 0
    assert found["rank_flips", "mild"] < found["rank_flips", "wild"]


def test_rows_can_be_recorded_and_have_intervals_but_for_what_never_varies():
    table = rows()
    assert wrong_with(table) is None
    varies = table["fit"] != "deaf"
    assert (table.loc[varies, "low"] < table.loc[varies, "value"]).all()
    assert table.loc[~varies, "low"].isna().all()
    assert (table.loc[~varies, "no_interval"] != "").all()


def test_a_prompt_without_any_order_is_left_out_of_all_means():
    tied = SCORE_FVPK.copy()
    tied[1, :, 4] = 0.0
    assert (rows(tied)["units"] == 29).all()
    reason = rows(np.zeros_like(SCORE_FVPK))["reason"]
    assert (reason == "no prompt has different scores by every reward model").all()


def test_one_wording_is_refused():
    with pytest.raises(DataError, match=r"they must be \(fits, wordings, prompts, K\)"):
        rows(SCORE_FVPK[:, :1])
