"""Names that users may give to kinds on the command line."""

import difflib
from dataclasses import dataclass

KINDS = {
    "gateways": ("gateway", "gtw", "gw"),
    "httproutes": ("httproute", "routes", "route"),
    "grpcroutes": ("grpcroute",),
    "tlsroutes": ("tlsroute",),
    "tcproutes": ("tcproute",),
    "udproutes": ("udproute",),
    "listenersets": ("listenerset", "lset"),
    "services": ("service", "svc"),
    "pods": ("pod", "po"),
    "proxies": ("proxy",),
    "problems": ("problem",),
    "gatewayclasses": ("gatewayclass", "gc"),
    "backendtlspolicies": ("backendtlspolicy", "btlspolicy", "btls"),
    "xbackends": ("xbackend",),
    "xbackendtrafficpolicies": ("xbackendtrafficpolicy", "xbtrafficpolicy"),
    "xtelemetrypolicies": ("xtelemetrypolicy",),
    "localratelimits": ("localratelimit", "lrl"),
    "faultinjections": ("faultinjection", "fault"),
    "destinationrules": ("destinationrule", "dr"),
    "deployments": ("deployment", "deploy"),
    "endpointslices": ("endpointslice",),
    "referencegrants": ("referencegrant", "refgrant"),
    "namespaces": ("namespace", "ns"),
    "configmaps": ("configmap", "cm"),
    "secrets": ("secret",),
    "clustertrustbundles": ("clustertrustbundle",),
}
"""Plural to its other names: the kinds that are served, and two of an instance's own."""

_PLURALS = {name: plural for plural, names in KINDS.items() for name in (plural, *names)}


@dataclass(frozen=True, slots=True)
class Unknown:
    """No kind has that name; `near` is the most similar one, empty if none is."""

    near: str


def kind_names() -> tuple[str, ...]:
    """Every plural name, and ``routes``, which is shorter to type."""
    return (*KINDS, "routes")


def find_kind(word: str) -> str | Unknown:
    """The plural for a plural, singular or short name, in any case, with or without group."""
    plain = word.lower().partition(".")[0]
    if plain in _PLURALS:
        return _PLURALS[plain]
    near = difflib.get_close_matches(plain, _PLURALS, n=1)
    return Unknown(_PLURALS[near[0]] if near else "")
