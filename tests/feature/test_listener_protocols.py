"""What listeners speak beside HTTP/1.1: HTTP/2, HTTP/3, the PROXY protocol; and their settings."""

import asyncio
import json
import re

import pytest

from feature.harness import Instance, condition
from feature.route_scene import at_gateway, documents, forward, service
from support import http3, tls
from support.certificates import CA, tls_secret

pytestmark = pytest.mark.envoy

AUTHORITY = CA("protocols")
HOST = "shop.example.com"
GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec:
  gatewayClassName: fairlead
  infrastructure: {{parametersRef: {{group: "", kind: ConfigMap, name: {name}}}}}
  listeners:
  - {{name: http, port: 80, protocol: HTTP}}
  - name: https
    port: 443
    protocol: HTTPS
    tls:
      certificateRefs: [{{name: cert}}]
      options: {{{options}}}
"""
SETTINGS = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}}}
data: {{{data}}}
"""
PROXY_V1 = b"PROXY TCP4 192.0.2.7 192.0.2.8 4000 443\r\n"


def gateway(name, data="", options=""):
    """A Gateway with settings of its own, and a route on it."""
    return documents(
        SETTINGS.format(name=name, data=data),
        GATEWAY.format(name=name, options=options),
        at_gateway(f"at-{name}", forward("v1"), HOST, parents=f"{{name: {name}}}").text,
    )


@pytest.fixture(scope="module")
def run(echo, tmp_path_factory):
    files = {
        "plain.yaml": gateway("plain"),
        "no-quic.yaml": gateway("no-quic", "http3: disabled"),
        "option.yaml": gateway("option", options='fairlead.dev/http3: "disabled"'),
        "optional.yaml": gateway("optional", "proxyProtocol: optional"),
        "required.yaml": gateway("required", "proxyProtocol: required"),
        "new-tls.yaml": gateway("new-tls", options='fairlead.dev/min-tls-version: "1.3"'),
        "cert.yaml": tls_secret("cert", AUTHORITY.issue(dns=[HOST])),
        "services.yaml": service("v1", echo.port("v1")),
    }
    instance = Instance(tmp_path_factory.mktemp("protocols"), files)
    try:
        yield instance.start()
    finally:
        instance.stop()


def place(run, name, port=443):
    address, _, number = run.url(name, port=port).removeprefix("http://").rpartition(":")
    return address, int(number)


def get(run, name, **options):
    context = AUTHORITY.client_context()
    return tls.get(place(run, name), HOST, context=context, **options)


def forwarded_for(answer):
    return dict(json.loads(answer.body)["headers"])["x-forwarded-for"]


def test_http3_is_advertised_where_it_is(run):
    advertised = get(run, "plain").headers["alt-svc"]
    port = int(re.fullmatch(r'h3=":(\d+)"; ma=\d+', advertised)[1])
    assert port == place(run, "plain")[1]
    answer = asyncio.run(http3.get((place(run, "plain")[0], port), HOST, ca_pem=AUTHORITY.cert_pem))
    assert answer.status == 200
    assert json.loads(answer.body)["backend"] == "v1"


@pytest.mark.parametrize("name", ["no-quic", "option"])
def test_http3_can_be_switched_off(run, name):
    answer = get(run, name)
    assert answer.status == 200
    assert "alt-svc" not in answer.headers


def test_http2_is_negotiated(run):
    context = AUTHORITY.client_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    assert tls.handshake(place(run, "plain"), HOST, context).protocol == "h2"


def test_old_versions_of_tls_can_be_refused(run):
    context = AUTHORITY.client_context()
    assert tls.handshake(place(run, "new-tls"), HOST, context).version == "TLSv1.3"
    context.maximum_version = context.maximum_version.TLSv1_2
    assert tls.handshake(place(run, "plain"), HOST, context).version == "TLSv1.2"
    with pytest.raises(OSError, match=r"(?i)version|closed|reset"):
        tls.handshake(place(run, "new-tls"), HOST, context)


def test_an_optional_proxy_header_tells_the_client(run):
    assert forwarded_for(get(run, "optional", before=PROXY_V1)) == "192.0.2.7"
    assert forwarded_for(get(run, "optional")) == forwarded_for(get(run, "plain"))


def test_a_required_proxy_header_is_required(run):
    assert forwarded_for(get(run, "required", before=PROXY_V1)) == "192.0.2.7"
    with pytest.raises(OSError, match=r"(?i)eof|closed|reset|broken"):
        get(run, "required")


def test_settings_change_while_it_serves(run):
    assert "alt-svc" in get(run, "plain").headers
    run.write("plain.yaml", gateway("plain", "http3: disabled"))
    run.until("no HTTP/3", lambda: "alt-svc" not in get(run, "plain").headers)
    run.write("plain.yaml", gateway("plain", "http3: sometimes"))
    run.until("refused", lambda: not condition(run.one("gateways", "plain"), "Accepted"))
    [accepted] = [
        each
        for each in run.one("gateways", "plain")["status"]["conditions"]
        if each["type"] == "Accepted"
    ]
    assert accepted["reason"] == "InvalidParameters"
    assert "http3" in accepted["message"]
    run.write("plain.yaml", gateway("plain"))
    run.until("served again", lambda: condition(run.one("gateways", "plain"), "Programmed"))
    run.until("HTTP/3", lambda: "alt-svc" in get(run, "plain").headers)
