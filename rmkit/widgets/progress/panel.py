"""The progress panel: how far a study is, live, with a button that starts what is missing and one that stops it.

    progress_panel("smoke", start=True)

Everything is read from the store, so the panel of any kernel shows the same: to close the tab, or to end the kernel or
the server, leaves the run alone, and running the cell again re-attaches. Looks about once a second from a thread of its
own; the newest panel of a study is the one that is kept fresh. No fault of the disk or of a study raises.
"""

import os
import threading
from collections.abc import Callable
from typing import Any

import ipywidgets

from rmkit.errors import RmkitError
from rmkit.machine.processes import this_host
from rmkit.study.monitoring.launch import start_run, stop_run
from rmkit.study.monitoring.run_record import LOG, Run
from rmkit.study.monitoring.snapshot import FollowedStudy, Snapshot
from rmkit.study.monitoring.terminal import picture
from rmkit.study.notebook_side.drafts import STUDY_VARIABLE
from rmkit.widgets.progress import picture as panel_picture

SECONDS_BETWEEN_LOOKS = 1.0
PATIENCE = 10  # times that, after a fault: to plan a broken study every second would burden the kernel
ABOVE, BELOW = ("head", "stages", "busy", "failures", "last"), ("message", "fault")  # the buttons stand between them
_newest: dict[str, "ProgressPanel"] = {}  # by study: a cell that is run again lays the panel before it to rest


def progress_panel(study: str = "", *, start: bool = False) -> "ProgressPanel":
    """The panel of a study (default: RMKIT_STUDY, else tiny). start: run what is missing, unless a run is going on."""
    panel = ProgressPanel(study or os.environ.get(STUDY_VARIABLE) or "tiny")
    if before := _newest.pop(panel.study, None):
        before.rest()
    _newest[panel.study] = panel
    if start and not panel.start_button.disabled:
        panel.start()
    panel.follow()
    return panel


class ProgressPanel(ipywidgets.VBox):
    """The widget: `look` brings it up to date once, `follow` goes on doing so, `rest` and `close` end that."""

    def __init__(self, study: str) -> None:
        self.study = study
        self.shot: Snapshot | None = None
        self._followed: FollowedStudy | None = None
        self._one_at_a_time = threading.RLock()  # the following thread and a button
        self._resting = threading.Event()
        self._stopping: Run | None = None
        self._pieces: dict[str, Any] = {name: ipywidgets.HTML(layout=_hidden()) for name in (*ABOVE, *BELOW)}
        self._pieces["failures"] = ipywidgets.Output(layout=_hidden())  # JupyterLab opens links in outputs alone
        self._html = dict.fromkeys(self._pieces, "")
        self.start_button = _button("Run what is missing", "play", self.start)
        self.stop_button = _button("Stop", "stop", self.stop)
        buttons = ipywidgets.HBox([self.start_button, self.stop_button], layout=ipywidgets.Layout(margin="6px 0 0 0"))
        frame = ipywidgets.Layout(border=f"1px solid {panel_picture.LINE}", padding="8px 14px", max_width="860px")
        super().__init__(
            [*(self._pieces[name] for name in ABOVE), buttons, *(self._pieces[name] for name in BELOW)], layout=frame
        )
        self.look()

    def look(self) -> None:
        """Bring the panel up to date."""
        self._carefully(self._look, "fault")

    def start(self) -> None:
        """Run what is missing, in a process that needs neither this kernel nor its server."""
        self._say("Starting the run …")
        self.start_button.disabled = True
        self._carefully(self._start, "message")

    def stop(self) -> None:
        """Ask the run to end."""
        self.stop_button.disabled = True
        self._carefully(self._stop, "message")

    def follow(self) -> None:
        """Look about once a second until the panel is closed, is laid to rest, or the kernel ends."""
        threading.Thread(target=self._follow, name=f"progress of {self.study}", daemon=True).start()

    def rest(self) -> None:
        """Look no more: a newer panel of the same study does."""
        self._resting.set()
        with self._one_at_a_time:
            self.start_button.disabled = self.stop_button.disabled = True
            self._say("A newer panel of this study goes on from here.")

    def close(self) -> None:
        """End the looking, and the widget."""
        self._resting.set()
        super().close()

    def static_html(self) -> str:
        """The panel as it stands, for where no widget can be shown."""
        pieces = "".join(self._html[name] for name in (*ABOVE, *BELOW))
        return f'<div style="border:1px solid {panel_picture.LINE};padding:8px 14px;max-width:860px">{pieces}</div>'

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle = dict(super()._repr_mimebundle_(**options))
        plain = "\n".join(picture(self.shot)) if self.shot else f"{self.study}: its state cannot be read"
        return {**bundle, "text/html": self.static_html(), "text/plain": plain}

    def _follow(self) -> None:
        seconds = SECONDS_BETWEEN_LOOKS
        while not self._resting.wait(seconds):
            self.look()
            seconds = SECONDS_BETWEEN_LOOKS * (PATIENCE if self._html["fault"] else 1)

    def _look(self) -> None:
        self._followed = self._followed or FollowedStudy(self.study)
        before = self.shot
        self.shot, last = self._followed.look()
        self._show("head", panel_picture.head(self.shot))
        self._show("stages", panel_picture.stages(self.shot))
        self._show("busy", panel_picture.busy(self.shot))
        self._show("failures", panel_picture.failures(self.shot, self._followed.project.shown))
        self._show("last", panel_picture.last_run(last) if last else "")
        self._enable()
        if before and before.run and not self.shot.run:
            self._say("")  # what was said of a run is over with it
        self._show("fault", "")

    def _start(self) -> None:
        followed = self._followed or FollowedStudy(self.study)
        run = start_run(str(followed.path), project=followed.project)
        if isinstance(run, str):  # it has ended well, and there is nothing to follow
            self._say(run)
        else:
            shown = followed.project.shown(run.folder / LOG)
            self._say(f"The run goes on when this tab, this kernel or the server ends; it prints into {shown}.")
        self._look()

    def _stop(self) -> None:
        if self.shot and self.shot.run:
            stop_run(self.shot.run)
            self._stopping = self.shot.run
            self._say("Stopping: running jobs are ended, finished ones are kept.")

    def _enable(self) -> None:
        """Let a button be pressed where pressing it does something."""
        run = self.shot.run if self.shot else None
        missing = self.shot is not None and self.shot.count() > self.shot.count("done")
        self.start_button.disabled = run is not None or not missing
        self.stop_button.disabled = run is None or run == self._stopping or run.host != this_host()

    def _carefully(self, action: Callable[[], None], line: str) -> None:
        """Do it; whatever goes wrong is a line in the panel: it must not break the notebook that it stands in."""
        with self._one_at_a_time:
            if self._resting.is_set():
                return
            try:
                action()
            except Exception as error:
                ours = isinstance(error, RmkitError | OSError)
                text = str(error) if ours else f"{type(error).__name__}: {error}"
                self._show(line, panel_picture.note(text, fault=True))
                self._enable()

    def _say(self, text: str) -> None:
        self._show("message", panel_picture.note(text))

    def _show(self, name: str, html: str) -> None:
        if self._html[name] == html:  # nothing is sent to the browser when nothing changed
            return
        self._html[name], piece = html, self._pieces[name]
        if isinstance(piece, ipywidgets.Output):
            piece.outputs = ({"output_type": "display_data", "data": {"text/html": html}, "metadata": {}},)
        else:
            piece.value = html
        piece.layout.display = None if html else "none"


def _hidden() -> ipywidgets.Layout:
    return ipywidgets.Layout(display="none")


def _button(label: str, icon: str, action: Callable[[], None]) -> ipywidgets.Button:
    button = ipywidgets.Button(description=label, icon=icon, disabled=True, layout=ipywidgets.Layout(width="auto"))
    button.on_click(lambda _: action())
    return button
