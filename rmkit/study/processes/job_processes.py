"""How a job process is started: forked from a server that has imported what jobs need, or anew where there is none.

One server for each number of threads, since libraries read theirs when they are loaded. Knows orders as JSON; not what
they say, nor how a process ends.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO, Any

from rmkit.machine.hardware import thread_environment
from rmkit.machine.processes import STAMP
from rmkit.study.planning.project import Project
from rmkit.study.processes.forked import SOCKET_VARIABLE, Forked, ForkServerProcess, fork

CALL = """import json, os, pkgutil, sys
code = pkgutil.resolve_name(sys.argv[1])(*json.loads(sys.argv[2]))
sys.stdout.flush()
os._exit(code)"""  # waits for no thread that was started, as a fork does not

JobProcess = subprocess.Popen[str] | Forked


class JobProcesses:
    """Starts job processes for one run. imports: what a server shall import for them, or None to fork none."""

    def __init__(self, project: Project, imports: Mapping[str, list[str]] | None, warn: Callable[[str], None]) -> None:
        self.project, self.imports, self.warn = project, imports, warn
        self.servers: dict[int, ForkServerProcess] = {}

    def ready(self, threads: int) -> bool:
        """Whether a job of so many threads can be started now; False while the server for it is importing."""
        if self.imports is None:
            return True
        if threads not in self.servers:
            self.servers[threads] = ForkServerProcess(self.imports, {**os.environ, **thread_environment(threads)})
        server = self.servers[threads]
        if server.ready():
            return True
        if server.refused:
            self._do_without(server.refused)
        return self.imports is None

    def start(self, order: Mapping[str, Any], output: IO[str]) -> JobProcess:
        """Start the process of an order; call when `ready`. output: the file that takes what it prints."""
        threads = order["threads"]
        environment = {**os.environ, **thread_environment(threads), STAMP: order["execution"]}
        if self.imports is not None:
            server = self.servers[threads].socket
            try:
                return fork(
                    server,
                    "rmkit.study.engines.worker:work",
                    [order],
                    output=output.fileno(),
                    cwd=self.project.root,
                    environment={**environment, SOCKET_VARIABLE: server},
                )
            except OSError as error:
                self._do_without(str(error))
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "rmkit.study.engines.worker"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.project.root,
            env=environment,
            start_new_session=True,
        )
        assert process.stdin is not None
        json.dump(order, process.stdin)
        process.stdin.close()
        return process

    def said_by(self, threads: int, target: str, arguments: Sequence[Any], *, seconds: float) -> tuple[int | None, str]:
        """The exit code and output of `target` ("module:function"), called in a process of its own; when `ready`.

        It is killed after so many seconds, with None for its exit code, and when whoever waits is interrupted.
        """
        environment = {**os.environ, **thread_environment(threads)}
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            process: JobProcess | None = None
            if self.imports is not None:
                with suppress(OSError):  # then it is started anew, and `start` will say why
                    process = fork(
                        self.servers[threads].socket,
                        target,
                        arguments,
                        output=output.fileno(),
                        cwd=self.project.root,
                        environment=environment,
                        ends_with_caller=True,
                    )
            process = process or subprocess.Popen(
                [sys.executable, "-P", "-c", CALL, target, json.dumps(arguments)],
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=self.project.root,
                env=environment,
            )
            code = None
            try:
                with suppress(subprocess.TimeoutExpired):
                    code = process.wait(seconds)
            finally:
                process.send_signal(signal.SIGKILL)
                process.wait()
            output.seek(0)
            return code, output.read()

    def close(self) -> None:
        """Let the servers end; what they forked goes on."""
        for server in self.servers.values():
            server.close()

    def _do_without(self, reason: str) -> None:
        """Say once why there is no fork server, and start what comes anew."""
        self.imports = None
        self.warn(f"no fork server ({reason}): every job starts a process and a kernel of its own, which takes longer")
