"""Everything that a started process has started in turn: its session.

Each child is the leader of a session of its own, so its descendants are found even where they have
put themselves in other process groups, as ``timeout`` and shells with job control do.

Run as ``python -I -S session.py`` this module is the guard: it reads ``+PID`` and ``-PID`` lines
from standard input and, when that ends (its parent has gone, however that came), kills the sessions
that are still listed. It imports nothing of the package.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable
from typing import BinaryIO

_ROUNDS = 5
"""How often to look again for what was forked while the others were being killed."""


def members(session: int) -> list[int]:
    """Process ids of the session's processes, its leader included, those that ended too.

    Args:
        session: process id of the leader.
    """
    found: list[int] = []
    for name in os.listdir("/proc"):  # noqa: PTH208 - pathlib would slow the guard's start
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.getsid(int(name)) == session:
                    found.append(int(name))
    return found


def send(session: int, number: signal.Signals) -> int:
    """Send a signal to every process of a session; returns how many got it.

    Args:
        session: process id of the leader, which must not have been reaped yet.
        number: the signal.
    """
    reached = 0
    for pid in members(session):
        with contextlib.suppress(OSError):
            handle = os.pidfd_open(pid)
            try:
                if os.getsid(pid) == session:  # the handle is of the process that was found
                    signal.pidfd_send_signal(handle, number)
                    reached += 1
            finally:
                os.close(handle)
    return reached


def end(session: int) -> None:
    """Kill every process of a session, those included that are being forked right now.

    Args:
        session: process id of the leader, which must not have been reaped yet.
    """
    seen: set[int] = set()
    for _ in range(_ROUNDS):
        found = set(members(session))
        if found <= seen:
            return
        seen |= found
        send(session, signal.SIGKILL)


def guard(lines: Iterable[bytes]) -> None:
    """Follow `lines` to their end, then kill what is still listed.

    Args:
        lines: ``+PID`` for a session that started, ``-PID`` for one that is over.
    """
    listed: set[int] = set()
    for line in lines:
        number = int(line[1:])
        if line.startswith(b"+"):
            listed.add(number)
        else:
            listed.discard(number)
    for session in listed:
        end(session)


def main(stream: BinaryIO) -> None:
    """The guard process: deaf to the signals of the terminal, ends with its input."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    guard(stream)


if __name__ == "__main__":
    main(sys.stdin.buffer)
