"""What one proxy is served, as a file: for a proxy that starts while no control plane is there.

Resources keep their versions, so that a control plane that is back sends none of them again. What a
proxy has refused is not in it. Same resources, same bytes. A snapshot holds private keys.
"""

import zlib
from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from fairlead.ads.quarantine import FALLBACK
from fairlead.ads.stream import Desired
from fairlead.xds.resource import Part, Resource, bundled, composed
from fairlead.xds.wire import digest

_MAGIC: Final = b"fairlead snapshot 1\n"
"""Begins a snapshot; the number counts formats."""
MOST_BYTES: Final = 256 * 1024 * 1024
"""Of a snapshot that is unpacked."""


class SnapshotError(Exception):
    """Bytes that are no snapshot of a format that is known here; says what they are."""


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    """One resource."""

    type_url: str
    name: str
    version: str
    message: bytes


_DECODER = msgspec.msgpack.Decoder(tuple[_Stored, ...])


def encode(resources: Iterable[Resource]) -> bytes:
    """A snapshot of resources, compressed. For thousands that takes too long for an event loop."""
    stored = [
        _Stored(
            resource.type_url,
            resource.name,
            resource.version,
            b"".join([resource.head, *(bundle.body for bundle in resource.bundles)]),
        )
        for resource in resources
    ]
    stored.sort(key=lambda each: (each.type_url, each.name))
    return _MAGIC + zlib.compress(msgspec.msgpack.encode(stored), 6)


def decode(snapshot: bytes) -> tuple[Resource, ...]:
    """The resources of a snapshot, each of one part and without origins.

    Raises:
        SnapshotError: It cannot be read.
    """
    if not snapshot.startswith(_MAGIC):
        raise SnapshotError(f"begins with {snapshot[: len(_MAGIC)]!r}, not with {_MAGIC!r}")
    unpacking = zlib.decompressobj()
    try:
        packed = unpacking.decompress(snapshot[len(_MAGIC) :], MOST_BYTES)
        if not unpacking.eof:
            raise SnapshotError(f"is cut short, or unpacks to more than {MOST_BYTES} bytes")
        return tuple(_resource(each) for each in _DECODER.decode(packed))
    except (zlib.error, msgspec.MsgspecError) as error:
        raise SnapshotError(f"is damaged: {error}") from error


def resources_of(desired: Desired) -> Iterable[Resource]:
    """All that is desired."""
    return (resource for table in desired.values() for resource in table.values())


def without(resource: Resource, refused: Collection[str]) -> Resource | None:
    """A resource without refused parts, which are known by their keys; None if nothing is left.

    A fallback takes the place of a part that has one. The empty key stands for all of the resource.
    """
    if not refused:
        return resource
    if "" in refused:
        return None
    parts = [
        _fallback(part) if part.key in refused else part
        for part in resource.parts
        if part.fallback or part.key not in refused
    ]
    bundles = tuple([bundled((part,)) for part in parts])
    return composed(resource.type_url, resource.name, resource.head, bundles, resource.origins)


def _fallback(part: Part) -> Part:
    return Part(part.key, part.fallback, b"", FALLBACK + digest(part.fallback), part.origins)


def _resource(stored: _Stored) -> Resource:
    part = Part("", stored.message, b"", digest(stored.message))
    return Resource(stored.type_url, stored.name, b"", (bundled((part,)),), stored.version)
