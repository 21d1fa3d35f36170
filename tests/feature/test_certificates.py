"""Certificates of Gateways: rotation, grants, what is wrong with them, and those of clients."""

import base64
import contextlib
import http.client
import json
import ssl
import threading
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from feature.harness import Instance, condition
from feature.route_scene import documents, service
from support import tls
from support.certificates import CA, ca_config_map, secret, tls_secret
from support.http import exchange, send

SERVERS, CLIENTS, OTHERS = CA("servers"), CA("clients"), CA("others")
A, B, C, D = (f"{letter}.example.com" for letter in "abcd")
ISSUED = {host: SERVERS.issue([host]) for host in (A, B, C, D)}
RSA = SERVERS.issue([B], key=rsa.generate_private_key(65537, 2048))
OURS, THEIRS = CLIENTS.issue(client=True, name="ours"), OTHERS.issue(client=True, name="theirs")
SPOOFED = {"x-forwarded-client-cert": "Hash=0;Subject=admin"}
ROTATIONS = 5

GATEWAYS = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  gatewayClassName: fairlead
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - name: a
    port: 443
    protocol: HTTPS
    hostname: a.example.com
    tls: {certificateRefs: [{name: a}]}
  - name: b
    port: 443
    protocol: HTTPS
    hostname: b.example.com
    tls: {certificateRefs: [{name: b}, {name: rsa}]}
  - name: c
    port: 443
    protocol: HTTPS
    hostname: c.example.com
    tls: {certificateRefs: [{name: c, namespace: other}]}
  - name: d
    port: 443
    protocol: HTTPS
    hostname: d.example.com
    tls: {certificateRefs: [{name: d}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: checked}
spec:
  gatewayClassName: fairlead
  tls:
    frontend:
      default: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: clients}]}}
      perPort:
      - port: 18443
        tls: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: others}]}}
      - port: 18444
        tls:
          validation:
            mode: AllowInsecureFallback
            caCertificateRefs: [{group: "", kind: ConfigMap, name: clients}]
      - port: 18445
        tls: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: missing}]}}
      - port: 18446
        tls: {}
      - port: 18447
        tls:
          validation:
            caCertificateRefs:
            - {group: certificates.k8s.io, kind: ClusterTrustBundle, name: "example.com:ca:v1"}
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: default, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: a}]}}
  - {name: own, port: 18443, protocol: HTTPS, tls: {certificateRefs: [{name: a}]}}
  - {name: fallback, port: 18444, protocol: HTTPS, tls: {certificateRefs: [{name: a}]}}
  - {name: invalid, port: 18445, protocol: HTTPS, tls: {certificateRefs: [{name: a}]}}
  - {name: unchecked, port: 18446, protocol: HTTPS, tls: {certificateRefs: [{name: a}]}}
  - {name: bundle, port: 18447, protocol: HTTPS, tls: {certificateRefs: [{name: a}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: everything}
spec:
  parentRefs: [{name: gate}, {name: checked}]
  rules: [{backendRefs: [{name: backend, port: 80}]}]
"""
GRANT = """\
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: certificates, namespace: other}
spec:
  from: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: default}]
  to: [{group: "", kind: Secret, name: c}]
"""
BROKEN = secret("d", {"tls.crt": "Hello world\n", "tls.key": "Hello world\n"})


def authorities(*clients):
    """The ConfigMaps: of whom clients may be by default, and on the port with its own."""
    return documents(
        ca_config_map("clients", *(each.cert_pem for each in clients)),
        ca_config_map("others", OTHERS.cert_pem),
    )


def trust_bundle(authority):
    """A ClusterTrustBundle as YAML."""
    return (
        "apiVersion: certificates.k8s.io/v1beta1\nkind: ClusterTrustBundle\n"
        'metadata: {name: "example.com:ca:v1"}\n'
        f"spec: {{signerName: example.com/ca, trustBundle: {json.dumps(authority.cert_pem)}}}\n"
    )


@dataclass(frozen=True)
class Scene:
    """The instance, and ways to ask its Gateways."""

    run: Instance

    def place(self, port=443, gateway="gate"):
        parts = urlsplit(self.run.url(gateway, port=port))
        return parts.hostname, parts.port

    def serial(self, host, **options):
        """Serial number of what a new connection for a host is shown; 0 if it is refused."""
        try:
            return tls.handshake(self.place(**options), host, SERVERS.client_context()).serial
        except OSError:
            return 0

    def status(self, client=None, host=A, **options):
        """Status of a request with a client certificate; 0 where the handshake fails."""
        context = SERVERS.client_context(client)
        try:
            return tls.get(self.place(**options), host, context=context).status
        except (OSError, http.client.HTTPException):
            return 0

    def listener(self, name, gateway="gate"):
        """Type to (status, reason) of a listener's conditions, and to its message."""
        found = self.run.one("gateways", gateway)["status"]["listeners"]
        (one,) = (each for each in found if each["name"] == name)
        told = {each["type"]: (each["status"], each["reason"]) for each in one["conditions"]}
        words = {each["type"]: each.get("message", "") for each in one["conditions"]}
        return told, words

    def until_listener(self, name, kind, expected, gateway="gate"):
        self.run.until(
            f"{name} {kind} {expected}",
            lambda: self.listener(name, gateway)[0].get(kind) == expected,
        )


@pytest.fixture(scope="module")
def scene(echo, tmp_path_factory):
    files = {
        "gateways.yaml": GATEWAYS,
        "backend.yaml": service("backend", echo.port("backend")),
        "a.yaml": tls_secret("a", ISSUED[A]),
        "b.yaml": documents(tls_secret("b", ISSUED[B]), tls_secret("rsa", RSA)),
        "c.yaml": tls_secret("c", ISSUED[C], namespace="other"),
        "clients.yaml": authorities(CLIENTS),
    }
    instance = Instance(tmp_path_factory.mktemp("certificates"), files)
    try:
        instance.start()
        yield Scene(instance)
    finally:
        instance.stop()


# Certificates of listeners


def test_the_server_name_chooses_the_certificate(scene):
    assert scene.serial(A) == ISSUED[A].serial
    assert scene.status(host=A) == 200
    assert scene.listener("a")[0]["Programmed"] == ("True", "Programmed")


def test_of_several_certificates_the_client_s_ciphers_choose(scene):
    context = SERVERS.client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    for ciphers, issued in (("ECDHE+aECDSA", ISSUED[B]), ("ECDHE+aRSA", RSA)):
        context.set_ciphers(ciphers)
        assert tls.handshake(scene.place(), B, context).serial == issued.serial


def test_a_missing_or_bad_secret_stops_its_own_listener_only(scene):
    told, words = scene.listener("d")
    assert told["ResolvedRefs"] == ("False", "InvalidCertificateRef")
    assert told["Programmed"][0] == "False"
    assert "Secret default/d does not exist" in words["ResolvedRefs"]
    assert not scene.serial(D)
    scene.run.write("d.yaml", BROKEN)
    scene.run.until(
        "the fault is named",
        lambda: "tls.crt holds no certificate" in scene.listener("d")[1]["ResolvedRefs"],
    )
    scene.run.write("d.yaml", tls_secret("d", ISSUED[D]))
    scene.run.until("d serves", lambda: scene.serial(D) == ISSUED[D].serial)
    scene.until_listener("d", "ResolvedRefs", ("True", "ResolvedRefs"))
    scene.until_listener("d", "Programmed", ("True", "Programmed"))
    scene.run.write("d.yaml", BROKEN)
    scene.run.until("d is refused", lambda: not scene.serial(D))
    assert scene.serial(A) == ISSUED[A].serial
    scene.run.remove("d.yaml")
    scene.until_listener("d", "ResolvedRefs", ("False", "InvalidCertificateRef"))


def test_a_grant_lets_a_certificate_of_another_namespace_in_and_out(scene):
    assert scene.listener("c")[0]["ResolvedRefs"] == ("False", "RefNotPermitted")
    assert not scene.serial(C)
    scene.run.write("grant.yaml", GRANT)
    scene.run.until("c serves", lambda: scene.serial(C) == ISSUED[C].serial)
    scene.until_listener("c", "ResolvedRefs", ("True", "ResolvedRefs"))
    scene.run.remove("grant.yaml")
    scene.run.until("c is refused", lambda: not scene.serial(C))
    scene.until_listener("c", "ResolvedRefs", ("False", "RefNotPermitted"))


class Load:
    """Requests without a pause, on a connection that is kept and on new ones."""

    def __init__(self, place):
        self.place = place
        self.context = SERVERS.client_context()
        self.sent = [0, 0]
        self.failures = []
        self.over = threading.Event()
        self.threads = [
            threading.Thread(target=run) for run in (self._on_one_connection, self._on_new_ones)
        ]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()

    def _on_one_connection(self):
        try:
            with tls.connection(self.place, A, self.context) as kept:
                while not self.over.is_set():
                    self._note(0, exchange(kept, "/", A).status)
        except (OSError, http.client.HTTPException) as error:
            self.failures.append(error)

    def _on_new_ones(self):
        while not self.over.is_set():
            try:
                self._note(1, tls.get(self.place, A, context=self.context).status)
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)

    def _note(self, kind, status):
        self.sent[kind] += 1
        if status != 200:
            self.failures.append(status)


def test_rotation_loses_no_request(scene):
    with Load(scene.place()) as load:
        for _ in range(ROTATIONS):
            before = list(load.sent)
            issued = SERVERS.issue([A])
            scene.run.write("a.yaml", tls_secret("a", issued))
            scene.run.until("the new one", lambda new=issued: scene.serial(A) == new.serial)
            assert scene.serial(B) == ISSUED[B].serial
            scene.run.until(
                "both loads go on",
                lambda then=before: all(map(int.__gt__, load.sent, then)) or load.failures,
            )
    assert not load.failures
    scene.run.write("a.yaml", tls_secret("a", ISSUED[A]))
    scene.run.until("the first one", lambda: scene.serial(A) == ISSUED[A].serial)


# Certificates of clients


def test_clients_need_a_certificate_of_the_default_authority(scene):
    assert scene.status(OURS, gateway="checked") == 200
    assert scene.status(THEIRS, gateway="checked") == 0
    assert scene.status(None, gateway="checked") == 0


def test_a_port_may_have_an_authority_of_its_own(scene):
    assert scene.status(THEIRS, gateway="checked", port=18443) == 200
    assert scene.status(OURS, gateway="checked", port=18443) == 0
    assert scene.status(None, gateway="checked", port=18443) == 0


def test_the_insecure_fallback_lets_everybody_in_and_is_told(scene):
    for client in (OURS, THEIRS, None):
        assert scene.status(client, gateway="checked", port=18444) == 200
    assert condition(scene.run.one("gateways", "checked"), "InsecureFrontendValidationMode")
    assert not condition(scene.run.one("gateways", "gate"), "InsecureFrontendValidationMode")


def test_without_a_valid_authority_nobody_is_let_in_and_plain_http_goes_on(scene):
    for client in (OURS, None):
        assert scene.status(client, gateway="checked", port=18445) == 0
    told, words = scene.listener("invalid", "checked")
    assert told["ResolvedRefs"] == ("False", "InvalidCACertificateRef")
    assert told["Accepted"] == ("False", "NoValidCACertificate")
    assert told["Programmed"][0] == "False"
    assert "ConfigMap default/missing does not exist" in words["ResolvedRefs"]
    for name in ("http", "default", "own"):
        told, _ = scene.listener(name, "checked")
        assert {kind: status for kind, (status, _) in told.items() if kind != "Conflicted"} == {
            "Accepted": "True",
            "Programmed": "True",
            "ResolvedRefs": "True",
        }
    assert send(scene.place(80, "checked"), "/").status == 200


def test_a_port_whose_entry_is_empty_asks_for_nothing(scene):
    assert scene.status(None, gateway="checked", port=18446) == 200


def test_an_authority_is_replaced_while_it_serves(scene):
    scene.run.write("clients.yaml", authorities(CLIENTS, OTHERS))
    scene.run.until("both are let in", lambda: scene.status(THEIRS, gateway="checked") == 200)
    assert scene.status(OURS, gateway="checked") == 200
    scene.run.write("clients.yaml", authorities(CLIENTS))
    scene.run.until("one is let in", lambda: scene.status(THEIRS, gateway="checked") == 0)
    assert scene.status(OURS, gateway="checked") == 200


def test_a_cluster_trust_bundle_is_followed_through_its_life(scene):
    def ask(client):
        return scene.status(client, gateway="checked", port=18447)

    assert scene.listener("bundle", "checked")[0]["Accepted"] == ("False", "NoValidCACertificate")
    assert ask(OURS) == 0
    scene.run.write("bundle.yaml", trust_bundle(CLIENTS))
    scene.run.until("ours is let in", lambda: ask(OURS) == 200)
    assert ask(THEIRS) == 0
    scene.until_listener("bundle", "ResolvedRefs", ("True", "ResolvedRefs"), "checked")
    scene.run.write("bundle.yaml", trust_bundle(OTHERS))
    scene.run.until("theirs is let in", lambda: ask(THEIRS) == 200)
    assert ask(OURS) == 0
    scene.run.remove("bundle.yaml")
    scene.run.until("nobody is let in", lambda: ask(THEIRS) == 0)
    scene.until_listener("bundle", "ResolvedRefs", ("False", "InvalidCACertificateRef"), "checked")


@pytest.mark.parametrize("client", [OURS, THEIRS, None], ids=["ours", "theirs", "none"])
def test_nobody_can_say_that_he_showed_another_certificate(scene, client):
    place = scene.place(18444, "checked")
    with tls.connection(place, A, SERVERS.client_context(client)) as made:
        answer = exchange(made, "/", A, headers=SPOOFED)
    assert "admin" not in answer.body
    assert "x-forwarded-client-cert" not in dict(json.loads(answer.body)["headers"])
    plain = send(scene.place(80, "checked"), "/", headers=SPOOFED)
    assert "x-forwarded-client-cert" not in dict(json.loads(plain.body)["headers"])


# What is kept


def test_keys_are_shown_nowhere(scene):
    run = scene.run
    keys = [issued.key_pem for issued in (*ISSUED.values(), RSA)]
    pieces = [key.splitlines()[2][:24] for key in keys]
    pieces += [base64.b64encode(key.encode()).decode()[120:150] for key in keys]
    commands = (
        ("get", "secrets", "-A", "-o", "yaml"),
        ("get", "gateways", "-A", "-o", "json"),
        ("get", "proxies", "-o", "json"),
        ("get", "problems"),
        ("describe", "gateway", "gate"),
        ("debug", "graph"),
    )
    said = [run.output()]
    for command in commands:
        done = run.fairlead(*command)
        assert done.returncode == 0, done
        said += [done.stdout, done.stderr]
    for path in run.state.rglob("*"):
        if path.is_file():
            with contextlib.suppress(OSError):
                said.append(path.read_text(errors="replace"))
    assert any("name: rsa" in each for each in said)
    for piece in pieces:
        assert not any(piece in each for each in said)
