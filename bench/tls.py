"""Certificates of the benchmarks, the Secrets that hold them, and handshakes that look at them."""

import base64
import datetime as dt
import socket
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.manifests import Object

_DAY = dt.timedelta(days=1)


def certificate(*names: str) -> tuple[str, str]:
    """A self-signed certificate for `names`, and its key: PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 30 * _DAY)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), private.decode()


def secret(name: str, pair: tuple[str, str], namespace: str = "default") -> Object:
    """A Secret of type kubernetes.io/tls."""
    chain, key = (base64.b64encode(each.encode()).decode() for each in pair)
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"tls.crt": chain, "tls.key": key},
    }


def presented(address: tuple[str, int], name: str, timeout: float = 5) -> int:
    """Serial number of the certificate that a server shows to who asks for `name` (SNI)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection(address, timeout=timeout) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        shown = wrapped.getpeercert(binary_form=True)
    if shown is None:
        raise ConnectionError(f"no certificate for {name}")
    return x509.load_der_x509_certificate(shown).serial_number


def serial(pair: tuple[str, str]) -> int:
    """Serial number of a certificate."""
    return x509.load_pem_x509_certificate(pair[0].encode()).serial_number


def status(address: tuple[str, int], host: str, path: str, timeout: float = 5) -> int:
    """Status of an HTTPS request for `host`, whoever's certificate is shown; 0 without answer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection(address, timeout=timeout) as plain,
            context.wrap_socket(plain, server_hostname=host) as wrapped,
        ):
            request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            wrapped.sendall(request.encode())
            answer = wrapped.recv(4096)
    except OSError:
        return 0
    return int(answer.split()[1]) if answer.startswith(b"HTTP/") else 0
