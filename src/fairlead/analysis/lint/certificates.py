"""Certificates that are there and usable, and still the wrong ones: names and lifetimes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from fairlead import api
from fairlead.analysis.lint.facts import Facts
from fairlead.analysis.lint.remark import Remark, remark
from fairlead.api.codes import Code
from fairlead.api.finding import Path
from fairlead.ir.secret import Certificate
from fairlead.translate import certificates, hostnames
from fairlead.translate.sources import Key

SOON: Final = timedelta(days=30)
"""Before its end a certificate is told of."""


def remarks(facts: Facts) -> Iterator[Remark]:
    """Look at the certificates of listeners, then at each Secret that is one."""
    used: set[Key] = set()
    for kind in ("Gateway", "ListenerSet"):
        for holder in facts.objects(kind):
            for index, entry in enumerate(holder.spec.listeners):
                yield from _of_listener(facts, holder, entry, ("spec", "listeners", index), used)
    for key in sorted(used):
        secret, found = facts.sources.secrets.get(key), _leaf(facts, key)
        if secret is not None and found is not None:
            yield from _lifetime(secret, found, facts.now)


def _of_listener(
    facts: Facts,
    holder: api.Gateway | api.ListenerSet,
    entry: api.Listener,
    at: Path,
    used: set[Key],
) -> Iterator[Remark]:
    refs = entry.tls.certificate_refs if entry.tls is not None else ()
    keys = [ref.key_from(holder.metadata.namespace) for ref in refs]
    leaves = [(key, _leaf(facts, key)) for key in keys]
    used.update(key for key, leaf in leaves if leaf is not None)
    known = [names_of(leaf) for _, leaf in leaves if leaf is not None]
    if not entry.hostname or not known or len(known) < len(leaves):
        return
    if not any(covers(name, entry.hostname) for names in known for name in names):
        listed = sorted({name for names in known for name in names})
        shown = ", ".join(listed) if listed else "none"
        yield remark(
            holder,
            Code.WRONG_NAMES,
            (*at, "tls", "certificateRefs"),
            f"the certificate is not for {entry.hostname}: its names (SAN) are {shown}",
            f"issue one with the name {entry.hostname}",
        )


def _leaf(facts: Facts, key: Key) -> x509.Certificate | None:
    """The certificate in a Secret, None if there is no usable one."""
    found = facts.outputs.secrets.get(certificates.secret_name(key))
    if not isinstance(found, Certificate):
        return None
    return x509.load_pem_x509_certificate(found.chain.encode())


def names_of(leaf: x509.Certificate) -> tuple[str, ...]:
    """The DNS names and addresses that a certificate is for; its subject counts no more."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses = found.get_values_for_type(x509.IPAddress)
    return (*found.get_values_for_type(x509.DNSName), *map(str, addresses))


def covers(name: str, hostname: str) -> bool:
    """Whether a certificate's name is good for every host of a listener (RFC 6125, 6.4.3).

    A wildcard stands for one label; a listener's for many, of which one is asked here.
    """
    name, hostname = name.lower(), hostname.lower()
    if name == hostname:
        return True
    return (
        not hostname.startswith("*.")
        and hostnames.covers(name, hostname)
        and name.count(".") == hostname.count(".")
    )


def _lifetime(secret: api.Secret, leaf: x509.Certificate, now: datetime) -> Iterator[Remark]:
    begin, end = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    at: Path = ("stringData" if "tls.crt" in secret.string_data else "data", "tls.crt")
    if end <= now:
        message = f"the certificate has expired on {end:%Y-%m-%d}; clients refuse it"
        yield remark(secret, Code.LIFETIME, at, message, "renew it", severity="error")
    elif begin > now:
        message = f"the certificate is not valid before {begin:%Y-%m-%d %H:%M} UTC"
        yield remark(secret, Code.LIFETIME, at, message, "check the clock of who issued it")
    elif end - now < SOON:
        days = (end - now).days
        message = f"the certificate expires on {end:%Y-%m-%d}, in {days} days"
        yield remark(secret, Code.LIFETIME, at, message, "renew it")
