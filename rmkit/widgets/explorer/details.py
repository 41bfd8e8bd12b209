"""One fit in words: all its rows, the parameters of its job, when it was made and where the executed notebook lies.

Takes a row of a tidied table and what the store knows of its job; gives HTML of our own with every value escaped.
"""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from rmkit.widgets.explorer.coded import axes_of
from rmkit.widgets.explorer.columns import ABOUT, FIT, shown
from rmkit.widgets.inert_texts import inline_text
from rmkit.widgets.page import in_voila
from rmkit.widgets.stored import Stored

OPENED = "opened"  # the folder of the store with copies of notebooks that were looked at
TALLEST = 300  # pixels of a card's tables
ROUNDING = 1e-12  # below which a measured number is a zero that was computed in floating point
SHOWN_BESIDE = ("value", "low", "high", "units", "reason")


@dataclass(frozen=True)
class Fit:
    """A fit of a finished job, as a click means it."""

    study: str
    stage: str
    key: str  # of the job
    fit: str
    varied: Mapping[str, Any]  # what told it from the job's other fits: reward_model, annotations, beta, ...


def fit_at(table: pd.DataFrame, study: str, stage: str, row: int) -> Fit:
    """The fit that a row of the stage's table belongs to."""
    own = table.loc[row]
    inner = [name for name in axes_of(table[table["job"] == own["job"]]) if own[name] == own[name]]
    return Fit(study, stage, str(own["job"]), str(own[FIT]), {name: own[name] for name in inner})


def rows_of(table: pd.DataFrame, fit: Fit) -> pd.DataFrame:
    """The rows of a fit: metric, what varies among them, value, and what comes with it."""
    own = table[(table["job"] == fit.key) & (table[FIT] == fit.fit)]
    varying = [name for name in own if name not in ABOUT and own[name].nunique(dropna=False) > 1]
    beside = [name for name in SHOWN_BESIDE if name in own and own[name].notna().any()]
    return own[["metric", *varying, *beside]]


def details(stored: Stored, table: pd.DataFrame, fit: Fit, row: int | None = None) -> str:
    """The fit's rows, the clicked one marked, beside its job, as HTML."""
    measured = f'<div class="rmkit-scroll" style="max-height:{TALLEST}px">{table_html(rows_of(table, fit), row)}</div>'
    parts = f"<div>{measured}</div><div>{job(stored, fit)}</div>"
    return f'<div class="rmkit-columns">{parts}</div>'


def title(fit: Fit) -> str:
    """The fit's name."""
    return f'<div class="rmkit-title">{inline_text(fit.fit)}</div>'


def job(stored: Stored, fit: Fit) -> str:
    """The job of a fit: parameters, times, key, the path of its notebook."""
    planned = stored.finished(fit.study, fit.stage).get(fit.key)
    made = [("key", f"<code>{inline_text(fit.key)}</code>"), ("made", inline_text(when(stored, fit.key)))]
    given = [] if planned is None else [(name, value_html(value)) for name, value in planned.parameters.items()]
    path = f"<code>{inline_text(stored.project.shown(notebook_of(stored, fit.key)))}</code>"
    lines = "".join(f"<tr><td>{inline_text(name)}</td><td>{html}</td></tr>" for name, html in [*made, *given])
    scroll = f'<div class="rmkit-scroll" style="max-height:{TALLEST - 40}px">'
    table = f'{scroll}<table class="rmkit-table">{lines}</table></div>'
    return f'{table}<div class="rmkit-note">executed notebook: {path}</div>'


def when(stored: Stored, key: str) -> str:
    """When a job was started and how long it took."""
    manifest = stored.store.manifest(key)
    started = time.strftime("%Y-%m-%d %H:%M", time.localtime(manifest.get("started", 0)))
    seconds = stored.seconds(key)
    return f"{started}, {seconds:.0f} s" if seconds is not None else started


def notebook_of(stored: Stored, key: str) -> Path:
    return stored.folder(key) / "notebook.ipynb"


def link(stored: Stored, fit: Fit) -> str:
    """A link to a copy of the executed notebook, relative to the folder that this kernel works in.

    JupyterLab opens such a link in a tab, and soon saves what it has opened: the store's own file would then no longer
    have the checksum that it was stored with. Voilà, which opens no other notebook, has no link: the path is shown.
    """
    if in_voila():
        return ""
    copy = stored.store.root / OPENED / f"{fit.key}.ipynb"
    if not copy.is_relative_to(stored.project.root):  # RMKIT_STORE: JupyterLab opens nothing outside its folder
        return ""
    try:
        if not copy.exists():
            copy.parent.mkdir(exist_ok=True)
            shutil.copyfile(notebook_of(stored, fit.key), copy)
    except OSError:
        return ""  # a store that cannot be written to, or a job that was removed: the path is shown all the same
    return f'<a href="{quote(Path(os.path.relpath(copy)).as_posix())}">open a copy of the executed notebook</a>'


def table_html(rows: pd.DataFrame, picked: int | None = None) -> str:
    """A small table, every cell escaped, numbers to the right. picked: the row, by its index, that is marked."""
    head = "".join(f"<th{number_class(rows[name])}>{inline_text(name.replace('_', ' '))}</th>" for name in rows)
    body = "".join(
        f"<tr{row_class(at == picked)}>"
        + "".join(f"<td{number_class(rows[name])}>{value_html(row[name], name)}</td>" for name in rows)
        + "</tr>"
        for at, row in zip(rows.index, rows.to_dict("records"), strict=True)
    )
    return f'<table class="rmkit-table"><tr>{head}</tr>{body}</table>'


def row_class(picked: bool) -> str:
    return ' class="rmkit-pick"' if picked else ""


def number_class(column: pd.Series) -> str:
    return ' class="rmkit-number"' if pd.api.types.is_numeric_dtype(column) else ""


def number_text(value: float) -> str:
    """A measured number to four digits, with a true minus; what rounding leaves of a zero is one."""
    return f"{0.0 if abs(value) < ROUNDING else value:#.4g}".rstrip(".").replace("-", "−")


def value_html(value: Any, name: str | None = None) -> str:
    """A value as a table shows it: measured numbers to four digits, lists in full."""
    if isinstance(value, list):
        return inline_text(", ".join(shown(name, item) for item in value))
    if name == "metric":
        return inline_text(str(value).replace("_", " "))
    if isinstance(value, float) and name in ("value", "mean", "low", "high") and value == value:
        return inline_text(number_text(value))
    return inline_text(shown(name, value))
