"""Hostnames of listeners and routes: which covers which, and what two of them share.

A hostname is lower case: an exact name, ``*.suffix`` (any number of labels to the left), or
`ANY`, which stands for a field that is not set.
"""

from collections.abc import Iterator

ANY = "*"


def covers(pattern: str, host: str) -> bool:
    """True if every name that `host` stands for is also one that `pattern` stands for."""
    if pattern == ANY:
        return True
    if pattern.startswith("*."):
        return host.endswith(pattern[1:])
    return pattern == host


def intersection(listener: str, route: str) -> str | None:
    """The names that both stand for (HTTPRouteSpec.hostnames); None if there are none."""
    if covers(listener, route):
        return route
    if covers(route, listener):
        return listener
    return None


def specificity(host: str) -> tuple[int, int]:
    """Sort key: exact names, then longer wildcards, then shorter ones, then `ANY`."""
    if host == ANY:
        return (2, 0)
    return (1 if host.startswith("*.") else 0, -len(host))


def wider(host: str, limit: str) -> Iterator[str]:
    """Every hostname other than `host` that covers it, the closest first, up to `limit`.

    Args:
        host: An exact name or a wildcard.
        limit: The hostname of the listener; nothing wider than it is yielded.
    """
    rest = host.removeprefix("*.")
    while host != limit and rest != ANY:
        _, dot, rest = rest.partition(".")
        candidate = f"*.{rest}" if dot else ANY
        if not covers(limit, candidate):
            return
        yield candidate
        if candidate in {limit, ANY}:
            return
