"""Pod (core/v1) and its template."""

from typing import Literal

from fairlead.api.container import Container
from fairlead.api.metadata import ApiObject, TemplateMeta
from fairlead.api.model import Lenient
from fairlead.api.scalar import NonNegative


class PodSpec(Lenient, frozen=True, kw_only=True):
    """corev1.PodSpec; what has no meaning for local processes is not read."""

    containers: tuple[Container, ...]
    init_containers: tuple[Container, ...] = ()
    restart_policy: Literal["Always", "OnFailure", "Never"] = "Always"
    termination_grace_period_seconds: NonNegative = 30
    service_account_name: str = ""
    """Empty means `default`."""
    hostname: str = ""
    subdomain: str = ""
    host_network: bool = False
    node_name: str = ""


class PodTemplateSpec(Lenient, frozen=True, kw_only=True):
    """corev1.PodTemplateSpec."""

    spec: PodSpec
    metadata: TemplateMeta = TemplateMeta()


class Pod(ApiObject, frozen=True, kw_only=True):
    """A set of containers with one address."""

    spec: PodSpec
    api_version: str = "v1"
    kind: str = "Pod"
