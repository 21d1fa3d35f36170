"""The command line of the stand-in for `curl`: what it asks for, or that it can't be done here."""

import ipaddress
import os
import sys
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote_plus, urlsplit

# Short flag to long; what is not here has only the long form.
_SHORT = {
    "A": "user-agent",
    "G": "get",
    "H": "header",
    "I": "head",
    "L": "location",
    "N": "no-buffer",
    "S": "show-error",
    "X": "request",
    "b": "cookie",
    "d": "data",
    "e": "referer",
    "f": "fail",
    "i": "include",
    "k": "insecure",
    "m": "max-time",
    "o": "output",
    "s": "silent",
    "u": "user",
    "v": "verbose",
    "V": "version",
    "w": "write-out",
    "x": "proxy",
    "4": "ipv4",
    "6": "ipv6",
    "#": "progress-bar",
}
_SWITCHES = {
    "get",
    "head",
    "location",
    "show-error",
    "fail",
    "include",
    "insecure",
    "silent",
    "verbose",
    "version",
}
_NO_EFFECT = {"no-buffer", "ipv4", "ipv6", "progress-bar", "http1.1", "no-progress-meter"}
_VALUES = {
    "user-agent",
    "header",
    "request",
    "cookie",
    "data",
    "data-raw",
    "data-binary",
    "data-urlencode",
    "json",
    "referer",
    "max-time",
    "connect-timeout",
    "max-redirs",
    "output",
    "user",
    "url",
    "write-out",
    "proxy",
    "noproxy",
    "resolve",
}


class CurlError(Exception):
    """A failed transfer or wrong flags: curl's exit code and message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Options:
    """What the flags say; `values` holds each occurrence in order."""

    switches: set[str] = field(default_factory=set[str])
    values: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    data: list[bytes] = field(default_factory=list[bytes])
    urls: list[str] = field(default_factory=list[str])

    def last(self, name: str, default: str = "") -> str:
        """The value of the last occurrence."""
        return self.values.get(name, [default])[-1]

    def seconds(self, name: str) -> float | None:
        """A time limit, None if there is none. Raises CurlError."""
        text = self.last(name)
        try:
            return float(text) if text else None
        except ValueError:
            raise CurlError(2, f"option --{name}: expected a proper numerical parameter") from None


def parse(arguments: list[str]) -> Options:
    """Read the command line. Raises CurlError for what isn't known here."""
    options, rest = Options(), list(arguments)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            options.urls.append(word)
        elif word.startswith("--"):
            _take(options, word[2:], rest)
        else:
            letters = word[1:]
            while letters:
                name, letters = _SHORT.get(letters[0], letters[0]), letters[1:]
                if name in _VALUES and letters:
                    rest.insert(0, letters)
                    letters = ""
                _take(options, name, rest)
    options.urls += options.values.get("url", [])
    if not options.urls and "version" not in options.switches:
        raise CurlError(2, "no URL specified")
    return options


def _take(options: Options, name: str, rest: list[str]) -> None:
    if name in _SWITCHES:
        options.switches.add(name)
    elif name in _VALUES:
        if not rest:
            raise CurlError(2, f"option --{name}: requires parameter")
        value = rest.pop(0)
        options.values.setdefault(name, []).append(value)
        if name.startswith("data") or name == "json":
            options.data.append(_body(name, value))
    elif name not in _NO_EFFECT:
        flag = f"-{name}" if len(name) == 1 else f"--{name}"
        raise CurlError(2, f"option {flag}: is unknown to this stand-in for curl")


def _body(name: str, value: str) -> bytes:
    if name == "data-urlencode":
        key, equals, text = value.partition("=")
        return (f"{key}={quote_plus(text)}" if equals and key else quote_plus(text or key)).encode()
    if name != "data-raw" and value.startswith("@"):
        try:
            with sys.stdin.buffer if value == "@-" else open(value[1:], "rb") as source:  # noqa: PTH123 - pathlib is slow to import
                content = source.read()
        except OSError as error:
            raise CurlError(26, f"Failed to open {value[1:]}: {error.strerror}") from error
        return content.replace(b"\r", b"").replace(b"\n", b"") if name == "data" else content
    return value.encode("utf-8", "surrogateescape")


def proxy_for(options: Options, url: SplitResult) -> SplitResult | None:
    """The proxy for a URL: `-x`, else `http_proxy` and its like; None where `no_proxy` matches."""
    chosen = options.values.get("proxy")
    names = ["http_proxy"] if url.scheme == "http" else ["https_proxy", "HTTPS_PROXY"]
    variables = (os.environ.get(name, "") for name in [*names, "all_proxy", "ALL_PROXY"])
    proxy = chosen[-1] if chosen else next(filter(None, variables), "")
    inherited = os.environ.get("no_proxy") or os.environ.get("NO_PROXY", "")
    if not proxy or bypasses(options.last("noproxy", inherited), url.hostname or ""):
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def bypasses(exceptions: str, host: str) -> bool:
    """Whether a host is among the exceptions: ``*``, names, domains, addresses, CIDR blocks."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    for entry in exceptions.replace(" ", ",").split(","):
        name = entry.strip().strip("[]").lstrip(".").lower()
        if not name:
            continue
        if name == "*" or host.lower() == name or host.lower().endswith(f".{name}"):
            return True
        if address is not None and "/" in name:
            try:
                if address in ipaddress.ip_network(name, strict=False):
                    return True
            except ValueError:
                continue
    return False
