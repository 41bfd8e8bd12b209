"""How the tools look: one style sheet in the frontend's own colours, and the few forms that controls come in.

Knows names of classes and widths; no data.
"""

from collections.abc import Sequence
from typing import Any

import ipywidgets

from rmkit.widgets.inert_texts import label_text

SIDE = "218px"  # the column of controls
STYLE = """<style>
.rmkit { --ink: var(--jp-ui-font-color1, #222); --soft: var(--jp-ui-font-color2, #6e6e6e);
  --line: var(--jp-border-color2, #e0e0e0); --fill: var(--jp-layout-color2, #f4f4f4); --brand: #0072B2;
  --page: var(--jp-layout-color1, white); }
.rmkit .rmkit-head { font-size: 11px; font-weight: 600; letter-spacing: .06em; text-transform: uppercase;
  color: var(--soft); margin: 10px 0 2px; line-height: 1.3; }
.rmkit .rmkit-head.rmkit-first { margin-top: 0; }
.rmkit .rmkit-name { font-size: 12px; color: var(--soft); line-height: 1.3; margin: 4px 0 1px; }
.rmkit .rmkit-note { font-size: 12px; color: var(--soft); line-height: 1.45; }
.rmkit .widget-dropdown > select, .rmkit .widget-text input { border-radius: 4px; }
.rmkit .rmkit-side { border-right: 1px solid var(--line); padding-right: 14px; }
.rmkit button.rmkit-chip, .rmkit .rmkit-chips button { width: auto; flex: 0 0 auto;
  min-width: 0; height: 22px; line-height: 20px; padding: 0 8px;
  margin: 0 4px 4px 0; font-size: 12px; border-radius: 11px;
  border: 1px solid var(--line); background: transparent; color: var(--soft);
  box-shadow: none; }
.rmkit .rmkit-chips .widget-toggle-button { margin-right: 4px; }
.rmkit button.rmkit-chip.mod-active, .rmkit .rmkit-chips button.mod-active {
  background: rgba(0, 114, 178, .13); border-color: rgba(0, 114, 178, .45);
  color: var(--brand); }
.rmkit button.rmkit-plain { background: transparent; border: 1px solid var(--line); border-radius: 4px; padding: 0; }
.rmkit button.rmkit-worded { padding: 0 10px; height: 26px; line-height: 24px; font-size: 12px; color: var(--brand);
  max-width: 100%; }
.rmkit .widget-readout { min-width: 96px; max-width: none; font-size: 12px; padding: 0; }
.rmkit mark.rmkit-found { background: rgba(230, 159, 0, .32); color: inherit; border-radius: 2px; }
.rmkit canvas, .rmkit .jupyter-matplotlib-canvas-container, .rmkit .jupyter-matplotlib-canvas-div {
  outline: none !important; border: none !important; }
.rmkit .rmkit-card { border: 1px solid var(--line); border-radius: 6px; padding: 10px 14px; margin-top: 6px; }
.rmkit table.rmkit-table { border-collapse: collapse; font-size: 12px; width: 100%; line-height: 1.45; }
.rmkit table.rmkit-table th { text-align: left; font-weight: 600; color: var(--soft);
  border-bottom: 1px solid var(--line); padding: 3px 10px 3px 0;
  position: sticky; top: 0; z-index: 1; background: var(--page); white-space: nowrap; }
.rmkit table.rmkit-table td { padding: 3px 10px 3px 0; vertical-align: top; border-bottom: 1px solid var(--fill); }
.rmkit table.rmkit-table td:first-child, .rmkit table.rmkit-table th:first-child { padding-left: 8px; }
.rmkit table.rmkit-table .rmkit-number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.rmkit tr.rmkit-off { opacity: .38; }
.rmkit tr.rmkit-pick td { position: sticky; top: 23px; bottom: 0;  /* in view wherever one scrolls to */
  background: linear-gradient(rgba(0, 114, 178, .12), rgba(0, 114, 178, .12)) var(--page); }
.rmkit tr.rmkit-pick td:first-child { box-shadow: inset 3px 0 0 var(--brand); }
.rmkit .rmkit-scroll { max-height: 420px; overflow: auto;  /* a shadow where there is more */
  background: linear-gradient(var(--page) 30%, transparent) top / 100% 36px local,
    linear-gradient(transparent, var(--page) 70%) bottom / 100% 36px local,
    linear-gradient(rgba(0, 0, 0, .16), transparent) top / 100% 9px scroll,
    linear-gradient(transparent, rgba(0, 0, 0, .16)) bottom / 100% 9px scroll;
  background-repeat: no-repeat; }
.rmkit .rmkit-text { line-height: 1.45; }
.rmkit .rmkit-note .rmkit-text { color: var(--ink); margin: 4px 0 8px; }
.rmkit .rmkit-prompt { background: var(--fill); border-left: 3px solid var(--brand); border-radius: 0 4px 4px 0;
  padding: 8px 12px; font-size: 13px; line-height: 1.45; }
.rmkit .rmkit-card .jp-OutputArea-output { padding: 0; }
.rmkit .rmkit-card .jp-OutputArea-output a { font-size: 12px; }
.rmkit .rmkit-title { font-size: 13px; font-weight: 600; color: var(--ink); }
.rmkit .rmkit-columns { display: flex; gap: 10px 24px; flex-wrap: wrap; }
.rmkit .rmkit-columns > div { flex: 1 1 236px; min-width: 0; }
.rmkit-explorer { container-type: inline-size; }
.rmkit .rmkit-body { flex-flow: row nowrap; gap: 0 12px; overflow: visible; }
.rmkit .rmkit-three .widget-dropdown { flex: 1 1 0; min-width: 0; }
.rmkit .rmkit-three button { flex: 0 0 32px; }
.rmkit .rmkit-place { position: relative; overflow-x: clip; min-width: 0; }
.rmkit .rmkit-place .jupyter-widgets, .rmkit .rmkit-place .jupyter-matplotlib-figure { margin: 0; padding: 0; }
.rmkit button.rmkit-chip:disabled { border-style: dashed; opacity: .45; cursor: default;
  text-decoration: line-through; }
.rmkit .rmkit-place .widget-html, .rmkit .rmkit-place .widget-html-content { position: static; }
.rmkit .rmkit-hover { position: absolute; z-index: 3; pointer-events: none; width: max-content; max-width: 300px;
  padding: 6px 9px; font-size: 12px; line-height: 1.4; color: var(--ink); background: var(--jp-layout-color1, white);
  border: 1px solid var(--line); border-radius: 6px; box-shadow: 0 2px 8px rgba(0, 0, 0, .16); }
.rmkit .rmkit-hover table { border-collapse: collapse; }
.rmkit .rmkit-hover td { padding: 0 10px 0 0; vertical-align: top; overflow-wrap: anywhere; }
.rmkit .rmkit-hover td:first-child { color: var(--soft); white-space: nowrap; }
@container (max-width: 690px) {
  .rmkit .rmkit-body { flex-flow: column nowrap; }
  .rmkit .rmkit-body > * { width: 100% !important; flex: none !important; }
  .rmkit .rmkit-body > .rmkit-side { border-right: none; padding: 0 0 6px; border-bottom: 1px solid var(--line);
    margin-bottom: 8px; }
  .rmkit .rmkit-three { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 2px 10px; }
  .rmkit .rmkit-filters { flex-flow: row wrap; gap: 0 18px; }
}
.rmkit code { font-size: 11.5px; overflow-wrap: anywhere; }
</style>"""


def sheet() -> ipywidgets.HTML:
    """The style sheet as a widget that takes no room."""
    return ipywidgets.HTML(STYLE, layout=ipywidgets.Layout(height="0", margin="0", overflow="hidden"))


def heading(text: str, *, first: bool = False) -> ipywidgets.HTML:
    """The name of a group of controls; the text is ours."""
    return words(f'<div class="rmkit-head{" rmkit-first" if first else ""}">{text}</div>')


def words(html: str = "", **layout: Any) -> ipywidgets.HTML:
    """HTML of our own making, without a widget's usual margin."""
    return ipywidgets.HTML(html, layout=ipywidgets.Layout(**{"margin": "0", "width": "auto", **layout}))


def dropdown(options: Sequence[Any] = (), **more: Any) -> ipywidgets.Dropdown:
    """A dropdown over the whole width of its column."""
    layout = ipywidgets.Layout(width=more.pop("width", "100%"), margin="0 0 2px 0")
    return ipywidgets.Dropdown(options=options, layout=layout, **more)


def study_dropdown(names: Sequence[str], chosen: str) -> ipywidgets.Dropdown:
    """A dropdown of studies, the chosen one among them even if it is not known."""
    return dropdown([(label_text(name), name) for name in dict.fromkeys([*names, chosen])], value=chosen)


def named(name: str, widget: ipywidgets.Widget) -> ipywidgets.VBox:
    """A control under its name; the name is ours."""
    return column([words(f'<div class="rmkit-name">{name}</div>'), widget])


def column(children: Sequence[ipywidgets.Widget], **layout: Any) -> ipywidgets.VBox:
    """Widgets under each other, no scroll bars."""
    return ipywidgets.VBox(list(children), layout=ipywidgets.Layout(**{"overflow": "visible", **layout}))


def offer(control: ipywidgets.Dropdown, options: Sequence[tuple[str, Any]], value: Any) -> None:
    """Set what a dropdown offers and shows, where that changes."""
    if tuple(control.options) != tuple(options):
        control.options = options
    control.value = value


def in_a_row(controls: Sequence[ipywidgets.Widget]) -> ipywidgets.VBox:
    """Controls that lie under each other beside a picture, and next to each other above one."""
    return column(controls).add_class("rmkit-three")


def row(children: Sequence[ipywidgets.Widget], **layout: Any) -> ipywidgets.HBox:
    """Widgets beside each other, their lower ends in line."""
    return ipywidgets.HBox(list(children), layout=ipywidgets.Layout(**{"align_items": "flex-end", **layout}))


def chip(text: str, on: bool) -> ipywidgets.ToggleButton:
    """A small button that is on or off; the text is plain."""
    button = ipywidgets.ToggleButton(value=on, description=text)
    button.add_class("rmkit-chip")
    return button


def button(icon: str, tooltip: str) -> ipywidgets.Button:
    """A small button with an icon."""
    made = ipywidgets.Button(icon=icon, tooltip=tooltip, layout=ipywidgets.Layout(width="32px", margin="0"))
    made.add_class("rmkit-plain")
    return made


def text_button(text: str = "") -> ipywidgets.Button:
    """A small button with words, as wide as these."""
    made = ipywidgets.Button(description=text, layout=ipywidgets.Layout(width="auto", margin="0"))
    made.add_class("rmkit-plain")
    made.add_class("rmkit-worded")
    return made
