"""What xds hands to ads: one Envoy resource as bytes, cut where a part of it may be refused."""

import msgspec

from fairlead.ir.origin import Origin


class Part(msgspec.Struct, frozen=True):
    """A piece of a resource that stands or falls by itself: a virtual host, or all of it."""

    key: str
    """Name of the virtual host; empty where the resource is one part."""
    body: bytes
    """Wire bytes ready for concatenation; for a virtual host with its field frame."""
    fallback: bytes
    """Stands in if Envoy refuses `body` and no good version is known; empty leaves it out."""
    digest: bytes
    """Content hash of `body`."""
    origins: tuple[Origin, ...] = ()
    """The objects it was made from."""


class Resource(msgspec.Struct, frozen=True):
    """One named xDS resource of one proxy. Its message is `head` and then the part bodies."""

    type_url: str
    name: str
    head: bytes
    parts: tuple[Part, ...]
    version: str
    """Content hash over `head` and the digests."""
