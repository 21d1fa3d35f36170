"""Which replica is asked, by what the Lease and the pods say."""

import msgspec
import pytest

from fairlead.app.replica_choice import (
    ClusterError,
    Lease,
    NotPermittedError,
    Pods,
    Replica,
    chosen,
    refused,
)
from fairlead.providers.kube.errors import ApiError


def lease(holder):
    return msgspec.convert({"spec": {"holderIdentity": holder}}, Lease)


def pods(**ready):
    """Pods of the control plane, whether each is ready; None for one that is not known yet."""
    items = [
        {"metadata": {"name": name}, "status": {"conditions": conditions(found)}}
        for name, found in ready.items()
    ]
    return msgspec.convert({"items": items}, Pods)


def conditions(ready):
    if ready is None:
        return []
    return [{"type": "Initialized", "status": "True"}, {"type": "Ready", "status": str(ready)}]


LAGS = "no replica leads at the moment: a answers, and may lag"


@pytest.mark.parametrize(
    ("held", "seen", "hidden", "replica"),
    [
        (lease("b"), pods(a=True, b=True), False, Replica("b")),
        (lease("b"), pods(a=True, b=None), False, Replica("a", LAGS)),
        (lease("gone"), pods(b=True, a=True), False, Replica("a", LAGS)),
        (lease("b"), pods(a=True, b=False), False, Replica("a", LAGS)),
        (lease(""), pods(a=True), False, Replica("a", LAGS)),
        (lease(None), pods(a=True), False, Replica("a", LAGS)),
        (None, pods(a=True), False, Replica("a", LAGS)),
        (None, pods(b=True, a=True), True, Replica("a")),
        (lease("b"), None, False, Replica("b")),
    ],
)
def test_the_leader_is_asked_or_one_that_is_ready(held, seen, hidden, replica):
    assert chosen(held, seen, "infra", lease_hidden=hidden) == replica


@pytest.mark.parametrize(
    ("held", "seen", "hidden", "message"),
    [
        (None, pods(), False, "Fairlead is not installed in namespace infra: 'fairlead install'"),
        (None, pods(), True, "no pod of Fairlead runs in namespace infra"),
        (lease("a"), pods(), False, "no pod of Fairlead runs in namespace infra"),
        (lease("a"), pods(a=False), False, "no pod of Fairlead is ready in namespace infra"),
        (lease(""), None, False, "no replica of Fairlead leads in namespace infra"),
        (None, None, False, "no replica of Fairlead leads in namespace infra"),
    ],
)
def test_it_says_why_there_is_none(held, seen, hidden, message):
    with pytest.raises(ClusterError, match=message):
        chosen(held, seen, "infra", lease_hidden=hidden)


def test_a_refusal_names_the_verbs_and_the_role():
    error = refused(ApiError(403, "Forbidden", "leases is forbidden"), "infra")
    assert isinstance(error, NotPermittedError)
    for words in ("leases is forbidden", "`create` of pods/portforward", "Role fairlead-console"):
        assert words in str(error)


def test_other_errors_are_not_about_rights():
    error = ApiError(500, "InternalError", "etcd is away")
    assert refused(error, "infra") is error
