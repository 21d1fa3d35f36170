"""Gateways of our classes: accepted, with connected proxies, and within reach."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from fairlead.install.apply import accepted
from fairlead.install.check.finding import Finding
from fairlead.install.part import Manifest

TOPIC: Final = "Gateways"
_MOST: Final = 32
"""Ports that are tried at once."""
_SECONDS: Final = 3.0


class Port(NamedTuple):
    """Where a Gateway's listener is expected to be."""

    gateway: str
    """`NAMESPACE/NAME`."""
    address: str
    port: int


Dial = Callable[[str, int], Awaitable[None]]
"""Opens and closes a TCP connection; raises OSError if it cannot."""


def classes(found: Sequence[Manifest], controller: str) -> list[Manifest]:
    """GatewayClasses that name this controller."""
    return [
        each
        for each in found
        if each["kind"] == "GatewayClass" and each["spec"]["controllerName"] == controller
    ]


def of_classes(found: Sequence[Manifest], controller: str) -> list[Manifest]:
    """Gateways of this controller's classes."""
    names = {each["metadata"]["name"] for each in classes(found, controller)}
    return [
        each
        for each in found
        if each["kind"] == "Gateway" and each["spec"]["gatewayClassName"] in names
    ]


def judge(
    found: Sequence[Manifest], controller: str, connected: frozenset[str]
) -> Iterator[Finding]:
    """How Gateways and their classes do.

    Args:
        found: objects of Gateway API's kinds.
        controller: whose classes count.
        connected: names of the proxies that are connected to the control plane.
    """
    ours = classes(found, controller)
    if not ours:
        message = f"there is no GatewayClass of {controller}"
        yield Finding(TOPIC, "warning", message, "`fairlead install` makes one")
    for each in ours:
        name = each["metadata"]["name"]
        if accepted(each):
            yield Finding(TOPIC, "ok", f"GatewayClass {name} is accepted")
        else:
            remedy = f"see `kubectl describe gatewayclass {name}`"
            yield Finding(TOPIC, "error", f"GatewayClass {name} is not accepted", remedy)
    for gateway in of_classes(found, controller):
        yield _gateway(gateway, connected)


def _gateway(gateway: Manifest, connected: frozenset[str]) -> Finding:
    name = _name(gateway)
    conditions: Mapping[str, Mapping[str, Any]] = {
        each["type"]: each for each in gateway.get("status", {}).get("conditions", ())
    }
    for kind in ("Accepted", "Programmed"):
        held = conditions.get(kind, {})
        if held.get("status") != "True":
            words = held.get("message") or "nobody has said so yet"
            message = f"{name} is not {kind} ({held.get('reason', 'Pending')}): {words}"
            remedy = f"see `fairlead describe gateway -n {name.replace('/', ' ')}`"
            return Finding(TOPIC, "error", message, remedy)
    if f"gateway/{name}" not in connected:
        message = f"{name}: no proxy of it is connected to the control plane"
        remedy = f"see `kubectl -n {name.partition('/')[0]} get pods`"
        return Finding(TOPIC, "error", message, remedy)
    addresses = ", ".join(_addresses(gateway)) or "no address"
    return Finding(TOPIC, "ok", f"{name} serves at {addresses}")


def ports(gateways: Sequence[Manifest]) -> list[Port]:
    """Where connections should be possible: addresses of programmed Gateways, without UDP."""
    return sorted(
        {
            Port(_name(gateway), address, listener["port"])
            for gateway in gateways
            for address in _addresses(gateway)
            for listener in gateway["spec"].get("listeners") or ()
            if listener["protocol"] != "UDP"
        }
    )


async def reach(wanted: Sequence[Port], dial: Dial) -> list[Finding]:
    """Try whether a connection can be opened from here."""
    limit = asyncio.Semaphore(_MOST)

    async def tried(port: Port) -> str:
        async with limit:
            try:
                async with asyncio.timeout(_SECONDS):
                    await dial(port.address, port.port)
            except TimeoutError:
                return f"no answer in {_SECONDS:g} s"
            except OSError as error:
                return error.strerror or str(error)
            return ""

    failures = await asyncio.gather(*map(tried, wanted))
    found = [
        Finding(
            TOPIC,
            "warning",
            f"{port.gateway}: {port.address} port {port.port} cannot be reached from here: {why}",
            "make sure that the load balancer routes it, and that no firewall is on the way",
        )
        for port, why in zip(wanted, failures, strict=True)
        if why
    ]
    if wanted and not found:
        found = [Finding(TOPIC, "ok", f"all {len(wanted)} ports can be reached from here")]
    return found


async def dial(address: str, port: int) -> None:
    """Open and close a TCP connection."""
    _, writer = await asyncio.open_connection(address, port)
    writer.close()


def _addresses(gateway: Manifest) -> list[str]:
    return [each["value"] for each in gateway.get("status", {}).get("addresses") or ()]


def _name(gateway: Manifest) -> str:
    return f"{gateway['metadata']['namespace']}/{gateway['metadata']['name']}"
