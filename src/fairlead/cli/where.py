"""Which instance a command asks: a standalone one of this machine, or Fairlead in a cluster.

What is asked for explicitly counts, options before variables. Else the standalone instance if one
runs, else the cluster if there is a kubeconfig. As `kubectl fairlead` it is always the cluster.
"""

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from fairlead.app.instance import (
    STATE_DIR_VARIABLE,
    default_state_dir,
    read_instance,
)
from fairlead.cli.client import Client, NotPermitted
from fairlead.cli.command import is_plugin

if TYPE_CHECKING:
    from fairlead.cli.cluster import Cluster
    from fairlead.cli.reading import Reading
    from fairlead.providers.kube.listing import Listing

CLUSTER_VARIABLE = "FAIRLEAD_CLUSTER"
NAMESPACE_VARIABLE = "FAIRLEAD_SYSTEM_NAMESPACE"
SYSTEM_NAMESPACE = "fairlead-system"
DEFAULT_NAMESPACE = "default"

_P = ParamSpec("_P")
_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class ClusterPlace:
    """Where in which cluster Fairlead is installed."""

    kubeconfig: Path | None = None
    """None for the one that kubectl would read."""
    context: str | None = None
    """None for the current one."""
    namespace: str = SYSTEM_NAMESPACE


class Where:
    """The choice of one command line, made when it is first needed."""

    def __init__(
        self,
        *,
        state_dir: Path | None = None,
        cluster: bool = False,
        place: ClusterPlace | None = None,
        plugin: bool = False,
    ) -> None:
        self._state_dir = state_dir
        self.plugin = plugin
        """Whether we run as `kubectl fairlead`."""
        self.wants_cluster = plugin or cluster or place is not None
        """Whether a cluster is asked for, by options or by how we are called."""
        self._place = place or ClusterPlace(namespace=_system_namespace())
        if state_dir is not None and self.wants_cluster:
            whose = "kubectl fairlead" if plugin else "--cluster, --context or --kubeconfig"
            raise click.UsageError(f"--state-dir names an instance of this machine, {whose} none")

    @functools.cached_property
    def cluster(self) -> "Cluster | None":
        """The cluster that is asked, None for a standalone instance.

        Raises:
            click.ClickException: a cluster is asked for, and cannot be used.
        """
        if not self._is_cluster():
            return None
        from fairlead.cli.cluster import Cluster  # noqa: PLC0415 - heavy

        place = self._place
        return Cluster.found(place.kubeconfig, place.context, place.namespace)

    @property
    def client(self) -> Client:
        """To ask the instance. Raises click.ClickException as `cluster` does."""
        cluster = self.cluster
        return Client(self._state_dir if cluster is None else cluster)

    @property
    def namespace(self) -> str:
        """The namespace that objects are in if nobody says: the kubeconfig's in a cluster."""
        cluster = self.cluster
        return DEFAULT_NAMESPACE if cluster is None else cluster.namespace

    def reading(self, refusal: NotPermitted, *namespaces: str) -> "Reading":
        """Answers from what the user may read; tells so. Only after `refusal` of the cluster.

        Args:
            refusal: of the control plane.
            namespaces: to read at least; the kubeconfig's if there is none.
        """
        return self._reading(namespaces, refusal.message)

    def listing(self, namespace: str | None) -> "Listing":
        """All that the user may read of the cluster; tells what is hidden.

        Args:
            namespace: to read at least; None for the kubeconfig's.
        """
        self.wants_cluster = True
        return self._reading((namespace or self.namespace,)).listing

    def _reading(self, namespaces: tuple[str, ...], refusal: str = "") -> "Reading":
        from fairlead.cli.reading import Reading  # noqa: PLC0415 - heavy

        cluster = self.cluster
        if cluster is None:
            raise RuntimeError("no cluster was chosen")
        return Reading(cluster, namespaces or (cluster.namespace,), refusal)

    def _is_cluster(self) -> bool:
        if self.wants_cluster:
            return True
        if self._state_dir is not None:
            return False
        if os.environ.get(CLUSTER_VARIABLE, "") not in {"", "0", "false"}:
            return True
        if os.environ.get(STATE_DIR_VARIABLE):
            return False
        instance = read_instance(default_state_dir())
        runs = instance is not None and instance.api_socket.exists()
        known = _has_kubeconfig()
        if instance is not None and runs:
            if known:
                who = f"the instance on this machine (pid {instance.pid})"
                click.echo(f"asking {who}; --cluster asks the cluster", err=True)
            return False
        return known


def instance_options(command: Callable[_P, _R]) -> Callable[..., _R]:
    """Give a command the options that choose an instance; it gets them as `where: Where`."""
    return state_dir_option(_with_where(command))


def cluster_options(command: Callable[_P, _R]) -> Callable[..., _R]:
    """The same for a command that looks at a cluster, and asks no instance of this machine."""
    return _with_where(command)


def _with_where(command: Callable[_P, _R]) -> Callable[..., _R]:
    @functools.wraps(command)
    def chosen(
        *arguments: Any,  # noqa: ANN401 - the command's own
        cluster: bool,
        context: str | None,
        kubeconfig: Path | None,
        system_namespace: str | None,
        state_dir: Path | None = None,
        **options: Any,  # noqa: ANN401 - the command's own
    ) -> _R:
        named = context is not None or kubeconfig is not None or system_namespace is not None
        namespace = system_namespace or _system_namespace()
        place = ClusterPlace(kubeconfig, context, namespace) if named else None
        plugin = is_plugin(click.get_current_context())
        where = Where(state_dir=state_dir, cluster=cluster, place=place, plugin=plugin)
        return command(*arguments, **{**options, "where": where})  # type: ignore[arg-type]

    for option in reversed(_OPTIONS):
        chosen = option(chosen)
    return chosen


state_dir_option = click.option(
    "--state-dir",
    type=click.Path(file_okay=False, path_type=Path),
    help=f"State directory, which tells instances apart.  [env: {STATE_DIR_VARIABLE}]",
)
namespace_option = click.option(
    "-n",
    "--namespace",
    help=f"Namespace.  [default: {DEFAULT_NAMESPACE}; in a cluster the kubeconfig's]",
)
_OPTIONS = (
    click.option(
        "--cluster",
        is_flag=True,
        help="Ask Fairlead in the kubeconfig's cluster, also if an instance runs here.  "
        f"[env: {CLUSTER_VARIABLE}]",
    ),
    click.option("--context", metavar="NAME", help="Context of the kubeconfig; means --cluster."),
    click.option(
        "--kubeconfig",
        type=click.Path(dir_okay=False, exists=True, path_type=Path),
        help="Kubeconfig file; means --cluster.",
    ),
    click.option(
        "--system-namespace",
        metavar="NAMESPACE",
        help="Where Fairlead is installed; means --cluster.  "
        f"[env: {NAMESPACE_VARIABLE}, default: {SYSTEM_NAMESPACE}]",
    ),
)


def _system_namespace() -> str:
    return os.environ.get(NAMESPACE_VARIABLE) or SYSTEM_NAMESPACE


def _has_kubeconfig() -> bool:
    """Whether kubectl would find a cluster here."""
    if os.environ.get("KUBECONFIG"):
        return True
    return (Path.home() / ".kube" / "config").is_file()
