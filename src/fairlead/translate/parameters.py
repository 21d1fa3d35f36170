"""Settings of a Gateway that the API has no fields for, from a ConfigMap (`parametersRef`).

In: the references of GatewayClass and Gateway, ConfigMaps. Out: `Parameters`, or what is wrong.
What the Gateway's ConfigMap sets wins over that of its class.
"""

import difflib
from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Context
from fairlead.ir.infrastructure import Deployment
from fairlead.translate import deployment_settings
from fairlead.translate.deployment_settings import SettingError
from fairlead.translate.finding import Finding
from fairlead.translate.forbidden import forbidden
from fairlead.translate.sources import Sources

ProxyProtocol: TypeAlias = Literal["off", "optional", "required"]
_PROXY_PROTOCOL: Mapping[str, ProxyProtocol] = {
    "off": "off",
    "optional": "optional",
    "required": "required",
}
_HTTP3 = {"enabled": True, "disabled": False}
_ACCESS_LOG = {"disabled": False, "enabled": True}
_VALUES = {
    "http3": tuple(_HTTP3),
    "proxyProtocol": tuple(_PROXY_PROTOCOL),
    "accessLog": tuple(_ACCESS_LOG),
}
_KNOWN = (*_VALUES, *deployment_settings.KEYS)

_GATEWAY_FIELD = "spec.infrastructure.parametersRef"
_CLASS_FIELD = "spec.parametersRef"
_MOST_SHOWN = 60
"""Characters of a value that a message repeats."""


class Parameters(msgspec.Struct, frozen=True, gc=False):
    """Settings of a Gateway."""

    http3: bool = True
    """Whether HTTPS listeners are served by HTTP/3 too."""
    proxy_protocol: ProxyProtocol = "off"
    """Whether connections start with a PROXY protocol header."""
    access_log: bool = False
    """Whether its proxies log each request."""
    deployment: Deployment = Deployment()
    """How its proxy is run in a cluster."""


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
    key = (ref.namespace or "", ref.name)
    settings = _settings(ctx, sources, (ref.group, ref.kind), key, _CLASS_FIELD)
    if isinstance(settings, Finding):
        return settings
    try:
        deployment_settings.of(settings)
    except SettingError as error:
        return Finding("InvalidParameters", _CLASS_FIELD, f"ConfigMap {key[0]}/{key[1]}: {error}")
    return settings


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
    merged = deployment_settings.merged(defaults, settings)
    try:
        deployment = deployment_settings.of(merged)
    except SettingError as error:
        field = _GATEWAY_FIELD if settings else f"GatewayClass: {_CLASS_FIELD}"
        return Finding("InvalidParameters", field, str(error))
    return Parameters(
        http3=_HTTP3[merged.get("http3", "enabled")],
        proxy_protocol=_PROXY_PROTOCOL[merged.get("proxyProtocol", "off")],
        access_log=_ACCESS_LOG[merged.get("accessLog", "disabled")],
        deployment=deployment,
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
        why = forbidden(ctx, sources, "ConfigMap", key) or "does not exist; create it"
        return Finding("InvalidParameters", f"{field}.name", f"{shown} {why}")
    settings = {name: value.strip() for name, value in found.data.items()}
    for name, value in sorted(settings.items()):
        if name not in _KNOWN:
            message = f"{shown} has the key {name!r}; {_hint(name)}"
            return Finding("InvalidParameters", field, message)
        if fault := _fault(name, value):
            message = f"{shown}: {name} is {_short(value)}; {fault}"
            return Finding("InvalidParameters", field, message)
    return settings


def _fault(name: str, value: str) -> str:
    """Which values a setting can have, if not this one; else empty."""
    words = _VALUES.get(name)
    if words is not None:
        return "" if value in words else f"write {' or '.join(words)}"
    try:
        deployment_settings.check(name, value)
    except SettingError as error:
        return str(error)
    return ""


def _hint(name: str) -> str:
    """What to do about a key that is not known."""
    near = difflib.get_close_matches(name, _KNOWN, n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(_KNOWN)}"


def _short(value: str) -> str:
    """A value as a message repeats it."""
    shown = repr(value)
    return shown if len(shown) <= _MOST_SHOWN else f"{shown[:_MOST_SHOWN]}…'"
