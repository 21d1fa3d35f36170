"""TLS that proxies terminate (`ir.listener.DownstreamTls`) as transport sockets.

Certificates and trust bundles are named, not held: SDS brings them, and a rotated one changes no
listener. Who shows no certificate, or one from elsewhere, is told so in the handshake.
"""

from typing import Final

from fairlead.ir.listener import ClientValidation, DownstreamTls
from fairlead.xds.messages import (
    FROM_ADS,
    DownstreamTlsContext,
    Message,
    QuicDownstreamTransport,
    extension,
    wrapped,
)

HTTP_PROTOCOLS: Final = ("h2", "http/1.1")
"""What connections that carry HTTP offer by ALPN."""
HTTP3_PROTOCOLS: Final = ("h3",)
HANDSHAKE: Final = 10
"""Seconds that a client has for its ClientHello, and again for the rest of the handshake."""

_VERSIONS: Final = {"1.2": "TLSv1_2", "1.3": "TLSv1_3"}


def transport_socket(tls: DownstreamTls, protocols: tuple[str, ...] = ()) -> Message:
    """TLS on TCP.

    Args:
        tls: What to terminate.
        protocols: Offered by ALPN; none where the connection is passed on as bytes.
    """
    return extension("envoy.transport_sockets.tls", _context(tls, protocols))


def quic_transport_socket(tls: DownstreamTls) -> Message:
    """The TLS 1.3 of QUIC, for HTTP/3.

    Early data is off: a request in it may be replayed by whoever saw it.
    """
    context = _context(tls, HTTP3_PROTOCOLS)
    return extension(
        "envoy.transport_sockets.quic",
        QuicDownstreamTransport(
            downstream_tls_context=context, enable_early_data=wrapped(value=False)
        ),
    )


def _context(tls: DownstreamTls, protocols: tuple[str, ...]) -> Message:
    common: dict[str, Message] = {
        "tls_params": {
            "tls_minimum_protocol_version": _VERSIONS[tls.minimum_version or "1.2"],
            "tls_maximum_protocol_version": _VERSIONS[tls.maximum_version or "1.3"],
        },
        "tls_certificate_sds_secret_configs": [_secret(name) for name in tls.certificates],
        "alpn_protocols": protocols,
    }
    fields: dict[str, Message] = {}
    if tls.validation is not None:
        common.update(_validation(tls.validation))
        strict = not tls.validation.insecure_fallback
        fields["require_client_certificate"] = wrapped(strict)
    return DownstreamTlsContext(common_tls_context=common, **fields)


def _validation(validation: ClientValidation) -> dict[str, Message]:
    """How a client's certificate is checked; with the insecure fallback, only asked for."""
    trust = _secret(validation.trust)
    if not validation.insecure_fallback:
        return {"validation_context_sds_secret_config": trust}
    accept = {"trust_chain_verification": "ACCEPT_UNTRUSTED"}
    return {
        "combined_validation_context": {
            "default_validation_context": accept,
            "validation_context_sds_secret_config": trust,
        }
    }


def _secret(name: str) -> Message:
    return {"name": name, "sds_config": FROM_ADS}
