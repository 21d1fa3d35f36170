"""What `fairlead check` makes of what it reads in a cluster."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from fairlead.api.channel import FIELDS
from fairlead.api.kinds import KIND_OF
from fairlead.install import definitions
from fairlead.install.check import control_plane, gateway_api, gateways, rights, schema, server
from fairlead.install.values import Values
from fairlead.ir.proxy_status import ProxyStatus

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
GROUP = "gateway.networking.k8s.io"
CONTROLLER = Values().controller_name


def crd(kind, *, channel="experimental", release="v1.7.0", versions=("v1",), spec=None):
    """A CRD with the schema `spec`, or with one that drops nothing."""
    made = spec or {"type": "object"}
    annotations = {f"{GROUP}/bundle-version": release, f"{GROUP}/channel": channel}
    return {
        "metadata": {"name": kind, "annotations": annotations},
        "spec": {
            "versions": [
                {
                    "name": version,
                    "served": True,
                    "schema": {"openAPIV3Schema": {"properties": {"spec": made}}},
                }
                for version in versions
            ]
        },
    }


def all_kinds(**options):
    return {
        kind.kind: crd(kind.kind, versions=kind.versions, **options)
        for kind in KIND_OF.values()
        if kind.group.startswith("gateway.")
    }


def severities(found):
    return [each.severity for each in found]


@pytest.mark.parametrize(
    ("version", "severity"),
    [("v1.36.3", "ok"), ("v1.30.0+k3s1", "ok"), ("v1.29.9", "error"), ("devel", "warning")],
)
def test_versions_of_the_api_server(version, severity):
    (found,) = server.judge(version)
    assert found.severity == severity
    assert version in found.message
    assert bool(found.remedy) == (severity != "ok")


def test_the_release_that_we_are_made_for_is_fine():
    (found,) = gateway_api.judge(all_kinds(), [], installed=False)
    assert (found.severity, found.message) == ("ok", "CRDs of v1.7.0, experimental channel")


def test_without_crds_it_says_how_to_get_them():
    (found,) = gateway_api.judge({}, [], installed=False)
    assert found.severity == "error"
    assert "experimental-install.yaml" in found.remedy


@pytest.mark.parametrize(
    ("release", "words"),
    [
        ("v1.4.1", "made for v1.7.0"),
        ("v1.8.0", "newer"),
        ("unknown", "made for"),
        ("v1.7.0-rc.2", "made for v1.7.0"),
        ("v1.7.1", "newer"),
        ("v1.8.0-rc.1", "newer"),
    ],
)
def test_another_release_is_a_warning(release, words):
    found = gateway_api.judge(all_kinds(release=release), [], installed=False)
    assert severities(found) == ["warning"]
    assert words in found[0].message


def test_crds_of_two_releases_are_told_apart():
    mixed = {**all_kinds(), "TCPRoute": crd("TCPRoute", release="v1.3.0")}
    (found,) = gateway_api.judge(mixed, [], installed=False)
    assert found.severity == "warning"
    assert "v1.3.0 (experimental): TCPRoute" in found.message


def test_absent_kinds_are_told_and_some_are_needed():
    kinds = all_kinds()
    del kinds["TCPRoute"], kinds["HTTPRoute"]
    kinds["UDPRoute"] = crd("UDPRoute", versions=("v9",))
    found = gateway_api.judge(kinds, [], installed=False)
    told = {each.message.split()[0]: each.severity for each in found[1:]}
    assert told == {"HTTPRoute": "error", "TCPRoute": "warning", "UDPRoute": "warning"}


def test_fields_that_a_crd_lacks_are_named():
    spec = {"properties": {"rules": {"items": {"properties": {}}}, "parentRefs": {}}}
    found = schema.missing(crd("TCPRoute", spec=spec), KIND_OF["TCPRoute"])
    assert "spec.rules[].backendRefs" in found
    assert "spec.useDefaultGateways" in found
    assert "spec.parentRefs" not in found


def test_our_own_crds_have_every_field():
    for definition in definitions.manifests():
        kind = KIND_OF[definition["spec"]["names"]["kind"]]
        assert schema.missing(definition, kind) == ()
        assert schema.served(definition, kind) == "v1alpha1"


def test_our_own_kinds_are_expected_once_installed():
    found = gateway_api.judge(all_kinds(), [], installed=True)
    assert severities(found) == ["ok", "error", "error"]
    assert {each.remedy for each in found[1:]} == {"`fairlead install` installs it"}


def test_what_was_applied_and_dropped_is_told_by_object_and_field():
    applied = {
        "apiVersion": f"{GROUP}/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"rules": [{"sessionPersistence": {"type": "Cookie"}}]},
    }
    notes = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied)}
    live = {**applied, "metadata": {**applied["metadata"], "annotations": notes}, "spec": {}}
    found = gateway_api.judge(all_kinds(channel="standard"), [live] * 7, installed=False)
    lost = [each for each in found if each.severity == "error"]
    assert "HTTPRoute shop/web: spec.rules.0.sessionPersistence" in lost[0].message
    assert "2 further objects" in lost[-1].message
    assert gateway_api.judge(all_kinds(), [live], installed=False)[0].severity == "ok"


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"kind": "HTTPRoute"}', '{"apiVersion": 5}', "[" * 9000, '{"a":' * 900],
)
def test_an_annotation_that_is_no_object_is_left_alone(text):
    notes = {"kubectl.kubernetes.io/last-applied-configuration": text}
    live = {"kind": "HTTPRoute", "metadata": {"name": "web", "annotations": notes}}
    found = gateway_api.judge(all_kinds(channel="standard"), [live], installed=False)
    assert "error" not in severities(found)


def test_the_channel_table_names_kinds_that_are_looked_at():
    assert set(FIELDS) <= set(all_kinds())


def facts(*, ready=2, wanted=2, image="fairlead:dev", pods=(), lease=None, connected=None):
    container = {"image": image, "env": []}
    deployment = {
        "metadata": {"namespace": "fairlead-system"},
        "spec": {"replicas": wanted, "template": {"spec": {"containers": [container]}}},
        "status": {"availableReplicas": ready},
    }
    return control_plane.Facts(deployment, pods, lease, connected or {})


def lease(holder="fairlead-a", age=2):
    renewed = (NOW - timedelta(seconds=age)).isoformat().replace("+00:00", ".000000Z")
    return {"spec": {"holderIdentity": holder, "renewTime": renewed}}


def pod(name, **status):
    return {"metadata": {"name": name}, "status": status}


def control(read):
    return control_plane.judge(read, "fairlead-system", NOW)


def test_a_control_plane_that_is_not_there():
    (found,) = control(control_plane.Facts(None, (), None, {}))
    assert found.severity == "error"
    assert "fairlead install" in found.remedy


def test_a_control_plane_that_does_well():
    found = control(facts(pods=[pod("fairlead-a")], lease=lease()))
    assert [each.message for each in found] == [
        "2 of 2 replicas are ready, image fairlead:dev",
        "fairlead-a leads",
    ]


@pytest.mark.parametrize(("ready", "severity"), [(0, "error"), (1, "warning"), (2, "ok")])
def test_replicas_that_are_not_ready(ready, severity):
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}
    broken = pod("fairlead-a", containerStatuses=[{"state": waiting}])
    found = control(facts(ready=ready, pods=[broken], lease=lease()))
    assert found[0].severity == severity
    assert "ErrImagePull: no such image" in found[0].message


def test_replicas_of_another_version_are_told():
    found = control(facts(image="registry:5000/fairlead:9.9", lease=lease(holder="")))
    assert "the cluster runs Fairlead 9.9" in found[1].message


@pytest.mark.parametrize(
    ("held", "severity", "words"),
    [
        (None, "error", "no replica leads"),
        (lease(holder=""), "error", "no replica leads"),
        (lease(age=40), "error", "40 s ago"),
        (lease(holder="laptop"), "warning", "no pod"),
        (lease(), "ok", "leads"),
    ],
)
def test_who_leads(held, severity, words):
    found = control(facts(pods=[pod("fairlead-a")], lease=held))[-1]
    assert found.severity == severity
    assert words in found.message


def test_connected_proxies_are_those_of_all_replicas():
    connected = {
        "a": [ProxyStatus(proxy="gateway/shop/web", connected=True)],
        "b": [ProxyStatus(proxy="gateway/shop/old", connected=False)],
    }
    assert facts(connected=connected).proxies == {"gateway/shop/web"}


def gateway_class(controller=CONTROLLER, accepted="True"):
    condition = {"type": "Accepted", "status": accepted, "observedGeneration": 1}
    return {
        "kind": "GatewayClass",
        "metadata": {"name": "edge", "generation": 1},
        "spec": {"controllerName": controller},
        "status": {"conditions": [condition]},
    }


def gateway(*, programmed="True", addresses=("192.0.2.1",), protocol="HTTP"):
    return {
        "kind": "Gateway",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "gatewayClassName": "edge",
            "listeners": [{"port": 80, "protocol": protocol}, {"port": 80, "protocol": protocol}],
        },
        "status": {
            "conditions": [
                {"type": "Accepted", "status": "True"},
                {
                    "type": "Programmed",
                    "status": programmed,
                    "reason": "AddressNotAssigned",
                    "message": "no address yet",
                },
            ],
            "addresses": [{"type": "IPAddress", "value": each} for each in addresses],
        },
    }


CONNECTED = frozenset({"gateway/shop/web"})


def judged(*objects, connected=CONNECTED):
    return list(gateways.judge(objects, CONTROLLER, connected))


def test_a_gateway_that_serves():
    assert [each.message for each in judged(gateway_class(), gateway())] == [
        "GatewayClass edge is accepted",
        "shop/web serves at 192.0.2.1",
    ]


def test_gateways_of_others_are_not_looked_at():
    (found,) = judged(gateway_class(controller="example.com/other"), gateway())
    assert "no GatewayClass" in found.message


def test_a_class_that_is_not_accepted():
    assert judged(gateway_class(accepted="Unknown"))[0].severity == "error"


def test_a_gateway_that_is_not_programmed_says_why():
    found = judged(gateway_class(), gateway(programmed="False"))[1]
    assert found.severity == "error"
    assert "AddressNotAssigned): no address yet" in found.message


def test_a_gateway_without_a_connected_proxy():
    found = judged(gateway_class(), gateway(), connected=frozenset())[1]
    assert found.severity == "error"
    assert "no proxy" in found.message


def test_ports_are_tried_once_and_udp_never():
    assert gateways.ports([gateway()]) == [gateways.Port("shop/web", "192.0.2.1", 80)]
    assert gateways.ports([gateway(protocol="UDP")]) == []


def test_what_cannot_be_reached_is_told():
    async def dial(address, port):
        assert address == "192.0.2.1"
        if port == 81:
            raise ConnectionRefusedError(111, "Connection refused")

    def reach(*ports):
        wanted = [gateways.Port("shop/web", "192.0.2.1", port) for port in ports]
        return asyncio.run(gateways.reach(wanted, dial))

    (fine,) = reach(80)
    assert (fine.severity, fine.message) == ("ok", "all 1 ports can be reached from here")
    (found,) = reach(80, 81)
    assert found.severity == "warning"
    assert "192.0.2.1 port 81 cannot be reached from here: Connection refused" in found.message
    assert reach() == []


def test_rights_are_told_as_kubectl_takes_them():
    right = rights.Right("patch", "apps", "deployments", "shop", "web")
    assert str(right) == "patch deployments.apps/web -n shop"


def test_rights_to_install():
    wanted = rights.of_installing(Values())
    assert rights.Right("create", "apps", "deployments", "fairlead-system") in wanted
    # what an earlier version had is looked for in the whole cluster
    assert rights.Right("list", "apps", "deployments") in wanted
    assert severities(rights.judge_installing([])) == ["ok"]
    assert severities(rights.judge_installing(wanted)) == ["error"] * 9 + ["warning"]
    grants = [right for right in wanted if right.verb in {"escalate", "bind"}]
    assert severities(rights.judge_installing(grants)) == ["warning"]


def test_rights_of_the_control_plane_follow_its_values():
    def secrets(**values):
        wanted = rights.of_control_plane(Values(**values))
        return {
            (right.verb, right.namespace)
            for right in wanted
            if right.resource == "secrets" and right.namespace != "fairlead-system"
        }

    assert ("get", "") in secrets()
    assert ("patch", "") not in secrets(snapshots=False)
    assert {place for _, place in secrets(secret_namespaces=("shop",))} == {"shop"}


def test_missing_rights_of_the_control_plane():
    wanted = rights.of_control_plane(Values())
    assert severities(rights.judge_control_plane([], len(wanted))) == ["ok"]
    assert severities(rights.judge_control_plane(None, len(wanted))) == ["warning"]
    (found,) = rights.judge_control_plane(wanted, len(wanted))
    assert found.severity == "error"
    assert f"and {len(wanted) - 8} more" in found.message


def test_findings_are_frozen_values():
    found = server.judge("v1.36.3")[0]
    with pytest.raises(AttributeError):
        found.message = ""
    assert msgspec.structs.asdict(found)["topic"] == "Kubernetes"
