"""HTTPS listeners: whose request it is by server name and host (GEP-3567), and those that lack a
certificate."""

import http.client

import pytest

from feature.harness import Instance
from feature.route_scene import at_gateway, documents, forward, service
from support import tls
from support.certificates import CA, tls_secret
from support.http import exchange

AUTHORITY = CA("listeners")
NAMES = ("example.org", "second-example.org", "*.wildcard.org", "*.closed.org")
ISSUED = AUTHORITY.issue(dns=NAMES)
GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: rest, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}
  - name: second
    port: 443
    protocol: HTTPS
    hostname: second-example.org
    tls: {certificateRefs: [{name: cert}]}
  - name: wildcard
    port: 443
    protocol: HTTPS
    hostname: "*.wildcard.org"
    tls: {certificateRefs: [{name: cert}]}
  - name: inside
    port: 443
    protocol: HTTPS
    hostname: fourth-example.wildcard.org
    tls: {certificateRefs: [{name: cert}]}
  - name: closed
    port: 443
    protocol: HTTPS
    hostname: bank.closed.org
    tls: {certificateRefs: [{name: missing}]}
  - name: passed
    port: 443
    protocol: TLS
    hostname: passed.wildcard.org
    tls: {mode: Passthrough}
"""


def to(listener):
    return f"{{name: gate, sectionName: {listener}}}"


ROUTES = documents(
    at_gateway("one", forward("v1"), "example.org, bank.closed.org", parents=to("rest")).text,
    at_gateway("two", forward("v2"), parents=to("second")).text,
    at_gateway("three", forward("v3"), parents=to("wildcard")).text,
    at_gateway("four", forward("v1"), parents=to("inside")).text,
    at_gateway("bank", forward("v2"), parents=to("closed")).text,
)


class Scene:
    """The instance, and a way to ask its Gateway."""

    def __init__(self, run):
        self.run = run
        base = run.url("gate", port=443)
        address, _, port = base.removeprefix("http://").rpartition(":")
        self.place = (address, int(port))
        self.context = AUTHORITY.client_context()
        self.context.check_hostname = False

    def status(self, server_name, host):
        """Status of a request; 0 where the connection is closed."""
        try:
            with tls.connection(self.place, server_name, self.context) as connection:
                return exchange(connection, "/", host).status
        except (OSError, http.client.HTTPException):
            return 0

    def conditions(self, name):
        """Type to (status, reason) of a listener."""
        listeners = self.run.one("gateways", "gate")["status"]["listeners"]
        (found,) = (each for each in listeners if each["name"] == name)
        return {each["type"]: (each["status"], each["reason"]) for each in found["conditions"]}


@pytest.fixture(scope="module")
def scene(echo, tmp_path_factory):
    files = {
        "gateway.yaml": GATEWAY,
        "routes.yaml": ROUTES,
        "cert.yaml": tls_secret("cert", ISSUED),
        "services.yaml": documents(
            *(service(name, echo.port(name)) for name in ("v1", "v2", "v3"))
        ),
    }
    instance = Instance(tmp_path_factory.mktemp("https"), files)
    try:
        yield Scene(instance.start())
    finally:
        instance.stop()


@pytest.mark.parametrize(
    ("server_name", "host", "status"),
    [
        ("example.org", "example.org", 200),
        ("example.org", "second-example.org", 421),
        ("example.org", "unknown-example.org", 404),
        ("second-example.org", "second-example.org", 200),
        ("second-example.org", "example.org", 421),
        ("second-example.org", "unknown-example.org", 421),
        ("third-example.wildcard.org", "third-example.wildcard.org", 200),
        ("third-example.wildcard.org", "fith-example.wildcard.org", 200),
        ("third-example.wildcard.org", "fourth-example.wildcard.org", 421),
        ("third-example.wildcard.org", "second-example.org", 421),
        ("third-example.wildcard.org", "unknown-example.org", 421),
        ("fourth-example.wildcard.org", "fourth-example.wildcard.org", 200),
        ("fourth-example.wildcard.org", "fith-example.wildcard.org", 421),
        ("unknown-example.org", "example.org", 200),
        ("unknown-example.org", "unknown-example.org", 404),
    ],
)
def test_misdirected_requests(scene, server_name, host, status):
    """The matrix of HTTPRouteHTTPSListenerDetectMisdirectedRequests."""
    assert scene.status(server_name, host) == status


def test_hosts_of_tls_listeners_are_misdirected_on_connections_of_others(scene):
    """Clients reuse a connection for each name of its certificate, one passed through as well."""
    assert scene.status("third-example.wildcard.org", "passed.wildcard.org") == 421
    assert scene.status("example.org", "passed.wildcard.org") == 421


def test_overlapping_hostnames_are_told(scene):
    for name in ("wildcard", "inside", "rest"):
        overlapping = scene.conditions(name)["OverlappingTLSConfig"]
        assert overlapping == ("True", "OverlappingHostnames")


def test_a_listener_without_certificate_is_closed_and_no_other_takes_its_place(scene):
    assert scene.conditions("closed")["Programmed"] == ("False", "Invalid")
    assert scene.conditions("rest")["Programmed"] == ("True", "Programmed")
    assert scene.status("bank.closed.org", "bank.closed.org") == 0
    assert scene.status("example.org", "bank.closed.org") == 421
    scene.run.write("missing.yaml", tls_secret("missing", ISSUED))
    scene.run.until("it serves", lambda: scene.status("bank.closed.org", "bank.closed.org") == 200)
    scene.run.until(
        "it is programmed",
        lambda: scene.conditions("closed")["Programmed"] == ("True", "Programmed"),
    )
    scene.run.remove("missing.yaml")
    scene.run.until("it is closed", lambda: scene.status("bank.closed.org", "bank.closed.org") == 0)
    assert scene.status("example.org", "example.org") == 200
