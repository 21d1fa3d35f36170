"""Names and labels of what is made for a Gateway in its namespace.

In: a Gateway's name, up to 253 characters and with dots. Out: a name that every kind takes (a DNS
label of RFC 1035, at most `LONGEST` characters) and a label's value. Both are the Gateway's own
name as far as it goes; where it does not, a hash of the whole keeps Gateways apart.
"""

import re
from hashlib import blake2b
from typing import Final

LONGEST: Final = 60
"""Of 63 characters, so that the Services of further addresses can be numbered."""
SUFFIX: Final = "-fairlead"
"""A Gateway and a Service of the user's are often called the same."""
FIELD_MANAGER: Final = "fairlead-deployer"
"""Under which what a Gateway needs is applied."""
SNAPSHOT: Final = "-snapshot"
SNAPSHOT_TYPE: Final = "fairlead.dev/snapshot"
"""Type of the Secrets that hold snapshots."""
GATEWAY_NAME: Final = "gateway.networking.k8s.io/gateway-name"
"""The label that says whose it is (GEP-1762)."""
MANAGED_BY: Final = "app.kubernetes.io/managed-by"
MANAGER: Final = "fairlead"
_LABEL_VALUE: Final = 63
_DIGEST: Final = 10
"""Characters of a hash."""
_DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


def resource_name(gateway: str) -> str:
    """The name of a Gateway's Deployment, Service, ServiceAccount and ConfigMap."""
    most = LONGEST - len(SUFFIX)
    if len(gateway) <= most and _DNS_LABEL.fullmatch(gateway):
        return gateway + SUFFIX
    plain = re.sub(r"[^a-z0-9]", "-", gateway)
    if not plain[0].isalpha():
        plain = f"gateway-{plain}"
    return f"{plain[: most - _DIGEST - 1].rstrip('-')}-{_hash(gateway)}{SUFFIX}"


def service_name(gateway: str, number: int) -> str:
    """The name of a Gateway's Service: the first is called as all else, the others are numbered.

    Args:
        gateway: Name of the Gateway.
        number: From 1, at most 99.
    """
    name = resource_name(gateway)
    return name if number == 1 else f"{name}-{number}"


def snapshot_name(gateway: str) -> str:
    """The name of the Secret that a new proxy may start from while no control plane answers."""
    return resource_name(gateway) + SNAPSHOT


def label_value(gateway: str) -> str:
    """The value of the label `GATEWAY_NAME`."""
    if len(gateway) <= _LABEL_VALUE:
        return gateway
    return f"{gateway[: _LABEL_VALUE - _DIGEST - 1].rstrip('-.')}-{_hash(gateway)}"


def selector(gateway: str) -> dict[str, str]:
    """The labels by which a Gateway's pods, and all that is made for it, are found."""
    return {GATEWAY_NAME: label_value(gateway), MANAGED_BY: MANAGER}


def _hash(gateway: str) -> str:
    return blake2b(gateway.encode(), digest_size=_DIGEST // 2).hexdigest()
