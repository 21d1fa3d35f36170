"""Typed objects back to raw values, for output."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from fairlead.api.kinds import Object
from fairlead.api.secret import Secret

REDACTED: Final = "[redacted]"


_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
"""An annotation that repeats the whole object, as `kubectl get -o yaml` gives it."""


def to_raw(obj: Object) -> dict[str, Any]:
    """The object as JSON-like values under the spec's names, defaults left out.

    `apiVersion` and `kind` come first and are always there; values of a Secret are redacted.
    """
    body: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(obj))
    if isinstance(obj, Secret):
        body |= redacted(body)
    return {"apiVersion": obj.api_version, "kind": obj.kind, **body}


def redacted(secret: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a raw Secret that hold its values, without them.

    Args:
        secret: the Secret under the spec's names.
    """
    kept: dict[str, Any] = {
        field: dict.fromkeys(secret[field], REDACTED)
        for field in ("data", "stringData")
        if field in secret
    }
    metadata = secret["metadata"]
    annotations = metadata.get("annotations", {})
    if _APPLIED in annotations:
        kept["metadata"] = {**metadata, "annotations": {**annotations, _APPLIED: REDACTED}}
    return kept
