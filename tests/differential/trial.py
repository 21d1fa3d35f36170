"""Whether `explain` decides as Envoy does, configuration by configuration."""

import dataclasses
from collections.abc import Sequence
from random import Random

import yaml

from differential.client import Client, Reply, written
from differential.configurations import configuration
from differential.outcome import Outcome, decided, seen, text
from differential.proxies import GATEWAY, MESH, Proxies
from differential.requests import requests
from differential.shrinking import smaller
from differential.surroundings import Loopback
from differential.world import Raw, World
from fairlead import api
from fairlead.analysis.explain import Request, decide

DRAWS = 200
"""How often a request is repeated until every share of its rule was seen."""
AGAIN = 3
"""How often a mismatch must show before it counts: a worker may yet have the last configuration."""
ATTEMPTS = 500
"""Steps of making a mismatch smaller."""


@dataclasses.dataclass(frozen=True)
class Mismatch:
    """A request that goes elsewhere than was said."""

    request: Request
    expected: frozenset[Outcome]
    got: frozenset[Outcome]
    rules: tuple[str, str] = ("", "")
    """Expected and used."""
    why: str = ""

    def __str__(self) -> str:
        lines = [written(self.request).decode().strip(), f"{self.request}", self.why]
        lines += [f"expected: {text(each)}" for each in sorted(self.expected, key=repr)]
        lines += [f"seen:     {text(each)}" for each in sorted(self.got, key=repr)]
        if self.rules[0] != self.rules[1]:
            lines.append(f"rule {self.rules[0]!r} was expected, {self.rules[1]!r} was used")
        return "\n".join(lines)


@dataclasses.dataclass
class Tried:
    """How much was tried."""

    configurations: int = 0
    requests: int = 0
    sent: int = 0
    """Requests with their repetitions."""
    forwarded: int = 0
    """Decisions by which a backend gets the request."""
    ruled: int = 0
    """Decisions by a rule."""
    skipped: int = 0
    """Requests that leave for where nobody can tell what they meet."""
    late: int = 0
    """Requests that were answered as decided, but only when asked again."""
    rejected: int = 0
    """Objects that validation did not let in."""
    refused: list[str] = dataclasses.field(default_factory=list)
    """What Envoy refused."""
    mismatches: list[tuple[str, Mismatch]] = dataclasses.field(default_factory=list)
    """With the manifests."""


class Trial:
    """Runs configurations on real proxies."""

    def __init__(self, proxies: Proxies, world: World, loopback: Loopback) -> None:
        self._proxies = proxies
        self._world = world
        self._loopback = loopback
        self.tried = Tried()

    async def run(self, seed: int, number: int) -> None:
        """One configuration and `number` requests."""
        pick = Random(seed)
        raw = configuration(pick)
        rejected = self._world.rejected
        self.tried.refused += await self._apply(raw)
        self.tried.configurations += 1
        self.tried.rejected += self._world.rejected - rejected
        wanted = list(requests(pick, raw, number))
        found = await self._ask(wanted)
        self.tried.requests += len(wanted)
        kinds: set[object] = set()
        for mismatch in found:
            kind = (mismatch.why, mismatch.rules)
            if kind in kinds or not await self._confirmed(mismatch):
                continue
            kinds.add(kind)
            await self._tell(raw, mismatch)
            await self._apply(raw)

    async def _apply(self, raw: list[Raw]) -> list[str]:
        return await self._proxies.take(self._world.replace(raw))

    async def _confirmed(self, mismatch: Mismatch) -> bool:
        for _ in range(AGAIN):
            if not await self._ask([mismatch.request], fresh=True):
                self.tried.late += 1
                return False
        return True

    async def _tell(self, raw: list[Raw], mismatch: Mismatch) -> None:
        """Make it smaller, and keep it."""
        valid = [each for each in raw if api.decode(each).objects]
        best, attempts = (raw, mismatch), 0
        if (found := await self._still(valid, mismatch.request, mismatch)) is not None:
            best = (valid, found)
        progress = True
        while progress:
            progress = False
            for smaller_raw, request in smaller(best[0], best[1].request):
                attempts += 1
                if attempts > ATTEMPTS:
                    break
                found = await self._still(smaller_raw, request, mismatch)
                if found is not None:
                    best, progress = (smaller_raw, found), True
                    break
        self.tried.mismatches.append((yaml.safe_dump_all(best[0], sort_keys=False), best[1]))

    async def _still(self, raw: list[Raw], request: Request, mismatch: Mismatch) -> Mismatch | None:
        """The mismatch if a smaller case shows it as well."""
        rejected = self._world.rejected
        await self._apply(raw)
        if self._world.rejected > rejected:
            return None
        for _ in range(2):
            found = await self._ask([request], fresh=True)
            if not found or found[0].why != mismatch.why:
                return None
        return found[0]

    async def _ask(self, wanted: Sequence[Request], *, fresh: bool = False) -> list[Mismatch]:
        """Requests whose outcome or rule is not what was decided."""
        facts = self._world.facts
        client = Client(self._loopback)
        found: list[Mismatch | None] = []
        asked: list[tuple[Request, str | None, list[Reply]]] = []
        for request in wanted:
            decision = decide(facts, request)
            expected = decided(facts, decision)
            if expected is None:
                self.tried.skipped += 1
                continue
            self.tried.ruled += bool(decision.rule_name)
            self.tried.forwarded += any(each.backend for each in expected)
            replies = await self._replies(client, request, expected)
            asked.append((request, decision.rule_name if decision.shown else None, replies))
            got = frozenset(map(seen, replies))
            wrong = Mismatch(request, expected, got, why=_why(expected, got))
            found.append(wrong if got != expected else None)
            if fresh:
                client.close()
        client.close()
        by_rule = await self._by_rule(asked)
        pairs = zip(found, by_rule, strict=True)
        return [wrong for one, other in pairs if (wrong := one or other) is not None]

    async def _replies(
        self, client: Client, request: Request, expected: frozenset[Outcome]
    ) -> list[Reply]:
        replies = [await client.ask(request)]
        if len(expected) > 1:
            got = {seen(replies[0])}
            while got < expected and len(replies) < DRAWS:
                replies.append(await client.ask(request))
                got.add(seen(replies[-1]))
        self.tried.sent += len(replies)
        return replies

    async def _by_rule(
        self, asked: list[tuple[Request, str | None, list[Reply]]]
    ) -> list[Mismatch | None]:
        """Compare rules by what the proxies logged, a line for each answer, in their order.

        Of a request that is answered before rules count (None), the log may name one all the same.
        """
        lines: dict[str, list[dict]] = {}
        for proxy in (GATEWAY, MESH):
            number = sum(
                reply.status > 0
                for request, _, replies in asked
                if _proxy(request) == proxy
                for reply in replies
            )
            lines[proxy] = await self._proxies.logs[proxy].take(number)
        found: list[Mismatch | None] = []
        for request, rule, replies in asked:
            wrong = None
            for reply in replies:
                if not reply.status:
                    continue
                line = lines[_proxy(request)].pop(0)
                used = line["route"] if line["route"] not in {None, "-"} else ""
                if rule is not None and used != rule:
                    why = "another rule"
                    wrong = Mismatch(request, frozenset(), frozenset(), (rule, used), why)
            found.append(wrong)
        return found


def _proxy(request: Request) -> str:
    return MESH if request.source is not None else GATEWAY


def _why(expected: frozenset[Outcome], got: frozenset[Outcome]) -> str:
    """The fields that differ, as far as that can be told."""
    if len(expected) != 1 or len(got) != 1:
        return "shares"
    [one], [other] = expected, got
    names = [field.name for field in dataclasses.fields(Outcome)]
    return " ".join(name for name in names if getattr(one, name) != getattr(other, name))
