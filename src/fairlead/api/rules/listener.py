"""Rules of listeners, of a Gateway or a ListenerSet."""

from collections.abc import Iterator
from typing import Final

from fairlead.api.codes import Code
from fairlead.api.finding import Finding, Path
from fairlead.api.gateway import Listener, ListenerRequestFilter
from fairlead.api.rules import http_filter
from fairlead.api.rules.union import union
from fairlead.api.rules.unique import unique

_WITHOUT_TLS: Final = frozenset({"HTTP", "TCP", "UDP"})
_WITHOUT_HOSTNAME: Final = frozenset({"TCP", "UDP"})


def listeners(path: Path, given: tuple[Listener, ...]) -> Iterator[Finding]:
    """Each is sound, and no two have the same name or take the same traffic."""
    names = [listener.name for listener in given]
    yield from unique(path, names, "listener {first} is named `{key}` too", "rename one of them")
    places = [(each.port, each.protocol, each.hostname) for each in given]
    yield from unique(
        path,
        places,
        "port, protocol and hostname are those of listener {first}",
        "give it another port or hostname, or merge the two",
    )
    for index, listener in enumerate(given):
        yield from _listener((*path, index), listener)


def _listener(path: Path, listener: Listener) -> Iterator[Finding]:
    protocol, tls = listener.protocol, listener.tls
    if protocol in _WITHOUT_HOSTNAME and listener.hostname:
        message = f"a listener of protocol {protocol} has no hostname"
        yield Finding(Code.RULE, (*path, "hostname"), message, "remove it")
    if listener.filters:
        for index, each in enumerate(listener.filters.requests):
            yield from _request_filter((*path, "filters", "requests", index), each)
    if tls and protocol in _WITHOUT_TLS:
        message = f"a listener of protocol {protocol} has no tls"
        yield Finding(Code.RULE, (*path, "tls"), message, "remove it, or set `protocol: HTTPS`")
    elif tls is None and protocol == "TLS":
        message = "a listener of protocol TLS needs `tls.mode`"
        yield Finding(Code.RULE, path, message, "add `tls` with mode Terminate or Passthrough")
    elif tls and protocol == "HTTPS" and tls.mode != "Terminate":
        message = "a listener of protocol HTTPS terminates TLS"
        remedy = "set `mode: Terminate`, or `protocol: TLS`"
        yield Finding(Code.RULE, (*path, "tls", "mode"), message, remedy)
    if tls and tls.mode == "Terminate" and not tls.certificate_refs and not tls.options:
        message = "mode Terminate needs `certificateRefs` or `options`"
        yield Finding(Code.RULE, (*path, "tls"), message, "add the Secret that holds the key pair")


def _request_filter(path: Path, each: ListenerRequestFilter) -> Iterator[Finding]:
    members = (
        ("ExternalAuth", "externalAuth", each.external_auth),
        ("ExtensionRef", "extensionRef", each.extension_ref),
    )
    yield from union(path, each.type, members)
    if each.external_auth:
        yield from http_filter.external_auth((*path, "externalAuth"), each.external_auth)
