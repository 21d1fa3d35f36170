"""What `fairlead lint` would say of the manifests that run, as a line for who sits at the terminal.

`lint` runs in a process of its own, at the lowest priority, once changes have come to rest: the
instance keeps its memory and its event loop for what it serves. Only errors and warnings count
that the console has not told already.
"""

import asyncio
import contextlib
import os
import shlex
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from fairlead import api

QUIET_SECONDS: Final = 1.0
"""How long nothing has to change before manifests are looked at."""
_COUNTED: Final = ("error", "warning")
_LOWEST: Final = 19


class Found(msgspec.Struct, frozen=True):
    """One entry of what ``fairlead lint -o json`` prints, as far as it counts here."""

    severity: str
    code: str
    file: str = ""
    line: int = 0


class LintHint:
    """Looks at the manifests when it is told that they have changed."""

    def __init__(
        self,
        paths: Sequence[str],
        channel: api.Channel,
        told: Callable[[], Iterable[api.Problem]],
        say: Callable[[str], None],
    ) -> None:
        """Start nothing yet.

        Args:
            paths: what runs; what comes by standard input cannot be read twice.
            channel: of Gateway API.
            told: the problems that the console tells by itself.
            say: prints a line.
        """
        self._paths = paths
        self._channel = channel
        self._told = told
        self._say = say
        self._changed = asyncio.Event()
        self._last = ""

    def changed(self) -> None:
        """Note that manifests have changed."""
        self._changed.set()

    async def run(self) -> None:
        """Tell what is found, each time that it is something else."""
        while "-" not in self._paths:
            await self._rest()
            found = await self._lint()
            if found is None:
                continue
            line = hint(found, self._told(), self._paths)
            if line != self._last:
                self._say(line or "fairlead lint finds nothing any more")
                self._last = line

    async def _rest(self) -> None:
        """Wait for a change, and then until there are no more of them."""
        await self._changed.wait()
        with contextlib.suppress(TimeoutError):
            while True:
                self._changed.clear()
                async with asyncio.timeout(QUIET_SECONDS):
                    await self._changed.wait()

    async def _lint(self) -> list[Found] | None:
        """What lint finds; None if it could not be run to its end."""
        command = ("-P", "-m", "fairlead.cli", "lint", "-o", "json", "--channel", self._channel)
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *(*command, "--", *self._paths),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _LOWEST)
        try:
            printed, _ = await process.communicate()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
        try:
            return msgspec.json.decode(printed, type=list[Found])
        except msgspec.DecodeError:
            return None


def hint(found: Iterable[Found], told: Iterable[api.Problem], paths: Sequence[str]) -> str:
    """The line: how much more there is, and how to see it; empty for nothing.

    Args:
        found: what lint found.
        told: what is known without it.
        paths: of the manifests.
    """
    known = {(each.file, each.line, each.code) for each in told}
    more = Counter(
        each.severity for each in found if (each.file, each.line, each.code) not in known
    )
    counts = [
        f"{more[severity]} {severity}{'s' if more[severity] > 1 else ''}"
        for severity in _COUNTED
        if more[severity]
    ]
    if not counts:
        return ""
    return f"{' and '.join(counts)} more by: fairlead lint {shlex.join(paths)}"
