"""What terminal and notebook say of a run: plain text, made of a snapshot's numbers and names. Draws nothing."""

import textwrap
import time

from rmkit.study.monitoring.run_record import Run
from rmkit.study.monitoring.snapshot import HELD_UP, Busy, Snapshot, StageCount

STATE_WORDS = {
    "running": "running",
    "ended well": "all done",
    "ended with failures": "ended with failures",
    "interrupted": "interrupted; finished jobs are kept",
    "ended without a word": "ended without a word: its process was killed, or the machine went down",
    "at rest": "no run is going on",
}


def in_lines(text: str) -> str:
    """One printed line in as many as a notebook shows without breaking words, later ones indented."""
    begun = len(text) - len(text.lstrip())
    return textwrap.fill(text, 96, subsequent_indent=" " * (begun + 4), break_long_words=False, break_on_hyphens=False)


def duration(seconds: float) -> str:
    """A time as people say it: 42 s, 3 min 20 s, 25 min, 2 h 5 min."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def about(seconds: float) -> str:
    """An estimated time, no finer than it deserves: about 20 s, about 4 min, about 2 h."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds, -1):.0f} s"
    return f"about {round(seconds / 60)} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def how_far(shot: Snapshot) -> str:
    """5 of 8 jobs done, 2 running, 1 failed."""
    whole = [f"{shot.count('done')} of {shot.count('jobs')} jobs done"]
    return ", ".join(
        [*whole, *(f"{shot.count(state)} {state}" for state in ("running", "failed") if shot.count(state))]
    )


def times(shot: Snapshot) -> str:
    """How long a run has been going on, and how long it may still take; empty where there is no run."""
    if shot.seconds is None:
        return ""
    left = f", {about(shot.seconds_left)} left" if shot.seconds_left is not None else ""
    return f"{duration(shot.seconds)}{left}"


def state_words(shot: Snapshot) -> str:
    """The state in words. A study at rest of which all is done needs no run."""
    if shot.state == "at rest" and shot.count("done") == shot.count("jobs"):
        return "all done"
    if shot.state == "at rest" and shot.busy:
        return "jobs are running"
    if shot.state == "at rest" and shot.failed:
        return "some jobs failed; no run is going on"
    return STATE_WORDS[shot.state]


def headline(shot: Snapshot) -> str:
    """smoke: running, 5 of 8 jobs done, 1 running; 1 min 20 s, about 40 s left."""
    said = times(shot)
    return f"{shot.study}: {state_words(shot)}; {how_far(shot)}{f'; {said}' if said else ''}"


def stage_words(stage: StageCount) -> str:
    """3 of 8, 2 running, 1 failed, 2 held up. What waits is the rest."""
    counts = {"running": stage.running, "failed": stage.failed, HELD_UP: stage.held_up}
    return ", ".join(
        [f"{stage.done} of {stage.jobs}", *(f"{count} {state}" for state, count in counts.items() if count)]
    )


def progress_words(busy: Busy) -> str:
    """fitting linear_bt 3/10, 12 s, by process 4711."""
    said = [f"{busy.what} {busy.done}/{busy.total}".strip()] if busy.total else []
    said += [duration(busy.seconds)] if busy.seconds is not None else []
    return ", ".join([*said, *([f"executed by {busy.by}"] if busy.by else [])])


def busy_words(busy: Busy) -> str:
    """04_reward_models seed=3: fitting linear_bt 3/10, 12 s."""
    said = progress_words(busy)
    return f"{busy.title}: {said}" if said else busy.title


def run_words(run: Run, shot: Snapshot) -> str:
    """process 4711 runs it since 10:02: 3 min 20 s, about 40 s left."""
    if shot.state == "running":
        return f"process {run.pid} runs it since {clock(run.since)}: {times(shot)}"
    end = clock(run.since + (shot.seconds or 0.0))
    how = {"ended well": "ended well", "interrupted": f"was {STATE_WORDS['interrupted']}"}
    return f"the last run, {clock(run.since)} to {end}, {how.get(shot.state, STATE_WORDS[shot.state])}"


def clock(moment: float) -> str:
    """The time of day, with the date if it is not today's."""
    then, today = time.localtime(moment), time.localtime()
    return time.strftime("%H:%M" if then[:3] == today[:3] else "%Y-%m-%d %H:%M", then)
