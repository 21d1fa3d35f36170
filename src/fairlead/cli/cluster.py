"""Fairlead in a cluster, as commands ask it: by port-forward with the user's own kubeconfig."""

import socket
from pathlib import Path
from typing import Self

import click

from fairlead.app.cluster_link import ClusterLink
from fairlead.app.replica_choice import ClusterError, NotPermittedError
from fairlead.cli.client import NotPermitted
from fairlead.install.part import identity
from fairlead.providers.kube.config import ConfigError, load
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.listing import Listing, read


class Cluster:
    """The way to the control plane of a cluster; a `Transport`.

    Its connections end with the command (click's context).
    """

    def __init__(self, link: ClusterLink) -> None:
        self.link = link
        self._noted = False
        click.get_current_context().call_on_close(link.close)

    @classmethod
    def found(cls, kubeconfig: Path | None, context: str | None, namespace: str) -> Self:
        """Read the kubeconfig; asks nobody yet.

        Args:
            kubeconfig: None for the one that kubectl would read.
            context: None for the current one.
            namespace: in which Fairlead is installed.

        Raises:
            click.ClickException: there is none, or it cannot be used.
        """
        try:
            config = load(kubeconfig, context)
        except ConfigError as error:
            raise click.ClickException(str(error)) from None
        return cls(ClusterLink(config, namespace))

    @property
    def namespace(self) -> str:
        """The namespace of the kubeconfig's context."""
        return self.link.config.namespace or "default"

    @property
    def title(self) -> str:
        """How to call the cluster to its user."""
        config = self.link.config
        return f"context {config.context}" if config.context else config.server

    def connect(self) -> socket.socket:
        """A stream to the API of the replica that is asked."""
        try:
            stream = self.link.connect()
        except NotPermittedError as error:
            raise NotPermitted(str(error)) from None
        except ClusterError as error:
            raise click.ClickException(f"{error} ({self.title})") from None
        except (ApiError, TimeoutError) as error:
            raise self._no_answer(error) from None
        note = self.link.replica().note
        if note and not self._noted:
            self._noted = True
            click.echo(note, err=True)
        return stream

    def listing(self, namespaces: tuple[str, ...]) -> Listing:
        """All objects that the user may read; those of `namespaces` at least.

        Raises:
            click.ClickException: the API server does not answer.
        """
        try:
            installed = identity(self.link.namespace)
            return self.link.ask(lambda client: read(client, namespaces, installed))
        except (ApiError, TimeoutError) as error:
            raise self._no_answer(error) from None

    def _no_answer(self, error: Exception) -> click.ClickException:
        if isinstance(error, ApiError) and error.code:
            return click.ClickException(f"the API server of {self.title} refused: {error}")
        words = str(error) or "it takes too long"
        return click.ClickException(f"the API server of {self.title} gave no answer: {words}")

    def lost(self, error: Exception) -> str:
        """With the replica, and what its node said."""
        pod = self.link.replica().pod
        said = self.link.failure or str(error)
        return f"pod {pod} of Fairlead gave no answer: {said} ({self.title})"
