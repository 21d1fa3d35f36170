"""Values for tests: all of them, none with its default."""

from fairlead.install.values import parse

FULL = {
    "replicas": 3,
    "image": "registry.example/fairlead:1",
    "imagePullPolicy": "Always",
    "imagePullSecrets": ["one", "two"],
    "resources": {"limits": {"memory": "2Gi"}, "requests": {"cpu": None}},
    "logLevel": "debug",
    "controllerName": "example.com/other",
    "className": "edge",
    "snapshots": False,
    "secretNamespaces": ["shop", "edge"],
    "clusterDomain": "example.internal",
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "edge", "operator": "Exists"}],
    "priorityClassName": "system-cluster-critical",
    "labels": {"team": "infra"},
    "podAnnotations": {"note": "1"},
    "aggregateRoles": True,
    "hostnamePolicy": True,
}
"""Every value that there is, none with its default."""


def full(namespace="fairlead-system"):
    return parse([FULL], [("namespace", namespace)])
