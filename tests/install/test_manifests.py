"""All objects of an installation, as users see them in `fairlead install --dry-run`."""

import json
import os
from pathlib import Path

import msgspec
import pytest
import yaml
from click.testing import CliRunner

from fairlead.cli.install import install
from fairlead.install import manifests
from fairlead.install.cluster import key_of
from fairlead.install.values import Values, ValuesError, parse
from install.choices import FULL, full

GOLDEN = Path(__file__).parent / "golden"


def test_the_list_of_values_is_whole():
    given = {field.encode_name for field in msgspec.structs.fields(Values)}
    assert set(FULL) | {"namespace"} == given


@pytest.mark.parametrize(("name", "values"), [("default", Values()), ("full", full("edge-system"))])
def test_objects_are_those_of_the_golden(name, values):
    made = manifests.to_yaml(manifests.manifests(values))
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("REFRESH_GOLDEN"):
        path.write_text(made)
    assert made == path.read_text()


def test_the_command_prints_them():
    done = CliRunner().invoke(install, ["--dry-run"])
    assert done.exit_code == 0
    assert list(yaml.safe_load_all(done.stdout)) == manifests.manifests(Values())


def test_the_command_prints_json():
    done = CliRunner().invoke(install, ["--dry-run", "-o", "json", "--set", "replicas=1"])
    assert json.loads(done.stdout)["items"] == manifests.manifests(Values(replicas=1))


def test_every_kind_can_be_removed_again():
    assert {each["kind"] for each in manifests.manifests(full())} <= set(manifests.RESOURCES)


def test_no_object_is_made_twice():
    for values in (Values(), full()):
        keys = [key_of(each) for each in manifests.manifests(values)]
        assert len(keys) == len(set(keys))


def test_installations_in_two_namespaces_share_nothing_but_what_is_the_same():
    def objects(values):
        return {key_of(each): each for each in manifests.manifests(values)}

    one, two = objects(Values()), objects(Values(namespace="other", class_name="other"))
    for key in one.keys() & two.keys():
        content = [{**each, "metadata": None} for each in (one[key], two[key])]
        assert content[0] == content[1], key


def test_what_pods_may_not_do():
    for values in (Values(), full()):
        (deployment,) = (
            each for each in manifests.manifests(values) if each["kind"] == "Deployment"
        )
        pod = deployment["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            held = container["securityContext"]
            assert held["readOnlyRootFilesystem"]
            assert not held["allowPrivilegeEscalation"]
            assert held["capabilities"] == {"drop": ["ALL"]}
        assert not any(volume.get("hostPath") for volume in pod["volumes"])


@pytest.mark.parametrize("values", [Values(), full()])
def test_no_role_of_the_control_plane_is_wider_than_it_looks(values):
    for each in manifests.manifests(values):
        component = each["metadata"].get("labels", {}).get("app.kubernetes.io/component")
        if each["kind"] not in {"Role", "ClusterRole"} or component == "persona":
            continue
        for rule in each["rules"]:
            told = rule["apiGroups"] + rule["resources"] + rule["verbs"]
            assert "*" not in told
            assert not {"escalate", "bind", "impersonate"} & set(rule["verbs"])
            if "secrets" in rule["resources"] and each["kind"] == "ClusterRole":
                assert "list" not in rule["verbs"]


def test_secrets_are_limited_to_the_namespaces_that_are_named():
    def places(values):
        return {
            (each["kind"], each["metadata"].get("namespace"))
            for each in manifests.manifests(values)
            if each["kind"] in {"Role", "ClusterRole"}
            and any(
                "secrets" in rule["resources"] and not rule.get("resourceNames")
                and set(rule["verbs"]) & {"get", "watch", "patch"}
                for rule in each["rules"]
            )
        }  # fmt: skip

    assert places(Values()) == {("ClusterRole", None)}
    assert places(full()) == {("Role", "shop"), ("Role", "edge")}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("replica", 2, "replica"),
        ("replicas", 0, "`replicas`"),
        ("replicas", "two", "`replicas`"),
        ("image", "", "`image`"),
        ("imagePullPolicy", "Sometimes", "`imagePullPolicy`"),
        ("namespace", "Not A Name", "`namespace`"),
        ("className", "Not A Name", "`className`"),
        ("secretNamespaces", ["-"], "`secretNamespaces"),
        ("nodeSelector.disk", 5, "`nodeSelector"),
        ("labels", {"app.kubernetes.io/name": "x"}, "app.kubernetes.io/name is ours"),
    ],
)
def test_a_value_that_cannot_be_is_named(key, value, words):
    with pytest.raises(ValuesError, match=words):
        parse([], [(key, value)])


def test_without_a_class_name_no_class_is_made():
    found = manifests.manifests(parse([], [("className", "")]))
    assert "GatewayClass" not in {each["kind"] for each in found}


def test_null_takes_a_default_away_as_in_a_chart():
    found = parse([{"className": None, "resources": None, "snapshots": None, "labels": None}], [])
    assert (found.class_name, found.resources, found.snapshots, found.labels) == ("", {}, False, {})
    assert parse([{"resources": {"limits": None}}], []).resources.keys() == {"requests"}
    for key in ("replicas", "image", "logLevel"):
        with pytest.raises(ValuesError, match=key):
            parse([{key: None}], [])


def test_a_dot_within_a_name_has_a_backslash_before_it():
    found = parse([], [(r"nodeSelector.kubernetes\.io/os", "linux"), ("resources.limits.cpu", "1")])
    assert found.node_selector == {"kubernetes.io/os": "linux"}
    assert found.resources["limits"] == {"memory": "1Gi", "cpu": "1"}


def test_later_values_win_and_maps_are_merged():
    first = {"replicas": 4, "resources": {"limits": {"memory": "3Gi"}}}
    values = parse([first, {"replicas": 5}], [("resources.requests.cpu", "1")])
    assert values.replicas == 5
    assert values.resources == {
        "limits": {"memory": "3Gi"},
        "requests": {"cpu": "1", "memory": "256Mi"},
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "replicas"], "is not KEY=VALUE"),
        (["--set", "replicas=no"], "replicas"),
        (["--set", "labels={"], "--set labels"),
    ],
)
def test_wrong_usage_is_told(options, words):
    done = CliRunner().invoke(install, ["--dry-run", *options])
    assert done.exit_code == 2
    assert words in done.stderr


def test_a_file_that_is_no_yaml_is_named(tmp_path):
    path = tmp_path / "values.yaml"
    path.write_text("a: [")
    done = CliRunner().invoke(install, ["--dry-run", "-f", str(path)])
    assert done.exit_code == 2
    assert str(path) in done.stderr
