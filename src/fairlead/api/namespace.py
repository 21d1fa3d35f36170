"""Namespace (core/v1)."""

from fairlead.api.metadata import ApiObject
from fairlead.api.model import Lenient


class NamespaceSpec(Lenient, frozen=True, kw_only=True):
    """Nothing of it is read."""

    finalizers: tuple[str, ...] = ()


class Namespace(ApiObject, frozen=True, kw_only=True):
    """A namespace; its labels are what selectors and mesh enrolment read."""

    api_version: str = "v1"
    kind: str = "Namespace"
    spec: NamespaceSpec = NamespaceSpec()
