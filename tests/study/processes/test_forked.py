"""A forked process is as good as a new one: its own session, stamp, environment, files, generators and modules."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from rmkit.machine.hardware import thread_environment
from rmkit.machine.processes import STAMP, end_processes
from rmkit.study.processes import forked
from rmkit.study.processes.forked import Forked, ForkServerProcess, fork

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a fork server is for Linux")

TARGETS = '''
import json, os, random, signal, subprocess, sys, time

def tell(path):
    import numpy
    told = {
        "pid": os.getpid(), "session": os.getsid(0), "cwd": os.getcwd(), "mine": os.environ.get("MINE"),
        "others": os.environ.get("OTHERS"), "draws": [random.random(), numpy.random.rand(), numpy.random.default_rng().random()],
        "child": signal.getsignal(signal.SIGCHLD) == signal.SIG_DFL,
        "status": subprocess.run([sys.executable, "-c", "raise SystemExit(7)"]).returncode,
        "files": sorted(os.readlink(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd") if int(name) > 2 and os.path.exists(f"/proc/self/fd/{name}")),
        "loaded": "colorsys" in sys.modules, "mark": getattr(sys.modules.get("statistics"), "MARK", None),
    }
    import statistics
    statistics.MARK = "changed"
    with open(path, "w") as file:
        json.dump(told, file)
    print("told")

def end(code):
    return code

def fail():
    raise ValueError("it is broken")

def leave():
    raise SystemExit(5)

def nap():
    time.sleep(60)

def wait(path):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    open(path, "w").close()
    time.sleep(60)

def ask_and_die(server, path):
    from rmkit.study.processes.forked import fork
    with open(os.devnull, "w") as output:
        held = fork(server, "targets:wait", [path], output=output.fileno(), cwd=".", environment=dict(os.environ), ends_with_caller=True)
        while not os.path.exists(path):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGKILL)
'''  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("targets")
    (folder / "targets.py").write_text(TARGETS, encoding="utf-8")
    environment = {**os.environ, **thread_environment(1), "PYTHONPATH": os.pathsep.join([str(folder), str(Path.cwd())])}
    started = ForkServerProcess(
        {"colorsys": [], "numpy.random": [], "statistics": [], "no_such_module": ["x"]}, {**environment, "OTHERS": "no"}
    )
    until(started.ready)
    yield started
    started.close()


STAMPS = set()  # of what the test that runs now asked a server for


@pytest.fixture(autouse=True)
def nothing_goes_on():
    """What a test asked for ends with it, also where it fails: the server that forked it is shared."""
    yield
    for text in STAMPS:
        end_processes(text)
    STAMPS.clear()


def until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s"
        time.sleep(0.02)


def asked(server, target, *arguments, output, cwd=".", environment=None, **options) -> Forked:
    STAMPS.update(text for name, text in (environment or {}).items() if name == STAMP)
    return fork(
        server.socket, f"targets:{target}", arguments, output=output.fileno(), cwd=Path(cwd).resolve(),
        environment={"PATH": os.environ["PATH"], **(environment or {})}, **options,
    )  # fmt: skip


def told(server, folder, name, **environment):
    with (folder / f"{name}.out").open("w+") as output:
        process = asked(server, "tell", str(folder / name), output=output, cwd=folder, environment=environment)
        assert process.wait(timeout=20) == 0
        output.seek(0)
        assert output.read() == "told\n"
    return json.loads((folder / name).read_text(encoding="utf-8")) | {"held": process}


def test_each_has_its_own_session_directory_environment_and_output(server, tmp_path):
    first = told(server, tmp_path, "first", MINE="1")
    assert first["pid"] == first["session"] == first["held"].pid
    assert first["cwd"] == str(tmp_path)
    assert (first["mine"], first["others"]) == ("1", None)
    assert first["files"] == [], "no file of the server's or of another's is open"
    assert first["held"].peak_memory_bytes > 1e6


def test_what_the_server_imported_is_there_and_what_one_fork_changed_is_not(server, tmp_path):
    first, second = told(server, tmp_path, "a"), told(server, tmp_path, "b")
    assert first["loaded"]
    assert first["mark"] is second["mark"] is None
    assert not set(first["draws"]) & set(second["draws"]), "two processes draw different numbers"
    assert first["child"], "a fork waits for its own children as any process"
    assert first["status"] == 7


def test_the_stamp_of_a_fork_can_be_read_and_ends_it_with_what_it_started(server, tmp_path):
    with (tmp_path / "out").open("w") as output:
        process = asked(server, "wait", str(tmp_path / "there"), output=output, environment={STAMP: "some-job.1"})
        until((tmp_path / "there").exists)
        assert psutil.Process(process.pid).environ()[STAMP] == "some-job.1"
        grandchildren = psutil.Process(process.pid).children(recursive=True)
        assert len(grandchildren) == 1
        assert process.poll() is None
        assert end_processes("some-job.1") == 2
    assert process.wait(timeout=10) == -signal.SIGKILL
    assert not any(child.is_running() for child in grandchildren)


def test_a_process_that_ends_before_its_asker_looks_up_is_known_by_its_exit_code(server, tmp_path, monkeypatch):
    def slowly(*arguments, send=socket.send_fds):
        sent = send(*arguments)
        time.sleep(1)  # meanwhile the process is forked and ends, and its keeper closes the connection
        return sent

    monkeypatch.setattr(socket, "send_fds", slowly)
    with (tmp_path / "out").open("w") as output:
        assert asked(server, "end", 3, output=output).wait(timeout=10) == 3


@pytest.mark.parametrize(
    ("target", "arguments", "code"), [("end", [0], 0), ("end", [3], 3), ("fail", [], 1), ("leave", [], 5)]
)
def test_the_exit_code_comes_back(server, tmp_path, target, arguments, code):
    with (tmp_path / "out").open("w+") as output:
        assert asked(server, target, *arguments, output=output).wait(timeout=10) == code
        output.seek(0)
        assert ("ValueError: it is broken" in output.read()) == (target == "fail")


def test_a_fork_that_ends_with_its_caller_does(server, tmp_path):
    with (tmp_path / "out").open("w") as output:
        caller = asked(
            server, "ask_and_die", server.socket, str(tmp_path / "there"), output=output,
            environment={STAMP: "caller.1", "PYTHONPATH": str(Path.cwd())},
        )  # fmt: skip
        until((tmp_path / "there").exists)
        assert caller.wait(timeout=20) == -signal.SIGKILL
    stamps = {"caller.1"}
    until(lambda: len([p for p in psutil.process_iter() if stamp(p) in stamps]) <= 1)  # but for what it started itself


def stamp(process):
    try:
        return process.environ().get(STAMP)
    except psutil.Error:
        return None


def test_a_waiting_fork_times_out_as_a_process_does(server, tmp_path):
    with (tmp_path / "out").open("w") as output:
        process = asked(server, "wait", str(tmp_path / "there"), output=output, environment={STAMP: "slow.1"})
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=10) == -signal.SIGKILL


def test_a_server_that_has_gone_is_said(tmp_path):
    with (tmp_path / "out").open("w") as output, pytest.raises(OSError, match="No such file"):
        fork(tmp_path / "nowhere", "targets:end", [0], output=output.fileno(), cwd=".", environment={})


@contextmanager
def importing(code, folder):
    """A server that imports a module with this code, once it has decided."""
    (folder / "imported_here.py").write_text(code, encoding="utf-8")
    path = os.pathsep.join([str(folder), str(Path.cwd())])
    started = ForkServerProcess({"imported_here": []}, {**os.environ, **thread_environment(1), "PYTHONPATH": path})
    try:
        until(lambda: started.ready() or started.refused)
        yield started
    finally:
        started.close()


def test_a_server_whose_imports_start_threads_refuses(tmp_path):
    code = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    with importing(code, tmp_path) as refusing:
        assert refusing.refused == "it ended with 1: the packages that it imported started 1 threads"


def test_a_server_whose_imports_end_it_says_their_last_word(tmp_path):
    code = "import os, sys\nsys.stderr.write('no licence found\\n')\nsys.stderr.flush()\nos._exit(4)"
    with importing(code, tmp_path) as refusing:
        assert refusing.refused == "it ended with 4: no licence found"


def test_a_package_that_prints_when_it_is_imported_does_no_harm(tmp_path):
    with importing("print('welcome!')\nimport os\nos.write(1, b'welcome\\n')", tmp_path) as serving:
        assert serving.refused is None


def test_imports_that_never_end_are_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(forked, "SECONDS_TO_IMPORT", 1.0)
    with importing("import time\ntime.sleep(600)", tmp_path) as refusing:
        assert refusing.refused == "its imports took more than 1 s"


def test_a_fork_can_be_ended_as_soon_as_its_pid_is_known(server, tmp_path):
    with (tmp_path / "out").open("w") as output:
        for number in range(12):
            process = asked(server, "nap", output=output, environment={STAMP: f"quick.{number}"})
            end_processes(f"quick.{number}", group=process.pid)
            assert process.wait(timeout=10) == -signal.SIGKILL


def test_askers_that_leave_when_their_fork_ends_leave_the_server_alone(server, tmp_path):
    with (tmp_path / "out").open("w") as output:
        for number in range(40):
            process = asked(server, "nap", output=output, environment={STAMP: f"left.{number}"})
            os.kill(process.pid, signal.SIGKILL)
            process._connection.close()
        assert asked(server, "end", 3, output=output).wait(timeout=10) == 3


def test_a_system_without_room_for_a_process_refuses_one_fork_and_goes_on(tmp_path):
    code = """
import os
real = os.fork
calls = []
def fork():
    calls.append(1)
    if len(calls) == 2:  # the first is the trial
        raise BlockingIOError(11, "Resource temporarily unavailable")
    return real()
os.fork = fork
def end(code):
    return code
"""
    with importing(code, tmp_path) as serving, (tmp_path / "out").open("w") as output:
        options = {"output": output.fileno(), "cwd": tmp_path, "environment": {}}
        with pytest.raises(OSError, match=r"could not fork: .*temporarily unavailable"):
            fork(serving.socket, "imported_here:end", [0], **options)
        assert fork(serving.socket, "imported_here:end", [6], **options).wait(timeout=10) == 6
