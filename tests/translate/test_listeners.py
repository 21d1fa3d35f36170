"""Listeners of Gateways: protocols, who shares a port with whom, TLS, and what proxies bind.

The cases are those of GatewaySpec.listeners ("Distinct Listeners") and of the conformance tests
Gateway*, TLSRouteListener*, and what they leave out.
"""

import json

import pytest

from fairlead.ir.listener import ClientValidation, DownstreamTls, HttpChain
from fairlead.ir.origin import Origin
from fairlead.ir.proxy_status import ProxyStatus
from support.certificates import CA, ca_config_map, tls_secret
from translate.world import World, config_map

PROXY = "gateway/default/gate"
AUTHORITY = CA("test")
CERTIFICATE = AUTHORITY.issue(dns=["a.example"])
SECRETS = tuple(tls_secret(name, CERTIFICATE) for name in ("cert", "other"))
HTTP_KINDS = (
    ("gateway.networking.k8s.io", "HTTPRoute"),
    ("gateway.networking.k8s.io", "GRPCRoute"),
)


def listener(name, protocol, port=443, hostname=None, **more):
    found = {"name": name, "protocol": protocol, "port": port, **more}
    if hostname:
        found["hostname"] = hostname
    if protocol in {"HTTPS", "TLS"} and "tls" not in more:
        found["tls"] = {"certificateRefs": [{"name": "cert"}]}
    return found


def passthrough(name, port=443, hostname=None):
    return listener(name, "TLS", port, hostname, tls={"mode": "Passthrough"})


def gateway(*listeners, name="gate", **spec):
    spec = {"gatewayClassName": "fairlead", "listeners": listeners, **spec}
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}}}
spec: {json.dumps(spec)}
"""


def conditions(world, name):
    """{condition: (status, reason)} of a listener."""
    return {kind: (each.status, each.reason) for kind, each in world.listener(name)[1].items()}


def table(name, protocol, hostname=None):
    """A listener on port 443."""
    return (
        passthrough(name, hostname=hostname)
        if protocol == "Passthrough"
        else listener(name, protocol, hostname=hostname)
    )


@pytest.mark.parametrize(
    ("one", "two", "reason"),
    [
        (("HTTP", None), ("HTTP", None), "HostnameConflict"),
        (("HTTP", "a.example"), ("HTTP", "a.example"), "HostnameConflict"),
        (("HTTP", "a.example"), ("HTTP", None), None),
        (("HTTP", "a.example"), ("HTTP", "*.example"), None),
        (("HTTPS", "a.example"), ("HTTPS", "a.example"), "HostnameConflict"),
        (("HTTPS", "a.example"), ("HTTPS", "b.example"), None),
        (("HTTPS", "a.example"), ("TLS", "a.example"), "HostnameConflict"),
        (("HTTPS", "a.example"), ("TLS", "b.example"), None),
        (("HTTPS", "a.example"), ("Passthrough", "b.example"), None),
        (("TLS", "a.example"), ("Passthrough", "a.example"), "HostnameConflict"),
        (("TLS", "a.example"), ("Passthrough", "b.example"), None),
        (("TLS", None), ("Passthrough", "b.example"), None),
        (("HTTP", "a.example"), ("HTTPS", "b.example"), "ProtocolConflict"),
        (("HTTP", "a.example"), ("TLS", "b.example"), "ProtocolConflict"),
        (("HTTP", None), ("TCP", None), "ProtocolConflict"),
        (("HTTPS", None), ("TCP", None), "ProtocolConflict"),
        (("TLS", "a.example"), ("TCP", None), "ProtocolConflict"),
        (("TCP", None), ("TCP", None), "ProtocolConflict"),
        (("UDP", None), ("UDP", None), "ProtocolConflict"),
        (("UDP", None), ("TCP", None), None),
        (("UDP", None), ("HTTP", None), None),
        (("UDP", None), ("HTTPS", None), None),
    ],
)
def test_which_listeners_share_a_port(one, two, reason):
    world = World(
        gateway(table("one", *one), table("two", *two), listener("calm", "HTTP", 80)), *SECRETS
    )
    assert conditions(world, "calm")["Conflicted"] == ("False", "NoConflicts")
    for name in ("one", "two"):
        found = conditions(world, name)
        if reason is None:
            assert found["Conflicted"] == ("False", "NoConflicts")
            assert found["Accepted"] == ("True", "Accepted")
        else:  # none of them wins
            assert found["Conflicted"] == ("True", reason)
            assert found["Accepted"] == ("False", reason)
            assert found["Programmed"] == ("False", reason)
    expected = "Accepted" if reason is None else "ListenersNotValid"
    assert (world.gateway()["Accepted"].status, world.gateway()["Accepted"].reason) == (
        "True",
        expected,
    )


@pytest.mark.parametrize(
    ("protocol", "kinds"),
    [
        ("HTTP", ("HTTPRoute", "GRPCRoute")),
        ("HTTPS", ("HTTPRoute", "GRPCRoute")),
        ("TLS", ("TLSRoute",)),
        ("TCP", ("TCPRoute",)),
        ("UDP", ("UDPRoute",)),
        ("example.com/SCTP", ()),
    ],
)
def test_kinds_of_routes_that_a_protocol_takes(protocol, kinds):
    world = World(gateway(listener("one", protocol)), *SECRETS)
    assert tuple(kind for _, kind in world.listener("one")[0].supported_kinds) == kinds
    assert conditions(world, "one")["ResolvedRefs"] == ("True", "ResolvedRefs")


def test_an_unknown_protocol_is_refused():
    world = World(gateway(listener("bad", "example.com/SCTP"), listener("good", "HTTP", 80)))
    assert conditions(world, "bad")["Accepted"] == ("False", "UnsupportedProtocol")
    assert conditions(world, "bad")["Programmed"] == ("False", "Invalid")
    assert world.gateway()["Accepted"].reason == "ListenersNotValid"
    world.apply(gateway(listener("bad", "example.com/SCTP")))
    assert (world.gateway()["Accepted"].status, world.gateway()["Accepted"].reason) == (
        "False",
        "ListenersNotValid",
    )


def test_of_kinds_that_a_listener_cannot_take_the_others_stay():
    kinds = [
        {"kind": "TCPRoute"},
        {"kind": "TLSRoute"},
        {"group": "example.com", "kind": "TLSRoute"},
    ]
    mode = {"mode": "Passthrough"}
    world = World(gateway(listener("tls", "TLS", tls=mode, allowedRoutes={"kinds": kinds})))
    found, told = world.listener("tls")
    assert [kind for _, kind in found.supported_kinds] == ["TLSRoute"]
    assert told["ResolvedRefs"].message == (
        "allowedRoutes.kinds: TLS listeners cannot take TCPRoute, TLSRoute of group 'example.com'; "
        "they take TLSRoute"
    )
    assert conditions(world, "tls")["ResolvedRefs"] == ("False", "InvalidRouteKinds")
    assert conditions(world, "tls")["Accepted"] == ("True", "Accepted")


@pytest.mark.parametrize(
    ("ref", "reason"),
    [
        ({"name": "missing"}, "InvalidCertificateRef"),
        ({"name": "cert", "kind": "ConfigMap"}, "InvalidCertificateRef"),
        ({"name": "cert", "group": "example.com"}, "InvalidCertificateRef"),
        ({"name": "cert", "namespace": "nowhere"}, "RefNotPermitted"),
    ],
)
def test_without_a_certificate_a_listener_is_not_programmed_and_others_serve(ref, reason):
    bad = listener("bad", "HTTPS", hostname="bad.example", tls={"certificateRefs": [ref]})
    world = World(gateway(bad, listener("good", "HTTPS", hostname="good.example")), *SECRETS)
    world.apply(ProxyStatus(PROXY, connected=True, listeners=("tls-443",)))
    found = conditions(world, "bad")
    assert found["ResolvedRefs"] == ("False", reason)
    assert found["Programmed"] == ("False", "Invalid")
    assert found["Accepted"] == ("True", "Accepted")
    assert conditions(world, "good")["Programmed"] == ("True", "Programmed")
    assert world.gateway()["ResolvedRefs"].reason == "ListenersNotResolved"
    assert world.gateway()["Accepted"].reason == "ListenersNotValid"
    assert world.gateway()["Programmed"].status == "True"
    closed = world.outputs.chains.get((PROXY, "tls-443", "bad.example"))
    assert (closed.server_names, closed.backends, closed.tls) == (("bad.example",), (), None)
    assert isinstance(world.outputs.chains.get((PROXY, "tls-443", "good.example")), HttpChain)


def test_what_is_meant_for_a_listener_without_certificate_falls_to_no_wider_one():
    route = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app}
spec:
  parentRefs: [{name: gate}]
  hostnames: [bank.example.com, www.example.com]
  rules: [{backendRefs: [{name: backend, port: 80}]}]
"""
    tls = {"certificateRefs": [{"name": "missing"}]}
    world = World(
        gateway(
            listener("wide", "HTTPS", hostname="*.example.com"),
            listener("bank", "HTTPS", hostname="bank.example.com", tls=tls),
        ),
        *SECRETS,
        route,
    )
    table = f"{PROXY}/tls-443"
    assert world.hosts(table)["bank.example.com"] == []
    assert world.outputs.virtual_hosts.get((table, "bank.example.com")).owner == "bank.example.com"
    assert world.hosts(table)["www.example.com"] == ["default/app/0/0"]
    world.apply(tls_secret("missing", CERTIFICATE))
    assert world.hosts(table)["bank.example.com"] == ["default/app/0/0"]
    assert isinstance(world.outputs.chains.get((PROXY, "tls-443", "bank.example.com")), HttpChain)


def test_one_good_certificate_of_several_is_enough_to_serve():
    refs = [{"name": "missing"}, {"name": "other"}, {"name": "cert"}]
    world = World(gateway(listener("web", "HTTPS", tls={"certificateRefs": refs})), *SECRETS)
    chain = world.outputs.chains.get((PROXY, "tls-443", "*"))
    assert chain.tls.certificates == ("certificate/default/other", "certificate/default/cert")
    assert conditions(world, "web")["ResolvedRefs"] == ("False", "InvalidCertificateRef")
    assert world.gateway()["Accepted"].reason == "Accepted"


def test_a_renewed_certificate_changes_no_listener():
    world = World(gateway(listener("web", "HTTPS")), *SECRETS)
    changed = world.apply(tls_secret("cert", AUTHORITY.issue(dns=["b.example"])))
    assert not changed


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (listener("bad", "HTTPS", tls=None), "Invalid"),
        (listener("bad", "HTTPS", tls={"mode": "Passthrough"}), "UnsupportedValue"),
        (listener("bad", "TLS", tls={"mode": "Terminate"}), "Invalid"),
    ],
)
def test_tls_that_contradicts_the_protocol(made, reason):
    made = {key: value for key, value in made.items() if value is not None}
    world = World(gateway(made, listener("good", "HTTP", 80)), *SECRETS)
    assert conditions(world, "bad")["Accepted"] == ("False", reason)
    assert conditions(world, "good")["Accepted"] == ("True", "Accepted")


def with_options(given):
    return {"certificateRefs": [{"name": "cert"}], "options": given}


def test_tls_versions_are_options():
    given = {"fairlead.dev/min-tls-version": "1.3", "vendor.example/fancy": "yes"}
    world = World(gateway(listener("web", "HTTPS", tls=with_options(given))), *SECRETS)
    chain = world.outputs.chains.get((PROXY, "tls-443", "*"))
    assert chain.tls == DownstreamTls(("certificate/default/cert",), None, "1.3", "")
    assert "vendor.example/fancy" in world.listener("web")[1]["Accepted"].message


@pytest.mark.parametrize(
    "given",
    [
        {"fairlead.dev/min-tls-version": "1.1"},
        {"fairlead.dev/min-tls-version": "1.3", "fairlead.dev/max-tls-version": "1.2"},
        {"fairlead.dev/unheard-of": "x"},
        {"fairlead.dev/http3": "maybe"},
        {"unprefixed": "x"},
    ],
)
def test_options_that_cannot_be_carried_out_are_refused(given):
    world = World(gateway(listener("web", "HTTPS", tls=with_options(given))), *SECRETS)
    assert conditions(world, "web")["Accepted"] == ("False", "UnsupportedValue")
    assert not world.outputs.chains.keys()


def test_every_https_listener_has_a_chain_and_a_host_of_its_own():
    world = World(
        gateway(
            listener("wide", "HTTPS", hostname="*.example.com"),
            listener("exact", "HTTPS", hostname="a.example.com"),
            listener("rest", "HTTPS"),
            passthrough("tls", hostname="tls.example.com"),
        ),
        *SECRETS,
    )
    tls = DownstreamTls(("certificate/default/cert",))
    hosts = (
        ("*.example.com", ("*.example.com",)),
        ("a.example.com", ("a.example.com",)),
        ("*", ()),
    )
    for index, (name, names) in enumerate(hosts):
        origin = Origin("Gateway", "default", "gate", field=f"spec.listeners[{index}]")
        made = HttpChain(name, names, tls, name, origin=origin)
        assert world.outputs.chains.get((PROXY, "tls-443", name)) == made
    owners = {
        name: host.owner
        for (owner, name), host in world.outputs.virtual_hosts.items()
        if owner == f"{PROXY}/tls-443"
    }
    named = ("*", "*.example.com", "a.example.com", "tls.example.com")
    assert owners == {name: name for name in named}, "that of the TLS listener is misdirected"
    bound = world.outputs.listeners.get((PROXY, "tls-443"))
    assert (bound.table, bound.port, len(bound.origins)) == (f"{PROXY}/tls-443", 443, 4)


def test_hostnames_that_overlap_are_told():
    world = World(
        gateway(
            listener("a", "HTTPS", hostname="foo.example.com"),
            listener("b", "HTTPS", hostname="foo.example.org"),
            listener("c", "HTTPS", hostname="*.example.com"),
        ),
        *SECRETS,
    )
    overlapping = {"a": True, "b": False, "c": True}
    for name, expected in overlapping.items():
        found = conditions(world, name)
        assert ("OverlappingTLSConfig" in found) == expected
        if expected:
            assert found["OverlappingTLSConfig"] == ("True", "OverlappingHostnames")


def test_hostnames_overlap_whether_or_not_certificates_resolve():
    """A listener without one still takes connections for its hostname from wider ones."""
    world = World(
        gateway(
            listener("a", "HTTPS", hostname="foo.example.com"),
            listener("b", "HTTPS", hostname="foo.example.org"),
            listener("c", "HTTPS", hostname="*.example.com"),
        )
    )
    for name, expected in {"a": True, "b": False, "c": True}.items():
        found = conditions(world, name)
        assert found["ResolvedRefs"] == ("False", "InvalidCertificateRef")
        assert found["Accepted"] == ("True", "Accepted")
        assert ("OverlappingTLSConfig" in found) == expected


def test_hostnames_of_listeners_of_both_kinds_with_tls_overlap():
    world = World(
        gateway(
            passthrough("a", hostname="foo.example.com"),
            listener("b", "HTTPS", hostname="*.example.com"),
            listener("c", "TLS", hostname="foo.example.org"),
            listener("d", "HTTP", 80),
            listener("e", "TLS", 8443),
            listener("f", "TLS", 8443, hostname="foo.example.com"),
        ),
        *SECRETS,
    )
    told = {
        name: world.listener(name)[1].get("OverlappingTLSConfig")
        for name in ("a", "b", "c", "d", "e", "f")
    }
    assert [name for name, each in told.items() if each] == ["a", "b", "e", "f"]
    assert "421" in told["b"].message
    assert told["a"].message.endswith("connections go to the one whose hostname is more specific")


def test_without_an_authority_nothing_falls_to_a_wider_listener_that_checks_nobody():
    route = """
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: app}
spec:
  parentRefs: [{name: gate}]
  hostnames: ["*.example.com", bank.example.com]
  rules: [{backendRefs: [{name: backend, port: 443}]}]
"""
    world = World(
        gateway(
            passthrough("wide", hostname="*.example.com"),
            listener("bank", "HTTPS", hostname="bank.example.com"),
            tls={"frontend": {"default": validated()}},
        ),
        *SECRETS,
        route,
    )
    bank = (PROXY, "tls-443", "bank.example.com")
    assert conditions(world, "bank")["Accepted"] == ("False", "NoValidCACertificate")
    assert world.outputs.chains.get(bank).backends == ()
    assert world.outputs.chains.get((PROXY, "tls-443", "*.example.com")).backends
    world.apply(ca_config_map("ca", AUTHORITY.cert_pem))
    assert isinstance(world.outputs.chains.get(bank), HttpChain)
    assert world.outputs.chains.get(bank).tls.validation
    world.remove("ConfigMap", "ca")
    assert world.outputs.chains.get(bank).backends == ()


def validated(**validation):
    found = {"caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "ca"}], **validation}
    return {"validation": found}


def test_certificates_of_clients_are_checked_by_port_and_on_https_only():
    world = World(
        gateway(
            listener("plain", "HTTP", 80),
            listener("default", "HTTPS", 443),
            listener("open", "HTTPS", 8443),
            listener("other", "TLS", 9443),
            tls={
                "frontend": {
                    "default": validated(),
                    "perPort": [
                        {"port": 8443, "tls": validated(mode="AllowInsecureFallback")},
                    ],
                }
            },
        ),
        ca_config_map("ca", AUTHORITY.cert_pem),
        *SECRETS,
    )
    chains = world.outputs.chains
    checked = chains.get((PROXY, "tls-443", "*")).tls.validation
    assert isinstance(checked, ClientValidation)
    assert not checked.insecure_fallback
    assert chains.get((PROXY, "tls-8443", "*")).tls.validation.insecure_fallback
    insecure = world.gateway()["InsecureFrontendValidationMode"]
    assert (insecure.status, insecure.reason) == ("True", "ConfigurationChanged")
    assert conditions(world, "other")["Accepted"] == ("True", "Accepted")
    world.remove("ConfigMap", "ca")
    for name in ("default", "open"):
        found = conditions(world, name)
        assert found["ResolvedRefs"] == ("False", "InvalidCACertificateRef")
        assert found["Accepted"] == ("False", "NoValidCACertificate")
        assert found["Programmed"] == ("False", "Invalid")
    for name in ("plain", "other"):
        assert conditions(world, name)["Accepted"] == ("True", "Accepted")
    assert not any(isinstance(chain, HttpChain) and chain.tls for _, chain in chains.items())


def test_http3_is_there_unless_something_is_against_it():
    def http3(*texts, more=(), **spec):
        world = World(gateway(listener("web", "HTTPS"), *more, **spec), *SECRETS, *texts)
        return world.outputs.listeners.get((PROXY, "tls-443")).http3

    by_ref = {"parametersRef": {"group": "", "kind": "ConfigMap", "name": "settings"}}
    off = with_options({"fairlead.dev/http3": "disabled"})
    assert http3()
    assert http3(config_map("settings", http3="enabled"), infrastructure=by_ref)
    assert not http3(config_map("settings", http3="disabled"), infrastructure=by_ref)
    assert not http3(more=[listener("off", "HTTPS", hostname="b.example", tls=off)])
    assert not http3(more=[listener("dns", "UDP", 443)])  # the UDP port is taken
    assert http3(more=[listener("dns", "UDP", 53)])
    assert not http3(
        ca_config_map("ca", AUTHORITY.cert_pem), tls={"frontend": {"default": validated()}}
    )
    only_tls = World(gateway(listener("tls", "TLS")), *SECRETS)
    assert not only_tls.outputs.listeners.get((PROXY, "tls-443")).http3


def test_a_privileged_port_is_shifted_unless_another_listener_has_its_place():
    shifted = listener("low", "HTTP", 80)
    world = World(gateway(shifted), port_offset=8000)
    assert world.outputs.listeners.get((PROXY, "http-80")).bind_port == 8080
    world.apply(gateway(shifted, listener("high", "HTTP", 8080)))
    assert conditions(world, "low")["Accepted"] == ("False", "PortUnavailable")
    assert conditions(world, "low")["Conflicted"] == ("False", "NoConflicts")
    assert conditions(world, "high")["Accepted"] == ("True", "Accepted")
    world.apply(gateway(shifted, listener("high", "UDP", 8080)))
    assert conditions(world, "low")["Accepted"] == ("True", "Accepted")
    beyond = World(gateway(shifted), port_offset=65500)
    assert conditions(beyond, "low")["Accepted"] == ("False", "PortUnavailable")


def test_a_listener_that_is_changed_re_runs_no_other():
    hosts = [f"h{number}.example" for number in range(40)]
    made = [listener(f"l{n}", "HTTPS", hostname=host) for n, host in enumerate(hosts)]
    world = World(gateway(*made), *SECRETS)
    made[7] = listener(
        "l7", "HTTPS", hostname="h7.example", tls={"certificateRefs": [{"name": "other"}]}
    )
    changed = world.apply(gateway(*made))
    assert set(changed) == {"chains"}
    assert list(changed["chains"]) == [(PROXY, "tls-443", "h7.example")]


LIMIT = """
apiVersion: fairlead.dev/v1alpha1
kind: LocalRateLimit
metadata: {name: slow}
spec: {requests: 5}
"""


def limited(name):
    """Filters of a listener."""
    ref = {"group": "fairlead.dev", "kind": "LocalRateLimit", "name": name}
    return {"requests": [{"type": "ExtensionRef", "extensionRef": ref}]}


def test_filters_act_on_all_hosts_of_their_listener_and_on_no_other():
    route = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: app}
spec:
  parentRefs: [{name: gate}]
  hostnames: [a.example.com, b.example.org]
  rules: [{backendRefs: [{name: backend, port: 80}]}]
"""
    world = World(
        gateway(
            listener("limited", "HTTP", 80, "*.example.com", filters=limited("slow")),
            listener("free", "HTTP", 80, "*.example.org"),
        ),
        LIMIT,
        route,
    )
    hosts = {name: host.filters for (_, name), host in world.outputs.virtual_hosts.items()}
    assert set(hosts) == {"*.example.com", "a.example.com", "b.example.org"}
    assert hosts["*.example.com"] == hosts["a.example.com"] is not None
    assert hosts["b.example.org"] is None
    world.remove("LocalRateLimit", "slow")
    assert conditions(world, "limited")["ResolvedRefs"] == ("False", "InvalidListenerFilterRef")
    assert conditions(world, "limited")["Accepted"] == ("True", "Accepted")
    assert world.outputs.virtual_hosts.get((f"{PROXY}/http-80", "a.example.com")).filters.refused


def test_more_filters_than_can_be_carried_out_are_refused():
    many = {"requests": limited("slow")["requests"] * 9}
    world = World(gateway(listener("web", "HTTP", 80, filters=many)), LIMIT)
    assert conditions(world, "web")["Accepted"] == ("False", "UnsupportedValue")
