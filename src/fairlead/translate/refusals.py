"""What proxies refused, told to the owners of what it was made from.

In: statuses of proxies, and reports. Out: the same reports, with a condition ``Programmed`` that is
false while a proxy refuses something that came from the object. Routes, Gateways and ListenerSets
have words of their own for that (`route_report`, `listener_report`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from fairlead.graph import Collection, Context, Index
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.translate.conditions import Conditions
from fairlead.translate.report import Report
from fairlead.translate.sources import Key, Sources

RefusedKey: TypeAlias = tuple[str, str, str, str]
"""Proxy, and kind, namespace and name of the object."""
_Object: TypeAlias = tuple[str, str, str]

_MOST: Final = 3
"""Proxies whose words are repeated."""


@dataclass(frozen=True, slots=True)
class Refusals:
    """Envoy's words by what they are about."""

    by_proxy: Collection[RefusedKey, str]
    by_object: Index[RefusedKey, str, _Object]

    def told(self, kind: str, reports: Collection[Key, Report]) -> Collection[Key, Report]:
        """Add to the reports of a kind what proxies refused."""

        def tell(ctx: Context, key: Key, report: Report) -> Report:
            found = ctx.fetch_by(self.by_object, (kind, *key))
            if not found:
                return report
            words = [f"proxy {refused[0]}: {message}" for refused, message in found[:_MOST]]
            message = f"refused by {'; '.join(words)}; it serves what it had before, or an error"
            condition = Conditions(report.generation).false("Programmed", "Invalid", message)
            if not report.ancestors:
                return msgspec.structs.replace(report, conditions=(*report.conditions, condition))
            ancestors = tuple(
                msgspec.structs.replace(each, conditions=(*each.conditions, condition))
                for each in report.ancestors
            )
            return msgspec.structs.replace(report, ancestors=ancestors)

        return reports.map(f"{kind} reports with refusals", tell)


def build(sources: Sources) -> Refusals:
    """Index what proxies refused by the objects that it came from."""
    refused = sources.proxy_status.flat_map("rejections by object", _refused)
    return Refusals(refused, refused.index("rejected objects", lambda key, _: (key[1:],)))


def _refused(_ctx: Context, proxy: str, status: ProxyStatus) -> Iterator[tuple[RefusedKey, str]]:
    """The first that `proxy` refused of each object."""
    messages: dict[RefusedKey, str] = {}
    for rejection in status.rejections:
        for origin in rejection.origins:
            key = (proxy, origin.kind, origin.namespace, origin.name)
            messages.setdefault(key, f"{rejection.part or rejection.name}: {rejection.message}")
    yield from sorted(messages.items())
