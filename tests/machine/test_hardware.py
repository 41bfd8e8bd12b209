"""What a container may use of memory, as control groups of both versions state it."""

import pytest

from rmkit.machine import hardware


def group(folder, **files):
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text, encoding="utf-8")


STAT = "anon 100\ninactive_file 30\nactive_file 20\nslab_reclaimable 5\n"


def test_every_group_above_this_process_counts_and_files_in_memory_do_not(tmp_path):
    group(tmp_path / "jobs", memory__max="2000", memory__current="900", memory__stat=STAT)
    group(tmp_path / "jobs/mine", memory__max="1000", memory__current="400", memory__stat=STAT)
    group(tmp_path / "jobs/mine/step", memory__max="max", memory__current="400", memory__stat=STAT)
    (tmp_path / "self").write_text("0::/jobs/mine/step\n", encoding="utf-8")
    assert hardware._containers(tmp_path, tmp_path / "self") == [(1000, 345), (2000, 845)]


def test_the_first_version_of_control_groups_is_read_too(tmp_path):
    group(tmp_path / "memory/slurm", memory__limit_in_bytes="5000", memory__usage_in_bytes="60", memory__stat=STAT)
    (tmp_path / "self").write_text("5:cpu,cpuacct:/slurm\n4:memory:/slurm\n", encoding="utf-8")
    assert hardware._containers(tmp_path, tmp_path / "self") == [(5000, 5)]


@pytest.mark.parametrize("text", ["", "0::/nowhere\n"])
def test_a_system_without_groups_limits_nothing(tmp_path, text):
    (tmp_path / "self").write_text(text, encoding="utf-8")
    assert hardware._containers(tmp_path, tmp_path / "self") == []


def test_free_memory_is_part_of_usable_memory():
    assert 0 < hardware.free_memory() <= hardware.usable_memory()
