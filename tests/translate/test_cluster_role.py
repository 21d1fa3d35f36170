"""What is different in a cluster: what proxies bind and need, addresses, what is not ours."""

import pytest

from fairlead.graph import Change
from fairlead.ir.fleet import MESH_PROXY
from fairlead.ir.infrastructure import AskedAddress, Infrastructure, ProxyPort
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.ir.workload import Workload
from support.certificates import CA, tls_secret
from translate.world import CLASS, World, config_map

PROXY = "gateway/default/gate"
KEY = ("default", "gate")
RUNS = Infrastructure(ready=True)
SECRET = tls_secret("cert", CA("test").issue(dns=["a.example"]))
SERVICE = """
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {clusterIP: 10.96.0.5, selector: {app: app}, ports: [{port: 80, targetPort: 8080}]}
"""


def gateway(*listeners, uid="uid-1", **spec):
    found = listeners or ("{name: a, port: 80, protocol: HTTP}",)
    more = "".join(f"\n  {name}: {value}" for name, value in spec.items())
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: gate, uid: {uid}}}
spec:
  gatewayClassName: fairlead
  listeners: [{", ".join(found)}]{more}
"""


def cluster(*texts, **settings):
    return World(CLASS, *texts, standalone=False, address="", **settings)


def proxy(world):
    return world.outputs.fleet.get(PROXY)


def infrastructure(found):
    def change(world):
        world.commit([Change(world.sources.infrastructure, KEY, found)])

    return change


def programmed(world):
    found = world.gateway()["Programmed"]
    return found.status, found.reason


def acknowledged():
    return ProxyStatus(PROXY, connected=True, listeners=("http-80",))


# What proxies bind and need


def test_listeners_are_bound_before_there_is_an_address():
    world = cluster(gateway(), bind_addresses=("0.0.0.0", "::"))
    listener = world.outputs.listeners.get((PROXY, "http-80"))
    assert listener.addresses == ("0.0.0.0", "::")
    assert listener.bind_port == 80
    events = world.commit([world.address_of("gate", ["198.51.100.7"])])
    assert "listeners" not in events


def test_ports_are_those_of_listeners_that_are_served():
    https = (
        "{name: b, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}",
        "{name: c, port: 5300, protocol: UDP}",
        "{name: d, port: 9000, protocol: TCP}",
        "{name: e, port: 99, protocol: SCTP}",
    )
    world = cluster(SECRET, gateway("{name: a, port: 80, protocol: HTTP}", *https))
    assert proxy(world).ports == (
        ProxyPort("http-80", 80, "TCP"),
        ProxyPort("tls-443", 443, "TCP"),
        ProxyPort("quic-443", 443, "UDP"),
        ProxyPort("udp-5300", 5300, "UDP"),
        ProxyPort("tcp-9000", 9000, "TCP"),
    )
    assert proxy(world).owner == "uid-1"
    assert not proxy(world).held


def test_a_route_changes_nothing_that_a_proxy_needs():
    world = cluster(SERVICE, gateway())
    events = world.apply(
        """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec: {parentRefs: [{name: gate}], rules: [{backendRefs: [{name: app, port: 80}]}]}
"""
    )
    assert "fleet" not in events


def test_a_gateway_that_is_refused_keeps_what_it_has():
    world = cluster(gateway())
    world.apply(gateway(addresses="[{type: Hostname, value: a.example}]"))
    assert proxy(world).held
    assert world.gateway()["Accepted"].reason == "UnsupportedAddress"
    world.apply(gateway("{name: a, port: 80, protocol: SCTP}"))
    assert proxy(world).held
    world.apply(gateway())
    assert not proxy(world).held


def test_the_proxy_of_a_namespace_that_is_deleted_ends():
    home = """
apiVersion: v1
kind: Namespace
metadata: {name: default%s}
"""
    world = cluster(home % "", gateway())
    assert not proxy(world).ending
    world.apply(home % ", deletionTimestamp: '2026-01-01T00:00:00Z'")
    assert proxy(world).ending


def test_the_port_of_probes_is_taken():
    world = cluster(gateway("{name: a, port: 15021, protocol: HTTP}"))
    _, conditions = world.listener("a")
    assert conditions["Accepted"].reason == "PortUnavailable"
    udp = cluster(gateway("{name: a, port: 15021, protocol: UDP}"))
    assert udp.listener("a")[1]["Accepted"].status == "True"


def test_settings_of_how_it_is_run():
    ref = "{parametersRef: {group: '', kind: ConfigMap, name: settings}}"
    settings = config_map("settings", replicas="3", serviceType="ClusterIP", nodeSelector="a: b")
    world = cluster(settings, gateway(infrastructure=ref))
    assert proxy(world).deployment.replicas == 3
    assert proxy(world).deployment.service_type == "ClusterIP"
    assert proxy(world).deployment.placement == (("nodeSelector", '{"a":"b"}'),)


# Addresses


def test_what_can_be_asked_for():
    assert proxy(cluster(gateway())).addresses == (AskedAddress(),)
    several = "[{value: 198.51.100.9}, {routability: Cluster}, {routability: example.com/none}]"
    world = cluster(gateway(addresses=several))
    assert proxy(world).addresses == (AskedAddress("198.51.100.9"), AskedAddress(cluster=True))
    assert proxy(cluster(gateway(addresses="[{routability: example.com/x}]"))).addresses == ()


def test_programmed_takes_an_address_an_acknowledgement_and_a_pod():
    world = cluster(gateway())
    assert programmed(world) == ("False", "Pending")
    world.commit([world.address_of("gate", ["198.51.100.7"])])
    assert programmed(world) == ("False", "Pending")
    world.apply(acknowledged())
    infrastructure(Infrastructure(ready=False))(world)
    assert programmed(world) == ("False", "Pending")
    assert "pod" in world.gateway()["Programmed"].message
    infrastructure(RUNS)(world)
    assert programmed(world) == ("True", "Programmed")
    assert world.report("Gateway", "gate").addresses == (("IPAddress", "198.51.100.7"),)


def test_what_is_in_the_way_is_told():
    world = cluster(gateway())
    infrastructure(Infrastructure(ready=False, reason="NoResources", message="quota"))(world)
    assert programmed(world) == ("False", "NoResources")
    assert world.gateway()["Programmed"].message == "quota"
    assert world.listener("a")[1]["Programmed"].reason == "Pending"


def test_a_host_name_is_an_address():
    world = cluster(gateway())
    world.commit([world.address_of("gate", ["edge.lb.example.com"])])
    assert world.report("Gateway", "gate").addresses == (("Hostname", "edge.lb.example.com"),)


@pytest.mark.parametrize(
    ("asked", "given", "addresses", "assigned"),
    [
        ("[{value: 192.0.2.1}, {value: 198.51.100.9}]", ["198.51.100.9"], ["198.51.100.9"], False),
        ("[{value: 198.51.100.9}]", ["198.51.100.9"], ["198.51.100.9"], True),
        ("[{value: 198.51.100.9}]", [], [], False),
        ("[{routability: Cluster}]", ["198.51.100.9"], [], False),
        ("[{routability: Cluster}, {}]", ["198.51.100.9", "10.0.0.1"], None, True),
        ("[{value: 10.0.0.1, routability: Cluster}]", ["10.0.0.1"], ["10.0.0.1"], True),
        ("[{value: 198.51.100.9, routability: Cluster}]", ["198.51.100.9"], [], False),
    ],
)
def test_addresses_that_are_asked_for(asked, given, addresses, assigned):
    world = cluster(gateway(addresses=asked))
    infrastructure(Infrastructure(ready=True, cluster_addresses=("10.0.0.1",)))(world)
    world.commit([world.address_of("gate", given)])
    found = [value for _, value in world.report("Gateway", "gate").addresses]
    assert found == (given if addresses is None else addresses)
    assert (world.gateway()["AddressesAssigned"].status == "True") is assigned


def test_an_address_that_cannot_be_had_is_told():
    world = cluster(gateway(addresses="[{value: 192.0.2.1}]"), acknowledged())
    infrastructure(RUNS)(world)
    world.commit([world.address_of("gate", [])])
    assert world.gateway()["Accepted"].status == "True"
    assert programmed(world) == ("False", "AddressNotUsable")
    assert "load balancer" in world.gateway()["Programmed"].message


def test_the_reach_of_addresses_is_told():
    world = cluster(gateway())
    infrastructure(Infrastructure(ready=True, cluster_addresses=("10.0.0.1",)))(world)
    world.commit([world.address_of("gate", ["10.0.0.1"])])
    assert world.report("Gateway", "gate").routability == ("Cluster",)


# What is not ours


def test_a_gateway_of_a_class_that_nobody_has_is_not_ours():
    world = World(gateway(), standalone=False)
    assert world.report("Gateway", "gate") is None
    assert proxy(world) is None


def test_features_that_take_a_cluster_are_claimed_there():
    features = cluster().report("GatewayClass", "fairlead", "").features
    assert "GatewayAddressRoutabilityCluster" in features
    assert list(features) == sorted(features)
    alone = World(CLASS).report("GatewayClass", "fairlead", "").features
    assert set(features) - set(alone) == {"GatewayAddressRoutabilityCluster"}


def test_pods_are_no_clients_and_no_endpoints_besides_the_slices():
    pod = Workload("default", "app-1", labels=(("app", "app"),), ip="10.244.0.9", ready=True)
    slice_ = """
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: app-x, labels: {kubernetes.io/service-name: app}}
addressType: IPv4
endpoints:
- {addresses: [10.244.0.8], conditions: {ready: true}}
- {addresses: [10.244.0.9], conditions: {ready: false, serving: true, terminating: true}}
ports: [{name: "", port: 8080, protocol: TCP}]
"""
    world = cluster(SERVICE, slice_, pod)
    found = world.outputs.addresses.get(("default", "app", 80))
    assert [each.address for each in found.ready] == ["10.244.0.8"]
    assert MESH_PROXY not in world.outputs.fleet
    assert len(world.outputs.pods) == 0


def test_routes_of_a_service_are_left_to_a_mesh():
    route = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{group: "", kind: Service, name: app}]
  rules: [{backendRefs: [{name: app, port: 80}]}]
"""
    assert cluster(SERVICE, route).report("HTTPRoute", "r") is None
    assert World(SERVICE, route).report("HTTPRoute", "r") is not None


HTTPS = "{name: a, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}"
CLIENTS = "caCertificateRefs: [{group: '', kind: ConfigMap, name: ca}]"


@pytest.mark.parametrize(
    ("kind", "name", "given", "condition", "told"),
    [
        (
            *("Secret", "cert", {}, "ResolvedRefs"),
            "Secrets of the namespace default; name it in the setting secretNamespaces",
        ),
        (
            *("ConfigMap", "ca"),
            {"tls": f"{{frontend: {{default: {{validation: {{{CLIENTS}}}}}}}}}"},
            *("ResolvedRefs", "ConfigMap default/ca: cannot be read"),
        ),
        (
            *("ConfigMap", "settings"),
            {"infrastructure": "{parametersRef: {group: '', kind: ConfigMap, name: settings}}"},
            *("Accepted", "ConfigMap default/settings cannot be read"),
        ),
    ],
    ids=["a certificate", "authorities", "parameters"],
)
def test_what_may_not_be_read_is_not_told_as_missing(kind, name, given, condition, told):
    found = () if name == "cert" else (SECRET,)
    world = cluster(*found, gateway(HTTPS, **given))

    def message():
        of_listener = condition == "ResolvedRefs"
        return (world.listener("a")[1] if of_listener else world.gateway())[condition].message

    missing = "does not exist"
    assert missing in message()
    for forbidden, words in ((True, told), (None, missing)):
        world.commit([Change(world.sources.forbidden, (kind, "default", name), forbidden)])
        assert words in message()
        assert (missing in message()) == (words == missing)
