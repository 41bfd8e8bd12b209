"""A process that has imported the heavy packages and forks on request: jobs and kernels start with them loaded.

`python -P -m rmkit.study.processes.fork_server`, ordered by one line of JSON on standard input. It runs no operator of
what it imports, starts no thread and touches no GPU, so that a fork of it is as fresh as a new process; a trial fork
makes sure before anything is served. Each request is a line of JSON over a Unix socket, with the file that takes the
output. The forked process answers with its pid, the server with the exit code once it has ended. Linux alone; `forked`
is the other side.
"""

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import random
import selectors
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


class ForkServer:
    """What waits and what runs: the listening socket, the runner that may go, the forked processes."""

    def __init__(self, listener: socket.socket, stamp: Stamp) -> None:
        self.listener, self.stamp = listener, stamp
        self.children: dict[int, tuple[socket.socket, bool]] = {}  # who asked, and whether it ends when the asker does
        self.runner_is_there = True
        self.selector = selectors.DefaultSelector()
        self.wake, waking = socket.socketpair()
        self.own: list[socket.socket] = [listener, self.wake, waking]
        for end in (self.wake, waking):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # a handler, so that a byte comes over the wake-up socket
        signal.set_wakeup_fd(waking.fileno())

    def serve(self) -> None:
        """Fork on request until the runner has gone and every forked process has ended."""
        self.selector.register(self.listener, selectors.EVENT_READ, self._accept)
        self.selector.register(self.wake, selectors.EVENT_READ, self._reap)
        self.selector.register(sys.stdin.fileno(), selectors.EVENT_READ, self._runner_gone)
        while self.runner_is_there or self.children:
            for key, _ in self.selector.select():
                if self.selector.get_map().get(key.fd) == key:  # not closed by what came before it in this turn
                    key.data(key.fileobj)

    def _runner_gone(self, standard_input: int) -> None:
        if not os.read(standard_input, MESSAGE_BYTES):
            self.runner_is_there = False
            self.selector.unregister(standard_input)

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        try:
            request, output = received(connection)
        except (OSError, ValueError):
            connection.close()
            return
        try:
            pid = os.fork()
        except OSError as error:  # no room for another process
            tell(connection, {"refused": str(error)})
            connection.close()
            os.close(output)
            return
        if pid == 0:
            self._become(request, output, connection)
        os.close(output)
        self.children[pid] = (connection, request["ends_with_client"])
        self.selector.register(connection, selectors.EVENT_READ, self._client_gone)

    def _client_gone(self, connection: socket.socket) -> None:
        """The asker has closed its end, as the system does for a process that dies."""
        self.selector.unregister(connection)
        for pid, (asker, ends_with_asker) in self.children.items():
            if asker is connection and ends_with_asker:
                with suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)

    def _reap(self, wake: socket.socket) -> None:
        with suppress(BlockingIOError):
            wake.recv(MESSAGE_BYTES)
        for pid in list(self.children):
            ended, status, usage = os.wait4(pid, os.WNOHANG)
            if ended:
                connection, _ = self.children.pop(pid)
                with suppress(KeyError):
                    self.selector.unregister(connection)
                code = os.waitstatus_to_exitcode(status)
                tell(connection, {"code": code, "peak_memory_bytes": usage.ru_maxrss * 1024})
                connection.close()

    def _become(self, request: dict[str, Any], output: int, connection: socket.socket) -> NoReturn:
        """In the fork: shed what is the server's, put on what was asked for, and run it to its end."""
        code = 1
        try:
            os.setsid()
            self.stamp.write(request["environment"].get(STAMP, ""))
            tell(connection, {"pid": os.getpid()})  # only now, when its session and its stamp can end it
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.selector.close()
            for end in (*self.own, connection, *(asker for asker, _ in self.children.values())):
                end.close()
            silence = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((silence, 0), (output, 1), (output, 2)):
                os.dup2(source, target)
            os.close(silence)
            os.close(output)
            os.chdir(request["cwd"])
            os.environ.clear()
            os.environ.update(request["environment"])
            draw_anew()
            forget(request["import_anew"])
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


def draw_anew() -> None:
    """Seed the global generators from the system, as a new process does; torch's starts alike in every process."""
    random.seed()
    if generators := sys.modules.get("numpy.random"):
        generators.seed()


def forget(package: str) -> None:
    """Import a package anew when it is next asked for: its files may have changed since the server started."""
    if package:
        for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
            del sys.modules[name]


def preload(imports: dict[str, list[str]]) -> None:
    """Import modules and the names that are asked of them; what fails here is left to the job, which says so better."""
    for module, names in imports.items():
        try:
            loaded = importlib.import_module(module)
            for name in names:
                getattr(loaded, name, None)  # what a package loads when it is asked for, as transformers does
        except Exception:
            continue


def wrong_with_forking(stamp: Stamp) -> str | None:
    """Why forks of this process would not be as good as new processes, or None."""
    if (threads := len(list(Path("/proc/self/task").iterdir()))) > 1:
        return f"the packages that it imported started {threads - 1} threads"
    pid = os.fork()
    if pid == 0:
        stamp.write("trial")
        torch = sys.modules.get("torch")
        os._exit(1 if not stamp.shows("trial") else 2 if torch and torch.cuda._is_in_bad_fork() else 0)
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
    ForkServer(listener, stamp).serve()
    shutil.rmtree(Path(order["socket"]).parent, ignore_errors=True)  # the runner may have been killed
    return 0


if __name__ == "__main__":
    sys.exit(main())
