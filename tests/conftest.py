import gc
import os
import signal
import sys
from contextlib import suppress

import psutil
import pytest

from tests.checkout import checkout, execute
from tests.small_project import STARTED, SmallProject

SESSION = "TESTS_OF_PROCESS"  # marks what this session starts: another one may run the same test beside it


def pytest_configure():
    """What tests start hears SIGINT, though a script that runs them by `make test &` has it ignored here.

    A process inherits that a signal is ignored, but not a handler: with a handler here, it begins with the default.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ[SESSION] = str(os.getpid())
    sys.modules.setdefault("rfc3987_syntax", None)  # jsonschema would compile its grammars: see papermill_import


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    """A test that fails, or is interrupted, leaves no process behind: a run that it started would go on for minutes."""
    try:
        return (yield)
    except BaseException:
        end_what_this_test_started()
        raise
    finally:
        STARTED.clear()


def end_what_this_test_started():
    """Kill its processes, and those that they started until then; close the pipes of those that it held."""
    for _ in range(10):  # one that is killed may have started another meanwhile
        if not (left := [process for process in psutil.process_iter() if started_by_this_test(process)]):
            break
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=1)
    for held in STARTED:
        with held:
            held.kill()


def started_by_this_test(process):
    """Whether the body of the test that runs now started this process, however many others stand between them."""
    name = "PYTEST_CURRENT_TEST"
    try:
        environment = process.environ() if process.status() != psutil.STATUS_ZOMBIE else {}
    except psutil.Error:
        return False
    return all(environment.get(mark) == os.environ[mark] for mark in (SESSION, name))


@pytest.fixture(scope="session")
def finished_template(tmp_path_factory):
    """A small project whose study has run once; copy it, do not change it."""
    project = SmallProject.make(tmp_path_factory.mktemp("template") / "project")
    ended = project.run()
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return project


@pytest.fixture
def finished(finished_template, tmp_path):
    """A copy of the finished small project, to be changed."""
    return finished_template.copy(tmp_path / "project")


@pytest.fixture
def small(tmp_path):
    """A small project of which nothing has run."""
    return SmallProject.make(tmp_path / "project")


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """A checkout in which the smoke study has run; read it, write elsewhere."""
    folder = checkout(tmp_path_factory.mktemp("smoke") / "project")
    execute([sys.executable, "-m", "rmkit.cli", "run", "params/smoke.yaml", "--no-report"], folder, folder)
    return folder


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is imported and collected stays to the end: no garbage collection goes through its million objects again.

    Each training by transformers asks for several.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def pytest_itemcollected(item):
    """Tests that need the finished smoke study run in one worker (`--dist loadgroup`), so that it runs once."""
    if "smoke" in item.fixturenames:
        item.add_marker(pytest.mark.xdist_group("smoke"))


def pytest_collection_modifyitems(items):
    """The longest test comes first, then those of the smoke study, so that the others run beside them."""
    items.sort(key=lambda item: ("test_the_figures_of_one_seed" not in item.name, "smoke" not in item.fixturenames))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `--dist loadgroup` a file's tests share a worker, in the order in which they were collected."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from tests.scheduling import GroupsAndFiles

    config.option.loadscopereorder = False
    return GroupsAndFiles(config, log)
