"""What a real Envoy does with the chains of a TLS port: names, certificates, clients, 421, h3."""

import asyncio
import contextlib
import socket
import ssl

import pytest

from fairlead.xds import http, matcher
from feature.l4 import CLOSED, L4Backends, ask
from golden.xds.ir_world import world
from golden.xds.served import running
from support import http3, tls
from support.certificates import CA
from support.http import exchange
from support.ports import free_port

pytestmark = pytest.mark.envoy

TABLE = "gateway/ns/gw/tls-443"
LISTENERS = ("*", "second.example.org", "*.wild.example.org", "fourth.wild.example.org")
ROUTED = ("example.org", *LISTENERS[1:])
SEEN = ("x-forwarded-proto", "x-forwarded-client-cert", http.OWNER, "x-forwarded-for")
CA_OF_SERVERS = CA("servers")
CA_OF_CLIENTS = CA("clients")
PLAIN = tls.client_context()
RESPOND = {"respond": {"status": 500}}


def secret(name, issued):
    key = {"pem": issued.key_pem}
    return {"name": f"certificate/ns/{name}", "chain": issued.cert_pem, "key": key}


def chain(host, certificate, **fields):
    """An HTTPS listener's chain."""
    names = [] if host == "*" else [host]
    return {
        "listener": "tls-443",
        "name": host,
        "owner": host,
        "server_names": names,
        "tls": {"certificates": [f"certificate/ns/{certificate}"], **fields},
    }


def host(name, owner, *rules):
    return {"name": name, "owner": owner, "table": TABLE, "rules": list(rules)}


def forward():
    """A rule that forwards what begins with /up, and one that redirects."""
    route = {"backends": [{"forward": {"cluster": "ns/up/80", "weight": 1}}]}
    return (
        {"match": {"path": {"prefix": {"value": "/up"}}}, "action": {"route": route}},
        {
            "match": {"path": {"prefix": {"value": "/away"}}},
            "action": {"redirect": {"path": {"full": {"value": "/there"}}}},
        },
    )


def many():
    """As many rules as become a tree."""
    return (
        *(
            {"match": {"path": {"exact": {"value": f"/{number}"}}}, "action": RESPOND}
            for number in range(matcher.LEAST)
        ),
        *forward(),
    )


@contextlib.contextmanager
def backends():
    made = L4Backends()
    yield made
    made.stop()


class Gateway:
    """The served port, and what it serves."""

    def __init__(self, port, any_certificate, own_certificate):
        self.place = ("127.0.0.1", port)
        self.any = any_certificate
        self.own = own_certificate

    def get(self, server_name, host=None, path="/up", *, context=PLAIN, before=b""):
        return tls.get(self.place, server_name, host, path, context=context, before=before)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    port, up = free_port(), free_port()
    any_certificate = CA_OF_SERVERS.issue(dns=["example.org", "*.example.org"])
    own = CA_OF_SERVERS.issue(dns=["second.example.org"])
    with backends() as l4:
        made = world(
            {
                "listeners": [
                    {
                        "name": "tls-443",
                        "port": 443,
                        "bind_port": port,
                        "table": TABLE,
                        "http3": True,
                        "proxy_protocol": "optional",
                    }
                ],
                "http_chains": [
                    chain("*", "any"),
                    chain("second.example.org", "own", minimum_version="1.3"),
                    chain("*.wild.example.org", "any", maximum_version="1.2"),
                    chain("fourth.wild.example.org", "any"),
                    chain(
                        "strict.example.org",
                        "any",
                        validation={"trust": "trust/ConfigMap/ns/clients"},
                    ),
                    chain(
                        "lax.example.org",
                        "any",
                        validation={
                            "trust": "trust/ConfigMap/ns/clients",
                            "insecure_fallback": True,
                        },
                    ),
                ],
                "tcp_chains": _tcp_chains(),
                "virtual_hosts": [
                    host("example.org", "*", *forward()),
                    host("many.example.org", "*", *many()),
                    *(host(name, name, *forward()) for name in LISTENERS[1:]),
                    *(
                        host(f"{name}.example.org", f"{name}.example.org", *forward())
                        for name in ("strict", "lax")
                    ),
                    host("*", "*"),
                ],
                "clusters": [
                    {"name": "ns/up/80"},
                    {"name": "ns/passed/443", "protocol": "tcp"},
                    {"name": "ns/ended/9000", "protocol": "tcp"},
                ],
                "endpoints": [
                    {"cluster": "ns/up/80", "addresses": [_at(up)]},
                    {"cluster": "ns/passed/443", "addresses": [_at(l4.tls("passed", own))]},
                    {"cluster": "ns/ended/9000", "addresses": [_at(l4.tcp("ended"))]},
                ],
                "certificates": [secret("any", any_certificate), secret("own", own)],
                "trust_bundles": [
                    {"name": "trust/ConfigMap/ns/clients", "certificates": CA_OF_CLIENTS.cert_pem}
                ],
            }
        )
        folder = tmp_path_factory.mktemp("envoy")
        with running(folder, made, port=port, upstream_port=up, seen=SEEN):
            yield Gateway(port, any_certificate, own)


def _at(port):
    return {"address": "127.0.0.1", "port": port}


def _tcp_chains():
    invalid = {"invalid": {"weight": 1, "reason": "BackendNotFound", "message": ""}}
    ended = {"listener": "tls-443", "tls": {"certificates": ["certificate/ns/any"]}}
    return [
        {
            "listener": "tls-443",
            "name": "passed.example.org",
            "server_names": ["passed.example.org"],
            "backends": [{"forward": {"cluster": "ns/passed/443", "weight": 1}}],
        },
        {
            "listener": "tls-443",
            "name": "broken.example.org",
            "server_names": ["broken.example.org"],
            "backends": [invalid],
        },
        {
            **ended,
            "name": "ended.example.org",
            "server_names": ["ended.example.org"],
            "backends": [{"forward": {"cluster": "ns/ended/9000", "weight": 1}}],
        },
    ]


# The conformance suite's HTTPRouteHTTPSListenerDetectMisdirectedRequests, and more
MISDIRECTED = [
    ("example.org", "example.org", 200),
    ("example.org", "second.example.org", 421),
    ("example.org", "unknown.org", 404),
    ("second.example.org", "second.example.org", 200),
    ("second.example.org", "example.org", 421),
    ("second.example.org", "unknown.org", 421),
    ("third.wild.example.org", "third.wild.example.org", 200),
    ("third.wild.example.org", "fifth.wild.example.org", 200),
    ("third.wild.example.org", "fourth.wild.example.org", 421),
    ("third.wild.example.org", "second.example.org", 421),
    ("third.wild.example.org", "unknown.org", 421),
    ("fourth.wild.example.org", "fourth.wild.example.org", 200),
    ("fourth.wild.example.org", "fifth.wild.example.org", 421),
    ("unknown.org", "example.org", 200),
    ("unknown.org", "unknown.org", 404),
    ("second.example.org", "SECOND.example.org:443", 200),
    ("unknown.org", "many.example.org", 200),
    ("second.example.org", "many.example.org", 421),
]


@pytest.mark.parametrize(("server_name", "asked", "status"), MISDIRECTED)
def test_a_request_for_another_listener_is_misdirected(gateway, server_name, asked, status):
    assert gateway.get(server_name, asked).status == status


def test_misdirected_requests_are_told_so_over_http3(gateway):
    async def ask_all():
        async with http3.opened(gateway.place, "second.example.org") as client:
            hosts = ("second.example.org", "example.org")
            return [(await client.request(each, "/up")).status for each in hosts]

    assert asyncio.run(ask_all()) == [200, 421]


def test_the_server_name_chooses_the_certificate(gateway):
    found = {
        name: tls.handshake(gateway.place, name, PLAIN).serial
        for name in ("second.example.org", "SECOND.example.org", "example.org", "third.example.org")
    }
    own, any_serial = gateway.own.serial, gateway.any.serial
    assert list(found.values()) == [own, own, any_serial, any_serial]


def test_http_is_negotiated_by_alpn_and_bytes_negotiate_nothing(gateway):
    both = tls.client_context(alpn=("h2", "http/1.1"))
    names = ("example.org", "ended.example.org")
    assert [tls.handshake(gateway.place, each, both).protocol for each in names] == ["h2", None]
    old = tls.client_context(alpn=("http/1.1",))
    assert tls.handshake(gateway.place, "example.org", old).protocol == "http/1.1"


@pytest.mark.parametrize(
    ("name", "version", "negotiated"),
    [
        ("example.org", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
        ("example.org", ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ("second.example.org", ssl.TLSVersion.TLSv1_2, None),
        ("second.example.org", ssl.TLSVersion.TLSv1_3, "TLSv1.3"),
        ("third.wild.example.org", ssl.TLSVersion.TLSv1_3, None),
        ("third.wild.example.org", ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
    ],
)
def test_versions_of_tls(gateway, name, version, negotiated):
    context = tls.client_context()
    context.minimum_version = context.maximum_version = version
    if negotiated is None:
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            tls.handshake(gateway.place, name, context)
    else:
        assert tls.handshake(gateway.place, name, context).version == negotiated


def test_the_backend_learns_the_scheme_and_nothing_of_our_headers(gateway):
    spoofed = {
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Client-Cert": "URI=spiffe://them",
        http.OWNER: "second.example.org",
    }
    with tls.connection(gateway.place, "example.org", PLAIN) as made:
        answer = exchange(made, "/up", "example.org", headers=spoofed)
    assert answer.status == 200
    assert answer.headers["x-saw-x-forwarded-proto"] == "https"
    assert not {"x-saw-x-forwarded-client-cert", f"x-saw-{http.OWNER}"} & answer.headers.keys()


def test_a_redirect_keeps_the_scheme_of_the_connection(gateway):
    answer = gateway.get("example.org", path="/away")
    assert answer.headers["location"] == "https://example.org/there"


def test_clients_are_asked_for_a_certificate(gateway):
    good = CA_OF_CLIENTS.issue(uris=["spiffe://us/client"], client=True)
    bad = CA("strangers").issue(uris=["spiffe://them/client"], client=True)
    with_good, with_bad = good.load_into(tls.client_context()), bad.load_into(tls.client_context())
    assert gateway.get("strict.example.org", context=with_good).status == 200
    for context in (PLAIN, with_bad):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            gateway.get("strict.example.org", context=context)
    for context in (PLAIN, with_bad, with_good):
        assert gateway.get("lax.example.org", context=context).status == 200


def test_certificates_of_clients_are_asked_for_over_http3_too(gateway):
    with pytest.raises(ConnectionError):
        asyncio.run(http3.get(gateway.place, "strict.example.org", path="/up"))
    assert asyncio.run(http3.get(gateway.place, "lax.example.org", path="/up")).status == 200


def test_http3_serves_the_same_and_is_advertised(gateway):
    over_tcp = gateway.get("example.org")
    port = gateway.place[1]
    assert over_tcp.headers["alt-svc"] == f'h3=":{port}"; ma=86400'
    answer = asyncio.run(
        http3.get(gateway.place, "example.org", path="/up", ca_pem=CA_OF_SERVERS.cert_pem)
    )
    assert answer.status == 200
    assert answer.headers["x-saw-x-forwarded-proto"] == "https"
    assert answer.headers["x-path"] == "/up"


def test_http3_ends_where_no_chain_is(gateway):
    """TLS 1.2 at most, and bytes that are passed on, have no HTTP/3; the port closes them."""
    answer = asyncio.run(http3.get(gateway.place, "third.wild.example.org", path="/up"))
    assert answer.status == 421, "the catch-all takes the connection, and says whose host it is"


def test_tls_is_passed_through_or_ended(gateway):
    context = tls.client_context(CA_OF_SERVERS.cert_pem)
    assert ask(gateway.place, tls.client_context(), "passed.example.org").backend == "passed"
    found = ask(gateway.place, context, "ended.example.org")
    assert (found.backend, found.server_name) == ("ended", "-")


def test_no_backend_closes_the_connection(gateway):
    assert ask(gateway.place, PLAIN, "broken.example.org") is CLOSED


def test_plaintext_on_a_tls_port_is_closed(gateway):
    with socket.create_connection(gateway.place, timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: example.org\r\n\r\n")
        assert _rest(client) == b""


def _rest(client):
    try:
        return client.recv(4096)
    except ConnectionResetError:
        return b""


V1 = b"PROXY TCP4 192.0.2.7 192.0.2.8 4000 443\r\n"
V2 = (
    b"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c"
    + socket.inet_aton("192.0.2.9")
    + socket.inet_aton("192.0.2.8")
    + (4000).to_bytes(2, "big")
    + (443).to_bytes(2, "big")
)


@pytest.mark.parametrize(("before", "client"), [(V1, "192.0.2.7"), (V2, "192.0.2.9")])
def test_proxy_protocol_tells_the_client(gateway, before, client):
    answer = gateway.get("example.org", before=before)
    assert answer.headers["x-saw-x-forwarded-for"] == client
