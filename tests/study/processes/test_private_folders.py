"""A folder for sockets goes with its process: by itself, or with the next run where the process was killed."""

import os
import subprocess
import sys

from rmkit.study.processes import private_folders
from rmkit.study.processes.private_folders import PrivateFolder, remove_abandoned

HOLDS = """
import time
from rmkit.study.processes import private_folders
private_folders.ROOM_FOR_SOCKETS = {room!r}
folder = private_folders.PrivateFolder()
print(folder.path, flush=True)
time.sleep(60)
"""


def test_a_folder_goes_when_it_is_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(private_folders, "ROOM_FOR_SOCKETS", str(tmp_path))
    with PrivateFolder() as path:
        assert path.parent == tmp_path
        assert remove_abandoned(tmp_path) == []
        assert path.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_and_nothing_else(tmp_path):
    code = HOLDS.format(room=str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        path = holder.stdout.readline().strip()
        (tmp_path / "rmkit-of-somebody").mkdir()
        (tmp_path / "rmkit-with-a-pipe").mkdir()
        os.mkfifo(tmp_path / "rmkit-with-a-pipe/held")
        (tmp_path / "rmkit-link").symlink_to(path)
        (tmp_path / "rmkit-file").write_text("mine", encoding="utf-8")
        assert remove_abandoned(tmp_path) == []
        holder.kill()
        holder.wait()
        assert [str(gone) for gone in remove_abandoned(tmp_path)] == [path]
    assert {left.name for left in tmp_path.iterdir()} == {
        "rmkit-of-somebody",
        "rmkit-with-a-pipe",
        "rmkit-link",
        "rmkit-file",
    }
