from rmkit.evaluation.on_pairs import NO_PROBABILITY
from tests.evaluation.seeds import evaluation


def test_rows_hold_every_fit_and_metric_and_say_why_a_value_is_missing():
    rows, _ = evaluation(0)
    assert len(rows) == 5 * 5
    assert rows[["fit", "metric"]].duplicated().sum() == 0
    missing = rows[rows["value"].isna()]
    assert set(missing["reward_model"]) == {"coin"}
    assert (missing["reason"] == NO_PROBABILITY).all()
    assert rows[rows["value"].notna()]["reason"].isna().all()
    assert (rows["units"] == 400).all()
