"""The API server: which version it is."""

import re
from typing import Final

import msgspec

from fairlead.install.check.finding import Finding
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.watch_event import decoded

TOPIC: Final = "Kubernetes"
OLDEST: Final = (1, 30)
"""Admission policies are stable since; older releases are no longer maintained."""


class _Version(msgspec.Struct, rename="camel"):
    git_version: str


async def version(client: KubeClient) -> str:
    """`gitVersion` of the API server. Raises ApiError if it does not answer."""
    return decoded(await client.get("/version"), _Version, "GET /version").git_version


def judge(found: str) -> list[Finding]:
    """Whether the version is one that Fairlead is made for."""
    numbers = re.match(r"v?(\d+)\.(\d+)", found)
    if numbers is None:
        remedy = f"make sure that it is at least {OLDEST[0]}.{OLDEST[1]}"
        return [Finding(TOPIC, "warning", f"API server of unknown version {found}", remedy)]
    if (int(numbers[1]), int(numbers[2])) < OLDEST:
        message = f"API server {found} is older than {OLDEST[0]}.{OLDEST[1]}"
        return [Finding(TOPIC, "error", message, "upgrade the cluster")]
    return [Finding(TOPIC, "ok", f"API server {found}")]
