"""Ports of this machine."""

import itertools
import os
import socket

FIRST = 12288
"""Below what the kernel gives to those who connect, or ask for any port."""
EACH = 1024
"""Ports that each of several pytest processes has for itself."""
MOST = 16

_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % MOST
_next = itertools.count(os.getpid())


def free_port(address="127.0.0.1"):
    """A TCP port of an address where nobody listens now, and no test beside this one will."""
    for number in itertools.islice(_next, EACH):
        port = FIRST + _worker * EACH + number % EACH
        with socket.socket() as probe:
            try:
                probe.bind((address, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port of {address} from {FIRST + _worker * EACH} on")
