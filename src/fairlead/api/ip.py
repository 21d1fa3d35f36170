"""IP addresses as they are written in objects."""

import ipaddress
from typing import Literal


def is_ip(text: str, family: Literal["", "IPv4", "IPv6"] = "") -> bool:
    """Whether a text is an IP address, without brackets or port.

    Args:
        text: What is written.
        family: Of which it must be (`EndpointSlice.addressType`); empty for either.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not family or family == f"IPv{address.version}"
