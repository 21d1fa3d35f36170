"""Merging status: only what is ours changes, and what has been merged needs no second write."""

import ast
import json
from pathlib import Path

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fairlead import translate
from fairlead.status.condition_list import MOST, OURS
from fairlead.status.merge import MOST_ANCESTORS, MOST_PARENTS, Outcome, merge, times

OWN, OTHER = "fairlead.dev/gateway-controller", "other.example/controller"
OLD, NEW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"


def condition(  # noqa: PLR0917 - hypothesis fills it
    kind="Accepted", status="True", reason="Accepted", message="", generation=1, time=NEW
):
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
        "lastTransitionTime": time,
    }


def reference(name, **fields):
    return {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": name, **fields}


def parent(name, *conditions, controller=OWN, **fields):
    return {
        "parentRef": reference(name, **fields),
        "controllerName": controller,
        "conditions": list(conditions or [condition()]),
    }


def ancestor(name, *conditions, controller=OWN):
    return {
        "ancestorRef": reference(name),
        "controllerName": controller,
        "conditions": list(conditions or [condition()]),
    }


def listener(name, *conditions, count=0):
    return {
        "name": name,
        "supportedKinds": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}],
        "attachedRoutes": count,
        "conditions": list(conditions or [condition()]),
    }


def raw(live):
    """What the API server sends: keys sorted."""
    return json.dumps(live, sort_keys=True).encode() if live is not None else b""


def merged(live, wanted, kind="HTTPRoute", generation=1) -> Outcome:
    return merge(kind, raw(live), wanted, controller_name=OWN, generation=generation)


def written(live, wanted, kind="HTTPRoute", generation=1):
    """The status after the write; None if there is none."""
    outcome = merged(live, wanted, kind, generation)
    if outcome.merged is None:
        return None
    patch = json.loads(msgspec.json.encode(outcome.merged.patch))
    after = {**(live or {}), **patch}
    return {field: value for field, value in after.items() if value is not None}


def test_an_object_without_status_gets_ours():
    assert written(None, {"parents": [parent("edge")]}) == {"parents": [parent("edge")]}


def test_entries_of_others_stay_as_they_are_and_where_they_are():
    first, last = parent("a", controller=OTHER), parent("b", controller=OTHER)
    before = {"parents": [first, parent("edge"), last]}
    after = written(before, {"parents": [parent("edge", condition(status="False"))]})
    assert after["parents"][0] == first
    assert after["parents"][2] == last
    assert after["parents"][1]["conditions"][0]["status"] == "False"


def test_entries_of_others_go_back_byte_for_byte():
    odd = b'{ "conditions":[{"type":"X", "weight":1.50e2}],"controllerName":"other.example/x"}'
    live = b'{"parents":[' + odd + b"]}"
    outcome = merge(
        "HTTPRoute", live, {"parents": [parent("edge")]}, controller_name=OWN, generation=1
    )
    assert outcome.merged is not None
    assert odd in msgspec.json.encode(outcome.merged.patch)


def test_entries_for_parents_that_are_no_longer_told_are_removed():
    before = {"parents": [parent("old"), parent("a", controller=OTHER), parent("edge")]}
    after = written(before, {"parents": [parent("edge")]})
    assert after["parents"] == [parent("a", controller=OTHER), parent("edge")]


def test_a_route_that_is_ours_no_more_loses_only_our_entries():
    before = {"parents": [parent("edge"), parent("a", controller=OTHER)]}
    assert written(before, {}) == {"parents": [parent("a", controller=OTHER)]}
    assert written({"parents": [parent("a", controller=OTHER)]}, {}) is None


def test_a_gateway_that_is_ours_no_more_keeps_its_status():
    assert written({"conditions": [condition()]}, {}, "Gateway") is None


def test_a_second_entry_for_the_same_parent_goes():
    before = {"parents": [parent("edge"), parent("edge")]}
    assert written(before, {"parents": [parent("edge")]}) == {"parents": [parent("edge")]}


def test_an_entry_whose_reference_leaves_out_defaults_is_the_same_entry():
    short = parent("edge", condition(time=OLD))
    short["parentRef"] = {"name": "edge"}
    after = written({"parents": [short]}, {"parents": [parent("edge")]})
    assert after == {"parents": [parent("edge", condition(time=OLD))]}


def test_the_time_of_a_condition_stays_until_its_status_flips():
    before = {"parents": [parent("edge", condition(time=OLD))]}
    same = {"parents": [parent("edge", condition(reason="Other", generation=2))]}
    told = written(before, same, generation=2)["parents"][0]["conditions"][0]
    assert (told["reason"], told["lastTransitionTime"]) == ("Other", OLD)
    flipped = {"parents": [parent("edge", condition(status="False"))]}
    told = written(before, flipped)["parents"][0]["conditions"][0]
    assert told["lastTransitionTime"] == NEW


def test_a_flip_is_not_before_the_last_one_that_the_cluster_knows():
    before = {"parents": [parent("edge", condition(status="False", time=NEW))]}
    after = written(before, {"parents": [parent("edge", condition(time=OLD))]})
    assert after["parents"][0]["conditions"][0]["lastTransitionTime"] == NEW


def test_a_condition_that_is_not_there_is_no_older_than_the_object():
    wanted = {"conditions": [condition(time="2026-01-02T00:00:00Z")]}
    for created in ("2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"):
        outcome = merge(
            "GatewayClass", b"", wanted, controller_name=OWN, generation=1, created=created
        )
        (made,) = outcome.merged.patch["conditions"]
        assert made["lastTransitionTime"] == max(created, "2026-01-02T00:00:00Z")


def test_a_newer_generation_is_not_overwritten_by_an_older_one():
    before = {"parents": [parent("edge", condition(generation=3))]}
    wanted = {"parents": [parent("edge", condition(status="False", generation=2))]}
    assert written(before, wanted, generation=3) is None
    assert written({"conditions": [condition(generation=3)]}, {"conditions": [condition()]},
                   "Gateway", generation=3) is None  # fmt: skip


def test_a_generation_that_the_object_never_had_is_overwritten():
    before = {"parents": [parent("edge", condition(generation=99))]}
    assert written(before, {"parents": [parent("edge", condition(generation=2))]}, generation=2)


def test_generations_of_others_do_not_count():
    before = {"parents": [parent("edge", condition(generation=3), controller=OTHER)]}
    assert written(before, {"parents": [parent("edge")]}, generation=3)


def test_conditions_of_others_stay_on_objects_listeners_and_our_entries():
    foreign = condition("example.com/Seeded", time=OLD, generation=7)
    wanted = {"conditions": [condition("Programmed")], "listeners": [listener("web", count=2)]}
    before = {
        "conditions": [foreign, condition("Programmed", "False"), condition("Accepted")],
        "listeners": [listener("web", foreign, condition("Accepted")), listener("stale")],
    }
    after = written(before, wanted, "Gateway")
    assert after["conditions"] == [foreign, condition("Programmed")]
    assert after["listeners"] == [listener("web", foreign, condition("Accepted"), count=2)]
    route = written({"parents": [parent("edge", foreign)]}, {"parents": [parent("edge")]})
    assert route["parents"][0]["conditions"] == [foreign, condition()]


def test_ours_beyond_the_room_that_others_leave_are_left_out():
    foreign = [condition(f"example.com/C{index}") for index in range(MOST - 1)]
    wanted = {"conditions": [condition("Accepted"), condition("Programmed")]}
    after = written({"conditions": foreign}, wanted, "Gateway")
    assert after["conditions"] == [*foreign, condition("Accepted")]
    assert written(after, wanted, "Gateway") is None


def test_entries_of_others_are_never_pushed_out():
    for kind, field, most, make in (
        ("HTTPRoute", "parents", MOST_PARENTS, parent),
        ("BackendTLSPolicy", "ancestors", MOST_ANCESTORS, ancestor),
    ):
        foreign = [make(f"g{index}", controller=OTHER) for index in range(most - 1)]
        outcome = merged({field: foreign}, {field: [make("one"), make("two")]}, kind)
        assert outcome.merged is not None
        after = json.loads(msgspec.json.encode(outcome.merged.patch))[field]
        assert after == [*foreign, make("one")]
        assert [(each.field, each.reference) for each in outcome.left_out] == [
            (field, "Gateway two")
        ]
        again = merged({field: after}, {field: [make("one"), make("two")]}, kind)
        assert again.merged is None
        assert len(again.left_out) == 1


def test_fields_that_only_we_tell_come_and_go():
    address = {"type": "IPAddress", "value": "198.51.100.1"}
    wanted = {"addresses": [address], "attachedListenerSets": 1, "conditions": [condition()]}
    after = written({"conditions": [condition()]}, wanted, "Gateway")
    assert after == wanted
    assert written(after, {"conditions": [condition()]}, "Gateway") == {"conditions": [condition()]}


def test_addresses_fit_the_schema():
    addresses = [{"type": "IPAddress", "value": f"198.51.100.{each}"} for each in range(40)]
    wanted = {"addresses": addresses, "conditions": [condition()]}
    after = written({}, wanted, "Gateway")
    assert after == wanted | {"addresses": addresses[:16]}
    assert merged(after, wanted, "Gateway").merged is None


def test_counts_and_messages_can_wait_and_the_rest_cannot():
    before = {"conditions": [condition()], "listeners": [listener("web")]}
    for wanted, urgent in (
        ({"conditions": [condition()], "listeners": [listener("web", count=5)]}, False),
        ({"conditions": [condition(message="x")], "listeners": [listener("web")]}, False),
        ({"conditions": [condition(generation=2)], "listeners": [listener("web")]}, True),
        ({"conditions": [condition(status="False")], "listeners": [listener("web")]}, True),
        ({"conditions": [condition()], "listeners": [listener("other")]}, True),
        ({"conditions": [condition(), condition("Programmed")]}, True),
    ):
        outcome = merged(before, wanted, "Gateway", 2)
        assert outcome.merged is not None
        assert outcome.merged.urgent is urgent, wanted


def test_messages_fit_the_schema():
    after = written(None, {"conditions": [condition(message="ä" * 40000)]}, "Gateway")
    assert len(after["conditions"][0]["message"]) == 4096
    assert written(after, {"conditions": [condition(message="ä" * 40000)]}, "Gateway") is None


def test_turns_name_what_was_and_what_is():
    before = {"parents": [parent("edge", condition("ResolvedRefs", "False", "BackendNotFound"))]}
    wanted = {"parents": [parent("edge", condition("ResolvedRefs"), namespace="infra")]}
    outcome = merged(before, wanted)
    assert outcome.merged is not None
    turns = {(turn.place, turn.type): turn for turn in outcome.merged.turns}
    gone, come = turns["Gateway edge", "ResolvedRefs"], turns["Gateway infra/edge", "ResolvedRefs"]
    assert gone.before is not None
    assert gone.before.reason == "BackendNotFound"
    assert gone.after is None
    assert come.before is None
    assert come.after is not None


def test_the_cluster_remembers_times():
    live = {
        "conditions": [condition(time=OLD), condition("example.com/X", time=OLD)],
        "listeners": [listener("web", condition(time=OLD))],
    }
    assert times("Gateway", raw(live), OWN) == (
        ("", "Accepted", "True", OLD),
        ("web", "Accepted", "True", OLD),
    )
    route = {"parents": [parent("edge", namespace="infra"), parent("x", controller=OTHER)]}
    (told,) = times("HTTPRoute", raw(route), OWN)
    assert told == ("gateway.networking.k8s.io/Gateway/infra/edge//", "Accepted", "True", NEW)
    assert times("Gateway", b"", OWN) == ()


# What follows holds for any status: others' parts stay, and a second merge has nothing to do.

names = st.sampled_from(["a", "b", "c", "d"])
conditions = st.lists(
    st.builds(
        condition,
        st.sampled_from([*sorted(OURS)[:4], "example.com/A", "Ready"]),
        st.sampled_from(["True", "False", "Unknown"]),
        st.sampled_from(["One", "Two"]),
        st.text(max_size=3),
        st.integers(1, 2),
        st.sampled_from([OLD, NEW]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda each: each["type"],
)
own_conditions = conditions.map(
    lambda found: [each for each in found if each["type"] in OURS] or [condition()]
)
live_entries = st.lists(
    st.builds(lambda name, controller, found: parent(name, *found, controller=controller),
              names, st.sampled_from([OWN, OTHER, "third.example/c"]), conditions),
    max_size=MOST_PARENTS,
)  # fmt: skip
own_entries = st.lists(
    st.builds(lambda name, found: parent(name, *found), names, own_conditions),
    max_size=4,
    unique_by=lambda each: each["parentRef"]["name"],
)


@given(live_entries, own_entries)
def test_any_route_status_keeps_what_is_not_ours(live, own):
    before, wanted = {"parents": live}, {"parents": own}
    outcome = merged(before, wanted, generation=1)
    if outcome.merged is None:
        return
    after = json.loads(msgspec.json.encode(outcome.merged.patch))
    foreign = [each for each in live if each["controllerName"] != OWN]
    assert [each for each in after["parents"] if each["controllerName"] != OWN] == foreign
    assert len(after["parents"]) <= MOST_PARENTS
    assert merged(after, wanted, generation=1).merged is None
    ours = [each for each in after["parents"] if each["controllerName"] == OWN]
    assert len(ours) + len(outcome.left_out) == len(own)


@given(conditions, own_conditions, st.lists(names, unique=True), st.lists(names, unique=True))
def test_any_gateway_status_keeps_what_is_not_ours(live, own, present, told):
    before = {"conditions": live, "listeners": [listener(name, *live) for name in present]}
    wanted = {"conditions": own, "listeners": [listener(name, *own) for name in told]}
    after = written(before, wanted, "Gateway", generation=1)
    if after is None:
        return
    foreign = [each for each in live if each["type"] not in OURS]
    assert [each for each in after["conditions"] if each["type"] not in OURS] == foreign
    for each in after.get("listeners", ()):
        kept = [one for one in each["conditions"] if one["type"] not in OURS]
        assert kept == (foreign if each["name"] in present else [])
    assert [each["name"] for each in after.get("listeners", ())] == told
    assert written(after, wanted, "Gateway", generation=1) is None


def test_every_type_of_condition_that_translation_tells_is_known_as_ours():
    told = set()
    for path in Path(translate.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="true" | "false" | "negative"),
                    args=[ast.Constant(value=str(kind)), *_],
                ):
                    told.add(kind)
    assert told == OURS
