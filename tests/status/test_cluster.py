"""The writer of status in a cluster, against objects in memory and in virtual time."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec

from fairlead import api
from fairlead.providers.kube.errors import ApiError, UnreachableError
from fairlead.status.cluster import SETTLING, ClusterStatus, recall
from fairlead.status.events import EventRecorder
from fairlead.status.store import StatusStore
from fairlead.translate.report import Condition, ListenerReport, ParentReport, Report
from support import virtual_time
from support.virtual_time import now

OWN, OTHER = "fairlead.dev/gateway-controller", "other.example/controller"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
LAG = 0.02
"""Seconds after which a change comes in."""


@dataclass(frozen=True)
class Object:
    resource_version: str = "1"
    generation: int = 1
    status: bytes = b""
    uid: str = "u"
    created: str = ""


@dataclass
class Cluster:
    """An API server and our copy of its objects, which is `LAG` late."""

    stored: dict = field(default_factory=dict)
    seen: dict = field(default_factory=dict)
    writes: list = field(default_factory=list)
    events: list = field(default_factory=list)
    on_status: object = None
    fault: ApiError | None = None
    attempts: int = 0
    drops: tuple = ()
    """Fields of status that the schema doesn't know."""
    version: int = 1

    def live(self, kind, key):
        return self.seen.get((kind, *key))

    def keys(self, kind):
        return [(namespace, name) for known, namespace, name in self.seen if known == kind]

    def served(self, kind):
        return api.KIND_OF[kind].api_versions[0]

    def put(self, key, status=None, generation=1):
        """Somebody writes an object."""
        self.version += 1
        text = b"" if status is None else json.dumps(status, sort_keys=True).encode()
        self.stored[key] = Object(str(self.version), generation, text)
        asyncio.get_running_loop().call_later(LAG, self._arrive, key, self.stored[key])

    async def placed(self, key):
        """Somebody creates an object, and it comes in."""
        self.put(key)
        await asyncio.sleep(2 * LAG)

    def status(self, key):
        return json.loads(self.stored[key].status or b"{}")

    def _arrive(self, key, obj):
        self.seen[key] = obj
        self.on_status(key[0], key[1:])

    async def merge_patch(self, path, patch):
        self.attempts += 1
        await asyncio.sleep(0.005)
        if self.fault is not None:
            raise self.fault
        if "/events/" in path:
            self.events.append((path, patch))
            return b"{}"
        *_, namespace, plural, name, _status = path.split("/")
        kind = next(kind.kind for kind in api.KINDS if kind.plural == plural)
        key = (kind, namespace, name)
        found = self.stored.get(key)
        if found is None:
            raise ApiError(404, "NotFound", "gone")
        if patch["metadata"]["resourceVersion"] != found.resource_version:
            raise ApiError(409, "Conflict", "the object has been modified")
        patched = json.loads(msgspec.json.encode(patch["status"]))
        status = {**json.loads(found.status or b"{}"), **patched}
        status = {
            name: value
            for name, value in status.items()
            if value is not None and name not in self.drops
        }
        if status != json.loads(found.status or b"{}"):
            self.writes.append((now(), key))
            self.put(key, status, found.generation)
        stored = self.stored[key]
        metadata = {"resourceVersion": stored.resource_version, "generation": stored.generation}
        return json.dumps({"metadata": metadata, "status": self.status(key)}).encode()

    async def create(self, path, obj):
        self.events.append((path, obj))
        return b"{}"

    async def get(self, path, **_query):
        raise ApiError(404, "NotFound", path)


class World:
    def __init__(self):
        self.cluster = Cluster()
        self.store = StatusStore(self.clock, recall=recall(self.cluster, OWN))
        events = EventRecorder(
            self.cluster,
            controller_name=OWN,
            instance="fairlead-0",
            clock=now,
            now=self.clock,
            ending=lambda namespace: namespace == "ending",
        )
        self.writer = ClusterStatus(
            self.store, self.cluster, self.cluster, controller_name=OWN, events=events, clock=now
        )
        self.cluster.on_status = self.writer.live_changed
        self.events = events

    def clock(self):
        return EPOCH + timedelta(seconds=now())

    def tell(self, report):
        key = (report.kind, report.namespace, report.name)
        self.store.update([(key, report)])
        self.writer.touched([key])
        return key

    @property
    def writes(self):
        return len(self.cluster.writes)


@asynccontextmanager
async def world(*, leading=True):
    made = World()
    tasks = [asyncio.ensure_future(made.writer.run()), asyncio.ensure_future(made.events.run())]
    if leading:
        made.writer.lead(leading=True)
        await asyncio.sleep(SETTLING)
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def condition(kind="Accepted", status="True", reason="Accepted", message="", generation=1):
    return Condition(kind, status, reason, message, generation)


def route(name="cart", *conditions, generation=1):
    parent = api.ParentReference(name="edge", namespace="infra")
    told = conditions or (condition(generation=generation),)
    return Report("HTTPRoute", "shop", name, generation, parents=(ParentReport(parent, told),))


def gateway(count=0, *conditions):
    return Report(
        "Gateway", "infra", "edge", 1, conditions=conditions or (condition(),),
        listeners=(ListenerReport("web", (), count, (condition(),)),),
    )  # fmt: skip


GATEWAY, ROUTE = ("Gateway", "infra", "edge"), ("HTTPRoute", "shop", "cart")


def foreign(value=0):
    reference = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "other"}
    return {
        "parentRef": reference,
        "controllerName": OTHER,
        "conditions": [{"type": "Accepted", "status": "True", "reason": "A", "message": str(value),
                        "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
    }  # fmt: skip


def test_a_change_is_written_at_once_and_only_once():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            began = now()
            made.tell(route())
            await asyncio.sleep(60)
            ((at, key),) = made.cluster.writes
            assert key == ROUTE
            assert at - began < 0.01
            made.tell(route())
            await asyncio.sleep(60)
            assert made.writes == 1

    virtual_time.run(scene())


def test_who_does_not_lead_writes_nothing_and_compares_all_once_it_leads():
    async def scene():
        async with world(leading=False) as made:
            for index in range(50):
                made.cluster.put(("HTTPRoute", "shop", f"r{index}"))
                made.tell(route(f"r{index}"))
            stale = ("GRPCRoute", "shop", "stale")
            made.cluster.put(stale, {"parents": [foreign() | {"controllerName": OWN}, foreign()]})
            await asyncio.sleep(60)
            assert made.cluster.attempts == 0
            made.writer.lead(leading=True)
            await asyncio.sleep(2)
            assert made.writes == 51
            assert made.cluster.status(stale) == {"parents": [foreign()]}
            made.writer.lead(leading=False)
            made.tell(route("r1", condition(status="False")))
            await asyncio.sleep(60)
            assert made.writes == 51

    virtual_time.run(scene())


def test_a_thousand_routes_that_attach_and_go_cost_a_gateway_few_writes():
    async def scene():
        async with world() as made:
            await made.cluster.placed(GATEWAY)
            made.tell(gateway(0))
            await asyncio.sleep(10)
            before = made.writes
            for counts in (range(1, 1001), range(999, -1, -1)):
                for count in counts:
                    made.tell(gateway(count))
                    await asyncio.sleep(0.02)
                last = now()
                await asyncio.sleep(30)
                (listener,) = made.cluster.status(GATEWAY)["listeners"]
                assert listener["attachedRoutes"] == counts[-1]
                assert made.cluster.writes[-1][0] - last < 2
            assert made.writes - before <= 60
            times = [at for at, _ in made.cluster.writes]
            assert all(later - at > 0.0999 for at, later in pairwise(times))

    virtual_time.run(scene())


def test_a_condition_that_turns_does_not_wait_for_counts():
    async def scene():
        async with world() as made:
            await made.cluster.placed(GATEWAY)
            for count in range(200):
                made.tell(gateway(count))
                await asyncio.sleep(0.02)
            turned = now()
            made.tell(gateway(200, condition(status="False", reason="Invalid")))
            await asyncio.sleep(0.15)
            assert made.cluster.status(GATEWAY)["conditions"][0]["status"] == "False"
            assert made.cluster.writes[-1][0] - turned < 0.15

    virtual_time.run(scene())


def test_a_condition_that_flaps_all_the_time_is_not_written_all_the_time():
    async def scene():
        async with world() as made:
            await made.cluster.placed(GATEWAY)
            for count in range(6000):
                status = "True" if count % 2 else "False"
                made.tell(gateway(0, condition(status=status)))
                await asyncio.sleep(0.011)
            assert made.writes < 66 / 1.5 + 10

    virtual_time.run(scene())


def test_what_another_controller_writes_causes_no_write_of_ours():
    async def scene():
        async with world() as made:
            made.cluster.put(ROUTE, {"parents": [foreign()]})
            made.tell(route())
            await asyncio.sleep(3)
            assert made.writes == 1
            ours = made.cluster.status(ROUTE)["parents"][1]
            for value in range(3000):
                made.cluster.put(ROUTE, {"parents": [foreign(value), ours]})
                await asyncio.sleep(0.1)
            assert made.cluster.attempts == 1
            made.tell(route("cart", condition(status="False", reason="NoMatchingParent")))
            for value in range(20):
                parents = made.cluster.status(ROUTE)["parents"]
                made.cluster.put(ROUTE, {"parents": [foreign(value), *parents[1:]]})
                await asyncio.sleep(0.1)
            first, own = made.cluster.status(ROUTE)["parents"]
            assert first == foreign(19)
            assert own["conditions"][0]["reason"] == "NoMatchingParent"
            assert made.writes == 2

    virtual_time.run(scene())


def test_an_entry_of_ours_that_somebody_spoils_is_put_right():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            made.tell(route())
            await asyncio.sleep(3)
            told = made.cluster.status(ROUTE)
            made.cluster.put(ROUTE, {"parents": [foreign()]})
            await asyncio.sleep(3)
            assert made.cluster.status(ROUTE)["parents"] == [foreign(), *told["parents"]]

    virtual_time.run(scene())


def test_two_who_think_the_entry_is_theirs_do_not_fight_without_end():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            made.tell(route())
            for _ in range(3000):
                await asyncio.sleep(0.1)
                made.cluster.put(ROUTE, {"parents": []})
            assert made.writes < 300 / 1.0 + 10

    virtual_time.run(scene())


def test_a_conflict_is_merged_with_the_newer_version():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            made.cluster.put(ROUTE, {"parents": [foreign()]})
            made.tell(route())
            await asyncio.sleep(2)
            assert made.writer.counts.conflicts >= 1
            parents = made.cluster.status(ROUTE)["parents"]
            assert [entry["controllerName"] for entry in parents] == [OTHER, OWN]

    virtual_time.run(scene())


def test_an_outage_is_waited_out():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            made.cluster.fault = UnreachableError("connection refused")
            made.tell(route())
            await asyncio.sleep(300)
            assert made.cluster.attempts < 300
            made.cluster.fault = None
            back = now()
            await asyncio.sleep(5)
            assert made.cluster.writes[0][0] - back < 2.5

    virtual_time.run(scene())


def test_an_object_that_is_not_found_but_there_is_tried_again():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            made.cluster.fault = ApiError(404, "NotFound", "the version is served no more")
            made.tell(route())
            await asyncio.sleep(10)
            assert made.cluster.attempts < 10
            made.cluster.fault = None
            await asyncio.sleep(30)
            assert made.writes == 1

    virtual_time.run(scene())


def test_a_status_that_the_schema_refuses_is_tried_ever_more_rarely():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            made.cluster.fault = ApiError(422, "Invalid", "status.parents: too long")
            made.tell(route())
            await asyncio.sleep(600)
            assert made.cluster.attempts < 40

    virtual_time.run(scene())


def test_what_others_write_all_the_time_brings_no_earlier_tries():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            made.cluster.fault = ApiError(422, "Invalid", "status.parents: too long")
            made.tell(route())
            for value in range(3000):
                made.cluster.put(ROUTE, {"parents": [foreign(value)]})
                await asyncio.sleep(0.1)
            assert made.cluster.attempts < 20
            made.cluster.fault = None
            fixed = now()
            made.tell(route(generation=2))
            await asyncio.sleep(1.6)
            assert made.cluster.writes[0][0] - fixed < 1.6

    virtual_time.run(scene())


def test_what_is_refused_whatever_is_told_is_not_tried_all_the_time():
    async def scene():
        async with world() as made:
            await made.cluster.placed(GATEWAY)
            made.cluster.fault = ApiError(422, "Invalid", "status.addresses: too many")
            for count in range(3000):
                made.tell(gateway(count))
                await asyncio.sleep(0.1)
            assert made.cluster.attempts < 300 / 1.5 + 10

    virtual_time.run(scene())


def test_a_server_that_asks_to_wait_is_obeyed_for_half_a_minute():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            made.cluster.fault = ApiError(429, "TooManyRequests", "later", 1e6)
            asked = now()
            made.tell(route())
            for value in range(200):
                made.cluster.put(ROUTE, {"parents": [foreign(value)]})
                made.tell(route(generation=2 + value))
                await asyncio.sleep(0.1)
            assert made.cluster.attempts == 1
            made.cluster.fault = None
            await asyncio.sleep(15)
            assert 30 <= made.cluster.writes[0][0] - asked < 33

    virtual_time.run(scene())


def test_an_event_waits_for_a_server_no_longer_than_half_a_minute():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            create, asked = made.cluster.create, []

            async def busy(path, obj):
                asked.append(path)
                if len(asked) == 1:
                    raise ApiError(429, "TooManyRequests", "later", 1e6)
                return await create(path, obj)

            made.cluster.create = busy
            made.tell(route("cart", condition(status="False", reason="NoMatchingParent")))
            await asyncio.sleep(40)
            assert len(made.cluster.events) == 1

    virtual_time.run(scene())


def test_an_answer_that_makes_no_sense_ends_nothing():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            merge_patch = made.cluster.merge_patch
            odd = [b'{"metadata": {', b"[]", b'{"metadata": {"resourceVersion": "7"}, "status": 5}']

            async def answer(path, patch):
                return odd.pop(0) if odd else await merge_patch(path, patch)

            made.cluster.merge_patch = answer
            made.tell(route())
            await asyncio.sleep(10)
            assert not odd
            await made.cluster.placed(ROUTE)
            made.tell(route(generation=2))
            await asyncio.sleep(10)
            (entry,) = made.cluster.status(ROUTE)["parents"]
            assert entry["conditions"][0]["observedGeneration"] == 2

    virtual_time.run(scene())


def test_an_event_of_which_the_server_tells_no_sense_is_given_up():
    async def scene():
        async with world() as made:

            async def there(_path, _obj):
                raise ApiError(409, "AlreadyExists", "it is there")

            async def odd(_path, **_query):
                return b'{"series": '

            create, get = made.cluster.create, made.cluster.get
            made.cluster.create, made.cluster.get = there, odd
            await made.cluster.placed(ROUTE)
            made.tell(route("cart", condition(status="False", reason="NoMatchingParent")))
            await asyncio.sleep(60)
            assert made.cluster.events == []
            made.cluster.create, made.cluster.get = create, get
            made.tell(route("cart", condition(status="False", reason="Other")))
            await asyncio.sleep(60)
            assert len(made.cluster.events) == 1

    virtual_time.run(scene())


def test_a_field_that_the_api_server_drops_is_not_written_again_and_again():
    async def scene():
        async with world() as made:
            made.cluster.drops = ("attachedListenerSets",)
            made.cluster.put(GATEWAY)
            report = replace_sets(gateway(), 1)
            made.tell(report)
            await asyncio.sleep(5)
            attempts = made.cluster.attempts
            for count in range(50):
                made.cluster.put(GATEWAY, made.cluster.status(GATEWAY))
                await asyncio.sleep(1)
                made.writer.touched([GATEWAY])
                assert count or made.writes == 1
            assert made.cluster.attempts <= attempts + 1
            made.tell(replace_sets(gateway(7), 1))
            await asyncio.sleep(5)
            assert made.cluster.status(GATEWAY)["listeners"][0]["attachedRoutes"] == 7

    virtual_time.run(scene())


def test_what_is_told_while_a_write_is_under_way_is_written_next():
    async def scene():
        async with world() as made:
            made.cluster.put(GATEWAY)
            await asyncio.sleep(1)
            for count in range(1, 20):
                made.tell(gateway(count))
                await asyncio.sleep(5)
                made.tell(gateway(100 + count))
                attempts = made.cluster.attempts
                while made.cluster.attempts == attempts:  # noqa: ASYNC110 - time is virtual
                    await asyncio.sleep(0.001)
                made.tell(gateway(200 + count))
                await asyncio.sleep(5)
                listener = made.cluster.status(GATEWAY)["listeners"][0]
                assert listener["attachedRoutes"] == 200 + count

    virtual_time.run(scene())


def replace_sets(report, count):
    return msgspec.structs.replace(report, attached_listener_sets=count)


def test_an_object_that_is_gone_is_forgotten():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            del made.cluster.stored[ROUTE]
            asyncio.get_running_loop().call_later(LAG, made.cluster.seen.pop, ROUTE)
            made.tell(route())
            await asyncio.sleep(600)
            assert made.cluster.attempts == 1

    virtual_time.run(scene())


def test_one_that_is_created_anew_unseen_has_no_times_of_the_one_before():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            made.tell(route())
            await asyncio.sleep(600)
            anew = Object("900", uid="v", created=made.clock().strftime("%Y-%m-%dT%H:%M:%SZ"))
            made.cluster.stored[ROUTE] = made.cluster.seen[ROUTE] = anew
            made.cluster.on_status(ROUTE[0], ROUTE[1:])
            await asyncio.sleep(5)
            (entry,) = made.cluster.status(ROUTE)["parents"]
            assert entry["conditions"][0]["lastTransitionTime"] == anew.created

    virtual_time.run(scene())


def test_times_come_from_the_cluster_also_after_a_restart():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            made.tell(route())
            await asyncio.sleep(100)
            first = made.cluster.status(ROUTE)["parents"][0]["conditions"][0]["lastTransitionTime"]
            later = World()
            later.cluster.seen = dict(made.cluster.seen)
            later.store.update([(ROUTE, route(generation=2))])
            told = later.store.get(ROUTE)["parents"][0]["conditions"][0]
            assert (told["observedGeneration"], told["lastTransitionTime"]) == (2, first)
            fresh = replace(made.cluster.seen[ROUTE], status=b"")
            later.cluster.seen[ROUTE] = fresh
            later.store.update([(ROUTE, None)])
            later.store.update([(ROUTE, route())])
            told = later.store.get(ROUTE)["parents"][0]["conditions"][0]
            assert told["lastTransitionTime"] != first

    virtual_time.run(scene())


def test_a_new_leader_gives_proxies_the_time_to_say_that_they_serve():
    async def scene():
        async with world(leading=False) as made:
            held = condition("Programmed", "True", "Programmed")
            made.cluster.put(GATEWAY)
            made.writer.lead(leading=True)
            made.tell(gateway(0, held))
            await asyncio.sleep(10)
            assert made.writes == 1
            made.writer.lead(leading=False)
            made.tell(gateway(0, condition("Programmed", "False", "Pending", "no proxy")))
            made.writer.lead(leading=True)
            await asyncio.sleep(SETTLING / 2)
            made.tell(gateway(0, held))
            await asyncio.sleep(60)
            assert made.writes == 1
            made.tell(gateway(0, condition("Programmed", "False", "Pending", "no proxy")))
            await asyncio.sleep(1)
            assert made.writes == 2

    virtual_time.run(scene())


def told(made):
    return [(obj["type"], obj["reason"], obj["note"]) for _, obj in made.cluster.events]


def test_users_are_told_what_they_have_to_put_right_and_when_it_is():
    async def scene():
        async with world() as made:
            made.cluster.put(ROUTE)
            missing = condition("ResolvedRefs", "False", "BackendNotFound", "no Service shop/cart")
            made.tell(route("cart", condition(), missing))
            await asyncio.sleep(5)
            note = "Gateway infra/edge: no Service shop/cart"
            assert told(made) == [("Warning", "BackendNotFound", note)]
            path, event = made.cluster.events[0]
            assert path == "/apis/events.k8s.io/v1/namespaces/shop/events"
            assert event["regarding"] == {
                "apiVersion": "gateway.networking.k8s.io/v1",
                "kind": "HTTPRoute",
                "namespace": "shop",
                "name": "cart",
                "uid": "u",
            }
            resolved = condition("ResolvedRefs", "True", "ResolvedRefs", "every one resolves")
            made.tell(route("cart", condition(), resolved))
            await asyncio.sleep(5)
            assert told(made)[1:] == [
                ("Normal", "ResolvedRefs", "Gateway infra/edge: every one resolves")
            ]

    virtual_time.run(scene())


def test_nothing_is_told_in_a_namespace_that_is_being_deleted():
    async def scene():
        async with world() as made:
            missing = condition("ResolvedRefs", "False", "BackendNotFound", "no Service")
            for namespace in ("ending", "shop"):
                made.cluster.put(("HTTPRoute", namespace, "cart"))
                report = route("cart", condition(), missing)
                made.tell(msgspec.structs.replace(report, namespace=namespace))
            await asyncio.sleep(5)
            paths = [path for path, _ in made.cluster.events]
            assert paths == ["/apis/events.k8s.io/v1/namespaces/shop/events"]

    virtual_time.run(scene())


def test_what_is_right_again_within_a_moment_is_not_told():
    async def scene():
        async with world() as made:
            await made.cluster.placed(ROUTE)
            made.tell(route("cart", condition(status="False", reason="NoMatchingParent")))
            await asyncio.sleep(0.3)
            made.tell(route())
            await asyncio.sleep(60)
            assert made.writes == 2
            assert told(made) == []

    virtual_time.run(scene())


def test_what_is_repeated_counts_up_in_a_series_and_not_for_ever():
    async def scene():
        async with world() as made:
            made.cluster.put(ROUTE)
            for count in range(40):
                status = "True" if count % 2 else "False"
                made.tell(route("cart", condition("ResolvedRefs", status, f"R{status}")))
                await asyncio.sleep(3)
            names = {obj["metadata"]["name"] for _, obj in made.cluster.events if "metadata" in obj}
            assert len(names) == 2
            series = [obj["series"]["count"] for _, obj in made.cluster.events if "series" in obj]
            assert max(series) >= 3
            assert len(made.cluster.events) <= 8 + 120 / 30

    virtual_time.run(scene())


def test_a_refusal_of_a_kind_without_status_of_ours_is_told_once():
    async def scene():
        async with world() as made:
            key = ("DestinationRule", "shop", "cart")
            made.cluster.put(key)
            await asyncio.sleep(1)
            bad = condition(status="False", reason="HostNotFound", message="no Service named x")
            for _ in range(3):
                made.tell(Report("DestinationRule", "shop", "cart", 1, (bad,)))
                await asyncio.sleep(5)
            assert told(made) == [("Warning", "HostNotFound", "no Service named x")]
            assert made.cluster.attempts == 0

    virtual_time.run(scene())


def test_an_entry_without_room_is_told_once():
    async def scene():
        async with world() as made:
            made.cluster.put(ROUTE, {"parents": [foreign(value) for value in range(32)]})
            await asyncio.sleep(1)
            for generation in (1, 2):
                made.tell(route(generation=generation))
                await asyncio.sleep(5)
            assert made.cluster.attempts == 0
            ((kind, reason, note),) = told(made)
            assert (kind, reason) == ("Warning", "StatusFull")
            assert "Gateway infra/edge" in note

    virtual_time.run(scene())
