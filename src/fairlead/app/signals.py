"""The signals that end a process: the first lets it end in order, a further one does not wait."""

import asyncio
import signal
from collections.abc import Callable, Collection
from typing import Final

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells expect it."""
_ASKED: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop:
    """Listens for SIGTERM, Ctrl-C and the end of the terminal; made within the event loop."""

    def __init__(
        self, at_once: Callable[[], object], hurried: Collection[signal.Signals] = ()
    ) -> None:
        """Begin to listen.

        Args:
            at_once: called at the second signal and all later ones.
            hurried: signals for which it is called at the first time already.
        """
        self.asked = asyncio.Event()
        """Set with the first signal."""
        self._at_once = at_once
        self._hurried = hurried
        self._received: list[signal.Signals] = []
        loop = asyncio.get_running_loop()
        for number in _ASKED:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # of nohup
                loop.add_signal_handler(number, self._receive, number)

    @property
    def code(self) -> int:
        """The exit code: 130 after Ctrl-C, else 0."""
        return INTERRUPTED if signal.SIGINT in self._received else 0

    def _receive(self, number: signal.Signals) -> None:
        if self._received or number in self._hurried:
            self._at_once()
        self._received.append(number)
        self.asked.set()


def cancels_current_task() -> Callable[[], object]:
    """What ends the task that asks for it."""
    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("asked outside of a task")
    return task.cancel
