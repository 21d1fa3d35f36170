"""Objects as Kubernetes shows them: spec with its defaults filled in, metadata, status.

Values of Secrets never leave the process: every reader of objects gets them through here.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias, cast

import msgspec

from fairlead import api

Json: TypeAlias = dict[str, Any]

_SHOWN_WHEN_EMPTY = {"group"}
"""Fields whose empty value says something: the core group."""


def document(item: api.Object, status: Mapping[str, Any]) -> Json:
    """One object as `kubectl get -o json` would print it.

    Args:
        item: the object as it was read.
        status: its status; left out when empty.
    """
    answer: Json = {"apiVersion": item.api_version, "kind": item.kind}
    answer.update(_fields(item, skip=("api_version", "kind")))
    if isinstance(item, api.Secret):
        answer |= api.redacted(answer)
    if status:
        answer["status"] = dict(status)
    return answer


def _fields(value: msgspec.Struct, skip: tuple[str, ...] = ()) -> Json:
    """A model's fields under the spec's names.

    Defaults stay, as they do in a cluster, unless they are empty ones.
    """
    answer: Json = {}
    for field in msgspec.structs.fields(type(value)):
        item: object = getattr(value, field.name)
        empty_default = not item and item == field.default
        if field.name in skip or item is None or item in ((), {}):
            continue
        if not empty_default or field.encode_name in _SHOWN_WHEN_EMPTY:
            answer[field.encode_name] = _plain(item)
    return answer


def _plain(value: object) -> object:
    """JSON value of a field."""
    match value:
        case msgspec.Struct():
            return _fields(value)
        case tuple():
            return [_plain(item) for item in cast("tuple[object, ...]", value)]
        case Mapping():
            entries = cast("Mapping[str, object]", value)
            return {key: _plain(item) for key, item in entries.items()}
        case bytes():
            return api.REDACTED
        case _:
            return value
