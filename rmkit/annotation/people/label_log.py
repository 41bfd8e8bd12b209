"""What people said, as a file that only grows: a line of JSON for each decision, on the disk before the next is asked.

    labels.jsonl          one row a line: `claim`, `label`, `undo` or `release`; a row's number is its line's
    labels.jsonl.torn     what a kill left half written; made only where that happened

A row is one write that ends in a line break, then `fsync`. So a process that is killed at any byte leaves at most its
own last line without an end. Who opens the file next, or writes next, completes that line where it is whole, and sets
it aside where it is not: it never runs into the next row. A line further up that cannot be read is damage that no kill
makes, and a DataError with its number. Nothing is ever changed in place: to undo is a new row that names the one that
it undoes. Writers take turns by the operating system's lock on the file, which ends with its process.

Knows rows and bytes; not which rows make sense after which (queue.py).
"""

import errno
import fcntl
import json
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, get_args, get_type_hints

from rmkit.annotation.people.names import check_annotator
from rmkit.errors import DataError, ParamsError, StoreError, cut, not_one_of, quoted
from rmkit.files.durable import fsync
from rmkit.files.regular import json_value, require_regular, why_unreadable

Answer = Literal["first", "second", "tie", "skip"]
FIRST: Final = "first"
SECOND: Final = "second"
TIE: Final = "tie"
SKIP: Final = "skip"
ANSWERS: tuple[Answer, ...] = (FIRST, SECOND, TIE, SKIP)  # which response won; a skip says nothing of the pair
TORN = ".torn"
START = b'{"kind": "'  # of every row
LARGEST_FILE = 2**30  # bytes: some million decisions
LOCK_SECONDS = 10.0  # that a writer waits for another; a turn takes milliseconds
LARGEST = 2**53
HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Pick:
    """A pair to ask about, and why: what is kept of the choice beside the answer."""

    pair: str  # ids are of the texts (see `pair_id`), so that they outlive an edited file
    first: str
    second: str
    rule: str  # which rule picked it
    known: int = 0  # labels that its model had learned from
    score: float | None = None  # by which the rule ranked it
    probability: float | None = None  # that the first wins, by the model of that time, which never saw the answer
    gain: float | None = None  # information that the answer was expected to give, in nats
    stale: bool = False  # whether labels came in after the model was fitted that picked it


@dataclass(frozen=True)
class Claim:
    """Somebody is looking at a pair: until then nobody else is shown it."""

    pick: Pick
    shown_left: str  # the id of the response on the left, drawn at random
    annotator: str
    window: str
    host: str
    pid: int
    started: float  # when that process started, so that a number given again is told apart
    shown_at: float  # seconds since 1970
    until: float


@dataclass(frozen=True)
class Label:
    """One decision."""

    pick: Pick
    shown_left: str | None  # None where nobody knows: an imported label
    annotator: str
    window: str
    shown_at: float | None
    answered_at: float
    answer: Answer

    @property
    def winner(self) -> str | None:
        """The id of the better response; None of a tie or a skip."""
        return {FIRST: self.pick.first, SECOND: self.pick.second}.get(self.answer)


@dataclass(frozen=True)
class Undo:
    """A label is taken back: `undoes` is its row."""

    undoes: int
    annotator: str
    window: str
    at: float


@dataclass(frozen=True)
class Release:
    """A window is done with what it claimed."""

    window: str
    at: float


Row = Claim | Label | Undo | Release
KINDS: dict[str, type[Row]] = {"claim": Claim, "label": Label, "undo": Undo, "release": Release}
NAMES = {kind: name for name, kind in KINDS.items()}


class LabelLog:
    """The rows of a log, and the only way to add some. Opening makes the file if there is none, and repairs its end."""

    def __init__(self, path: str | Path) -> None:
        """DataError for a file that is no log, StoreError for a disk that refuses."""
        self.path = Path(path)
        self.rows: list[Row] = []  # row n of the file is rows[n - 1]
        self.told: list[str] = []  # what was set aside, a sentence each
        self._end, self._turn = 0, threading.RLock()
        self._place = self.path.absolute()  # wherever the process goes
        try:
            if self.path.exists() or self.path.is_symlink():
                require_regular(self.path)
            else:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC
            self._file = os.open(self.path, flags, 0o644)
            fsync(self.path.parent)
        except (OSError, ValueError) as fault:  # a NUL in the path is no OSError
            why = why_unreadable(fault) if isinstance(fault, OSError) else f"can be no path ({fault})"
            raise StoreError(f"{cut(str(self.path))}: {why}; name another file for the labels") from None
        try:
            with self.turn():
                pass
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Give the file back; a second time does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    @property
    def is_open(self) -> bool:
        return self._file >= 0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold the file alone, its rows read up to the last: what they say is still true when more are written."""
        with self._turn:
            if self._file < 0:
                raise StoreError(f"{self.path}: is closed; open the labels again")
            _lock(self._file, self.path)
            try:
                self._require_there()
                self._read_new()
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    def append(self, rows: Sequence[Row]) -> list[int]:
        """Write rows within a turn, all or none, and bring them onto the disk; their numbers.

        StoreError where the disk refuses; then nothing was written.
        """
        content = "".join(encoded(row) + "\n" for row in rows).encode()
        written = 0
        try:
            while written < len(content):
                written += os.write(self._file, content[written:])
            os.fsync(self._file)
        except OSError as fault:
            os.ftruncate(self._file, self._end)
            remedy = "free some space" if fault.errno in (errno.ENOSPC, errno.EDQUOT) else "mend that"
            raise StoreError(f"{self.path}: {fault.strerror}; {remedy} and answer again, nothing was written") from None
        self._end += len(content)
        self.rows += rows
        return list(range(len(self.rows) - len(rows) + 1, len(self.rows) + 1))

    def _require_there(self) -> None:
        """DataError where the path no longer leads to the open file: what is written there, nobody would find."""
        try:
            same = os.path.samestat(self._place.stat(), os.fstat(self._file))
        except OSError:
            same = False
        if not same:
            remedy = "put it back, or open the labels again to go on with what is there now"
            raise DataError(f"{self.path}: was moved, deleted or replaced while it was open; {remedy}")

    def _read_new(self) -> None:
        size = os.fstat(self._file).st_size
        if size < self._end:
            raise DataError(f"{self.path}: became shorter while it was open; only rows may be added: open it again")
        if size > LARGEST_FILE:
            raise DataError(f"{self.path}: holds {size:,} bytes, and no file of labels is so large; name another")
        *lines, tail = os.pread(self._file, size - self._end, self._end).split(b"\n")
        if lines and not tail and b"\0" in lines[-1]:  # what a machine that lost power may leave of a block
            tail = lines.pop() + b"\n"
        for line in lines:
            row = decoded(line, f"{self.path}, line {len(self.rows) + 1}")
            self.rows.append(row)
            self._end += len(line) + 1
        if tail:
            self._repair(tail)

    def _repair(self, tail: bytes) -> None:
        """Complete a last line that is whole but for its end; set any other aside."""
        where = f"{self.path}, line {len(self.rows) + 1}"
        try:
            row = decoded(tail, where)
        except DataError:
            if not self.rows and tail.strip(b"\0")[: len(START)] != START[: len(tail.strip(b"\0"))]:
                raise DataError(f"{where}: is no row of labels; name another file, this one is left as it is") from None
            aside = self.path.with_name(self.path.name + TORN)
            with aside.open("ab") as file:
                file.write(tail.rstrip(b"\n") + b"\n")
                file.flush()
                os.fsync(file.fileno())
            os.ftruncate(self._file, self._end)
            os.fsync(self._file)
            self.told.append(
                f"{where}: was cut short after {len(tail)} bytes, as by a kill; it is set aside in {aside.name}"
            )
        else:
            os.write(self._file, b"\n")
            os.fsync(self._file)
            self.rows.append(row)
            self._end += len(tail) + 1


def encoded(row: Row) -> str:
    """A row as a line of JSON."""
    return json.dumps({"kind": NAMES[type(row)]} | asdict(row), ensure_ascii=False, allow_nan=False)


def decoded(line: bytes, where: str) -> Row:
    """The row that a line holds, or DataError with where it stands."""
    remedy = "no row is ever changed: take the file back from a copy, or delete that line"
    try:
        held = json_value(line.decode("utf-8"), finite=True)
    except ValueError:
        raise DataError(f"{where}: is damaged, no line of JSON; {remedy}") from None
    if not isinstance(held, dict) or held.get("kind") not in list(KINDS):  # what is no text has no hash, perhaps
        found = not_one_of(held.get("kind"), KINDS) if isinstance(held, dict) else "is no object"
        raise DataError(f"{where}: its kind {found}; is this a file of labels?")
    kind = KINDS[held.pop("kind")]
    if wrong := _wrong_in(kind, held):
        raise DataError(f"{where}: {wrong}; {remedy}")
    if "annotator" in held:
        try:
            check_annotator(held["annotator"])
        except ParamsError as fault:
            raise DataError(f"{where}: {fault}; {remedy}") from None
    if "pick" in held:
        held["pick"] = Pick(**held["pick"])
        if wrong := _odd_in(held["pick"], held["shown_left"]):
            raise DataError(f"{where}: {wrong}; {remedy}")
    return kind(**held)


def pair_name(first: str, second: str) -> str:
    """The id of a pair of responses, in whichever order they come."""
    return "-".join(sorted((first, second)))


def _wrong_in(kind: type, held: Any) -> str:
    """What keeps a mapping from being a row of a kind; empty if nothing does."""
    hints = get_type_hints(kind)
    names = [each.name for each in fields(kind)]
    if odd := [name for name in (*held, *names) if (name in held) != (name in names)]:
        return f"{cut(odd[0], 40)!r} is {'missing' if odd[0] in names else 'no field of it'}"
    for name, value in held.items():
        hint = hints[name]
        if hint is Pick:
            if wrong := _wrong_in(Pick, value) if isinstance(value, dict) else "is no object":
                return f"pick: {wrong}"
        elif not _is(value, hint):
            return f"{name!r} is {quoted(value)}"
    return ""


def _odd_in(pick: Pick, shown_left: str | None) -> str:
    """What the values of a pick cannot be together, though each is of its type; empty if nothing."""
    if pick.first == pick.second or pick.pair != pair_name(pick.first, pick.second):
        return f"pick: 'pair' is {quoted(pick.pair)}, which is not the pair of its 'first' and 'second'"
    if shown_left not in (pick.first, pick.second, None):
        return f"'shown_left' is {quoted(shown_left)}, which is none of the pair"
    if pick.probability is not None and not 0 <= pick.probability <= 1:
        return f"pick: 'probability' is {pick.probability}, and it must lie between 0 and 1"
    return ""


def _is(value: object, hint: Any) -> bool:
    if isinstance(hint, UnionType):
        return any(_is(value, one) for one in get_args(hint))
    if literals := get_args(hint):
        return value in literals
    if hint in (int, float):
        return isinstance(value, int | hint) and not isinstance(value, bool) and abs(value) < LARGEST
    # half of a character is a text to Python, and no file can hold it
    return isinstance(value, hint) and not (isinstance(value, str) and HALF.search(value))


def _lock(file: int, path: Path) -> None:
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise StoreError(
                    f"{path}: another process has held it for {LOCK_SECONDS:.0f} s; end that one"
                ) from None
            time.sleep(0.005)
        except OSError as fault:
            raise StoreError(f"{path}: cannot be locked ({fault.strerror}); keep it on a disk with locks") from None
