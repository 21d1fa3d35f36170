"""What can be chosen when Fairlead is installed; the values of the Helm chart are the same.

In: defaults, files and `KEY=VALUE` settings. Out: checked `Values`. A mistake is a `ValuesError`
that names the key.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias, cast

import msgspec

from fairlead import __version__

DEFAULT_NAMESPACE: Final = "fairlead-system"
OUR_LABELS: Final = tuple(
    f"app.kubernetes.io/{name}" for name in ("name", "instance", "component", "part-of")
)
"""By which the objects of an installation are known."""
CONTROLLER_NAME: Final = "fairlead.dev/gateway-controller"
_RESOURCES: Final = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}}

_DOT: Final = re.compile(r"(?<!\\)\.")

Json: TypeAlias = Mapping[str, Any]
"""A JSON object, given to Kubernetes as it is."""
_NAME: Final = "[a-z0-9]([-a-z0-9.]*[a-z0-9])?"
_Name = Annotated[str, msgspec.Meta(pattern=f"^{_NAME}$", max_length=253)]
_NameOrNone = Annotated[str, msgspec.Meta(pattern=f"^({_NAME})?$", max_length=253)]
_Label = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=63)]


def _told(*lines: str) -> msgspec.Meta:
    """What users are told of a value, in the chart as well."""
    return msgspec.Meta(description="\n".join(lines))


class ValuesError(Exception):
    """A value that cannot be; the message names its key."""


class Values(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Everything that can be chosen, with its default."""

    namespace: Annotated[
        _Label, _told("Where the control plane runs. A chart takes it from --namespace.")
    ] = DEFAULT_NAMESPACE
    image: Annotated[
        str,
        msgspec.Meta(min_length=1),
        _told("Image of the control plane, and of the proxies that it makes."),
    ] = f"fairlead:{__version__}"
    image_pull_policy: Annotated[
        Literal["Always", "IfNotPresent", "Never"], _told("Of the control plane's image.")
    ] = "IfNotPresent"
    image_pull_secrets: Annotated[
        tuple[_Name, ...],
        _told("Names of Secrets in the namespace with which the image is pulled."),
    ] = ()
    replicas: Annotated[
        int,
        msgspec.Meta(ge=1),
        _told("Replicas of the control plane. All serve proxies, one of them writes."),
    ] = 2
    resources: Annotated[Json, _told("Of a replica.")] = msgspec.field(
        default_factory=lambda: dict(_RESOURCES)
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], _told("Of the control plane.")
    ] = "info"
    controller_name: Annotated[
        str,
        msgspec.Meta(pattern=r"^[^/]+/.+$"),
        _told("GatewayClasses with this spec.controllerName are served."),
    ] = CONTROLLER_NAME
    class_name: Annotated[
        _NameOrNone, _told("Name of the GatewayClass that is made; empty for none.")
    ] = "fairlead"
    snapshots: Annotated[
        bool,
        _told(
            "Whether the configuration of each proxy is kept in a Secret beside its Gateway, for",
            "proxies that start while no replica is up. It takes the right to write Secrets.",
        ),
    ] = True
    secret_namespaces: Annotated[
        tuple[_Label, ...],
        _told(
            "The only namespaces whose Secrets the control plane may use; empty for all.",
            "Certificates elsewhere are then refused, and Gateways elsewhere have no snapshots.",
        ),
    ] = ()
    cluster_domain: Annotated[str, _told("Domain of the cluster's DNS.")] = "cluster.local"
    node_selector: Annotated[Mapping[str, str], _told("Labels of nodes that replicas run on.")] = {}
    tolerations: Annotated[tuple[Json, ...], _told("Of the replicas.")] = ()
    priority_class_name: Annotated[str, _told("Of the replicas; empty for the default.")] = ""
    labels: Annotated[
        Mapping[str, str],
        _told("Put on every object, and on the control plane's pods."),
        msgspec.Meta(extra_json_schema={"propertyNames": {"not": {"enum": list(OUR_LABELS)}}}),
    ] = {}
    pod_annotations: Annotated[Mapping[str, str], _told("Put on the control plane's pods.")] = {}
    aggregate_roles: Annotated[
        bool,
        _told(
            "Whether who has the built-in role `view` may read all of Gateway API's objects, and",
            "who has `edit` or `admin` may do what an application developer may.",
        ),
    ] = False
    hostname_policy: Annotated[
        bool,
        _told(
            "Whether routes and ListenerSets are held to the annotation",
            "`fairlead.dev/allowed-hostnames` of their namespace, where it has one.",
        ),
    ] = False

    def __post_init__(self) -> None:
        """Refuse labels by which our objects are found again."""
        for name in OUR_LABELS:
            if name in self.labels:
                raise ValueError(f"labels: {name} is ours, installations are told by it; remove it")

    def word(self, field: str) -> str:
        """A field that is no text, as the text of an environment variable."""
        value: object = getattr(self, field)
        return str(value).lower() if isinstance(value, bool) else str(value)

    @property
    def scope(self) -> str:
        """Name of cluster-wide objects: two installations do not share theirs."""
        plain = self.namespace == DEFAULT_NAMESPACE
        return "fairlead" if plain else f"fairlead-{self.namespace}"


def encoded(field: str) -> str:
    """The name that users give to a field of `Values`."""
    return next(each.encode_name for each in msgspec.structs.fields(Values) if each.name == field)


def parse(files: Sequence[Json], settings: Sequence[tuple[str, Any]]) -> Values:
    """Values from files, the last of which wins, then from settings.

    Args:
        files: contents of values files.
        settings: dotted keys such as ``resources.limits.memory`` with their values; a dot that is
            part of a name has a backslash before it, as Helm has it.

    Raises:
        ValuesError: a key is unknown or its value cannot be.
    """
    defaults: dict[str, Any] = msgspec.to_builtins(Values())
    merged = defaults
    for content in files:
        merged = _merged(merged, content)
    for key, value in settings:
        entry: Any = value
        for part in reversed(_DOT.split(key)):
            entry = {part.replace("\\.", "."): entry}
        merged = _merged(merged, entry)
    # A default that was taken away is as good as empty to the chart's templates.
    merged = {key: _empty(value) for key, value in defaults.items()} | merged
    try:
        return msgspec.convert(merged, Values)
    except msgspec.ValidationError as error:
        raise ValuesError(str(error).replace("`$.", "`")) from None


def _empty(default: object) -> object:
    """What is empty of a default's kind; None for numbers, of which none is."""
    return None if type(default) is int else type(default)()


def _merged(under: Json, over: Json) -> dict[str, Any]:
    """Both, the latter winning; a null takes a key away, as Helm has it."""
    found = dict(under)
    for key, value in over.items():
        held = found.get(key)
        if value is None:
            found.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(held, Mapping):
            found[key] = _merged(cast("Json", held), cast("Json", value))
        else:
            found[key] = value
    return found
