"""`fairlead controller`: one process, one task group, from start to clean stop."""

import asyncio
import logging
import signal

from fairlead import __version__
from fairlead.app.controller import Controller, StartError
from fairlead.app.settings import ControllerSettings
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.config import ConfigError, load


def main(settings: ControllerSettings) -> int:
    """Serve a cluster until a signal says stop.

    Returns:
        0 after SIGTERM or Ctrl-C.

    Raises:
        StartError: It could not start; the message says why.
    """
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    try:
        return asyncio.run(_serve(settings))
    except asyncio.CancelledError:
        return 0


async def _serve(settings: ControllerSettings) -> int:
    """Serve; the first signal ends it in order, a second one cancels what is left to do."""
    loop = asyncio.get_running_loop()
    own_task = asyncio.current_task()
    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set() and own_task is not None:
            own_task.cancel()
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    try:
        config = load(settings.kubeconfig, settings.context)
    except ConfigError as error:
        raise StartError(str(error)) from error
    logging.getLogger(__name__).info(
        "fairlead %s serves %s as %s", __version__, config.server, settings.controller_name
    )
    async with KubeClient(config, "fairlead-controller") as client:
        await Controller(settings, client).run(stopping)
    return 0
