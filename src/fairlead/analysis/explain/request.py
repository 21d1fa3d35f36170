"""Requests as users write them: ``GET https://shop.example.com/cart?id=1``."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias
from urllib.parse import quote, urlsplit

import msgspec

Scheme: TypeAlias = Literal["http", "https", "tls", "tcp", "udp"]
Headers: TypeAlias = tuple[tuple[str, str], ...]

_DEFAULT_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443, "tls": 443}
_SCHEMES: Final[Mapping[str, Scheme]] = {
    "http": "http",
    "https": "https",
    "grpc": "http",
    "grpcs": "https",
    "ws": "http",
    "wss": "https",
    "tls": "tls",
    "tcp": "tcp",
    "udp": "udp",
}
_METHOD: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_NAME: Final = _METHOD
_IMPLIED: Final[Mapping[str, Headers]] = {
    "grpc": (("content-type", "application/grpc"), ("te", "trailers")),
    "grpcs": (("content-type", "application/grpc"), ("te", "trailers")),
    "ws": (("connection", "Upgrade"), ("upgrade", "websocket")),
    "wss": (("connection", "Upgrade"), ("upgrade", "websocket")),
}
"""Headers that clients of a scheme send."""
_AS_THEY_ARE: Final = "/:@!$&'()*+,;=-._~%?[]<>\"`{}|\\^#"
"""What may stand in a path and query besides letters and digits, and what clients let through."""


class RequestError(ValueError):
    """What was written is no request; the message says how to write one."""


class Request(msgspec.Struct, frozen=True):
    """One request, connection or datagram."""

    method: str
    scheme: Scheme
    host: str
    """As the client sends it (``Host``, ``:authority``): name or address, in any case, with the
    port where the client writes one. IPv6 addresses are in brackets."""
    port: int
    """That the connection goes to."""
    path: str = "/"
    """With the query."""
    headers: Headers = ()
    """Without ``Host``. A name may come several times."""
    sni: str | None = None
    """Name that a TLS client asks for; None for that of `host`, if it is no address."""
    gateway: str | None = None
    """``NAMESPACE/NAME`` of the Gateway that is called; None for the one that fits best."""
    source: str | None = None
    """``NAMESPACE/POD`` that calls; None for a client outside, which calls a Gateway."""

    @property
    def name(self) -> str:
        """The host without port and brackets."""
        return split_port(self.host)[0].removeprefix("[").removesuffix("]")

    @property
    def server_name(self) -> str:
        """The name that a TLS client asks for, in lower case; empty if it asks for none."""
        if self.sni is not None:
            return self.sni.lower()
        name = self.name.removesuffix(".").lower()
        return "" if _is_address(name) else name


def parse(
    text: str,
    headers: Iterable[str] = (),
    *,
    source: str | None = None,
    gateway: str | None = None,
    sni: str | None = None,
) -> Request:
    """Read ``[METHOD] URL`` and ``Name: value`` headers.

    Args:
        text: The method may be left out: GET, POST for gRPC.
        headers: ``Host`` takes the place of the URL's host for clients outside, as with curl; from
            a pod the URL counts alone, since that is what an HTTP proxy goes by.
        source: Pod that calls.
        gateway: Gateway that is called.
        sni: Name that TLS is asked for, where it is not the URL's host.

    Raises:
        RequestError: it is none; the message says what to write.
    """
    method, url = _method_and_url(text)
    scheme, where, path = _url(url)
    pairs = [_header(line) for line in headers]
    named = [value for name, value in pairs if name == "host"]
    host, port = _authority(scheme, where)
    server_name = sni
    if named and source is None:
        if server_name is None and scheme in {"https", "wss", "grpcs"}:
            bare = split_port(host)[0].removesuffix(".").lower()
            server_name = "" if _is_address(bare) else bare
        host = named[-1]
    implied = _IMPLIED.get(scheme, ())
    given = {name for name, _ in pairs}
    return Request(
        method=method or ("POST" if scheme.startswith("grpc") else "GET"),
        scheme=_SCHEMES[scheme],
        host=host,
        port=port,
        path=path,
        headers=(
            *(pair for pair in implied if pair[0] not in given),
            *(pair for pair in pairs if pair[0] != "host"),
        ),
        sni=server_name,
        gateway=gateway,
        source=source,
    )


def split_port(host: str) -> tuple[str, str]:
    """Host without its port, and the port in digits; the latter is empty if there is none."""
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        return host, ""
    return name, port


def _method_and_url(text: str) -> tuple[str, str]:
    words = text.split()
    match words:
        case [url]:
            return "", url
        case [method, url] if _METHOD.fullmatch(method):
            return method, url
        case _:
            raise RequestError(f"{text!r} is no request; write 'GET http://HOST/PATH'")


def _url(url: str) -> tuple[str, str, str]:
    """Scheme, authority, and path with query."""
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _SCHEMES:
        raise RequestError(
            f"{url!r}: a URL begins with {', '.join(f'{each}://' for each in _SCHEMES)}"
        )
    end = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    authority, path = rest[:end], rest[end:].partition("#")[0]
    if not authority or "@" in authority:
        raise RequestError(f"{url!r}: after {scheme}:// comes a host, with or without a port")
    if not path.startswith("/"):
        path = f"/{path}"
    return scheme, authority, quote(path, safe=_AS_THEY_ARE)


def _authority(scheme: str, authority: str) -> tuple[str, int]:
    """The host as clients send it, and the port that they call."""
    try:
        port = urlsplit(f"//{authority}").port
    except ValueError:
        raise RequestError(f"{authority!r}: a port is a number from 1 to 65535") from None
    known = _DEFAULT_PORTS.get(_SCHEMES[scheme])
    if port is None and known is None:
        raise RequestError(f"{scheme}://{authority}: name the port, {scheme}://{authority}:PORT")
    if port == known:
        return split_port(authority)[0], port or 0
    return authority, port if port is not None else known or 0


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _HEADER_NAME.fullmatch(name.strip()):
        raise RequestError(f"{line!r} is no header; write 'Name: value'")
    return name.strip().lower(), value.strip()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
