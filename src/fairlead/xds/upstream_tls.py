"""TLS towards endpoints (`ir.cluster.UpstreamTls`) as a transport socket.

Certificates and authorities are named, not held: SDS brings them. What a client calls a backend has
no say in the server name, nor in whose certificate is accepted.
"""

from typing import Final

from fairlead.ir.cluster import UpstreamTls
from fairlead.xds.messages import FROM_ADS, Message, UpstreamTlsContext, extension

HTTP2: Final = ("h2",)
HTTP11: Final = ("http/1.1",)
"""Protocols offered by ALPN."""

_WILDCARD: Final = "*."


def transport_socket(tls: UpstreamTls, protocols: tuple[str, ...] = ()) -> Message:
    """TLS 1.2 or 1.3 that is originated.

    Args:
        tls: Whom to call and whom to trust. Names without authorities are refused by Envoy.
        protocols: Offered by ALPN; none where bytes are passed on.
    """
    common: dict[str, Message] = {
        "tls_params": {
            "tls_minimum_protocol_version": "TLSv1_2",
            "tls_maximum_protocol_version": "TLSv1_3",
        },
        "alpn_protocols": protocols,
    }
    if tls.certificate:
        common["tls_certificate_sds_secret_configs"] = [_secret(tls.certificate)]
    names = [_name(kind, name) for kind, name in tls.subject_alt_names]
    validation: dict[str, Message] = {
        "default_validation_context": {"match_typed_subject_alt_names": names}
    }
    if tls.trust:
        validation["validation_context_sds_secret_config"] = _secret(tls.trust)
        common["combined_validation_context"] = validation
    else:
        common["validation_context"] = validation["default_validation_context"]
    return extension(
        "envoy.transport_sockets.tls",
        UpstreamTlsContext(common_tls_context=common, sni=tls.sni),
    )


def _name(kind: str, name: str) -> Message:
    """A SubjectAltNameMatcher; ``*.example.com`` is any name below example.com."""
    if kind == "dns" and name.startswith(_WILDCARD):
        return {"san_type": "DNS", "matcher": {"suffix": name.removeprefix("*")}}
    return {"san_type": "DNS" if kind == "dns" else "URI", "matcher": {"exact": name}}


def _secret(name: str) -> Message:
    return {"name": name, "sds_config": FROM_ADS}
