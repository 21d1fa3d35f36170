"""Certificates and trust bundles (`ir.secret`) as TLS ``Secret``s, asked for by name (SDS).

The message is ``envoy.extensions.transport_sockets.tls.v3.Secret``. Whoever names one gets it by
the stream that it came by itself: a certificate that is replaced is one resource, and neither its
listeners nor their connections notice.
"""

from collections.abc import Iterator

from fairlead.graph import Collection, Context
from fairlead.ir.assignment import SecretUse
from fairlead.ir.secret import Certificate, Secret, TrustBundle
from fairlead.xds import type_url
from fairlead.xds.messages import Message, TlsSecret, serialized
from fairlead.xds.resource import Resource, whole


def resources(
    secrets: Collection[str, Secret],
    secret_use: Collection[tuple[str, str], SecretUse],
    system_trust: str,
) -> Collection[tuple[str, str, str], Resource]:
    """Make each secret once, for all who use it.

    Args:
        secrets: By name.
        secret_use: By (proxy, secret).
        system_trust: As for `resource`.

    Returns:
        By (proxy, type url, name).
    """
    made = secrets.map("xds.secrets", lambda _ctx, _name, each: resource(each, system_trust))

    def use(
        ctx: Context, key: tuple[str, str], _: SecretUse
    ) -> Iterator[tuple[tuple[str, str, str], Resource]]:
        proxy, name = key
        found = ctx.fetch(made, name)
        if found is not None:
            yield (proxy, type_url.SECRET, name), found

    return secret_use.flat_map("xds.used_secrets", use)


def resource(secret: Secret, system_trust: str) -> Resource:
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
        case TrustBundle(certificates=""):
            fields = {"validation_context": {"trusted_ca": {"filename": system_trust}}}
        case TrustBundle():
            authorities = {"inline_string": secret.certificates}
            fields = {"validation_context": {"trusted_ca": authorities}}
    message = TlsSecret(name=secret.name, **fields)
    origins = (secret.origin,) if secret.origin else ()
    return whole(type_url.SECRET, secret.name, serialized(message), origins)
