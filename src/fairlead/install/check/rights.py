"""Rights: those of the user to install, and those of the control plane to work."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple

import msgspec

from fairlead.install import manifests, roles
from fairlead.install.check.finding import Finding
from fairlead.install.cluster import LISTED
from fairlead.install.part import Manifest
from fairlead.install.values import Values
from fairlead.providers.kube.client import ApiError, KubeClient
from fairlead.providers.kube.paths import path_of
from fairlead.providers.kube.watch_event import decoded

TOPIC: Final = "Rights"
_REVIEW: Final = "authorization.k8s.io/v1"
_AT_ONCE: Final = 16
_MOST: Final = 8
"""Refused rights that are told one by one."""


class Right(NamedTuple):
    """One thing that may be allowed."""

    verb: str
    group: str
    resource: str
    """With its subresource, as in roles."""
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        """As `kubectl auth can-i` takes it."""
        resource = f"{self.resource}.{self.group}" if self.group else self.resource
        place = f" -n {self.namespace}" if self.namespace else ""
        return f"{self.verb} {resource}{f'/{self.name}' if self.name else ''}{place}"


class _Verdict(msgspec.Struct):
    allowed: bool


class _Answer(msgspec.Struct):
    """A SubjectAccessReview, as it is answered."""

    status: _Verdict


def of_installing(values: Values) -> list[Right]:
    """What whoever installs Fairlead has to be allowed."""
    found: set[Right] = set()
    for manifest in manifests.manifests(values):
        version, plural, _ = manifests.RESOURCES[manifest["kind"]]
        namespace: str = manifest["metadata"].get("namespace", "")
        group = version.rpartition("/")[0]
        found |= {Right(verb, group, plural, namespace) for verb in ("get", "create", "patch")}
    for kind in LISTED:
        version, plural, _ = manifests.RESOURCES[kind]
        found.add(Right("list", version.rpartition("/")[0], plural))
    group = "rbac.authorization.k8s.io"
    found |= {Right(verb, group, "clusterroles") for verb in ("escalate", "bind")}
    return sorted(found)


def of_control_plane(values: Values) -> list[Right]:
    """What the control plane's service account has to be allowed."""
    found: set[Right] = set()
    for part in roles.parts(values):
        manifest = part.manifest
        if part.wanted(values) and manifest["kind"] in {"ClusterRole", "Role"}:
            found |= set(_of_role(manifest))
    return sorted(found)


def _of_role(role: Manifest) -> Iterable[Right]:
    namespace: str = role["metadata"].get("namespace", "")
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                for verb in rule["verbs"]:
                    for name in rule.get("resourceNames", ("",)):
                        yield Right(verb, group, resource, namespace, name)


async def refused(
    client: KubeClient, rights: Sequence[Right], user: str = ""
) -> list[Right] | None:
    """Those rights that are not there.

    Args:
        client: of the cluster.
        rights: to ask for.
        user: whose; empty for one's own.

    Returns:
        None if one may not ask about the user.
    """
    limit = asyncio.Semaphore(_AT_ONCE)

    async def allowed(right: Right) -> bool:
        async with limit:
            return await _allowed(client, right, user)

    try:
        answers = await asyncio.gather(*map(allowed, rights))
    except ApiError as error:
        if error.code == HTTPStatus.FORBIDDEN:
            return None
        raise
    return [right for right, answer in zip(rights, answers, strict=True) if not answer]


async def _allowed(client: KubeClient, right: Right, user: str) -> bool:
    resource, _, subresource = right.resource.partition("/")
    attributes: Mapping[str, str] = {
        "verb": right.verb,
        "group": right.group,
        "resource": resource,
        "subresource": subresource,
        "namespace": right.namespace,
        "name": right.name,
    }
    kind = "SubjectAccessReview" if user else "SelfSubjectAccessReview"
    spec: dict[str, Any] = {"resourceAttributes": attributes}
    if user:
        spec["user"] = user
        spec["groups"] = ["system:serviceaccounts", "system:authenticated"]
    body = {"apiVersion": _REVIEW, "kind": kind, "spec": spec}
    path = path_of(_REVIEW, f"{kind.lower()}s")
    return decoded(await client.create(path, body), _Answer, f"POST {path}").status.allowed


def judge_installing(missing: Sequence[Right] | None) -> list[Finding]:
    """Whether the user may install."""
    if missing is None:
        message = "your rights were not looked at: you may not ask for them"
        return [Finding(TOPIC, "warning", message, "check who you are, `kubectl auth whoami`")]
    grants = {"escalate", "bind"}
    lacking = [right for right in missing if right.verb not in grants]
    found = [
        Finding(TOPIC, "error", f"you may not {right}", "ask for the role cluster-admin")
        for right in lacking[:_MOST]
    ]
    if len(lacking) > _MOST:
        message = f"nor {len(lacking) - _MOST} further things that installing takes"
        found.append(Finding(TOPIC, "error", message, "ask for the role cluster-admin"))
    if len(lacking) < len(missing):
        message = "you may only give rights that you have yourself (no escalate, bind)"
        remedy = "if installing is refused, ask for the role cluster-admin"
        found.append(Finding(TOPIC, "warning", message, remedy))
    return found or [Finding(TOPIC, "ok", "you may install Fairlead")]


def judge_control_plane(missing: Sequence[Right] | None, rights: int) -> list[Finding]:
    """Whether the control plane may do what it does."""
    if missing is None:
        message = "the control plane's rights were not looked at: you may not review them"
        return [Finding(TOPIC, "warning", message, "ask a cluster's administrator to run this")]
    if not missing:
        return [Finding(TOPIC, "ok", f"the control plane has its {rights} rights")]
    told = ", ".join(map(str, missing[:_MOST]))
    more = f" and {len(missing) - _MOST} more" if len(missing) > _MOST else ""
    message = f"the control plane may not {told}{more}"
    return [Finding(TOPIC, "error", message, "`fairlead install` puts its roles right")]
