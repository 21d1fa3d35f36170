"""What a tenant may try against another one, as manifests of the namespace `evil`."""

from feature.route_scene import documents
from feature.tenants import (
    ADDRESS,
    BYSTANDER,
    CORE_GROUP,
    EDGE,
    EVIL,
    EXPERIMENTAL,
    VICTIM,
    Attack,
    Said,
    grant,
    http_listener,
    route,
    thing,
    to,
)


def _detour(kind: str, section: str, reason: str, words: str, host: str = "") -> Attack:
    """A route of a kind on a listener that isn't for it, or not for this namespace."""
    name = f"detour-{kind.lower()}-{section}"
    hosts = host or ("shop.example" if section == "shop" else "x.web.example")
    hosts = "" if kind in {"TCPRoute", "UDPRoute"} else hosts
    text = route(kind, name, f"{EDGE}, sectionName: {section}}}", hosts)
    safe = ("shop.example/", "shop.web.example/")
    plural = f"{kind.lower()}s"
    said = ("False", reason, words)
    return Attack(f"{kind} on listener {section}", text, plural, name, "Accepted", said, safe)


def _grab(what: str, hosts: str, reference: str = "") -> Attack:
    """An HTTPRoute for the host of a listener whose namespaces the attacker is not among."""
    name = "grab-" + what.replace(" ", "-")
    text = route("HTTPRoute", name, f"{EDGE}{reference or ', sectionName: shop'}}}", hosts)
    said = ("False", "NotAllowedByListeners", "shop")
    safe = ("shop.example/", "shop.example/any")
    return Attack(f"a host by {what}", text, "httproutes", name, "Accepted", said, safe)


def _foreign(what: str, rule: str, words: str = "ReferenceGrant") -> Attack:
    """An HTTPRoute of the attacker's own host that reaches for the victim's objects."""
    name = "foreign-" + what.replace(" ", "-").lower()
    host = f"{name}.reach.example"
    text = route("HTTPRoute", name, f"{EDGE}, sectionName: reach}}", host, rule)
    said = ("False", "RefNotPermitted", words)
    closed = (f"{host}/",)
    return Attack(what, text, "httproutes", name, "ResolvedRefs", said, (), closed)


def _set(
    name: str, listener: str, condition: str, said: Said, host: str, *, of: str = "edge"
) -> Attack:
    """A ListenerSet that claims a listener, with a route on it."""
    parent = f"{{name: {of}, namespace: infra}}"
    spec = f"{{parentRef: {parent}, listeners: [{listener}]}}"
    own = f"{{kind: ListenerSet, group: gateway.networking.k8s.io, name: {name}}}"
    text = documents(thing("ListenerSet", name, spec), route("HTTPRoute", f"on-{name}", own, host))
    return Attack(
        f"ListenerSet {name}", text, "listenersets", name, condition, said, ("shop.example/",)
    )


_AT_VICTIM = f", namespace: {VICTIM}"

ATTACKS = (
    # hosts of others
    _grab("its name", "shop.example"),
    _grab("port", "shop.example", ", port: 80, sectionName: shop"),
    _grab("no name", ""),
    _grab("wildcard", '"*.example"'),
    _grab("several names", "x.open.example, shop.example"),
    Attack(
        "a host by a younger route",
        route("HTTPRoute", "a-younger", f"{EDGE}, sectionName: open}}", "shop.open.example"),
        "httproutes",
        "a-younger",
        "Accepted",
        ("True", "Accepted", ""),
        ("shop.open.example/",),
    ),
    Attack(
        "a host by a wildcard beside it",
        route("HTTPRoute", "a-wildcard", f"{EDGE}, sectionName: open}}", '"*.open.example"'),
        "httproutes",
        "a-wildcard",
        "Accepted",
        ("True", "Accepted", ""),
        ("shop.open.example/", "shop.open.example/x"),
    ),
    Attack(
        "a host that the listener does not have",
        route("HTTPRoute", "outside", f"{EDGE}, sectionName: open}}", "shop.example"),
        "httproutes",
        "outside",
        "Accepted",
        ("False", "NoMatchingListenerHostname", "open"),
        ("shop.example/",),
    ),
    Attack(
        "a listener for its own namespace",
        route("HTTPRoute", "not-own", f"{EDGE}, sectionName: own}}", "own.example"),
        "httproutes",
        "not-own",
        "Accepted",
        ("False", "NotAllowedByListeners", "own"),
        (),
        ("own.example/",),
    ),
    # other kinds of routes
    _detour("GRPCRoute", "shop", "NotAllowedByListeners", "shop"),
    _detour("GRPCRoute", "web", "NotAllowedByListeners", "web"),
    _detour("TLSRoute", "shop", "NotAllowedByListeners", "shop"),
    _detour("TLSRoute", "web", "NotAllowedByListeners", "web"),
    _detour("TCPRoute", "shop", "NotAllowedByListeners", "shop"),
    _detour("TCPRoute", "web", "NotAllowedByListeners", "web"),
    _detour("UDPRoute", "web", "NotAllowedByListeners", "web"),
    _detour("UDPRoute", "tcp", "NotAllowedByListeners", "tcp"),
    # references without a grant, or past it
    _foreign("a backend of another namespace", f"{{backendRefs: [{to(more=_AT_VICTIM)}]}}"),
    _foreign(
        "an auth service of another namespace",
        "{filters: [{type: ExternalAuth, externalAuth: {protocol: HTTP, http: {}, backendRef: "
        f"{to(more=_AT_VICTIM)}}}}}], backendRefs: [{to()}]}}",
    ),
    _foreign(
        "a backend whose grant is for another kind",
        f"{{backendRefs: [{{name: for-grpc, port: 80{_AT_VICTIM}}}]}}",
    ),
    _foreign(
        "a backend whose grant is for another namespace",
        f"{{backendRefs: [{{name: for-bystander, port: 80{_AT_VICTIM}}}]}}",
    ),
    _foreign(
        "a backend whose grant is for another name",
        f"{{backendRefs: [{{name: not-granted, port: 80{_AT_VICTIM}}}]}}",
    ),
    _foreign(
        "a backend that the attacker grants",
        f"{{backendRefs: [{{name: self-granted, port: 80{_AT_VICTIM}}}]}}",
    ),
    _foreign(
        "an XBackend of another namespace",
        "{backendRefs: [{group: gateway.networking.x-k8s.io, kind: XBackend,"
        f" name: out{_AT_VICTIM}}}]}}",
    ),
    Attack(
        "a copy of requests to another namespace",
        route(
            "HTTPRoute",
            "copies",
            f"{EDGE}, sectionName: reach}}",
            "copies.reach.example",
            "{filters: [{type: RequestMirror, requestMirror: {backendRef: "
            f"{to(more=_AT_VICTIM)}}}}}], backendRefs: [{to()}]}}",
        ),
        "httproutes",
        "copies",
        "ResolvedRefs",
        ("False", "RefNotPermitted", "ReferenceGrant"),
    ),
    Attack(
        "calls to another namespace",
        route(
            "GRPCRoute",
            "calls",
            f"{EDGE}, sectionName: reach}}",
            "calls.reach.example",
            f"{{backendRefs: [{to(more=_AT_VICTIM)}]}}",
        ),
        "grpcroutes",
        "calls",
        "ResolvedRefs",
        ("False", "RefNotPermitted", "ReferenceGrant"),
        (),
        ("calls.reach.example/",),
    ),
    Attack(
        "connections to another namespace",
        route(
            "TCPRoute",
            "connections",
            f"{EDGE}, sectionName: tcp}}",
            rules=f"{{backendRefs: [{to(more=_AT_VICTIM)}]}}",
        ),
        "tcproutes",
        "connections",
        "ResolvedRefs",
        ("False", "RefNotPermitted", "ReferenceGrant"),
    ),
    Attack(
        "a limit of another namespace",
        route(
            "HTTPRoute",
            "limited",
            f"{EDGE}, sectionName: reach}}",
            "limited.reach.example",
            "{filters: [{type: ExtensionRef, extensionRef:"
            " {group: fairlead.dev, kind: LocalRateLimit, name: theirs}}],"
            f" backendRefs: [{to()}]}}",
        ),
        "httproutes",
        "limited",
        "ResolvedRefs",
        ("False", "", "theirs"),
        (),
        ("limited.reach.example/",),
    ),
    # listeners of others
    _set(
        "same-host",
        http_listener("a", "shop.example"),
        "Conflicted",
        ("True", "HostnameConflict", "same hostname"),
        "shop.example",
    ),
    _set(
        "same-port",
        "{name: a, port: 80, protocol: TCP}",
        "Conflicted",
        ("True", "ProtocolConflict", "80"),
        "shop.example",
    ),
    _set(
        "not-asked",
        http_listener("a", "shop.example"),
        "Accepted",
        ("False", "NotAllowed", "closed"),
        "shop.example",
        of="closed",
    ),
    _set(
        "with-their-key",
        "{name: a, port: 443, protocol: HTTPS, hostname: shop.example, tls: {certificateRefs:"
        f" [{{name: key{_AT_VICTIM}}}]}}}}",
        "ResolvedRefs",
        ("False", "RefNotPermitted", "ReferenceGrant"),
        "shop.example",
    ),
    _set(
        "all-names",
        http_listener("a", "*.example"),
        "Accepted",
        ("True", "Accepted", ""),
        '"*.example"',
    ),
    Attack(
        "a Gateway with their certificate",
        thing(
            "Gateway",
            "thief",
            "{gatewayClassName: fairlead, listeners: [{name: a, port: 443, protocol: HTTPS,"
            f" tls: {{certificateRefs: [{{name: key{_AT_VICTIM}}}]}}}}]}}",
        ),
        "gateways",
        "thief",
        "ResolvedRefs",
        ("False", "RefNotPermitted", "ReferenceGrant"),
    ),
    Attack(
        "a Gateway on their address",
        thing(
            "Gateway",
            "squatter",
            f"{{gatewayClassName: fairlead, addresses: [{ADDRESS}],"
            f" listeners: [{http_listener('a', 'shop.example')}]}}",
        ),
        "gateways",
        "squatter",
        "Programmed",
        ("False", "", ""),
        ("shop.example/",),
    ),
    Attack(
        "a Gateway with their client certificate",
        thing(
            "Gateway",
            "impostor",
            "{gatewayClassName: fairlead, tls: {backend: {clientCertificateRef:"
            f" {{name: key{_AT_VICTIM}}}}}}}, listeners: [{http_listener('a')}]}}",
        ),
        "gateways",
        "impostor",
        "ResolvedRefs",
        ("False", "RefNotPermitted", "ReferenceGrant"),
    ),
    # policies
    Attack(
        "a BackendTLSPolicy",
        thing(
            "BackendTLSPolicy",
            "tls",
            f"{{targetRefs: [{{{CORE_GROUP}, kind: Service, name: shop}}],"
            " validation: {hostname: evil.example, wellKnownCACertificates: System}}",
        ),
        "backendtlspolicies",
        "tls",
        "Accepted",
        ("False", "TargetNotFound", "shop"),
        ("shop.example/",),
    ),
    Attack(
        "an XBackendTrafficPolicy",
        thing(
            "XBackendTrafficPolicy",
            "traffic",
            f"{{targetRefs: [{{{CORE_GROUP}, kind: Service, name: shop}}],"
            " sessionPersistence: {sessionName: evil}}",
            api=EXPERIMENTAL,
        ),
        "xbackendtrafficpolicies",
        "traffic",
        "Accepted",
        ("False", "TargetNotFound", "shop"),
        ("shop.example/",),
    ),
    Attack(
        "an XTelemetryPolicy",
        thing(
            "XTelemetryPolicy",
            "spy",
            "{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}],"
            f" tracing: {{mode: Enabled, provider: {{backendRef: {to()}}}}}}}",
            api=EXPERIMENTAL,
        ),
        "xtelemetrypolicies",
        "spy",
        "Accepted",
        ("False", "TargetNotFound", "edge"),
        ("shop.example/",),
    ),
)


def _at_service(kind: str, name: str, port: str = "") -> str:
    """A route of the attacker on the victim's Service."""
    parent = f"{{{CORE_GROUP}, kind: Service, name: app, namespace: {VICTIM}{port}}}"
    return route(kind, name, parent)


MESH = documents(
    _at_service("HTTPRoute", "consumer"),
    _at_service("HTTPRoute", "consumer-port", ", port: 80"),
    thing(
        "HTTPRoute",
        "names",
        f"{{parentRefs: [{{{CORE_GROUP}, kind: Service, name: own}}],"
        f" hostnames: [app.{VICTIM}, app.{VICTIM}.svc.cluster.local, '*.{VICTIM}'],"
        f" rules: [{{backendRefs: [{to()}]}}]}}",
    ),
    thing(
        "DestinationRule",
        "rules",
        f"{{host: app.{VICTIM}.svc.cluster.local,"
        " trafficPolicy: {connectionPool: {http: {maxRequestsPerConnection: 1}}}}",
        api="networking.istio.io/v1",
    ),
)
"""What acts between pods: the attacker's own requests only."""

GRANTS = documents(
    grant("grpc", "GRPCRoute", "Service", origin=EVIL, target="for-grpc", at=VICTIM),
    grant("bystander", "HTTPRoute", "Service", origin=BYSTANDER, target="for-bystander", at=VICTIM),
    grant("another", "HTTPRoute", "Service", origin=EVIL, target="another", at=VICTIM),
    grant("self", "HTTPRoute", "Service", origin=EVIL, target="self-granted", at=EVIL),
)
