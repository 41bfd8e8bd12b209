"""`rmkit results --select`: rows by any of their columns; what a file has of the columns' names and types."""

import errno

import numpy as np
import pandas as pd
import pytest

from rmkit.commands.plain_tables import write_table
from rmkit.commands.row_selection import selected_rows, with_own_names, with_whole_numbers
from rmkit.commands.selection import selected
from rmkit.errors import ParamsError, StoreError
from rmkit.study.planning.plan import schema_of
from rmkit.study.planning.planned_job import PlannedJob
from rmkit.study.planning.project import find_project

ROWS = pd.DataFrame(
    {
        "seed": [5, 6, 7, 5, 6, 7],
        "beta": [0.5, 1.0, 3.0, np.inf, np.nan, np.nan],
        "n": [1.0, 32.0, np.nan, 2.0, 32.0, 1.0],
        "policy": ["best_of_2", "kl_1", "", None, "none", "kl_0.5"],
        "betas": ["[0.5,1.0,3.0,null]"] * 6,
        "rate": pd.Series([None, 2000, 0.1, None, None, 1e-5], dtype=object),
        "in_study": [True, True, True, False, False, False],
    }
)


@pytest.mark.parametrize(
    ("select", "kept"),
    [
        ("seed=7", [2, 5]),
        ("seed=5..6", [0, 1, 3, 4]),
        ("beta=0.5..2", [0, 1]),
        ("beta=null", [3]),
        ("beta=no noise", [3]),
        ("beta=.inf", [3]),
        ("beta=[.inf, 0.5]", [0, 3]),
        ("beta=[null, 0.5]", [0, 3]),
        ("n=[1, 32]", [0, 1, 4, 5]),
        ("n=null", [2]),
        ("policy=kl_1", [1]),
        ("policy=[kl_1, best_of_2]", [0, 1]),
        ("betas=[0.5, 1.0, 3.0, null]", [0, 1, 2, 3, 4, 5]),
        ("rate=2000", [1]),
        ("rate=0..1", [2, 5]),
        ("in_study=false", [3, 4, 5]),
    ],
)
def test_rows_are_selected_by_any_column(select, kept):
    assert selected_rows(ROWS, [select]).index.tolist() == kept


def test_several_selections_hold_together():
    assert selected_rows(ROWS, ["seed=5..6", "n=32"]).index.tolist() == [1, 4]


@pytest.mark.parametrize(
    ("select", "said"),
    [
        (["polcy=x"], "--select polcy=x: the rows have no column polcy; the nearest are policy, "),
        (["beta=2"], "--select beta=2: no row has it; beta is 0.5, 1, 3, no noise$"),
        (["beta=.nan"], "--select beta=.nan: no row has it; beta is 0.5, 1, 3, no noise$"),
        (["beta=3", "n=1"], "--select n=1: no row has it; n is given for none$"),
        (["beta=2..1"], "--select beta=2..1: '2..1' is not a range; write first..last, as 5..24 or 0.5..2$"),
        (["policy=1..2"], "--select policy=1..2: no row has it; policy is best_of_2, kl_1, "),
        (["seed"], "--select seed: write COLUMN=VALUE$"),
        (["n=[]"], r"--select n=\[\]: holds no value; give at least one$"),
    ],
)
def test_what_selects_nothing_is_one_line(select, said):
    with pytest.raises(ParamsError, match=f"^{said}"):
        selected_rows(ROWS, select)


def test_a_range_selects_jobs_by_what_lies_between_its_ends():
    jobs = [PlannedJob("05_active_labeling", {"beta": beta}, {}, {}, str(beta)) for beta in (0.5, 1.0, 3.0)]
    found = selected(find_project(), jobs, select=["beta=0.5..2"])
    assert [job.parameters["beta"] for job in found] == [0.5, 1.0]


def test_a_parameter_has_its_own_name_unless_rows_have_a_column_of_it():
    rows = pd.DataFrame({"annotations": [100], "param_annotations": ["[100]"], "param_seed": [7]})
    assert [*with_own_names(rows)] == ["annotations", "param_annotations", "seed"]


def test_whole_numbers_are_whole_and_what_is_measured_or_declared_a_float_is_not(tmp_path):
    rows = pd.DataFrame(
        {
            "n": [1.0, 32.0, np.nan],
            "seed": [1, 2, 3],
            "beta": [1.0, 3.0, 3.0],  # of `betas`, a list of floats
            "validation_share": [1.0, 1.0, 1.0],
            "nats": [0.25, 1.0, np.nan],
            "value": [1.0, 2.0, 3.0],
            "low": [1.0, np.nan, 3.0],
            "absent": [np.nan] * 3,
        }
    )
    made = with_whole_numbers(rows, schema_of(find_project(), "04_reward_models"))
    assert {name: str(kind) for name, kind in made.dtypes.items() if kind != rows.dtypes[name]} == {"n": "Int64"}
    assert made.drop(columns=["value", "low"]).to_csv(index=False).splitlines()[1].startswith("1,1,1.0,1.0,0.25")
    made.to_parquet(tmp_path / "rows.parquet")
    assert pd.read_parquet(tmp_path / "rows.parquet")["n"].dropna().tolist() == [1, 32]


def test_results_heeds_select_and_metric_on_the_screen_and_in_a_file(finished):
    assert finished.rmkit("results", "01", "small", "--select", "seed=1", "--out", "rows.csv").stdout == (
        "rows.csv: 2 of 4 rows\n"
    )
    rows = pd.read_csv(finished.root / "rows.csv")
    assert (rows["seed"].tolist(), [name for name in rows if name.startswith("param_")]) == ([1, 1], [])
    shown = finished.rmkit("results", "01", "small", "--select", "fit=p2.0").stdout.splitlines()
    assert shown[0] == "01_sums of params/small.yaml: 2 of 4 rows, 1 metric"
    assert [line.split()[0] for line in shown[2:4]] == ["fit", "p2.0"]
    for options, said in (
        (("--metric", "sums"), "--metric: 'sums' is not one of sum; did you mean 'sum'?"),
        (("--select", "sed=1"), "--select sed=1: the rows have no column sed; the nearest are seed, "),
    ):
        for out in ((), ("--out", "none.csv")):
            ended = finished.rmkit("results", "01", "small", *options, *out)
            assert (ended.returncode, ended.stderr.startswith(said)) == (2, True), ended.stderr
    assert not (finished.root / "none.csv").exists()


def test_a_metric_alone_goes_into_a_file(stored_metrics, tmp_path):
    out = tmp_path / "rows.csv"
    ended = stored_metrics.rmkit("results", "01", "small", "--metric", "sum", "--out", str(out))
    assert ended.stdout == f"{out}: 4 of 8 rows\n"
    assert set(pd.read_csv(out)["metric"]) == {"sum"}


def test_a_file_that_cannot_be_written_whole_is_left_as_it_was(tmp_path, monkeypatch):
    out, link = tmp_path / "rows.csv", tmp_path / "link.csv"
    link.symlink_to(out.name)
    write_table(ROWS, link)
    before = out.read_bytes()
    assert (len(pd.read_csv(out)), link.is_symlink()) == (6, True)

    def full(self, path, **_):
        path.write_text("half", encoding="utf-8")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(StoreError, match="free some space"):
        write_table(ROWS, link)
    assert out.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["link.csv", "rows.csv"]


@pytest.fixture
def stored_metrics(small):
    """A finished small study whose sums have a second metric."""
    small.edit(
        "notebooks/01_sums.ipynb",
        "job.record(rows)",
        "job.record(pd.concat([rows, rows.assign(metric='other')]))",
    )
    assert small.run().returncode == 0
    return small
