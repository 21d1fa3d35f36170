"""What of our kinds a cluster's CRDs do not have: fields that its API server drops.

In: the CRDs as they are installed. Out: the fields that Fairlead reads and that a CRD's schema
lacks. So a channel or an older release is told by what it lacks, not by its name.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import inspect

from fairlead.api.kinds import Kind
from fairlead.install.part import Manifest

_BEFORE: Final = frozenset({"sessionName", "cookieConfig", "idleTimeout"})
"""Fields that v1.7.0 no longer has, in any channel; they are read from older manifests."""


def served(definition: Manifest, kind: Kind) -> str:
    """The version of a kind that is read from this CRD; empty if it serves none that is known."""
    offered = {each["name"] for each in definition["spec"]["versions"] if each["served"]}
    return next((version for version in kind.versions if version in offered), "")


def missing(definition: Manifest, kind: Kind) -> tuple[str, ...]:
    """Fields of the kind that the CRD drops, such as `spec.rules[].sessionPersistence`, sorted.

    Args:
        definition: the CRD.
        kind: the kind that it defines, in a version that it serves.
    """
    version = served(definition, kind)
    schema: Mapping[str, Any] = next(
        each["schema"]["openAPIV3Schema"]
        for each in definition["spec"]["versions"]
        if each["name"] == version
    )
    model = _fields(inspect.type_info(kind.model))
    properties: Mapping[str, Any] = schema.get("properties", {})
    if "spec" not in model or "spec" not in properties:
        return ()
    return tuple(sorted(_missing(model["spec"], properties["spec"], "spec")))


def _missing(model: inspect.Type, schema: Mapping[str, Any], path: str) -> Iterator[str]:
    entry = _entry(model)
    if entry is not None and "items" in schema:
        yield from _missing(entry, schema["items"], f"{path}[]")
        return
    properties: Mapping[str, Any] | None = schema.get("properties")
    if properties is None:
        return
    for name, field in _fields(model).items():
        if name not in properties:
            if name not in _BEFORE:
                yield f"{path}.{name}"
        else:
            yield from _missing(field, properties[name], f"{path}.{name}")


def _fields(model: inspect.Type) -> dict[str, inspect.Type]:
    """The fields of an object, or of whatever of several it may be."""
    match model:
        case inspect.StructType():
            return {field.encode_name: field.type for field in model.fields}
        case inspect.UnionType():
            return {name: field for each in model.types for name, field in _fields(each).items()}
        case _:
            return {}


def _entry(model: inspect.Type) -> inspect.Type | None:
    """What a list holds; None for what is no list."""
    match model:
        case inspect.VarTupleType() | inspect.ListType():
            return model.item_type
        case inspect.UnionType():
            return next((found for each in model.types if (found := _entry(each))), None)
        case _:
            return None
