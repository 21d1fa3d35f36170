"""How the virtual hosts of a table are spread over route configurations. Only this module knows.

Envoy rebuilds a whole route configuration for every change in it, at about 20 us for each virtual
host. So a large table is cut into shards, each a route configuration of its own, and a change
costs one shard. Envoy finds the shard of a request by a scope key (SRDS) that a CEL expression
computes from the host before a route is looked for: every bit of the shard's number is whether
the host has an even number of characters out of a fixed set. That is about the same for upper and
lower case, with and without a port, defined for every host, and so cheap to repeat here. Virtual
hosts with a wildcard stand in every shard.

It costs a request some microseconds, which is why small tables stay one route configuration
(RDS). With the layout of a table change the filter chains of its listener, whose connections Envoy
then drains: for minutes they look into the scopes that they know, and a scope that is taken away
answers 404. Hence a table that has been split stays so as long as it has hosts.
"""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from fairlead.xds.messages import FROM_ADS, Message, ScopedRouteConfiguration, serialized

HEADER: Final = "x-fairlead-scope"
"""Carries the scope key inside Envoy; overwritten on each request, removed before the backend."""

_SETS: Final = (
    ("13679ag-lr-uAG-LR-U", "02458b-fm-qv-zB-FM-QV-Z"),
    ("01689k-orsw-zK-ORSW-Z", "2-57a-jpqt-vA-JPQT-V"),
    ("02-46efp-uzEFP-UZ", "157-9a-dg-ov-yA-DG-OV-Y"),
    ("1-378bi-kn-wBI-KN-W", "04-69ac-hlmx-zAC-HLMX-Z"),
    ("24589f-jqrx-zF-JQRX-Z", "01367a-ek-ps-wA-EK-PS-W"),
    ("06-9d-vxD-VX", "1-5a-cwyzA-CWYZ"),
)
"""For each bit, the characters that are counted and those that are not, each in both cases.

Chosen so that hosts with numbers, words or hashes in them spread evenly (the fullest of 16 shards
has 1.2 to 1.4 times the mean), and of few ranges, since Envoy allows 100 RE2 instructions to a
regular expression in CEL. Changing them moves hosts between shards.
"""

BITS: Final = tuple(
    rf"^(?:[-._{others}]|[{counted}][-._{others}]*[{counted}])*(?::|$)" for counted, others in _SETS
)
"""For each bit, the highest first, an expression that says "an even number of them, and then the
end of the host or its port"."""
_EVEN: Final = tuple(re.compile(expression) for expression in BITS)

SPLIT: Final = 256
"""A table of more hosts is split into shards.

Early, since what a change of layout costs grows with the table, and only once for the same reason.
"""
_COPIES: Final = 4096
"""So many copies of virtual hosts with a wildcard are not yet a reason to undo a split."""
SHARD_BITS: Final = len(BITS)
"""Bits of a shard's number: 64 shards."""


class Layout(msgspec.Struct, frozen=True, gc=False):
    """How a table is laid out: in 2**bits shards, or as one route configuration if 0."""

    bits: int = 0


ONE: Final = Layout()


def settled(layout: Layout, exact: int, wildcard: int) -> Layout:
    """The layout that a table shall have.

    Asked again with its own answer it gives the same, so feeding it back ends.

    Args:
        layout: The one it has.
        exact: Its number of virtual hosts without a wildcard.
        wildcard: Its number of virtual hosts with one, which each shard would hold.
    """
    copies = wildcard << SHARD_BITS
    if layout.bits:
        stays = (exact or wildcard) and copies <= max(2 * exact, _COPIES)
        return layout if stays else ONE
    return Layout(SHARD_BITS) if SPLIT < exact >= copies else ONE


def shard(host: str, bits: int) -> int:
    """Number of the shard of a host, below 2**bits: what Envoy computes for a request to it."""
    number = 0
    for even in _EVEN[:bits]:
        number = 2 * number + (even.search(host) is not None)
    return number


def names(table: str, layout: Layout) -> list[str]:
    """The route configurations of a table."""
    if not layout.bits:
        return [table]
    return [name(table, layout, number) for number in range(1 << layout.bits)]


def name(table: str, layout: Layout, number: int) -> str:
    """Name of one shard, which is its scope and its key as well."""
    return f"{table}#{1 << layout.bits}/{number}"


def homes(table: str, layout: Layout, domains: Iterable[str]) -> list[str]:
    """The route configurations that hold a virtual host."""
    if not layout.bits or any(map(is_wildcard, domains)):
        return names(table, layout)
    numbers = sorted({shard(domain, layout.bits) for domain in domains})
    return [name(table, layout, number) for number in numbers]


def is_wildcard(domain: str) -> bool:
    """Whether a domain holds for hosts that it doesn't name."""
    return domain.startswith("*")


def manager_fields(table: str, layout: Layout) -> dict[str, Message]:
    """Fields of a HttpConnectionManager that tell where its routes are."""
    if not layout.bits:
        return {"rds": {"route_config_name": table, "config_source": FROM_ADS}}
    key = {"header_value_extractor": {"name": HEADER, "index": 0}}
    return {
        "scoped_routes": {
            "name": "scopes",
            "scope_key_builder": {"fragments": [key]},
            "rds_config_source": FROM_ADS,
            "scoped_rds": {"scoped_rds_config_source": FROM_ADS},
        }
    }


def early_headers(table: str, layout: Layout) -> tuple[tuple[str, str], ...]:
    """(name, format string) pairs of the request headers that have to be set before routing."""
    return ((HEADER, _key_format(table, layout)),) if layout.bits else ()


def scope(route_configuration: str) -> bytes:
    """The ScopedRouteConfiguration that leads to one shard."""
    return serialized(
        ScopedRouteConfiguration(
            name=route_configuration,
            route_configuration_name=route_configuration,
            key={"fragments": [{"string_key": route_configuration}]},
        )
    )


def headers_to_remove(layout: Layout) -> list[str]:
    """What must not reach a backend."""
    return [HEADER] if layout.bits else []


def _key_format(table: str, layout: Layout) -> str:
    """Envoy's format string for the name of a request's shard.

    Every connection manager of the table holds it, so each expression stands in it once.
    """
    prefix = name(table, layout, 0).removesuffix("0").replace("%", "%%")
    bits = [
        f"(request.host.matches('{expression}') ? {1 << place} : 0)"
        for place, expression in zip(reversed(range(layout.bits)), BITS, strict=False)
    ]
    return f"{prefix}%CEL({' + '.join(bits)})%"
