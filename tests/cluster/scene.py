"""A Gateway in a namespace, its routes and backends, and questions about them."""

from cluster import objects, traffic
from cluster.api import Cluster, Object, wait_for
from cluster.installation import PROXY_LABEL


class Scene:
    """One namespace with one Gateway, called `web`."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace

    def gateway(self, *listeners: Object, **spec: object) -> Object:
        """Apply the Gateway."""
        return self.cluster.apply(objects.gateway(self.namespace, "web", *listeners, **spec))[0]

    def route(self, name: str, host: str, *backends: str, **rule: object) -> Object:
        """Apply an HTTPRoute."""
        return self.cluster.apply(objects.route(self.namespace, name, host, *backends, **rule))[0]

    def backend(self, name: str, replicas: int = 1) -> None:
        """Apply a backend, and wait until its Service has endpoints.

        A Deployment says that its pods are ready before the EndpointSlices do.
        """
        self.cluster.apply(*objects.backend(self.namespace, name, replicas))
        label = f"kubernetes.io/service-name={name}"

        def ready() -> bool:
            slices = self.cluster.list("EndpointSlice", self.namespace, labelSelector=label)
            endpoints = [each for one in slices for each in one.get("endpoints") or ()]
            return sum(each["conditions"].get("ready", False) for each in endpoints) >= replicas

        wait_for(ready, f"backend {name}", 60)

    def live(self, kind: str = "Gateway", name: str = "web") -> Object:
        """The object as it is now."""
        return self.cluster.get(kind, name, self.namespace)

    def attached_routes(self) -> int:
        """What the Gateway's status counts at its first listener."""
        return self.live()["status"]["listeners"][0]["attachedRoutes"]

    def settings(self, **data: str) -> Object:
        """Apply a ConfigMap with settings; what names it in a Gateway's `spec.infrastructure`."""
        metadata = {"name": "settings", "namespace": self.namespace}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        self.cluster.apply(body)
        return {"parametersRef": {"group": "", "kind": "ConfigMap", "name": "settings"}}

    def owned(self, kind: str) -> list[Object]:
        """What was made of a kind for the Gateway, its pods included."""
        return self.cluster.list(kind, self.namespace, labelSelector=f"{PROXY_LABEL}=web")

    def address(self, seconds: float = 60) -> str:
        """Where the Gateway answers, once it is programmed."""

        def programmed() -> str:
            live = self.live()
            status = live.get("status", {})
            found = condition(status.get("conditions", []), "Programmed")
            current = found.get("observedGeneration") == live["metadata"]["generation"]
            addresses = status.get("addresses", [])
            if found.get("status") == "True" and current and addresses:
                return str(addresses[0]["value"])
            return ""

        return wait_for(programmed, f"Gateway {self.namespace}/web Programmed", seconds)

    def until_served(self, host: str, body: str, seconds: float = 30) -> str:
        """Wait for the Gateway and a host of it; the Gateway's address."""
        address = self.address()
        wait_for(lambda: traffic.get(address, host) == (200, body), f"{host} at {address}", seconds)
        return address


def is_ready(pod: Object) -> bool:
    """Whether a pod is ready."""
    found = condition(pod.get("status", {}).get("conditions", []), "Ready")
    return found.get("status") == "True"


def condition(conditions: list[Object], kind: str) -> Object:
    """The condition of a type; empty if there is none."""
    return next((each for each in conditions if each["type"] == kind), {})
