"""Stand-ins for what is referred to and not among the manifests, as its place is elsewhere.

Certificates, so that a listener is served offline although its Secret is kept in a vault; clients,
so that routes of the mesh are carried out for somebody.
"""

import base64
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fairlead import api
from fairlead.app.pipeline import AnyChange, Pipeline
from fairlead.graph import Change
from fairlead.translate.certificates import TLS_TYPE
from fairlead.translate.sources import Key, Sources

_CLIENT = "stand-in-client"


def certificates(pipeline: Pipeline, now: datetime) -> Iterable[AnyChange]:
    """Secrets for all references of listeners that lead to none; one key pair serves them all."""
    missing = sorted(set(_missing(pipeline.sources)))
    if not missing:
        return ()
    data = _key_pair(now)
    return [Change(pipeline.sources.secrets, key, _secret(key, data)) for key in missing]


def clients(pipeline: Pipeline) -> Iterable[AnyChange]:
    """A pod in each namespace that has a route."""
    sources = pipeline.sources
    kinds = ("HTTPRoute", "GRPCRoute")
    namespaces = sorted({key[0] for kind in kinds for key, _ in sources.of(kind).items()})
    container = api.Container(name=_CLIENT, image=_CLIENT)
    return [
        Change(
            sources.pods,
            (namespace, _CLIENT),
            api.Pod(
                metadata=api.ObjectMeta(name=_CLIENT, namespace=namespace),
                spec=api.PodSpec(containers=(container,)),
            ),
        )
        for namespace in namespaces
    ]


def _missing(sources: Sources) -> Iterator[Key]:
    for kind in ("Gateway", "ListenerSet"):
        for (namespace, _), holder in sources.of(kind).items():
            for listener in holder.spec.listeners:
                for ref in listener.tls.certificate_refs if listener.tls is not None else ():
                    key = ref.key_from(namespace)
                    if (ref.group, ref.kind) == ("", "Secret") and key not in sources.secrets:
                        yield key


def _secret(key: Key, data: dict[str, str]) -> api.Secret:
    metadata = api.ObjectMeta(name=key[1], namespace=key[0])
    return api.Secret(metadata=metadata, type=TLS_TYPE, data=data)


def _key_pair(now: datetime) -> dict[str, str]:
    """A certificate for nobody and its key, in PEM and base64."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "tls.crt": base64.b64encode(certificate.public_bytes(pem)).decode(),
        "tls.key": base64.b64encode(private).decode(),
    }
