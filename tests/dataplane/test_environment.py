"""The environment of a container: what Kubernetes gives it, and the way into the mesh."""

import base64

import pytest

from fairlead import api
from fairlead.dataplane.environment import Place, environment, expand
from fairlead.dataplane.process import StartError

PLACE = Place("127.64.1.2", 15001)
METADATA = api.ObjectMeta(
    name="web", namespace="shop", labels={"app": "web"}, annotations={"x/y": "z"}, uid="u-1"
)
OBJECTS = {
    ("ConfigMap", ("shop", "map")): api.ConfigMap(
        metadata=api.ObjectMeta(name="map", namespace="shop"), data={"A": "1", "B": "2"}
    ),
    ("Secret", ("shop", "secret")): api.Secret(
        metadata=api.ObjectMeta(name="secret", namespace="shop"),
        data={"P": base64.b64encode(b"pass").decode(), "Q": base64.b64encode(b"old").decode()},
        string_data={"Q": "new"},
    ),
}


def made(*env, env_from=(), **spec):
    container = api.Container(name="c", env=env, env_from=env_from, **spec)
    pod = api.Pod(metadata=METADATA, spec=api.PodSpec(containers=(container,)))
    return environment(pod, container, PLACE, lambda kind, key: OBJECTS.get((kind, key)))


def entry(name, **source):
    return api.EnvVar(name=name, value_from=api.EnvVarSource(**source))


def test_every_container_knows_its_pod_and_its_way_out():
    proxy = "http://127.64.1.2:15001"
    assert made(ports=(api.ContainerPort(container_port=8080),)) == {
        "HOSTNAME": "web",
        "POD_IP": "127.64.1.2",
        "POD_NAME": "web",
        "POD_NAMESPACE": "shop",
        "PORT": "8080",
        "http_proxy": proxy,
        "HTTP_PROXY": proxy,
        "no_proxy": "localhost,127.0.0.0/8",
        "NO_PROXY": "localhost,127.0.0.0/8",
    }


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web"),
        ("metadata.namespace", "shop"),
        ("metadata.uid", "u-1"),
        ("metadata.labels['app']", "web"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['x/y']", "z"),
        ("status.podIP", "127.64.1.2"),
        ("spec.serviceAccountName", "default"),
        ("spec.nodeName", "localhost"),
    ],
)
def test_the_downward_api(path, value):
    assert made(entry("X", field_ref=api.FieldSelector(field_path=path)))["X"] == value


def test_what_a_local_process_does_not_have_is_left_out():
    assert "X" not in made(entry("X", field_ref=api.FieldSelector(field_path="status.phase")))
    assert "X" not in made(entry("X"))  # resourceFieldRef


def test_maps_and_secrets_come_first_and_env_on_top():
    sources = (
        api.EnvFromSource(config_map_ref=api.EnvSource(name="map"), prefix="M_"),
        api.EnvFromSource(secret_ref=api.EnvSource(name="secret")),
        api.EnvFromSource(secret_ref=api.EnvSource(name="none", optional=True)),
    )
    found = made(
        api.EnvVar(name="Q", value="$(M_A) and $(P)"),
        entry("B2", config_map_key_ref=api.KeySelector(name="map", key="B")),
        entry("NO", secret_key_ref=api.KeySelector(name="secret", key="none", optional=True)),
        env_from=sources,
    )
    assert (found["M_A"], found["P"], found["Q"], found["B2"]) == ("1", "pass", "1 and pass", "2")
    assert "NO" not in found
    assert made(env_from=sources)["Q"] == "new"


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (
            {"config_map_key_ref": api.KeySelector(name="none", key="A")},
            'configmap "none" not found',
        ),
        (
            {"secret_key_ref": api.KeySelector(name="secret", key="none")},
            "couldn't find key none in Secret shop/secret",
        ),
    ],
)
def test_what_is_needed_and_not_there_stops_the_start(missing, message):
    with pytest.raises(StartError, match=message) as caught:
        made(entry("X", **missing))
    assert caught.value.reason == "CreateContainerConfigError"


def test_a_secret_that_is_no_base64_is_said_without_showing_it(monkeypatch):
    broken = api.Secret(
        metadata=api.ObjectMeta(name="bad", namespace="shop"), data={"P": "sesame!"}
    )
    monkeypatch.setitem(OBJECTS, ("Secret", ("shop", "bad")), broken)
    with pytest.raises(StartError) as caught:
        made(env_from=(api.EnvFromSource(secret_ref=api.EnvSource(name="bad")),))
    assert "base64" in str(caught.value)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$(A)$(B)", "1$(B)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$A ${A} $( A)", "$A ${A} $( A)"),
        ("100$", "100$"),
    ],
)
def test_references_are_expanded_as_kubernetes_does(text, expected):
    assert expand(text, {"A": "1"}) == expected
