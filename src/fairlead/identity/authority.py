"""The authority that vouches for the control plane, and the certificate that it issues: pure rules.

In: what there is, the names that are needed, and the time. Out: what there should be. An authority
gives way in two steps, so that everybody trusts the next one before anybody shows a certificate of
it: first it is announced beside the one that signs, `ANNOUNCED` later it signs. The last one stays
trusted until all that it signed has expired.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_LIFE: Final = dt.timedelta(days=3650)
SERVER_LIFE: Final = dt.timedelta(days=90)
ANNOUNCED: Final = dt.timedelta(days=1)
"""How long an authority is trusted before it signs: all proxies have read of it by then."""
_EARLY: Final = dt.timedelta(minutes=10)
"""How long before now certificates begin, for clocks that are behind."""


class Bundle(msgspec.Struct, frozen=True):
    """Everything, as PEM. Keys are not shown when it's printed."""

    authorities: bytes
    """Certificates that are trusted, newest first."""
    authority_key: bytes
    """Of the authority that signs now: that of the certificate's issuer."""
    certificate: bytes
    """Of the control plane."""
    key: bytes
    next_key: bytes = b""
    """Of the newest authority while it does not sign yet, else empty."""

    def __repr__(self) -> str:
        return "Bundle([redacted])"


class _Signer(msgspec.Struct, frozen=True):
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def renewed(bundle: Bundle | None, names: Sequence[str], now: dt.datetime) -> Bundle | None:
    """What there should be instead of `bundle`; None if it's good as it is.

    Args:
        bundle: what there is, if anything. What can't be read is replaced.
        names: DNS names that the certificate has to carry.
        now: the time, with its zone.
    """
    try:
        return _created(names, now) if bundle is None else _rotated(bundle, names, now)
    except ValueError:  # not PEM, or a key of another kind
        return _created(names, now)


def usable(bundle: Bundle) -> bool:
    """Whether connections can be taken with the certificate of `bundle`, whoever issued it."""
    try:
        certificate = x509.load_pem_x509_certificate(bundle.certificate)
        key = serialization.load_pem_private_key(bundle.key, None)
        return key.public_key() == certificate.public_key()
    except Exception:  # noqa: BLE001 - whatever is wrong with it
        return False


def _created(names: Sequence[str], now: dt.datetime) -> Bundle:
    signer = _new_authority(now)
    certificate, key = _issue(signer, names, now)
    return Bundle(_pem(signer.certificate), _key_pem(signer.key), certificate, key)


def _rotated(bundle: Bundle, names: Sequence[str], now: dt.datetime) -> Bundle | None:
    trusted = x509.load_pem_x509_certificates(bundle.authorities)
    signer = _signer(trusted, bundle.authority_key)
    if signer is None or signer.certificate.not_valid_after_utc <= now:
        return _created(names, now)
    made = bundle
    upcoming = _signer(trusted, bundle.next_key) if bundle.next_key else None
    if upcoming is None and _half_life(signer.certificate) <= now:
        upcoming = _new_authority(now)
        trusted = [upcoming.certificate, *trusted]
        made = msgspec.structs.replace(
            made, authorities=_pem(*trusted), next_key=_key_pem(upcoming.key)
        )
    elif upcoming and upcoming.certificate.not_valid_before_utc + _EARLY + ANNOUNCED <= now:
        signer = upcoming
        made = msgspec.structs.replace(made, authority_key=bundle.next_key, next_key=b"")
    if not _good(made, signer, names, now):
        certificate, key = _issue(signer, names, now)
        made = msgspec.structs.replace(made, certificate=certificate, key=key)
    needed = [each for each in trusted if not _outlived(each, signer.certificate, now)]
    if len(needed) < len(trusted):
        made = msgspec.structs.replace(made, authorities=_pem(*needed))
    return None if made == bundle else made


def _good(bundle: Bundle, signer: _Signer, names: Sequence[str], now: dt.datetime) -> bool:
    """Whether the certificate is the signer's, carries the names and is in its first half."""
    try:
        certificate = x509.load_pem_x509_certificate(bundle.certificate)
        certificate.verify_directly_issued_by(signer.certificate)
        key = serialization.load_pem_private_key(bundle.key, None)
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, another one is made
        return False
    carried = found.value.get_values_for_type(x509.DNSName)
    same_key = key.public_key() == certificate.public_key()
    return same_key and sorted(carried) == sorted(names) and now < _half_life(certificate)


def _outlived(authority: x509.Certificate, signing: x509.Certificate, now: dt.datetime) -> bool:
    """Whether nothing that the authority has signed can be valid any more."""
    if authority.not_valid_after_utc <= now:
        return True
    if authority.not_valid_before_utc >= signing.not_valid_before_utc:
        return False  # it signs, or it will
    return signing.not_valid_before_utc + _EARLY + ANNOUNCED + SERVER_LIFE <= now


def _half_life(certificate: x509.Certificate) -> dt.datetime:
    begin = certificate.not_valid_before_utc
    return begin + (certificate.not_valid_after_utc - begin) / 2


def _signer(trusted: Sequence[x509.Certificate], key_pem: bytes) -> _Signer | None:
    """The authority that a key belongs to.

    Raises:
        ValueError: the key can't be read.
    """
    key = serialization.load_pem_private_key(key_pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return None
    public = key.public_key()
    return next((_Signer(each, key) for each in trusted if each.public_key() == public), None)


def _new_authority(now: dt.datetime) -> _Signer:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key()
    # Subjects differ, so that a chain leads to one authority only.
    name = _name(f"Fairlead control plane authority {x509.random_serial_number():x}"[:64])
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        _builder(name, name, public, now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return _Signer(certificate, key)


def _issue(signer: _Signer, names: Sequence[str], now: dt.datetime) -> tuple[bytes, bytes]:
    """A new key with its certificate, never beyond the life of the signer."""
    key = ec.generate_private_key(ec.SECP256R1())
    left = signer.certificate.not_valid_after_utc - now
    life = min(SERVER_LIFE, left)
    issuer = signer.certificate.subject
    authority_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key())
    certificate = (
        _builder(_name(names[0]), issuer, key.public_key(), now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False
        )
        .add_extension(authority_id, critical=False)
        .sign(signer.key, hashes.SHA256())
    )
    return _pem(certificate), _key_pem(key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    now: dt.datetime,
    life: dt.timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLY)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
