"""Bad objects, each in a file of its own, and the good ones among which they stand.

`http_route.txt` starts with the head of a route whose rule for /good is fine; each case is one
more rule, most of them for /bad. `objects.txt` holds whole objects of every kind.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from feature.route_scene import documents, forward, pod, route, service
from support.certificates import CA, Issued, ca_config_map, secret, tls_secret

FOLDER = Path(__file__).parent
TITLE = "### "
FIXED = "  - matches: [{path: {value: /bad}}]\n    backendRefs: [{name: s0, port: 80}]\n"
SERVICES, ROUTES, CALLS, SETS, LIMITS = 100, 230, 40, 20, 10
FAR_TOO_MANY = 2000


@dataclass(frozen=True)
class Case:
    """One bad object."""

    title: str
    text: str
    head: str = ""
    """Of a route, which is fine with a `FIXED` rule."""

    @property
    def file(self) -> str:
        return f"bad/{self.title}.yaml"

    @property
    def host(self) -> str:
        return f"{self.title}.bad.example"


def cases() -> Iterator[Case]:
    for name in ("http_route.txt", "objects.txt"):
        head, *parts = (FOLDER / name).read_text().split(TITLE)
        for part in parts:
            title, _, text = part.partition("\n")
            own = head.replace("NAME", title)
            yield Case(title, _filled(own + text), own)


def _filled(text: str) -> str:
    """With what would be too long to read."""
    matches = ", ".join(f"{{path: {{value: /bad{number}}}}}" for number in range(FAR_TOO_MANY))
    text = text.replace("MEGABYTE", "x" * 1_000_000).replace("KILOBYTE", "x" * 1000)
    return text.replace("MATCHES", matches).replace("DEEP", "[" * FAR_TOO_MANY)


# The good ones

AUTHORITY = CA("good")
FINE = AUTHORITY.issue(["*.tls.example"])
OTHER = AUTHORITY.issue(["other.example"])

GATEWAYS = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gateway}
spec:
  gatewayClassName: fairlead
  allowedListeners: {namespaces: {from: Same}}
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: fine}]}}
  - {name: tcp, port: 90, protocol: TCP}
  - {name: udp, port: 91, protocol: UDP}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: closed}
spec:
  gatewayClassName: fairlead
  listeners: [{name: http, port: 80, protocol: HTTP}]
"""


def good(port: int, grpc_port: int) -> dict[str, str]:
    """Manifests that have nothing wrong with them, with their backends on these ports."""
    services = [service(f"s{number}", port) for number in range(SERVICES)]
    services += [service("calls", grpc_port, app_protocol="kubernetes.io/h2c")]
    return {
        "gateways.yaml": GATEWAYS,
        "services.yaml": documents(*services),
        "routes.yaml": documents(*map(_route, range(ROUTES))),
        "calls.yaml": documents(*map(_calls, range(CALLS))),
        "sets.yaml": documents(*map(_listener_set, range(SETS))),
        "limits.yaml": documents(*map(_limit, range(LIMITS))),
        "certificate.yaml": tls_secret("fine", FINE),
        "client.yaml": pod(),
    }


def _route(number: int) -> str:
    host, name = f"h{number}.good.example", f"s{number % SERVICES}"
    parents = "{name: gateway}"
    if number < SETS:
        parents += f", {{kind: ListenerSet, name: set-{number}}}"
        host += f", set{number}.good.example"
    rule = forward(name)
    if number < LIMITS:
        limit = f"{{group: fairlead.dev, kind: LocalRateLimit, name: limit-{number}}}"
        rule += f"\n  filters: [{{type: ExtensionRef, extensionRef: {limit}}}]"
    return route(f"good-{number}", rule, parents=parents, hostnames=host)


def _calls(number: int) -> str:
    return f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {{name: calls-{number}}}
spec:
  parentRefs: [{{name: gateway}}]
  hostnames: [g{number}.good.example]
  rules: [{{backendRefs: [{{name: calls, port: 80}}]}}]
"""


def _listener_set(number: int) -> str:
    return f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {{name: set-{number}}}
spec:
  parentRef: {{name: gateway}}
  listeners: [{{name: http, port: 80, protocol: HTTP, hostname: set{number}.good.example}}]
"""


def _limit(number: int) -> str:
    return f"""\
apiVersion: fairlead.dev/v1alpha1
kind: LocalRateLimit
metadata: {{name: limit-{number}}}
spec: {{requests: 1000, per: 1s}}
"""


def helpers(port: int) -> dict[str, str]:
    """What bad objects point at: it is their only fault, or none."""
    broken = "Hello world\n"
    return {
        "unencrypted.yaml": documents(
            *(service(name, port) for name in ("unencrypted", "unencrypted-2", "unencrypted-3"))
        ),
        "elsewhere.yaml": documents(
            service("secret", port, namespace="elsewhere"),
            tls_secret("theirs", FINE, namespace="elsewhere"),
        ),
        "broken.yaml": documents(
            secret("broken", {"tls.crt": broken, "tls.key": broken}),
            secret("empty", {"tls.crt": "", "tls.key": ""}),
            tls_secret("foreign", Issued(FINE.cert_pem, OTHER.key_pem)),
            ca_config_map("broken", broken),
        ),
        "misspelt.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata: {name: misspelt}
data: {htpp3: enabled}
""",
        "external.yaml": """\
apiVersion: v1
kind: Service
metadata: {name: round-and-round}
spec:
  type: ExternalName
  externalName: round-and-round.default.svc.cluster.local
  ports: [{port: 80}]
""",
    }
