"""Settings of how a Gateway's proxy is run: what they say, and what is wrong with them."""

import json

import pytest

from fairlead.ir.infrastructure import Autoscaling, Deployment
from fairlead.translate import deployment_settings as settings
from fairlead.translate.deployment_settings import SettingError
from translate.world import World, config_map

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  gatewayClassName: ours
  infrastructure: {parametersRef: {group: "", kind: ConfigMap, name: own}}
  listeners: [{name: a, port: 80, protocol: HTTP}]
"""
CLASS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ours}
spec:
  controllerName: fairlead.dev/gateway-controller
  parametersRef: {group: "", kind: ConfigMap, name: all, namespace: default}
"""


def of_class(**data):
    return config_map("all", **data)


def own(**data):
    return config_map("own", **data)


def accepted(world):
    found = world.gateway()["Accepted"]
    return found.status, found.reason, found.message


def test_without_settings_there_is_one_instance_behind_a_load_balancer():
    assert settings.of({}) == Deployment()


def test_every_setting_has_its_meaning():
    assert settings.of(
        {
            "minReplicas": "2",
            "maxReplicas": "9",
            "targetCPUUtilization": "55",
            "podDisruptionBudget": "25%",
            "cpuRequest": "250m",
            "memoryRequest": "1Gi",
            "cpuLimit": "1",
            "memoryLimit": "1.5G",
            "serviceType": "NodePort",
            "externalTrafficPolicy": "Local",
            "nodeSelector": "zone: edge",
            "tolerations": "[{key: edge, operator: Exists}]",
            "priorityClassName": "high",
            "drainSeconds": "300",
            "logLevel": "debug",
            "concurrency": "4",
            "http3": "disabled",
        }
    ) == Deployment(
        autoscaling=Autoscaling(2, 9, 55),
        disruption="25%",
        requests=(("cpu", "250m"), ("memory", "1Gi")),
        limits=(("cpu", "1"), ("memory", "1.5G")),
        placement=(
            ("nodeSelector", '{"zone":"edge"}'),
            ("priorityClassName", '"high"'),
            ("tolerations", '[{"key":"edge","operator":"Exists"}]'),
        ),
        service_type="NodePort",
        external_traffic_policy="Local",
        drain=300,
        log_level="debug",
        concurrency=4,
    )


def test_what_is_left_out_follows_from_the_rest():
    assert settings.of({"maxReplicas": "3", "replicas": "5"}).autoscaling == Autoscaling(3, 3, 80)
    assert settings.of({"memoryLimit": "64Mi"}).requests == (("cpu", "20m"), ("memory", "64Mi"))
    assert settings.of({"podDisruptionBudget": "disabled"}).disruption == ""
    assert settings.of({"loadBalancerClass": "x.example/y"}).load_balancer_class == "x.example/y"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("replicas", "0", "from 1 to 1000"),
        ("replicas", "1001", "from 1 to 1000"),
        ("replicas", "two", "from 1 to 1000"),
        ("replicas", "²", "from 1 to 1000"),
        ("replicas", "9" * 5000, "from 1 to 1000"),
        ("cpuRequest", "0", "more than 0"),
        ("cpuRequest", "-1", "a quantity"),
        ("cpuRequest", "100 m", "a quantity"),
        ("memoryLimit", "1GiB", "a quantity"),
        ("memoryLimit", "1e3", "a quantity"),
        ("serviceType", "loadbalancer", "LoadBalancer or ClusterIP or NodePort"),
        ("externalTrafficPolicy", "Node", "Cluster or Local"),
        ("loadBalancerClass", "a b", "load balancer class"),
        ("podDisruptionBudget", "0", "1 or 25%"),
        ("podDisruptionBudget", "101%", "1 or 25%"),
        ("drainSeconds", "0", "from 1 to 3600"),
        ("logLevel", "loud", "debug or info"),
        ("concurrency", "0", "from 1 to 256"),
        ("targetCPUUtilization", "80%", "from 1 to 1000"),
        ("nodeSelector", "a", "nodeSelector"),
        ("nodeSelector", "a: on", "nodeSelector.a: must be a string"),
        ("tolerations", "[{key: a, operater: Exists}]", "tolerations[0].operater"),
        ("tolerations", "[", "cannot be read"),
        ("affinity", "{nodeAffinity: {required: []}}", "affinity.nodeAffinity.required"),
        ("topologySpreadConstraints", "[{maxSkew: 0}]", "topologySpreadConstraints[0]"),
        ("priorityClassName", "Hi!", "PriorityClass"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_words(name, value, words):
    with pytest.raises(SettingError) as refused:
        settings.check(name, value)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"minReplicas": "2"}, "minReplicas needs maxReplicas"),
        ({"targetCPUUtilization": "50"}, "targetCPUUtilization needs maxReplicas"),
        ({"minReplicas": "3", "maxReplicas": "2"}, "minReplicas is more than maxReplicas"),
        ({"cpuRequest": "2", "cpuLimit": "1500m"}, "cpuRequest is more than cpuLimit"),
        ({"serviceType": "ClusterIP", "externalTrafficPolicy": "Local"}, "externalTrafficPolicy"),
        ({"serviceType": "NodePort", "loadBalancerClass": "a"}, "loadBalancerClass"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given, words):
    for name, value in given.items():
        settings.check(name, value)
    with pytest.raises(SettingError) as refused:
        settings.of(given)
    assert words in str(refused.value)


def test_the_gateways_settings_win_over_those_of_its_class():
    world = World(
        CLASS, of_class(replicas="2", logLevel="info"), own(replicas="5"), GATEWAY, standalone=False
    )
    found = world.outputs.fleet.get("gateway/default/gate").deployment
    assert (found.replicas, found.log_level) == (5, "info")


@pytest.mark.parametrize("kind", ["ClusterIP", "NodePort"])
def test_a_gateway_of_another_type_of_service_leaves_what_its_class_says_of_load_balancers(kind):
    defaults = of_class(loadBalancerClass="x.example/y", logLevel="info")
    world = World(CLASS, defaults, own(serviceType=kind), GATEWAY, standalone=False)
    found = world.outputs.fleet.get("gateway/default/gate").deployment
    assert (found.service_type, found.load_balancer_class, found.log_level) == (kind, "", "info")
    world.apply(of_class(externalTrafficPolicy="Local"))
    found = world.outputs.fleet.get("gateway/default/gate").deployment
    assert found.external_traffic_policy == ("" if kind == "ClusterIP" else "Local")


def test_a_mistake_names_the_key_and_what_it_can_be():
    world = World(CLASS, of_class(), own(replicas="many"), GATEWAY)
    status, reason, message = accepted(world)
    assert (status, reason) == ("False", "InvalidParameters")
    assert "ConfigMap default/own: replicas is 'many'; write a number from 1 to 1000" in message
    world.apply(own(replica="2"))
    assert "has the key 'replica'; did you mean replicas?" in accepted(world)[2]
    world.apply(own(colour="blue"))
    assert "known are http3, proxyProtocol, accessLog, replicas" in accepted(world)[2]
    world.apply(own(tolerations=json.dumps(["x" * 5000])))
    assert len(accepted(world)[2]) < 400


def test_a_contradiction_is_told_where_it_was_made():
    world = World(CLASS, of_class(cpuLimit="1"), own(cpuRequest="2"), GATEWAY)
    assert "spec.infrastructure.parametersRef: cpuRequest is more" in accepted(world)[2]
    world.apply(of_class(minReplicas="2"), own())
    assert accepted(world)[1] == "InvalidParameters"
    told = world.report("GatewayClass", "ours", "").conditions[0]
    assert (told.status, told.reason) == ("False", "InvalidParameters")
    assert "minReplicas needs maxReplicas" in told.message


def test_without_a_cluster_they_have_no_effect():
    settings_of_both = own(replicas="3", serviceType="ClusterIP")
    world = World(CLASS, of_class(), settings_of_both, GATEWAY)
    assert accepted(world)[0] == "True"
    assert world.outputs.fleet.get("gateway/default/gate").deployment == Deployment()
