"""The kernel of a job: this interpreter's own, over sockets in a private folder, noted so that it can be ended.

Knows jupyter_client; not what the notebook is. A `python3` kernel specification in somebody's home may point into
another environment, so none is looked up.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import LocalProvisioner

SPECIFICATION = KernelSpec(
    argv=[
        *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
        "--HistoryManager.enabled=False",
    ],
    display_name="Python 3",
    language="python",
)


def kernel_manager(folder: Path, started: Callable[[int], None]) -> type[AsyncKernelManager]:
    """A kernel manager class whose kernels keep their sockets in `folder`; `started` is told each kernel's pid.

    folder: short, for a Unix socket's path holds about 107 bytes.
    """

    class JobKernelManager(AsyncKernelManager):
        def __init__(self, **options: Any) -> None:
            super().__init__(**{**options, "transport": "ipc", "connection_file": str(folder / "kernel.json")})

        @property
        def kernel_spec(self) -> KernelSpec:
            return SPECIFICATION

        async def _async_post_start_kernel(self, **options: Any) -> None:
            await super()._async_post_start_kernel(**options)
            assert isinstance(self.provisioner, LocalProvisioner)
            assert self.provisioner.pid is not None
            started(self.provisioner.pid)

        post_start_kernel = _async_post_start_kernel

    return JobKernelManager
