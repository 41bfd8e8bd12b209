"""What the designer's page shows, as HTML of our own: sentences, the picture, the table of designs.

Every text is escaped. Knows answers and pictures; no control.
"""

import numpy as np
import pandas as pd

from rmkit.figures.designer import designs_figure
from rmkit.widgets.canvas import as_base64, png_of
from rmkit.widgets.designer.answers import Answer, measure_label
from rmkit.widgets.inert_texts import inline_text

INCHES, DPI = 9.0, 160
STYLE = """<style>
.rmkit-designer { max-width: 1180px; container-type: inline-size; }
.rmkit-designer .rmkit-side { flex: 0 0 236px; }
.rmkit-designer .rmkit-main { flex: 1 1 auto; min-width: 0; }
.rmkit-designer .rmkit-said { border-left: 3px solid #009E73; background: rgba(0, 158, 115, .10); padding: 8px 12px;
  border-radius: 0 4px 4px 0; font-size: 13.5px; line-height: 1.5; color: var(--ink); }
.rmkit-designer .rmkit-said.rmkit-unsure { border-left-color: #E69F00; background: rgba(230, 159, 0, .12); }
.rmkit-designer .rmkit-said p { margin: 4px 0 0; }
.rmkit-designer .rmkit-said p:first-child { margin: 0; font-weight: 600; }
.rmkit-designer .rmkit-fault { border-left: 3px solid #D55E00; background: rgba(213, 94, 0, .10); padding: 8px 12px;
  border-radius: 0 4px 4px 0; font-size: 13.5px; line-height: 1.5; color: var(--ink); }
.rmkit-designer .rmkit-stale { opacity: .45; }
.rmkit-designer img { width: 100%; max-width: 900px; height: auto; background: white; }
.rmkit-designer .rmkit-busy { height: 18px; font-size: 12px; color: var(--soft); line-height: 18px; }
.rmkit-designer table.rmkit-table td:nth-child(-n+2) { white-space: nowrap; }
.rmkit-designer .widget-toggle-buttons .widget-toggle-button { width: 50%; margin: 0; }
@container (max-width: 690px) {
  .rmkit-designer .rmkit-body { flex-flow: column nowrap; }
}
</style>"""
NUMBERS = {"n_prompts": "prompts", "cost": "cost", "half_width": "±", "detectable": "difference seen"}
ENDS = {"selection_regret": "selection regret", "right_choice": "right choice"}


def said_html(answer: Answer) -> str:
    """The sentences, in green where a design is named, in amber where the bank cannot tell."""
    unsure = " rmkit-unsure" if answer.cannot_tell else ""
    lines = "".join(f"<p>{inline_text(sentence)}</p>" for sentence in answer.sentences)
    return f'<div class="rmkit-said{unsure}">{lines}</div><div class="rmkit-note">{inline_text(answer.told)}</div>'


def fault_html(sentence: str) -> str:
    return f'<div class="rmkit-fault">{inline_text(sentence)}</div>'


def picture(answer: Answer) -> bytes:
    """The figure of an answer as PNG."""
    figure = designs_figure(answer.table, width=INCHES)
    figure.set_dpi(DPI)
    return png_of(figure)


def picture_html(png: bytes) -> str:
    words = "selection regret and right choice of each design, with intervals; the table below has the numbers"
    return f'<img alt="{words}" src="data:image/png;base64,{as_base64(png)}">'


def table_html(table: pd.DataFrame) -> str:
    """A row a design and measure, the best first."""
    head = "".join(f"<th>{name}</th>" for name in ("design", "measure"))
    head += "".join(f'<th class="rmkit-number">{name}</th>' for name in (*NUMBERS.values(), *ENDS.values()))
    rows = "".join(_row(row) for row in table.to_dict("records"))
    return f'<div class="rmkit-scroll"><table class="rmkit-table"><tr>{head}</tr>{rows}</table></div>'


def _row(row: dict[str, object]) -> str:
    name = inline_text(measure_label(str(row["measure"])))
    cells = f"<td>{inline_text(str(row['design']))}</td><td>{name}</td>"
    for column in NUMBERS:
        cells += f'<td class="rmkit-number">{_number(row[column], whole=column in ("n_prompts", "cost"))}</td>'
    for column in ENDS:
        low, high = row[f"{column}_low"], row[f"{column}_high"]
        known = isinstance(low, float) and np.isfinite(low)
        ends = f" ({_number(low)} to {_number(high)})" if known else ""
        cells += f'<td class="rmkit-number">{_number(row[column])}{ends}</td>'
    why = f'<tr><td></td><td colspan="7" class="rmkit-note">{inline_text(str(row["reason"]))}</td></tr>'
    return f"<tr>{cells}</tr>" + why * isinstance(row["reason"], str)


def _number(value: object, *, whole: bool = False) -> str:
    if not isinstance(value, int | float | np.number) or not np.isfinite(value):
        return "–"
    return f"{value:,.0f}" if whole else f"{value:.3f}"
