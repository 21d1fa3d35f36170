"""`fairlead describe`: everything about one object, in words."""

import click

from fairlead.cli.client import NotPermitted
from fairlead.cli.command import Command
from fairlead.cli.kinds import find_kind
from fairlead.cli.where import Where, instance_options, namespace_option

DESCRIBED = {
    "services": "service",
    "httproutes": "route",
    "gateways": "gateway",
    "grpcroutes": "grpcroute",
    "tlsroutes": "tlsroute",
    "tcproutes": "tcproute",
    "udproutes": "udproute",
    "listenersets": "listenerset",
    "backendtlspolicies": "backendtlspolicy",
    "xbackends": "xbackend",
    "xbackendtrafficpolicies": "xbackendtrafficpolicy",
    "xtelemetrypolicies": "xtelemetrypolicy",
    "localratelimits": "localratelimit",
    "faultinjections": "faultinjection",
}
"""Kinds that can be described, by plural."""
INDENT = "   "
"""Three spaces, as istioctl prints them."""


def _described(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    """Kind to describe, by any of its names."""
    kind = find_kind(value)
    if isinstance(kind, str) and kind in DESCRIBED:
        return DESCRIBED[kind]
    raise click.BadParameter(
        f"{value!r} can't be described; choose {', '.join(DESCRIBED.values())}", ctx, parameter
    )


@click.command(
    cls=Command,
    examples=(
        "fairlead describe service backend -n istio-test",
        "fairlead describe route backend-split -n istio-test",
        "fairlead describe gateway shop",
    ),
    short_help="Tell everything about one object.",
)
@click.argument("kind", callback=_described)
@click.argument("name")
@namespace_option
@instance_options
def describe(kind: str, name: str, *, namespace: str | None, where: Where) -> None:
    """Tell everything about one object: what it does, what acts on it, and what is wrong.

    KIND is service, gateway, route (HTTPRoute), grpcroute, tlsroute, tcproute, udproute,
    listenerset, backendtlspolicy, xbackend, xbackendtrafficpolicy, xtelemetrypolicy,
    localratelimit or faultinjection, in plural, singular or short form.
    """
    place = namespace or where.namespace
    try:
        answer = where.client.get("v1", "describe", kind, place, name)
    except NotPermitted as refusal:
        answer = where.reading(refusal, place).get("v1", "describe", kind, place, name)
    for depth, text in answer["lines"]:
        click.echo(INDENT * depth + text)
