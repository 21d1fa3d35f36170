"""The CRDs of our own kinds and the models that read them say the same."""

from importlib.resources import files

import msgspec
import pytest
import yaml
from msgspec import inspect

from fairlead import api
from fairlead.api.hints import fields_of, unwrap

DIRECTORY = files("fairlead") / "crds"
CRDS = {
    crd["spec"]["names"]["kind"]: crd
    for entry in DIRECTORY.iterdir()
    if entry.name.endswith(".yaml")
    for crd in yaml.safe_load_all(entry.read_text())
}
OURS = [kind for kind in api.KINDS if kind.group == api.FAIRLEAD_GROUP]
TYPES = {inspect.StrType: "string", inspect.IntType: "integer", inspect.StructType: "object"}


def schema_of(crd):
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def compare(schema, info, path):
    """Every field on both sides, with the same type, bounds, default and need."""
    assert schema["type"] == TYPES[type(info)], path
    if isinstance(info, inspect.StructType):
        fields = fields_of(info)
        assert set(schema["properties"]) == set(fields), path
        required = {name for name, field in fields.items() if field.required}
        assert set(schema.get("required", ())) == required, path
        for name, field in fields.items():
            inner = schema["properties"][name]
            default = None if field.required else field.default
            assert inner.get("default") == default, (*path, name)
            compare(inner, unwrap(field.type), (*path, name))
    elif isinstance(info, inspect.IntType):
        assert (schema["minimum"], schema["maximum"]) == (info.ge, info.le), path
    else:
        pattern = info.pattern and info.pattern.replace(r"\Z", "$")
        assert schema.get("pattern") == pattern, path


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.kind)
def test_a_schema_is_its_model(kind):
    crd = CRDS[kind.kind]
    model = inspect.type_info(kind.model)
    compare(schema_of(crd)["properties"]["spec"], fields_of(model)["spec"].type, ("spec",))


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.kind)
def test_names_are_those_of_the_kind(kind):
    crd = CRDS[kind.kind]
    spec = crd["spec"]
    assert spec["group"] == kind.group
    assert [version["name"] for version in spec["versions"]] == list(kind.versions)
    assert spec["names"]["plural"] == kind.plural
    assert tuple(spec["names"]["shortNames"]) == kind.short_names
    assert spec["scope"] == ("Namespaced" if kind.namespaced else "Cluster")
    assert crd["metadata"]["name"] == f"{kind.plural}.{kind.group}"


def nodes(schema):
    """Every schema in a schema."""
    yield schema
    for inner in schema.get("properties", {}).values():
        yield from nodes(inner)
    if "items" in schema:
        yield from nodes(schema["items"])


@pytest.mark.parametrize("kind", CRDS)
def test_a_schema_is_structural(kind):
    """Each node has a type, and what no field names is pruned."""
    for node in nodes(schema_of(CRDS[kind])):
        assert node["type"] in {"object", "array", "string", "integer"}
        assert "x-kubernetes-preserve-unknown-fields" not in node


@pytest.mark.parametrize("kind", CRDS)
def test_a_status_can_hold_conditions(kind):
    version = CRDS[kind]["spec"]["versions"][0]
    assert version["subresources"] == {"status": {}}
    condition = schema_of(CRDS[kind])["properties"]["status"]["properties"]["conditions"]["items"]
    assert set(condition["properties"]) == {
        "type", "status", "reason", "message", "observedGeneration", "lastTransitionTime",
    }  # fmt: skip


def test_what_no_schema_can_say_is_said_in_cel():
    """Where `rules.extension` has a rule, so has the CRD."""
    rules = {
        rule["rule"]
        for crd in CRDS.values()
        for node in nodes(schema_of(crd))
        for rule in node.get("x-kubernetes-validations", ())
    }
    assert rules == {
        "duration(self) >= duration('50ms') && duration(self) <= duration('24h')",
        "has(self.delay) || has(self.abort)",
        "duration(self) > duration('0s')",
        "has(self.status) != has(self.grpcStatus)",
    }


def test_there_is_a_crd_for_each_of_our_kinds_and_no_other():
    assert set(CRDS) == {kind.kind for kind in OURS}
    assert all(issubclass(kind.model, msgspec.Struct) for kind in OURS)
