"""Figures that one stage hands over for a page: each drawn once, as SVG and as PNG, with the caption that goes with it.

Knows files and their bytes; not what a figure shows, nor which page it goes into.
"""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmkit.errors import DataError

FORMAT = 1
NAME = re.compile(r"[a-z0-9_-]+")
INDEX = "figures.json"


@dataclass(frozen=True)
class FigureFile:
    """One drawn figure. `svg` starts at its `<svg` element, so it may stand in a page or in a file of its own."""

    svg: str
    png: bytes
    caption: str


@dataclass(frozen=True)
class FigureFiles:
    """Figures by name, in the order in which a page shows them. Checked when made, or DataError with the name."""

    figures: Mapping[str, FigureFile]

    def __post_init__(self) -> None:
        for name, figure in self.figures.items():
            if not NAME.fullmatch(name):
                raise DataError(f"figures: {name!r} cannot name a file; use small letters, digits, - and _")
            if not figure.caption.strip():
                raise DataError(f"figures: {name} has no caption; say what the figure shows")

    @classmethod
    def of(cls, drawn: Mapping[str, tuple[Any, str]]) -> "FigureFiles":
        """Draw matplotlib figures, given by name with their captions; equal figures give equal bytes."""
        return cls({name: FigureFile(*_drawn(figure), caption) for name, (figure, caption) in drawn.items()})

    def save(self, folder: str | Path) -> None:
        """Write <name>.svg and <name>.png of each figure and their index into a folder, made if need be."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in self.figures.items():
            (folder / f"{name}.svg").write_bytes(figure.svg.encode())
            (folder / f"{name}.png").write_bytes(figure.png)
        listed = [{"name": name, "caption": figure.caption} for name, figure in self.figures.items()]
        index = json.dumps({"format": FORMAT, "figures": listed}, indent=1, ensure_ascii=False)
        (folder / INDEX).write_text(index + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: str | Path) -> "FigureFiles":
        """The figures of a folder that `save` wrote, or DataError."""
        folder = Path(folder)
        if not (folder / INDEX).exists():
            raise DataError(f"{folder}: holds no {INDEX}; it must be a folder that FigureFiles.save wrote")
        about = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise DataError(f"{folder}/{INDEX}: is of format {about['format']}; this rmkit reads format {FORMAT}")
        try:
            return cls({each["name"]: _read(folder, each["name"], each["caption"]) for each in about["figures"]})
        except OSError as fault:
            raise DataError(
                f"{fault.filename}: {fault.strerror}; {INDEX} names it, so make the figures again"
            ) from None


def _drawn(figure: Any) -> tuple[str, bytes]:
    """A figure's SVG and PNG, without what changes from one drawing to the next: dates, versions, random ids."""
    import matplotlib

    svg, png = io.StringIO(), io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "rmkit"}):  # else the ids in an SVG are drawn at random
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
        figure.savefig(png, format="png", metadata={"Software": None}, dpi=160)
    text = svg.getvalue()
    return text[text.index("<svg") :], png.getvalue()


def _read(folder: Path, name: str, caption: str) -> FigureFile:
    return FigureFile((folder / f"{name}.svg").read_bytes().decode(), (folder / f"{name}.png").read_bytes(), caption)
