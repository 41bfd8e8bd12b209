"""What terminal and notebook say of a run: plain text, made of a snapshot's numbers and names. Draws nothing."""

import textwrap
import time
from collections.abc import Mapping, Sequence

from rmkit.characters import in_one_line
from rmkit.study.monitoring.run_record import Run
from rmkit.study.monitoring.snapshot import RUNNING, Busy, Snapshot


def in_lines(text: str) -> str:
    """One printed line in as many as a notebook shows without breaking words, later ones indented."""
    text = in_one_line(text)
    begun = len(text) - len(text.lstrip())
    return textwrap.fill(text, 96, subsequent_indent=" " * (begun + 4), break_long_words=False, break_on_hyphens=False)


def counted(count: int, what: str) -> str:
    """1 seed, 10 seeds."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def enumerated(parts: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


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
    """5 of 8 jobs done, 2 running, 1 failed; 1 min 20 s, about 40 s left."""
    counts = [f"{shot.count(state)} {state}" for state in ("running", "failed") if shot.count(state)]
    told = [", ".join([f"{shot.count('done')} of {shot.count()} jobs done", *counts])]
    if shot.seconds is not None:
        left = f", {about(shot.seconds_left)} left" if shot.seconds_left is not None else ""
        told.append(f"{duration(shot.seconds)}{left}")
    return "; ".join(told)


def headline(shot: Snapshot) -> str:
    """smoke: running; 5 of 8 jobs done, 1 running; 1 min 20 s, about 40 s left."""
    return f"{shot.study}: {shot.state}; {how_far(shot)}"


def stage_words(counts: Mapping[str, int]) -> str:
    """3 of 8, 2 running, 1 failed, 2 held up. What waits is the rest."""
    others = [f"{counts[state]} {state}" for state in ("running", "failed", "held up") if counts.get(state)]
    return ", ".join([f"{counts.get('done', 0)} of {sum(counts.values())}", *others])


def busy_words(busy: Busy) -> str:
    """fitting linear_bt 3/10, 12 s, executed by process 4711."""
    said = [f"{busy.what} {busy.done}/{busy.total}".strip()] if busy.total else []
    return ", ".join([*said, duration(busy.seconds), *([f"executed by {busy.by}"] if busy.by else [])])


def run_words(run: Run, shot: Snapshot) -> str:
    """process 4711 has been running it since 10:02, or: the last run, 10:02 to 10:05: all done."""
    if shot.state == RUNNING:
        return f"process {run.pid} has been running it since {_clock(run.since)}"
    because = f" ({shot.sentence})" if shot.sentence and not shot.failed else ""
    times = f"{_clock(run.since)} to {_clock(run.since + (shot.seconds or 0.0))}"
    return f"the last run, {times}: {shot.state}{because}"


def _clock(moment: float) -> str:
    """The time of day, with the date if it is not today's."""
    then, today = time.localtime(moment), time.localtime()
    return time.strftime("%H:%M" if then[:3] == today[:3] else "%Y-%m-%d %H:%M", then)
