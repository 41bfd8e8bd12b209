"""What a live notebook shows while its upstream is built: the jobs that run, how far each is, and what is left."""

import subprocess
import sys

from rmkit.study.monitoring.run_record import Run
from rmkit.study.monitoring.snapshot import RUNNING, Busy, Snapshot
from rmkit.study.notebook_side.building import building_words

OPEN = """
import rmkit
print(rmkit.open_job("01_sums", {"study": "small", "seed": 0, "powers": [1.0, 2.0], "sleep": 0.0}))
"""


def opened(project, text=OPEN):
    return subprocess.run(
        [sys.executable, "-c", text],
        cwd=project.root,
        env=project.environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_running_job_comes_first_with_how_far_it_is_and_the_time_that_is_left(tmp_path):
    run = Run("id", 4711, "host", 0.0, "tiny", "tiny", "params/tiny.yaml", 2, (), tmp_path)
    busy = Busy("02_sampling-aa", "02_sampling world=grammar", 12.0, "sampling", 3, 10)
    stages = {"00_grammar_world": {"done": 1}, "02_sampling": {"running": 1, "waiting": 1}}
    shot = Snapshot("tiny", "tiny", RUNNING, stages, (busy,), seconds=80.0, seconds_left=40.0, run=run)
    assert building_words("building what 04 needs", shot).splitlines() == [
        "building what 04 needs: 1 of 3 jobs done, 1 running; 1 min 20 s, about 40 s left",
        "  running  02_sampling world=grammar: sampling 3/10, 12 s",
        "  00_grammar_world  ████████████████████████  1 of 1",
        "  02_sampling       ▓·······················  0 of 2, 1 running",
        "  goes on when this notebook is closed; `kill 4711` ends it",
    ]


def test_outside_of_notebooks_it_is_a_line_for_each_step_and_the_end(small):
    ended = opened(small)
    assert ended.returncode == 0, ended.stderr
    first, *_, done, bar = ended.stderr.splitlines()
    assert first == "building what 01_sums needs: 1 job, looking which are there"
    assert done.startswith("building what 01_sums needs: 1 of 1 jobs done; ")
    assert bar == "  00_numbers  ████████████████████████  1 of 1"
    assert opened(small).stderr == ""  # all is there: nothing is built, and nothing said


def test_what_fails_is_told_by_its_own_sentence(small):
    small.edit("notebooks/00_numbers.ipynb", "import json", "import json; json.absent")
    ended = opened(small)
    assert ended.returncode == 1
    last = ended.stderr.strip().splitlines()[-1]
    assert last.startswith(
        "rmkit.errors.JobError: 00_numbers: cell 4: AttributeError: module 'json' has no attribute 'absent'"
    )
    assert "  FAILED   00_numbers: cell 4" in ended.stderr


KERNEL = """
import time
from rmkit.study.store.progress import Place
place = Place()
for number in range(3):
    place.show(f"step {number}\\n  a job")
"""


def test_in_a_kernel_it_is_one_output_that_keeps_its_last_state(small):
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3", cwd=str(small.root), env=small.environment())
    told = []
    try:
        client.execute_interactive(KERNEL, timeout=60, output_hook=told.append)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    shown = [message for message in told if "data" in message["content"]]
    assert [message["msg_type"] for message in shown] == ["display_data", "update_display_data", "update_display_data"]
    assert shown[-1]["content"]["data"]["text/plain"] == "step 2\n  a job"
    assert len({message["content"]["transient"]["display_id"] for message in shown}) == 1
