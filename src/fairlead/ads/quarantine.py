"""What a proxy has refused, and what it gets instead.

One bad object never stops others: of a refused response, the parts that Envoy does not already
run are suspects. A part found guilty is replaced by its last good version, else by its fallback,
else left out, until its source changes. Suspects that wait for their trial are held back.
Survives streams: a proxy that comes back is not sent what it has refused.
"""

from collections.abc import Iterable, Iterator, KeysView
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from fairlead.ads import type_url
from fairlead.ads.barrier import Key
from fairlead.ads.bisection import Bisection, Suspect
from fairlead.ir.proxy_status import Rejection
from fairlead.xds.resource import Part, Resource, bundled, composed
from fairlead.xds.wire import digest

if TYPE_CHECKING:
    from fairlead.ir.origin import Origin

FALLBACK = b"fallback:"
"""Begins the digest of a part that stands in for a refused one; it's never a last good version."""

FIRST_RETRY = 1.0
LAST_RETRY = 30.0
"""Seconds between tries of a refused listener: what stands against it, such as a port in use, may
pass without any change of ours. The pause doubles from the first to the last."""

Content: TypeAlias = tuple[str | None, bytes]
"""(key of the part or None for the head, digest)"""


class Standing(Enum):
    """How things stand with a part that was in a refused response."""

    HELD = "held"
    REFUSED = "refused"
    RETRIED = "retried"


@dataclass(slots=True)
class Verdict:
    """What is known about content that was in a refused response."""

    standing: Standing
    message: str = ""
    """Envoy's own words."""
    pause: float = 0.0
    """Seconds from the last time that it was found guilty to the next try; 0 if it never was."""


def contents(resource: Resource, proven: Resource | None) -> Iterator[Content]:
    """What of a resource isn't in the version that Envoy is known to accept."""
    known = {(part.key, part.digest) for part in proven.parts} if proven else set[Content]()
    parts = [(part.key, part.digest) for part in resource.parts]
    if all(key for key, _ in parts) and (proven is None or proven.head != resource.head):
        yield (None, digest(resource.head))
    yield from (content for content in parts if content not in known)


@dataclass(slots=True)
class Quarantine:
    """Verdicts and trials of one proxy."""

    _verdicts: dict[Key, dict[Content, Verdict]] = field(
        default_factory=dict[Key, dict[Content, Verdict]]
    )
    _good: dict[Key, Resource] = field(default_factory=dict[Key, Resource])
    _bisections: dict[str, Bisection] = field(default_factory=dict[str, Bisection])
    _retries: dict[Key, float] = field(default_factory=dict[Key, float])
    _news: bool = False

    def take_news(self) -> bool:
        """Whether a culprit was found since this was last asked."""
        news, self._news = self._news, False
        return news

    @property
    def deadline(self) -> float | None:
        """When `retry` has something to do."""
        return min(self._retries.values(), default=None)

    def bisection(self, url: str) -> Bisection:
        """Trials of a type."""
        return self._bisections.setdefault(url, Bisection())

    def blocked(self, key: Key) -> bool:
        """Whether the resource has suspects that wait for their trial."""
        verdicts = self._verdicts.get(key)
        return bool(verdicts) and any(v.standing is Standing.HELD for v in verdicts.values())

    def effective(self, resource: Resource) -> Resource | None:
        """What to send for a resource; None if nothing of it is left."""
        key = (resource.type_url, resource.name)
        verdicts = self._verdicts.get(key)
        if not verdicts:
            return resource
        good = self._good.get(key)

        def usable(content: Content) -> bool:
            verdict = verdicts.get(content)
            return verdict is None or verdict.standing is Standing.RETRIED

        head = resource.head
        if not usable((None, digest(head))):
            if good is None or not usable((None, digest(good.head))):
                return None
            head = good.head
        known = {part.key: part for part in good.parts} if good else dict[str, Part]()
        parts: list[Part] = []
        for part in resource.parts:
            for candidate in _candidates(part, known.get(part.key)):
                if usable((candidate.key, candidate.digest)):
                    parts.append(candidate)
                    break
            else:
                if not part.key:
                    return None
        if head == resource.head and tuple(parts) == resource.parts:
            return resource
        bundles = tuple([bundled((part,)) for part in parts])
        made = composed(resource.type_url, resource.name, head, bundles)
        return msgspec.structs.replace(made, version=f"held-{made.version}")

    @property
    def keys(self) -> KeysView[Key]:
        """Resources of which something was in a refused response."""
        return self._verdicts.keys()

    def stand_ins(self, resource: Resource) -> list[bytes]:
        """Content that is sent in place of what was refused of a resource."""
        effective = self.effective(resource)
        own = {part.digest for part in resource.parts}
        parts = () if effective is None else effective.parts
        return [part.body for part in parts if part.digest not in own]

    def accepted(self, resource: Resource) -> bool:
        """Envoy runs this; returns whether a rejection is over by that."""
        key = (resource.type_url, resource.name)
        self._good[key] = resource
        verdicts = self._verdicts.get(key)
        if not verdicts:
            return False
        passed = [
            content
            for content in contents(resource, None)
            if (v := verdicts.get(content)) and v.standing is Standing.RETRIED
        ]
        for content in passed:
            del verdicts[content]
        if not verdicts:
            del self._verdicts[key]
        return bool(passed)

    def refused(self, url: str, resources: Iterable[Resource], message: str, now: float) -> None:
        """Envoy has refused a response with these resources.

        `take_news` says afterwards whether the culprit is known.
        """
        resources = tuple(resources)
        suspects = [
            Suspect(resource.name, *content)
            for resource in resources
            for content in contents(resource, self._good.get((url, resource.name)))
        ]
        # All of it was good once: something outside has changed, so anything may be at fault.
        suspects = suspects or [
            Suspect(resource.name, *content)
            for resource in resources
            for content in contents(resource, None)
        ]
        culprits = self.bisection(url).refused(suspects, message)
        for culprit in culprits:
            self.condemn(url, culprit, message, now)
        if not culprits:
            self._hold(url, suspects, message)

    def condemn(self, url: str, culprit: Suspect, message: str, now: float) -> None:
        """Hold back content until its source changes."""
        self._news = True
        verdict = self._enter(url, culprit, Standing.REFUSED, message)
        if url == type_url.LISTENER:
            verdict.pause = min(verdict.pause * 2, LAST_RETRY) or FIRST_RETRY
            self._retries[url, culprit.name] = now + verdict.pause

    def _enter(self, url: str, suspect: Suspect, standing: Standing, message: str) -> Verdict:
        """A new verdict, which knows how often there was one of this kind."""
        verdicts = self._verdicts.setdefault((url, suspect.name), {})
        content = (suspect.part, suspect.digest)
        old = verdicts.get(content)
        pause = 0.0 if old is None else old.pause
        verdicts[content] = verdict = Verdict(standing, message, pause)
        return verdict

    def acquit(self, url: str, suspects: Iterable[Suspect]) -> None:
        """Let suspects go, to be tried or because nobody wants them any more."""
        for suspect in suspects:
            key = (url, suspect.name)
            verdicts = self._verdicts.get(key, {})
            verdict = verdicts.get((suspect.part, suspect.digest))
            if verdict is None or verdict.standing is not Standing.HELD:
                continue
            if verdict.pause:
                verdict.standing = Standing.RETRIED
            else:
                del verdicts[suspect.part, suspect.digest]
            if not verdicts:
                self._verdicts.pop(key, None)

    def _hold(self, url: str, suspects: Iterable[Suspect], message: str) -> None:
        """Hold suspects back until their trial."""
        for suspect in suspects:
            self._enter(url, suspect, Standing.HELD, message)

    def changed(self, key: Key, resource: Resource | None) -> bool:
        """The source of a resource has changed: what is new in it is tried again.

        Returns:
            Whether the proxy's rejections may read differently now.
        """
        if resource is None:
            self._good.pop(key, None)
        verdicts = self._verdicts.get(key)
        if not verdicts:
            return False
        wanted = set(contents(resource, None)) if resource else set[Content]()
        kept = {content[0] for content in wanted if content in verdicts}
        over = {content: v for content, v in verdicts.items() if content[0] not in kept}
        url, name = key
        self.bisection(url).drop(Suspect(name, *content) for content in over)
        for content in over:
            del verdicts[content]
        if not verdicts:
            del self._verdicts[key]
            self._retries.pop(key, None)
        return True

    def retry(self, now: float) -> list[Key]:
        """Listeners to try again now."""
        due = [key for key, at in self._retries.items() if at <= now]
        for key in due:
            del self._retries[key]
            for verdict in self._verdicts.get(key, {}).values():
                if verdict.standing is Standing.REFUSED:
                    verdict.standing = Standing.RETRIED
        return due

    def disconnected(self) -> None:
        """Trials under way have no answer."""
        for url in self._bisections:
            self.repeat(url)

    def repeat(self, url: str) -> None:
        """The trial under way, if any, has no answer."""
        bisection = self.bisection(url)
        if bisection.running is not None:
            self._hold(url, bisection.running.suspects, bisection.running.message)
        bisection.again()

    def rejections(self, key_to_resource: dict[str, dict[str, Resource]]) -> tuple[Rejection, ...]:
        """What is desired and held back, sorted by type, resource and part."""
        found: list[Rejection] = []
        for (url, name), verdicts in self._verdicts.items():
            resource = key_to_resource.get(url, {}).get(name)
            if resource is None:
                continue
            wanted: dict[Content, tuple[Origin, ...]] = {
                (part.key, part.digest): part.origins for part in resource.parts
            }
            wanted[None, digest(resource.head)] = resource.origins
            found.extend(
                Rejection(url, name, content[0] or "", verdict.message, wanted[content])
                for content, verdict in verdicts.items()
                if content in wanted and (verdict.pause or verdict.standing is Standing.REFUSED)
            )
        return tuple(sorted(found, key=lambda r: (r.type_url, r.name, r.part)))


def _candidates(part: Part, good: Part | None) -> Iterator[Part]:
    """What can stand for a part, best first."""
    yield part
    if good is not None and not good.digest.startswith(FALLBACK):
        yield good
    if part.fallback:
        mark = FALLBACK + digest(part.fallback)
        yield Part(part.key, part.fallback, b"", mark, part.origins)
