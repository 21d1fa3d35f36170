"""What `fairlead uninstall` asks, and what comes of the answers."""

import asyncio
import contextlib
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support import kubeconfig
from support.api_server import ApiServer

GATEWAY = "gateway.networking.k8s.io/v1"


@asynccontextmanager
async def installed(directory):
    """An API server with an installation; yields it and the command that uninstalls it."""
    server = ApiServer(("apps/v1", "deployments"), (GATEWAY, "gatewayclasses"))
    metadata = {"namespace": "fairlead-system", "name": "fairlead"}
    pod = {"spec": {"containers": [{"env": []}]}}
    server.put("deployments", {"metadata": metadata, "spec": {"template": pod}})
    async with server.serving() as url:
        path = kubeconfig.write(directory / "kubeconfig", server=url)
        arguments = ("-m", "fairlead.cli", "uninstall", "--kubeconfig", str(path))
        yield server, (sys.executable, *arguments)


def wait_for_read(pid):
    """Return when a process that has asked waits in the kernel for the answer.

    A signal between the question and the read is seen by Python only when the read returns.
    """
    stat = Path(f"/proc/{pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "S":
        time.sleep(0.01)


@pytest.mark.parametrize(("said", "told"), [(b"n\n", "nothing is deleted"), (b"", "--yes")])
def test_without_a_yes_nothing_is_deleted(tmp_path, said, told):
    async def case():
        async with installed(tmp_path) as (server, command):
            process = await asyncio.create_subprocess_exec(
                *command, stdin=subprocess.PIPE, stderr=subprocess.PIPE
            )
            _, errors = await process.communicate(said)
            assert "delete Deployment fairlead-system/fairlead" in errors.decode()
            assert told in errors.decode().splitlines()[-1]
            assert (process.returncode, server.writes) == (1, [])

    asyncio.run(case())


def test_one_ctrl_c_ends_the_question(tmp_path):
    async def case():
        async with installed(tmp_path) as (server, command):
            terminal, inside = pty.openpty()
            process = await asyncio.create_subprocess_exec(*command, stdin=inside, stderr=inside)
            os.close(inside)
            said = b""
            try:
                async with asyncio.timeout(60):
                    while b"Go on?" not in said:
                        said += await asyncio.to_thread(os.read, terminal, 4096)
                    await asyncio.to_thread(wait_for_read, process.pid)
                    process.send_signal(signal.SIGINT)
                    assert await process.wait() == 130
            finally:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                os.close(terminal)
            assert server.writes == []

    asyncio.run(case())
