"""FaultInjection (fairlead.dev/v1alpha1): a filter of ours, named by an ExtensionRef."""

from typing import Annotated

from msgspec import Meta

from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model
from fairlead.api.scalar import GatewayDuration, Percent


class FaultDelay(Model, frozen=True, kw_only=True):
    """A pause before the request goes on."""

    duration: GatewayDuration
    percent: Percent = 100
    """Share of the requests, 0 to 100."""


class FaultAbort(Model, frozen=True, kw_only=True):
    """An answer instead of the backend's: either `status` or `grpc_status` is set."""

    status: Annotated[int, Meta(ge=200, le=599, description="a status, 200 to 599")] | None = None
    grpc_status: (
        Annotated[int, Meta(ge=1, le=16, description="a gRPC status other than OK, 1 to 16")] | None
    ) = None
    percent: Percent = 100
    """Share of the requests, 0 to 100; of those that are delayed, some are aborted as well."""


class FaultInjectionSpec(Model, frozen=True, kw_only=True):
    """What goes wrong, and until when; at least one of `delay` and `abort` is set."""

    until: str
    """RFC 3339: the moment from which on nothing goes wrong any more."""
    delay: FaultDelay | None = None
    abort: FaultAbort | None = None


class FaultInjection(ApiObject, frozen=True, kw_only=True):
    """Faults for some requests of a rule, to see what clients make of them."""

    spec: FaultInjectionSpec
    api_version: str = "fairlead.dev/v1alpha1"
    kind: str = "FaultInjection"
