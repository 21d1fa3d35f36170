"""What a request asks the API server for, in RBAC's words; and what RBAC's rules grant."""

import dataclasses
import http
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

_FIELD_NAME = re.compile(r"(?:^|,)metadata\.name=([^,]+)")
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """One request for a resource."""

    verb: str
    group: str
    resource: str
    """With the subresource, as in `gateways/status`."""
    namespace: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Granted:
    """One verb on one resource, of a rule."""

    verb: str
    group: str
    resource: str
    namespace: str
    """Empty: in all."""
    names: tuple[str, ...]
    """Empty: all."""

    def covers(self, asked: Asked) -> bool:
        """Whether this grants a request."""
        mine = (self.verb, self.group, self.resource)
        return (
            mine == (asked.verb, asked.group, asked.resource)
            and self.namespace in ("", asked.namespace)
            and (not self.names or asked.name in self.names)
        )


def asked(method: str, path: str, query: Mapping[str, str]) -> Asked | None:
    """The request in RBAC's words; None if it is for no resource, as `/version`."""
    parts = path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, rest = "", parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, rest = parts[1], parts[3:]
    else:
        return None
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in ("status", "finalize"):
        namespace, rest = rest[1], rest[2:]
    resource, name, *sub = [*rest, ""] if len(rest) == 1 else rest
    name = name or "".join(_FIELD_NAME.findall(query.get("fieldSelector", "")))
    return Asked(
        _verb(method, query, len(rest)), group, "/".join((resource, *sub)), namespace, name
    )


def _verb(method: str, query: Mapping[str, str], parts: int) -> str:
    if method == "GET":
        if query.get("watch") in ("1", "true"):
            return "watch"
        return "get" if parts > 1 else "list"
    if method == "DELETE":
        return "delete" if parts > 1 else "deletecollection"
    return _VERBS[method]


def rights(asked: Asked, code: int) -> Iterator[Asked]:
    """What a request with this answer took a right to: applying what was not there creates it."""
    yield asked
    if asked.verb == "patch" and code == http.HTTPStatus.CREATED:
        yield dataclasses.replace(asked, verb="create")


def granted(rules: Iterable[Mapping[str, Any]], namespace: str = "") -> set[Granted]:
    """What the rules of a Role (in `namespace`) or of a ClusterRole grant."""
    return {
        Granted(verb, group, resource, namespace, tuple(rule.get("resourceNames", ())))
        for rule in rules
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }


def problems(
    taken: Collection[tuple[Asked, int]],
    grants: Iterable[Granted],
    served: Collection[tuple[str, str]],
) -> list[str]:
    """What was denied, and what of the grants for served resources nothing made use of.

    Args:
        taken: The rights that requests took, with the status codes of their answers.
        grants: The rights that there are.
        served: Resources that the API server has, as (group, plural).
    """
    denied = {f"denied: {each}" for each, code in taken if code == http.HTTPStatus.FORBIDDEN}
    used = {each for each, code in taken if code < 400 or code == http.HTTPStatus.NOT_FOUND}
    unused = {
        f"unused: {grant}"
        for grant in grants
        if (grant.group, grant.resource.partition("/")[0]) in served
        and not any(grant.covers(each) for each in used)
    }
    return sorted(denied | unused)
