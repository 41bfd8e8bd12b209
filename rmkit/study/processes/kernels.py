"""The kernel of a job: this interpreter's own, over sockets in a private folder.

Knows jupyter_client; not what the notebook is. A `python3` kernel specification in somebody's home may point into
another environment, so none is looked up. Where the runner has a fork server, the kernel is forked from it: a kernel
provisioner of our own asks for it.
"""

import json
import os
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, cast

from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from rmkit.study.processes.forked import SOCKET_VARIABLE, Forked, fork

FORKED = "rmkit-forked"
FORKED_KERNELS: list[Forked] = []  # of this process: papermill, which has them started, tells of none
OPTIONS = ["--HistoryManager.enabled=False"]
COMMAND = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *OPTIONS]


class ForkedKernel(LocalProvisioner):
    """A kernel forked from a server that has imported what notebooks need; everything else is as for a local one."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Fork instead of starting `cmd`, with the same working directory and environment; start it if that fails."""
        server = options["env"].pop(SOCKET_VARIABLE)
        cwd = options.get("cwd") or Path.cwd()
        assert self.parent is not None
        try:
            process = fork(
                server,
                "rmkit.study.processes.kernels:serve_kernel",
                [self.parent.connection_file],
                output=sys.stdout.fileno(),
                cwd=cwd,
                environment={**options["env"], "JPY_PARENT_PID": ""},  # its parent is its keeper
                ends_with_caller=True,
                import_anew="rmkit",
            )
        except OSError as error:
            text = f"a kernel could not be forked ({error}) and was started anew, which takes longer"
            print(json.dumps({"warning": text}), flush=True)  # for the run's log
            return await super().launch_kernel(cmd, **options)
        FORKED_KERNELS.append(process)
        self.process = cast(Any, process)  # held as a Popen is
        self.pid = self.pgid = process.pid  # it leads a session of its own
        self.cwd = cwd
        return self.connection_info


def serve_kernel(connection_file: str) -> None:
    """Be the kernel of a connection file, in a process forked from the server; it ends if its keeper does."""
    from ipykernel.kernelapp import IPKernelApp

    keeper = os.getppid()
    IPKernelApp.launch_instance(argv=["-f", connection_file, *OPTIONS, f"--IPKernelApp.parent_handle={keeper}"])


def kernel_manager(folder: Path) -> type[AsyncKernelManager]:
    """A kernel manager class whose kernels keep their sockets in `folder`.

    folder: short, for a Unix socket's path holds about 107 bytes.
    """
    forked = SOCKET_VARIABLE in os.environ
    metadata = {"kernel_provisioner": {"provisioner_name": FORKED}} if forked else {}
    specification = KernelSpec(argv=COMMAND, display_name="Python 3", language="python", metadata=metadata)
    KernelProvisionerFactory.instance().provisioners[FORKED] = EntryPoint(
        FORKED, f"{__name__}:{ForkedKernel.__name__}", KernelProvisionerFactory.GROUP_NAME
    )

    class JobKernelManager(AsyncKernelManager):
        def __init__(self, **options: Any) -> None:
            super().__init__(**{**options, "transport": "ipc", "connection_file": str(folder / "kernel.json")})

        @property
        def kernel_spec(self) -> KernelSpec:
            return specification

    return JobKernelManager
