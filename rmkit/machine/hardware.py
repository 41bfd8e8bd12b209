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
    *("transformers", "tokenizers", "trl", "peft", "accelerate", "datasets", "lightgbm", "matplotlib", "seaborn"),
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

    return min([psutil.virtual_memory().total, *(limit for limit, _ in _containers())])


def free_memory() -> int:
    """Bytes of memory that can still be taken, in this machine and in the container that holds this process."""
    import psutil

    return min([psutil.virtual_memory().available, *(limit - used for limit, used in _containers())])


def _containers(root: Path = Path("/sys/fs/cgroup"), groups: Path = Path("/proc/self/cgroup")) -> list[tuple[int, int]]:
    """(limit, use) in bytes of each control group that holds this process and limits its memory; cgroup v1 and v2.

    What the system keeps in memory of files, and can give back, is not counted as used.
    """
    found = []
    try:
        lines = [line.split(":", 2) for line in groups.read_text(encoding="utf-8").splitlines()]
    except OSError:
        return []
    for _, controllers, path in lines:
        if controllers in ("", "memory"):
            top = root / "memory" if controllers else root
            names = (
                ("memory.limit_in_bytes", "memory.usage_in_bytes") if controllers else ("memory.max", "memory.current")
            )
            folder = top / path.lstrip("/")
            inside = [each for each in (folder, *folder.parents) if each == top or top in each.parents]
            found += [pair for each in inside if (pair := _limit_and_use(each, *names))]
    return found


def _limit_and_use(folder: Path, limit: str, use: str) -> tuple[int, int] | None:
    """What a control group may use and uses, or None where it says no number."""
    try:
        stated = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines())
        given_back = sum(int(stated.get(name, 0)) for name in ("inactive_file", "active_file", "slab_reclaimable"))
        return int((folder / limit).read_text(encoding="utf-8")), max(
            int((folder / use).read_text(encoding="utf-8")) - given_back, 0
        )
    except (OSError, ValueError):
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
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
