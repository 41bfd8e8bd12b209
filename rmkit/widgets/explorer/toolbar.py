"""The line under the picture: saved views, this view as a link, and what is seen as files.

Knows controls and what they ask for; what a view is, and what a file holds, is known by whoever made the toolbar.
"""

import json
from collections.abc import Callable
from pathlib import Path

import ipywidgets

from rmkit.errors import RmkitError
from rmkit.widgets.controls import button, column, row, words
from rmkit.widgets.explorer.export import download_html, open_html, write_export, written_html
from rmkit.widgets.explorer.saved_views import link_html, query_of, remove_view, save_view, saved_views
from rmkit.widgets.inert_texts import inline_text

NO_VIEW = ""
KINDS = {"csv": "CSV", "parquet": "Parquet", "png": "PNG", "svg": "SVG"}
STYLE = """<style>
.rmkit .rmkit-tools { border-top: 1px solid var(--line); padding-top: 6px; }
.rmkit .rmkit-tools .rmkit-head { margin: 0 4px 0 0; }
.rmkit .rmkit-tools button.rmkit-chip { margin: 0; }
.rmkit .rmkit-link { user-select: all; display: block; padding: 3px 8px; background: var(--fill);
  color: var(--ink); border-radius: 4px; }
</style>"""


class Toolbar(ipywidgets.VBox):
    """Views and exports of what is seen."""

    def __init__(
        self,
        root: Path,
        *,
        view: Callable[[], str],
        restore: Callable[[str], None],
        export: Callable[[str], tuple[str, bytes]],
        shown: Callable[[Path], str] = str,
    ) -> None:
        """root: of the store. view: what is seen, as text. restore: shows a text or a saved view of this name.

        export: the name and content of a file of a kind of KINDS. shown: a path as messages write it.
        """
        super().__init__(layout=ipywidgets.Layout(overflow="visible", margin="8px 0 0 0"))
        self.root, self.study = root, ""
        self._view, self._restore, self._export, self._shown = view, restore, export, shown
        self._silent = False
        self.saved = ipywidgets.Dropdown(layout=ipywidgets.Layout(width="170px", margin="0"))
        self.name = ipywidgets.Text(placeholder="save as …", layout=ipywidgets.Layout(width="130px", margin="0"))
        self.save, self.remove = button("save", "save what is seen"), button("trash", "remove the chosen view")
        self.share = button("link", "this view as a line of Python and as a link")
        self.files = {kind: ipywidgets.Button(description=text) for kind, text in KINDS.items()}
        self.said, self.link = words(), ipywidgets.Output()
        self.children = self._arranged()
        self.add_class("rmkit-tools")
        self._connect()
        self.list_views()

    def list_views(self, chosen: str = NO_VIEW) -> None:
        """Read anew which views are saved, and have one of them chosen without restoring it."""
        names = saved_views(self.root)
        self._silent = True
        self.saved.options = [("saved views" if names else "no saved view", NO_VIEW), *((name, name) for name in names)]
        self.saved.value = chosen if chosen in names else NO_VIEW
        self._silent = False
        self.remove.disabled = not self.saved.value

    def seen_changed(self) -> None:
        """Something else is seen: no saved view is shown any more, and what was said is no longer of it."""
        if self.saved.value and not self._silent:
            self.list_views()
        self.say("")

    def say(self, html: str, link: str = "") -> None:
        """A line under the controls; html and link are ours."""
        self.said.value = f'<div class="rmkit-note">{html}</div>' if html else ""
        data = {"text/html": link, "text/plain": "open the file"}
        self.link.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},) if link else ()

    def export(self, kind: str) -> None:
        """Write what is seen into a file, and offer it; where the store cannot be written to, still offer it."""
        try:
            name, content = self._export(kind)
        except RmkitError as error:
            self.say(inline_text(str(error)))
            return
        try:
            path = write_export(self.root, name, content)
        except RmkitError as error:
            self.say(f"{inline_text(str(error))} {download_html(name, content)}")
            return
        said = written_html(self._shown(path), content)
        self.say(f"wrote {said} {download_html(name, content)}", open_html(path))

    def _saved_chosen(self) -> None:
        if not self._silent and (name := self.saved.value):
            self._silent = True  # what is seen changes because of the choice, which stays
            try:
                self._restore(name)
            finally:
                self.list_views(name)  # which hears again

    def _save(self) -> None:
        name = self.name.value.strip()
        if not name:
            self.say("Write a name for this view beside the button, then save it.")
            return
        try:
            known = name in saved_views(self.root)
            save_view(self.root, name, self._view())
        except RmkitError as error:
            self.say(inline_text(str(error)))
            return
        self.name.value = ""
        self.list_views(name)
        done = "saved in place of the one of this name" if known else "saved"
        self.say(f"{inline_text(name)} is {done}. {link_html(query_of(name))}")

    def _remove(self) -> None:
        name = self.saved.value
        try:
            remove_view(self.root, name)
        except RmkitError as error:
            self.say(inline_text(str(error)))
            return
        self.list_views()
        self.say(f"{inline_text(name)} is removed.")

    def _told(self) -> None:
        """This view as what one pastes elsewhere."""
        try:
            text = self._view()
        except RmkitError as error:
            self.say(inline_text(str(error)))
            return
        line = f'Explorer(stored, {json.dumps(self.study)}, view="{text}")'  # a study's name may hold anything
        self.say(f"in a cell <code class=rmkit-link>{inline_text(line)}</code>{link_html(query_of(text))}")

    def _connect(self) -> None:
        self.saved.observe(lambda _: self._saved_chosen(), "value")
        self.save.on_click(lambda _: self._save())
        self.remove.on_click(lambda _: self._remove())
        self.share.on_click(lambda _: self._told())
        for kind, each in self.files.items():
            each.add_class("rmkit-chip")
            each.on_click(lambda _, kind=kind: self.export(kind))

    def _arranged(self) -> list[ipywidgets.Widget]:
        def name(text: str) -> ipywidgets.HTML:
            return words(f'<div class="rmkit-head">{text}</div>')

        views = row([name("view"), self.saved, self.name, self.save, self.remove, self.share], **GAP)
        csv, parquet, png, svg = self.files.values()
        files = row([name("rows"), csv, parquet, name("&ensp;picture"), png, svg], **GAP)
        said = row([self.said, self.link], align_items="center", grid_gap="8px")
        return [words(STYLE, height="0"), row([views, files], **(GAP | WRAPPED)), column([said])]


GAP = {"align_items": "center", "grid_gap": "5px"}
WRAPPED = {"justify_content": "space-between", "flex_flow": "row wrap", "grid_gap": "6px 20px"}
