"""What has to be written so that a Gateway has what it needs: as it shall be against as it is.

In: a proxy, what belongs to its Gateway. Out: objects to apply and objects to delete. Written is
only what differs. Each object carries a digest of what was applied, so that a field that is wanted
no longer is noticed, by another replica too; that others changed a field is seen on the object.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final, TypeAlias

import msgspec

from fairlead.api.raw import Raw, is_list, is_map
from fairlead.dataplane.kubernetes import live as reading
from fairlead.dataplane.kubernetes import services
from fairlead.dataplane.kubernetes.live import Live, Service
from fairlead.dataplane.kubernetes.manifests import Common, Manifest, encode, manifests
from fairlead.ir.fleet import Proxy

APPLIED: Final = "fairlead.dev/applied"
"""Annotation: digest of what was applied."""
CONTROLLER: Final = "fairlead.dev/controller-name"
"""Annotation: whose it is, where several controllers share a cluster."""
PLURALS: Final[Mapping[str, tuple[str, str]]] = {
    "Service": ("v1", "services"),
    "ServiceAccount": ("v1", "serviceaccounts"),
    "ConfigMap": ("v1", "configmaps"),
    "Deployment": ("apps/v1", "deployments"),
    "HorizontalPodAutoscaler": ("autoscaling/v2", "horizontalpodautoscalers"),
    "PodDisruptionBudget": ("policy/v1", "poddisruptionbudgets"),
}
"""API version and resource of each kind that is made."""

ObjectKey: TypeAlias = tuple[str, str]
"""Kind and name, in the Gateway's namespace."""


class Apply(msgspec.Struct, frozen=True):
    """An object that shall be so."""

    kind: str
    name: str
    manifest: Manifest
    exists: bool
    """Whether it is there and the Gateway's."""
    replicas: int | None = None
    """Of a Deployment whose instances others count, how many it has.

    A field that is applied no longer falls back to its default, and one pod would be left.
    """

    def body(self) -> Manifest:
        """What is sent."""
        if self.replicas is None:
            return self.manifest
        return {**self.manifest, "spec": {**self.manifest["spec"], "replicas": self.replicas}}


class Delete(msgspec.Struct, frozen=True):
    """An object that shall not be."""

    kind: str
    name: str
    uid: str


def plan(
    proxy: Proxy,
    common: Common,
    live: Mapping[ObjectKey, Live],
    settled: Mapping[ObjectKey, tuple[str, Manifest]],
) -> tuple[list[Apply], list[Delete]]:
    """What has to be done, in order.

    Args:
        proxy: What a Gateway needs.
        common: What all proxies have in common.
        live: What belongs to the Gateway.
        settled: What the API server made of what was applied, with its digest; it may write a
            value otherwise than it was given.
    """
    wanted = {
        (made["kind"], made["metadata"]["name"]): made for made in _wanted(proxy, common, live)
    }
    applied: list[Apply] = []
    for key, made in wanted.items():
        found = live.get(key)
        expected = made
        if key in settled and settled[key][0] == digest_of(made):
            expected = settled[key][1]
        if found is None or not contains(found.document(), expected):
            applied.append(Apply(*key, made, found is not None, _replicas(made, found)))
    deleted = [
        Delete(*key, found.uid)
        for key, found in sorted(live.items())
        if key not in wanted and not found.deleting
    ]
    return applied, deleted


def digest_of(manifest: Manifest) -> str:
    """The digest that a stamped manifest carries."""
    return manifest["metadata"]["annotations"][APPLIED]


def numbered_services(proxy: Proxy, live: Mapping[ObjectKey, Live]) -> dict[int, Service]:
    """The Services of a Gateway by number."""
    found = {
        name: reading.service(each) for (kind, name), each in live.items() if kind == "Service"
    }
    return services.numbered(proxy.gateway, found)


def _wanted(
    proxy: Proxy, common: Common, live: Mapping[ObjectKey, Live]
) -> Iterator[dict[str, Any]]:
    """All that there shall be. Services first: an address takes longest to come."""
    for slot in services.slots(proxy, numbered_services(proxy, live)):
        yield _stamped(services.manifest(proxy, slot), common)
    for each in manifests(proxy, common):
        yield _stamped(each, common)


def _stamped(manifest: Manifest, common: Common) -> dict[str, Any]:
    """A manifest with the annotations by which it is known again."""
    metadata = manifest["metadata"]
    digest = blake2b(encode(manifest), digest_size=8).hexdigest()
    own = {APPLIED: digest, CONTROLLER: common.controller_name}
    annotations = {**metadata.get("annotations", {}), **own}
    return {**manifest, "metadata": {**metadata, "annotations": annotations}}


def _replicas(manifest: Manifest, found: Live | None) -> int | None:
    """How many instances a Deployment has whose manifest does not say it."""
    if found is None or manifest["kind"] != "Deployment" or "replicas" in manifest["spec"]:
        return None
    return found.document().get("spec", {}).get("replicas")


def contains(live: Raw, wanted: Raw) -> bool:
    """Whether an object is as it is wanted, whatever else others have put there.

    Args:
        live: A part of an object, as JSON.
        wanted: The same part of a manifest. Each element of a list has to be in the live one.
    """
    if is_map(wanted):
        if not is_map(live):
            return not wanted
        return all(contains(live.get(key), value) for key, value in wanted.items())
    if is_list(wanted):
        return _all_in(live if is_list(live) else [], wanted)
    return live == wanted


def _all_in(live: list[Raw], wanted: list[Raw]) -> bool:
    """Whether each is contained in one; mostly they stand in the same order."""
    if len(live) == len(wanted) and all(map(contains, live, wanted)):
        return True
    return all(any(contains(each, one) for each in live) for one in wanted)


def restricted(live: Raw, wanted: Raw) -> Raw:
    """The part of a live object that a manifest speaks of.

    Args:
        live: An object, as JSON, right after the manifest was applied.
        wanted: The manifest.
    """
    if is_map(wanted) and is_map(live):
        return {key: restricted(live[key], wanted[key]) for key in wanted if key in live}
    if is_list(wanted) and is_list(live) and len(live) == len(wanted):
        return list(map(restricted, live, wanted))
    return live
