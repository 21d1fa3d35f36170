"""One stream of one proxy: what comes in, what may go out, and in which order.

Requests, updates and the passing of time go in; responses come out one at a time, made from what
is desired at that moment. Work is proportional to what changed, never to what there is.

Order: clusters and endpoints at once; routes and listeners once every cluster that was new at
that time has its endpoints acknowledged (`barrier`); removed clusters last (`removal`). After a
changed cluster its endpoints go out again, or Envoy warms it for 15 seconds. A resource that is
subscribed but not known is answered by silence: it may come, and Envoy reads "removed" as final.
"""

from fairlead.ads import type_url
from fairlead.ads.barrier import Key
from fairlead.ads.channel import WILDCARD, Channel, Mark, Response
from fairlead.ads.outgoing import next_response
from fairlead.ads.quarantine import Quarantine
from fairlead.ads.stream import Changes, Desired, Stream, Unclear
from fairlead.ads.wire import Request
from fairlead.xds.resource import Resource


class Session:
    """Takes requests, updates and time for one stream, and yields its responses."""

    def __init__(
        self, desired: Desired, quarantine: Quarantine, unclear: Unclear | None = None
    ) -> None:
        """Begin a stream; `unclear` is what the one before it has left open, if there was one."""
        self.stream = Stream(desired, quarantine)
        if unclear is not None:
            self.stream.owed.update(unclear.endpoints)
            self.stream.unclear.update(unclear.resources)
        self._returned = False

    @property
    def resuming(self) -> bool:
        """Whether Envoy has come back with what it holds and has not said it of all types yet."""
        return self._returned and type_url.LISTENER not in self.stream.channels

    @property
    def synced(self) -> bool:
        """Whether Envoy holds all that is desired, as far as it has asked for it."""
        return (
            type_url.CLUSTER in self.stream.channels
            and type_url.LISTENER in self.stream.channels
            and self.stream.barrier.clear
            and not (self.stream.gate or self.stream.removals or self.trials)
            and all(channel.idle for channel in self.stream.channels.values())
        )

    @property
    def trials(self) -> int:
        """Groups of suspects that are not decided yet, of the types that Envoy asks for."""
        return sum(len(self.stream.quarantine.bisection(url)) for url in self.stream.channels)

    @property
    def unclear(self) -> Unclear:
        """What is not known of Envoy should the stream break now."""
        resources = self.stream.unclear | {
            url: channel.unclear for url, channel in self.stream.channels.items()
        }
        return Unclear(frozenset(self.stream.owed), resources)

    @property
    def deadline(self) -> float | None:
        """When `poll` has something to do without anything coming in."""
        clusters = self.stream.channels.get(type_url.CLUSTER)
        times = (
            self.stream.barrier.deadline,
            self.stream.removals.deadline,
            self.stream.quarantine.deadline,
            clusters.overdue_after(self.stream.polled) if clusters is not None else None,
        )
        return min((time for time in times if time is not None), default=None)

    # What comes in

    def receive(self, request: Request, now: float) -> bool:
        """Take a request; returns whether the proxy's status may have changed by it."""
        channel = self.stream.channels.get(request.type_url)
        fresh = channel is None
        if channel is None:
            channel = self.stream.channels[request.type_url] = Channel(request.type_url)
        for name in request.unsubscribe:  # before the answer, which says nothing about them
            self._unsubscribe(channel, name, now)
        told = bool(request.nonce) and self._answer(channel, request, now)
        if fresh:
            self._begin(channel, request, now)
        else:
            self._subscribe(channel, request.subscribe)
        return told or fresh

    def _begin(self, channel: Channel, request: Request, now: float) -> None:
        """The first request of a type: wildcard if it names nothing."""
        url = channel.type_url
        channel.wildcard = not request.subscribe or WILDCARD in request.subscribe
        channel.names.update(name for name in request.subscribe if name != WILDCARD)
        channel.owes_answer = channel.wildcard or url not in type_url.ORDER
        channel.generation = self.stream.barrier.generation
        table = self.stream.desired.get(url, {})
        held = dict(request.initial_versions)
        self._returned = self._returned or bool(held)
        channel.acknowledged.update(held)
        unclear = {name for name in self.stream.unclear.pop(url, ()) if channel.wants(name)}
        channel.unsure |= unclear
        channel.forced |= unclear
        leftovers = sorted((held.keys() | unclear) - table.keys())
        for name, version in held.items():
            resource = table.get(name)
            if resource is not None and resource.version == version:
                self.stream.quarantine.accepted(resource)
        if url == type_url.CLUSTER:
            self.stream.barrier.serving.update(held)
            if held:  # else it has no routes: a new process, or one that refused its first response
                self.stream.removals.settle(None)
            self.stream.removals.add(leftovers, self._unfinished(), now)
            self.stream.barrier.expect(
                table if channel.wildcard else channel.names & table.keys(), now
            )
        elif url in type_url.REMOVABLE:
            for name in leftovers:
                self._mark(channel, name, None)
        if url == type_url.LISTENER:
            self.stream.removals.settle(now)
        for name in sorted(table if channel.wildcard else channel.names):
            self._mark(channel, name, table.get(name))

    def _subscribe(self, channel: Channel, names: tuple[str, ...]) -> None:
        """Further names; one that was subscribed before is sent again."""
        table = self.stream.desired.get(channel.type_url, {})
        for name in names:
            if name == WILDCARD:
                channel.wildcard = True
                channel.owes_answer = True
                for known, resource in table.items():
                    self._mark(channel, known, resource)
                continue
            channel.names.add(name)
            channel.forced.add(name)
            self._mark(channel, name, table.get(name))

    def _unsubscribe(self, channel: Channel, name: str, now: float) -> None:
        channel.unsubscribe(name)
        key = (channel.type_url, name)
        if not channel.wants(name):
            self.stream.gate.drop(key)
            if name not in channel.busy:
                self.stream.finish(key, self.stream.sequence, now)

    def update(self, changes: Changes, before: Changes, now: float) -> None:
        """What is desired has changed, in one go; `before` holds what was desired until then."""
        self.stream.sequence += 1
        leaving: list[str] = []
        names = [name for url, name in changes if url == type_url.CLUSTER]
        gone = [name for name in names if changes[type_url.CLUSTER, name] is None]
        outdated = self.stream.barrier.first_awaiting(gone)
        clusters = self.stream.channels.get(type_url.CLUSTER)
        if clusters is not None:
            leaving = self._clusters(clusters, names, now)
        for (url, name), resource in changes.items():
            channel = self.stream.channels.get(url)
            if channel is None or not channel.wants(name):
                continue
            if url != type_url.CLUSTER or resource is not None:
                self._mark(channel, name, before.get((url, name)))
        if outdated is not None:
            self.stream.gate.drop_outdated(outdated)
        leaving += self.stream.pinned  # to be looked at again: this may be what they waited for
        self.stream.pinned.clear()
        if leaving:
            self.stream.removals.add(leaving, self._unfinished(), now)

    def _clusters(self, clusters: Channel, names: list[str], now: float) -> list[str]:
        """Wait for new clusters; returns those that have to leave."""
        desired = self.stream.desired.get(type_url.CLUSTER, {})
        leaving: list[str] = []
        coming: list[str] = []
        for name in names:
            if not clusters.wants(name):
                continue
            if name in desired:
                self.stream.removals.cancel(name)
                self.stream.pinned.discard(name)
                flight = clusters.busy.get(name)
                if flight is not None and flight.removed:
                    self.stream.barrier.gone(name)
                coming.append(name)
                continue
            self.stream.barrier.give_up(name)
            clusters.ready.pop(name, None)
            if clusters.may_hold(name) or name in clusters.busy:
                leaving.append(name)
        self.stream.barrier.expect(coming, now)
        return leaving

    def _mark(self, channel: Channel, name: str, before: Resource | None) -> None:
        """Something has to be sent, at once or when its clusters are there."""
        key = (channel.type_url, name)
        if channel.type_url not in type_url.ROUTING or self.stream.barrier.clear:
            self.stream.gate.drop(key)
            channel.ready[name] = Mark(self.stream.sequence)
            return
        mark = channel.ready.get(name)
        if mark is not None and not mark.frozen:
            channel.ready[name] = Mark(mark.sequence, frozen=True, resource=before)
        self.stream.gate.hold(key, self.stream.barrier.generation, self.stream.sequence, before)

    def _unfinished(self) -> dict[Key, int]:
        """Routes and listeners that Envoy does not hold yet as they are desired.

        Returns:
            For each the update whose acknowledgement will do; 0 where what is under way will.
        """
        waiting = dict.fromkeys(self.stream.gate, self.stream.sequence)
        for url in type_url.ROUTING & self.stream.channels.keys():
            channel = self.stream.channels[url]
            waiting.update(((url, name), self.stream.sequence) for name in channel.ready)
            for name in channel.busy:
                waiting.setdefault((url, name), 0)
        return waiting

    # Answers of the proxy

    def _answer(self, channel: Channel, request: Request, now: float) -> bool:
        """An ACK or NACK; one of an unknown (stale) nonce says nothing."""
        response = channel.unanswered.pop(request.nonce, None)
        if response is None:
            return False
        self.stream.last_answer = now
        if request.error is not None:
            self._refused(channel, response, request.error, now)
            return False
        return self._accepted(channel, response, now)

    def _accepted(self, channel: Channel, response: Response, now: float) -> bool:
        url = channel.type_url
        landed = channel.accepted(response)
        told = url == type_url.LISTENER
        desired = self.stream.desired.get(url, {})
        for entry in response.entries:
            name = entry.resource.name
            wanted = channel.wants(name)
            # What has left is no last good version of what may come, and what is not wanted any
            # more Envoy passes over and acknowledges, good or bad.
            if name in desired and wanted:
                told = self.stream.quarantine.accepted(entry.resource) or told
            if url == type_url.CLUSTER and name in landed:
                self._cluster_accepted(name)
            elif url == type_url.ENDPOINTS:
                self.stream.barrier.endpoints_accepted(name, response.serial)
            if self.stream.quarantine.blocked((url, name)):
                if (url, name) not in self.stream.gate:
                    channel.ready.setdefault(name, Mark(entry.sequence))
            else:
                self.stream.finish(
                    (url, name), entry.sequence if wanted else self.stream.sequence, now
                )
        for name, sequence in response.removed:
            if url == type_url.CLUSTER and name in landed:
                self._cluster_removed(channel, name)
            self.stream.finish((url, name), sequence, now)
        if response.trial is not None:
            if all(channel.wants(entry.resource.name) for entry in response.entries):
                self.stream.quarantine.bisection(url).done(passed=True)
            else:
                self.stream.quarantine.repeat(url)
        return told

    def _cluster_accepted(self, name: str) -> None:
        """A cluster without endpoints of its own is there once it's acknowledged."""
        if name not in self.stream.desired.get(type_url.ENDPOINTS, {}):
            self.stream.barrier.settle(name)

    def _cluster_removed(self, clusters: Channel, name: str) -> None:
        """Envoy has let go of a cluster, which may have become desired again meanwhile."""
        self.stream.owed.discard(name)
        if name in self.stream.desired.get(type_url.CLUSTER, {}):
            clusters.ready.setdefault(name, Mark(self.stream.sequence))
        else:
            self.stream.barrier.gone(name)

    def _refused(self, channel: Channel, response: Response, message: str, now: float) -> None:
        url = channel.type_url
        channel.refused(response)
        if response.trial is not None:
            self.stream.quarantine.bisection(url).done(passed=False)
        resources = [entry.resource for entry in response.entries]
        if resources:
            self.stream.quarantine.refused(url, resources, message, now)
            desired = self.stream.desired.get(url, {})
            for resource in resources:  # what has left meanwhile cannot be tried
                self.stream.quarantine.changed((url, resource.name), desired.get(resource.name))
        for entry in response.entries:
            name = entry.resource.name
            if not channel.wants(name):
                self.stream.finish((url, name), self.stream.sequence, now)
            elif (url, name) not in self.stream.gate:
                channel.ready.setdefault(name, Mark(entry.sequence))
        for name, sequence in response.removed:
            if not resources:
                self.stream.finish((url, name), sequence, now)
            elif (url, name) not in self.stream.gate:
                channel.ready.setdefault(name, Mark(sequence))

    # What goes out

    def poll(self, now: float) -> Response | None:
        """The next response, already entered as sent; None if there is nothing to say now."""
        self.stream.polled = now
        while True:
            self._pass_time(now)
            opened = self.stream.barrier.opened
            urls = (*type_url.ORDER, *sorted(self.stream.channels.keys() - set(type_url.ORDER)))
            for channel in map(self.stream.channels.get, urls):
                response = None if channel is None else next_response(self.stream, channel, now)
                if channel is not None and response is not None:
                    self._sent(channel, response, now)
                    return response
            if self.stream.barrier.opened == opened:
                return None

    def _pass_time(self, now: float) -> None:
        self.stream.barrier.expire(now)
        for (url, name), mark in self.stream.gate.release(self.stream.barrier.opened):
            self.stream.channels[url].ready[name] = mark
        if due := self.stream.removals.release(now, self._unfinished):
            self.stream.pinned |= self._in_use(due)
            for name in due:
                if name not in self.stream.pinned:
                    self.stream.channels[type_url.CLUSTER].ready[name] = Mark(self.stream.sequence)
        for url, name in self.stream.quarantine.retry(now):
            channel = self.stream.channels.get(url)
            if channel is not None and channel.wants(name):
                self._mark(channel, name, self.stream.desired.get(url, {}).get(name))

    def _in_use(self, clusters: list[str]) -> set[str]:
        """Clusters that what stands in for a refused route or listener names.

        Names stand in the bytes as they are; one that is part of another name stays as well.
        """
        contents = list(self.stream.stand_ins())
        return {name for name in clusters if any(name.encode() in each for each in contents)}

    def _sent(self, channel: Channel, response: Response, now: float) -> None:
        channel.sent(response, now)
        if channel.type_url == type_url.CLUSTER:
            endpoints = self.stream.channels.get(type_url.ENDPOINTS)
            for entry in response.entries:
                name = entry.resource.name
                self.stream.barrier.sent(name, response.serial)
                if name not in self.stream.desired.get(type_url.ENDPOINTS, {}):
                    continue
                self.stream.owed.add(name)
                if endpoints is not None and endpoints.wants(name):
                    endpoints.forced.add(name)
                    endpoints.ready.setdefault(name, Mark(self.stream.sequence))
        elif channel.type_url == type_url.ENDPOINTS:
            self.stream.owed.difference_update(entry.resource.name for entry in response.entries)
