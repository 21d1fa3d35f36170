"""Entries of other controllers stay as they are, whatever we and they write, and however often."""

import threading
import time

import pytest

from cluster import installation
from cluster.api import ApiError, wait_for
from cluster.durations import seconds
from cluster.scene import condition

HOST = "shop.example.com"
OURS = "fairlead.dev/gateway-controller"
THEIRS = "example.com/their-controller"
QUIET = 3
"""Seconds after which nobody writes any more."""


def their_parent(namespace, message="first", generation=1):
    """An entry as another implementation writes it; its fields are in no usual order."""
    return {
        "parentRef": {
            "name": "theirs",
            "kind": "Gateway",
            "group": "gateway.networking.k8s.io",
            "namespace": namespace,
        },
        "controllerName": THEIRS,
        "conditions": [
            {
                "type": "example.com/Tuned",
                "status": "Unknown",
                "reason": "Waiting",
                "message": message,
                "lastTransitionTime": "2020-01-02T03:04:05Z",
                "observedGeneration": generation,
            },
        ],
    }


def write_parents(scene, change):
    """Replace a route's status.parents by what `change` makes of it, as a careful writer does."""
    while True:
        live = scene.live("HTTPRoute", "shop")
        status = live.get("status", {})
        status["parents"] = change(status.get("parents", []))
        version = live["metadata"]["resourceVersion"]
        body = {"metadata": {"resourceVersion": version}, "status": status}
        try:
            return scene.cluster.patch("HTTPRoute", "shop", scene.namespace, body, status=True)
        except ApiError as error:
            if error.code != 409:
                raise


def parents_of(scene, controller):
    parents = scene.live("HTTPRoute", "shop").get("status", {}).get("parents", [])
    return [each for each in parents if each["controllerName"] == controller]


@pytest.fixture
def shop(scene):
    scene.gateway()
    scene.backend("shop")
    scene.route("shop", HOST, "shop")
    scene.until_served(HOST, "shop")
    wait_for(lambda: parents_of(scene, OURS), "our entry")
    return scene


def test_the_entry_of_another_controller_stays(shop):
    theirs = their_parent(shop.namespace)
    write_parents(shop, lambda parents: [theirs, *parents])
    shop.route("shop", HOST, "shop", "absent")  # our entry changes

    def ours_changed():
        ours = parents_of(shop, OURS)
        return ours and condition(ours[0]["conditions"], "ResolvedRefs")["status"] == "False"

    wait_for(ours_changed, "our new entry")
    parents = shop.live("HTTPRoute", "shop")["status"]["parents"]
    assert parents[0] == theirs
    assert [each["controllerName"] for each in parents] == [THEIRS, OURS]
    generation = shop.live("HTTPRoute", "shop")["metadata"]["generation"]
    for each in parents[1]["conditions"]:
        assert each["observedGeneration"] == generation


def test_our_entry_returns_if_another_controller_drops_it(shop):
    theirs = their_parent(shop.namespace)
    write_parents(shop, lambda _: [theirs])
    wait_for(lambda: parents_of(shop, OURS), "our entry again")
    assert parents_of(shop, THEIRS) == [theirs]


def test_our_entry_goes_when_the_route_leaves_us_and_theirs_stays(shop):
    theirs = their_parent(shop.namespace)
    write_parents(shop, lambda parents: [*parents, theirs])
    shop.route("shop", HOST, "shop", gateway="theirs")
    wait_for(lambda: not parents_of(shop, OURS), "the end of our entry")
    assert parents_of(shop, THEIRS) == [theirs]


def test_conditions_of_others_on_a_gateway_stay(shop):
    tuned = their_parent(shop.namespace)["conditions"][0]
    live = shop.live()
    status = live["status"]
    status["conditions"].append(tuned)
    status["listeners"][0]["conditions"].append(tuned)
    version = live["metadata"]["resourceVersion"]
    shop.cluster.patch(
        *("Gateway", "web", shop.namespace),
        {"metadata": {"resourceVersion": version}, "status": status},
        status=True,
    )
    more = {"name": "more", "protocol": "HTTP", "port": 8080}
    shop.gateway({"name": "http", "protocol": "HTTP", "port": 80}, more)
    wait_for(lambda: len(shop.live()["status"]["listeners"]) == 2, "the second listener")
    found = shop.live()["status"]
    assert condition(found["conditions"], tuned["type"]) == tuned
    by_name = {each["name"]: each for each in found["listeners"]}
    assert condition(by_name["http"]["conditions"], tuned["type"]) == tuned
    assert condition(by_name["more"]["conditions"], tuned["type"]) == {}


def test_nothing_is_written_while_nothing_changes(shop):
    time.sleep(QUIET)
    before = [shop.live(*each)["metadata"] for each in (("Gateway", "web"), ("HTTPRoute", "shop"))]
    time.sleep(QUIET)
    after = [shop.live(*each)["metadata"] for each in (("Gateway", "web"), ("HTTPRoute", "shop"))]
    assert before == after


def test_a_busy_second_controller_starts_no_fight(shop):
    """It writes its own entry 10 times a second; we write nothing, and do not grow."""
    theirs = their_parent(shop.namespace)
    write_parents(shop, lambda parents: [*parents, theirs])
    time.sleep(QUIET)
    count = int(10 * seconds(15, 300))
    leader = installation.metrics(shop.cluster)
    written = 0
    with shop.cluster.watch("HTTPRoute", shop.namespace) as events:
        seen = []

        def note():
            for event in events:
                seen.append(event["object"])
                if f"round {count - 1}" in str(event["object"]["status"]):
                    return

        reader = threading.Thread(target=note)
        reader.start()
        start = time.monotonic()
        for number in range(count):
            entry = their_parent(shop.namespace, f"round {number}")
            write_parents(
                shop,
                lambda parents, entry=entry: [
                    entry if each["controllerName"] == THEIRS else each for each in parents
                ],
            )
            written += 1
            time.sleep(max(0, start + (number + 1) / 10 - time.monotonic()))
        reader.join(30)
    time.sleep(QUIET)
    assert len(seen) == written, "somebody else wrote too"
    parents = shop.live("HTTPRoute", "shop")["status"]["parents"]
    assert [each["controllerName"] for each in parents] == [OURS, THEIRS]
    assert parents[1]["conditions"][0]["message"] == f"round {count - 1}"
    grown = installation.metrics(shop.cluster)
    for pod, values in leader.items():
        memory = grown[pod]["process_resident_memory_bytes"]
        before = values["process_resident_memory_bytes"]
        assert memory <= before * 1.05 + 8 * 2**20, (pod, before, memory)
