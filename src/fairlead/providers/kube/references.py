"""Which Secrets and ConfigMaps may be read: those that something of ours points to.

In: GatewayClasses, Gateways, ListenerSets, policies and ReferenceGrants. Out: the kinds, namespaces
and names. A reference into another namespace counts only where a ReferenceGrant there permits it,
and one from a Gateway or ListenerSet only if its class is of our controller: so nobody makes us
read what the API would not let them refer to.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias

import msgspec

from fairlead import api
from fairlead.providers.batch import Key

Referent: TypeAlias = tuple[Literal["ConfigMap", "Secret"], Key]
"""Kind and key of what is referred to."""

REFERRING_KINDS = frozenset(
    {
        "GatewayClass",
        "Gateway",
        "ListenerSet",
        "BackendTLSPolicy",
        "XBackend",
        "ReferenceGrant",
    }
)
"""Kinds whose objects decide what is read."""


class Ours(msgspec.Struct, frozen=True):
    """How Gateways of ours are told from others'."""

    controller_name: str
    implicit_class: str = ""
    """A class that is ours while there is no GatewayClass of that name; empty for none."""


def references_of(obj: api.Object) -> tuple[Referent, ...]:
    """What an object points to, permitted or not, each once."""
    match obj:
        case api.GatewayClass():
            found = _of_class(obj)
        case api.Gateway():
            found = _of_gateway(obj)
        case api.ListenerSet():
            found = _of_listeners(obj.metadata.namespace, obj.spec.listeners)
        case api.BackendTLSPolicy():
            found = _of_validation(obj.metadata.namespace, obj.spec.validation)
        case api.XBackend():
            found = _of_backend(obj)
        case _:
            found = iter(())
    return tuple(dict.fromkeys(found))


def wanted(objects: Mapping[str, Mapping[Key, api.Object]], ours: Ours) -> frozenset[Referent]:
    """All that is to be read.

    Args:
        objects: by kind, those of `REFERRING_KINDS`.
        ours: which Gateways count.
    """
    grants = _permissions(objects.get("ReferenceGrant", {}).values())
    found: set[Referent] = set()
    for kind in REFERRING_KINDS:
        for key, obj in objects.get(kind, {}).items():
            if not is_ours(obj, objects, ours):
                continue
            for referent in references_of(obj):
                if kind == "GatewayClass" or _permitted(obj, key[0], referent, grants):
                    found.add(referent)
    return frozenset(found)


def is_ours(obj: api.Object, objects: Mapping[str, Mapping[Key, api.Object]], ours: Ours) -> bool:
    """Whether what an object refers to concerns us."""
    match obj:
        case api.GatewayClass():
            return obj.spec.controller_name == ours.controller_name
        case api.Gateway():
            name = obj.spec.gateway_class_name
            found = objects.get("GatewayClass", {}).get(("", name))
            if found is None:
                return bool(name) and name == ours.implicit_class
            return is_ours(found, objects, ours)
        case api.ListenerSet():
            ref = obj.spec.parent_ref
            parent = objects.get("Gateway", {}).get(ref.key_from(obj.metadata.namespace))
            named = (ref.group, ref.kind) == (api.GATEWAY_GROUP, "Gateway")
            return named and parent is not None and is_ours(parent, objects, ours)
        case _:
            return True


_Permission: TypeAlias = tuple[str, str, str, str, str, str, str]
"""Group, kind and namespace of who refers; group, kind, namespace and name (empty for all)."""


def _permissions(grants: Iterable[api.Object]) -> frozenset[_Permission]:
    return frozenset(
        (
            *(source.group, source.kind, source.namespace),
            *(target.group, target.kind, grant.metadata.namespace, target.name or ""),
        )
        for grant in grants
        if isinstance(grant, api.ReferenceGrant)
        for source in grant.spec.from_
        for target in grant.spec.to
    )


def _permitted(
    obj: api.Object, namespace: str, referent: Referent, grants: frozenset[_Permission]
) -> bool:
    kind, key = referent
    if key[0] == namespace:
        return True
    group = obj.api_version.rpartition("/")[0]
    asked = (group, obj.kind, namespace, "", kind, key[0])
    return (*asked, "") in grants or (*asked, key[1]) in grants


def _of_class(obj: api.GatewayClass) -> Iterator[Referent]:
    ref = obj.spec.parameters_ref
    if ref is not None and (ref.group, ref.kind) == ("", "ConfigMap") and ref.namespace:
        yield "ConfigMap", (ref.namespace, ref.name)


def _of_gateway(obj: api.Gateway) -> Iterator[Referent]:
    namespace, spec = obj.metadata.namespace, obj.spec
    if spec.infrastructure is not None and spec.infrastructure.parameters_ref is not None:
        yield from _reference(namespace, spec.infrastructure.parameters_ref)
    yield from _of_listeners(namespace, spec.listeners)
    if spec.tls is None:
        return
    if spec.tls.backend is not None and spec.tls.backend.client_certificate_ref is not None:
        yield from _reference(namespace, spec.tls.backend.client_certificate_ref)
    frontend = spec.tls.frontend
    if frontend is not None:
        for config in (frontend.default, *(each.tls for each in frontend.per_port)):
            for ref in config.validation.ca_certificate_refs if config.validation else ():
                yield from _reference(namespace, ref)


def _of_listeners(namespace: str, listeners: Iterable[api.Listener]) -> Iterator[Referent]:
    for listener in listeners:
        terminates = listener.tls is not None and listener.tls.mode == "Terminate"
        for ref in listener.tls.certificate_refs if listener.tls and terminates else ():
            yield from _reference(namespace, ref)


def _of_backend(obj: api.XBackend) -> Iterator[Referent]:
    namespace, tls = obj.metadata.namespace, obj.spec.tls
    if tls.client_certificate_ref is not None:
        yield from _reference(namespace, tls.client_certificate_ref)
    if tls.validation is not None:
        yield from _of_validation(namespace, tls.validation)


def _of_validation(
    namespace: str, validation: api.BackendTLSPolicyValidation
) -> Iterator[Referent]:
    for ref in validation.ca_certificate_refs:
        yield from _reference(namespace, ref)


def _reference(
    namespace: str,
    ref: api.SecretObjectReference
    | api.ObjectReference
    | api.LocalObjectReference
    | api.LocalParametersReference,
) -> Iterator[Referent]:
    """The referent if it is of a kind that is read at all."""
    target = namespace
    if isinstance(ref, api.SecretObjectReference | api.ObjectReference):
        target = ref.namespace or namespace
    if (ref.group, ref.kind) == ("", "Secret"):
        yield "Secret", (target, ref.name)
    elif (ref.group, ref.kind) == ("", "ConfigMap"):
        yield "ConfigMap", (target, ref.name)
