"""BackendTLSPolicy: real TLS backends behind a Gateway and behind the mesh."""

from dataclasses import dataclass

import pytest

from feature.harness import Instance
from feature.route_scene import GATEWAY, documents, pod, route, send, service, service_parent, sides
from support.certificates import CA, ca_config_map

AUTHORITY, STRANGER = CA("authority"), CA("stranger")
NAME, URI = "abc.example.com", "spiffe://abc.example.com/test-identity"
FAILED = {500, 502, 503}
ACCEPTED = {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("True", "ResolvedRefs")}

TRUSTED = "caCertificateRefs: [{group: '', kind: ConfigMap, name: authority}]"
DISTRUSTED = "caCertificateRefs: [{group: '', kind: ConfigMap, name: stranger}]"
SYSTEM = "wellKnownCACertificates: System"


def invalid(reason):
    """The conditions of a policy without any authority."""
    return {"Accepted": ("False", "NoValidCACertificate"), "ResolvedRefs": ("False", reason)}


def names(*entries):
    """The YAML of subjectAltNames."""
    return f"subjectAltNames: [{', '.join(entries)}]"


def dns(name):
    return f"{{type: Hostname, hostname: '{name}'}}"


def uri(name):
    return f"{{type: URI, uri: '{name}'}}"


@dataclass(frozen=True)
class Case:
    """A Service with a policy, and what comes of it."""

    name: str
    validation: str
    """YAML of spec.validation without `hostname`."""
    hostname: str = NAME
    served: bool = True
    told: tuple = tuple(ACCEPTED.items())
    app_protocol: str = ""
    backend: str = "tls"


CASES = (
    Case("valid", TRUSTED),
    Case("other-name", TRUSTED, "other.example.com", served=False),
    Case("other-authority", DISTRUSTED, served=False),
    Case("not-of-the-system", SYSTEM, served=False),
    Case("san-dns", f"{TRUSTED}, {names(dns(NAME))}"),
    Case("san-wildcard", f"{TRUSTED}, {names(dns('*.example.com'))}"),
    Case("san-dns-mismatch", f"{TRUSTED}, {names(dns('x.example.com'))}", served=False),
    Case("san-uri", f"{TRUSTED}, {names(uri(URI))}", "other.example.com"),
    Case("san-uri-mismatch", f"{TRUSTED}, {names(uri(URI + 'x'))}", served=False),
    Case("san-several", f"{TRUSTED}, {names(dns('x.example.com'), uri(URI))}"),
    Case("san-several-mismatch", f"{TRUSTED}, {names(dns('x.y'), uri('a://b'))}", served=False),
    Case("https", TRUSTED, app_protocol="https"),
    Case("wss", TRUSTED, app_protocol="kubernetes.io/wss"),
    Case(
        "no-authority",
        "caCertificateRefs: [{group: '', kind: ConfigMap, name: nonexistent}]",
        served=False,
        told=tuple(invalid("InvalidCACertificateRef").items()),
        backend="plain",
    ),
    Case(
        "malformed-authority",
        "caCertificateRefs: [{group: '', kind: ConfigMap, name: malformed}]",
        served=False,
        told=tuple(invalid("InvalidCACertificateRef").items()),
        backend="plain",
    ),
    Case(
        "kind-of-authority",
        "caCertificateRefs: [{group: example.com, kind: Vault, name: authority}]",
        served=False,
        told=tuple(invalid("InvalidKind").items()),
        backend="plain",
    ),
)


def policy(name, target, validation, *, hostname=NAME, section="", created=""):
    """A BackendTLSPolicy for a Service of the namespace default."""
    at = f", sectionName: {section}" if section else ""
    age = f', creationTimestamp: "{created}"' if created else ""
    return (
        "apiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\n"
        f"metadata: {{name: {name}{age}}}\nspec:\n"
        f"  targetRefs: [{{group: '', kind: Service, name: {target}{at}}}]\n"
        f"  validation: {{hostname: {hostname}, {validation}}}\n"
    )


CONFLICTS = (
    policy("first", "twice", TRUSTED, created="2026-01-01T00:00:00Z"),
    policy("second", "twice", DISTRUSTED, created="2026-01-02T00:00:00Z"),
    policy("a-whole", "by-port", DISTRUSTED, created="2026-01-01T00:00:00Z"),
    policy("z-port", "by-port", TRUSTED, section="p80", created="2026-01-02T00:00:00Z"),
)
SERVICES = (*(case.name for case in CASES), "twice", "by-port", "live")


def rule(path, backend, port):
    """The YAML of a rule for a path."""
    match = f"matches: [{{path: {{value: /{path}}}}}]"
    return f"- {{{match}, backendRefs: [{{name: {backend}, port: {port}}}]}}"


@pytest.fixture(scope="module")
def run(echo, tmp_path_factory):
    """An instance with a Service, a policy and a rule for each case."""
    issued = AUTHORITY.issue(dns=[NAME], uris=[URI])
    ports = {"tls": echo.tls("tls", issued), "plain": echo.port("plain")}
    services = [
        service(case.name, ports[case.backend], app_protocol=case.app_protocol) for case in CASES
    ]
    services += [service("twice", ports["tls"]), service("by-port", ports["tls"], ports=(80, 81))]
    services.append(service("live", ports["tls"]))
    routes = [
        route(f"to-{name}", rule(name, name, 80), parents="{name: gateway}") for name in SERVICES
    ]
    routes.append(route("to-81", rule("81", "by-port", 81), parents="{name: gateway}"))
    policies = [
        policy(case.name, case.name, case.validation, hostname=case.hostname) for case in CASES
    ]
    malformed = ca_config_map("malformed", "this is no certificate")
    instance = Instance(
        tmp_path_factory.mktemp("backend-tls"),
        {
            "gateway.yaml": GATEWAY,
            "client.yaml": pod(),
            "services.yaml": documents(*services),
            "routes.yaml": documents(*routes),
            "policies.yaml": documents(*policies, *CONFLICTS, policy("live", "live", TRUSTED_LIVE)),
            "authority.yaml": ca_config_map("authority", AUTHORITY.cert_pem),
            "stranger.yaml": documents(ca_config_map("stranger", STRANGER.cert_pem), malformed),
        },
    )
    try:
        instance.start()
        instance.until_pods()
        problems = [item["problem"] for item in instance.get("problems")]
        assert not [problem for problem in problems if problem["severity"] == "error"]
        yield instance
    finally:
        instance.stop()


EMPTY = "{apiVersion: v1, kind: ConfigMap, metadata: {name: live}, data: {}}"
TRUSTED_LIVE = "caCertificateRefs: [{group: '', kind: ConfigMap, name: live}]"


def ask(run, side, path):
    """Send a request to the Service that the first part of `path` names."""
    if side == "gateway":
        parts = run.url("gateway").removeprefix("http://").split(":")
        return send((parts[0], int(parts[1])), path, NAME)
    name = path.split("/")[1]
    host = "by-port:81" if name == "81" else name
    return send(run.outbound("client"), f"http://{host}{path}", host)


def told(run, name, ancestor="gateway"):
    """Type to (status, reason) of what a policy's owner is told for one ancestor."""
    entries = run.one("backendtlspolicies", name)["status"]["ancestors"]
    found = [entry for entry in entries if entry["ancestorRef"]["name"] == ancestor]
    assert found, entries
    assert found[0]["controllerName"] == "fairlead.dev/gateway-controller"
    return {each["type"]: (each["status"], each["reason"]) for each in found[0]["conditions"]}


@sides
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_only_the_right_backend_is_spoken_to(run, side, case):
    answers = [ask(run, side, f"/{case.name}") for _ in range(3)]
    if not case.served:
        assert {answer.status for answer in answers} <= FAILED
        return
    assert {answer.status for answer in answers} == {200}
    shaken = answers[0].said["tls"]
    assert shaken["server_name"] == case.hostname
    assert shaken["protocol"] == "http/1.1"
    assert shaken["version"] in {"TLSv1.2", "TLSv1.3"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_owner_is_told_for_each_ancestor(run, case):
    expected = dict(case.told)
    assert told(run, case.name) == expected
    assert told(run, case.name, ancestor=case.name) == expected, "of the mesh: the Service itself"


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("first", ("True", "Accepted")),
        ("second", ("False", "Conflicted")),
        ("a-whole", ("True", "Accepted")),
        ("z-port", ("True", "Accepted")),
    ],
)
def test_of_two_policies_the_older_counts_and_one_for_the_port_first(run, name, accepted):
    assert told(run, name)["Accepted"] == accepted


@sides
def test_the_policy_that_counts_is_the_one_applied(run, side):
    assert ask(run, side, "/twice").status == 200
    assert ask(run, side, "/by-port").status == 200, "the policy of its port trusts the authority"
    assert ask(run, side, "/81").status in FAILED, "the policy of the Service trusts another one"


def test_authorities_come_and_go(run):
    """A ConfigMap is created, emptied and restored: nothing gets through while it is not whole."""
    assert told(run, "live") == invalid("InvalidCACertificateRef")
    assert ask(run, "gateway", "/live").status in FAILED

    def served():
        return ask(run, "gateway", "/live").status == 200

    for _ in range(2):
        run.write("live.yaml", ca_config_map("live", AUTHORITY.cert_pem))
        run.until("served with the authority", served)
        assert told(run, "live") == ACCEPTED
        run.write(
            "live.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: live}, data: {}}"
        )
        run.until("refused without the authority", lambda: not served())
        run.until_ready()
        assert {ask(run, "gateway", "/live").status for _ in range(5)} <= FAILED
        assert told(run, "live") == invalid("InvalidCACertificateRef")


def test_another_authority_takes_the_place_of_the_first(run):
    run.write("live.yaml", ca_config_map("live", AUTHORITY.cert_pem))
    run.until("served", lambda: ask(run, "gateway", "/live").status == 200)
    run.write("live.yaml", ca_config_map("live", STRANGER.cert_pem))
    run.until("refused", lambda: ask(run, "gateway", "/live").status in FAILED)
    assert told(run, "live") == ACCEPTED


def test_routes_of_services_send_by_tls_as_well(run):
    rules = "- backendRefs: [{name: valid, port: 80}]"
    run.write("inner.yaml", route("inner", rules, parents=service_parent("live")))
    run.until("its rule serves", lambda: ask(run, "mesh", "/live").status == 200)
    assert ask(run, "mesh", "/live").said["tls"]["server_name"] == NAME
