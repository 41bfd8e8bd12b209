"""What this machine is, and how many of its threads a job may use.

Imports nothing heavy: a library is told its threads only if it is loaded, and by the environment if it is loaded later.
"""

import os
import platform
import sys
from importlib import metadata
from pathlib import Path

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
RECORDED_PACKAGES = (
    *("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "torch", "safetensors", "papermill"),
    *("transformers", "tokenizers", "trl", "peft", "accelerate", "datasets"),
)


def thread_environment(threads: int) -> dict[str, str]:
    """The environment variables that hold numerical libraries to so many threads.

    Threads that wait for each other sleep: spinning ones, beside another busy process, made training ten times slower.
    """
    return {**dict.fromkeys(THREAD_VARIABLES, str(threads)), "OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0"}


def limit_threads(threads: int) -> None:
    """Hold this process's numerical libraries to so many threads: sums are then added in one order everywhere."""
    os.environ.update(thread_environment(threads))
    if "numpy" in sys.modules or "torch" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)


def usable_cores() -> int:
    """How many processor cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_memory() -> int:
    """Bytes of memory that this machine, or the container that holds this process, has."""
    import psutil

    return min(psutil.virtual_memory().total, _of_container("memory.max") or sys.maxsize)


def free_memory() -> int:
    """Bytes of memory that can still be taken, in this machine and in the container that holds this process."""
    import psutil

    free = psutil.virtual_memory().available
    if (limit := _of_container("memory.max")) and (used := _of_container("memory.current")):
        return min(free, limit - used + (_of_container("memory.stat", "inactive_file") or 0))
    return free


def _of_container(file: str, entry: str = "") -> int | None:
    """A number that the container's memory controller (cgroup v2) states, or None where there is none."""
    try:
        text = (Path("/sys/fs/cgroup") / file).read_text()
        return int(dict(line.split() for line in text.splitlines())[entry] if entry else text)
    except (OSError, ValueError, KeyError):
        return None


def package_versions() -> dict[str, str]:
    """The versions of the packages that compute results, by name; a package that is not installed is left out."""
    found = {}
    for package in RECORDED_PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def describe() -> dict[str, object]:
    """The machine and the software as a manifest records them."""
    return {
        "python": platform.python_version(),
        "host": platform.node(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": usable_cores(),
        "packages": package_versions(),
    }


def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
