"""Saved views: a small JSON file each under `runs/views/`, and the view that a link asks for.

Knows files and views' texts; not what a view means. A file may come from anyone: only a regular one is read, no further
than a view is long.
"""

import html
import json
import os
import re
import time
from pathlib import Path
from urllib.parse import parse_qs, quote

from rmkit.errors import ResultError, StoreError
from rmkit.study.store.disk import REMEDIES, write_text
from rmkit.widgets.explorer.view import LONGEST, parsed_view
from rmkit.widgets.inert_texts import inline_text
from rmkit.widgets.page import in_voila

VIEWS = "views"  # the folder of the store
NAME = re.compile(r"\w(?:[\w .+-]{0,58}[\w+-])?")
QUERY = "QUERY_STRING"  # where Voilà and other servers say what a link asks for
ASKED = "view"  # https://…/08_browse.ipynb?view=TEXT, or the name of a saved view
SAFE = ":;,."  # of a view, that a URL holds as they are


def saved_views(root: Path) -> list[str]:
    """The names of the views that a store has, in order. root: of the store."""
    found = (path.stem for path in (root / VIEWS).glob("*.json") if path.is_file())
    return sorted((name for name in found if NAME.fullmatch(name)), key=str.casefold)


def save_view(root: Path, name: str, text: str) -> None:
    """Save a view under a name; one of this name is replaced. ResultError for a bad name, StoreError for a bad disk."""
    path = _path(root, name)
    parsed_view(text)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        saved = time.strftime("%Y-%m-%d %H:%M:%S")
        write_text(path, json.dumps({"view": text, "saved": saved}, ensure_ascii=False, indent=1) + "\n")
    except OSError as error:
        raise not_written(error, path) from None


def load_view(root: Path, name: str) -> str:
    """The text of a saved view; StoreError where there is none that can be read, ResultError where it is no view."""
    path = _path(root, name)
    try:
        if not path.is_file():
            raise ValueError("no such file")
        with path.open("rb") as file:
            held = file.read(8 * LONGEST)
        text = json.loads(held.decode("utf-8"))["view"]
        if not isinstance(text, str):
            raise ValueError("no text")
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        names = ", ".join(saved_views(root)[:12]) or "none"
        raise StoreError(f"there is no saved view {name!r} that can be read; there are: {names}") from None
    parsed_view(text)
    return text


def remove_view(root: Path, name: str) -> None:
    """Remove a saved view; StoreError if the disk does not let us."""
    path = _path(root, name)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise not_written(error, path) from None


def asked_view() -> str:
    """The view that the link to this page asks for, a text or a name; empty where nothing asks, as in JupyterLab."""
    given = os.environ.get(QUERY, "")[: 4 * LONGEST]
    try:
        return parse_qs(given, max_num_fields=100).get(ASKED, [""])[0]
    except ValueError:
        return ""


def query_of(text: str) -> str:
    """What a link to the page ends in to show a view."""
    return f"?{ASKED}={quote(text, safe=SAFE)}"


def link_html(query: str) -> str:
    """A link to this page that ends in a query, to be copied; where no server serves the page alone, how one ends.

    What is followed is relative to the page: a server behind another one does not know its own address. What is read
    is the address as the kernel was told it.
    """
    if not in_voila():
        return f"under Voilà, a link ends in <code class=rmkit-link>{inline_text(query)}</code>"
    host, port, path = (os.environ.get(name, "") for name in ("SERVER_NAME", "SERVER_PORT", "SCRIPT_NAME"))
    address = f"http://{host}{':' if port else ''}{port}{path}{query}"
    where = html.escape(query, quote=True)
    return f'as a link <a class=rmkit-link target=_blank href="{where}">{inline_text(address)}</a>'


def not_written(error: OSError, path: Path) -> StoreError:
    """What the disk refused, in one sentence."""
    remedy = REMEDIES.get(error.errno or 0, "mend that")
    return StoreError(f"not saved: {path}: {error.strerror or error}; {remedy} and try again")


def _path(root: Path, name: str) -> Path:
    if not NAME.fullmatch(name):
        raise ResultError(f"{name[:60]!r} is no name for a view; take letters, digits, spaces and . + - _, at most 60")
    return root / VIEWS / f"{name}.json"
