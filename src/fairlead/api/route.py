"""What all route kinds share: CommonRouteSpec."""

from typing import Annotated, Literal

from msgspec import Meta

from fairlead.api.model import Model
from fairlead.api.reference import ParentReference


class CommonRouteSpec(Model, frozen=True, kw_only=True):
    """CommonRouteSpec: what a route attaches to."""

    parent_refs: Annotated[tuple[ParentReference, ...], Meta(max_length=32)] = ()
    use_default_gateways: Literal["All", "None"] | None = None
    """Whether it attaches to default Gateways as well (experimental, GEP-3793)."""
