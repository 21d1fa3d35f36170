"""Random requests, most of which meet some match of a configuration, often only just."""

import urllib.parse
from collections.abc import Iterator
from random import Random

from differential import matches
from differential.configurations import HOSTS
from differential.surroundings import CLIENTS, SERVICES
from differential.world import Raw
from fairlead.analysis.explain import Request

ODD = (
    lambda path: path + "/",
    lambda path: path.replace("/", "//", 1),
    lambda path: path + "//",
    lambda path: "/." + path,
    lambda path: "/x/.." + path,
    lambda path: "/x/%2e%2E" + path,
    lambda path: path + "/.",
    lambda path: path + "/..",
    lambda path: path + "/../b",
    lambda path: path + "%2Fa",
    lambda path: path + "%5ca",
    lambda path: path + "\\a",
    lambda path: path + "%zz",
    lambda path: path + "%",
    lambda path: path + "%2541",
    lambda path: path + "#f",
    lambda path: path + ";v=1",
    lambda path: path + "/%00",
    lambda path: path + '/"<>`{|}^',
    lambda path: path + "...",
    lambda path: path + "/%2e%2e%2fb",
    lambda path: path + "/a/%2E%2e/",
    lambda path: path + "/a%2f..%5C../b",
    lambda path: "//" + path,
    lambda path: path + "%7E%2d%5f",
    lambda path: path + "%e9%C3",
    lambda path: path + ":@!$&'()*+,=[]",
    lambda path: path + "%3Fq=1",
    lambda path: path + "%25%32%46a",
    lambda path: path + "/..;v=1/b",
    lambda path: path + "/.;v=1",
    lambda path: path + "/%2e.;v=1/b",
    lambda path: path + "\\..;v=1/b",
    lambda path: path + "x",
    lambda path: path.upper(),
    lambda path: path[:-1] or "/",
)


def requests(pick: Random, raw: list[Raw], number: int) -> Iterator[Request]:
    """Requests to what a configuration has, from outside and from pods."""
    routes = [each for each in raw if each["kind"].endswith("Route")]
    listeners = raw[0]["spec"]["listeners"]
    ports = [each["port"] for each in listeners]
    for _ in range(number):
        route = pick.choice(routes)
        match, grpc = _some_match(pick, route)
        yield _request(pick, route, match, grpc=grpc, ports=ports)


def _some_match(pick: Random, route: Raw) -> tuple[Raw, bool]:
    rule = pick.choice(route["spec"]["rules"])
    return pick.choice(rule.get("matches") or [{}]), route["kind"] == "GRPCRoute"


def _request(pick: Random, route: Raw, match: Raw, *, grpc: bool, ports: list[int]) -> Request:
    services = [each for each in route["spec"]["parentRefs"] if each.get("kind") == "Service"]
    gateways = len(services) < len(route["spec"]["parentRefs"])
    path = _grpc_path(pick, match) if grpc else _path(pick, match)
    headers = list(_headers(pick, match))
    method = match.get("method", "GET") if not grpc else "POST"
    if grpc and pick.random() < 0.9:
        headers.append(
            ("Content-Type", pick.choice(("application/grpc", "application/grpc+proto")))
        )
    if pick.random() < 0.15:
        method = pick.choice((*matches.METHODS, "REPORT", "TRACE"))
    if pick.random() < 0.08:
        method = "OPTIONS"
        headers += [("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET")]
    common = {"method": method, "path": path, "headers": tuple(headers)}
    if services and (not gateways or pick.random() < 0.5):
        return _from_pod(pick, services, common)
    return _from_outside(pick, route, ports, common)


def _from_pod(pick: Random, services: list[Raw], common: dict) -> Request:
    ref = pick.choice(services)
    space, name = ref.get("namespace", "default"), ref["name"]
    if pick.random() < 0.1:
        space, name = pick.choice(list(SERVICES))
    client = pick.choice(CLIENTS)
    port = ref.get("port", 80) if pick.random() < 0.8 else pick.choice((80, 8080, 81))
    names = [f"{name}.{space}", f"{name}.{space}.svc", f"{name}.{space}.svc.cluster.local"]
    if space == client[0]:
        names += [name, name]
    host = _cased(pick, pick.choice(names))
    if pick.random() < 0.05:
        host += "."
    if port != 80 or pick.random() < 0.2:
        host = f"{host}:{port}"
    return Request(scheme="http", host=host, port=port, source="/".join(client), **common)


def _from_outside(pick: Random, route: Raw, ports: list[int], common: dict) -> Request:
    port = pick.choice(ports) if pick.random() < 0.98 else 81
    host = _host(pick, route)
    sni = None
    if port == 443 and (pick.random() < 0.15 or host.lower().startswith(STRANGERS)):
        sni = _concrete(pick, pick.choice(HOSTS))
    if pick.random() < 0.25:
        host = f"{host}:{pick.choice((port, 80, 443, 1234))}"
    return Request(
        scheme="https" if port == 443 else "http",
        host=host,
        port=port,
        sni=sni,
        gateway="default/gate",
        **common,
    )


def _host(pick: Random, route: Raw) -> str:
    hosts = route["spec"].get("hostnames") or list(HOSTS)
    if pick.random() < 0.15:
        hosts = [*HOSTS, *STRANGERS]
    host = _cased(pick, _concrete(pick, pick.choice(hosts)))
    return host + "." if pick.random() < 0.05 else host


def _concrete(pick: Random, host: str) -> str:
    if not host.startswith("*."):
        return host
    return pick.choice(("z", "z", "a", "x", "x.y", "x.a")) + host[1:]


def _cased(pick: Random, host: str) -> str:
    return host.upper() if pick.random() < 0.05 else host


def _grpc_path(pick: Random, match: Raw) -> str:
    method = match.get("method", {})
    service = method.get("service") or pick.choice(matches.SERVICES)
    call = method.get("method") or pick.choice(matches.CALLS)
    if pick.random() < 0.2:
        service = pick.choice(matches.SERVICES)
    path = f"/{service}/{call}{'/x' if pick.random() < 0.05 else ''}"
    return pick.choice(ODD)(path) if pick.random() < 0.1 else path


def _path(pick: Random, match: Raw) -> str:
    condition = match.get("path", {})
    value = condition.get("value", "/")
    if condition.get("type") == "RegularExpression" or pick.random() < 0.1:
        value = matches.path(pick)
    if condition.get("type") == "PathPrefix" and pick.random() < 0.5:
        value = value.rstrip("/") + matches.path(pick)
    if pick.random() < 0.35:
        value = pick.choice(ODD)(value)
    if pick.random() < 0.05:
        value = _escaped(value, pick)
    if pick.random() < 0.08:
        value = pick.choice(ODD)(value)
    return value + _query(pick, match)


def _query(pick: Random, match: Raw) -> str:
    wanted = [(each["name"], each["value"]) for each in match.get("queryParams", ())]
    if pick.random() < 0.1:
        wanted.append((pick.choice(matches.QUERIES), pick.choice(matches.QUERY_VALUES)))
    if pick.random() < 0.1:
        wanted.insert(0, (pick.choice(matches.QUERIES), "1"))
    parts = [f"{name}={_spelled(pick, value)}" for name, value in wanted if pick.random() < 0.95]
    if not parts:
        return pick.choice(("", "", "", "", "?", "?q", "?a=/../b//c", "?%71=1"))
    return "?" + "&".join(parts) + pick.choice(("", "", "", "", "&", "&q"))


def _spelled(pick: Random, value: str) -> str:
    """A value as clients may write it in a query."""
    safe = pick.choice(("", "/", "/+()=", "/+()=~"))
    write = pick.choice((urllib.parse.quote, urllib.parse.quote, urllib.parse.quote_plus))
    made = write(value, safe=safe)
    if pick.random() < 0.1:
        made = made.replace("%2F", "%2f").replace("%C3", "%c3")
    if pick.random() < 0.05:
        made = _escaped(made, pick)
    return made


def _escaped(text: str, pick: Random) -> str:
    """`text` with one of its letters escaped."""
    places = [at for at, char in enumerate(text) if char.isalpha()]
    if not places:
        return text
    at = pick.choice(places)
    return f"{text[:at]}%{ord(text[at]):02X}{text[at + 1 :]}"


def _headers(pick: Random, match: Raw) -> Iterator[tuple[str, str]]:
    for each in match.get("headers", ()):
        value = each["value"]
        if each.get("type") == "RegularExpression" or pick.random() < 0.1:
            value = pick.choice(matches.VALUES)
        name = each["name"].swapcase() if pick.random() < 0.2 else each["name"]
        if "," in value and pick.random() < 0.5:
            for part in value.split(","):
                yield name, part
        elif pick.random() < 0.95 and (
            value or name.lower() != "cookie"
        ):  # HTTP/2 drops empty cookies
            yield name, value
    for name in ("x-a", "x-new", "User-Agent", "cookie"):
        if pick.random() < 0.08:
            yield name, pick.choice(matches.VALUES[:-1])
    if pick.random() < 0.05:
        yield pick.choice(ODD_HEADERS)


STRANGERS = (
    *("nowhere.test", "example", "127.0.0.1", "[::1]", "a.example..", ".a.example", "a_b.example"),
    *("-.example", "a.exampl", "xn--a.example", "a.example.other.test", "z.a.example.example"),
)
ODD_HEADERS = (
    ("X-A", "1\t2"),
    ("X-A", "\t 1 \t"),
    ("X-A", "%31"),
    ("X-Fairlead-Scope", "1"),
    ("X-Real-Ip", "1.2.3.4"),
    ("X-Forwarded-Port", "443"),
    ("X-Forwarded-Client-Cert", "By=x"),
    ("Via", "1.1 x"),
    ("Grpc-Timeout", "9S"),
    ("x-envoy-retry-on", "5xx"),
    ("x-envoy-internal", "true"),
    ("x-envoy-force-trace", "1"),
    ("x_under", "1"),
    ("Upgrade", "foo"),
    ("TE", "trailers"),
    ("TE", "gzip"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "b.example"),
    ("X-Forwarded-For", "1.2.3.4"),
    ("X-Envoy-Original-Path", "/b"),
    ("x-envoy-upstream-rq-timeout-ms", "9999"),
    ("x-envoy-decorator-operation", "x"),
    ("X-Fairlead-Listener", "*"),
    ("x-request-id", "mine"),
    ("Forwarded", "for=1.2.3.4"),
    ("Proxy-Connection", "keep-alive"),
    ("Keep-Alive", "timeout=5"),
    ("Expect", "nothing"),
    ("Accept", "*/*"),
    ("Origin", "https://a.example"),
    ("Authorization", "Basic eDp5"),
)
