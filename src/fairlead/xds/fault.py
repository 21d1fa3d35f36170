"""Injected faults (`ir.http_policy.Fault`) as Envoy's ``fault`` filter."""

from typing import Final

from fairlead.ir.http_policy import Fault
from fairlead.xds.filter_messages import HttpFault
from fairlead.xds.messages import Message, duration

FILTER: Final = "envoy.filters.http.fault"

_PERCENT: Final = 10_000
"""Millionths in a percent."""


def config(fault: Fault) -> Message:
    """An HTTPFault, for a route or as the filter itself."""
    fields: dict[str, Message] = {}
    if fault.delay:
        fields["delay"] = {
            "fixed_delay": duration(fault.delay),
            "percentage": _share(fault.delay_percent),
        }
    if fault.abort_status or fault.abort_grpc_status:
        status = (
            {"http_status": fault.abort_status}
            if fault.abort_status
            else {"grpc_status": fault.abort_grpc_status}
        )
        fields["abort"] = {**status, "percentage": _share(fault.abort_percent)}
    return HttpFault(**fields)


def _share(percent: float) -> Message:
    return {"numerator": round(percent * _PERCENT), "denominator": "MILLION"}
