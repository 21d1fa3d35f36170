"""The objects of an installation on an API server: read, applied, listed, deleted."""

import asyncio
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from fairlead.install.manifests import RESOURCES
from fairlead.install.part import Manifest, identity
from fairlead.install.values import Values
from fairlead.providers.kube.client import ApiError, KubeClient
from fairlead.providers.kube.pages import pages
from fairlead.providers.kube.paths import path_of
from fairlead.providers.kube.watch_event import decoded

MANAGER: Final = "fairlead-install"
LISTED: Final = tuple(
    kind for kind in RESOURCES if kind not in {"Namespace", "CustomResourceDefinition"}
)
"""Kinds of objects that others do not use; those of an installation are found by listing them."""
_OF_GATEWAYS: Final = "gateway.networking.k8s.io/gateway-name"


class InstallError(Exception):
    """What went wrong, with what to do about it."""


class Key(NamedTuple):
    """Names an object of an installation."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """As users write it."""
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind} {place}{self.name}"

    @property
    def path(self) -> str:
        """Where it is on the API server."""
        version, plural, _ = RESOURCES[self.kind]
        return path_of(version, plural, self.namespace, self.name)


def key_of(manifest: Manifest) -> Key:
    """The name of an object."""
    found = manifest["metadata"]
    return Key(manifest["kind"], found.get("namespace", ""), found["name"])


async def find(client: KubeClient, path: str) -> Manifest | None:
    """An object; None if there is none, or no such kind."""
    try:
        return decoded(await client.get(path), dict[str, Any], f"GET {path}")
    except ApiError as error:
        if error.code != HTTPStatus.NOT_FOUND:
            raise
        return None


async def items(client: KubeClient, path: str, **query: str) -> list[Manifest]:
    """The objects of a list; none if there is no such kind."""
    try:
        return await pages(client, path, dict[str, Any], **query)
    except ApiError as error:
        if error.code != HTTPStatus.NOT_FOUND:
            raise
        return []


async def ours(client: KubeClient, values: Values) -> list[tuple[Key, Manifest]]:
    """What is installed: the objects with the labels of this installation.

    What belongs to a Gateway is none of them, whatever labels the Gateway's owner chose for it.
    """
    labels = (f"{name}={value}" for name, value in identity(values.namespace).items())
    selector = ",".join((*labels, f"!{_OF_GATEWAYS}"))
    lists = await asyncio.gather(
        *(items(client, path_of(*RESOURCES[kind][:2]), labelSelector=selector) for kind in LISTED)
    )
    return [
        (key_of({"kind": kind, **each}), each)
        for kind, listed in zip(LISTED, lists, strict=True)
        for each in listed
    ]


async def apply(client: KubeClient, manifest: Manifest, *, force: bool) -> str:
    """Apply one object by server-side apply.

    Args:
        client: of the cluster.
        manifest: what shall be so.
        force: whether fields that others manage are taken from them.

    Returns:
        What became of it: `created`, `configured` or `unchanged`.

    Raises:
        InstallError: the API server refused it; says what to do.
    """
    key = key_of(manifest)
    try:
        before = await find(client, key.path)
        raw = await client.apply(key.path, manifest, manager=MANAGER, force=force)
    except ApiError as error:
        raise InstallError(explained(key, error)) from error
    after = decoded(raw, dict[str, Any], f"PATCH {key.path}")
    if before is None:
        return "created"
    return "unchanged" if _content(before) == _content(after) else "configured"


def _content(manifest: Manifest) -> Manifest:
    """An object without what API servers write down about it."""
    noted = {"resourceVersion", "managedFields", "generation"}
    kept = {key: value for key, value in manifest["metadata"].items() if key not in noted}
    return {**manifest, "metadata": kept, "status": None}


async def delete(client: KubeClient, key: Key, say: Callable[[str], None]) -> None:
    """Delete one object, and what it owns; one that is gone is fine.

    Raises:
        InstallError: the API server refused; says what to do.
    """
    try:
        await client.delete(key.path)
    except ApiError as error:
        raise InstallError(explained(key, error)) from error
    say(f"{key} deleted")


def explained(key: Key, error: ApiError) -> str:
    """An API server's refusal with what to do about it."""
    match error.code:
        case 0:
            return error.message
        case HTTPStatus.CONFLICT:
            remedy = (
                "others manage these fields; leave them out, or take them over with "
                "`--force-conflicts`"
            )
        case HTTPStatus.FORBIDDEN:
            remedy = "see `fairlead check --pre` for the rights that this takes"
        case HTTPStatus.NOT_FOUND if key.kind == "GatewayClass":
            remedy = "install the CRDs of Gateway API first, see `fairlead check --pre`"
        case _:
            return f"{key}: {error}"
    return f"{key}: {error}: {remedy}"


def labels_of(manifest: Manifest) -> dict[str, str]:
    """Labels of an object."""
    return manifest["metadata"].get("labels") or {}


def is_ours(live: Manifest, manifest: Manifest) -> bool:
    """Whether what is there was made as this object, by this installation."""
    label = "app.kubernetes.io/instance"
    return labels_of(live).get(label) == labels_of(manifest)[label]


def names(objects: Sequence[Manifest]) -> list[str]:
    """`NAMESPACE/NAME` of objects, sorted."""
    return sorted(
        "/".join(filter(None, (each["metadata"].get("namespace"), each["metadata"]["name"])))
        for each in objects
    )
