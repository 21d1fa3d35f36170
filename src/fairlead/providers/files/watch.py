"""Waiting for changes in directories, without looking below them.

`RustNotify` is what `watchfiles.awatch` is made of. It is used directly because it watches from
its construction on, so that nothing is missed between a look at the tree and the first wait, and
because each wait can have a timeout of its own.
"""

import asyncio
import threading
from collections.abc import Iterable
from typing import Final, Self

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

_STEP_MS: Final = 2
"""How often changes are looked for, and how long they must be quiet to be handed over."""
_DEBOUNCE_MS: Final = 20
"""How long a burst may go on before it is handed over."""
_POLL_MS: Final = 200
"""How often files are looked at where the kernel can't tell of changes."""


class Watch:
    """Changes in some directories since this was made. Use as a context manager."""

    def __init__(self, directories: Iterable[str]) -> None:
        """Start watching.

        Raises:
            FileNotFoundError: a directory is gone.
        """
        self._stop = threading.Event()
        paths = list(directories)
        try:
            self._notify = _notify(paths, polling=False)
        except FileNotFoundError:
            raise
        except (OSError, WatchfilesRustInternalError):
            self._notify = _notify(paths, polling=True)  # the kernel's limit of watches is reached

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._notify.close()

    async def wait(self, timeout: float | None) -> frozenset[str]:  # noqa: ASYNC109
        """Absolute paths of what changed; empty once `timeout` is over.

        Args:
            timeout: seconds, at least one millisecond; None waits for ever.
        """
        milliseconds = 0 if timeout is None else max(1, round(timeout * 1000))
        try:
            found = await asyncio.to_thread(
                self._notify.watch, _DEBOUNCE_MS, _STEP_MS, milliseconds, self._stop
            )
        except asyncio.CancelledError:
            self._stop.set()  # the thread sees it within a step
            raise
        return frozenset() if isinstance(found, str) else frozenset(path for _, path in found)


def _notify(paths: list[str], *, polling: bool) -> RustNotify:
    return RustNotify(
        paths,
        debug=False,
        force_polling=polling,
        poll_delay_ms=_POLL_MS,
        recursive=False,
        ignore_permission_denied=True,
    )
