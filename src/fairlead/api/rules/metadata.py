"""Names, labels and annotations, as the API server checks them for every object."""

import re
from collections.abc import Iterator, Mapping

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.metadata import ObjectMeta
from fairlead.api.scalar import LABEL, SUBDOMAIN

_NAME_LIMIT = 253
_LABEL_LIMIT = 63
_SUBDOMAIN = re.compile(SUBDOMAIN)
_LABEL = re.compile(LABEL)
_QUALIFIED = re.compile(rf"(?:({SUBDOMAIN})/)?([A-Za-z0-9](?:[-A-Za-z0-9_.]{{0,61}}[A-Za-z0-9])?)")
_LABEL_VALUE = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_LABEL_KINDS = frozenset({"Namespace", "Service"})
_PREFIXED_KINDS = frozenset({"ClusterTrustBundle"})
"""Kinds whose names begin with another one and a colon."""


def metadata(kind: str, meta: ObjectMeta) -> Iterator[Finding]:
    """Name and namespace in the form that the kind asks for, labels and annotation keys."""
    limit, pattern = (_NAME_LIMIT, _SUBDOMAIN)
    if kind in _LABEL_KINDS:
        limit, pattern = (_LABEL_LIMIT, _LABEL)
    name = meta.name.rpartition(":")[2] if kind in _PREFIXED_KINDS else meta.name
    if not meta.name:
        yield Finding(Code.BAD_NAME, ("metadata", "name"), "is empty", "give the object a name")
    elif len(meta.name) > limit or not pattern.fullmatch(name):
        dots = "" if kind in _LABEL_KINDS else " and `.`"
        yield Finding(
            Code.BAD_NAME,
            ("metadata", "name"),
            f"`{meta.name}` cannot be the name of a {kind}",
            f"use up to {limit} lower case letters, digits, `-`{dots}, letter or digit at the ends",
        )
    if meta.namespace and (
        len(meta.namespace) > _LABEL_LIMIT or not _LABEL.fullmatch(meta.namespace)
    ):
        yield Finding(
            Code.BAD_NAME,
            ("metadata", "namespace"),
            f"`{meta.namespace}` cannot be the name of a namespace",
            f"use up to {_LABEL_LIMIT} lower case letters, digits and `-`",
        )
    if meta.labels:
        yield from labels(("metadata", "labels"), meta.labels)
    for key in meta.annotations:
        yield from qualified_key(("metadata", "annotations"), key)


def labels(path: Path, values: Mapping[str, str]) -> Iterator[Finding]:
    """Keys and values that labels cannot have."""
    for key, value in values.items():
        yield from qualified_key(path, key)
        if not _LABEL_VALUE.fullmatch(value):
            yield Finding(
                Code.BOUNDS,
                (*path, key),
                f"`{value}` cannot be the value of a label",
                "use up to 63 letters, digits, `-`, `_` and `.`, letter or digit at the ends",
            )


def qualified_key(path: Path, key: str) -> Iterator[Finding]:
    """A finding if `key` cannot be the key of a label or annotation."""
    match = _QUALIFIED.fullmatch(key)
    if not match or len(match[1] or "") > _NAME_LIMIT:
        yield Finding(
            Code.BOUNDS,
            (*path, key),
            f"`{key}` cannot be the key of a label or annotation",
            "use an optional DNS prefix and `/`, then up to 63 letters, digits, `-`, `_` and `.`",
        )
