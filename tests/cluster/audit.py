"""What an API server's audit log says of the rights of the control plane: denied, and unused ones.

    sh scripts/cluster.sh env PYTHONPATH=tests .venv/bin/python -m cluster.audit LOG

The log (`--audit-log-path`, a policy of level Metadata) is of a run of all cluster tests. Exits
with 1 if a request was denied or a verb that the installed roles grant was never used.
"""

import http
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from cluster import asked, installation
from cluster.api import Cluster
from cluster.asked import Asked, Granted

_ACCOUNT = re.compile(r"system:serviceaccount:([^:]+):fairlead")
"""The control plane's ServiceAccount, in its own namespace or in that of a test."""
_LATE = timedelta(seconds=5)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


def home(event: Mapping[str, Any]) -> str:
    """The namespace of the control plane that an event is of; empty if it is none of ours."""
    user = event.get("impersonatedUser", event["user"])["username"]
    ours = _ACCOUNT.fullmatch(user)
    return ours[1] if ours is not None else ""


def taken(event: Mapping[str, Any]) -> Iterator[tuple[Asked, int]]:
    """The rights that an audit event is about, with its status code; none if it is not of ours.

    A request of a control plane outside of its home counts as one at home.
    """
    about = event.get("objectRef", {})
    if not home(event) or "resource" not in about:
        return
    namespace = about.get("namespace", "")
    sub = about.get("subresource")
    request = Asked(
        verb=event["verb"],
        group=about.get("apiGroup", ""),
        resource=f"{about['resource']}/{sub}" if sub else about["resource"],
        namespace=installation.NAMESPACE if namespace == home(event) else namespace,
        name=about.get("name", ""),
    )
    code = event["responseStatus"]["code"]
    allowed = event["annotations"]["authorization.k8s.io/decision"] == "allow"
    if allowed and code == http.HTTPStatus.FORBIDDEN:  # by a quota, or in a namespace that ends
        code = http.HTTPStatus.CONFLICT
    yield from ((right, code) for right in asked.rights(request, code))


def with_rights(events: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The events, without those of control planes that somebody has taken the rights from.

    They count again some seconds after the rights have come back: authorization learns of it late.
    """
    since: dict[str, datetime] = {}
    for event in events:
        about = event.get("objectRef", {})
        now = datetime.fromisoformat(event["requestReceivedTimestamp"])
        if about.get("resource") == "clusterrolebindings":
            gone = event["verb"] == "delete"
            since[about.get("name", "")] = _NEVER if gone else now
        place = home(event)
        role = "fairlead" if place == installation.NAMESPACE else f"fairlead-{place}"
        if role not in since or now > since[role] + _LATE:
            yield event


def grants() -> set[Granted]:
    """What `fairlead install` grants to the control plane."""
    text = installation.fairlead("install", "--dry-run", "-o", "yaml")
    found = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(text)}
    bound = [each for each in found.values() if each["kind"].endswith("RoleBinding")]
    rules: set[Granted] = set()
    for binding in bound:
        role = found[binding["roleRef"]["kind"], binding["roleRef"]["name"]]
        rules |= asked.granted(role["rules"], role["metadata"].get("namespace", ""))
    return rules


def main(log: str) -> int:
    """Print what is wrong, and how much was looked at."""
    cluster = Cluster()
    with Path(log).open(encoding="utf-8") as lines:
        requests = [each for event in with_rights(map(json.loads, lines)) for each in taken(event)]
    found = asked.problems(requests, grants(), cluster.resources())
    cluster.close()
    told = [*found, f"{len(requests)} requests, {len(found)} problems"]
    sys.stdout.write("\n".join(told) + "\n")
    return 1 if found or not requests else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
