"""A snapshot as HTML: what the progress panel shows, in pieces that change at their own pace.

Knows looks only. Colours are told apart without colour vision, and each stands beside its number. Names, sentences and
paths go through inert_texts.py: they may hold what a model wrote. In JupyterLab the theme's own colours of text are
used.
"""

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from rmkit.study.monitoring.snapshot import (
    ALL_DONE,
    GONE,
    RUNNING,
    STATES,
    WITH_FAILURES,
    Busy,
    Failure,
    Snapshot,
)
from rmkit.study.monitoring.words import busy_words, how_far, run_words, stage_words
from rmkit.widgets.inert_texts import inline_text

BLUE, SKY, ORANGE, GREEN = "#0072B2", "#56B4E9", "#D55E00", "#009E73"  # those of the figures
INK, FAINT = "var(--jp-ui-font-color1, #222)", "var(--jp-ui-font-color2, #6E6E6E)"
LINE = "var(--jp-border-color2, #DDD)"
NUMBERS = "font-variant-numeric:tabular-nums"
FONT = f"font-family:var(--jp-ui-font-family, sans-serif);font-size:13px;line-height:1.5;color:{INK}"
FILL = {
    "done": BLUE,
    "running": f"repeating-linear-gradient(45deg, {SKY} 0 4px, #BFE1F6 4px 8px)",
    "failed": ORANGE,
    "held up": "repeating-linear-gradient(135deg, #B9B9B9 0 2px, transparent 2px 6px)",
    "waiting": "transparent",
}
STATE_COLOUR = {RUNNING: BLUE, ALL_DONE: GREEN, WITH_FAILURES: ORANGE, GONE: ORANGE}
BUSY_SHOWN, FAILURES_SHOWN = 8, 5


def head(shot: Snapshot) -> str:
    """The study's name and state, how far it is, and the time."""
    colour = ORANGE if shot.failed and not shot.busy else STATE_COLOUR.get(shot.state, FAINT)
    title = f" · {inline_text(shot.title)}" if shot.title != shot.study else ""
    row = "display:flex;flex-wrap:wrap;align-items:baseline;column-gap:14px"
    return (
        f'<div style="{FONT};{row}"><span style="font-size:15px"><b>{inline_text(shot.study)}</b>{title}</span>'
        f'<span style="color:{colour};font-weight:600">● {inline_text(shot.state)}</span></div>'
        f'<div style="{FONT};color:{FAINT};{NUMBERS}">{inline_text(how_far(shot))}</div>'
    )


def stages(shot: Snapshot) -> str:
    """A bar a stage with its numbers, and what the colours mean."""
    rows = "".join(
        f'<tr style="background:none"><td style="{CELL};width:24%">{inline_text(stage)}</td>'
        f'<td style="{CELL};width:46%">{_stage_bar(shot, stage)}</td>'
        f'<td style="{CELL};width:30%;{NUMBERS}">{inline_text(stage_words(counts))}</td>'
        "</tr>"
        for stage, counts in shot.stages.items()
    )
    return _table(rows) + _key(shot)


def busy(shot: Snapshot) -> str:
    """The jobs that are being executed, each with what it last said of itself."""
    rows = "".join(_busy_row(each) for each in shot.busy[:BUSY_SHOWN])
    if len(shot.busy) > BUSY_SHOWN:
        rows += f'<tr><td style="{CELL};color:{FAINT}">and {len(shot.busy) - BUSY_SHOWN} more</td></tr>'
    return _section("Running", _table(rows)) if rows else ""


def failures(shot: Snapshot, shown: Callable[[Path], str] = str) -> str:
    """Why jobs failed, and where their notebooks lie. shown: a path as it is shown."""
    items = "".join(_failure(each, shown) for each in shot.failed[:FAILURES_SHOWN])
    if len(shot.failed) > FAILURES_SHOWN:
        items += f'<div style="color:{FAINT}">and {len(shot.failed) - FAILURES_SHOWN} more</div>'
    return _section(f"Failed ({len(shot.failed)})", f'<div style="{FONT}">{items}</div>') if items else ""


def last_run(shot: Snapshot) -> str:
    """How the run before ended, and why, if it says so."""
    said = run_words(shot.run, shot) if shot.run else shot.state
    return note(f"{said[0].upper()}{said[1:]}")


def note(text: str, *, fault: bool = False) -> str:
    """A line below all: what the panel itself has to say."""
    colour = ORANGE if fault else FAINT
    return f'<div style="{FONT};color:{colour};overflow-wrap:anywhere">{inline_text(text)}</div>' if text else ""


CELL = "padding:2px 10px 2px 0;border:none;text-align:left;vertical-align:middle;color:inherit;overflow-wrap:anywhere"


def _table(rows: str) -> str:
    """Rows in columns that stand still while their words change."""
    layout = "border-collapse:collapse;border:none;table-layout:fixed;width:100%;margin:4px 0"
    return f'<table style="{FONT};{layout}">{rows}</table>'


def _section(title: str, content: str) -> str:
    return f'<div style="{FONT};margin-top:6px;font-weight:600">{title}</div>{content}'


def _stage_bar(shot: Snapshot, stage: str) -> str:
    drawn = shot.drawn(stage, one=0.03)
    parts = [(state, 100 * drawn[state]) for state in STATES[:-1] if state in drawn]
    return _bar(parts, f"{stage}: {stage_words(shot.stages[stage])}", height=12)


def _bar(parts: list[tuple[str, float]], label: str, *, height: int) -> str:
    """A bar of (state, percent) parts; what is left of it is empty."""
    filled = "".join(
        f'<div style="width:{percent:.2f}%;background:{FILL[state]};min-width:4px"></div>' for state, percent in parts
    )
    frame = f"display:flex;height:{height}px;border:1px solid {LINE};border-radius:3px;overflow:hidden;min-width:120px"
    said = inline_text(label).removeprefix("<bdi>").removesuffix("</bdi>")  # an attribute holds no element
    return f'<div role="img" aria-label="{said}" title="{said}" style="{frame}">{filled}</div>'


def _busy_row(each: Busy) -> str:
    label = f"{each.title}: {each.done} of {each.total}"
    bar = _bar([("done", 100 * min(each.done / each.total, 1.0))], label, height=6) if each.total > 0 else ""
    return (
        f'<tr style="background:none"><td style="{CELL};width:46%">{inline_text(each.title)}</td>'
        f'<td style="{CELL};width:24%">{bar}</td>'
        f'<td style="{CELL};width:30%;color:{FAINT};{NUMBERS}">{inline_text(busy_words(each))}</td></tr>'
    )


def _failure(each: Failure, shown: Callable[[Path], str]) -> str:
    where = f"notebook: {_link(each.notebook, shown)}" if each.notebook else "no notebook was kept"
    return (
        f'<div style="border-left:3px solid {ORANGE};padding:0 0 0 8px;margin:4px 0;overflow-wrap:anywhere">'
        f"{inline_text(each.sentence or each.title)}"
        f'<div style="color:{FAINT};font-size:12px">{where}</div></div>'
    )


def _link(path: Path, shown: Callable[[Path], str]) -> str:
    """A file as a link relative to the folder that this kernel works in, which JupyterLab opens.

    One outside the project, as in a store elsewhere, is named only: JupyterLab opens nothing outside its folder.
    """
    if shown(path) == str(path) and path.is_absolute():
        return inline_text(str(path))
    target = quote(Path(os.path.relpath(path)).as_posix())
    return f'<a href="{target}" style="color:inherit;text-decoration:underline">{inline_text(shown(path))}</a>'


def _key(shot: Snapshot) -> str:
    """What the fillings mean, for those that are there."""
    there = [state for state in STATES if shot.count(state)]
    box = f"display:inline-block;width:10px;height:10px;border:1px solid {LINE};margin-right:4px"
    items = "".join(
        f'<span style="margin-right:14px;white-space:nowrap"><span style="{box};background:{FILL[state]}"></span>'
        f"{shot.count(state)} {state}</span>"
        for state in there
    )
    return f'<div style="{FONT};font-size:12px;color:{FAINT}">{items}</div>'
