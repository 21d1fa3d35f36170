"""Becomes the command it is given, and dies with its parent.

Run as ``python -I -S launch.py [--files] PARENT COMMAND [ARGUMENT…]``: a program of its own, since
code between fork and exec is unsafe in a process with threads. Nothing of the package is imported:
it adds about 10 ms to the start of a process.

``--files`` raises the limit of open files as far as it goes. Exits 127 if the command isn't found,
126 if it can't be executed.
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_NOT_FOUND = 127
_NOT_EXECUTABLE = 126
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def main(arguments: list[str]) -> int:
    """Exec the command; returns an exit code only if that fails.

    Args:
        arguments: as on the command line, without the program.
    """
    if arguments[0] == "--files":
        arguments = arguments[1:]
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    parent, command = int(arguments[0]), arguments[1:]
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel was told
        return _NOT_EXECUTABLE
    for number in _IGNORED_BY_PYTHON:
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - this is what the program is for
    except FileNotFoundError:
        sys.stderr.write(f"{command[0]}: command not found\n")
        return _NOT_FOUND
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return _NOT_EXECUTABLE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
