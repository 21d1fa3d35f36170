"""Messages of the delta protocol: requests are parsed, responses are put together from bytes.

A response is the concatenation of bytes that xds has cached, so its cost is that of copying.
Field numbers are those of ``envoy.service.discovery.v3``.
"""

# Protobuf makes its classes at run time, so there is nothing to check the import against; what is
# used of them is written down in the protocols below.
# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false
# pyright: reportUnknownMemberType=false

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Protocol, cast

import msgspec
from envoy.service.discovery.v3 import discovery_pb2
from google.protobuf.message import DecodeError

from fairlead.xds.resource import Resource
from fairlead.xds.wire import LENGTH_DELIMITED, framed, varint


class RemoteProtocolError(Exception):
    """The other side broke the protocol; its stream cannot go on. Says how."""


class Request(msgspec.Struct, frozen=True):
    """A DeltaDiscoveryRequest, as far as it is looked at."""

    type_url: str
    node: str = ""
    """``node.id``; sent with the first request of a stream only."""
    subscribe: tuple[str, ...] = ()
    unsubscribe: tuple[str, ...] = ()
    initial_versions: tuple[tuple[str, str], ...] = ()
    """What the client already holds, as (resource name, version); first request of a type."""
    nonce: str = ""
    """Of the response that is answered; empty for a request on the client's own behalf."""
    error: str | None = None
    """Envoy's own words where it refused the response, else None."""


class _Node(Protocol):
    id: str


class _Error(Protocol):
    message: str


class _Message(Protocol):
    type_url: str
    node: _Node
    resource_names_subscribe: Sequence[str]
    resource_names_unsubscribe: Sequence[str]
    initial_resource_versions: Mapping[str, str]
    response_nonce: str
    error_detail: _Error

    def HasField(self, field_name: str) -> bool: ...  # noqa: N802 - protobuf's name


class _Parser(Protocol):
    def FromString(self, s: bytes) -> _Message: ...  # noqa: N802 - protobuf's name


_PARSER = cast("_Parser", discovery_pb2.DeltaDiscoveryRequest)


def decode(data: bytes) -> Request:
    """Parse a DeltaDiscoveryRequest.

    Raises:
        RemoteProtocolError: The bytes are no such message, or name no type.
    """
    try:
        message = _PARSER.FromString(data)
    except DecodeError as error:
        raise RemoteProtocolError(f"not a DeltaDiscoveryRequest: {error}") from error
    if not message.type_url:
        raise RemoteProtocolError("a DeltaDiscoveryRequest without type_url")
    return Request(
        type_url=message.type_url,
        node=message.node.id,
        subscribe=tuple(message.resource_names_subscribe),
        unsubscribe=tuple(message.resource_names_unsubscribe),
        initial_versions=tuple(message.initial_resource_versions.items()),
        nonce=message.response_nonce,
        error=_line(message.error_detail.message) if message.HasField("error_detail") else None,
    )


def _line(text: str) -> str:
    """Envoy's words in one line: it ends them with a line break."""
    return " ".join(filter(None, map(str.strip, text.splitlines())))


@lru_cache(maxsize=4096)
def head(field: int, length: int) -> bytes:
    """What precedes `length` bytes of a length-delimited field."""
    return varint(field << 3 | LENGTH_DELIMITED) + varint(length)


def size(resource: Resource) -> int:
    """Bytes of the resource's own message."""
    return len(resource.head) + sum([len(bundle.body) for bundle in resource.bundles])


def encode(
    type_url: str, nonce: str, resources: Iterable[Resource], removed: Iterable[str]
) -> bytes:
    """Put a DeltaDiscoveryResponse together from the resources' bytes."""
    any_type = framed(1, type_url.encode())
    pieces: list[bytes] = []
    for resource in resources:
        length = size(resource)
        any_head = any_type + head(2, length)
        front = framed(3, resource.name.encode()) + framed(1, resource.version.encode())
        front += head(2, len(any_head) + length) + any_head
        pieces.append(head(2, len(front) + length) + front + resource.head)
        pieces.extend([bundle.body for bundle in resource.bundles])
    pieces.append(framed(4, type_url.encode()))
    pieces.append(framed(5, nonce.encode()))
    pieces.extend(framed(6, name.encode()) for name in removed)
    return b"".join(pieces)
