"""What registries name, imported once before a run's first job, in a process of its own: what only an import shows.

A class that cannot be made, or lacks what its protocol asks for, would else end a job after all that it waits for.
"""

import inspect
import traceback
from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name

from rmkit.errors import cut

FINISHED = "all of it was imported"  # the last line of a process that came to its end


def import_named(entries: Sequence[Sequence[str]]) -> int:
    """0 after a line that says that it came to its end, or 1 after one with what is wrong with the first wrong entry.

    entries: (the entry in words, "module:Class", "module:Class" of its protocol) each. Before one is imported, its
    words are a line, so that it is known which one ends the process or comes to no end.
    """
    for said, target, protocol in entries:
        print(f"\n{said}", flush=True)
        try:
            found, promised = resolve_name(target), resolve_name(protocol)
        except BaseException as error:  # KeyboardInterrupt too: this process has no terminal
            print(f"\n{said}, and it cannot be imported: {_in_words(error)}")
            return 1
        fields = {name for base in found.__mro__ for name in inspect.get_annotations(base)}
        if lacks := [member for member in _members(promised) if not hasattr(found, member) and member not in fields]:
            print(f"\n{said}, and it lacks {', '.join(lacks)}, which {protocol.replace(':', '.')} asks for")
            return 1
    print(f"\n{FINISHED}", flush=True)  # an import may end the process with 0 too
    return 0


def _members(protocol: type) -> list[str]:
    """The public names that a protocol asks for."""
    asked = [base for base in reversed(protocol.__mro__) if getattr(base, "_is_protocol", False)]
    names = [name for base in asked for name in (*vars(base), *inspect.get_annotations(base))]
    return [name for name in dict.fromkeys(names) if not name.startswith("_")]


def _in_words(error: BaseException) -> str:
    """An exception in one line, with the line of rmkit that raised it."""
    ours = [frame for frame in traceback.extract_tb(error.__traceback__) if "rmkit" in Path(frame.filename).parts]
    place = [f"{Path(frame.filename).name}, line {frame.lineno}" for frame in ours if "study" not in frame.filename][
        -1:
    ]
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = "it cannot be printed"
    return f"{type(error).__name__}: {cut(text)}" + "".join(f" ({where})" for where in place)


def fault_of(entries: Sequence[Sequence[str]], code: int | None, said: str, *, seconds: float) -> str | None:
    """What `import_named` found wrong, in one line, from its exit code (None: it was stopped after so many seconds) and
    what it printed; None for nothing."""
    lines = said.splitlines()
    if code == 0 and FINISHED in lines:
        return None
    words = [words for words, *_ in entries]
    told = [line for line in lines if line.startswith(tuple(words))]
    if told and told[-1] not in words:
        return told[-1]
    ended = f"took longer than {seconds:g} s" if code is None else f"ended the process ({code})"
    return f"{told[-1] if told else ', '.join(words)}, and importing it {ended}"
