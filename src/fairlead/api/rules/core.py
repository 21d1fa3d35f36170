"""Rules of Kubernetes' own kinds, as far as their fields are read here."""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping

from fairlead.api.cluster_trust_bundle import ClusterTrustBundle
from fairlead.api.codes import Code
from fairlead.api.config_map import ConfigMap
from fairlead.api.deployment import Deployment
from fairlead.api.endpoint_slice import EndpointSlice
from fairlead.api.finding import Finding, Path
from fairlead.api.ip import is_ip
from fairlead.api.pod import Pod, PodSpec
from fairlead.api.rules.unique import unique
from fairlead.api.scalar import LABEL
from fairlead.api.secret import Secret
from fairlead.api.service import Service, ServiceSpec

_PORT_NAME = re.compile(LABEL)
_PORT_NAME_LIMIT = 63
_CERTIFICATE = "-----BEGIN CERTIFICATE-----"
_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")


def service(obj: Service) -> Iterator[Finding]:
    """Ports are there, told apart and named; addresses are addresses."""
    spec = obj.spec
    path: Path = ("spec", "ports")
    if not spec.ports and spec.type != "ExternalName" and not spec.headless:
        yield Finding(Code.REQUIRED, ("spec",), "`ports` is required", "add at least one port")
    if spec.type == "ExternalName" and not spec.external_name:
        message = "type ExternalName needs `externalName`"
        yield Finding(Code.RULE, ("spec",), message, "add `externalName`")
    if len(spec.ports) > 1:
        yield from _several_ports(path, spec)
    for index, port in enumerate(spec.ports):
        if port.name and (len(port.name) > _PORT_NAME_LIMIT or not _PORT_NAME.fullmatch(port.name)):
            message = f"`{port.name}` cannot be the name of a port"
            remedy = "use lower case letters, digits and `-`"
            yield Finding(Code.BOUNDS, (*path, index, "name"), message, remedy)
    if spec.cluster_ip and not spec.headless and not is_ip(spec.cluster_ip):
        message = f"`{spec.cluster_ip}` is no IP address"
        remedy = "write an address, `None` for a headless Service, or nothing"
        yield Finding(Code.BOUNDS, ("spec", "clusterIP"), message, remedy)


def _several_ports(path: Path, spec: ServiceSpec) -> Iterator[Finding]:
    for index, port in enumerate(spec.ports):
        if not port.name:
            message = "a Service with several ports names all of them"
            yield Finding(Code.REQUIRED, (*path, index), message, "add a `name`")
    names = [port.name or None for port in spec.ports]
    yield from unique(path, names, "port {first} is named `{key}` too", "rename one of them")
    numbers = [(port.port, port.protocol) for port in spec.ports]
    yield from unique(path, numbers, "is the same port as entry {first}", "remove one of them")


def endpoint_slice(obj: EndpointSlice) -> Iterator[Finding]:
    """Addresses are of the slice's type, ports are told apart by name."""
    for index, endpoint in enumerate(obj.endpoints):
        path: Path = ("endpoints", index, "addresses")
        if not endpoint.addresses:
            message = "an endpoint has at least one address"
            yield Finding(Code.REQUIRED, path, message, "add its address or remove the entry")
        for position, address in enumerate(endpoint.addresses):
            if obj.address_type != "FQDN" and not is_ip(address, obj.address_type):
                message = f"`{address}` is no {obj.address_type} address"
                yield Finding(Code.BOUNDS, (*path, position), message)
    names = [port.name for port in obj.ports]
    yield from unique(
        ("ports",), names, "port {first} has the same name `{key}`", "rename one of them"
    )


def pod(obj: Pod) -> Iterator[Finding]:
    """Containers are there and told apart."""
    yield from _pod_spec(("spec",), obj.spec)


def deployment(obj: Deployment) -> Iterator[Finding]:
    """The pods that the template makes are those that the selector selects."""
    spec = obj.spec
    yield from _pod_spec(("spec", "template", "spec"), spec.template.spec)
    if not spec.selector.match_labels and not spec.selector.match_expressions:
        message = "an empty selector would select every pod"
        remedy = "add `matchLabels` with labels of the template"
        yield Finding(Code.RULE, ("spec", "selector"), message, remedy)
    elif not spec.selector.matches(spec.template.metadata.labels):
        yield Finding(
            Code.RULE,
            ("spec", "template", "metadata", "labels"),
            "the labels of the template do not satisfy `spec.selector`",
            "give the template the labels that the selector asks for",
        )


def _pod_spec(path: Path, spec: PodSpec) -> Iterator[Finding]:
    if not spec.containers:
        message = "a pod has at least one container"
        yield Finding(Code.REQUIRED, (*path, "containers"), message, "add a container")
    names = [container.name for container in spec.containers]
    yield from unique(
        (*path, "containers"), names, "container {first} is named `{key}` too", "rename one of them"
    )


def secret(obj: Secret) -> Iterator[Finding]:
    """Keys are file names, `data` is base64. No finding repeats a value."""
    yield from _keys("data", obj.data)
    yield from _keys("stringData", obj.string_data)
    for key, value in obj.data.items():
        yield from _base64(("data", key), value, "move the text to `stringData`, or encode it")


def config_map(obj: ConfigMap) -> Iterator[Finding]:
    """Keys are file names and stand once, `binaryData` is base64."""
    yield from _keys("data", obj.data)
    yield from _keys("binaryData", obj.binary_data)
    for key, value in obj.binary_data.items():
        if key in obj.data:
            message = f"`{key}` is in `data` already"
            yield Finding(Code.NOT_UNIQUE, ("binaryData", key), message, "rename one of them")
        yield from _base64(("binaryData", key), value, "move the text to `data`, or encode it")


def cluster_trust_bundle(obj: ClusterTrustBundle) -> Iterator[Finding]:
    """The signer's bundles are named after it, the others are not; there is a certificate."""
    signer = obj.spec.signer_name
    prefix = signer.replace("/", ":")
    if obj.metadata.name.rpartition(":")[0] != prefix:
        wrong = f"does not begin with `{prefix}:`" if signer else "has a colon, but no signer"
        message = f"`{obj.metadata.name}` {wrong}"
        remedy = "bundles of a signer are named SIGNER:NAME, with `:` for `/`, others just NAME"
        yield Finding(Code.BAD_NAME, ("metadata", "name"), message, remedy)
    if _CERTIFICATE not in obj.spec.trust_bundle:
        message = "holds no certificate"
        remedy = f"add PEM that begins with {_CERTIFICATE}"
        yield Finding(Code.BOUNDS, ("spec", "trustBundle"), message, remedy)


def _keys(field: str, values: Mapping[str, str]) -> Iterator[Finding]:
    for key in values:
        if not _KEY.fullmatch(key) or key in {".", ".."}:
            message = f"`{key}` cannot be a key"
            remedy = "use letters, digits, `-`, `_` and `.`"
            yield Finding(Code.BOUNDS, (field, key), message, remedy)


def _base64(path: Path, value: str, remedy: str) -> Iterator[Finding]:
    try:
        b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError):
        yield Finding(Code.BOUNDS, path, "the value is not base64", remedy)
