"""What the user asked of an instance, or of a controller."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from fairlead import api
from fairlead.ir import ports


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Options of `fairlead run`; None leaves a choice to the instance."""

    paths: tuple[str, ...]
    """Directories, files, ``-`` for standard input."""
    port_offset: int | None = None
    """Added to Gateway ports below 1024."""
    images: Mapping[str, str] = field(default_factory=dict[str, str])
    """Image name to command line."""
    state_dir: Path | None = None
    status_dir: Path | None = None
    concurrency: int | None = None
    """Worker threads of each Envoy."""
    log_level: str = "warning"
    access_log: bool = False
    """Whether proxies log each request."""
    channel: api.Channel = "experimental"
    """The channel of Gateway API whose fields count."""


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """Options of `fairlead controller`."""

    namespace: str
    """Where the controller itself lives: its Lease, its certificate, its replicas."""
    pod: str
    """Name of this replica's pod, by which others know it."""
    image: str
    """Of the proxies that Gateways get."""
    xds_address: str
    """``host:port`` by which proxies reach any replica."""
    controller_name: str
    """Of the GatewayClasses that are served (`spec.controllerName`)."""
    kubeconfig: Path | None = None
    image_pull_policy: str = ""
    """Of the proxies; empty for the cluster's default."""
    pod_uid: str = ""
    """UID of that pod; empty where this replica is none."""
    pod_ips: tuple[str, ...] = ()
    """Addresses of that pod: what proxies' pods have as well."""
    context: str | None = None
    """Of the kubeconfig; None for the current one, or the pod's own service account."""
    xds_port: int = ports.XDS
    health_port: int = ports.CONTROLLER_HEALTH
    api_port: int = ports.CONTROLLER_API
    """On the loopback address; for the commands, by port-forward."""
    snapshots: bool = True
    """Whether the last configuration of each proxy is kept for those that start while no replica
    is up."""
    cluster_domain: str = "cluster.local"
    log_level: str = "info"

    @property
    def bind_addresses(self) -> tuple[str, ...]:
        """All addresses, of each IP family that pods have; of IPv4 where none is known."""
        versions = sorted({ip_address(each).version for each in self.pod_ips}) or [4]
        return tuple({4: "0.0.0.0", 6: "::"}[each] for each in versions)  # noqa: S104 - of a pod
