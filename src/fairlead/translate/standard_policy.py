"""What Gateway API's own policies make of one destination, whoever calls it.

A value for each Service port that a BackendTLSPolicy or an XBackendTrafficPolicy is for. They
take precedence over a DestinationRule, which says nothing about the same things here.
"""

import msgspec

from fairlead.ir.cluster import RetryBudget, UpstreamTls
from fairlead.ir.http_policy import SessionPersistence
from fairlead.ir.origin import Origin


class StandardPolicy(msgspec.Struct, frozen=True):
    """The standard policies of one destination, together."""

    tls: UpstreamTls | None = None
    """TLS that is originated; None for none."""
    refused: bool = False
    """A policy asks for TLS that cannot be had: nothing may be sent, least of all in clear."""
    retry_budget: RetryBudget | None = None
    session: SessionPersistence | None = None
    origin: Origin | None = None
    """The policy that asks for TLS, else the one for the rest."""

    @property
    def encrypted(self) -> bool:
        """Whether bytes of a client may only reach this destination inside TLS."""
        return self.tls is not None or self.refused
