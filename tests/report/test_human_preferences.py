import numpy as np
import pandas as pd

from rmkit.evaluation.contrasts import paired_differences
from rmkit.evaluation.curves import learning_curves
from rmkit.evaluation.on_pairs import evaluate_pairs
from rmkit.report.human_preferences import cautions, comparisons, contrasts, level_table


def curves_and_evaluations(shift):
    """Two heads on the same 3,000 prompts, the second better by `shift` in every margin, and a baseline."""
    rng = np.random.default_rng(0)
    base_m = rng.normal(0.3, 1, 3000)
    margins = {
        "linear_bt": pd.DataFrame([base_m - 0.2, base_m], index=[100, 1800]),
        "mlp_bt": pd.DataFrame([base_m - 0.2, base_m + shift], index=[100, 1800]),
    }
    _, evaluations = evaluate_pairs(margins, {"shorter": rng.normal(0.05, 1, 3000)}, np.arange(3000))
    return learning_curves([evaluations]), evaluations


def said(shift):
    curves, evaluations = curves_and_evaluations(shift)
    differences = [paired_differences([evaluations], *names) for names in contrasts(curves)]
    return [*comparisons(differences), *cautions(curves)]


def test_each_head_is_held_against_the_first_and_against_the_baseline():
    curves, _ = curves_and_evaluations(0.0)
    assert contrasts(curves) == [("mlp_bt", "linear_bt"), ("linear_bt", "shorter"), ("mlp_bt", "shorter")]


def test_sentences_follow_the_numbers():
    better, worse = said(0.3), said(-0.3)
    (about_better,) = [text for text in better if text.startswith("In accuracy (points) BT MLP is, against linear BT")]
    (about_worse,) = [text for text in worse if text.startswith("In accuracy (points) BT MLP is, against linear BT")]
    assert "ahead with 1,800 (+" in about_better
    assert "behind with 1,800 (−" in about_worse


def test_a_fit_that_knows_nothing_is_named():
    assert not [text for text in said(0.3) if "BT MLP is" in text and "knowing nothing" in text and "1,800" in text]
    assert [text for text in said(-2.0) if "BT MLP is worse than knowing nothing" in text and "1,800" in text]


def test_a_table_has_a_row_for_every_fit_and_a_dash_where_there_is_no_number():
    curves, _ = curves_and_evaluations(0.1)
    table = level_table(curves, pd.Series({"linear_bt-100": 0.05}))
    assert len(table.rows) == 5
    assert len({len(row) for row in table.rows} | {len(table.columns)}) == 1
    assert table.rows[0][-1].text == "0.050"
    assert [cell.text for cell in table.rows[-1]][1:] == ["–", table.rows[-1][2].text, "–", "–", "–", "–"]
