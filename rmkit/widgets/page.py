"""What a tool asks of the page that it lies in: how wide its picture may be, that something be in view, and keys.

A kernel cannot know either. A few lines of our own JavaScript can, and tell the width to the canvas as a key that no
keyboard has. Where a page takes no script, a picture keeps its usual width and nothing scrolls by itself.
"""

import itertools
import json
import os
from collections.abc import Mapping

import ipywidgets

PLACE = "rmkit-place"  # the class of the box whose width a picture takes
WIDTH_KEY = "width "  # how the key starts that the canvas hears; then come the pixels
FIND = "const from = element.closest ? element : element[0]; const root = from.closest('.rmkit');"
WATCH = f"""
const watch = tries => {{
    {FIND}
    const place = root && root.querySelector('.{PLACE}');
    if (!place) {{ if (tries) setTimeout(watch, 200, tries - 1); return; }}
    let told = 0, waiting;
    const tell = () => {{
        const width = Math.floor(place.clientWidth), canvas = place.querySelector('.jupyter-matplotlib-canvas-div');
        if (!canvas || width < 100 || width === told) return;
        told = width;
        for (const type of ['keydown', 'keyup'])
            canvas.dispatchEvent(new KeyboardEvent(type, {{key: '{WIDTH_KEY}' + width}}));
    }};
    new ResizeObserver(() => {{ clearTimeout(waiting); waiting = setTimeout(tell, 120); }}).observe(place);
}};
watch(50);
"""
SHOW = """
const show = tries => {{
    {find}
    const part = root && root.querySelector('.{part}');
    if (part && part.offsetHeight) part.scrollIntoView({{block: 'nearest'}});
    else if (tries) setTimeout(show, 50, tries - 1);
}};
setTimeout(show, 80, 20);  // {number}
"""

# A key clicks on a button of ours. It counts once for what is shown: who is faster than the kernel does not answer what
# has not been seen. JupyterLab's own shortcuts (1 makes a heading) do not hear it.
KEYS = """
const hear = tries => {{
    {find}
    if (!root) {{ if (tries) setTimeout(hear, 100, tries - 1); return; }}
    const parts = {parts};
    root.tabIndex = 0;
    root.setAttribute('data-lm-suppress-shortcuts', 'true');
    root.addEventListener('keydown', event => {{
        if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest('input, textarea, select')) return;
        const part = parts[event.key];
        if (!part) return;
        event.preventDefault();
        event.stopPropagation();
        const shown = root.querySelector('[data-shown]')?.dataset.shown, button = root.querySelector('.' + part);
        if (event.repeat || !button || button.disabled || shown === root.dataset.answered) return;
        root.dataset.answered = shown;
        button.click();
    }});
    root.focus({{preventScroll: true}});
}};
hear(50);
"""


class Page(ipywidgets.Output):
    """A part of a tool that takes no room and talks to the page."""

    def __init__(self) -> None:
        super().__init__(layout=ipywidgets.Layout(height="0", margin="0", overflow="hidden"))
        self._number = itertools.count()

    def watch_width(self) -> None:
        """Have the width of the tool's place told to its canvas, now and whenever it changes."""
        self._run(WATCH)

    def show(self, part: str) -> None:
        """Scroll the tool's part of a class into view, as little as that takes."""
        self._run(SHOW.format(find=FIND, part=part, number=next(self._number)))

    def hear_keys(self, parts: Mapping[str, str]) -> None:
        """Have keys click on the buttons of these classes, by the key's name, and the tool take the keyboard now."""
        self._run(KEYS.format(find=FIND, parts=json.dumps(dict(parts))))

    def _run(self, script: str) -> None:
        data = {"application/javascript": script}
        self.outputs = ({"output_type": "display_data", "data": data, "metadata": {}},)


def in_voila() -> bool:
    """Whether the page is served by Voilà, which opens no other notebook."""
    return os.environ.get("SERVER_SOFTWARE", "").startswith("voila/")


def width_of(key: str | None) -> int | None:
    """The pixels that a key tells, or None if it is a key like any other."""
    text = (key or "").removeprefix(WIDTH_KEY)
    return int(text) if text != key and text.isdecimal() and len(text) < 6 else None
