"""References to certificates and to certificate authorities, from objects to names and findings."""

from dataclasses import dataclass

import pytest

from fairlead import api
from fairlead.graph import Change, Graph
from fairlead.ir.assignment import ClusterUse, SecretUse
from fairlead.ir.cluster import Cluster, UpstreamTls
from fairlead.ir.listener import (
    ClientValidation,
    DownstreamTls,
    GatewayListener,
    HttpChain,
    TcpChain,
)
from fairlead.ir.origin import Origin
from fairlead.ir.proxy_status import ProxyStatus, Rejection
from fairlead.ir.secret import SYSTEM_TRUST, Certificate, TrustBundle
from fairlead.translate import certificates, references, secrets, trust
from fairlead.translate.finding import Finding
from fairlead.translate.sources import Settings, Sources
from fairlead.xds import type_url
from support.certificates import CA, ca_config_map, secret, tls_secret
from translate.world import World, objects

ROOT, OTHER = CA("root"), CA("other")
FIRST, SECOND = ROOT.issue(["a.example.com"]), ROOT.issue(["a.example.com"])
GATEWAY = ("gateway.networking.k8s.io", "Gateway", "default")
FIELD = "spec.listeners[0].tls.certificateRefs"


@dataclass(frozen=True)
class Asked:
    """References of one object."""

    referrer: tuple[str, str, str]
    refs: tuple[api.SecretObjectReference, ...]


class References:
    """A graph with references and whatever they are resolved against."""

    def __init__(self, *items, **settings):
        self.graph = Graph()
        self.sources = Sources.on(self.graph)
        self.asked = self.graph.source("asked")
        self.listeners = self.graph.source("listeners")
        self.chains = self.graph.source("chains")
        self.clusters = self.graph.source("clusters")
        self.cluster_use = self.graph.source("cluster use")
        grants = references.build(self.sources)
        known = certificates.build(self.sources, grants)
        self.trust = trust.build(self.graph, self.sources, Settings(**settings), grants)
        self.runs = 0

        def resolve(ctx, _key, asked):
            self.runs += 1
            return certificates.resolve(ctx, known, asked.referrer, asked.refs, FIELD)

        self.resolved = self.asked.map("resolved", resolve)
        self.clients = self.sources.gateways.map(
            "client certificates", lambda ctx, key, _: certificates.client(ctx, known, key)
        )
        self.validations = self.sources.gateways.flat_map("validations", self._validations)
        self.backends = self.sources.backend_tls_policies.map("backend trust", self._of_policy)
        self.given = secrets.build(
            self.graph,
            known,
            self.trust,
            listeners=self.listeners,
            chains=self.chains,
            clusters=self.clusters,
            cluster_use=self.cluster_use,
        )
        self.put(*items)

    def _validations(self, ctx, key, gateway):
        for port in (443, 8443):
            found = trust.client_validation(ctx, self.trust, gateway, port)
            yield (*key, port), found

    def _of_policy(self, ctx, key, policy):
        owner = ("BackendTLSPolicy", *key)
        return trust.bundle(ctx, self.trust, owner, policy.spec.validation)

    def put(self, *items):
        """Bring in manifests as text, and changes as they are."""
        changes = []
        for item in items:
            if isinstance(item, Change):
                changes.append(item)
                continue
            changes += [
                Change(self.sources.of(each.kind), each.key, each) for each in objects(item)
            ]
        self.graph.apply(changes)

    def remove(self, kind, name, namespace="default"):
        self.graph.apply([Change(self.sources.of(kind), (namespace, name), None)])

    def resolve(self, *refs, referrer=GATEWAY):
        asked = Asked(referrer, tuple(ref(each) for each in refs))
        self.put(Change(self.asked, "it", asked))
        return self.resolved.get("it")

    def validation(self, port=443, name="gate"):
        return self.validations.get(("default", name, port))


def ref(fields):
    return api.SecretObjectReference(**({"name": fields} if isinstance(fields, str) else fields))


def grant(kind="Gateway", to="Secret", name=None, namespace="other"):
    target = f"{{group: '', kind: {to}{f', name: {name}' if name else ''}}}"
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {{name: grant, namespace: {namespace}}}
spec:
  from: [{{group: gateway.networking.k8s.io, kind: {kind}, namespace: default}}]
  to: [{target}]
"""


def gateway(tls):
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: gate}}
spec:
  gatewayClassName: fairlead
  listeners: [{{name: https, port: 443, protocol: HTTPS}}]
  tls: {tls}
"""


def frontend(*refs, mode="AllowValidOnly", ports=""):
    listed = ", ".join(refs)
    checked = f"{{validation: {{mode: {mode}, caCertificateRefs: [{listed}]}}}}"
    return gateway(f"{{frontend: {{default: {checked}, perPort: [{ports}]}}}}")


def policy(validation):
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {{name: policy}}
spec:
  targetRefs: [{{group: '', kind: Service, name: any}}]
  validation: {{hostname: a.example.com, {validation}}}
"""


def bundle_of(name, text):
    lines = "".join(f"\n    {line}" for line in text.splitlines())
    return f"""
apiVersion: certificates.k8s.io/v1beta1
kind: ClusterTrustBundle
metadata: {{name: "{name}"}}
spec:
  trustBundle: |{lines}
"""


def reasons(found):
    return [finding.reason for finding in found.findings]


MAP = "{group: '', kind: ConfigMap, name: authorities}"
SERVICE = "{group: '', kind: Service, name: any}"
MISSING = "{group: '', kind: ConfigMap, name: missing}"
BUNDLE = "{group: certificates.k8s.io, kind: ClusterTrustBundle, name: 'example.com:ca'}"
ELSEWHERE = "{group: '', kind: ConfigMap, name: authorities, namespace: other}"


# Certificates


def test_a_secret_is_referred_to_by_its_name():
    found = References(tls_secret("a", FIRST)).resolve("a", {"name": "a", "namespace": "default"})
    assert found == certificates.Certificates(("certificate/default/a",), ())


def test_several_certificates_keep_the_order_of_their_references():
    found = References(tls_secret("a", FIRST), tls_secret("b", SECOND)).resolve("b", "a")
    assert found.names == ("certificate/default/b", "certificate/default/a")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "missing"}, "Secret default/missing does not exist; create it"),
        ({"name": "a", "group": "x.example.com"}, "Secret of group 'x.example.com' cannot hold"),
        ({"name": "a", "kind": "WrongKind"}, "WrongKind cannot hold a certificate; use a Secret"),
        ("opaque", "Secret default/opaque: is of type Opaque; create it with type kubernetes.io"),
        ("empty", "Secret default/empty: tls.crt is missing or empty; put the certificate there"),
        ("half", "Secret default/half: tls.key is missing or empty; put the certificate's private"),
        ("malformed", "Secret default/malformed: tls.crt holds no certificate in PEM"),
        ("mixed", "Secret default/mixed: tls.key does not belong to the first certificate"),
    ],
)
def test_a_bad_reference_is_named_with_what_to_do(given, words):
    world = References(
        tls_secret("a", FIRST),
        secret("opaque", {"tls.crt": FIRST.cert_pem, "tls.key": FIRST.key_pem}, kind="Opaque"),
        secret("empty", {}),
        secret("half", {"tls.crt": FIRST.cert_pem}),
        secret("malformed", {"tls.crt": "Hello world\n", "tls.key": "Hello world\n"}),
        secret("mixed", {"tls.crt": FIRST.cert_pem, "tls.key": SECOND.key_pem}),
    )
    found = world.resolve("a", given)
    assert found.names == ("certificate/default/a",)
    (finding,) = found.findings
    assert finding.reason == "InvalidCertificateRef"
    assert finding.field.startswith(f"{FIELD}[1].")
    assert finding.message.startswith(words)


def test_permission_comes_before_existence():
    away = {"name": "missing", "namespace": "other"}
    world = References(tls_secret("a", FIRST, namespace="other"))
    for each in (away, {"name": "a", "namespace": "other"}, {**away, "kind": "WrongKind"}):
        (finding,) = world.resolve(each).findings
        assert finding.reason == "RefNotPermitted"
        assert finding.field == f"{FIELD}[0].namespace"
        assert "create a ReferenceGrant in other from Gateway in default" in finding.message


@pytest.mark.parametrize("name", [None, "a"])
def test_a_grant_permits_and_its_end_forbids(name):
    away = {"name": "a", "namespace": "other"}
    world = References(tls_secret("a", FIRST, namespace="other"), grant(name=name))
    assert world.resolve(away).names == ("certificate/other/a",)
    world.remove("ReferenceGrant", "grant", "other")
    assert reasons(world.resolved.get("it")) == ["RefNotPermitted"]


@pytest.mark.parametrize(
    "useless",
    [
        grant(kind="HTTPRoute"),
        grant(to="Service"),
        grant(name="b"),
        grant(namespace="third"),
    ],
)
def test_a_grant_for_something_else_permits_nothing(useless):
    world = References(tls_secret("a", FIRST, namespace="other"), useless)
    assert reasons(world.resolve({"name": "a", "namespace": "other"})) == ["RefNotPermitted"]


def test_a_grant_is_for_the_kind_that_refers():
    away = {"name": "a", "namespace": "other"}
    world = References(tls_secret("a", FIRST, namespace="other"), grant(kind="ListenerSet"))
    assert reasons(world.resolve(away)) == ["RefNotPermitted"]
    listener_set = ("gateway.networking.k8s.io", "ListenerSet", "default")
    assert world.resolve(away, referrer=listener_set).names == ("certificate/other/a",)


def test_a_new_certificate_changes_the_secret_and_runs_no_referrer_again():
    world = References(tls_secret("a", FIRST))
    world.resolve("a")
    runs = world.runs
    world.put(tls_secret("a", SECOND))
    assert world.runs == runs
    assert world.given.secrets.get("certificate/default/a").chain == SECOND.cert_pem
    world.put(secret("a", {"tls.crt": "x"}))
    assert reasons(world.resolved.get("it")) == ["InvalidCertificateRef"]
    assert world.given.secrets.get("certificate/default/a") is None
    world.put(tls_secret("a", FIRST))
    assert world.resolved.get("it").names == ("certificate/default/a",)


def test_no_repr_shows_a_key():
    world = References(tls_secret("a", FIRST), secret("b", {"tls.key": FIRST.key_pem}))
    shown = repr(
        (
            dict(world.sources.secrets.items()),
            dict(world.given.secrets.items()),
            world.resolve("a", "b"),
        )
    )
    assert FIRST.key_pem.splitlines()[1] not in shown
    assert "[redacted]" in shown


# The certificate for backends


@pytest.mark.parametrize(
    ("written", "names", "reason"),
    [
        ("{name: a}", ("certificate/default/a",), []),
        ("{name: missing}", (), ["InvalidClientCertificateRef"]),
        ("{name: opaque}", (), ["InvalidClientCertificateRef"]),
        ("{name: a, group: x.example.com}", (), ["InvalidClientCertificateRef"]),
        ("{name: a, kind: WrongKind}", (), ["InvalidClientCertificateRef"]),
        ("{name: a, namespace: other}", (), ["RefNotPermitted"]),
    ],
)
def test_the_certificate_for_backends(written, names, reason):
    world = References(
        tls_secret("a", FIRST),
        secret("opaque", {}, kind="Opaque"),
        gateway(f"{{backend: {{clientCertificateRef: {written}}}}}"),
    )
    found = world.clients.get(("default", "gate"))
    assert (found.names, reasons(found)) == (names, reason)
    for finding in found.findings:
        assert finding.field.startswith("spec.tls.backend.clientCertificateRef.")


def test_a_gateway_without_a_certificate_for_backends():
    world = References(gateway("{}"))
    assert world.clients.get(("default", "gate")) == certificates.Certificates((), ())


# Validation of clients


def test_clients_are_not_asked_for_certificates_by_default():
    assert References(gateway("{}")).validation() == trust.Validation(None, ())


def test_the_default_holds_for_every_port_without_its_own():
    own = f"{{port: 8443, tls: {{validation: {{caCertificateRefs: [{BUNDLE}]}}}}}}"
    world = References(
        frontend(MAP, ports=own),
        ca_config_map("authorities", ROOT.cert_pem),
        bundle_of("example.com:ca", OTHER.cert_pem),
    )
    default, of_port = "trust/Gateway/default/gate", "trust/Gateway/default/gate/8443"
    assert world.validation(443) == trust.Validation(ClientValidation(default), ())
    assert world.validation(8443) == trust.Validation(ClientValidation(of_port), ())
    assert world.given.secrets.get(default).certificates == ROOT.cert_pem
    assert world.given.secrets.get(of_port).certificates == OTHER.cert_pem


def test_an_entry_of_a_port_without_validation_turns_it_off_there():
    world = References(
        frontend(MAP, ports="{port: 8443, tls: {}}"), ca_config_map("authorities", ROOT.cert_pem)
    )
    assert world.validation(443).validation is not None
    assert world.validation(8443) == trust.Validation(None, ())


def test_the_insecure_fallback_is_told():
    authorities = ca_config_map("authorities", ROOT.cert_pem)
    world = References(frontend(MAP, mode="AllowInsecureFallback"), authorities)
    assert world.validation().validation.insecure_fallback
    (found,) = objects(frontend(MAP, mode="AllowInsecureFallback"))
    assert trust.insecure_fallback(found)
    (found,) = objects(frontend(MAP))
    assert not trust.insecure_fallback(found)


@pytest.mark.parametrize(
    ("written", "reason", "words"),
    [
        (MISSING, "InvalidCACertificateRef", "ConfigMap default/missing does not exist"),
        (SERVICE, "InvalidCACertificateKind", "Service cannot hold certificate authorities"),
        (ELSEWHERE, "RefNotPermitted", "create a ReferenceGrant in other from Gateway in default"),
        (BUNDLE, "InvalidCACertificateRef", "ClusterTrustBundle example.com:ca does not exist"),
        (
            "{group: '', kind: ConfigMap, name: empty}",
            "InvalidCACertificateRef",
            "ConfigMap default/empty: ca.crt is missing or empty",
        ),
        (
            "{group: '', kind: Secret, name: broken}",
            "InvalidCACertificateRef",
            "Secret default/broken: ca.crt holds no certificate in PEM",
        ),
    ],
)
def test_a_bad_list_of_authorities_is_named_and_lets_nobody_in(written, reason, words):
    world = References(
        frontend(written),
        ca_config_map("empty"),
        ca_config_map("authorities", ROOT.cert_pem, namespace="other"),
        secret("broken", {"ca.crt": "hello"}, kind="Opaque"),
    )
    found = world.validation()
    assert found.validation is None
    (finding,) = found.findings
    assert finding.reason == reason
    assert finding.field.startswith("spec.tls.frontend.default.validation.caCertificateRefs[0].")
    assert words in finding.message


def test_a_list_that_is_partly_good_is_served_with_that_part():
    kept = "{group: '', kind: Secret, name: kept}"
    world = References(
        frontend(MISSING, MAP, kept, MAP),
        ca_config_map("authorities", ROOT.cert_pem),
        secret("kept", {"ca.crt": OTHER.cert_pem}, kind="Opaque"),
    )
    found = world.validation()
    assert found.validation == ClientValidation("trust/Gateway/default/gate")
    assert reasons(found) == ["InvalidCACertificateRef"]
    made = world.given.secrets.get("trust/Gateway/default/gate")
    assert made.certificates == ROOT.cert_pem + OTHER.cert_pem
    assert made.origin.field == "spec.tls.frontend.default.validation.caCertificateRefs"


def test_a_grant_permits_authorities_of_another_namespace():
    world = References(
        frontend(ELSEWHERE),
        ca_config_map("authorities", ROOT.cert_pem, namespace="other"),
        grant(to="ConfigMap", name="authorities"),
    )
    assert world.validation().validation is not None
    world.remove("ReferenceGrant", "grant", "other")
    assert reasons(world.validation()) == ["RefNotPermitted"]


def test_a_cluster_trust_bundle_is_followed_through_its_life():
    name = "trust/Gateway/default/gate"
    world = References(frontend(BUNDLE), bundle_of("example.com:ca", ROOT.cert_pem))
    assert world.given.secrets.get(name).certificates == ROOT.cert_pem
    world.put(bundle_of("example.com:ca", OTHER.cert_pem))
    assert world.given.secrets.get(name).certificates == OTHER.cert_pem
    world.remove("ClusterTrustBundle", "example.com:ca", "")
    assert reasons(world.validation()) == ["InvalidCACertificateRef"]
    assert world.given.secrets.get(name) is None
    world.put(bundle_of("example.com:ca", ROOT.cert_pem))
    assert world.validation().validation is not None


# Authorities of endpoints


@pytest.mark.parametrize(
    ("written", "name", "reason"),
    [
        (f"caCertificateRefs: [{MAP}]", "trust/BackendTLSPolicy/default/policy", []),
        (f"caCertificateRefs: [{BUNDLE}]", "trust/BackendTLSPolicy/default/policy", []),
        (f"caCertificateRefs: [{MISSING}]", "", ["InvalidCACertificateRef"]),
        (f"caCertificateRefs: [{SERVICE}]", "", ["InvalidKind"]),
        (
            f"caCertificateRefs: [{SERVICE}, {MAP}]",
            "trust/BackendTLSPolicy/default/policy",
            ["InvalidKind"],
        ),
        ("wellKnownCACertificates: System", SYSTEM_TRUST, []),
        ("caCertificateRefs: [], wellKnownCACertificates: System", SYSTEM_TRUST, []),
        ("wellKnownCACertificates: example.com/mine", "", ["Invalid"]),
        ("caCertificateRefs: []", "", ["Invalid"]),
    ],
)
def test_authorities_of_endpoints(written, name, reason):
    world = References(
        policy(written),
        ca_config_map("authorities", ROOT.cert_pem),
        bundle_of("example.com:ca", OTHER.cert_pem),
    )
    found = world.backends.get(("default", "policy"))
    assert (found.name, reasons(found)) == (name, reason)
    assert not name or world.given.secrets.get(name) is not None
    for finding in found.findings:
        assert finding.field.startswith("spec.validation.")


def test_a_machine_without_authorities_has_no_system_trust():
    world = References(policy("wellKnownCACertificates: System"), system_trust="")
    found = world.backends.get(("default", "policy"))
    assert not found.name
    assert found.findings == (
        Finding(
            "Invalid",
            "spec.validation.wellKnownCACertificates",
            "this machine has no list of certificate authorities; use caCertificateRefs",
        ),
    )


# What a proxy refuses all the same


@pytest.mark.parametrize("name", ["certificate/default/a", "trust/Gateway/default/gate"])
def test_a_secret_that_the_proxy_refused_is_told_by_its_listener(name):
    proxy = "gateway/default/gate"
    tls = "tls: {certificateRefs: [{name: a}]}"
    text = frontend(MAP).replace("protocol: HTTPS", f"protocol: HTTPS, {tls}")
    world = World(text, tls_secret("a", FIRST), ca_config_map("authorities", ROOT.cert_pem))
    refused = Rejection(type_url.SECRET, name, "", "no such curve")
    other = Rejection(type_url.SECRET, "certificate/default/b", "", "no such curve")
    world.apply(ProxyStatus(proxy, connected=True, listeners=("tls-443",), rejections=(other,)))
    assert world.listener("https")[1]["Programmed"].status == "True"
    world.apply(ProxyStatus(proxy, connected=True, listeners=("tls-443",), rejections=(refused,)))
    told = world.listener("https")[1]["Programmed"]
    assert (told.status, told.reason) == ("False", "Invalid")
    assert told.message == f"the proxy refused {name}: no such curve"


# Who is given what


def test_a_proxy_is_given_what_its_chains_and_clusters_name_and_nothing_else():
    world = References(tls_secret("a", FIRST), tls_secret("b", SECOND), tls_secret("c", SECOND))
    tls = DownstreamTls(("certificate/default/a",), ClientValidation("trust/Gateway/default/gate"))
    upstream = UpstreamTls("b.example.com", SYSTEM_TRUST, (("dns", "b"),), "certificate/default/b")
    bound = GatewayListener("one", "tls-443", ("127.0.0.1",), 443, 443, "", ())
    world.put(
        Change(world.listeners, ("one", "tls-443"), bound),
        Change(world.chains, ("one", "tls-443", "*"), HttpChain("*", (), tls)),
        Change(world.chains, ("one", "tls-443", "b"), TcpChain("b", (), ("b",))),
        Change(world.chains, ("two", "http-80", "http"), HttpChain("http")),
        Change(world.clusters, "tls", Cluster("tls", "default", "s", 443, tls=upstream)),
        Change(world.clusters, "unused", Cluster("unused", "default", "s", 444, tls=upstream)),
        Change(world.cluster_use, ("two", "tls"), ClusterUse("two", "tls")),
    )
    assert dict(world.given.secret_use.items()) == {
        key: SecretUse(*key)
        for key in (
            ("one", "certificate/default/a"),
            ("one", "trust/Gateway/default/gate"),
            ("two", SYSTEM_TRUST),
            ("two", "certificate/default/b"),
        )
    }
    world.put(Change(world.cluster_use, ("two", "tls"), None))
    assert ("two", SYSTEM_TRUST) not in world.given.secret_use
    world.put(Change(world.listeners, ("one", "tls-443"), None))
    assert not dict(world.given.secret_use.items()), "of a listener that is not bound"


def test_what_could_be_given_is_there_by_name():
    world = References(tls_secret("a", FIRST))
    found = world.given.secrets.get("certificate/default/a")
    assert isinstance(found, Certificate)
    assert (found.chain, found.key.pem) == FIRST.pair
    assert found.origin == Origin("Secret", "default", "a")
    assert world.given.secrets.get(SYSTEM_TRUST) == TrustBundle(SYSTEM_TRUST, "")
