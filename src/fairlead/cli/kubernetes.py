"""What commands that administer a cluster have in common: its options, and one task in it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fairlead.cli.where import NAMESPACE_VARIABLE, SYSTEM_NAMESPACE

if TYPE_CHECKING:
    from fairlead.providers.kube.client import KubeClient

_T = TypeVar("_T")

_OPTIONS = (
    click.option(
        "--kubeconfig", type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="Instead of the one that kubectl would read.",
    ),
    click.option("--context", help="Of the kubeconfig.  [default: its current one]"),
)  # fmt: skip

namespace_option = click.option(
    "-n", "--namespace", envvar=NAMESPACE_VARIABLE, default=SYSTEM_NAMESPACE, show_default=True,
    help=f"Where the control plane is.  [env: {NAMESPACE_VARIABLE}]",
)  # fmt: skip


def cluster_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options `--kubeconfig` and `--context`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def in_cluster(
    kubeconfig: Path | None, context: str | None, task: Callable[["KubeClient"], Awaitable[_T]]
) -> _T:
    """Do something with a client of the cluster that these options name.

    Raises:
        click.ClickException: there is no such cluster, or it refused; says what to do.
    """
    from fairlead.install.cluster import InstallError  # noqa: PLC0415 - heavy
    from fairlead.providers.kube.client import ApiError, KubeClient  # noqa: PLC0415
    from fairlead.providers.kube.config import ClusterConfig, ConfigError, load  # noqa: PLC0415

    async def run(config: ClusterConfig) -> _T:
        async with KubeClient(config, "fairlead-install") as client:
            return await task(client)

    try:
        return asyncio.run(run(load(kubeconfig, context)))
    except (InstallError, ConfigError, ApiError) as error:
        raise click.ClickException(str(error)) from None
