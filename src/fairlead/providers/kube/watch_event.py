"""What comes in a watch, decoded no further than it takes to tell which object it is about."""

from typing import Literal, TypeVar

import msgspec

from fairlead.providers.kube.errors import ApiError, UnreachableError
from fairlead.providers.kube.known import Key, Version
from fairlead.providers.kube.nesting import UNDECODABLE, shallow

T = TypeVar("T")


class WatchEvent(msgspec.Struct):
    """metav1.WatchEvent."""

    type: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"]
    object: msgspec.Raw


class _Meta(msgspec.Struct, rename="camel"):
    resource_version: str
    name: str = ""
    namespace: str = ""
    uid: str = ""


class _Object(msgspec.Struct):
    metadata: _Meta


class _Status(msgspec.Struct):
    code: int = 0
    reason: str = ""
    message: str = ""


def decoded(data: bytes | msgspec.Raw, model: type[T], path: str) -> T:
    """A part of an answer; of what is nested too deep to be walked, no more than models have.

    Raises:
        UnreachableError: It is cut short, or another answer than was asked for.
    """
    try:
        try:
            return msgspec.json.decode(data, type=model)
        except RecursionError:
            return msgspec.json.decode(shallow(bytes(data)), type=model)
    except UNDECODABLE as error:
        message = f"{path}: the answer is cut short or of another kind: {error}"
        raise UnreachableError(message) from error


def identity(raw: msgspec.Raw, path: str) -> tuple[Key, Version]:
    """Which object it is, and which version of it.

    Raises:
        UnreachableError: It is no object.
    """
    meta = decoded(raw, _Object, path).metadata
    return (meta.namespace, meta.name), (meta.uid, meta.resource_version)


def refusal(raw: msgspec.Raw, path: str) -> ApiError:
    """What an ERROR event says."""
    status = decoded(raw, _Status, path)
    return ApiError(status.code, status.reason, f"watch of {path}: {status.message}")
