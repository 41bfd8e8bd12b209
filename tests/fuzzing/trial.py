"""One input, tried: `rmkit` in a fork of this process, with its exit code, lines, seconds and memory; then judged.

What is promised of every input: the exit code is 0, 1 or 2 as documented. Who refuses says so in one line, without a
traceback. No line is endless or holds characters that hide or reorder text. It takes under 20 s and 1 GB. A command that
only looks changes nothing in the store; one that runs leaves sound jobs as they are, and neither a process nor a
temporary file behind.
"""

import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzzing.places import Place, entries

SECONDS, MEGABYTES = 20.0, 1000.0  # under which every input must be
LINE = 2001  # characters of a message: two thousand and the sign that it was cut
MARK = "TRIAL"  # a variable of the environment that names the child which started a process
BROKEN = 70  # the exit code of a child that ended in an exception
TRACEBACK = re.compile(r"Traceback \(most recent call last\)|^\w+(\.\w+)*(Error|Exception|Warning): ", re.MULTILINE)


@dataclass(frozen=True)
class Trial:
    """A command and what is expected of it."""

    arguments: tuple[str, ...]
    place: Place
    codes: tuple[int, ...] = (0, 1, 2)
    runs: bool = False  # it may write to the store: jobs that are sound stay
    damaged: frozenset[str] = frozenset()  # jobs that are not sound
    environment: Mapping[str, str] = field(default_factory=dict)
    then: Callable[[], object] | None = None  # done where the command accepts: what it accepted is read
    shown: str = ""  # the input in a few words, where the arguments do not say it


@dataclass(frozen=True)
class Outcome:
    """How it ended, and what was wrong with that, a short name for each kind of fault with its detail."""

    code: int
    seconds: float
    megabytes: float
    faults: tuple[tuple[str, str], ...]
    said: str  # the last line on standard error, or on standard output


def tried(trial: Trial, *, seconds: float = SECONDS) -> Outcome:
    """Try an input; the faults are empty where all that is promised holds."""
    before = entries(trial.place.store)
    out, err = (trial.place.root.parent / name for name in ("out", "err"))
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_the_command(trial, out, err)
    code, megabytes, ended = _waited_for(child, started + seconds)
    took = time.monotonic() - started
    said, refused = (path.read_bytes().decode("utf-8", "backslashreplace") for path in (out, err))
    faults = [*_faults_of_the_end(trial, code, ended), *_faults_of_the_words(code, said, refused)]
    if took >= seconds or megabytes >= MEGABYTES:
        faults.append(("time" if took >= seconds else "memory", f"{took:.1f} s, {megabytes:.0f} MB"))
    faults += _faults_of_what_is_left(trial, child, ended, before)
    last = (refused.strip() or said.strip() or " ").splitlines()[-1]
    return Outcome(code, took, megabytes, tuple(faults), last)


def _be_the_command(trial: Trial, out: Path, err: Path) -> None:
    """The child: `rmkit ARGUMENTS` in the project; does not return."""
    code = BROKEN
    try:
        os.setsid()
        for descriptor, path in enumerate((Path(os.devnull), out, err)):
            how = os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            os.dup2(os.open(path, how, 0o600), descriptor)
        sys.stdout, sys.stderr = (open(number, "w", encoding="utf-8", closefd=False) for number in (1, 2))  # noqa: SIM115
        os.chdir(trial.place.root)
        os.environ.update(
            {"TMPDIR": str(trial.place.scratch), "COLUMNS": "100", MARK: str(os.getpid()), **trial.environment}
        )
        signal.signal(signal.SIGINT, signal.default_int_handler)
        from rmkit.cli import main
        from rmkit.errors import RmkitError

        try:
            code = main(trial.arguments)
            if code == 0 and trial.then:
                trial.then()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        except RmkitError as error:
            print(error, file=sys.stderr)
            code = error.exit_code
    except BaseException:
        with suppress(BaseException):
            traceback.print_exc()
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _waited_for(child: int, end: float) -> tuple[int, float, str]:
    """The child's exit code (negative: a signal), its largest megabytes, and why it was ended, if it was."""
    why, pause = "", 0.002
    while True:
        pid, status, usage = os.wait4(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status), usage.ru_maxrss / 1000, why
        if not why and (why := _too_much(child, end)):
            os.killpg(child, signal.SIGKILL)
        time.sleep(pause)
        pause = min(0.02, pause * 1.2)


def _too_much(child: int, end: float) -> str:
    if time.monotonic() > end:
        return "ended after its time"
    with suppress(OSError, ValueError, IndexError):
        resident = int(Path(f"/proc/{child}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return "ended for its memory" if resident > 1.5e6 * MEGABYTES else ""
    return ""


def _faults_of_the_end(trial: Trial, code: int, ended: str) -> list[tuple[str, str]]:
    if ended:
        return []  # counted as time or memory
    if code == BROKEN:
        return []  # counted as a traceback
    return [] if code in trial.codes else [("exit", f"code {code}, and {trial.codes} are documented")]


def _faults_of_the_words(code: int, said: str, refused: str) -> list[tuple[str, str]]:
    from rmkit.characters import HIDDEN

    lines = [line for line in refused.splitlines() if line.strip() and not line.startswith(("warning: ", "note: "))]
    if code == BROKEN or "Traceback (most recent" in said + refused:
        return [("traceback", f"{_frame(refused)}: {lines[-1][:150] if lines else ''}")]
    faults = []
    wanted = 0 if code == 0 else 1
    if code >= 0 and len(lines) != wanted:
        faults.append(("lines", f"{len(lines)} on standard error with code {code}: {lines[:1]}"))
    if long := [line for line in (said + refused).splitlines() if len(line) > LINE]:
        faults.append(("long", f"{len(long[0])} characters: {long[0][:80]}…"))
    if hidden := HIDDEN.search(said + refused):
        faults.append(("characters", f"U+{ord(hidden.group()):04X} in {(said + refused)[: hidden.end()][-60:]!r}"))
    return faults


def _frame(refused: str) -> str:
    """The innermost place of a traceback that is in rmkit."""
    found = re.findall(r'File "[^"]*?(rmkit/[^"]+)", line (\d+), in (\S+)', refused)
    return "{}:{} {}".format(*found[-1]) if found else "somewhere"


def _faults_of_what_is_left(
    trial: Trial, child: int, ended: str, before: Mapping[str, tuple[int, ...]]
) -> list[tuple[str, str]]:
    faults = []
    after = entries(trial.place.store)
    changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if trial.runs:
        changed = [name for name in changed if name.startswith("jobs/") and name.split("/")[1] not in trial.damaged]
        changed = [
            name
            for name in changed
            if name.split("/")[1] in {path.split("/")[1] for path in before if path.startswith("jobs/")}
        ]
    if changed:
        faults.append(("store", f"{len(changed)} changed, first {changed[0]}"))
    if left := sorted(path.name for path in trial.place.scratch.iterdir()):
        faults.append(("temporary", f"{len(left)} left, first {left[0]}"))
    if living := _left(child, trial.runs):
        if not ended:
            faults.append(("process", f"{len(living)} left: {living}"))
        for pid in living:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    return faults


def _left(child: int, runs: bool, patience: float = 2.0) -> list[int]:
    """The living processes of the child's session, and where it runs jobs of those that started under its mark.

    Looked for until there are none or patience ends.
    """
    end = time.monotonic() + patience
    while found := [pid for pid in _pids() if _session_of(pid) == child or (runs and _is_marked(pid, child))]:
        if time.monotonic() > end:
            return found
        time.sleep(0.05)
    return []


def _is_marked(pid: int, child: int) -> bool:
    with suppress(OSError):
        return (
            f"{MARK}={child}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes() and _session_of(pid) is not None
        )
    return False


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208


def _session_of(pid: int) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        state, _, _, session = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2].split()[:4]
        return None if state == b"Z" else int(session)
    return None
