"""Ports of this machine."""

import socket


def free_port(address="127.0.0.1"):
    """A TCP port of an address that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]
