"""`fairlead run`: one process, one task group, from start to clean stop."""

import asyncio
import logging
import signal

from fairlead.app.console import Console
from fairlead.app.instance import Claim, default_state_dir
from fairlead.app.settings import RunSettings
from fairlead.app.standalone import Standalone

_INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect it."""


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
            return _INTERRUPTED


async def _serve(settings: RunSettings, claim: Claim) -> int:
    """Serve; the first signal ends it in order, a second one cancels what is left to do."""
    loop = asyncio.get_running_loop()
    own_task = asyncio.current_task()
    stopping = asyncio.Event()
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        if received and own_task is not None:
            own_task.cancel()
        received.append(number)
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # not of nohup
            loop.add_signal_handler(number, stop, number)
    await Standalone(settings, claim, Console()).run(stopping)
    return _INTERRUPTED if signal.SIGINT in received else 0
