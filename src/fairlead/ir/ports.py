"""Which ports our own processes listen on, unless they are told otherwise; others ask there."""

from typing import Final

CONTROLLER_API: Final = 15000
"""For the commands, on the loopback address of a replica's pod."""
OUTBOUND: Final = 15001
"""HTTP proxy of a pod without a cluster."""
XDS: Final = 15010
CONTROLLER_HEALTH: Final = 15020
"""Probes and metrics of a replica."""
PROXY_HEALTH: Final = 15021
"""Probes and metrics of a proxy's pod; no listener can have it."""
