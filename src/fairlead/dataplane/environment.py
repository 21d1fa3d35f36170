"""The environment of a container, as Kubernetes makes it, and what makes it part of the mesh.

What comes in is a pod with its address; what goes out are variables. Proxy variables point at the
pod's own outbound listener, so that requests carry its namespace and identity; traffic to loopback
addresses, hence to pods, bypasses it, as traffic to a pod's address does in a cluster.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fairlead import api
from fairlead.dataplane.addresses import Key
from fairlead.dataplane.process import StartError

Lookup: TypeAlias = Callable[
    [Literal["ConfigMap", "Secret"], Key], "api.ConfigMap | api.Secret | None"
]
"""Finds a ConfigMap or Secret by (namespace, name)."""

CONFIG_ERROR = "CreateContainerConfigError"
_REFERENCE = re.compile(r"\$(?:\$|\(([^)]+)\))")
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pod runs."""

    ip: str
    outbound_port: int
    """Of its outbound listener, an HTTP proxy."""


def environment(
    pod: api.Pod, container: api.Container, place: Place, lookup: Lookup
) -> dict[str, str]:
    """The variables that a container has beside those of this machine.

    Args:
        pod: the pod.
        container: one of its containers.
        place: its address.
        lookup: for what the variables are taken from.

    Raises:
        StartError: a ConfigMap, Secret or key that isn't optional isn't there.
    """
    variables = own_variables(pod, container, place)
    namespace = pod.metadata.namespace
    for source in container.env_from:
        for kind, ref in (("ConfigMap", source.config_map_ref), ("Secret", source.secret_ref)):
            if ref is not None:
                data = _data(lookup, kind, (namespace, ref.name), optional=ref.optional)
                variables |= {source.prefix + key: value for key, value in (data or {}).items()}
    for entry in container.env:
        value = _value(pod, entry, place, lookup)
        if value is not None:
            variables[entry.name] = expand(value, variables)
    return variables


def own_variables(pod: api.Pod, container: api.Container, place: Place) -> dict[str, str]:
    """The variables that every container has; `env` of the manifest comes on top."""
    proxy = f"http://{place.ip}:{place.outbound_port}"
    bypass = "localhost,127.0.0.0/8"
    variables = {
        "HOSTNAME": pod.spec.hostname or pod.metadata.name,
        "POD_IP": place.ip,
        "POD_NAME": pod.metadata.name,
        "POD_NAMESPACE": pod.metadata.namespace,
        "http_proxy": proxy,
        "HTTP_PROXY": proxy,
        "no_proxy": bypass,
        "NO_PROXY": bypass,
    }
    if container.ports:
        variables["PORT"] = str(container.ports[0].container_port)
    return variables


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace ``$(NAME)`` by the variable if there is one, and ``$$`` by ``$``."""

    def replacement(match: re.Match[str]) -> str:
        if match[1] is None:
            return "$"
        return variables.get(match[1], match[0])

    return _REFERENCE.sub(replacement, text)


def _value(pod: api.Pod, entry: api.EnvVar, place: Place, lookup: Lookup) -> str | None:
    """The value of one `env` entry, None if it has none here."""
    source = entry.value_from
    if source is None:
        return entry.value
    if source.field_ref is not None:
        return _field(pod, source.field_ref.field_path, place)
    for kind, ref in (("ConfigMap", source.config_map_key_ref), ("Secret", source.secret_key_ref)):
        if ref is None:
            continue
        key = (pod.metadata.namespace, ref.name)
        data = _data(lookup, kind, key, optional=ref.optional)
        if data is not None and ref.key not in data and not ref.optional:
            raise StartError(
                f"couldn't find key {ref.key} in {kind} {key[0]}/{key[1]}", CONFIG_ERROR
            )
        return (data or {}).get(ref.key)
    return None  # resourceFieldRef: a local process has no resources of its own


def _field(pod: api.Pod, path: str, place: Place) -> str | None:
    """A field by its downward API path, None if it is unknown here."""
    metadata, spec = pod.metadata, pod.spec
    if subscript := _SUBSCRIPT.fullmatch(path):
        labels = metadata.labels if subscript[1] == "labels" else metadata.annotations
        return labels.get(subscript[2], "")
    fields = {
        "metadata.name": metadata.name,
        "metadata.namespace": metadata.namespace,
        "metadata.uid": metadata.uid,
        "spec.nodeName": spec.node_name or "localhost",
        "spec.serviceAccountName": spec.service_account_name or "default",
        "status.hostIP": "127.0.0.1",
        "status.hostIPs": "127.0.0.1",
        "status.podIP": place.ip,
        "status.podIPs": place.ip,
    }
    return fields.get(path)


def _data(lookup: Lookup, kind: str, key: Key, *, optional: bool) -> Mapping[str, str] | None:
    found = lookup("Secret" if kind == "Secret" else "ConfigMap", key)
    if found is None:
        if optional:
            return None
        raise StartError(f'{kind.lower()} "{key[1]}" not found', CONFIG_ERROR)
    if isinstance(found, api.Secret):
        return {name: _text(value) for name, value in found.data.items()} | dict(found.string_data)
    return found.data


def _text(encoded: str) -> str:
    try:
        return base64.b64decode(encoded).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError) as error:
        raise StartError(f"a value is no base64: {error}", CONFIG_ERROR) from error
