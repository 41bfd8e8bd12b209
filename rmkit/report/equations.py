"""Equations of a notebook's prose as drawings within the line, made offline: nothing is fetched to show them.

Knows LaTeX as matplotlib's mathtext reads it, which is less than TeX. What it cannot read stays as it was written.
Source: matplotlib, "Writing mathematical expressions".
"""

import functools
import html
import re
from collections.abc import Iterable

EM = 10.0  # points of the drawing that are one em of the text around it
# What notebooks write, and how mathtext wants it.
SAID_OTHERWISE = (
    (r"\\([td]?)frac\s*(\d)\s*(\d)", r"\\frac{\2}{\3}"),
    (r"\\[td]frac(?![a-zA-Z])", r"\\frac"),
    (r"\\(hat|sqrt|mathbb|bar|tilde|vec)\s+(\\?[A-Za-z]+|\d)", r"\\\1{\2}"),
    (r"\\(Big|big|Bigg|bigg)([lr]?)(?=[()\[\]|])", ""),
    (r"\\operatorname\s*\{", r"\\mathrm{"),
    (r"\\(le|ge|ne)(?![a-zA-Z])", r"\\\1q"),
)


def equation_svg(latex: str, *, block: bool = False) -> str:
    """An equation as an SVG element as high as its text, with the LaTeX as its name for those who hear the page.

    block: on a line of its own. What mathtext cannot read is shown as it was written, in a code element.
    """
    words = html.escape(" ".join(latex.split()), quote=True)
    drawing = _drawing(latex, block)
    shown = f"<code>{words}</code>" if drawing is None else drawing.replace("<svg ", f'<svg aria-label="{words}" ', 1)
    return f'<span class="equation">{shown}</span>' if block else shown


@functools.lru_cache(maxsize=1024)
def _drawing(latex: str, block: bool) -> str | None:
    """The SVG element without its name; None for what mathtext cannot read."""
    from matplotlib import rc_context
    from matplotlib.textpath import TextPath

    text = latex.strip()
    for pattern, replacement in SAID_OTHERWISE:
        text = re.sub(pattern, replacement, text)
    if block:  # where there is room, fractions are as tall as TeX makes them
        text = text.replace(r"\frac", r"\dfrac")
    try:
        with rc_context({"mathtext.fontset": "cm"}):
            path = TextPath((0, 0), f"${text}$", size=EM)
    except (ValueError, RuntimeError):
        return None
    if not len(path.vertices):
        return None
    box = path.get_extents()
    low, high = min(box.y0, -0.2 * EM), max(box.y1, 0.7 * EM)
    strokes, letters = [], {1: "M", 2: "L", 3: "Q", 4: "C", 79: "Z"}
    for points, code in path.iter_segments(simplify=False, curves=True):
        numbers = "" if code == 79 else " ".join(f"{value:.2f}" for value in _upside_down(points))
        strokes.append(letters[int(code)] + numbers)
    wide, tall = box.x1 - min(box.x0, 0), high - low
    return (
        f'<svg role="img" class="math" viewBox="{min(box.x0, 0):.2f} {-high:.2f} {wide:.2f} {tall:.2f}" '
        f'style="width:{wide / EM:.3f}em;height:{tall / EM:.3f}em;vertical-align:{low / EM:.3f}em">'
        f'<path fill="currentColor" d="{"".join(strokes)}"/></svg>'
    )


def _upside_down(points: Iterable[float]) -> list[float]:
    """Coordinates x, y, x, y … with y downwards, as SVG has it."""
    return [-value if position % 2 else value for position, value in enumerate(points)]
