"""Names and lifetimes of the certificates that listeners show."""

from datetime import UTC, datetime, timedelta

import pytest

from fairlead.analysis.lint.certificates import covers
from fairlead.app.lint import lint
from support.certificates import CA, secret, tls_secret

AUTHORITY = CA("tests")
GATEWAY = """apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: fairlead
  listeners:
  - name: https
    port: 443
    protocol: HTTPS
    hostname: "%s"
    tls: {certificateRefs: [%s]}
"""


def problems(tmp_path, text, later=timedelta()):
    path = tmp_path / "m.yaml"
    path.write_text(text)
    return lint([str(path)], now=lambda: datetime.now(UTC) + later)


@pytest.mark.parametrize(
    ("name", "hostname", "good"),
    [
        ("a.example.com", "a.example.com", True),
        ("A.Example.com", "a.example.com", True),
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "*.example.com", True),
        ("*.example.com", "a.b.example.com", False),
        ("*.example.com", "example.com", False),
        ("*.example.com", "*.b.example.com", False),
        ("a.example.com", "*.example.com", False),
    ],
)
def test_which_names_cover_which_hostnames(name, hostname, good):
    assert covers(name, hostname) is good


def test_one_certificate_for_two_hosts_needs_both_names(tmp_path):
    issued = AUTHORITY.issue(["bookinfo.example.com", "*.shop.example.com"], days=(-1, 90))
    text = tls_secret("demo-cert", issued) + "---\n"
    text += GATEWAY % ("hipstershop.example.com", "{name: demo-cert}")
    (problem,) = problems(tmp_path, text)
    assert (problem.severity, problem.code) == ("warning", "GW130")
    assert problem.field == "spec.listeners[0].tls.certificateRefs"
    assert problem.line == text[: text.index("certificateRefs")].count("\n") + 1
    assert "hipstershop.example.com: its names (SAN) are *.shop.example.com" in problem.message


@pytest.mark.parametrize("hostname", ["bookinfo.example.com", "a.shop.example.com"])
def test_one_of_several_certificates_is_enough(tmp_path, hostname):
    one = AUTHORITY.issue(["bookinfo.example.com"], days=(-1, 90))
    two = AUTHORITY.issue(["*.shop.example.com"], days=(-1, 90))
    text = f"{tls_secret('one', one)}---\n{tls_secret('two', two)}---\n"
    assert problems(tmp_path, text + GATEWAY % (hostname, "{name: one}, {name: two}")) == ()


def test_a_certificate_that_is_elsewhere_may_have_the_name(tmp_path):
    one = AUTHORITY.issue(["bookinfo.example.com"], days=(-1, 90))
    text = f"{tls_secret('one', one)}---\n" + GATEWAY % (
        "a.example.com",
        "{name: one}, {name: two}",
    )
    assert problems(tmp_path, text) == ()


@pytest.mark.parametrize(
    ("days", "severity", "words"),
    [
        (-2, "warning", "is not valid before"),
        (30, None, ""),
        (70, "warning", "in 19 days"),
        (91, "error", "has expired on"),
    ],
)
def test_lifetime(tmp_path, days, severity, words):
    issued = AUTHORITY.issue(["a.example.com"], days=(-1, 90))
    text = f"{tls_secret('one', issued)}---\n" + GATEWAY % ("a.example.com", "{name: one}")
    found = problems(tmp_path, text, timedelta(days=days))
    assert [(problem.code, problem.severity) for problem in found] == (
        [("GW135", severity)] if severity else []
    )
    assert all(words in problem.message for problem in found)
    assert all(problem.field == 'data["tls.crt"]' for problem in found)


def test_nothing_of_a_key_is_told(tmp_path):
    one, other = AUTHORITY.issue(["a.example.com"]), AUTHORITY.issue(["b.example.com"])
    mixed = secret("one", {"tls.crt": one.cert_pem, "tls.key": other.key_pem})
    found = problems(tmp_path, f"{mixed}---\n" + GATEWAY % ("a.example.com", "{name: one}"))
    told = "\n".join(map(str, found))
    assert [problem.code for problem in found] == ["GW134"]
    assert not any(line in told for line in other.key_pem.splitlines())
