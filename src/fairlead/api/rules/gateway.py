"""Rules of Gateway: addresses, TLS, infrastructure; `rules.listener` has those of listeners."""

import re
from collections.abc import Iterator
from typing import Final

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.gateway import Gateway, GatewaySpecAddress
from fairlead.api.gateway_tls import FrontendTLSConfig, FrontendTLSValidation
from fairlead.api.ip import is_ip
from fairlead.api.rules.listener import listeners
from fairlead.api.rules.metadata import labels, qualified_key
from fairlead.api.rules.unique import unique
from fairlead.api.scalar import SUBDOMAIN

_HTTP: Final = frozenset({"HTTP", "HTTPS"})
_HOSTNAME = re.compile(rf"(\*\.)?{SUBDOMAIN}")
_PREFIX = re.compile(SUBDOMAIN)
_BUNDLE: Final = ("certificates.k8s.io", "ClusterTrustBundle")


def gateway(obj: Gateway) -> Iterator[Finding]:
    """GatewaySpec's validations, experimental channel of Gateway API v1.7.0."""
    spec = obj.spec
    path: Path = ("spec", "listeners")
    yield from listeners(path, spec.listeners)
    for index, listener in enumerate(spec.listeners):
        if listener.filters and listener.protocol not in _HTTP:
            message = f"filters act on protocol HTTP or HTTPS, not on {listener.protocol}"
            yield Finding(Code.RULE, (*path, index, "filters"), message, "remove them")
    if spec.addresses:
        yield from _addresses(("spec", "addresses"), spec.addresses)
    if spec.infrastructure:
        yield from labels(("spec", "infrastructure", "labels"), spec.infrastructure.labels)
        for key in spec.infrastructure.annotations:
            yield from qualified_key(("spec", "infrastructure", "annotations"), key)
    if spec.tls and spec.tls.frontend:
        yield from _frontend(("spec", "tls", "frontend"), spec.tls.frontend)


def _addresses(path: Path, addresses: tuple[GatewaySpecAddress, ...]) -> Iterator[Finding]:
    keys = [
        (each.type, each.value)
        if each.type in {"IPAddress", "Hostname"} and each.value is not None
        else None
        for each in addresses
    ]
    yield from unique(path, keys, "is the same address as entry {first}", "remove one of them")
    for index, each in enumerate(addresses):
        at = (*path, index)
        if each.type == "IPAddress" and each.value is not None and not is_ip(each.value):
            message = f"`{each.value}` is no IP address"
            remedy = "write an IPv4 or IPv6 address, or set `type: Hostname`"
            yield Finding(Code.BOUNDS, (*at, "value"), message, remedy)
        if each.type == "Hostname" and each.value and not _HOSTNAME.fullmatch(each.value):
            message = f"`{each.value}` is not a host name in lower case"
            yield Finding(Code.BOUNDS, (*at, "value"), message)
        if each.routability and not _routable(each.routability):
            message = f"`{each.routability}` is neither `Cluster` nor a domain-prefixed path"
            yield Finding(Code.BOUNDS, (*at, "routability"), message)


def _routable(text: str) -> bool:
    prefix, slash, rest = text.partition("/")
    if text == "Cluster":
        return True
    if not slash or not rest or not _PREFIX.fullmatch(prefix):
        return False
    return prefix != "k8s.io" and not prefix.endswith(".k8s.io")


def _frontend(path: Path, frontend: FrontendTLSConfig) -> Iterator[Finding]:
    ports = [each.port for each in frontend.per_port]
    message = "port {key} has its settings in entry {first} already"
    yield from unique((*path, "perPort"), ports, message, "merge them into one")
    yield from _validation((*path, "default", "validation"), frontend.default.validation)
    for index, each in enumerate(frontend.per_port):
        at = (*path, "perPort", index, "tls", "validation")
        yield from _validation(at, each.tls.validation)


def _validation(path: Path, validation: FrontendTLSValidation | None) -> Iterator[Finding]:
    for index, ref in enumerate(validation.ca_certificate_refs if validation else ()):
        if (ref.group, ref.kind) == _BUNDLE and ref.namespace is not None:
            message = "a ClusterTrustBundle has no namespace"
            at = (*path, "caCertificateRefs", index, "namespace")
            yield Finding(Code.RULE, at, message, "remove it")
