"""What is seen, as files: rows as CSV or Parquet, the picture as PNG or SVG, under `runs/exports/`.

A file's name tells study, stage, metric and x, and ends in a digest of the view: the same view gives the same name. A
picture holds its view, so that it can be found again. Knows rows, figures and files; no widget but HTML for links.
"""

import base64
import hashlib
import io
import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pandas as pd
from matplotlib.figure import Figure

from rmkit.machine.quantities import size_text
from rmkit.widgets.explorer.saved_views import not_written
from rmkit.widgets.explorer.selection import Selection
from rmkit.widgets.inert_texts import inline_text
from rmkit.widgets.page import in_voila

EXPORTS = "exports"  # the folder of the store
EMBEDDED = 4_000_000  # bytes of a file that a page may hold itself, for where it cannot reach the folder
SHARP = 200  # dots an inch of an exported PNG
LONGEST_PART = 40  # characters of a part of a name
TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet", "png": "image/png", "svg": "image/svg+xml"}


def csv_of(rows: pd.DataFrame) -> bytes:
    """All columns of the rows, in UTF-8; a missing value is empty."""
    return rows.to_csv(index=False).encode("utf-8")


def parquet_of(rows: pd.DataFrame) -> bytes:
    """All columns of the rows."""
    stream = io.BytesIO()
    rows.to_parquet(stream, index=False)
    return stream.getvalue()


def picture_of(figure: Figure, kind: str, view: str) -> bytes:
    """The figure as it is now. kind: png or svg. view: is written into the file."""
    stream = io.BytesIO()
    about: Mapping[str, str | None] = {"Title": "rmkit", "Description": view}
    figure.savefig(stream, format=kind, dpi=SHARP, metadata={**about, **({"Date": None} if kind == "svg" else {})})
    return stream.getvalue()


ROWS: Mapping[str, Callable[[pd.DataFrame], bytes]] = {"csv": csv_of, "parquet": parquet_of}


def export_name(selection: Selection, view: str, kind: str) -> str:
    """tiny-04_reward_models-best_of_n-by-annotations-1f0c33a2.csv"""
    parts = [selection.study, selection.stage, selection.metric, "by", selection.x]
    named = "-".join(re.sub(r"[^A-Za-z0-9_.+]+", "_", part)[:LONGEST_PART] for part in parts)
    return f"{named}-{hashlib.sha256(view.encode()).hexdigest()[:8]}.{kind}"


def write_export(root: Path, name: str, content: bytes) -> Path:
    """Write a file whole or not at all, over one of the same name; StoreError if the disk does not let us."""
    path = root / EXPORTS / name
    beside = path.with_name(f".{name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise not_written(error, path) from None
    return path


def download_html(name: str, content: bytes) -> str:
    """A link that downloads a small file from the page itself; empty for a large one."""
    if len(content) > EMBEDDED:
        return ""
    kind = TYPES[name.rpartition(".")[2]]
    address = f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
    return f'<a download="{name}" href="{address}">download</a>'


def open_html(path: Path) -> str:
    """A link to a file, relative to the folder that this kernel works in: JupyterLab opens it in a tab, Voilà not."""
    if in_voila():
        return ""
    return f'<a href="{quote(Path(os.path.relpath(path)).as_posix())}">open</a>'


def written_html(shown: str, content: bytes) -> str:
    """Which file was written, and how large it is."""
    return f"<code>{inline_text(shown)}</code> ({inline_text(size_text(len(content)))})"
