"""Bytes of an API server in, typed objects out; fast, since the server has validated them already.

What a newer server or definition has and no model knows is left out, and what nothing reads or
others change all the time (managedFields, annotations, most labels, resourceVersion). So two
versions of an object that differ in nothing else are equal.
"""

from functools import cache
from typing import Final

import msgspec
from msgspec import inspect

from fairlead import api
from fairlead.api.hints import fields_of, unwrap
from fairlead.api.raw import Raw, is_list, is_map, share_texts
from fairlead.api.schema import struct_info
from fairlead.providers.kube.nesting import UNDECODABLE

_DROPPED_METADATA: Final = (
    "managedFields",
    "annotations",
    "resourceVersion",
    "selfLink",
    "generateName",
    "ownerReferences",
    "finalizers",
)
_LABELLED: Final = frozenset({"Namespace", "EndpointSlice"})
"""Kinds whose own labels count: selectors of namespaces, and whose endpoints a slice has."""


_UNREADABLE: Final = (*UNDECODABLE, KeyError, AttributeError, TypeError)
"""What comes of JSON that is no object of its kind, or is nested too deep."""


class Live(msgspec.Struct, frozen=True):
    """What a status writer compares with, and names when it writes."""

    uid: str
    resource_version: str
    generation: int
    status: bytes
    """JSON of `.status`; empty if there is none."""
    created: str = ""
    """RFC 3339."""


class UnreadableError(Exception):
    """An object is not as its model says; the message names the field."""


class _LiveMeta(msgspec.Struct, rename="camel"):
    uid: str = ""
    resource_version: str = ""
    generation: int = 1
    creation_timestamp: str = ""


class _LiveObject(msgspec.Struct):
    metadata: _LiveMeta
    status: msgspec.Raw = msgspec.Raw()


_live = msgspec.json.Decoder(_LiveObject)


def live(data: bytes) -> Live:
    """Identity, version and status of an object.

    Raises:
        UnreadableError: It is no object.
    """
    try:
        found = _live.decode(data)
    except UNDECODABLE as error:
        raise UnreadableError(str(error)) from error
    meta = found.metadata
    status = bytes(found.status)
    return Live(meta.uid, meta.resource_version, meta.generation, status, meta.creation_timestamp)


def decode(kind: api.Kind, data: bytes) -> api.Object:
    """An object of a kind.

    Raises:
        UnreadableError: A field has a type or value that the model doesn't know.
    """
    try:
        raw = msgspec.json.decode(data)
        raw.pop("status", None)
        _tidy(kind, raw["metadata"])
        share_texts(raw)
        try:
            return msgspec.convert(raw, kind.model)
        except msgspec.ValidationError:
            return msgspec.convert(_known(raw, struct_info(kind.model)), kind.model)
    except _UNREADABLE as error:
        raise UnreadableError(str(error)) from error


def _tidy(kind: api.Kind, metadata: Raw) -> None:
    for name in _DROPPED_METADATA:
        metadata.pop(name, None)
    if kind.kind not in _LABELLED:
        metadata.pop("labels", None)


def _known(raw: Raw, info: inspect.Type) -> Raw:
    """A copy with the fields that the model has and that are not null."""
    match unwrap(info):
        case inspect.StructType() as struct if is_map(raw):
            fields = _fields(struct.cls)
            return {
                name: _known(value, fields[name])
                for name, value in raw.items()
                if value is not None and name in fields
            }
        case inspect.VarTupleType() as items if is_list(raw):
            return [_known(value, items.item_type) for value in raw]
        case _:
            return raw


@cache
def _fields(model: type[msgspec.Struct]) -> dict[str, inspect.Type]:
    return {name: each.type for name, each in fields_of(struct_info(model)).items()}
