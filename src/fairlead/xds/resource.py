"""What xds hands to ads: one Envoy resource as bytes, cut where a part of it may be refused."""

import msgspec

from fairlead.ir.origin import Origin
from fairlead.xds import wire


class Part(msgspec.Struct, frozen=True, gc=False):
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


class Resource(msgspec.Struct, frozen=True, gc=False):
    """One named xDS resource of one proxy. Its message is `head` and then the part bodies."""

    type_url: str
    name: str
    head: bytes
    parts: tuple[Part, ...]
    version: str
    """Content hash over `head` and the digests."""


def whole(type_url: str, name: str, message: bytes, origins: tuple[Origin, ...] = ()) -> Resource:
    """A resource that is accepted or refused as one."""
    part = Part(key="", body=message, fallback=b"", digest=wire.digest(message), origins=origins)
    return composed(type_url, name, b"", (part,))


def composed(type_url: str, name: str, head: bytes, parts: tuple[Part, ...]) -> Resource:
    """A resource of parts, none of which is serialised again."""
    version = wire.version(head, [part.digest for part in parts])
    return Resource(type_url, name, head, parts, version)
