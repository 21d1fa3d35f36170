"""Certificates, keys and trust bundles that proxies are given by name (SDS)."""

import msgspec

from fairlead.ir.origin import Origin

SYSTEM_TRUST = "system"
"""Name of the trust bundle that holds the machine's own certificate authorities
(``wellKnownCACertificates: System``)."""


class PrivateKey(msgspec.Struct, frozen=True, gc=False, repr_omit_defaults=True):
    """A private key in PEM. Prints as ``[redacted]``, so that no log or dump ever shows it."""

    pem: str

    def __repr__(self) -> str:
        return "[redacted]"

    __str__ = __repr__


class Certificate(msgspec.Struct, frozen=True, gc=False, tag="certificate"):
    """A certificate chain with its key (Secret of type kubernetes.io/tls)."""

    name: str
    """``certificate/NAMESPACE/SECRET``."""
    chain: str
    """PEM, the leaf first."""
    key: PrivateKey
    origin: Origin | None = None


class TrustBundle(msgspec.Struct, frozen=True, gc=False, tag="trust"):
    """Certificate authorities that a peer's certificate may come from."""

    name: str
    """``trust/KIND/NAMESPACE/NAME[/PORT]`` of the object that lists them, or `SYSTEM_TRUST`."""
    certificates: str
    """PEM, one after the other; empty for `SYSTEM_TRUST`."""
    origin: Origin | None = None


Secret = Certificate | TrustBundle
