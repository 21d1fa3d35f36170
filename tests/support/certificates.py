"""Certificate authorities and certificates for tests, and the objects that hold them.

``CA("root").issue(dns=["a.example.com"])`` yields a server certificate with its key, both PEM;
`tls_secret` and `ca_config_map` write them as manifests. Keys are fresh in every run: nothing in
a golden may depend on them.
"""

import base64
import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey: TypeAlias = (
    ec.EllipticCurvePrivateKey
    | rsa.RSAPrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)

DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Issued:
    """A certificate and its key, as PEM text."""

    cert_pem: str
    key_pem: str
    issuer_pem: str = ""
    """The authority that issued it."""

    @property
    def pair(self) -> tuple[str, str]:
        return self.cert_pem, self.key_pem

    @cached_property
    def serial(self) -> int:
        return x509.load_pem_x509_certificate(self.cert_pem.encode()).serial_number

    @contextmanager
    def files(self) -> Iterator[tuple[Path, Path]]:
        """The certificate and the key as files, for those who take nothing else."""
        with TemporaryDirectory() as made:
            certificate, key = Path(made, "tls.crt"), Path(made, "tls.key")
            certificate.write_text(self.cert_pem)
            key.write_text(self.key_pem)
            yield certificate, key

    def load_into(self, context: ssl.SSLContext) -> ssl.SSLContext:
        """Show this certificate in connections of `context`."""
        with self.files() as (certificate, key):
            context.load_cert_chain(certificate, key)
        return context

    def server_context(self, alpn: Sequence[str] = (), client_ca: str = "") -> ssl.SSLContext:
        """For a server; with `client_ca` (PEM) clients must show a certificate of it."""
        context = self.load_into(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if client_ca:
            context.load_verify_locations(cadata=client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


class CA:
    """A certificate authority, self-signed or under another one."""

    def __init__(self, name: str, issuer: "CA | None" = None) -> None:
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._issuer = issuer or self
        builder = _builder(name, self._key.public_key(), _name(self._issuer.name))
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        builder = builder.add_extension(_ca_usage(), critical=True)
        self._certificate = builder.sign(self._issuer._key, hashes.SHA256())  # noqa: SLF001

    @property
    def cert_pem(self) -> str:
        """The authority's own certificate."""
        return _pem(self._certificate)

    def issue(
        self,
        dns: Sequence[str] = (),
        uris: Sequence[str] = (),
        ips: Sequence[str] = (),
        *,
        client: bool = False,
        name: str = "",
        key: PrivateKey | None = None,
        days: tuple[float, float] = (-1, 30),
        extensions: Sequence[x509.ExtensionType] = (),
    ) -> Issued:
        """A certificate of this authority.

        Args:
            dns: Names of the server.
            uris: Names as URIs, such as SPIFFE's.
            ips: Addresses of the server.
            client: For a client rather than a server.
            name: Common name; without one the first of the names.
            key: The private key; without one a new key on P-256.
            days: When it begins and ends to be valid, in days from now.
            extensions: Further ones.
        """
        key = key or ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(each) for each in dns]
        names += [x509.UniformResourceIdentifier(each) for each in uris]
        names += [x509.IPAddress(ipaddress.ip_address(each)) for each in ips]
        common = name or next(iter((*dns, *uris, *ips)), "client")
        builder = _builder(common, key.public_key(), _name(self.name), days)
        purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        for each in extensions:
            builder = builder.add_extension(each, critical=False)
        made = builder.sign(self._key, hashes.SHA256())
        return Issued(_pem(made), key_text(key), self.cert_pem)

    def client_context(
        self, certificate: Issued | None = None, alpn: Sequence[str] = ()
    ) -> ssl.SSLContext:
        """For a client that trusts this authority alone, and may show a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.cert_pem)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return certificate.load_into(context) if certificate else context


def key_text(key: PrivateKey, password: bytes | None = None) -> str:
    """A private key as PKCS#8 in PEM, encrypted if there is a password."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(pem, pkcs8, encryption).decode()


def secret(
    name: str,
    data: Mapping[str, str],
    *,
    namespace: str = "default",
    kind: str = "kubernetes.io/tls",
) -> str:
    """A Secret of type `kind` as YAML."""
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace},
            "type": kind,
            "data": encoded,
        },
        sort_keys=False,
    )


def tls_secret(name: str, issued: Issued, *, namespace: str = "default") -> str:
    """A Secret of type kubernetes.io/tls as YAML."""
    return secret(
        name, {"tls.crt": issued.cert_pem, "tls.key": issued.key_pem}, namespace=namespace
    )


def ca_config_map(name: str, *pems: str, namespace: str = "default") -> str:
    """A ConfigMap whose ``ca.crt`` lists certificate authorities, as YAML."""
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace},
            "data": {"ca.crt": "".join(pems)},
        },
        sort_keys=False,
    )


def _builder(
    name: str,
    key: CertificatePublicKeyTypes,
    issuer: x509.Name,
    days: tuple[float, float] = (-1, 30),
) -> x509.CertificateBuilder:
    now = dt.datetime.now(tz=dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + days[0] * DAY)
        .not_valid_after(now + days[1] * DAY)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _ca_usage() -> x509.KeyUsage:
    unused = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    never = ("encipher_only", "decipher_only")
    off = dict.fromkeys((*unused, *never), False)
    return x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **off)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common[:64])])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
