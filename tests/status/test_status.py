"""Reports become status: what the schema asks for, and times that move only on a flip."""

from datetime import UTC, datetime, timedelta

import pytest
import yaml

from fairlead import api
from fairlead.status.directory import StatusDirectory
from fairlead.status.store import StatusStore
from fairlead.translate.report import Condition, ListenerReport, ParentReport, Report

START = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.time = START

    def __call__(self):
        self.time += timedelta(seconds=10)
        return self.time


def condition(kind="Accepted", status="True", reason="Accepted", message="", generation=1):
    return Condition(kind, status, reason, message, generation)


def route(*parents, generation=1):
    return Report("HTTPRoute", "shop", "cart", generation, parents=parents)


SERVICE_PARENT = api.ParentReference(name="cart", group="", kind="Service", port=80)
GATEWAY_PARENT = api.ParentReference(name="edge", namespace="infra", section_name="web")
KEY = ("HTTPRoute", "shop", "cart")


@pytest.fixture
def store():
    return StatusStore(Clock())


def times(status, index=0):
    return [c["lastTransitionTime"] for c in status["parents"][index]["conditions"]]


def test_parent_references_are_echoed_as_written(store):
    store.update([(KEY, route(ParentReport(SERVICE_PARENT, ()), ParentReport(GATEWAY_PARENT, ())))])
    assert [parent["parentRef"] for parent in store.get(KEY)["parents"]] == [
        {"group": "", "kind": "Service", "name": "cart", "port": 80},
        {
            "group": "gateway.networking.k8s.io",
            "kind": "Gateway",
            "namespace": "infra",
            "name": "edge",
            "sectionName": "web",
        },
    ]


def test_the_time_of_a_condition_moves_only_when_its_status_flips(store):
    store.update([(KEY, route(ParentReport(SERVICE_PARENT, (condition(),))))])
    first = times(store.get(KEY))
    assert first == ["2026-01-02T03:04:15Z"]
    changed = condition(reason="Other", message="words", generation=2)
    store.update([(KEY, route(ParentReport(SERVICE_PARENT, (changed,))))])
    told = store.get(KEY)["parents"][0]["conditions"][0]
    assert (told["reason"], told["message"], told["observedGeneration"]) == ("Other", "words", 2)
    assert times(store.get(KEY)) == first
    store.update([(KEY, route(ParentReport(SERVICE_PARENT, (condition(status="False"),))))])
    assert times(store.get(KEY)) == ["2026-01-02T03:04:35Z"]


def test_times_follow_the_parent_and_not_its_place_in_the_list(store):
    both = [ParentReport(parent, (condition(),)) for parent in (SERVICE_PARENT, GATEWAY_PARENT)]
    store.update([(KEY, route(both[0]))])
    first = times(store.get(KEY))
    store.update([(KEY, route(both[1], both[0]))])
    assert times(store.get(KEY), 1) == first
    assert times(store.get(KEY), 0) != first


def test_an_object_that_is_gone_has_no_status_and_starts_anew(store):
    report = route(ParentReport(SERVICE_PARENT, (condition(),)))
    store.update([(KEY, report)])
    store.update([(KEY, None)])
    assert store.get(KEY) == {}
    store.update([(KEY, None)])
    store.update([(KEY, report)])
    assert times(store.get(KEY)) == ["2026-01-02T03:04:45Z"]


def test_a_flip_and_back_counts_even_if_nobody_asked_in_between(store):
    for status in ("True", "False", "True"):
        store.update([(KEY, route(ParentReport(SERVICE_PARENT, (condition(status=status),))))])
    assert times(store.get(KEY)) == ["2026-01-02T03:04:35Z"]


def test_a_route_without_parents_of_ours_still_has_the_required_list(store):
    store.update([(KEY, route())])
    assert store.get(KEY) == {"parents": []}


def test_gateway_status_has_addresses_and_listeners(store):
    listener = ListenerReport(
        "web", (("gateway.networking.k8s.io", "HTTPRoute"),), 3, (condition("Programmed"),)
    )
    report = Report(
        "Gateway",
        "infra",
        "edge",
        4,
        conditions=(condition("Programmed", generation=4),),
        listeners=(listener,),
        addresses=(("IPAddress", "127.0.0.1"),),
    )
    key = ("Gateway", "infra", "edge")
    store.update([(key, report)])
    status = store.get(key)
    assert status["addresses"] == [{"type": "IPAddress", "value": "127.0.0.1"}]
    assert status["conditions"][0]["observedGeneration"] == 4
    (told,) = status["listeners"]
    assert (told["name"], told["attachedRoutes"]) == ("web", 3)
    assert told["supportedKinds"] == [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}]
    time = told["conditions"][0]["lastTransitionTime"]
    store.update([(key, report)])
    assert store.get(key)["listeners"][0]["conditions"][0]["lastTransitionTime"] == time


def test_the_directory_holds_one_document_per_object(tmp_path, store):
    directory = StatusDirectory(tmp_path)
    store.update([(KEY, route(ParentReport(SERVICE_PARENT, (condition(),))))])
    directory.write({KEY: store.get(KEY)})
    document = yaml.safe_load((tmp_path / "HTTPRoute" / "shop" / "cart.yaml").read_text())
    assert document["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert document["metadata"] == {"name": "cart", "namespace": "shop"}
    assert document["status"] == store.get(KEY)
    store.update([(KEY, None)])
    directory.write({KEY: store.get(KEY)})
    assert not (tmp_path / "HTTPRoute" / "shop" / "cart.yaml").exists()


def test_an_unchanged_file_is_not_written_again(tmp_path, store):
    directory = StatusDirectory(tmp_path)
    store.update([(KEY, route())])
    directory.write({KEY: store.get(KEY)})
    path = directory.path(KEY)
    before = path.stat().st_ino
    directory.write({KEY: store.get(KEY)})
    assert path.stat().st_ino == before
    assert [entry.name for entry in path.parent.iterdir()] == ["cart.yaml"]


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../../etc/passwd"])
def test_no_name_leads_out_of_the_directory(tmp_path, name):
    directory = StatusDirectory(tmp_path)
    for key in (("Gateway", name, "x"), ("Gateway", "x", name)):
        assert tmp_path.resolve() in directory.path(key).resolve().parents
        assert len(directory.path(key).relative_to(tmp_path).parts) == 3


def test_cluster_scoped_kinds_have_no_namespace(tmp_path):
    path = StatusDirectory(tmp_path).path(("GatewayClass", "", "fairlead"))
    assert path == tmp_path / "GatewayClass" / "fairlead.yaml"
