"""Typed objects back to raw values, for output."""

from typing import Any, Final

import msgspec

from fairlead.api.kinds import Object
from fairlead.api.secret import Secret

REDACTED: Final = "[redacted]"


def to_raw(obj: Object) -> dict[str, Any]:
    """The object as JSON-like values under the spec's names, defaults left out.

    `apiVersion` and `kind` come first and are always there; values of a Secret are redacted.
    """
    body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(obj))
    if isinstance(obj, Secret):
        for field in ("data", "stringData"):
            if field in body:
                body[field] = dict.fromkeys(body[field], REDACTED)
    return {"apiVersion": obj.api_version, "kind": obj.kind, **body}
