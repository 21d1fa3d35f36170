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

    def __repr__(self) -> str:  # without the body, which may hold a private key
        return f"Part({self.key!r}, {len(self.body)} bytes, {self.digest.hex()})"


class Bundle(msgspec.Struct, frozen=True, gc=False):
    """Some parts of a resource, joined: what is put together again when one of them changes."""

    body: bytes
    """Bodies of the parts, one after the other."""
    digest: bytes
    """Content hash of the parts."""
    parts: tuple[Part, ...]

    def __repr__(self) -> str:
        return f"Bundle({list(self.parts)!r})"


class Resource(msgspec.Struct, frozen=True, gc=False):
    """One named xDS resource of one proxy. Its message is `head` and then the bundles' bodies."""

    type_url: str
    name: str
    head: bytes
    bundles: tuple[Bundle, ...]
    version: str
    """Content hash over `head` and the digests."""
    origins: tuple[Origin, ...] = ()
    """The objects that `head` was made from."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All parts in the order of the message."""
        return tuple([part for bundle in self.bundles for part in bundle.parts])


def whole(type_url: str, name: str, message: bytes, origins: tuple[Origin, ...] = ()) -> Resource:
    """A resource that is accepted or refused as one."""
    part = Part(key="", body=message, fallback=b"", digest=wire.digest(message), origins=origins)
    return composed(type_url, name, b"", (bundled((part,)),))


def bundled(parts: tuple[Part, ...]) -> Bundle:
    """Join parts, of which there is at least one."""
    if len(parts) == 1:
        return Bundle(parts[0].body, parts[0].digest, parts)
    body = b"".join([part.body for part in parts])
    return Bundle(body, wire.digest(b"".join([part.digest for part in parts])), parts)


def composed(
    type_url: str,
    name: str,
    head: bytes,
    bundles: tuple[Bundle, ...],
    origins: tuple[Origin, ...] = (),
) -> Resource:
    """A resource of bundles, none of which is serialised again."""
    version = wire.version(head, [bundle.digest for bundle in bundles])
    return Resource(type_url, name, head, bundles, version, origins)
