"""The progress panel without a browser: what it shows, what its buttons do, and that no fault reaches the notebook."""

import html.parser
import json
import re
import subprocess
import sys
from pathlib import Path

from rmkit.study.monitoring.run_record import living, runs
from rmkit.study.monitoring.snapshot import Busy, Failure, Snapshot
from rmkit.widgets.progress import picture
from tests.study.monitoring.recorded_runs import slow

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(1)>\u202e&lt;'
OURS = {"div", "span", "b", "bdi", "table", "tr", "td", "a", "@href", "@style", "@title", "@role", "@aria-label"}

KERNEL = """
import html, json, re, threading, time
from rmkit.study.monitoring.run_record import living, runs
from rmkit.widgets.progress import panel as module
from rmkit.widgets.progress.panel import progress_panel

def said(panel):
    return html.unescape(re.sub("<[^>]*>", " ", panel.static_html()))

def can(panel):
    return [not panel.start_button.disabled, not panel.stop_button.disabled]

def until(condition):
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end, condition
        time.sleep(0.05)
    return found

told = []
"""


def kernel(project, cells, **environment):
    """What cells append to `told`, in a process that sees the project as a notebook's kernel in it does."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{KERNEL}\n{cells}\nprint(json.dumps(told))"],
        cwd=project.root / "notebooks",
        env=project.environment(**environment),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout.splitlines()[-1])


class Elements(html.parser.HTMLParser):
    """The elements of a page with their attributes' names, and its text."""

    def __init__(self, page):
        super().__init__()
        self.found, self.text = set(), ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found |= {tag, *(f"@{name}" for name, _ in attributes)}

    def handle_data(self, data):
        self.text += data


def test_at_rest_it_shows_the_store_and_can_start_a_run(small):
    """With a picture for where there is no widget; a newer panel of a study lays the older one to rest."""
    text, able, study, bundle, older, newer = kernel(
        small,
        """
panel = progress_panel()
told += [said(panel), can(panel), panel.study, panel._repr_mimebundle_()]
newer = progress_panel("small")
panel.look()
told += [[said(panel), can(panel)], [said(newer), can(newer)]]
""",
        RMKIT_STUDY="small",
    )
    assert "0 of 3 jobs done" in text
    assert "no run is going on" in text
    assert able == [True, False]
    assert study == "small"
    assert {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"} <= bundle.keys()
    assert "01_sums" in bundle["text/html"]
    assert "button" not in Elements(bundle["text/html"]).found
    assert bundle["text/plain"].startswith("small: no run is going on; 0 of 3 jobs done")
    assert "newer panel" in older[0]
    assert older[1] == [False, False]
    assert "newer panel" not in newer[0]
    assert newer[1] == [True, False]


def test_a_run_that_a_button_starts_is_followed_in_any_kernel_to_its_end(small):
    """The kernel that starts it ends at once; a second one attaches and starts none, though asked to; a third stops it."""
    _, store = slow(small, 60)
    text, able = kernel(
        small, "panel = progress_panel('small'); panel.start_button.click(); told += [said(panel), can(panel)]"
    )
    (run,) = living(store)
    assert f"runs/runs/{run.id}/output.log" in text
    assert able == [False, True]

    plain, able = kernel(
        small,
        """
panel = progress_panel("small", start=True)
until(lambda: "adding" in said(panel))
told += [panel._repr_mimebundle_()["text/plain"], can(panel)]
""",
    )
    assert plain.startswith("small: running; 1 of 3 jobs done, 2 running; ")
    assert "running  01_sums seed=" in plain
    assert able == [False, True]
    assert runs(store) == [run]

    stopping, stopped, able = kernel(
        small,
        """
panel = progress_panel("small")
panel.stop_button.click()
told += [[said(panel), can(panel)]]
until(lambda: can(panel) == [True, False])
told += [said(panel), can(panel)]
""",
    )
    assert "Stopping: running jobs are ended, finished ones are kept." in stopping[0]
    assert stopping[1] == [False, False]
    assert re.search(r"The last run, \S+ to \S+: interrupted; finished jobs are kept", stopped)
    assert "1 of 3 jobs done" in stopped
    assert "Stopping" not in stopped
    assert living(store) == []


def test_a_run_is_followed_to_a_good_end_after_which_nothing_is_started(small):
    ended, again, n_runs = kernel(
        small,
        """
panel = progress_panel("small", start=True)
until(lambda: "all done" in said(panel))
told += [[said(panel), can(panel)]]
panel = progress_panel("small", start=True)
told += [[said(panel), can(panel)], len(runs(panel._followed.store))]
""",
    )
    assert "3 of 3 jobs done" in ended[0]
    assert re.search(r"The last run, \S+ to \S+: all done", ended[0])
    assert "output.log" not in ended[0]
    assert ended[1] == again[1] == [False, False]
    assert n_runs == 1


def test_a_failed_job_says_why_and_where_its_notebook_lies(small):
    small.edit("notebooks/01_sums.ipynb", "time.sleep(sleep)", "assert seed != 1, 'one <b>is not</b> to be had'")
    assert small.run().returncode == 1
    text, able, outputs = kernel(
        small, "panel = progress_panel('small'); told += [said(panel), can(panel), panel._pieces['failures'].outputs]"
    )
    assert '<a href="../runs/failed/01_sums-' in outputs[0]["data"]["text/html"]  # as seen from notebooks/
    assert "cell 6: AssertionError: one <b>is not</b> to be had" in text
    assert "runs/failed/01_sums-" in text
    assert "ended with failures" in text
    assert able == [True, False]


def test_no_fault_raises_and_each_is_a_line(small):
    """A study that does not plan, until it is mended; a disk that fails; a bug; a run that does not start."""
    (small.root / "params/broken.yaml").write_text("stages: {07_nothing: }", encoding="utf-8")
    nosuch, broken, mended, disk, bug, well, unstarted = kernel(
        small,
        """
for study in ("nosuch", "broken"):
    panel = progress_panel(study, start=True)
    told += [[said(panel), can(panel)]]
panel._followed.path.write_text('{"stages": {"00_numbers": null}}')
panel.look()
told += [[said(panel), can(panel)]]

look = panel._followed.look
for error in (OSError(5, "Input/output error"), ZeroDivisionError("a bug <b>")):
    def fail():
        raise error
    panel._followed.look = fail
    panel.look()
    told += [[said(panel), can(panel)]]
panel._followed.look = look
panel.look()
told += [[said(panel), can(panel)]]

panel._followed.path.write_text('{"stages": {"00_numbers": {"numbers_file": "data/nosuch.json"}}}')
panel.start_button.click()
panel.look()
told += [[said(panel), can(panel)]]
""",
    )
    assert "params/nosuch.yaml: no such study file" in nosuch[0]
    assert "'07_nothing' is not one of" in broken[0]
    assert nosuch[1] == broken[1] == [False, False]
    assert "0 of 1 jobs done" in mended[0]
    assert "07_nothing" not in mended[0]
    assert mended[1] == [True, False]
    assert "Input/output error" in disk[0]
    assert "ZeroDivisionError: a bug <b>" in bug[0]
    assert "ZeroDivisionError" not in well[0]
    assert "data/nosuch.json: No such file or directory" in unstarted[0]


def test_its_thread_ends_with_it_and_an_idle_panel_costs_little(small):
    daemon, alive, planned, changed = kernel(
        small,
        """
from rmkit.study.monitoring import snapshot
planned, plan = [], snapshot.make_plan
snapshot.make_plan = lambda *given: planned.append(1) or plan(*given)
module.SECONDS_BETWEEN_LOOKS = 0.01
panel = progress_panel("small")
(thread,) = [thread for thread in threading.enumerate() if thread.name == "progress of small"]
sent = []
for piece in panel._pieces.values():
    piece.observe(sent.append)
    piece.layout.observe(sent.append)
time.sleep(0.5)
told += [thread.daemon]
panel.close()
thread.join(timeout=5)
told += [thread.is_alive(), len(planned), len(sent)]
""",
    )
    assert daemon
    assert not alive
    assert planned == 1
    assert changed == 0


def test_nothing_of_what_is_shown_is_markup():
    shot = Snapshot(
        HOSTILE, HOSTILE + "title", "running",
        {HOSTILE: dict.fromkeys(("done", "running", "failed", "held up"), 1)},
        (Busy("x", HOSTILE, 3.0, HOSTILE, 1, 2, HOSTILE),),
        (Failure(HOSTILE, HOSTILE, None), Failure(HOSTILE, HOSTILE, Path(HOSTILE))),
        seconds=3.0, sentence=HOSTILE,
    )  # fmt: skip
    pieces = [picture.head, picture.stages, picture.busy, picture.failures]
    pieces += [picture.last_run, lambda shot: picture.note(shot.sentence)]
    for piece in pieces:
        page = Elements(piece(shot))
        assert page.found <= OURS
        assert "\u202e" not in piece(shot)
    assert HOSTILE.replace("\u202e", "⟨RLO⟩") in Elements(picture.busy(shot)).text


def test_a_bar_s_parts_are_as_wide_as_their_numbers_but_a_running_job_is_a_sign():
    shot = Snapshot("s", "s", "running", {"01_sums": {"done": 2, "running": 1, "failed": 4, "waiting": 1}})
    widths = [float(width) for width in re.findall(r"width:([\d.]+)%;background", picture.stages(shot))]
    assert widths == [25.0, 3.0, 50.0]  # how far a running job is nobody knows: it is a sign, and never a full bar
    alone = Snapshot("s", "s", "running", {"01_sums": {"running": 1}})
    assert re.findall(r"width:([\d.]+)%;background", picture.stages(alone)) == ["3.00"]
