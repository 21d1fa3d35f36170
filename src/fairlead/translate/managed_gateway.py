"""A Gateway of ours, without its listeners, and what it is derived from."""

from dataclasses import dataclass

import msgspec

from fairlead import api
from fairlead.translate.backend_ref import Inputs
from fairlead.translate.certificates import CertificateInputs
from fairlead.translate.conditions import Refusal
from fairlead.translate.finding import Finding
from fairlead.translate.parameters import Parameters
from fairlead.translate.sources import Settings, Sources
from fairlead.translate.trust import TrustInputs


@dataclass(frozen=True, slots=True)
class GatewayInputs:
    """What Gateways, ListenerSets and their listeners are derived from."""

    sources: Sources
    settings: Settings
    certificates: CertificateInputs
    trust: TrustInputs
    references: Inputs
    """What filters of listeners refer to is resolved against these."""


class ManagedGateway(msgspec.Struct, frozen=True, gc=False):
    """A Gateway whose class is ours."""

    namespace: str
    name: str
    proxy: str
    """Name of the proxy that serves it."""
    refused: Refusal | None
    """Of Accepted=False; None if its listeners decide."""
    parameters: Parameters
    default: bool
    """Whether routes attach to it that ask for default Gateways (`spec.defaultScope`)."""
    allowed: api.ListenerNamespaces
    """Whose ListenerSets may attach to it."""
    client_certificate: str
    """Name of the `ir.secret.Certificate` that it shows to backends; empty for none."""
    findings: tuple[Finding, ...]
    """References of its own that do not resolve."""
    labels: tuple[tuple[str, str], ...] = ()
    """Of all that is made for it (`spec.infrastructure`), sorted."""
    annotations: tuple[tuple[str, str], ...] = ()
