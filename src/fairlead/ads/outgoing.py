"""The next response of one type, from what is ready on its channel.

A response carries at most `MOST_RESOURCES` resources and about `MOST_BYTES` bytes, so that putting
it together never stalls the event loop.
"""

from dataclasses import dataclass, field

from fairlead.ads import type_url
from fairlead.ads.bisection import Group
from fairlead.ads.channel import Channel, Entry, Mark, Response
from fairlead.ads.stream import Stream
from fairlead.ads.wire import size

MOST_RESOURCES = 1000
MOST_BYTES = 4 * 1024 * 1024


@dataclass(slots=True)
class _Load:
    """What is collected for one response."""

    entries: list[Entry] = field(default_factory=list[Entry])
    removed: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    bytes: int = 0
    closed: bool = False
    """No further entries: one that has to travel alone is in."""

    @property
    def full(self) -> bool:
        return self.bytes >= MOST_BYTES or len(self.entries) >= MOST_RESOURCES

    def response(self, stream: Stream, channel: Channel, trial: Group | None = None) -> Response:
        stream.serial += 1
        return Response(
            stream.serial, channel.type_url, tuple(self.entries), tuple(self.removed), trial
        )


def next_response(stream: Stream, channel: Channel, now: float) -> Response | None:
    """Take what can be sent now off the channel; None if that is nothing."""
    trial = _trial(stream, channel, now)
    if trial is not None:
        return trial
    load = _Load()
    if channel.ready:
        _collect(stream, channel, load, now)
    if load.entries or load.removed:
        return load.response(stream, channel)
    if channel.owes_answer and stream.barrier.opened >= channel.generation and not channel.ready:
        return load.response(stream, channel)
    return None


def _collect(stream: Stream, channel: Channel, load: _Load, now: float) -> None:
    """Go through what is ready until the load is full or nothing more may join it."""
    table = stream.desired.get(channel.type_url, {})
    for name in list(channel.ready):
        if not channel.free(name, now, removal=name not in table):
            continue
        if load.full or (load.closed and channel.type_url not in type_url.REMOVABLE):
            break
        _take(stream, channel, name, load, now)
    if not channel.ready:
        channel.ready.clear()  # an emptied dict is walked at its former size, a cleared one is not


def _take(stream: Stream, channel: Channel, name: str, load: _Load, now: float) -> None:
    """Put one ready resource into the load, drop it, or leave it for later."""
    url = channel.type_url
    if stream.quarantine.blocked((url, name)):
        return
    mark = channel.ready[name]
    desired, entry = stream.entry(mark, url, name)
    if entry is None:
        del channel.ready[name]
        if (
            not desired
            and url in type_url.REMOVABLE
            and (channel.may_hold(name) or name in channel.busy)
        ):
            load.removed.append((name, stream.as_of(mark)))
        else:
            if desired:
                stream.left_out((url, name))
            stream.finish((url, name), stream.as_of(mark), now)
        return
    owed = url == type_url.ENDPOINTS and name in stream.owed
    if channel.current(entry.resource) and not owed:
        del channel.ready[name]
        stream.finish((url, name), stream.as_of(mark), now)
        return
    alone = url in type_url.SOLITARY or (url in type_url.ALONE and channel.may_hold(name))
    if load.closed or (alone and load.entries):
        return
    load.closed = alone
    _add(channel, entry, load)


def _add(channel: Channel, entry: Entry, load: _Load) -> None:
    channel.ready.pop(entry.resource.name, None)
    load.entries.append(entry)
    load.bytes += size(entry.resource)


def _trial(stream: Stream, channel: Channel, now: float) -> Response | None:
    """The next group of suspects, where one waits and its resources are free."""
    url = channel.type_url
    bisection = stream.quarantine.bisection(url)
    while (group := bisection.start()) is not None:
        names = sorted({suspect.name for suspect in group.suspects})
        unwanted = [name for name in names if not channel.wants(name)]
        if unwanted:
            for name in unwanted:
                stream.quarantine.acquit(url, bisection.withdraw(name))
            if group.suspects:
                bisection.again()
            else:
                bisection.done(passed=False)
            continue
        if any(
            not channel.free(name, now, removal=False) or (url, name) in stream.gate
            for name in names
        ):
            bisection.again()
            return None
        if group.guilty:
            _condemn(stream, channel, group, now)
            bisection.done(passed=False)
            continue
        stream.quarantine.acquit(url, group.suspects)
        load = _Load()
        for name in names:
            mark = channel.ready.get(name, Mark(stream.sequence))
            _, entry = stream.entry(mark, url, name)
            if entry is not None:
                _add(channel, entry, load)
        if load.entries:
            return load.response(stream, channel, group)
        bisection.done(passed=False)
    return None


def _condemn(stream: Stream, channel: Channel, group: Group, now: float) -> None:
    for culprit in group.suspects:
        stream.quarantine.condemn(channel.type_url, culprit, group.message, now)
        channel.ready.setdefault(culprit.name, Mark(stream.sequence))
