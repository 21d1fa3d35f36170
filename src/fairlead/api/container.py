"""Container (core/v1): what running a pod as local processes needs of it."""

from fairlead.api.metadata import Protocol
from fairlead.api.model import Lenient
from fairlead.api.scalar import NonNegative, PortNumber, Positive


class ContainerPort(Lenient, frozen=True, kw_only=True):
    """corev1.ContainerPort."""

    container_port: PortNumber
    name: str = ""
    protocol: Protocol = "TCP"


class KeySelector(Lenient, frozen=True, kw_only=True):
    """A key of a ConfigMap or Secret in the pod's namespace."""

    key: str
    name: str = ""
    optional: bool = False


class FieldSelector(Lenient, frozen=True, kw_only=True):
    """corev1.ObjectFieldSelector, such as `metadata.name` or `status.podIP`."""

    field_path: str


class EnvVarSource(Lenient, frozen=True, kw_only=True):
    """corev1.EnvVarSource; one field is set."""

    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None
    field_ref: FieldSelector | None = None


class EnvVar(Lenient, frozen=True, kw_only=True):
    """corev1.EnvVar."""

    name: str
    value: str = ""
    value_from: EnvVarSource | None = None


class EnvSource(Lenient, frozen=True, kw_only=True):
    """A whole ConfigMap or Secret."""

    name: str = ""
    optional: bool = False


class EnvFromSource(Lenient, frozen=True, kw_only=True):
    """corev1.EnvFromSource."""

    prefix: str = ""
    config_map_ref: EnvSource | None = None
    secret_ref: EnvSource | None = None


class HTTPHeader(Lenient, frozen=True, kw_only=True):
    """corev1.HTTPHeader of a probe."""

    name: str
    value: str


class HTTPGetAction(Lenient, frozen=True, kw_only=True):
    """corev1.HTTPGetAction; `port` is a number or the name of a container port."""

    port: PortNumber | str
    path: str = "/"
    host: str = ""
    scheme: str = "HTTP"
    http_headers: tuple[HTTPHeader, ...] = ()


class TCPSocketAction(Lenient, frozen=True, kw_only=True):
    """corev1.TCPSocketAction."""

    port: PortNumber | str
    host: str = ""


class ExecAction(Lenient, frozen=True, kw_only=True):
    """corev1.ExecAction."""

    command: tuple[str, ...] = ()


class GRPCAction(Lenient, frozen=True, kw_only=True):
    """corev1.GRPCAction."""

    port: PortNumber
    service: str = ""


class Probe(Lenient, frozen=True, kw_only=True):
    """corev1.Probe; times in whole seconds."""

    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    exec: ExecAction | None = None
    grpc: GRPCAction | None = None
    initial_delay_seconds: NonNegative = 0
    period_seconds: Positive = 10
    timeout_seconds: Positive = 1
    success_threshold: Positive = 1
    failure_threshold: Positive = 3


class Container(Lenient, frozen=True, kw_only=True):
    """corev1.Container."""

    name: str
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = ""
    ports: tuple[ContainerPort, ...] = ()
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFromSource, ...] = ()
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    startup_probe: Probe | None = None
    restart_policy: str | None = None
    """`Always` on an init container makes it a sidecar."""
