"""The chart is made of the objects, and makes them."""

import json
from pathlib import Path

import pytest

from fairlead.install import chart, manifests
from fairlead.install.cluster import key_of
from fairlead.install.values import Values, parse
from install import helm
from install.choices import FULL, full

COMMITTED = Path(__file__).parents[2] / "charts" / "fairlead"


def test_the_chart_in_the_repository_is_the_one_that_is_made():
    there = {
        str(path.relative_to(COMMITTED)): path.read_text("utf-8")
        for path in COMMITTED.rglob("*")
        if path.is_file()
    }
    assert there == chart.files(), "run `make chart`"


@pytest.mark.parametrize("namespace", ["fairlead-system", "other"])
@pytest.mark.parametrize(
    ("given", "values"),
    [({}, lambda namespace: Values(namespace=namespace)), (FULL, full)],
)
def test_the_chart_makes_the_objects_that_install_applies(given, values, namespace):
    resources = {**values(namespace).resources}
    made = helm.render(chart.files(), {**given, "resources": resources}, namespace)
    wanted = manifests.manifests(values(namespace))
    without_namespace = {key_of(each): each for each in wanted if each["kind"] != "Namespace"}
    assert {key_of(each): each for each in made} == without_namespace


def test_one_switch_at_a_time():
    for name, value in FULL.items():
        if name == "resources":
            continue
        made = helm.render(chart.files(), {name: value}, "fairlead-system")
        wanted = manifests.manifests(parse([{name: value}], []))
        assert {key_of(each): each for each in made} == {
            key_of(each): each for each in wanted if each["kind"] != "Namespace"
        }, name


def test_no_mark_is_left():
    for name, text in chart.files().items():
        assert "«" not in text, name
        assert "77001" not in text, name


def test_the_schema_refuses_what_is_unknown():
    schema = json.loads(chart.files()["values.schema.json"])
    assert schema["additionalProperties"] is False
    assert "namespace" not in schema["properties"]
