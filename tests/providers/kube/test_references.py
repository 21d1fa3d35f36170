"""Which Secrets and ConfigMaps may be read."""

import textwrap

import pytest

from fairlead import api
from fairlead.providers.kube.references import Ours, references_of, wanted

OURS = Ours("example.com/ours", "implied")

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web, namespace: a}
spec:
  gatewayClassName: CLASS
  infrastructure: {parametersRef: {group: "", kind: ConfigMap, name: settings}}
  tls:
    backend: {clientCertificateRef: {name: client, namespace: b}}
    frontend:
      default: {validation: {caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]}}
      perPort:
      - port: 443
        tls: {validation: {caCertificateRefs: [{group: "", kind: Secret, name: ca-443}]}}
  listeners:
  - name: one
    port: 443
    protocol: HTTPS
    tls: {certificateRefs: [{name: cert}, {name: other, namespace: c}, {kind: Vault, name: v}]}
  - name: two
    port: 8443
    protocol: TLS
    hostname: x.example
    tls: {mode: Passthrough, certificateRefs: [{name: unused}]}
"""
OF_GATEWAY = (
    ("ConfigMap", ("a", "settings")),
    ("Secret", ("a", "cert")),
    ("Secret", ("c", "other")),
    ("Secret", ("b", "client")),
    ("ConfigMap", ("a", "ca")),
    ("Secret", ("a", "ca-443")),
)
LISTENERS = """
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: more, namespace: d}
spec:
  parentRef: {name: web, namespace: a}
  listeners:
  - {name: x, port: 444, protocol: HTTPS, tls: {certificateRefs: [{name: cert-d}]}}
"""


def decoded(text: str) -> api.Object:
    (obj,) = api.decode(textwrap.dedent(text)).objects
    return obj


def by_kind(*texts: str) -> dict:
    found: dict = {}
    for obj in map(decoded, texts):
        found.setdefault(obj.kind, {})[obj.key] = obj
    return found


def gateway_class(name: str, controller: str) -> str:
    return f"""
        apiVersion: gateway.networking.k8s.io/v1
        kind: GatewayClass
        metadata: {{name: {name}}}
        spec:
          controllerName: {controller}
          parametersRef: {{group: "", kind: ConfigMap, name: of-{name}, namespace: system}}
        """


def grant(kind: str, namespace: str, target: str, name: str = "") -> str:
    to = f"{{group: '', kind: {target}{f', name: {name}' if name else ''}}}"
    return f"""
        apiVersion: gateway.networking.k8s.io/v1
        kind: ReferenceGrant
        metadata: {{name: g, namespace: {namespace}}}
        spec:
          from: [{{group: gateway.networking.k8s.io, kind: {kind}, namespace: a}}]
          to: [{to}]
        """


def test_every_reference_of_a_gateway():
    assert references_of(decoded(GATEWAY)) == OF_GATEWAY


def test_references_of_policies_and_backends():
    policy = """
        apiVersion: gateway.networking.k8s.io/v1
        kind: BackendTLSPolicy
        metadata: {name: p, namespace: a}
        spec:
          targetRefs: [{group: "", kind: Service, name: s}]
          validation:
            hostname: s.example
            caCertificateRefs: [{group: "", kind: ConfigMap, name: ca}]
        """
    backend = """
        apiVersion: gateway.networking.x-k8s.io/v1alpha1
        kind: XBackend
        metadata: {name: b, namespace: a}
        spec:
          type: ExternalHostname
          externalHostname: {hostname: s.example}
          port: {number: 443}
          protocol: HTTP
          tls:
            mode: ClientAndServer
            clientCertificateRef: {name: client}
            validation:
              hostname: s.example
              caCertificateRefs: [{group: "", kind: Secret, name: ca}]
        """
    assert references_of(decoded(policy)) == (("ConfigMap", ("a", "ca")),)
    assert references_of(decoded(backend)) == (("Secret", ("a", "client")), ("Secret", ("a", "ca")))
    assert wanted(by_kind(policy), OURS) == {("ConfigMap", ("a", "ca"))}


@pytest.mark.parametrize(
    ("named", "classes", "ours"),
    [
        ("mine", [gateway_class("mine", "example.com/ours")], True),
        ("mine", [gateway_class("mine", "example.com/theirs")], False),
        ("mine", [], False),
        ("implied", [], True),
        ("implied", [gateway_class("implied", "example.com/theirs")], False),
    ],
)
def test_only_gateways_of_ours_count_and_listener_sets_of_theirs(named, classes, ours):
    objects = by_kind(GATEWAY.replace("CLASS", named), LISTENERS, *classes)
    found = wanted(objects, OURS)
    assert (("Secret", ("a", "cert")) in found) == ours
    assert (("Secret", ("d", "cert-d")) in found) == ours
    assert (("ConfigMap", ("system", f"of-{named}")) in found) == (ours and bool(classes))


def test_a_listener_set_without_a_gateway_counts_not():
    assert wanted(by_kind(LISTENERS), OURS) == frozenset()


@pytest.mark.parametrize(
    ("given", "permitted"),
    [
        (grant("Gateway", "c", "Secret"), True),
        (grant("Gateway", "c", "Secret", "other"), True),
        (grant("Gateway", "c", "Secret", "another"), False),
        (grant("Gateway", "c", "ConfigMap"), False),
        (grant("ListenerSet", "c", "Secret"), False),
        (grant("Gateway", "b", "Secret", "other"), False),
    ],
)
def test_other_namespaces_count_where_a_grant_permits_it(given, permitted):
    found = wanted(by_kind(GATEWAY.replace("CLASS", "implied"), given), OURS)
    assert (("Secret", ("c", "other")) in found) == permitted
    assert ("Secret", ("a", "cert")) in found
