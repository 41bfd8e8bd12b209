"""Processes forked from a server that has already imported what they need: asking for one, and holding it.

The other side of `fork_server`. A `Forked` process is held as `subprocess.Popen` holds a started one, though its parent
is another. Knows sockets and pids; not what the processes do.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from rmkit.machine.processes import STAMP
from rmkit.study.processes.fork_server import MESSAGE_BYTES
from rmkit.study.processes.private_folders import PrivateFolder

SOCKET_VARIABLE = "RMKIT_FORK_SERVER"  # tells a job process where it may ask for a kernel
STAMP_BYTES = 200  # room for the longest stamp
SECONDS_BETWEEN_LOOKS = 0.005
SECONDS_TO_IMPORT = 300.0  # longer than the slowest disk needs
SERVERS_OWN = {
    "JE_ARROW_MALLOC_CONF": "background_thread:false",  # pyarrow's allocator would start one when it is loaded
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",  # a kernel has it; read when matplotlib is loaded
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # asking whether there is a GPU must not touch it
}


class Forked:
    """A process that a fork server started for us."""

    stdin = stdout = stderr = None  # as of a Popen without pipes

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._heard = connection, b""
        self.returncode: int | None = None
        self.peak_memory_bytes = 0
        answer = self._line()
        if "pid" not in answer:
            raise ConnectionError(f"the fork server could not fork: {answer.get('refused', 'the fork ended at once')}")
        self.pid: int = answer["pid"]
        connection.setblocking(False)

    def poll(self) -> int | None:
        """The exit code, negative for a signal, or None while it runs; -SIGKILL where its keeper has gone."""
        if self.returncode is None:
            try:
                end = self._line()
                self.returncode, self.peak_memory_bytes = end["code"], end["peak_memory_bytes"]
            except BlockingIOError:
                return None
            except (OSError, ValueError):
                self.returncode = -signal.SIGKILL
            self._connection.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended; subprocess.TimeoutExpired after so many seconds."""
        until = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _line(self) -> dict[str, Any]:
        """The server's next answer; BlockingIOError if none has come, ValueError if the server has gone."""
        while b"\n" not in self._heard:
            if not (more := self._connection.recv(MESSAGE_BYTES)):
                raise ValueError("the fork server has gone")
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\n")
        return json.loads(line)


def fork(
    server: str | Path,
    target: str,
    arguments: Sequence[Any],
    *,
    output: int,
    cwd: str | Path,
    environment: Mapping[str, str],
    ends_with_caller: bool = False,
    import_anew: str = "",
) -> Forked:
    """Ask the server at a socket for a process that calls `target` ("module:function"); OSError if it has gone.

    output: the file that takes what it prints. ends_with_caller: it is killed when this process ends. import_anew: a
    package whose modules it shall not share with the server.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    request = {
        "target": target,
        "arguments": list(arguments),
        "cwd": str(cwd),
        "environment": dict(environment),
        "ends_with_client": ends_with_caller,
        "import_anew": import_anew,
    }
    try:
        connection.connect(str(server))
        message = json.dumps(request).encode() + b"\n"
        sent = socket.send_fds(connection, [message], [output])
        if rest := message[sent:]:  # to send nothing is an error once a short process has ended and its keeper has gone
            connection.sendall(rest)
        return Forked(connection)
    except (OSError, ValueError) as error:
        connection.close()
        raise ConnectionError(f"{server}: {error}") from None


class ForkServerProcess:
    """A fork server of this process's own: started at once, ready when its imports are done, gone when closed."""

    def __init__(self, imports: Mapping[str, Sequence[str]], environment: Mapping[str, str]) -> None:
        self._private = PrivateFolder()
        self._folder = self._private.path
        self._since = time.monotonic()
        self.socket = str(self._folder / "fork")  # there once it serves
        self.refused: str | None = None  # why it does not serve
        with (self._folder / "said").open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rmkit.study.processes.fork_server"],
                stdin=subprocess.PIPE,
                stdout=said,
                stderr=said,
                env={**environment, **SERVERS_OWN, STAMP: "-" * STAMP_BYTES},
                start_new_session=True,
            )
        self._input = cast(IO[bytes], self.process.stdin)
        order = {"imports": {module: list(names) for module, names in imports.items()}, "socket": self.socket}
        with suppress(BrokenPipeError):
            self._input.write(json.dumps(order).encode() + b"\n")
            self._input.flush()

    def ready(self) -> bool:
        """Whether it serves; `refused` says why it never will."""
        serves = Path(self.socket).exists()
        if self.refused is None and self.process.poll() is not None:
            self.refused = f"it ended with {self.process.returncode}{self._last_word()}"
        elif self.refused is None and not serves and time.monotonic() - self._since > SECONDS_TO_IMPORT:
            self.process.kill()
            self.refused = f"its imports took more than {SECONDS_TO_IMPORT:.0f} s"
        return serves and self.refused is None

    def _last_word(self) -> str:
        """What it said before it ended, or nothing."""
        with suppress(OSError):
            lines = (self._folder / "said").read_text(errors="replace", encoding="utf-8").strip().splitlines()
            return f": {lines[-1]}" if lines else ""
        return ""

    def close(self) -> None:
        """Let it end; what it forked goes on."""
        with suppress(OSError):
            self._input.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=5)
        self._private.close()
