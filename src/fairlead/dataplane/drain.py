"""How an Envoy leaves without a failed request.

First every answer tells its client to leave, while new connections are still taken, for others may
take a while to learn that this proxy goes. When nobody is connected any more, or nobody has asked
for anything for a while, or time is up, the listeners close. Envoy itself does none of this when it
is told to end.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from fairlead.dataplane import admin
from fairlead.dataplane.clock import Clock

_LOOK_SECONDS = 0.25
_CLOSING_SECONDS = 1.0
"""From the end of the listeners to that of the connections which have just been accepted."""
_QUIET_SECONDS = 3.0
"""Without a new connection: where there is no other proxy yet, clients come back for each request,
and there are moments in which none is connected."""
_IDLE_SECONDS = 8.0
"""Without a request: connections that are left then are kept for later, and close as they would at
a server's idle timeout."""
_CLIENTS = (
    "/stats?format=json&filter=%5E(listener%7Chttp)%5C..*%5C.downstream_(cx%7Crq)_(active%7Ctotal)$"
)
_NOT_COUNTED = re.compile(r"^(listener|http)\.admin\.|\.(worker_\d+|main_thread)\.")
"""Connections such as ours, and what is counted a second time by thread."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long leaving may take, in seconds."""

    least: float
    """Until everybody may be expected to send new connections elsewhere."""
    most: float
    """Clients that are still connected then are cut off."""


class Clients(NamedTuple):
    """Clients of an Envoy's listeners."""

    now: int
    """That are connected."""
    ever: int
    """That have connected."""
    busy: int
    """Requests that are not answered yet, and connections that are not HTTP."""
    asked: int
    """Requests that there have been."""


async def drain(
    admin_socket: Path, clock: Clock, patience: Patience, closing: Callable[[], None]
) -> bool:
    """Let clients go, then close the listeners.

    Args:
        admin_socket: of the Envoy.
        clock: for all waiting.
        patience: how long it may take.
        closing: called when no more connections are taken from now on.

    Returns:
        Whether all clients had gone by then, as far as Envoy could be asked.
    """
    begun = clock.now()
    until = begun + patience.most
    while not await _told(admin_socket, "/drain_listeners?graceful") and clock.now() < until:
        await clock.sleep(_LOOK_SECONDS)
    await _wait_until_quiet(admin_socket, clock, patience, begun)
    closing()
    await _told(admin_socket, "/drain_listeners")
    until = clock.now() + _CLOSING_SECONDS
    while (left := await _count(admin_socket)) and left.now and clock.now() < until:
        await clock.sleep(_LOOK_SECONDS / 5)
    return not (left and left.now)


async def _wait_until_quiet(
    admin_socket: Path, clock: Clock, patience: Patience, begun: float
) -> None:
    """Return when nobody is connected, or asks, and nobody has for a while, or time is up.

    An Envoy that doesn't answer is busy rather than gone: nothing is known of its clients then.
    """
    empty_since = idle_since = clock.now()
    ever = asked = -1
    while clock.now() - begun < patience.most:
        found = await _count(admin_socket)
        if found is None or found.now or found.ever != ever:
            empty_since = clock.now()
        if found is None or found.busy or (found.ever, found.asked) != (ever, asked):
            idle_since = clock.now()
        if found is not None:
            ever, asked = found.ever, found.asked
        empty = clock.now() - empty_since >= min(_QUIET_SECONDS, patience.least)
        idle = clock.now() - idle_since >= _IDLE_SECONDS
        if (empty or idle) and clock.now() - begun >= patience.least:
            return
        await clock.sleep(_LOOK_SECONDS)


async def _told(admin_socket: Path, target: str) -> bool:
    """Whether Envoy has taken a command."""
    try:
        status, _ = await admin.request(admin_socket, target, method="POST")
    except admin.AdminError:
        return False
    return status == HTTPStatus.OK


async def _count(admin_socket: Path) -> Clients | None:
    """Clients; None where Envoy does not answer."""
    try:
        return await clients(admin_socket)
    except admin.AdminError:
        return None


async def clients(admin_socket: Path) -> Clients:
    """Clients of the listeners of an Envoy.

    Raises:
        AdminError: it does not answer.
    """
    _, body = await admin.request(admin_socket, _CLIENTS)
    try:
        found: list[dict[str, Any]] = json.loads(body)["stats"]
    except (ValueError, KeyError) as error:
        raise admin.AdminError(f"no statistics: {body[:100]!r}") from error
    counts: Counter[tuple[str, str]] = Counter()
    for entry in found:
        name: str = entry["name"]
        if "value" in entry and not _NOT_COUNTED.search(name):
            counts[name.partition(".")[0], name.rpartition(".")[2]] += int(entry["value"])
    now = counts["listener", "downstream_cx_active"]
    not_http = max(0, now - counts["http", "downstream_cx_active"])
    return Clients(
        now,
        ever=counts["listener", "downstream_cx_total"],
        busy=not_http + counts["http", "downstream_rq_active"],
        asked=counts["http", "downstream_rq_total"],
    )
