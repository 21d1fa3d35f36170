"""What switches HTTP filters on: ``typed_per_filter_config`` of routes and virtual hosts.

A filter is put into a request's chain or left out by the route that is found first. Where a
listener's filter may change the request so that another route is found, every filter that some
rule of the virtual host has is therefore switched on for all of it, with nothing to do, and the
route found in the end says what it does.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

from fairlead.ir.backend import Forward
from fairlead.ir.http_policy import (
    ExternalAuth,
    Fault,
    HttpPolicies,
    RateLimit,
    RequestFilter,
)
from fairlead.ir.rule import Route
from fairlead.ir.virtual_host import VirtualHost
from fairlead.xds import cors, external_auth, fault, local_rate_limit, session
from fairlead.xds.filter_messages import CorsPolicy, HttpFault
from fairlead.xds.http_filters import (
    CORS,
    EXTERNAL_AUTH,
    FAULT,
    RATE_LIMIT,
    SESSION,
    SLOTS,
    empty,
    filling,
)
from fairlead.xds.messages import Message, any_of

Configured: TypeAlias = dict[str, Message]
"""`google.protobuf.Any` by name of the filter."""

_NOTHING_TO_DO: Final = {
    CORS: any_of(CorsPolicy()),
    FAULT: any_of(HttpFault()),
    RATE_LIMIT: any_of(local_rate_limit.idle()),
    EXTERNAL_AUTH: any_of(empty()),
    SESSION: any_of(session.off()),
}


def of_rule(policies: HttpPolicies | None) -> Configured:
    """What a route has for the filters of its rule or backendRef."""
    if policies is None:
        return {}
    made: Configured = {}
    if policies.cors is not None:
        made[CORS] = any_of(cors.config(policies.cors))
    if policies.fault is not None:
        made[FAULT] = any_of(fault.config(policies.fault))
    if policies.rate_limit is not None:
        made[RATE_LIMIT] = any_of(local_rate_limit.config(policies.rate_limit))
    if policies.external_auth is not None:
        config = external_auth.config(policies.external_auth, before_routing=False)
        made[EXTERNAL_AUTH] = any_of(filling(external_auth.FILTER, config))
    return made


def of_backend(backend: Forward) -> Configured:
    """What a share of a route has for the session of its backend."""
    return {SESSION: any_of(session.config(backend.session))} if backend.session else {}


def of_host(host: VirtualHost) -> Configured:
    """What a virtual host has for the filters of its listener."""
    if host.filters is None:
        return {}
    made = {
        slot: any_of(_filled(each))
        for slot, each in zip(SLOTS, host.filters.requests, strict=False)
    }
    if any(isinstance(each, ExternalAuth) for each in host.filters.requests):
        made |= {name: _NOTHING_TO_DO[name] for name in sorted(set(_switched_on(host)))}
    return made


def none_of_host(host: VirtualHost) -> Configured:
    """What a route has that the filters of its virtual host's listener shall not act on."""
    count = len(host.filters.requests) if host.filters is not None else 0
    return {slot: any_of(empty()) for slot in SLOTS[:count]}


def _switched_on(host: VirtualHost) -> Iterator[str]:
    """The filters that some rule of a virtual host has."""
    for rule in host.rules:
        yield from of_rule(rule.policies)
        if isinstance(rule.action, Route):
            for backend in rule.action.backends:
                if isinstance(backend, Forward):
                    yield from of_rule(backend.policies)
                    yield from of_backend(backend)


def _filled(each: RequestFilter) -> Message:
    """What puts a listener's filter into its slot."""
    match each:
        case ExternalAuth():
            config = external_auth.config(each, before_routing=True)
            return filling(external_auth.FILTER, config)
        case RateLimit():
            return filling(local_rate_limit.FILTER, local_rate_limit.config(each))
        case Fault():
            return filling(fault.FILTER, fault.config(each))
