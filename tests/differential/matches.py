"""Random matches of routes, and what else requests and matches have in common."""

from random import Random

from differential.world import Raw

PARTS = ("a", "b", "ab", "a.b", "A", "a~b", "a%20b", "caf%C3%A9", "a;x=1", "a%2Eb", "a:b", "..a")
REGEXES = (
    *("/a.*", "/a/[a-z]+", "/(a|b)/?", ".*b", "/a{1,3}", "/", "(?i)/A/.*", "/[^/]+", r"/a\.b"),
    *(r"/a/\d+", "/a|/b", ".*"),
)
HEADERS = ("x-a", "X-B", "x-c", "content-type", "user-agent", "x-forwarded-proto", "cookie")
VALUES = ("1", "2", "1,2", "1, 2", "a b", "ä", "X", "x", "")
HEADER_REGEXES = ("[0-9]+", "1.*", ".*", "(?i)x", "a b|1", "1,2")
QUERIES = ("q", "r", "Q", "a-b")
QUERY_VALUES = (
    "1",
    "x y",
    "a/b",
    "a+b",
    "é",
    "x",
    "a=b",
    "1&2",
    "%41",
    "~",
    "long value/with(signs)",
)
QUERY_REGEXES = ("[0-9]+", ".*", "x.*", "x%20y", "1|2")
METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH")
SERVICES = ("pkg.Users", "pkg.Users", "Orders", "pkg.users")
CALLS = ("Get", "List", "get")


def path(pick: Random, depth: int = 3) -> str:
    """A path in which a match is let in."""
    parts = [pick.choice(PARTS) for _ in range(pick.choice((0, 1, 1, 1, 2, depth)))]
    return "/" + "/".join(parts) + ("/" if parts and pick.random() < 0.15 else "")


def http_matches(pick: Random) -> list[Raw]:
    number = pick.choice((0, 1, 1, 1, 1, 2, 3))
    return [_http_match(pick) for _ in range(number)]


def _http_match(pick: Random) -> Raw:
    made: Raw = {}
    chance = pick.random()
    if chance < 0.5:
        made["path"] = {"type": "PathPrefix", "value": path(pick)}
    elif chance < 0.75:
        made["path"] = {"type": "Exact", "value": path(pick)}
    elif chance < 0.88:
        made["path"] = {"type": "RegularExpression", "value": pick.choice(REGEXES)}
    if pick.random() < 0.2:
        made["method"] = pick.choice(METHODS)
    if headers := _headers(pick):
        made["headers"] = headers
    if pick.random() < 0.25:
        made["queryParams"] = [
            _condition(pick, name, QUERY_VALUES, QUERY_REGEXES)
            for name in pick.sample(QUERIES, pick.choice((1, 1, 2)))
        ]
    return made


def grpc_matches(pick: Random) -> list[Raw]:
    made: list[Raw] = []
    for _ in range(pick.choice((0, 1, 1, 2))):
        match: Raw = {}
        if pick.random() < 0.8:
            method: Raw = {}
            if pick.random() < 0.7:
                method["service"] = pick.choice(SERVICES)
            if not method or pick.random() < 0.6:
                method["method"] = pick.choice(CALLS)
            if pick.random() < 0.2:
                method["type"] = "RegularExpression"
            match["method"] = method
        if headers := _headers(pick):
            match["headers"] = headers
        made.append(match)
    return made


def _headers(pick: Random) -> list[Raw]:
    if pick.random() > 0.3:
        return []
    names = pick.sample(HEADERS, pick.choice((1, 1, 2)))
    return [_condition(pick, name, VALUES, HEADER_REGEXES) for name in names]


def _condition(pick: Random, name: str, values: tuple[str, ...], regexes: tuple[str, ...]) -> Raw:
    if pick.random() < 0.3:
        return {"name": name, "type": "RegularExpression", "value": pick.choice(regexes)}
    return {"name": name, "value": pick.choice(values)}
