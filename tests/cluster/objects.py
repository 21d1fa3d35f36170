"""Objects that the tests apply, as small as they can be."""

from typing import Any

Object = dict[str, Any]
API = "gateway.networking.k8s.io/v1"
CLASS = "fairlead"
ECHO = "hashicorp/http-echo:1.0"


def gateway(namespace: str, name: str = "web", *listeners: Object, **spec: object) -> Object:
    """A Gateway of our class; without listeners given, one for HTTP on port 80."""
    http = {"name": "http", "protocol": "HTTP", "port": 80}
    return {
        "apiVersion": API,
        "kind": "Gateway",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"gatewayClassName": CLASS, "listeners": list(listeners) or [http], **spec},
    }


def route(
    namespace: str, name: str, host: str, *backends: str, gateway: str = "web", **rule: object
) -> Object:
    """An HTTPRoute of one rule that splits `host` evenly over Services' port 80."""
    refs = [{"name": each, "port": 80} for each in backends]
    return {
        "apiVersion": API,
        "kind": "HTTPRoute",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "parentRefs": [{"name": gateway}],
            "hostnames": [host],
            "rules": [{"backendRefs": refs, **rule}],
        },
    }


def backend(namespace: str, name: str, replicas: int = 1) -> tuple[Object, Object]:
    """A Deployment that answers with its own name, and its Service on port 80."""
    labels = {"app": name}
    container = {
        "name": "echo",
        "image": ECHO,
        "args": [f"-text={name}", "-listen=:5678"],
        "ports": [{"containerPort": 5678}],
        "readinessProbe": {"tcpSocket": {"port": 5678}, "periodSeconds": 1},
    }
    template = {
        "metadata": {"labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 5},
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }
    return deployment, service(namespace, name, selector=labels)


def service(namespace: str, name: str, port: int = 80, **spec: object) -> Object:
    """A Service whose endpoints listen on 5678; without a selector it has none of its own."""
    ports = [{"name": "http", "port": port, "targetPort": 5678, "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"ports": ports, **spec},
    }


def endpoint_slice(namespace: str, service: str, *addresses: str, port: int = 5678) -> Object:
    """The endpoints of a Service without a selector."""
    labels = {"kubernetes.io/service-name": service}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{service}-1", "namespace": namespace, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": [each], "conditions": {"ready": True}} for each in addresses],
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
    }
