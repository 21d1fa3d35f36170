"""The client of the code under test, for tests that run parts of it in their own process."""

import asyncio
from contextlib import asynccontextmanager

from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.config import load

CLOSED = 10.0


@asynccontextmanager
async def connected():
    """A client of the cluster of KUBECONFIG; at the end, all its connections are closed."""
    async with KubeClient(load()) as client:
        yield client
    selector = asyncio.get_running_loop()._selector  # noqa: SLF001 - nobody else knows what is open
    own = 1
    async with asyncio.timeout(CLOSED):
        while len(selector.get_map()) > own:  # noqa: ASYNC110 - TLS ends when the server says so
            await asyncio.sleep(0.01)
