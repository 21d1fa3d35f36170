"""What PEM text comes to. Apart from `pem`, whose libraries only those with certificates need."""

import msgspec


class Fault(msgspec.Struct, frozen=True, gc=False):
    """Why something cannot be used."""

    message: str
    """What is wrong and what to do, to be put after the name of what holds it."""


class KeyPair(msgspec.Struct, frozen=True, gc=False):
    """A certificate chain and its private key."""

    chain: str
    """PEM, the leaf first."""
    key: str
    """PEM. Never to be shown."""

    def __repr__(self) -> str:
        return "KeyPair([redacted])"
