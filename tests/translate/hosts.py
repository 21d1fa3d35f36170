"""Hostnames as the specification reads them, apart from what is tested."""


def covers(pattern, host):
    """Whether a listener's or route's hostname, None for any, holds a host or another hostname."""
    if pattern is None or host is None:
        return pattern is None
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else pattern == host


def meets(one, other):
    """Whether two hostnames have hosts in common."""
    return covers(one, other) or covers(other, one)


def width(host):
    """Exact names first, then wildcards by their length, then none."""
    return (2, 0) if host is None else (host.startswith("*."), -len(host))
