"""What is found wrong with certificates and keys, held against a real Envoy's verdict."""

import datetime as dt
import json
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from fairlead.dataplane.envoy import find_envoy
from fairlead.translate import pem
from fairlead.translate.pem import Fault
from support.certificates import CA, key_text

ROOT, OTHER = CA("root"), CA("other")
GOOD = ROOT.issue(["a.example.com"])
BAD_BLOCK = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
CUT_OFF = GOOD.cert_pem[: len(GOOD.cert_pem) // 2]
PEM = serialization.Encoding.PEM


def of_key(key):
    return ROOT.issue(["a.example.com"], key=key).pair


def old_form(password=None):
    key = ec.generate_private_key(ec.SECP256R1())
    hidden = serialization.NoEncryption()
    if password:
        hidden = serialization.BestAvailableEncryption(password)
    old = serialization.PrivateFormat.TraditionalOpenSSL
    return of_key(key)[0], key.private_bytes(PEM, old, hidden).decode()


def encrypted():
    key = ec.generate_private_key(ec.SECP256R1())
    return of_key(key)[0], key_text(key, b"password")


def inconsistent_rsa():
    """A key with another one's private exponent, its primes and public parts left as they were."""
    key, other = (rsa.generate_private_key(65537, 2048).private_numbers() for _ in range(2))
    mixed = rsa.RSAPrivateNumbers(
        p=key.p,
        q=key.q,
        d=other.d,
        dmp1=other.dmp1,
        dmq1=other.dmq1,
        iqmp=key.iqmp,
        public_numbers=key.public_numbers,
    )
    return of_key(key.private_key())[0], key_text(
        mixed.private_key(unsafe_skip_rsa_key_validation=True)
    )


def with_extension(value):
    return ROOT.issue(["a.example.com"], extensions=[value]).pair


def revocations():
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root")])
    builder = x509.CertificateRevocationListBuilder().issuer_name(name)
    day = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = builder.last_update(day).next_update(day + dt.timedelta(days=9000))
    key = ec.generate_private_key(ec.SECP256R1())
    return made.sign(key, hashes.SHA256()).public_bytes(PEM).decode()


NO_USAGE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)
USABLE = {
    "P-256": of_key(ec.generate_private_key(ec.SECP256R1())),
    "P-384": of_key(ec.generate_private_key(ec.SECP384R1())),
    "P-521": of_key(ec.generate_private_key(ec.SECP521R1())),
    "RSA 2048": of_key(rsa.generate_private_key(65537, 2048)),
    "Ed25519": of_key(ed25519.Ed25519PrivateKey.generate()),
    "with its issuer": (GOOD.cert_pem + ROOT.cert_pem, GOOD.key_pem),
    "with a stranger": (GOOD.cert_pem + OTHER.cert_pem, GOOD.key_pem),
    "text around it": (f"subject=a\n{GOOD.cert_pem}the end\n", f"mine\n{GOOD.key_pem}"),
    "carriage returns": (GOOD.cert_pem.replace("\n", "\r\n"), GOOD.key_pem.replace("\n", "\r\n")),
    "key among certificates": (GOOD.key_pem + GOOD.cert_pem, GOOD.key_pem),
    "second key": (GOOD.cert_pem, GOOD.key_pem + OTHER.issue(["b"]).key_pem),
    "SEC 1": old_form(),
    "for clients": ROOT.issue(client=True).pair,
    "no longer valid": ROOT.issue(["a"], days=(-9, -8)).pair,
}
REFUSED = {
    "nothing": ("", "", "tls.crt is missing or empty"),
    "no key": (GOOD.cert_pem, " ", "tls.key is missing or empty"),
    "no PEM": ("Hello world\n", "Hello world\n", "tls.crt holds no certificate in PEM"),
    "no PEM key": (GOOD.cert_pem, "Hello world\n", "tls.key holds no private key in PEM"),
    "key of another": (GOOD.cert_pem, OTHER.issue(["b"]).key_pem, "tls.key does not belong"),
    "issuer first": (ROOT.cert_pem + GOOD.cert_pem, GOOD.key_pem, "the leaf before its issuers"),
    "bad issuer": (GOOD.cert_pem + BAD_BLOCK, GOOD.key_pem, "certificate 2 in it cannot be read"),
    "cut off": (GOOD.cert_pem + CUT_OFF, GOOD.key_pem, "tls.crt is cut off"),
    "cut off key": (GOOD.cert_pem, GOOD.key_pem[:-20], "tls.key is cut off"),
    "bad key": (GOOD.cert_pem, GOOD.key_pem.replace("M", "N"), "tls.key is malformed"),
    "inconsistent": (*inconsistent_rsa(), "no consistent RSA key"),
    "encrypted": (*encrypted(), "tls.key is encrypted"),
    "encrypted, old form": (*old_form(b"password"), "tls.key is encrypted"),
    "RSA 1024": (*of_key(rsa.generate_private_key(65537, 1024)), "an RSA key of 1024 bits"),
    "P-224": (*of_key(ec.generate_private_key(ec.SECP224R1())), "the curve secp224r1"),
    "Ed448": (*of_key(ed448.Ed448PrivateKey.generate()), "none of RSA, ECDSA and Ed25519"),
    "must-staple": (
        *with_extension(x509.TLSFeature([x509.TLSFeatureType.status_request])),
        "OCSP stapling",
    ),
    "no signatures": (
        *with_extension(x509.KeyUsage(key_encipherment=True, **NO_USAGE)),
        "without digitalSignature",
    ),
}
AUTHORITIES = {
    "one": ROOT.cert_pem,
    "two": ROOT.cert_pem + OTHER.cert_pem,
    "twice": ROOT.cert_pem * 2,
    "text around them": f"# mine\n{ROOT.cert_pem}# end\n",
    "a key among them": GOOD.key_pem + ROOT.cert_pem,
    "a leaf": GOOD.cert_pem,
    "no longer valid": ROOT.issue(["a"], days=(-9, -8)).cert_pem,
}
NO_AUTHORITIES = {
    "nothing": ("", "ca.crt is missing or empty"),
    "no PEM": ("hello", "ca.crt holds no certificate in PEM"),
    "a bad one": (ROOT.cert_pem + BAD_BLOCK, "certificate 2 in it cannot be read"),
    "a bad one first": (BAD_BLOCK + ROOT.cert_pem, "certificate 1 in it cannot be read"),
    "cut off": (ROOT.cert_pem + CUT_OFF, "ca.crt is cut off"),
    "revocations alone": (revocations(), "holds no certificate in PEM"),
}


def takes(tmp_path, pairs, authorities=()):
    """Whether Envoy takes listeners with these (certificate, key) pairs and authorities."""
    names = [*range(len(pairs))]
    contexts = [{"tls_certificates": [pair]} for pair in map(inline_pair, pairs)]
    for each in authorities:
        trusted = {"trusted_ca": {"inline_string": each}}
        contexts.append(
            {"tls_certificates": [inline_pair(pairs[0])], "validation_context": trusted}
        )
        names.append(len(names))
    chains = [chain(*each) for each in zip(names, contexts, strict=True)]
    listener = {
        "name": "any",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": chains,
    }
    config = tmp_path / "envoy.json"
    config.write_text(json.dumps({"static_resources": {"listeners": [listener]}}))
    command = [str(find_envoy()), "--mode", "validate", "--log-level", "off", "-c", str(config)]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


def inline_pair(pair):
    certificate, key = pair
    return {
        "certificate_chain": {"inline_string": certificate},
        "private_key": {"inline_string": key},
    }


def chain(name, context):
    extensions = "type.googleapis.com/envoy.extensions"
    echo = {"@type": f"{extensions}.filters.network.echo.v3.Echo"}
    tls = f"{extensions}.transport_sockets.tls.v3.DownstreamTlsContext"
    return {
        "filter_chain_match": {"server_names": [f"{name}.example.com"]},
        "filters": [{"name": "echo", "typed_config": echo}],
        "transport_socket": {
            "name": "tls",
            "typed_config": {"@type": tls, "common_tls_context": context},
        },
    }


@pytest.mark.parametrize("case", USABLE)
def test_a_usable_pair_comes_out_as_plain_pem(case):
    found = pem.key_pair(*USABLE[case])
    assert not isinstance(found, Fault), found
    assert found.chain.startswith("-----BEGIN CERTIFICATE-----\n")
    assert found.key.startswith("-----BEGIN ")
    assert "\r" not in found.chain + found.key
    assert pem.key_pair(found.chain, found.key) == found


def test_leaf_and_issuers_keep_their_order():
    found = pem.key_pair(GOOD.cert_pem + ROOT.cert_pem, GOOD.key_pem)
    assert found == pem.KeyPair(GOOD.cert_pem + ROOT.cert_pem, GOOD.key_pem)


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_with_a_pair_is_said(case):
    certificate, key, words = REFUSED[case]
    found = pem.key_pair(certificate, key)
    assert isinstance(found, Fault)
    assert words in found.message
    assert "; " in found.message, "it must say what to do"


@pytest.mark.parametrize("case", AUTHORITIES)
def test_usable_authorities_come_out_as_plain_pem(case):
    found = pem.authorities(AUTHORITIES[case], "ca.crt")
    assert isinstance(found, str)
    assert "PRIVATE" not in found
    assert pem.authorities(found, "ca.crt") == found


def test_an_authority_that_is_listed_twice_counts_once():
    assert pem.authorities(ROOT.cert_pem * 2, "ca.crt") == ROOT.cert_pem


@pytest.mark.parametrize("case", NO_AUTHORITIES)
def test_what_is_wrong_with_authorities_is_said(case):
    text, words = NO_AUTHORITIES[case]
    found = pem.authorities(text, "ca.crt")
    assert isinstance(found, Fault)
    assert words in found.message


def test_revocations_are_not_dropped_in_silence():
    found = pem.authorities(ROOT.cert_pem + revocations(), "ca.crt")
    assert isinstance(found, Fault)
    assert "revocation list, which is not supported" in found.message


def test_no_message_and_no_repr_shows_a_key():
    body = GOOD.key_pem.splitlines()[1]
    faults = [pem.key_pair(certificate, key) for certificate, key, _ in REFUSED.values()]
    assert body not in repr((faults, pem.key_pair(GOOD.cert_pem, GOOD.key_pem)))


@pytest.mark.envoy
def test_envoy_takes_all_that_is_usable(tmp_path):
    pairs = [pem.key_pair(*each) for each in USABLE.values()]
    trusted = [pem.authorities(each, "ca.crt") for each in AUTHORITIES.values()]
    assert takes(tmp_path, [(each.chain, each.key) for each in pairs], trusted)


@pytest.mark.envoy
@pytest.mark.parametrize("case", REFUSED)
def test_envoy_refuses_what_is_refused_here(case, tmp_path):
    assert not takes(tmp_path, [REFUSED[case][:2]])


@pytest.mark.envoy
@pytest.mark.parametrize("case", NO_AUTHORITIES)
def test_envoy_refuses_the_authorities_that_are_refused_here(case, tmp_path):
    assert not takes(tmp_path, [GOOD.pair], [NO_AUTHORITIES[case][0]])


PIECES = st.sampled_from(
    [GOOD.cert_pem, ROOT.cert_pem, GOOD.key_pem, BAD_BLOCK, CUT_OFF, "x", "\n", "-----BEGIN "]
)


@given(st.lists(PIECES | st.text(max_size=8), max_size=5).map("".join))
def test_any_text_is_a_pair_or_a_fault(text):
    assert isinstance(pem.key_pair(text, GOOD.key_pem), pem.KeyPair | Fault)
    assert isinstance(pem.key_pair(GOOD.cert_pem, text), pem.KeyPair | Fault)
    assert isinstance(pem.authorities(text, "ca.crt"), str | Fault)
