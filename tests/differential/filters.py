"""Random filters of rules and backendRefs."""

from random import Random

from differential.world import Raw

NAMES = ("x-a", "x-b", "X-Set", "x-new", "user-agent", "cookie")
ANSWERED = ("x-answered", "x-a", "X-B", "x-c", "x-d", "x-e", "cache-control")
"""Of an answer; the echo sends some of them."""
VALUES = ("1", "new", "100%", "%REQ(x-a)%", "a, b", "%%")
PATHS = ("/", "/new", "/new/", "/n/%20", "/new?x=1", "")
HOSTS = ("inner.example", "other.test", "a.example")
ORIGINS = ("https://a.example", "*", "https://*.a.example", "http://b.example:8080")


def rule_filters(pick: Random, matches: list[Raw], *, grpc: bool = False) -> list[Raw]:
    if pick.random() < 0.45:
        return []
    kinds = ["request", "request", "response", "mirror", "extension"]
    if not grpc:
        kinds += ["redirect", "redirect", "rewrite", "rewrite", "rewrite", "cors", "cors"]
    chosen = set(pick.sample(kinds, pick.choice((1, 1, 2))))
    if "redirect" in chosen:
        chosen -= {"rewrite", "mirror"}
    return [_made(pick, kind, matches) for kind in sorted(chosen)]


def backend_filters(pick: Random, matches: list[Raw], *, grpc: bool = False) -> list[Raw]:
    if pick.random() < 0.75:
        return []
    kinds = ["request", "request", "response"] + ([] if grpc else ["rewrite"])
    chosen = set(pick.sample(kinds, pick.choice((1, 1, 2))))
    return [_made(pick, kind, matches) for kind in sorted(chosen)]


def _made(pick: Random, kind: str, matches: list[Raw]) -> Raw:
    type_, field, content = {
        "request": ("RequestHeaderModifier", "requestHeaderModifier", _modifier),
        "response": ("ResponseHeaderModifier", "responseHeaderModifier", _response),
        "mirror": ("RequestMirror", "requestMirror", _mirror),
        "redirect": ("RequestRedirect", "requestRedirect", _redirect),
        "rewrite": ("URLRewrite", "urlRewrite", _rewrite),
        "cors": ("CORS", "cors", _cors),
        "extension": ("ExtensionRef", "extensionRef", _extension),
    }[kind]
    return {"type": type_, field: content(pick, matches)}


def _response(pick: Random, _matches: list[Raw]) -> Raw:
    return _changes(pick, ANSWERED)


def _mirror(pick: Random, _matches: list[Raw]) -> Raw:
    backend = {"name": "v3", "namespace": "default", "port": 80}
    return {"backendRef": backend, "percent": pick.choice((0, 50, 100))}


def _cors(pick: Random, _matches: list[Raw]) -> Raw:
    made: Raw = {"allowOrigins": [pick.choice(ORIGINS)]}
    if pick.random() < 0.4:
        made["allowHeaders"] = pick.choice((["*"], ["x-a"]))
    return made


def _extension(pick: Random, _matches: list[Raw]) -> Raw:
    name = pick.choice(("broken", "broken", "missing"))
    return {"group": "fairlead.dev", "kind": "FaultInjection", "name": name}


def _modifier(pick: Random, _matches: list[Raw]) -> Raw:
    made = _changes(pick, NAMES)
    if pick.random() < 0.1:
        made.setdefault("set", []).append({"name": "Host", "value": pick.choice(HOSTS)})
    return made


def _changes(pick: Random, pool: tuple[str, ...]) -> Raw:
    """What is set, added and removed, each name once."""
    made: Raw = {}
    names = list(pool)
    pick.shuffle(names)
    for field in pick.sample(("set", "add", "remove"), pick.choice((1, 1, 2, 3))):
        taken = [names.pop() for _ in range(pick.choice((1, 1, 2)))]
        if field == "remove":
            made["remove"] = taken
        else:
            made[field] = [{"name": name, "value": pick.choice(VALUES)} for name in taken]
    return made


def _redirect(pick: Random, matches: list[Raw]) -> Raw:
    made: Raw = {}
    if pick.random() < 0.4:
        made["scheme"] = pick.choice(("http", "https"))
    if pick.random() < 0.4:
        made["hostname"] = pick.choice(HOSTS)
    if pick.random() < 0.4:
        made["port"] = pick.choice((80, 443, 8080))
    if pick.random() < 0.5:
        made["path"] = _path(pick, matches)
    if pick.random() < 0.5:
        made["statusCode"] = pick.choice((301, 302, 303, 307, 308))
    return made


def _rewrite(pick: Random, matches: list[Raw]) -> Raw:
    made: Raw = {}
    if pick.random() < 0.5:
        made["hostname"] = pick.choice(HOSTS)
    if not made or pick.random() < 0.7:
        made["path"] = _path(pick, matches)
    return made


def _path(pick: Random, matches: list[Raw]) -> Raw:
    """A path modifier; a prefix is replaced where the rule has the one that this needs."""
    prefix = len(matches) == 1 and matches[0].get("path", {}).get("type") in {None, "PathPrefix"}
    if prefix and pick.random() < 0.7:
        return {"type": "ReplacePrefixMatch", "replacePrefixMatch": pick.choice(PATHS)}
    return {"type": "ReplaceFullPath", "replaceFullPath": pick.choice(PATHS)}
