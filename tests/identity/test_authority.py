"""The control plane's certificate over the years."""

import datetime as dt

import pytest
from cryptography import x509

from fairlead.identity import authority
from fairlead.identity.authority import Bundle, renewed
from support.certificates import CA

NAMES = ("fairlead", "fairlead.fairlead-system.svc")
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)


def certificate(bundle):
    return x509.load_pem_x509_certificate(bundle.certificate)


def trusted(bundle):
    return x509.load_pem_x509_certificates(bundle.authorities)


def vouched(bundle, by=None):
    """Whether an authority that `by` trusts has issued the certificate."""
    issued = certificate(bundle)
    for each in trusted(by or bundle):
        if each.subject == issued.issuer:
            issued.verify_directly_issued_by(each)
            return True
    return False


def test_the_first_one_is_whole_and_stays():
    made = renewed(None, NAMES, START)
    assert vouched(made)
    names = certificate(made).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert names.value.get_values_for_type(x509.DNSName) == list(NAMES)
    assert renewed(made, NAMES, START + DAY) is None
    assert certificate(made).issuer != certificate(made).subject
    assert "PRIVATE" not in repr(made)


def test_the_certificate_is_renewed_at_half_of_its_life_by_the_same_authority():
    made = renewed(None, NAMES, START)
    assert renewed(made, NAMES, START + authority.SERVER_LIFE / 2 - DAY) is None
    later = renewed(made, NAMES, START + authority.SERVER_LIFE / 2)
    assert later.authorities == made.authorities
    assert later.key != made.key
    assert vouched(later, by=made)


def test_other_names_need_another_certificate():
    made = renewed(None, NAMES, START)
    later = renewed(made, (*NAMES, "more"), START)
    assert later.authority_key == made.authority_key
    assert vouched(later, by=made)


@pytest.mark.parametrize(
    "broken",
    [
        Bundle(b"no", b"no", b"no", b"no"),
        Bundle(*[b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"] * 4),
    ],
)
def test_what_cannot_be_read_is_replaced(broken):
    assert vouched(renewed(broken, NAMES, START))


def test_an_authority_without_its_key_is_replaced_and_a_foreign_certificate_too():
    made = renewed(None, NAMES, START)
    other = renewed(None, NAMES, START)
    foreign = Bundle(made.authorities, other.authority_key, made.certificate, made.key)
    assert vouched(renewed(foreign, NAMES, START))
    strange = Bundle(made.authorities, made.authority_key, other.certificate, other.key)
    assert vouched(renewed(strange, NAMES, START), by=made)
    unfit = Bundle(made.authorities, made.authority_key, made.certificate, other.key)
    assert renewed(unfit, NAMES, START) is not None


def test_who_has_read_within_a_day_always_trusts_what_is_shown(monkeypatch):
    monkeypatch.setattr(authority, "AUTHORITY_LIFE", 200 * DAY)
    monkeypatch.setattr(authority, "SERVER_LIFE", 20 * DAY)
    now, made = START, renewed(None, NAMES, START)
    read = [made] * 4
    """What proxies have read that look every 5 hours, the oldest 20 hours ago."""
    signers, most = set(), 0
    while now < START + 700 * DAY:
        now += 5 * HOUR
        made = renewed(made, NAMES, now) or made
        assert renewed(made, NAMES, now) is None, "not at rest"
        assert vouched(made, by=read[0]), now
        assert certificate(made).not_valid_after_utc - now > 5 * DAY
        assert len(trusted(made)) <= 2
        signers.add(certificate(made).issuer)
        most = max(most, len(trusted(made)))
        read = [*read[1:], made]
    assert most == 2
    assert len(signers) == 7
    assert trusted(made)[0].not_valid_before_utc > START


def test_an_authority_that_has_expired_is_not_kept():
    made = renewed(None, NAMES, START)
    later = renewed(made, NAMES, START + authority.AUTHORITY_LIFE + DAY)
    assert len(trusted(later)) == 1
    assert not vouched(later, by=made)


def test_an_rsa_authority_of_somebody_else_is_replaced():
    foreign = CA("somebody")
    issued = foreign.issue(dns=list(NAMES))
    bundle = Bundle(
        foreign.cert_pem.encode(),
        issued.key_pem.encode(),
        issued.cert_pem.encode(),
        issued.key_pem.encode(),
    )
    assert renewed(bundle, NAMES, dt.datetime.now(dt.UTC)).authorities != bundle.authorities
