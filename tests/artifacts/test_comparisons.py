import numpy as np
import pandas as pd
import pytest

from rmkit.artifacts.comparisons import Comparisons
from rmkit.errors import DataError


def table(first=(0, 2, 4), second=(1, 3, 0), label=(1, 0, 1)):
    columns = {"first": np.array(first, np.int64), "second": np.array(second, np.int64)}
    return pd.DataFrame(columns | {"label": np.array(label, np.int8), "line": range(7, 7 + len(first))})


def test_chosen_is_first_where_the_label_is_1_and_second_where_it_is_0():
    comparisons = Comparisons(table())
    assert len(comparisons) == 3
    assert list(comparisons.chosen_m) == [0, 3, 4]
    assert list(comparisons.rejected_m) == [1, 2, 0]


def test_saved_comparisons_come_back_the_same_and_two_saves_are_equal_bytes(tmp_path):
    comparisons = Comparisons(table())
    for name in ("one", "two"):
        comparisons.save(tmp_path / name)
    pd.testing.assert_frame_equal(Comparisons.load(tmp_path / "one").table, comparisons.table)
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (table(label=(1, 0, 2)), r"comparisons, row 2: label 2 is neither 1 \(first preferred\) nor 0"),
        (table(second=(1, 2, 0)), "comparisons, row 1: compares response 2 with itself; a pair has two"),
        (table(first=(0, -2, 4)), "comparisons, row 1: first is -2; positions into the responses count from 0"),
        (table().drop(columns="label"), "comparisons: lack the column label; they have first, second, line"),
        (table().astype({"second": "int32"}), "comparisons: second is int32; make it int64"),
        (table().astype({"label": bool}), "comparisons: label is bool; make it int8"),
    ],
)
def test_a_wrong_row_is_named(wrong, said):
    with pytest.raises(DataError, match=f"^{said}"):
        Comparisons(wrong)


def test_prompts_of_pairs_come_from_the_bank_and_a_foreign_bank_is_noticed():
    comparisons = Comparisons(table())
    assert comparisons.prompts(np.array([5, 5, 6, 6, 8])).tolist() == [[5, 5], [6, 6], [8, 5]]
    with pytest.raises(DataError, match="comparisons, row 2: points at response 4, but the bank has 4; is it the bank"):
        comparisons.prompts(np.array([5, 5, 6, 6]))


def test_a_folder_without_comparisons_or_of_another_format_says_so(tmp_path):
    with pytest.raises(DataError, match=r"holds no comparisons.json; it must be a folder that Comparisons.save wrote"):
        Comparisons.load(tmp_path)
    (tmp_path / "comparisons.json").write_text('{"format": 3}', encoding="utf-8")
    with pytest.raises(DataError, match=r"comparisons.json: is of format 3; this rmkit reads format 1"):
        Comparisons.load(tmp_path)


def test_a_weight_is_an_optional_column_that_is_checked(tmp_path):
    assert Comparisons(table()).weight_m is None
    weighted = table().assign(weight=[0.5, 1.0, 1 / 3])
    Comparisons(weighted).save(tmp_path)
    assert Comparisons.load(tmp_path).weight_m.tolist() == [0.5, 1, 1 / 3]
    with pytest.raises(DataError, match="comparisons: weight is int64; make it float64"):
        Comparisons(table().assign(weight=1))
    for wrong in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(DataError, match=r"comparisons, row 1: weight is .*; it must be a number above 0"):
            Comparisons(table().assign(weight=[1, wrong, 1]))
