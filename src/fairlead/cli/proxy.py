"""`fairlead proxy`: the main process of a Gateway's pod."""

import socket
import sys
from pathlib import Path

import click

from fairlead.cli.command import LOG_LEVELS, Command
from fairlead.ir import ports

_FILE = click.Path(dir_okay=False, path_type=Path)
_DIRECTORY = click.Path(file_okay=False, path_type=Path)
_MOUNTS = Path("/var/run/fairlead")


@click.command(
    cls=Command,
    examples=("fairlead proxy --proxy gateway/shop/edge --xds fairlead.fairlead-system.svc:15010",),
    short_help="Run a Gateway's Envoy; the main process of its pods.",
)
@click.option(
    "--proxy",
    required=True,
    envvar="FAIRLEAD_PROXY",
    metavar="gateway/NAMESPACE/NAME",
    help="The Gateway that is served.  [env: FAIRLEAD_PROXY]",
)
@click.option(
    "--pod", envvar="POD_NAME", help="Name of the pod.  [env: POD_NAME; default: the host's name]"
)
@click.option(
    "--xds",
    required=True,
    envvar="FAIRLEAD_XDS",
    metavar="HOST:PORT",
    help="The control plane.  [env: FAIRLEAD_XDS]",
)
@click.option(
    "--token-file",
    type=_FILE,
    default=_MOUNTS / "token" / "token",
    show_default=True,
    help="The service account's token, for the audience fairlead. Read anew for each stream.",
)
@click.option(
    "--ca-file",
    type=_FILE,
    default=_MOUNTS / "config" / "ca.crt",
    show_default=True,
    help="Authorities that vouch for the control plane. Read anew for each stream.",
)
@click.option(
    "--snapshot-file",
    type=_FILE,
    default=_MOUNTS / "snapshot" / "snapshot",
    show_default=True,
    help="The last configuration, served while no control plane is there; need not exist.",
)
@click.option(
    "--runtime-dir",
    type=_DIRECTORY,
    default=Path("/run/fairlead/proxy"),
    show_default=True,
    help="For sockets and Envoy's bootstrap.",
)
@click.option(
    "--health-port",
    type=click.IntRange(0, 65535),
    default=ports.PROXY_HEALTH,
    show_default=True,
    help="Answers /ready, /healthz and /metrics.",
)
@click.option(
    "--drain-seconds",
    type=click.FloatRange(0, 3600),
    default=30,
    show_default=True,
    envvar="FAIRLEAD_DRAIN_SECONDS",
    help="How long clients may finish after SIGTERM.  [env: FAIRLEAD_DRAIN_SECONDS]",
)
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1024),
    envvar="FAIRLEAD_CONCURRENCY",
    help="Worker threads of Envoy.  [env: FAIRLEAD_CONCURRENCY; default: by the CPU limit]",
)
@click.option(
    "--log-level",
    type=click.Choice(LOG_LEVELS),
    default="warning",
    show_default=True,
    envvar="FAIRLEAD_LOG_LEVEL",
    help="Of Envoy and what runs it.  [env: FAIRLEAD_LOG_LEVEL]",
)
def proxy(
    *,
    proxy: str,
    pod: str | None,
    xds: str,
    token_file: Path,
    ca_file: Path,
    snapshot_file: Path,
    runtime_dir: Path,
    health_port: int,
    drain_seconds: float,
    concurrency: int | None,
    log_level: str,
) -> None:
    """Run the Envoy of a Gateway in its pod, configured by the control plane.

    Fairlead's controller starts this; there is no need to run it by hand. SIGTERM tells clients to
    leave, lets them finish their requests and closes; Ctrl-C, or a second signal, does not wait.

    Exit codes: 0 stopped by SIGTERM, 130 by Ctrl-C, 1 it could not start, 2 wrong usage.
    """
    from fairlead.app.proxy import ProxyError, ProxySettings, main  # noqa: PLC0415 - as others
    from fairlead.dataplane.drain import Patience  # noqa: PLC0415

    settings = ProxySettings(
        proxy=proxy,
        instance=pod or socket.gethostname(),
        xds=xds,
        token=token_file,
        authorities=ca_file,
        snapshot=snapshot_file,
        runtime_dir=runtime_dir,
        health_port=health_port,
        drain=Patience(least=min(5.0, drain_seconds), most=drain_seconds),
        concurrency=concurrency,
        log_level=log_level,
    )
    try:
        code = main(settings)
    except ProxyError as error:
        raise click.ClickException(str(error)) from None
    sys.exit(code)
