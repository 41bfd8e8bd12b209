"""What a command prints: the one door to the terminal, through which no character passes that moves or hides text.

Parameters, paths and names may hold anything. Knows lines; not what they say.
"""

import errno
import os
import stat
import sys
from pathlib import Path

from rmkit.characters import in_one_line
from rmkit.errors import StoreError
from rmkit.study.store.disk import disk_sentence


def say(*lines: object, error: bool = False) -> None:
    """Print each as one line, hidden characters as signs. That nobody reads them any more ends no run: `| head`, or a
    terminal that was closed.

    error: to stderr. StoreError where a full disk takes no more of stdout.
    """
    stream = sys.stderr if error else sys.stdout
    try:
        print(*(in_one_line(str(line)) for line in lines), sep="\n", file=stream, flush=True)
    except OSError as fault:
        unread = isinstance(fault, BrokenPipeError) or (fault.errno == errno.EIO and _is_terminal(stream.fileno()))
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # what is left to be flushed goes there too
        if not (error or unread):
            raise StoreError(disk_sentence(fault, Path("what is printed"))) from None


def _is_terminal(descriptor: int) -> bool:
    """Whether it is, or was: one that was closed is no terminal any more to `isatty`."""
    return stat.S_ISCHR(os.fstat(descriptor).st_mode)
