"""Settings of a Gateway that the API has no fields for, from a ConfigMap (`parametersRef`).

In: the references of GatewayClass and Gateway, ConfigMaps. Out: `Parameters`, or what is wrong.
What the Gateway's ConfigMap sets wins over that of its class.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Context
from fairlead.translate.finding import Finding
from fairlead.translate.sources import Sources

ProxyProtocol: TypeAlias = Literal["off", "optional", "required"]
_PROXY_PROTOCOL: Mapping[str, ProxyProtocol] = {
    "off": "off",
    "optional": "optional",
    "required": "required",
}
_HTTP3 = {"enabled": True, "disabled": False}
_VALUES = {"http3": tuple(_HTTP3), "proxyProtocol": tuple(_PROXY_PROTOCOL)}

_GATEWAY_FIELD = "spec.infrastructure.parametersRef"
_CLASS_FIELD = "spec.parametersRef"


class Parameters(msgspec.Struct, frozen=True, gc=False):
    """Settings of a Gateway."""

    http3: bool = True
    """Whether HTTPS listeners are served by HTTP/3 too."""
    proxy_protocol: ProxyProtocol = "off"
    """Whether connections start with a PROXY protocol header."""


def of_class(
    ctx: Context, sources: Sources, found: api.GatewayClass
) -> Mapping[str, str] | Finding:
    """The settings of a GatewayClass (`spec.parametersRef`)."""
    ref = found.spec.parameters_ref
    if ref is None:
        return {}
    if (ref.group, ref.kind) == ("", "ConfigMap") and ref.namespace is None:
        message = "a ConfigMap needs a namespace; add it"
        return Finding("InvalidParameters", f"{_CLASS_FIELD}.namespace", message)
    return _settings(
        ctx, sources, (ref.group, ref.kind), (ref.namespace or "", ref.name), _CLASS_FIELD
    )


def of_gateway(
    ctx: Context, sources: Sources, gateway: api.Gateway, defaults: Mapping[str, str]
) -> Parameters | Finding:
    """The settings of a Gateway (`spec.infrastructure.parametersRef`) over those of its class."""
    infrastructure = gateway.spec.infrastructure
    ref = infrastructure.parameters_ref if infrastructure is not None else None
    settings: Mapping[str, str] | Finding = {}
    if ref is not None:
        key = (gateway.metadata.namespace, ref.name)
        settings = _settings(ctx, sources, (ref.group, ref.kind), key, _GATEWAY_FIELD)
    if isinstance(settings, Finding):
        return settings
    merged = {**defaults, **settings}
    return Parameters(
        http3=_HTTP3[merged.get("http3", "enabled")],
        proxy_protocol=_PROXY_PROTOCOL[merged.get("proxyProtocol", "off")],
    )


def _settings(
    ctx: Context,
    sources: Sources,
    kind: tuple[str, str],
    key: tuple[str, str],
    field: str,
) -> Mapping[str, str] | Finding:
    """The settings in a ConfigMap, each known and with a value that it can have."""
    if kind != ("", "ConfigMap"):
        named = f"{kind[1]} of group {kind[0]!r}" if kind[0] else kind[1]
        message = f"{named} has no parameters for a Gateway; use a ConfigMap"
        return Finding("InvalidParameters", f"{field}.kind", message)
    shown = f"ConfigMap {key[0]}/{key[1]}"
    found = ctx.fetch(sources.config_maps, key)
    if found is None:
        return Finding("InvalidParameters", f"{field}.name", f"{shown} does not exist; create it")
    for name, value in sorted(found.data.items()):
        known = _VALUES.get(name)
        if known is None:
            message = f"{shown} has the key {name!r}; only {' and '.join(_VALUES)} are known"
            return Finding("InvalidParameters", field, message)
        if value.strip() not in known:
            message = f"{shown}: {name} is {value!r}; write {' or '.join(known)}"
            return Finding("InvalidParameters", field, message)
    return {name: value.strip() for name, value in found.data.items()}
