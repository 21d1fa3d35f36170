"""One child process: started detached from the terminal, watched, stopped with all it has started.

What comes in is a `Command`; what goes out is an `Exit`. Invariants: a signal only ever goes to the
session of a child that this process started and has not reaped; when the child has exited, what it
left in its session is killed before it is reaped; if this process dies, the child does as well.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fairlead.dataplane import launch, session
from fairlead.dataplane.clock import Clock

_LOG = logging.getLogger(__name__)
_PYTHON = (sys.executable, "-I", "-S")
LOG_SIZE = 10 * 1024 * 1024
"""Bytes at which a log makes room for a new one; one old log is kept."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    """The whole environment; nothing is inherited."""
    log: Path | None
    """Where standard output and error go, appended; None: where ours go."""
    directory: Path | None = None
    """Working directory; None: this process's."""
    many_files: bool = False
    """Raise the limit of open files to the most that is allowed."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended: by itself with a code, or by a signal."""

    code: int
    """0 to 255; 128 + signal where a signal ended it, as shells have it."""
    signal: str = ""
    """Such as ``SIGKILL``; empty if it ended by itself."""

    @classmethod
    def of(cls, returncode: int) -> Self:
        """From what `subprocess` reports: negative for signals."""
        if returncode >= 0:
            return cls(returncode)
        try:
            name = signal.Signals(-returncode).name
        except ValueError:
            name = f"signal {-returncode}"
        return cls(128 - returncode, name)

    def __str__(self) -> str:
        return f"ended by {self.signal}" if self.signal else f"exit code {self.code}"


class StartError(Exception):
    """A command that can't be started on this machine; the message says why.

    Args:
        message: what is wrong.
        reason: one word for it, as in a container's `state.waiting.reason`.
    """

    def __init__(self, message: str, reason: str = "RunContainerError") -> None:
        super().__init__(message)
        self.reason = reason


class Guard:
    """A helper process that ends the sessions of our children should we be killed.

    The kernel ends each child itself (see `launch`), but not what the child has started in turn.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._listed: set[int] = set()

    def add(self, pid: int) -> None:
        """Have the session of `pid` ended with us."""
        self._listed.add(pid)
        if self._process is None:
            self._start()
        else:
            self._tell(f"+{pid}\n")

    def remove(self, pid: int) -> None:
        """The session of `pid` is over."""
        self._listed.discard(pid)
        self._tell(f"-{pid}\n")

    def stop(self) -> None:
        """End the helper; what is still listed is killed by it."""
        if self._process is not None:
            process, self._process = self._process, None
            if process.stdin is not None:
                process.stdin.close()
            process.wait()

    def _start(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [*_PYTHON, session.__file__],
            stdin=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            cwd="/",
        )
        self._tell("".join(f"+{pid}\n" for pid in sorted(self._listed)))

    def _tell(self, line: str) -> None:
        if self._process is None or self._process.stdin is None:
            return
        try:
            self._process.stdin.write(line.encode())
        except BrokenPipeError:
            _LOG.warning("the guard process has gone; starting another")
            self._process.stdin.close()
            self._process.wait()
            self._start()


class Child:
    """A started process. Made by `start`; runs until it ends by itself, `stop` or `kill`."""

    def __init__(self, popen: subprocess.Popen[bytes], guard: Guard | None) -> None:
        self._popen = popen
        self._guard = guard
        loop = asyncio.get_running_loop()
        self._exit: asyncio.Future[Exit] = loop.create_future()
        self._handle = os.pidfd_open(popen.pid)
        loop.add_reader(self._handle, self._reap)

    @classmethod
    def start(cls, command: Command, guard: Guard | None = None) -> Self:
        """Start a command in a session of its own; needs the running event loop.

        Args:
            command: what to run.
            guard: told of the session, so that also what the child starts can't outlive us.

        Raises:
            StartError: the program isn't there or can't be executed, or the log can't be written.
        """
        argv = (find_program(command), *command.argv[1:])
        options = ("--files",) if command.many_files else ()
        try:
            log = None if command.log is None else open_log(command.log)
            try:
                popen = subprocess.Popen(  # noqa: S603 - what the user's manifests ask for
                    [*_PYTHON, launch.__file__, *options, str(os.getpid()), *argv],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=dict(command.environment),
                    cwd=command.directory,
                    start_new_session=True,
                )
            finally:
                if log is not None:
                    os.close(log)
        except OSError as error:
            raise StartError(f"cannot start {command.argv[0]}: {error}") from error
        if guard is not None:
            guard.add(popen.pid)
        return cls(popen, guard)

    @property
    def pid(self) -> int:
        """The process id, which is that of its session as well."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not been seen to end."""
        return not self._exit.done()

    async def wait(self) -> Exit:
        """Return when the process has ended; any number of callers may wait."""
        return await asyncio.shield(self._exit)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and all it has started; nothing if it has ended."""
        if self.running:
            session.send(self.pid, number)

    async def stop(self, grace: float, clock: Clock) -> Exit:
        """Ask the process to end, and kill it if it has not after `grace` seconds."""
        self.signal(signal.SIGTERM)
        over = asyncio.Event()
        self._exit.add_done_callback(lambda _: over.set())
        if self.running and not await clock.wait(over, grace):
            self.signal(signal.SIGKILL)
        return await self.wait()

    def kill(self) -> None:
        """Kill the process and all it has started, and wait for the kernel to have done so."""
        if self.running:
            session.end(self.pid)
            self._reap()

    def _reap(self) -> None:
        asyncio.get_running_loop().remove_reader(self._handle)
        os.close(self._handle)
        session.end(self.pid)
        returncode = self._popen.wait()
        if self._guard is not None:
            self._guard.remove(self.pid)
        self._exit.set_result(Exit.of(returncode))


def find_program(command: Command) -> str:
    """Path of the program that a command starts.

    Raises:
        StartError: there is none on the PATH of the command's environment.
    """
    name = command.argv[0] if command.argv else ""
    found = shutil.which(name, path=command.environment.get("PATH", os.defpath))
    if found is None:
        raise StartError(f'exec: "{name}": executable file not found on this machine')
    return found


def open_log(path: Path) -> int:
    """Open a log for appending, after putting an overlong one aside; returns the descriptor.

    Raises:
        OSError: it can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    trim_log(path)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def trim_log(path: Path) -> None:
    """Move what an overlong log holds to ``NAME.1``, though somebody may be writing to it.

    Those write by appending, so they go on at the start of the emptied file; a line written at
    this very moment may be lost.

    Raises:
        OSError: it can't be copied.
    """
    with contextlib.suppress(FileNotFoundError):
        facts = path.stat()
        if stat.S_ISREG(facts.st_mode) and facts.st_size > LOG_SIZE:
            shutil.copyfile(path, path.with_name(path.name + ".1"))
            os.truncate(path, 0)
