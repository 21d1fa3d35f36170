"""Our commands as users run them, and a user with few rights."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from cluster.api import Cluster, Object

_READ = {
    "": ["services"],
    "discovery.k8s.io": ["endpointslices"],
    "gateway.networking.k8s.io": ["*"],
}
"""What a developer may read, by group."""


def fairlead(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of ours, with further environment variables; no instance runs here."""
    return run([sys.executable, "-m", "fairlead.cli", *arguments], variables)


def run(command: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run any command so."""
    environment = {**os.environ, "XDG_STATE_HOME": "/nonexistent", **variables}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env=environment, timeout=60
    )


def developer(cluster: Cluster, namespace: str, directory: Path) -> str:
    """Make a user who may read routes and what they need in one namespace; their kubeconfig."""
    metadata = {"name": "developer", "namespace": namespace}
    subject = {"kind": "ServiceAccount", **metadata}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "developer"}
    rules = [
        {"apiGroups": [group], "resources": resources, "verbs": ["get", "list"]}
        for group, resources in _READ.items()
    ]
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": metadata}
    cluster.apply(
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {**rbac, "kind": "Role", "rules": rules},
        {**rbac, "kind": "RoleBinding", "roleRef": role, "subjects": [subject]},
    )
    path = cluster.path("ServiceAccount", "developer", namespace) + "/token"
    made = cluster.request("POST", path, {"apiVersion": "authentication.k8s.io/v1", "spec": {}})
    admin = json.loads(cluster.kubectl("config", "view", "--raw", "--minify", "-o", "json"))
    known = dict(admin["clusters"][0]["cluster"])
    server = known.pop("server")
    config = kubeconfig(server, known, namespace, token=made["status"]["token"])
    file = directory / "config"
    file.write_text(yaml.safe_dump(config))
    file.chmod(0o600)
    return str(file)


def kubeconfig(server: str, cluster: Object, namespace: str, **user: Any) -> Object:
    """A kubeconfig of one context, called `here`."""
    context = {"cluster": "c", "user": "u", "namespace": namespace}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": [{"name": "c", "cluster": {**cluster, "server": server}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "here", "context": context}],
    }
