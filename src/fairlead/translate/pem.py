"""Certificates, keys and certificate authorities as PEM (RFC 7468): what proxies take of them.

In: text as users wrote it. Out: the same content in canonical PEM, or a `Fault` that says what is
wrong and what to do. Everything that Envoy (BoringSSL) refuses is found here, so that a bad
certificate ends in a condition and never in a proxy. Messages never hold content. There is no
clock: a certificate that is not valid any more, or not yet, is the clients' to refuse.
"""

import base64
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

from fairlead.translate.pem_content import Fault, KeyPair

LEAST_RSA_BITS: Final = 2048
"""Envoy refuses shorter keys."""

_BLOCK: Final = re.compile(
    r"^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*$(.*?)^-----END \1-----[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
_BEGIN: Final = re.compile(r"^-----BEGIN [A-Z0-9 ]+-----", re.MULTILINE)
_CERTIFICATE: Final = frozenset({"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"})
_CURVES: Final = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)


class _Block(NamedTuple):
    label: str
    body: str

    @property
    def text(self) -> str:
        return f"-----BEGIN {self.label}-----{self.body}-----END {self.label}-----\n"


class _UnusableError(ValueError):
    """Something cannot be used; the message says what is wrong and what to do."""


def key_pair(chain: str, key: str) -> KeyPair | Fault:
    """Check a certificate chain and its key (the data of a Secret of type kubernetes.io/tls).

    Args:
        chain: What stands under ``tls.crt``: the leaf, then the authorities that lead to a root.
        key: What stands under ``tls.key``: one private key that is not encrypted.
    """
    try:
        certificates = _certificates(chain, "tls.crt", "the certificate")
        if why := _unfit(certificates[0]):
            return Fault(f"the certificate in tls.crt {why}")
        block, loaded = _private_key(key)
    except _UnusableError as error:
        return Fault(str(error))
    if _public_bytes(loaded.public_key()) != _public_bytes(certificates[0].public_key()):
        return Fault(
            "tls.key does not belong to the first certificate in tls.crt; "
            "put the key of that certificate there, and the leaf before its issuers"
        )
    return KeyPair("".join(map(_encoded, certificates)), block.text)


def authorities(text: str, where: str) -> str | Fault:
    """Check certificate authorities.

    Args:
        text: Certificates in PEM; text between them is left out.
        where: The key or field that holds them, for messages.

    Returns:
        The certificates in PEM, each once, in their order.
    """
    try:
        certificates = _certificates(text, where, "the authority's certificate")
    except _UnusableError as error:
        return Fault(str(error))
    if any(block.label == "X509 CRL" for block in _blocks(text, where)):
        return Fault(f"{where} holds a revocation list, which is not supported; take it out")
    return "".join(dict.fromkeys(map(_encoded, certificates)))


def _blocks(text: str, where: str) -> Iterator[_Block]:
    """The blocks of PEM in `text`; what stands between them is no part of any.

    Raises:
        _UnusableError: A block begins and doesn't end.
    """
    text = text.replace("\r\n", "\n")
    end = 0
    for found in _BLOCK.finditer(text):
        if _BEGIN.search(text[end : found.start()]) or _BEGIN.search(found[2]):
            break
        end = found.end()
        yield _Block(found[1], found[2])
    if _BEGIN.search(text[end:]):
        raise _UnusableError(
            f"{where} is cut off: a PEM block begins and does not end; complete it"
        )


def _certificates(text: str, where: str, what: str) -> list[x509.Certificate]:
    """The certificates in `text`, at least one.

    Raises:
        _UnusableError: There is none, or one of them cannot be read.
    """
    found: list[x509.Certificate] = []
    for block in _blocks(text, where):
        if block.label not in _CERTIFICATE:
            continue
        try:
            content = base64.b64decode("".join(block.body.split()), validate=True)
            found.append(x509.load_der_x509_certificate(content))
        except ValueError as error:
            count = len(found) + 1
            message = f"{where} is malformed: certificate {count} in it cannot be read; replace it"
            raise _UnusableError(message) from error
    if not found:
        empty = "holds no certificate in PEM" if text.strip() else "is missing or empty"
        raise _UnusableError(f"{where} {empty}; put {what} there, in PEM")
    return found


def _unfit(leaf: x509.Certificate) -> str:
    """Why proxies cannot show the certificate; empty if they can."""
    try:
        why = _weak(leaf.public_key())
        names = leaf.extensions
    except (ValueError, UnsupportedAlgorithm):
        return "has a key or an extension that cannot be read; issue another one"
    if why:
        return why
    for extension in names:
        match extension.value:
            case x509.TLSFeature() as feature if x509.TLSFeatureType.status_request in feature:
                return (
                    "asks for OCSP stapling (must-staple), which proxies do not do; "
                    "issue one without"
                )
            case x509.KeyUsage() as usage if not usage.digital_signature and isinstance(
                leaf.public_key(), ec.EllipticCurvePublicKey
            ):
                return "has a key usage without digitalSignature; issue one with it"
            case _:
                pass
    return ""


def _weak(key: PublicKeyTypes) -> str:
    """Why proxies cannot use keys of this kind; empty if they can."""
    match key:
        case rsa.RSAPublicKey():
            if key.key_size < LEAST_RSA_BITS:
                return (
                    f"has an RSA key of {key.key_size} bits; "
                    f"issue one with at least {LEAST_RSA_BITS}"
                )
            return ""
        case ec.EllipticCurvePublicKey():
            if not isinstance(key.curve, _CURVES):
                return (
                    f"has a key on the curve {key.curve.name}; issue one on P-256, P-384 or P-521"
                )
            return ""
        case ed25519.Ed25519PublicKey():
            return ""
        case _:
            return "has a key that is none of RSA, ECDSA and Ed25519; issue one with such a key"


def _private_key(text: str) -> tuple[_Block, PrivateKeyTypes]:
    """The first private key in `text`.

    Raises:
        _UnusableError: There is none, it cannot be read, or it is encrypted.
    """
    blocks = [each for each in _blocks(text, "tls.key") if each.label.endswith("PRIVATE KEY")]
    if not blocks:
        empty = "holds no private key in PEM" if text.strip() else "is missing or empty"
        raise _UnusableError(f"tls.key {empty}; put the certificate's private key there, in PEM")
    block = blocks[0]
    try:
        key = serialization.load_pem_private_key(
            block.text.encode(), None, unsafe_skip_rsa_key_validation=True
        )
        if not isinstance(key, rsa.RSAPrivateKey) or _signs(key):
            return block, key
        message = "tls.key is malformed: it is no consistent RSA key; replace it"
    except TypeError:
        message = "tls.key is encrypted; put the key there without a password"
    except (ValueError, UnsupportedAlgorithm):
        message = "tls.key is malformed: the key in it cannot be read; replace it"
    raise _UnusableError(message)


def _signs(key: rsa.RSAPrivateKey) -> bool:
    """Whether the parts of a key fit: at a fiftieth of the cost of looking at its primes."""
    scheme = padding.PKCS1v15(), hashes.SHA256()
    try:
        key.public_key().verify(key.sign(b"", *scheme), b"", *scheme)
    except (ValueError, InvalidSignature):
        return False
    return True


def _public_bytes(key: PublicKeyTypes) -> bytes:
    encoding, form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_bytes(encoding, form)


def _encoded(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
