"""`fairlead controller`: the role that serves a Kubernetes cluster."""

import ipaddress
import socket
import sys
from pathlib import Path

import click

from fairlead.cli.command import LOG_LEVELS, Command
from fairlead.cli.where import SYSTEM_NAMESPACE
from fairlead.ir import ports

PORT = click.IntRange(1, 65535)


def _ip_addresses(_context: click.Context, option: click.Parameter, text: str) -> tuple[str, ...]:
    """The addresses of a list, as `status.podIPs` gives it."""
    try:
        return tuple(str(ipaddress.ip_address(each)) for each in text.split(",") if each)
    except ValueError as error:
        raise click.BadParameter(f"{error}", param=option) from None


@click.command(
    cls=Command,
    examples=(
        "fairlead controller",
        "fairlead controller --kubeconfig ~/.kube/config --xds-address 192.0.2.10:15010",
    ),
    short_help="Serve the Gateways of a Kubernetes cluster.",
)
@click.option(
    "--namespace", envvar="POD_NAMESPACE", default=SYSTEM_NAMESPACE, show_default=True,
    help="The controller's own namespace.  [env: POD_NAMESPACE]",
)  # fmt: skip
@click.option(
    "--pod", envvar="POD_NAME",
    help="Name of this replica.  [env: POD_NAME; default: the host's name]",
)  # fmt: skip
@click.option(
    "--pod-uid", envvar="POD_UID", default="",
    help="UID of this replica's pod, if it is one; what it publishes goes with it.  [env: POD_UID]",
)  # fmt: skip
@click.option(
    "--pod-ips", envvar="POD_IPS", default="", metavar="IP,...", callback=_ip_addresses,
    help="Addresses of this replica's pod: proxies serve the IP families that it has.  "
    "[env: POD_IPS; default: IPv4]",
)  # fmt: skip
@click.option(
    "--image", envvar="FAIRLEAD_IMAGE", default="fairlead", show_default=True,
    help="Image of the proxies.  [env: FAIRLEAD_IMAGE]",
)  # fmt: skip
@click.option(
    "--image-pull-policy", envvar="FAIRLEAD_IMAGE_PULL_POLICY", default="",
    type=click.Choice(("", "Always", "IfNotPresent", "Never")),
    help="Of the proxies.  [env: FAIRLEAD_IMAGE_PULL_POLICY; default: the cluster's]",
)  # fmt: skip
@click.option(
    "--controller-name", envvar="FAIRLEAD_CONTROLLER_NAME",
    default="fairlead.dev/gateway-controller", show_default=True,
    help="GatewayClasses with this spec.controllerName are served.",
)  # fmt: skip
@click.option(
    "--xds-address", envvar="FAIRLEAD_XDS", metavar="HOST:PORT",
    help="Where proxies reach the control plane.  [default: the Service fairlead]",
)  # fmt: skip
@click.option("--xds-port", type=PORT, default=ports.XDS, show_default=True, help="For proxies.")
@click.option(
    "--health-port", type=PORT, default=ports.CONTROLLER_HEALTH, show_default=True,
    help="For probes and metrics.",
)  # fmt: skip
@click.option(
    "--api-port", type=PORT, default=ports.CONTROLLER_API, show_default=True,
    help="For the commands, on the loopback address.",
)  # fmt: skip
@click.option(
    "--snapshots/--no-snapshots", envvar="FAIRLEAD_SNAPSHOTS", default=True, show_default=True,
    help="Keep each proxy's configuration in a Secret, for proxies that start while no replica is "
    "up.",
)  # fmt: skip
@click.option("--cluster-domain", default="cluster.local", show_default=True, help="Of the DNS.")
@click.option(
    "--kubeconfig", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Instead of the pod's service account.",
)  # fmt: skip
@click.option("--context", help="Of the kubeconfig.")
@click.option("--log-level", type=click.Choice(LOG_LEVELS), default="info", show_default=True)
def controller(
    *,
    namespace: str,
    pod: str | None,
    pod_uid: str,
    pod_ips: tuple[str, ...],
    image: str,
    image_pull_policy: str,
    controller_name: str,
    xds_address: str | None,
    xds_port: int,
    health_port: int,
    api_port: int,
    snapshots: bool,
    cluster_domain: str,
    kubeconfig: Path | None,
    context: str | None,
    log_level: str,
) -> None:
    """Serve the Gateways of a Kubernetes cluster; 'fairlead install' runs it there.

    Any number of replicas may run: each serves proxies, and the one that holds the Lease writes
    status and makes what Gateways need.

    Exit codes: 0 after SIGTERM, 130 after Ctrl-C, 1 it could not start, 2 wrong usage.
    """
    from fairlead.app.control import StartError, main  # noqa: PLC0415 - heavy
    from fairlead.app.settings import ControllerSettings  # noqa: PLC0415

    settings = ControllerSettings(
        namespace=namespace,
        pod=pod or socket.gethostname(),
        pod_uid=pod_uid,
        pod_ips=pod_ips,
        image=image,
        image_pull_policy=image_pull_policy,
        xds_address=xds_address or f"fairlead.{namespace}.svc:{ports.XDS}",
        controller_name=controller_name,
        kubeconfig=kubeconfig,
        context=context,
        xds_port=xds_port,
        health_port=health_port,
        api_port=api_port,
        snapshots=snapshots,
        cluster_domain=cluster_domain,
        log_level=log_level,
    )
    try:
        code = main(settings)
    except StartError as error:
        raise click.ClickException(str(error)) from None
    sys.exit(code)
