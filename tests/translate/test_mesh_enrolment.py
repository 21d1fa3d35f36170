"""Labels that take a pod into the mesh or out of it."""

import pytest

from fairlead.translate.enrolment import meshed

OUT = [
    {"fairlead.dev/mesh": "disabled"},
    {"istio-injection": "disabled"},
    {"sidecar.istio.io/inject": "false"},
    {"istio.io/dataplane-mode": "none"},
    {"linkerd.io/inject": "disabled"},
]
IN = [
    {"fairlead.dev/mesh": "enabled"},
    {"istio-injection": "enabled"},
    {"sidecar.istio.io/inject": "true"},
    {"istio.io/dataplane-mode": "ambient"},
    {"linkerd.io/inject": "enabled"},
]


def test_everybody_is_in_by_default():
    assert meshed({}, {})
    assert meshed({"app": "x"}, {"team": "y"})


@pytest.mark.parametrize("labels", OUT)
def test_a_pod_or_a_namespace_opts_out(labels):
    assert not meshed(labels, {})
    assert not meshed({}, labels)


@pytest.mark.parametrize("labels", IN)
@pytest.mark.parametrize("namespace", OUT)
def test_the_pods_own_word_wins(labels, namespace):
    assert meshed(labels, namespace)
    assert not meshed(namespace, labels)


def test_our_own_label_goes_before_those_of_others():
    assert meshed({"fairlead.dev/mesh": "enabled", "istio-injection": "disabled"}, {})
    assert not meshed({"fairlead.dev/mesh": "disabled", "istio-injection": "enabled"}, {})


def test_a_value_that_means_nothing_says_nothing():
    assert not meshed({"istio-injection": "maybe"}, {"istio-injection": "disabled"})
