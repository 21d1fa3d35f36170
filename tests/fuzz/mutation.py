"""Manifests spoilt at random: whoever drives it decides every choice, so that runs repeat.

`Choose` answers with a number below the one it is asked for. Hypothesis, atheris and a random
generator with a seed all fit.
"""

import base64
import copy
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from support.certificates import CA

Raw = Any
"""A value as a parser makes it."""
Choose = Callable[[int], int]
"""A number from 0 up to, and without, the one that is asked for."""
Place = tuple[str | int, ...]

MANIFESTS = Path(__file__).parent / "manifests.yaml"
BYSTANDER = "bystander"
"""The namespace whose objects are left as they are."""

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
LONG = "x" * 70_000

TEXTS = (
    "", " ", "*", "*.", "*.*", "*.a.example", ".", "..", "/", "//", "/a/../b", "/%2e%2e/", "/a b",
    "/a?b#c", "/{x}", "/a%", "%", "%%", "%REQ(x)%", "%DOWNSTREAM_REMOTE_ADDRESS%", "%START_TIME(",
    "(", "(unclosed", "[z-a]", "a{1000}", "((a{90}){90}){90}", "(?=a)", r"\1", "(a*)*b", "(?i)x",
    "a|", "\\", "\\C", r"\pZ", ".*", "a" * 4096, LONG, "é", "日本", "\u202e", "\x00", "\n",
    "\r\nx: y",
    "a\tb", "\x7f", "\U0001f600", "Host", "host", ":authority", ":path", "Connection",
    "Transfer-Encoding", "content-length", "x-envoy-original-path", "x-fairlead-listener", "X-A",
    "a_b", "a b", "a:b", "a,b", "a;b", 'a"b', "a=b", "127.0.0.1", "0.0.0.0", "256.1.1.1", "::1",
    "::", "[::1]", "fe80::1%lo", "::ffff:127.0.0.1", "224.0.0.1", "1.2.3.4:80", "10.96.0.10",
    "localhost", "a.example", "A.example", "a.example.", "a..example", "-a.example", "xn--a",
    "set.example", "*.example", "a" * 64 + ".example", "a.example:80", "http://a", "https://*",
    "https://*.a.example:*", "null", "0s", "-1s", "1", "1h", "99999h", "1ms", "0.5s", "1h1h",
    "\ud800",
    "10us", "1e3s", "9999999999999s", "2026-01-01T00:00:00Z", "not a date", "0", "1.2", "1.3", "80",
    "-1", "GET", "CONNECT", "get", "G T", "HTTP", "HTTPS", "TLS", "TCP", "UDP", "Cookie", "Header",
    "Exact", "RegularExpression", "PathPrefix", "Terminate", "Passthrough", "All", "Same", "None",
    "Service", "Gateway", "ListenerSet", "HTTPRoute", "XBackend", "ConfigMap", "Secret", "core",
    "gateway.networking.k8s.io", "fairlead.dev", "backend", "other", "far", "gate", "good", "more",
    "certificate", "authorities", "elsewhere", "default", "bystander", "settings", "limit", "fault",
    "enabled", "disabled", "required", "websocket", "kubernetes.io/wss", "https", "h2c", "true",
    PEM, base64.b64encode(PEM.encode()).decode(), "====", "YQ==", "CERTIFICATE", "KEY",
    "$(PORT)", "$(", "../../etc/passwd", "a/b", "/dev/null", "default/backend",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 80, 81, 100, 101, 200, 443, 500, 503, 999, 1000, 5300, 9000, 65535, 65536,
    2**31 - 1, 2**31, 2**32, 2**53 + 1, 2**63, -(2**63), 10**30, 0.5, -0.0, 1e308, float("inf"),
    float("nan"),
)  # fmt: skip
OTHERS = (None, True, False, [], {}, [[]], [None], {"": None}, {"a": {"b": ["c"]}}, [{}], [{}] * 40)


@cache
def seeds() -> tuple[dict[str, Raw], ...]:
    """The manifests, with a fresh certificate."""
    authority = CA("fuzz")
    issued = authority.issue(["a.example", "*.example"])
    pems = {
        "CERTIFICATE": base64.b64encode(issued.cert_pem.encode()).decode(),
        "KEY": base64.b64encode(issued.key_pem.encode()).decode(),
        "AUTHORITY": authority.cert_pem,
    }

    def filled(value: Raw) -> Raw:
        if isinstance(value, dict):
            return {key: filled(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [filled(inner) for inner in value]
        return pems.get(value, value) if isinstance(value, str) else value

    return tuple(filled(document) for document in yaml.safe_load_all(MANIFESTS.read_text()))


@cache
def victims() -> tuple[dict[str, Raw], ...]:
    """Those that may be spoilt."""
    return tuple(raw for raw in seeds() if raw["metadata"].get("namespace") != BYSTANDER)


def places(value: Raw, path: Place = ()) -> Iterator[Place]:
    """Every path below a value."""
    if isinstance(value, dict | list):
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in inner:
            yield (*path, key)
            yield from places(each, (*path, key))


@cache
def _namesakes() -> dict[str | int, tuple[Raw, ...]]:
    """The same by the name of the field, without repetition: what a schema often lets in."""
    found: dict[str | int, dict[str, Raw]] = {}
    for raw in seeds():
        for path in places(raw):
            value = _at(raw, path)
            found.setdefault(path[-1], {})[repr(value)] = value
    return {key: tuple(values.values()) for key, values in found.items()}


@cache
def _parts() -> tuple[Raw, ...]:
    """Every part of every manifest: what may stand where it does not belong."""
    return tuple(_at(raw, path) for raw in seeds() for path in places(raw))


def spoilt(choose: Choose) -> dict[str, Raw]:
    """One of the manifests with one to five changes anywhere in it; half have just one."""
    raw = copy.deepcopy(victims()[choose(len(victims()))])
    for _ in range(1 + max(choose(9) - 4, 0)):
        found = list(places(raw))
        if not found:
            break
        path = found[choose(len(found))]
        _change(raw, path, choose)
    return raw


def each_spoilt() -> Iterator[dict[str, Raw]]:
    """Every manifest with every place set to every value in turn."""
    for raw in victims():
        for path in places(raw):
            for value in (*TEXTS, *NUMBERS, *OTHERS):
                changed = copy.deepcopy(raw)
                _at(changed, path[:-1])[path[-1]] = copy.deepcopy(value)
                yield changed


def _change(raw: Raw, path: Place, choose: Choose) -> None:
    """Change what stands at `path`: mostly for a value of the kind that it already is."""
    holder, key = _at(raw, path[:-1]), path[-1]
    match choose(14):
        case 0:
            del holder[key]
        case 10 | 11 | 12 | 13:
            namesakes = _namesakes().get(key, (holder[key],))
            holder[key] = copy.deepcopy(namesakes[choose(len(namesakes))])
        case 1:
            holder[key] = copy.deepcopy(_parts()[choose(len(_parts()))])
        case 2:
            holder[key] = copy.deepcopy(OTHERS[choose(len(OTHERS))])
        case 3 if isinstance(holder, dict):
            holder[TEXTS[choose(len(TEXTS))]] = copy.deepcopy(holder[key])
        case 3 | 4 if isinstance(holder, list):
            holder.extend([copy.deepcopy(holder[key]) for _ in range(1 + choose(20))])
        case _:
            holder[key] = _alike(holder[key], choose)


def _alike(value: Raw, choose: Choose) -> Raw:
    if isinstance(value, str):
        return _text(value, choose)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return NUMBERS[choose(len(NUMBERS))]
    return copy.deepcopy(OTHERS[choose(len(OTHERS))])


def _text(value: str, choose: Choose) -> str:
    """Another text, alone or somewhere in this one."""
    text = TEXTS[choose(len(TEXTS))]
    match choose(4):
        case 0:
            return value + text
        case 1:
            return text + value
        case 2 if value:
            cut = choose(len(value))
            return value[:cut] + text + value[cut + 1 :]
        case _:
            return text


def _at(value: Raw, path: Place) -> Raw:
    for key in path:
        value = value[key]
    return value
