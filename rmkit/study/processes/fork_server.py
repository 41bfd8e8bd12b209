"""A process that has imported the heavy packages and forks on request: jobs and kernels start with them loaded.

`python -P -m rmkit.study.processes.fork_server`, ordered by one line of JSON on standard input. It runs no operator of
what it imports, starts no thread and touches no GPU, so that a fork of it is as fresh as a new process; a trial fork
makes sure before anything is served. Each request is a line of JSON over a Unix socket, with the file that takes the
output. The forked process answers with its pid; its parent, a keeper forked for it alone, with the exit code once it
has ended. Linux alone; `forked` is the other side.
"""

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import random
import select
import shutil
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from rmkit.machine.processes import STAMP

MESSAGE_BYTES = 65_536


@dataclass(frozen=True)
class Stamp:
    """The place in this process's first environment where a fork writes its stamp for others to read.

    The system shows a process's environment as it was at its start: what `os.environ` is given later stays unseen, and
    a forked process that nobody can tell from its siblings could not be ended with its job.
    """

    address: int
    capacity: int

    @classmethod
    def found(cls) -> "Stamp | None":
        """The stamp's place, or None if the environment holds none. To be asked before the environment changes."""
        entries = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
        number = 0
        while address := entries[number]:
            text = ctypes.string_at(address)
            if text.startswith(start := f"{STAMP}=".encode()):
                return cls(address + len(start), len(text) - len(start))
            number += 1
        return None

    def write(self, text: str) -> None:
        """Show `text` as this process's stamp; ValueError if it is longer than the place."""
        encoded = text.encode()
        if len(encoded) > self.capacity:
            raise ValueError(f"the stamp {text!r} is longer than {self.capacity} bytes")
        ctypes.memmove(self.address, encoded.ljust(self.capacity, b"\0"), self.capacity)

    def shows(self, text: str) -> bool:
        """Whether the system shows `text` as this process's stamp."""
        return f"{STAMP}={text}\0".encode() in Path("/proc/self/environ").read_bytes()


def serve(listener: socket.socket, stamp: Stamp) -> None:
    """Fork on request until the runner has gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # keepers are nobody's to wait for
    while True:
        if listener.fileno() in select.select([listener.fileno(), sys.stdin.fileno()], [], [])[0]:
            connection, _ = listener.accept()
            with connection, suppress(OSError, ValueError):  # an asker may leave or speak otherwise
                request, output = received(connection)
                try:
                    if os.fork() == 0:
                        listener.close()
                        keep(stamp, request, output, connection)
                except OSError as error:  # no room for another process
                    tell(connection, {"refused": str(error)})
                os.close(output)
        elif not os.read(sys.stdin.fileno(), MESSAGE_BYTES):
            return


def keep(stamp: Stamp, request: dict[str, Any], output: int, connection: socket.socket) -> NoReturn:
    """In a fork of the server: fork the process that was asked for, and tell the asker how it ended."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        pid = os.fork()
        if pid == 0:
            become(stamp, request, output, connection)
        ended = os.pidfd_open(pid)
        if ended not in select.select([ended, connection.fileno()], [], [])[0] and request["ends_with_client"]:
            os.killpg(pid, signal.SIGKILL)  # the asker has closed its end, as the system does for one that dies
        _, status, usage = os.wait4(pid, 0)
        tell(connection, {"code": os.waitstatus_to_exitcode(status), "peak_memory_bytes": usage.ru_maxrss * 1024})
    except OSError as error:
        tell(connection, {"refused": str(error)})
    finally:
        os._exit(0)


def become(stamp: Stamp, request: dict[str, Any], output: int, connection: socket.socket) -> NoReturn:
    """In a fork of the keeper: shed what is the server's, put on what was asked for, and run it to its end."""
    code = 1
    try:
        os.setsid()
        stamp.write(request["environment"].get(STAMP, ""))
        tell(connection, {"pid": os.getpid()})  # only now, when its session and its stamp can end it
        connection.close()
        silence = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((silence, 0), (output, 1), (output, 2)):
            os.dup2(source, target)
        os.close(silence)
        os.close(output)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["environment"])
        random.seed()  # as in a new process; torch's generator starts alike in every process
        if generators := sys.modules.get("numpy.random"):
            generators.seed()
        for name in [name for name in sys.modules if name.partition(".")[0] == request["import_anew"]]:
            del sys.modules[name]  # its files may have changed since the server started
        code = pkgutil.resolve_name(request["target"])(*request["arguments"]) or 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def received(connection: socket.socket) -> tuple[dict[str, Any], int]:
    """A request and the file that takes its output; ValueError or OSError if the asker has gone or speaks otherwise."""
    message, files, _, _ = socket.recv_fds(connection, MESSAGE_BYTES, 1)
    while not message.endswith(b"\n"):
        if not (more := connection.recv(MESSAGE_BYTES)):
            raise ValueError("the request ends too early")
        message += more
    (output,) = files
    return json.loads(message), output


def tell(connection: socket.socket, answer: dict[str, Any]) -> None:
    """A line of JSON to an asker, who may have gone."""
    with suppress(OSError):
        connection.sendall(json.dumps(answer).encode() + b"\n")


def preload(imports: dict[str, list[str]]) -> None:
    """Import modules and the names that are asked of them; what fails here is left to the job, which says so better."""
    for module, names in imports.items():
        with suppress(Exception):
            loaded = importlib.import_module(module)
            for name in names:
                getattr(loaded, name, None)  # what a package loads when it is asked for, as transformers does


def wrong_with_forking(stamp: Stamp) -> str | None:
    """Why forks of this process would not be as good as new processes, or None."""
    if (threads := len(list(Path("/proc/self/task").iterdir()))) > 1:
        return f"the packages that it imported started {threads - 1} threads"
    pid = os.fork()
    if pid == 0:
        stamp.write("trial")
        torch = sys.modules.get("torch")
        os._exit(1 if not stamp.shows("trial") else 2 if torch and torch.cuda._is_in_bad_fork() else 0)
    os.close(os.pidfd_open(pid))  # an OSError before Linux 5.3, and keepers need it
    faults = {0: None, 1: "its stamp cannot be read", 2: "a package that it imported has touched the GPU"}
    return faults.get(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "a trial fork died")


def main() -> int:
    """Import what the order names, then serve at its socket, which is there only then; 0, or 1 if forks will not do."""
    order = json.loads(sys.stdin.buffer.readline())
    stamp = Stamp.found()
    preload(order["imports"])
    if stamp is None or (problem := wrong_with_forking(stamp)):
        print("its environment holds no stamp" if stamp is None else problem, file=sys.stderr)
        return 1
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(f"{order['socket']}.new")
    listener.listen(64)
    Path(f"{order['socket']}.new").rename(order["socket"])
    gc.collect()
    gc.freeze()  # what is loaded stays shared between the forks
    serve(listener, stamp)
    shutil.rmtree(Path(order["socket"]).parent, ignore_errors=True)  # the runner may have been killed
    return 0


if __name__ == "__main__":
    sys.exit(main())
