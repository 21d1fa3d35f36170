"""What clients claim in headers reaches no backend as trusted, and changes no routing.

Names by which proxies tell backends about clients, and our own between listeners and routes; each
in several spellings, by HTTP/1.1 and HTTP/2, in clear and by TLS.
"""

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, product

import pytest

from feature.route_scene import Manifest, at_gateway, both, documents
from support import tls
from support.certificates import CA, tls_secret
from support.http1 import Http1
from support.http2 import Http2, request
from support.tried import tell

SPOOFED = "spoofed"
AUTHORITY = CA("spoofing")
LANES = 32
HOSTS = 272
"""More than one route configuration holds, so that the table is split into shards."""

FORWARDED = (
    *("x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-forwarded-prefix"),
    *("x-forwarded-server", "x-forwarded-ssl", "x-forwarded-scheme", "x-forwarded-user"),
    *("x-forwarded-email", "x-forwarded-groups", "x-forwarded-uri", "x-forwarded-fork"),
    *("x-forwarded-client-cert", "forwarded", "x-real-ip"),
)
ENVOYS = (
    *("x-envoy-internal", "x-envoy-external-address", "x-envoy-original-path"),
    *("x-envoy-original-host", "x-envoy-original-dst-host", "x-envoy-attempt-count"),
    *("x-envoy-decorator-operation", "x-envoy-peer-metadata", "x-envoy-peer-metadata-id"),
    *("x-envoy-downstream-service-cluster", "x-envoy-downstream-service-node"),
    *("x-envoy-upstream-rq-timeout-ms", "x-envoy-retry-on", "x-envoy-max-retries"),
    *("x-envoy-force-trace", "x-envoy-ip-tags", "x-envoy-anything", "x-request-id"),
)
OURS = ("x-fairlead-scope", "x-fairlead-listener", "x-fairlead-anything")
NAMES = ("x-forwarded-for", *FORWARDED, *ENVOYS, *OURS)

FORMS = {
    "as it is": lambda name: (f"{name}: {SPOOFED}",),
    "upper case": lambda name: (f"{name.upper()}: {SPOOFED}",),
    "mixed case": lambda name: (f"{name.title()}:{SPOOFED}\t",),
    "twice": lambda name: (f"{name}: {SPOOFED}", f"{name}: {SPOOFED}, {SPOOFED}"),
    "and empty": lambda name: (f"{name}:", f"{name}: {SPOOFED}"),
    "hop by hop": lambda name: (f"connection: {name}", f"{name}: {SPOOFED}"),
    "underscores": lambda name: (f"{name.replace('-', '_')}: {SPOOFED}",),
    "one underscore": lambda name: (f"{name[::-1].replace('-', '_', 1)[::-1]}: {SPOOFED}",),
    "space before the colon": lambda name: (f"{name} : {SPOOFED}",),
    "folded": lambda name: (f"{name}:", f" {SPOOFED}"),
    "folded into another": lambda name: ("x-other: a", f" {name}: {SPOOFED}"),
    "after a carriage return": lambda name: (f"x-other: a\r{name}: {SPOOFED}",),
}
"""Lines of HTTP/1.1."""

SPOOF = both("spoof", "- backendRefs: [{name: v1, port: 80}]")
OTHER = both("other", "- backendRefs: [{name: v2, port: 80}]")
MANY = Manifest(
    documents(
        *(
            at_gateway(
                f"many-{first}",
                "- backendRefs: [{name: v3, port: 80}]",
                ", ".join(f"h{number}.many.example" for number in range(first, first + 16)),
            ).text
            for first in range(0, HOSTS, 16)
        )
    )
)
SECURE = Manifest(
    documents(
        """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: secure}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: a, port: 443, protocol: HTTPS, hostname: a.example, tls: {certificateRefs: [{name: a}]}}
  - {name: b, port: 443, protocol: HTTPS, hostname: b.example, tls: {certificateRefs: [{name: b}]}}
""",
        *(tls_secret(name, AUTHORITY.issue([f"{name}.example"])) for name in ("a", "b")),
        *(
            at_gateway(
                f"secure-{listener}",
                f"- backendRefs: [{{name: {backend}, port: 80}}]",
                parents=f"{{name: secure, sectionName: {listener}}}",
            ).text
            for listener, backend in (("a", "v1"), ("b", "v2"))
        ),
    )
)


def secure_place(scene):
    address, _ = scene.gateway_place("secure")
    return address, 443 + scene.run.offset


def trusted(body: bytes) -> list[tuple[str, str]]:
    """Headers of an echo that a backend would believe, and that a client has made up."""
    found = json.loads(body)["headers"]
    chains = [value for name, value in found if name == "x-forwarded-for"]
    assert len(chains) <= 1
    rest = [(name, value) for name, value in found if name not in {"x-forwarded-for", "x-other"}]
    made_up = [pair for pair in rest if SPOOFED in pair[1] or not pair[1]]
    last = chains[0].rpartition(",")[2] if chains else ""
    if SPOOFED in last:
        made_up.append(("x-forwarded-for", chains[0]))
    return made_up


@pytest.mark.parametrize("protocol", ["http", "https"])
def test_no_claim_reaches_a_backend_of_a_gateway(scene, protocol):
    host = SPOOF.host if protocol == "http" else "a.example"
    place = scene.gateway_place() if protocol == "http" else secure_place(scene)
    context = AUTHORITY.client_context()

    def claimed(case):
        name, form = case
        content = "\r\n".join(("GET / HTTP/1.1", f"Host: {host}", *FORMS[form](name), "", ""))
        with Http1(place) as client:
            if protocol == "https":
                client.use(tls.connected(place, host, context))
            return client.ask(content.encode())

    cases = list(product(NAMES, FORMS))
    with ThreadPoolExecutor(LANES) as lanes:
        answers = list(lanes.map(claimed, cases))
    reached = 0
    for (name, form), answer in zip(cases, answers, strict=True):
        if answer.status == 200:
            reached += 1
            assert b'"backend": "v1"' in answer.body
            assert not trusted(answer.body), (name, form)
        else:
            assert answer.status == 400, (name, form, answer)
            assert form not in {"as it is", "upper case", "mixed case"}, (name, answer)
    refused = len(cases) - reached
    tell(f"claims at a Gateway, {protocol}", len(cases), reached=reached, refused=refused)
    assert refused >= len(NAMES)


@pytest.mark.parametrize("protocol", ["http", "https"])
def test_no_claim_reaches_a_backend_by_http2(scene, protocol):
    host = SPOOF.host if protocol == "http" else "a.example"
    place = scene.gateway_place() if protocol == "http" else secure_place(scene)
    context = AUTHORITY.client_context(alpn=("h2",))
    pseudo = request(host=host, scheme=protocol)

    def claimed(name):
        connection = tls.connected(place, host, context) if protocol == "https" else None
        with Http2(place, connection) as client:
            client.headers(1, (*pseudo, *[(name.encode(), SPOOFED.encode())] * 2))
            return client.answer(1)

    spellings = [(each, each) for each in NAMES]
    for name in NAMES:
        wrong = {name.replace("-", "_"), name.upper(), f"{name} ", f" {name}"} - {name}
        spellings += [(name, each) for each in sorted(wrong)]
    with ThreadPoolExecutor(LANES) as lanes:  # Envoy keeps what it has refused open for a second
        answers = list(lanes.map(claimed, (each for _, each in spellings)))
    reached = 0
    for (name, spelled), answer in zip(spellings, answers, strict=True):
        if name == spelled:
            reached += 1
            assert answer.status == 200, name
            assert not trusted(answer.body), name
        else:
            assert answer.status in {0, 400}, (spelled, answer)
    refused = len(spellings) - reached
    tell(f"claims by HTTP/2, {protocol}", len(spellings), reached=reached, refused=refused)


def test_only_the_last_address_of_a_chain_is_ours(scene):
    answer = scene.gateway(SPOOF.host, headers=(("X-Forwarded-For", "10.0.0.1, 127.0.0.1"),))
    (seen,) = answer.received("x-forwarded-for")
    assert seen.startswith("10.0.0.1, 127.0.0.1,")
    assert answer.received("x-forwarded-proto") == ["http"]


def test_no_header_leads_to_another_shard_of_a_table(scene):
    tried = 0
    for number in range(0, HOSTS, 8):
        host = f"h{number}.many.example"
        for shard in ("gateway/default/gateway/http-80#64/0", "gateway/default/gateway/http-80"):
            for name in ("x-fairlead-scope", "X-Fairlead-Scope"):
                answer = scene.gateway(host, headers=((name, shard), (name, shard)))
                assert answer.backend == "v3", (host, shard)
                assert not answer.received("x-fairlead-scope")
                tried += 1
    tell("claims of a shard", tried)


def test_no_header_leads_to_another_listener(scene):
    place = secure_place(scene)
    context, h2 = AUTHORITY.client_context(), AUTHORITY.client_context(alpn=("h2",))
    claims = ("b.example", "*", "a.example", "B.EXAMPLE")
    for claim in claims:
        with Http1(place) as client:
            client.use(tls.connected(place, "a.example", context))
            head = f"GET / HTTP/1.1\r\nHost: b.example\r\nX-Fairlead-Listener: {claim}\r\n\r\n"
            assert client.ask(head.encode()).status == 421
        with Http2(place, tls.connected(place, "a.example", h2)) as client:
            pseudo = request(host="b.example", scheme="https")
            client.headers(1, (*pseudo, (b"x-fairlead-listener", claim.encode())))
            assert client.answer(1).status == 421
        with Http1(place) as client:
            client.use(tls.connected(place, "a.example", context))
            head = f"GET / HTTP/1.1\r\nHost: a.example\r\nX-Fairlead-Listener: {claim}\r\n\r\n"
            assert b'"backend": "v1"' in client.ask(head.encode()).body
    tell("claims of a listener", 3 * len(claims))


def test_a_pod_s_claims_change_no_routing(scene):
    elsewhere = f"127.0.0.1:{scene.echo.port('v3')}"
    claims = tuple(
        chain(
            product(OURS, (OTHER.name, elsewhere)),
            product(("x-envoy-original-dst-host", "x-envoy-original-host"), (elsewhere,)),
            product(("x-forwarded-host", "x-original-host", "x-host"), (OTHER.name,)),
            product(("x-envoy-retry-on", "x-envoy-upstream-rq-timeout-ms"), ("1",)),
        )
    )
    for name, value in claims:
        answer = scene.mesh(f"http://{SPOOF.name}/", headers=((name, value),))
        assert answer.backend == "v1", (name, value)
        assert name not in OURS or not answer.received(name), name
    tell("claims of pods", len(claims))


def test_a_tunnel_of_a_pod_leads_nowhere_but_back(scene):
    """Whoever writes Envoy's own header for original destinations gets no other one."""
    place = scene.pod_place()
    elsewhere = f"127.0.0.1:{scene.echo.port('v3')}"
    with socket.create_connection(place, timeout=10) as tunnel:
        head = f"CONNECT {SPOOF.name}:80 HTTP/1.1\r\nHost: {SPOOF.name}:80\r\n"
        tunnel.sendall(f"{head}x-envoy-original-dst-host: {elsewhere}\r\n\r\n".encode())
        said = tunnel.recv(4096)
        if b" 200 " in said.partition(b"\r\n")[0]:
            tunnel.sendall(f"GET / HTTP/1.1\r\nHost: {SPOOF.name}\r\n\r\n".encode())
            said = tunnel.recv(65536)
        assert b'"v3"' not in said
