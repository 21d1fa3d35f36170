"""The Secret of the control plane's certificate: who writes it, who waits, who loses."""

import asyncio
import contextlib
import datetime as dt

import msgspec

from fairlead.identity import authority
from fairlead.identity.xds_certificates import XdsCertificates
from fairlead.providers.kube.errors import ApiError, UnreachableError

NAMESPACE = "fairlead-system"
COLLECTION = f"/api/v1/namespaces/{NAMESPACE}/secrets"
PATH = f"{COLLECTION}/fairlead-xds"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Api:
    """Holds one Secret, as an API server would."""

    def __init__(self):
        self.secret = None
        self.version = 0
        self.away = False
        self.odd = b""
        """An answer to reads that is none."""
        self.writes = 0
        self.reads = 0
        self.rival = None
        """Called once before a write, for somebody who is faster."""

    def _answer(self):
        if self.away:
            raise UnreachableError("connection refused")

    async def get(self, path):
        self.reads += 1
        self._answer()
        assert path == PATH
        if self.odd:
            return self.odd
        if self.secret is None:
            raise ApiError(404, "NotFound", "no such Secret")
        return msgspec.json.encode(self.secret)

    async def create(self, path, obj):
        self._faster()
        assert path == COLLECTION
        if self.secret is not None:
            raise ApiError(409, "AlreadyExists", "it is there")
        return self._take(obj)

    async def replace(self, path, obj):
        self._faster()
        assert path == PATH
        if obj["metadata"]["resourceVersion"] != str(self.version):
            raise ApiError(409, "Conflict", "it is another one")
        return self._take(obj)

    def _faster(self):
        self._answer()
        if self.rival is not None:
            rival, self.rival = self.rival, None
            self._take(rival)

    def _take(self, obj):
        self.version += 1
        self.writes += 1
        metadata = {**obj["metadata"], "resourceVersion": str(self.version)}
        self.secret = {**obj, "metadata": metadata}
        return msgspec.json.encode(self.secret)


class Clock:
    def __init__(self):
        self.time = NOW

    def __call__(self):
        return self.time


@contextlib.asynccontextmanager
async def replicas(api, *roles):
    """Some replicas that look often; yields them with the clock that they share."""
    clock = Clock()
    made = [XdsCertificates(api, NAMESPACE, clock, look_seconds=0.01) for _ in roles]
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each.run()) for each in made]
        for each, role in zip(made, roles, strict=True):
            each.lead(leading=role == "leads")
        yield made, clock
        for task in running:
            task.cancel()


async def until(condition):
    async with asyncio.timeout(5):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)


def test_the_leader_makes_it_and_the_others_read_it():
    async def body():
        api = Api()
        async with replicas(api, "reads", "leads", "reads") as (made, _), asyncio.timeout(5):
            bundles = [await each.ready() for each in made]
            assert bundles[0] == bundles[1] == bundles[2]
            assert api.writes == 1
            assert set(api.secret["data"]) == {"ca.crt", "ca.key", "tls.crt", "tls.key"}

    asyncio.run(body())


def test_nobody_makes_it_while_nobody_leads():
    async def body():
        api = Api()
        async with replicas(api, "reads") as ((only,), _):
            await until(lambda: api.reads > 1)
            assert api.writes == 0
            only.lead(leading=True)
            async with asyncio.timeout(5):
                await only.ready()

    asyncio.run(body())


def test_one_that_exists_is_taken_over_as_it_is():
    async def body():
        api = Api()
        async with replicas(api, "leads") as ((first,), _), asyncio.timeout(5):
            made = await first.ready()
        async with replicas(api, "leads") as ((second,), _), asyncio.timeout(5):
            assert await second.ready() == made
        assert api.writes == 1

    asyncio.run(body())


def test_of_two_that_believe_they_lead_the_later_takes_what_the_first_wrote():
    async def body():
        api, other = Api(), Api()
        async with replicas(other, "leads") as ((faster,), _), asyncio.timeout(5):
            theirs = await faster.ready()
        api.rival = other.secret
        async with replicas(api, "leads") as ((slower,), _), asyncio.timeout(5):
            assert await slower.ready() == theirs
        assert api.writes == 1

    asyncio.run(body())


def test_it_is_renewed_in_time_and_all_see_it():
    async def body():
        api = Api()
        async with replicas(api, "leads", "reads") as ((leader, other), clock):
            async with asyncio.timeout(5):
                first = await other.ready()
            clock.time += authority.SERVER_LIFE / 2
            await until(lambda: other.bundle != first)
            assert other.bundle == leader.bundle
            assert other.bundle.authorities == first.authorities

    asyncio.run(body())


def test_what_there_is_stays_while_the_api_server_is_away():
    async def body():
        api = Api()
        async with replicas(api, "leads") as ((leader,), clock):
            async with asyncio.timeout(5):
                first = await leader.ready()
            api.away = True
            clock.time += authority.SERVER_LIFE / 2
            seen = api.reads
            await until(lambda: api.reads > seen + 1)
            assert leader.bundle == first
            api.away = False
            await until(lambda: leader.bundle != first)

    asyncio.run(body())


def test_what_there_is_stays_while_answers_make_no_sense():
    async def body():
        api = Api()
        async with replicas(api, "leads") as ((leader,), _):
            async with asyncio.timeout(5):
                first = await leader.ready()
            for api.odd in (b'{"kind": "Secret", "meta', b"[]", b'{"metadata": 1}'):
                seen = api.reads
                await until(lambda seen=seen: api.reads > seen + 1)
            api.odd = b""
            assert leader.bundle == first
            assert api.writes == 1

    asyncio.run(body())


def test_a_secret_that_is_spoilt_is_written_anew():
    async def body():
        api = Api()
        async with replicas(api, "leads") as ((leader,), _):
            async with asyncio.timeout(5):
                first = await leader.ready()
            api.version += 1
            api.secret = {
                **api.secret,
                "metadata": {"resourceVersion": str(api.version)},
                "data": {"ca.crt": "!!"},
            }
            await until(lambda: leader.bundle != first)
            assert set(api.secret["data"]) == {"ca.crt", "ca.key", "tls.crt", "tls.key"}

    asyncio.run(body())


def test_a_certificate_that_nobody_can_read_is_waited_out():
    async def body():
        api = Api()
        async with replicas(api, "leads") as ((leader,), _):
            async with asyncio.timeout(5):
                first = await leader.ready()
        api.secret["data"]["tls.crt"] = "bm9uZQ=="
        async with replicas(api, "reads", "reads") as ((one, other), _):
            before = api.reads
            await until(lambda: api.reads > before + 4)
            assert api.writes == 1
            one.lead(leading=True)
            async with asyncio.timeout(5):
                made = await one.ready()
                assert made == await other.ready()
        assert made.authorities == first.authorities
        assert authority.usable(made)
        assert not authority.usable(msgspec.structs.replace(made, key=first.key))

    asyncio.run(body())
