"""What a job may take of time and memory, and who must end when it takes more.

Watches the processes of running jobs from outside: a job that hangs or eats memory cannot be asked. Where the system
tells it, a page that several processes share counts in parts (proportional set size): forks are not charged over and
over what they were born with, and pages of mapped files count for nothing. Knows pids and bytes; ends nothing itself.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from rmkit.machine.hardware import free_memory, usable_memory
from rmkit.machine.processes import stamp_of
from rmkit.machine.quantities import size_text

SHARE_OF_A_JOB = 0.8  # of the machine's memory, where no limit is given
SHARE_KEPT_FREE = 0.04  # below it the largest job ends, before the system chooses one
SHARE_OF_TIME = 0.05  # that looking may take
SECONDS_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True)
class Limits:
    """A job's limits; `seconds` None: none. `memory_bytes` None: most of the machine's memory."""

    seconds: float | None = None
    memory_bytes: int | None = None


class MemoryWatch:
    """Looks at the memory of running jobs, often but for a small share of the time."""

    def __init__(self, limits: Limits) -> None:
        self.machine = usable_memory()
        self.limit = limits.memory_bytes or int(SHARE_OF_A_JOB * self.machine)
        self.why = "its limit" if limits.memory_bytes else f"{SHARE_OF_A_JOB:.0%} of this machine's memory"
        self._next = 0.0

    def too_much(self, executions: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """(plan id, sentence) of the jobs that must end now. executions: the stamp of each running job, by plan id."""
        started = time.monotonic()
        if not executions or started < self._next:
            return
        processes = processes_by_stamp(set(executions.values()))
        used = {plan_id: memory_of(processes[stamp], self.limit) for plan_id, stamp in executions.items()}
        over = {plan_id: size for plan_id, size in used.items() if size > self.limit}
        for plan_id, size in over.items():
            yield plan_id, f"used {size_text(size)} of memory, more than {size_text(self.limit)}, {self.why}"
        largest = max(used, key=lambda plan_id: used[plan_id])
        short = free_memory() < SHARE_KEPT_FREE * self.machine
        if short and not over and used[largest] > SHARE_KEPT_FREE * self.machine:  # else its end would not help
            yield largest, f"used {size_text(used[largest])} of memory when hardly any was left on this machine"
        ended = time.monotonic()
        self._next = ended + max(SECONDS_BETWEEN_LOOKS, (ended - started) / SHARE_OF_TIME)


def processes_by_stamp(stamps: set[str]) -> dict[str, list[psutil.Process]]:
    """The living processes of each execution."""
    found: dict[str, list[psutil.Process]] = {stamp: [] for stamp in stamps}
    for process in psutil.process_iter():
        if (stamp := stamp_of(process)) and stamp in stamps:
            found[stamp].append(process)
    return found


def memory_of(processes: list[psutil.Process], enough: int) -> int:
    """Bytes that these use, shared pages in parts; read closely only where the quick figure is above `enough`."""
    resident = _sum(processes, lambda process: process.memory_info().rss)
    return resident if resident <= enough else _sum(processes, _own_memory)


def _own_memory(process: psutil.Process) -> int:
    """Its pages but for those of mapped files, which the system takes back when it needs them."""
    with suppress(OSError, ValueError, KeyError):  # an older kernel has no such lines, another system no such file
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]
        kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        return 1024 * (kilobytes["Pss_Anon"] + kilobytes["Pss_Shmem"])
    full = process.memory_full_info()
    return getattr(full, "pss", full.uss)  # of other systems than Linux what it shares with nobody


def _sum(processes: list[psutil.Process], read: Callable[[psutil.Process], int]) -> int:
    total = 0
    for process in processes:
        with suppress(psutil.Error, OSError):
            total += read(process)
    return total
