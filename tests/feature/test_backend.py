"""XBackend: pods by label and hosts by name, in clear text and by TLS; retry budgets of backends.

The one host that every machine can find without a network is ``localhost``.
"""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from feature.harness import Instance
from feature.route_scene import GATEWAY, documents, pod, route, send, service, service_parent, sides
from feature.scene import deployment
from support.certificates import CA, ca_config_map, tls_secret

AUTHORITY, CLIENTS = CA("backends"), CA("clients")
ME = CLIENTS.issue(client=True, name="gateway")
NAME = "backend.example.com"
FAILED = {500, 502, 503}
TRUSTED = f"hostname: {NAME}, caCertificateRefs: [{{group: '', kind: ConfigMap, name: authority}}]"
SELECTED = "type: EndpointSelector, endpointSelector: {matchLabels: {app: APP}}"
RETRIES = 20
"""Times that a route of the retry budget tries again."""


def backend(name, spec):
    """An XBackend."""
    return (
        "apiVersion: gateway.networking.x-k8s.io/v1alpha1\nkind: XBackend\n"
        f"metadata: {{name: {name}}}\nspec: {{{spec}}}\n"
    )


def host(port, more=""):
    """The spec of a host."""
    hostname = "externalHostname: {hostname: localhost}"
    return f"type: ExternalHostname, {hostname}, port: {{number: {port}}}{more}"


def to(name):
    """The YAML of a rule that forwards to an XBackend."""
    ref = f"{{group: gateway.networking.x-k8s.io, kind: XBackend, name: {name}}}"
    return f"- {{backendRefs: [{ref}]}}"


def backends(ports):
    """Name to spec of the XBackends."""

    def secure(port, trusted=TRUSTED):
        return host(ports[port], f", tls: {{mode: ServerOnly, validation: {{{trusted}}}}}")

    return {
        "pods": f"{SELECTED.replace('APP', 'web')}, port: {{number: 5678}}",
        "nobody": f"{SELECTED.replace('APP', 'none')}, port: {{number: 5678}}",
        "clear": host(ports["clear"]),
        "secure": secure("secure"),
        "imposter": secure("secure", TRUSTED.replace(NAME, "other.example.com")),
        "downgraded": secure("clear"),
        "mutual": host(
            ports["mutual"],
            ", tls: {mode: ClientAndServer, clientCertificateRef: {name: me}, "
            f"validation: {{{TRUSTED}}}}}",
        ),
        "shy": secure("mutual"),
        "distrusted": secure("secure", TRUSTED.replace("name: authority", "name: nonexistent")),
    }


SERVED = {"pods": "web", "clear": "clear", "secure": "secure", "mutual": "mutual"}
"""XBackends that answer, and with what name."""
BUDGET = """
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {name: budget}
spec:
  targetRefs: [{group: "", kind: Service, name: limited}]
  retryConstraint: {budget: {percent: 0}, minRetryRate: {count: 1, interval: 1s}}
"""
RETRIED = f"""\
- matches: [{{path: {{value: /}}}}]
  retry: {{codes: [503], attempts: {RETRIES}, backoff: 10ms}}
  backendRefs: [{{name: NAME, port: 80}}]
"""


@pytest.fixture(scope="module")
def run(echo, tmp_path_factory):
    """An instance with a route from a Gateway and from a Service to each XBackend."""
    issued = AUTHORITY.issue(dns=[NAME])
    ports = {
        "clear": echo.port("clear"),
        "secure": echo.tls("secure", issued),
        "mutual": echo.tls("mutual", issued, CLIENTS.cert_pem),
    }
    made = backends(ports)
    routes = [
        route(
            name,
            to(name),
            parents=f"{{name: gateway}}, {service_parent(name)}",
            hostnames=f"{name}.example",
        )
        for name in made
    ]
    for name in ("limited", "unlimited"):
        rules = RETRIED.replace("NAME", name)
        hostname = f"{name}.example"
        routes.append(route(name, rules, parents="{name: gateway}", hostnames=hostname))
    instance = Instance(
        tmp_path_factory.mktemp("backend"),
        {
            "gateway.yaml": GATEWAY,
            "pods.yaml": documents(deployment("web").strip().removesuffix("---"), pod()),
            "backends.yaml": documents(*(backend(*item) for item in made.items())),
            "services.yaml": documents(
                *(service(name, None) for name in made),
                *(service(name, echo.port("retried")) for name in ("limited", "unlimited")),
            ),
            "routes.yaml": documents(*routes),
            "authority.yaml": ca_config_map("authority", AUTHORITY.cert_pem),
            "me.yaml": tls_secret("me", ME),
            "budget.yaml": BUDGET,
        },
    )
    try:
        instance.start()
        instance.until_pods()
        yield instance
    finally:
        instance.stop()


def ask(run, side, name, **options):
    """Send a request to a backend's route."""
    if side == "gateway":
        address, port = run.url("gateway").removeprefix("http://").split(":")
        return send((address, int(port)), "/", f"{name}.example", **options)
    return send(run.outbound("client"), f"http://{name}/", name, **options)


def accepted(run, kind, name, ancestor="gateway"):
    """Status, reason and message of Accepted for one ancestor."""
    entries = run.one(kind, name)["status"]["ancestors"]
    (found,) = [entry for entry in entries if entry["ancestorRef"]["name"] == ancestor]
    (condition,) = found["conditions"]
    return condition["status"], condition["reason"], condition["message"]


@sides
@pytest.mark.parametrize("name", SERVED)
def test_backends_answer(run, side, name):
    answer = ask(run, side, name)
    assert answer.status == 200
    assert (answer.backend or answer.text.strip()) == SERVED[name]


@sides
@pytest.mark.parametrize("name", ["nobody", "imposter", "downgraded", "shy", "distrusted"])
def test_nothing_gets_through_where_it_must_not(run, side, name):
    assert {ask(run, side, name).status for _ in range(3)} <= FAILED


@sides
def test_the_server_name_and_the_certificate_are_those_of_the_backend(run, side):
    assert ask(run, side, "secure").said["tls"]["server_name"] == NAME
    assert ask(run, side, "secure").said["tls"]["client"] is None
    assert ask(run, side, "mutual").said["tls"]["client"] == ME.serial


def test_owners_are_told(run):
    assert accepted(run, "xbackends", "secure")[:2] == ("True", "Accepted")
    status, reason, message = accepted(run, "xbackends", "distrusted")
    assert (status, reason) == ("False", "InvalidCACertificateRef")
    assert "ConfigMap default/nonexistent does not exist" in message
    assert "clear text" in accepted(run, "xbackends", "clear")[2]
    assert accepted(run, "xbackends", "secure", ancestor="secure")[0] == "True", "of the mesh"


def test_pods_come_and_go(run):
    def behind():
        return {ask(run, "gateway", "pods").text.strip() for _ in range(8)}

    run.write("more.yaml", deployment("more").replace("app: more", "app: web"))
    run.until("both pods answer", lambda: behind() == {"web", "more"})
    run.remove("more.yaml")
    run.until("one pod answers", lambda: behind() == {"web"})


def test_a_budget_stops_retries(run, echo):
    """Of requests that all fail at a time, hardly one is tried again; without a budget all are."""

    def attempts(name):
        start = threading.Barrier(10)

        def one(number):
            key = f"{name}-{number}-{time.monotonic_ns()}"
            start.wait()
            headers = {"x-echo-id": key, "x-echo-answers": "503"}
            assert ask(run, "gateway", name, headers=headers).status == 503
            return echo.attempts[key]

        with ThreadPoolExecutor(10) as threads:
            return sum(threads.map(one, range(10)))

    assert attempts("unlimited") == 10 * (1 + RETRIES)
    assert attempts("limited") < 10 * (1 + RETRIES) / 2
    assert accepted(run, "xbackendtrafficpolicies", "budget")[:2] == ("True", "Accepted")
