"""`fairlead controller`: one process, one task group, from start to clean stop."""

import asyncio
import logging

from fairlead import __version__
from fairlead.app.controller import Controller, StartError
from fairlead.app.settings import ControllerSettings
from fairlead.app.signals import INTERRUPTED, Stop, cancels_current_task
from fairlead.providers.kube import nesting
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.config import ConfigError, load


def main(settings: ControllerSettings) -> int:
    """Serve a cluster until a signal says stop.

    Returns:
        0 after SIGTERM, 130 after Ctrl-C or if a second signal cut the end short.

    Raises:
        StartError: It could not start; the message says why.
    """
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    nesting.allow()
    try:
        return asyncio.run(_serve(settings))
    except asyncio.CancelledError:
        return INTERRUPTED


async def _serve(settings: ControllerSettings) -> int:
    """Serve; the first signal ends it in order, a second one cancels what is left to do."""
    stop = Stop(cancels_current_task())
    try:
        config = load(settings.kubeconfig, settings.context)
    except ConfigError as error:
        raise StartError(str(error)) from error
    logging.getLogger(__name__).info(
        "fairlead %s serves %s as %s", __version__, config.server, settings.controller_name
    )
    async with KubeClient(config, "fairlead-controller") as client:
        await Controller(settings, client).run(stop.asked)
    return stop.code
