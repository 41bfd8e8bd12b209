"""What result rows are: the columns that they must have, and what keeps a table from being result rows.

Knows tables; stores nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


REQUIRED = ("fit", "metric", "value", "reason", "units")
ADDED = ("job", "stage", "study")  # columns that rows get when they are recorded or collated


def wrong_with(rows: "pd.DataFrame") -> str | None:
    """What keeps rows from being result rows, as a sentence with the first offending row, or None."""
    if missing := [column for column in REQUIRED if column not in rows]:
        return f"result rows lack {', '.join(missing)}; they have {', '.join(rows)}"
    if added := [column for column in rows if column in ADDED or str(column).startswith("param_")]:
        return f"result rows have a column {added[0]}, which is added when they are recorded; name it otherwise"
    if rows.empty:
        return "there are no result rows to record"
    absent = rows["value"].isna()
    identity = [column for column in rows if column not in ("value", "reason", "units")]
    problems = {
        "values are missing without a reason": absent & rows["reason"].isna(),
        "values have a reason to be missing and are not": ~absent & rows["reason"].notna(),
        "values are infinite": rows["value"].abs() == float("inf"),
        "rows lack a fit, a metric or units": rows[["fit", "metric", "units"]].isna().any(axis=1),
        "rows stand twice (add the column that tells them apart)": rows.duplicated(identity),
    }
    for problem, bad in problems.items():
        if bad.any():
            return f"{bad.sum()} of {len(rows)} {problem}, first {rows[bad].iloc[0].to_dict()}"
    return None
