"""Two fits side by side: what they were made with, what differs first, and every metric of both with the difference.

Takes rows of tidied tables and parameters of jobs; gives HTML of our own with every value escaped. The fit that is kept
is A, the one that is clicked is B; a difference is B minus A.
"""

import html
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rmkit.widgets.explorer.columns import ABOUT, NOTHING, shown
from rmkit.widgets.explorer.details import TALLEST, Fit, row_class, rows_of, value_html
from rmkit.widgets.explorer.line_looks import CHOSEN_COLOR, KEPT_COLOR
from rmkit.widgets.inert_texts import inline_text, label_text
from rmkit.widgets.stored import Stored

ALL_COLUMNS = "flex:1 1 350px"  # so wide that the difference, the last column, is in view
A, B = '<span class="rmkit-letter rmkit-a">A</span>', '<span class="rmkit-letter rmkit-b">B</span>'
STYLE = f"""<style>
.rmkit .rmkit-letter {{ display: inline-block; width: 17px; height: 17px; line-height: 17px; border-radius: 50%;
  text-align: center; font-size: 11px; font-weight: 700; color: white; }}
.rmkit .rmkit-a {{ background: {KEPT_COLOR}; }}
.rmkit .rmkit-b {{ background: {CHOSEN_COLOR}; }}
.rmkit .rmkit-why {{ border-bottom: 1px dotted var(--soft); cursor: help; }}
.rmkit .rmkit-named {{ line-height: 1.45; padding: 2px 0; }}
.rmkit details > summary {{ cursor: pointer; font-size: 12px; color: var(--soft); padding: 4px 8px; }}
</style>"""


@dataclass(frozen=True, eq=False)
class Side:
    """One of two fits that are compared."""

    fit: Fit
    rows: pd.DataFrame  # metric, value, reason, and whatever varies among the fit's rows
    parameters: Mapping[str, Any]  # of its job, and what told it from the job's other fits


def side_of(stored: Stored, table: pd.DataFrame, fit: Fit) -> Side:
    """A fit with its rows and all that it was made with. table: its stage's, tidied."""
    planned = stored.finished(fit.study, fit.stage).get(fit.key)
    rows = rows_of(table, fit)
    own = {name: value for name, value in fit.varied.items() if name not in rows}  # n of a row is nothing of its fit
    given = {} if planned is None else {name: value for name, value in planned.parameters.items() if name not in own}
    return Side(fit, rows, {"study": fit.study, "stage": fit.stage, **own, **given})


def compared_rows(a: Side, b: Side) -> pd.DataFrame:
    """A row for every metric of either fit and whatever varies within one: a, b, b - a as `difference`, both reasons.

    A value that one fit does not have is NaN there. Metrics come in the order of A, those of B alone after them.
    """
    varying = [name for name in dict.fromkeys([*a.rows, *b.rows]) if name not in ABOUT]
    names = ["metric", *varying]
    left, right = (_keyed(side.rows, names, end) for side, end in ((a, "a"), (b, "b")))
    both = left.join(right, how="outer", sort=False)
    place = {key: position for position, key in enumerate(dict.fromkeys([*left.index, *right.index]))}
    both = both.loc[sorted(both.index, key=place.__getitem__)].reset_index()
    return both.drop(columns="repeat").assign(difference=both["b"] - both["a"])


def compared_parameters(a: Side, b: Side) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The parameters in which two fits differ, and those that are the same: parameter, a, b, as they are shown."""
    names = list(dict.fromkeys([*b.parameters, *a.parameters]))
    lines = [(name, _told(name, a.parameters), _told(name, b.parameters)) for name in names]
    table = pd.DataFrame(lines, columns=["parameter", "a", "b"])
    differ = table["a"] != table["b"]
    return table[differ], table[~differ]


def comparison_html(a: Side, b: Side, row: int | None = None) -> str:
    """Both fits: the parameters that differ, the others folded, and their metrics beside each other.

    row: of those of b, the one that was clicked.
    """
    differ, same = compared_parameters(a, b)
    head = f"<tr><th>parameter</th><th>{A}</th><th>{B}</th></tr>"
    first = "".join(
        f"<tr><td>{inline_text(name)}</td><td>{inline_text(own)}</td><td>{inline_text(other)}</td></tr>"
        for name, own, other in differ.itertuples(index=False)
    )
    rest = "".join(
        f"<tr><td>{inline_text(name)}</td><td>{inline_text(own)}</td></tr>"
        for name, own, _ in same.itertuples(index=False)
    )
    none = '<div class="rmkit-note">No parameter differs.</div>'
    made = f'<table class="rmkit-table">{head}{first}</table>' if first else none
    folded = (
        f'<details><summary>{len(same)} that are the same</summary><table class="rmkit-table">{rest}</table></details>'
    )
    parameters = f'<div class="rmkit-scroll" style="max-height:{TALLEST}px">{made}{folded if rest else ""}</div>'
    clicked = b.rows.loc[row] if row in b.rows.index else None
    measured = (
        f'<div class="rmkit-scroll" style="max-height:{TALLEST}px">{_rows_html(compared_rows(a, b), clicked)}</div>'
    )
    return f'<div class="rmkit-columns"><div style="{ALL_COLUMNS}">{measured}</div><div>{parameters}</div></div>'


def difference_text(a: float, b: float) -> str:
    """b - a with its sign, to the digits that the larger of both is written with."""
    if not (math.isfinite(a) and math.isfinite(b)):
        return NOTHING
    largest = max(abs(a), abs(b))
    digits = min(max(3 - math.floor(math.log10(largest)), 0), 9) if largest else 0
    text = f"{b - a:+.{digits}f}"
    return text.replace("-", "−") if float(text) else "0"


def name_html(letter: str, fit: Fit, stored: Stored) -> str:
    """A fit's letter and name, and the job that it is of, which fits of one name are told apart by."""
    planned = stored.finished(fit.study, fit.stage).get(fit.key)
    job = inline_text(str(planned) if planned else fit.key)
    named = f'{letter} <span class="rmkit-title">{inline_text(fit.fit)}</span> <span class="rmkit-note">{job}</span>'
    return f'<div class="rmkit-named">{named}</div>'


def _keyed(rows: pd.DataFrame, names: list[str], end: str) -> pd.DataFrame:
    """Value and reason of each row under what names it, as it is shown; rows of one name are numbered."""
    keys = pd.DataFrame({name: _shown_column(rows, name) for name in names}, index=rows.index)
    keys["repeat"] = keys.groupby(names, dropna=False).cumcount()
    reason = rows["reason"] if "reason" in rows else pd.Series(None, index=rows.index, dtype=object)
    values = {end: rows["value"].astype(float), f"reason_{end}": reason.astype(object)}
    return keys.assign(**values).set_index([*names, "repeat"])


def _shown_column(rows: pd.DataFrame, name: str) -> list[str]:
    return [shown(name, value) for value in rows[name]] if name in rows else [NOTHING] * len(rows)


def _told(name: str, parameters: Mapping[str, Any]) -> str:
    """A parameter as it is shown; a sign where there is none of this name."""
    if name not in parameters:
        return NOTHING
    value = parameters[name]
    return ", ".join(shown(name, item) for item in value) if isinstance(value, list | tuple) else shown(name, value)


def _rows_html(table: pd.DataFrame, clicked: pd.Series | None) -> str:
    """The metrics of both, numbers to the right; a missing value says why where it is pointed at."""
    names = [name for name in table if name not in ("a", "b", "difference", "reason_a", "reason_b")]
    named, names = names, [name for name in names if name == "metric" or (table[name] != NOTHING).any()]
    heads = "".join(f"<th>{inline_text(name.replace('_', ' '))}</th>" for name in names)
    number = '<th class="rmkit-number">'
    head = f"<tr>{heads}{number}{A}</th>{number}{B}</th>{number}B − A</th></tr>"
    lines = []
    for row in table.to_dict("records"):
        cells = "".join(
            f"<td>{inline_text(row[name].replace('_', ' ') if name == 'metric' else row[name])}</td>" for name in names
        )
        cells += "".join(f'<td class="rmkit-number">{_value_cell(row, end)}</td>' for end in ("a", "b"))
        picked = clicked is not None and all(
            name not in clicked or row[name] == shown(name, clicked[name]) for name in named
        )
        difference = inline_text(difference_text(row["a"], row["b"]))
        lines.append(f'<tr{row_class(picked)}>{cells}<td class="rmkit-number">{difference}</td></tr>')
    return f'<table class="rmkit-table">{head}{"".join(lines)}</table>'


def _value_cell(row: Mapping[str, Any], end: str) -> str:
    """A value, or a dash; the reason why there is none is read where the dash is pointed at."""
    reason = row[f"reason_{end}"]
    if row[end] == row[end] or not isinstance(reason, str):
        return value_html(row[end], "value")
    said = html.escape(label_text(reason, 400), quote=True)
    return f'<span class="rmkit-why" tabindex="0" title="{said}">{NOTHING}</span>'
