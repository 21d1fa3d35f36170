"""Certificates and trust bundles (`ir.secret`) as TLS ``Secret``s, asked for by name (SDS).

The message is ``envoy.extensions.transport_sockets.tls.v3.Secret``.
Whoever names one gets it by the stream that it came by itself: a certificate that is replaced is
one resource, and neither its listeners nor their connections notice.
"""

from fairlead.ir.secret import Certificate, Secret, TrustBundle
from fairlead.xds import type_url
from fairlead.xds.messages import Message, TlsSecret, serialized
from fairlead.xds.resource import Resource, whole


def resource(secret: Secret, system_trust: str = "") -> Resource:
    """The secret, which is accepted or refused as one.

    Args:
        secret: What to give.
        system_trust: File of the machine's certificate authorities, as the proxy sees it, for
            `ir.secret.SYSTEM_TRUST`.
    """
    match secret:
        case Certificate():
            fields: dict[str, Message] = {
                "tls_certificate": {
                    "certificate_chain": {"inline_string": secret.chain},
                    "private_key": {"inline_string": secret.key.pem},
                }
            }
        case TrustBundle():
            authorities = (
                {"inline_string": secret.certificates}
                if secret.certificates
                else {"filename": system_trust}
            )
            fields = {"validation_context": {"trusted_ca": authorities}}
    message = TlsSecret(name=secret.name, **fields)
    origins = (secret.origin,) if secret.origin else ()
    return whole(type_url.SECRET, secret.name, serialized(message), origins)
