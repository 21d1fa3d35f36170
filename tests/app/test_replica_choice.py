"""Which replica is asked, by what the Lease and the Service's endpoints say."""

import msgspec
import pytest

from fairlead.app.replica_choice import (
    ClusterError,
    Lease,
    NotPermittedError,
    Replica,
    Slices,
    chosen,
    refused,
)
from fairlead.providers.kube.errors import ApiError


def lease(holder):
    return msgspec.convert({"spec": {"holderIdentity": holder}}, Lease)


def slices(**pods):
    """Pods behind the Service: whether each is ready; None where the API does not say."""
    endpoints = [
        {"targetRef": {"kind": "Pod", "name": name}, "conditions": {"ready": ready}}
        for name, ready in pods.items()
    ]
    return msgspec.convert({"items": [{"endpoints": endpoints}, {"endpoints": None}]}, Slices)


LAGS = "no replica leads at the moment: a answers, and may lag"


@pytest.mark.parametrize(
    ("held", "seen", "hidden", "replica"),
    [
        (lease("b"), slices(a=True, b=True), False, Replica("b")),
        (lease("b"), slices(a=None, b=None), False, Replica("b")),
        (lease("gone"), slices(b=True, a=True), False, Replica("a", LAGS)),
        (lease("b"), slices(a=True, b=False), False, Replica("a", LAGS)),
        (lease(""), slices(a=True), False, Replica("a", LAGS)),
        (lease(None), slices(a=True), False, Replica("a", LAGS)),
        (None, slices(a=True), False, Replica("a", LAGS)),
        (None, slices(b=True, a=True), True, Replica("a")),
        (lease("b"), None, False, Replica("b")),
    ],
)
def test_the_leader_is_asked_or_one_that_is_ready(held, seen, hidden, replica):
    assert chosen(held, seen, "infra", lease_hidden=hidden) == replica


@pytest.mark.parametrize(
    ("held", "seen", "hidden", "message"),
    [
        (None, slices(), False, "Fairlead is not installed in namespace infra: 'fairlead install'"),
        (None, slices(), True, "no pod of Fairlead runs in namespace infra"),
        (lease("a"), slices(), False, "no pod of Fairlead runs in namespace infra"),
        (lease("a"), slices(a=False), False, "no pod of Fairlead is ready in namespace infra"),
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
    for words in ("leases is forbidden", "`create` of pods/portforward", "Role fairlead-cli"):
        assert words in str(error)


def test_other_errors_are_not_about_rights():
    error = ApiError(500, "InternalError", "etcd is away")
    assert refused(error, "infra") is error
