"""`fairlead run`: one process, one task group, from start to clean stop."""

import asyncio
import logging

from fairlead.app.console import Console
from fairlead.app.instance import Claim, default_state_dir
from fairlead.app.settings import RunSettings
from fairlead.app.signals import INTERRUPTED, Stop, cancels_current_task
from fairlead.app.standalone import Standalone


def main(settings: RunSettings) -> int:
    """Run until a signal says stop.

    Returns:
        0 after SIGTERM or SIGHUP (the terminal was closed), 130 after Ctrl-C.

    Raises:
        InstanceError: it could not start; the message says why.
    """
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s"
    )
    with Claim(settings.state_dir or default_state_dir()) as claim:
        try:
            return asyncio.run(_serve(settings, claim))
        except asyncio.CancelledError:
            return INTERRUPTED


async def _serve(settings: RunSettings, claim: Claim) -> int:
    """Serve; the first signal ends it in order, a second one cancels what is left to do."""
    stop = Stop(cancels_current_task())
    await Standalone(settings, claim, Console()).run(stop.asked)
    return stop.code
