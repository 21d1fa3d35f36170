"""What is told of a Gateway's infrastructure, and when."""

import pytest

from dataplane.kubernetes.makers import ANY, give, made, proxy, stored
from fairlead.dataplane.kubernetes import facts
from fairlead.dataplane.kubernetes.facts import GRACE, PATIENCE, SETTLE, Problem, State
from fairlead.ir.infrastructure import AskedAddress, Deployment

A, B = AskedAddress("192.0.2.1"), AskedAddress("198.51.100.2")


@pytest.fixture
def state():
    return State()


def look(wanted, found, state, now=0.0, nodes=()):
    told, again = facts.facts(wanted, found, nodes, state, now)
    state.told = told
    return told, again


def with_deployment(found, **status):
    document = found["Deployment", "edge-fairlead"].document()
    found["Deployment", "edge-fairlead"] = stored(document, status=status)


def test_nothing_is_decided_before_there_is_a_service(state):
    told, again = look(proxy(), {}, state)
    assert told.addresses is None
    assert again is None
    assert not told.infrastructure.ready
    assert told.infrastructure.reason == ""


def test_a_load_balancer_has_time_to_give_any_address(state):
    wanted = proxy()
    found = made(wanted)
    told, again = look(wanted, found, state, 0)
    assert (told.addresses, told.infrastructure.reason, again) == (None, "", PATIENCE)
    told, again = look(wanted, found, state, PATIENCE)
    assert (told.addresses, again) == (None, None)
    assert told.infrastructure.reason == "AddressNotAssigned"
    assert "Service infra/edge-fairlead" in told.infrastructure.message
    give(found, wanted, 1, "198.51.100.7")
    told, again = look(wanted, found, state, PATIENCE + 1)
    assert told.addresses == ("198.51.100.7",)
    assert told.infrastructure.reason == ""


def test_an_address_by_value_counts_as_refused_after_a_moment(state):
    wanted = proxy("edge", A)
    found = made(wanted)
    told, again = look(wanted, found, state, 10)
    assert told.addresses is None
    assert again == GRACE
    assert look(wanted, found, state, 10 + GRACE)[0].addresses == ()
    give(found, wanted, 1, A.value)
    assert look(wanted, found, state, 60)[0].addresses == (A.value,)


def test_one_that_can_be_had_waits_for_the_verdict_on_the_other(state):
    wanted = proxy("edge", A, B)
    found = made(wanted, s2=B.value)
    told, again = look(wanted, found, state, 0)
    assert told.addresses is None
    assert again == GRACE
    assert look(wanted, found, state, GRACE)[0].addresses == (B.value,)


def test_an_address_that_was_told_is_not_taken_back_while_another_comes(state):
    wanted = proxy()
    found = made(wanted, s1="198.51.100.7")
    assert look(wanted, found, state)[0].addresses == ("198.51.100.7",)
    more = proxy("edge", ANY, B)
    assert look(more, found, state, 1)[0].addresses == ("198.51.100.7",)


def test_what_serves_at_the_first_look_is_ready_at_once(state):
    wanted = proxy()
    found = made(wanted, s1="198.51.100.7")
    with_deployment(found, readyReplicas=1)
    told, again = look(wanted, found, state)
    assert told.infrastructure.ready
    assert again is None


@pytest.mark.parametrize("last", ["the pod", "the address"])
def test_nodes_have_time_to_learn_of_the_first_pod_and_address(state, last):
    wanted = proxy()
    found = made(wanted)
    assert not look(wanted, found, state, 0)[0].infrastructure.ready
    steps = [
        lambda: give(found, wanted, 1, "198.51.100.7"),
        lambda: with_deployment(found, readyReplicas=1),
    ]
    first, second = steps if last == "the pod" else reversed(steps)
    first()
    assert not look(wanted, found, state, 5)[0].infrastructure.ready
    second()
    told, again = look(wanted, found, state, 10)
    assert (told.addresses, told.infrastructure.ready) == (("198.51.100.7",), False)
    assert again == SETTLE
    assert look(wanted, found, state, 10 + SETTLE)[0].infrastructure.ready


def test_a_pod_that_goes_is_told_at_once_and_learned_anew(state):
    wanted = proxy()
    found = made(wanted, s1="198.51.100.7")
    with_deployment(found, readyReplicas=1)
    assert look(wanted, found, state, 0)[0].infrastructure.ready
    with_deployment(found, readyReplicas=0)
    assert not look(wanted, found, state, 1)[0].infrastructure.ready
    with_deployment(found, readyReplicas=1)
    assert not look(wanted, found, state, 2)[0].infrastructure.ready
    assert look(wanted, found, state, 2 + SETTLE)[0].infrastructure.ready


def test_another_address_takes_nothing_back(state):
    wanted = proxy()
    found = made(wanted, s1="198.51.100.7")
    with_deployment(found, readyReplicas=1)
    look(wanted, found, state)
    more = proxy("edge", ANY, B)
    found = made(more, s1="198.51.100.7", s2=B.value)
    with_deployment(found, readyReplicas=1)
    told, _ = look(more, found, state, 1)
    assert told.addresses == ("198.51.100.7", B.value)
    assert told.infrastructure.ready


@pytest.mark.parametrize(
    ("condition", "reason", "words"),
    [
        (
            {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: tight"},
            "NoResources",
            "exceeded quota: tight",
        ),
        (
            {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"},
            "Pending",
            "`kubectl describe pods -n infra -l gateway.networking.k8s.io/gateway-name=edge`",
        ),
    ],
    ids=["a quota", "no pod that becomes ready"],
)
def test_what_a_deployment_lacks_is_told_while_no_pod_is_ready(state, condition, reason, words):
    wanted = proxy()
    found = made(wanted)
    with_deployment(found, conditions=[condition])
    told = look(wanted, found, state)[0].infrastructure
    assert told.reason == reason
    assert words in told.message
    with_deployment(found, conditions=[condition], readyReplicas=1)
    assert look(wanted, found, state)[0].infrastructure.reason == ""


def test_a_service_that_cannot_be_made_gives_nothing(state):
    state.problem = Problem("NoResources", "no")
    told, _ = look(proxy("edge", AskedAddress("10.96.0.1", cluster=True)), {}, state)
    assert told.addresses == ()
    assert told.infrastructure.reason == "NoResources"


def test_nodes_are_the_address_of_node_ports(state):
    wanted = proxy(deployment=Deployment(service_type="NodePort"))
    told, _ = look(wanted, made(wanted), state, nodes=("192.0.2.11",))
    assert told.addresses == ("192.0.2.11",)
