"""No spelling of a path gets past the rule that protects it (edge guide: path normalisation).

`/admin` is for one backend, everything else for another. Whatever a client writes, the other one
never gets a target that it could read as `/admin` once it has decoded it, as any server does.
Between pods several slashes are not one, and reach the backend as they are.
"""

import re
from urllib.parse import unquote_to_bytes

import pytest

from feature.route_scene import both, sides
from support.http1 import Http1
from support.tried import tell

PROTECTED = both(
    "protected",
    """
    - matches: [{path: {value: /admin}}]
      backendRefs: [{name: v2, port: 80}]
    - backendRefs: [{name: v1, port: 80}]
    """,
)
OPEN, GUARDED = b'"backend": "v1"', b'"backend": "v2"'

PLACES = (
    "/{}admin",
    "/admin{}",
    "/ad{}min",
    "/{}dmin",
    "/open/{}{}/admin",
    "/open/..{}admin",
    "{}admin",
)
"""Where an encoded byte is put."""
FORMS = {
    "lower": "%{:02x}".format,
    "upper": "%{:02X}".format,
    "double": "%25{:02x}".format,
}
STRINGS = (
    *("//admin", "///admin", "/./admin", "/.//admin", "/open/../admin", "/open/..//admin"),
    *("/open/./../admin", "/open/..;/admin", "/..;/admin", "/open/%2e%2e/admin", "/%2e/admin"),
    *("/open/.%2e/admin", "/open/%2e./admin", "/open%2f..%2fadmin", "/open/%2e%2e%2fadmin"),
    *("\\admin", "/\\admin", "/open\\..\\admin", "/open/..\\admin", "/open%5c..%5cadmin"),
    *("/%61%64%6d%69%6e", "/%61dmin/x", "/admi%6e", "/admin%00", "/admin%0a", "/%00/../admin"),
    *("/admin/../admin", "/open?/../admin", "/open#/../admin", "/open/../../admin", "/../admin"),
    *("/%c0%ae%c0%ae/admin", "/open/%c0%ae%c0%ae%c0%afadmin", "/%u002e%u002e/admin", "/%%61dmin"),
    *("/%2561dmin", "/open/%252e%252e/admin", "/open/..%252fadmin", "/%", "/%zz/admin", "/%6"),
    *("/..;x=1/admin", "/.;/admin", "/open/.;x/../admin", "/open;x/../admin", "/open/..;..;/admin"),
    *("/%2e%2e;x/admin", "/open/%2e%2E;x/admin", "/open/.%2e;/admin", "/open/%2e.;x=/y/admin"),
    *("/%2e;x/admin", "/open/..;/%2e%2e;/admin", "/open/%2e%2e;x", "/open//%2e%2e;x//admin"),
    *(
        "\\..;x/admin",
        "/open\\..;x/admin",
        "/open\\..;x\\admin",
        "/open/\\.;/../admin",
        "\\.;x/admin",
    ),
    *("/open%5c..;x/admin", "/open%2f..;x/admin", "/open%5c%2e%2e;x/admin", "/%252e%252e;x/admin"),
    *("/%2e%2e;x/admin?\xff", "/open/%2e%2e;x/admin?a=\xc3", "/%2e%2e;\xe9/admin"),
    *("http://{host}/%2e%2e;x/admin", "http://{host}/admin", "http://{host}//admin", "*", ""),
)
"""Istio's for its four kinds of normalisation, and what scanners try."""


def reads_as_protected(target: bytes, *, merges: bool) -> bool:
    """Whether a server that decodes a target once would take it for `/admin`.

    Dot segments may have parameters, as in Servlet containers, which drop those.

    Args:
        target: As it reached the backend.
        merges: Whether the server takes backslashes, escaped slashes and several of them for one.
    """
    path = target.partition(b"?")[0]
    if merges:
        path = re.sub(rb"/+", b"/", unquote_to_bytes(path).replace(b"\\", b"/"))
    resolved: list[bytes] = []
    for segment in path.split(b"/")[1:]:
        name = segment if merges or b"%2f" in segment.lower() else unquote_to_bytes(segment)
        if name.partition(b";")[0] in {b".", b".."}:
            name = name.partition(b";")[0]
        if name == b"..":
            del resolved[-1:]
        elif name != b".":
            resolved.append(name)
    return resolved[:1] == [b"admin"]


def target_of(body: bytes) -> bytes:
    found = re.search(rb'"target": "((?:[^"\\]|\\.)*)"', body)
    assert found, body
    return found[1].replace(b"\\\\", b"\\")


def variants(host):
    """Every byte but NUL, in three forms, in each place; then the strings that people try."""
    for place in PLACES:
        for form in FORMS.values():
            for byte in range(1, 256):
                yield place.replace("{}", form(byte))
    yield from (each.replace("{host}", host) for each in STRINGS)


@sides
def test_no_spelling_reaches_a_protected_path(scene, side):
    merges = side == "gateway"
    host = PROTECTED.host if merges else PROTECTED.name
    place = scene.gateway_place() if merges else scene.pod_place()
    tried, reached, guarded, refused, redirected = 0, 0, 0, 0, 0
    with Http1(place) as client:
        for path in variants(host):
            url = path if merges or path.startswith("http") else f"http://{host}{path}"
            answer = client.ask(f"GET {url} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode("latin-1"))
            tried += 1
            if OPEN in answer.body:
                reached += 1
                target = target_of(answer.body)
                assert not reads_as_protected(target, merges=merges), (path, target)
            elif GUARDED in answer.body:
                guarded += 1
            elif answer.location:
                redirected += 1
                assert answer.status == 307
                assert "%2f" not in answer.location.lower()
                assert "%5c" not in answer.location.lower()
            else:
                refused += 1
                assert answer.status in {0, 400, 404}, (path, answer)
    became = {"open": reached, "guarded": guarded, "redirected": redirected, "refused": refused}
    tell(f"paths, {side}", tried, **became)
    assert tried >= len(PLACES) * len(FORMS) * 255
    assert reached
    assert guarded


@sides
@pytest.mark.parametrize("path", ["/%2e%2e;x", "/a/%2E.;/b", "/a\\..;v=1/b", "/%2e;", "/\\.;/a?q"])
def test_a_dot_segment_that_keeps_its_parameters_is_refused(scene, side, path):
    assert scene.ask(side, PROTECTED, path).status == 400


@sides
@pytest.mark.parametrize(
    "path",
    [
        *("/a;v=1", "/a;v=1/b;w", "/;v=1", "/a..;v=1", "/a.;v=1", "/...;v=1", "/.a;v=1", "/..a;v"),
        *("/a?b=/..;c", "/a?/%2e%2e;/b", "/a/%2e%2e%3bx", "/a;/b"),
    ],
)
def test_parameters_of_a_path_are_passed_on(scene, side, path):
    answer = scene.ask(side, PROTECTED, path)
    assert (answer.status, answer.backend) == (200, "v1")
    assert answer.target == path.replace("%2e%2e%3bx", "..%3bx")


@pytest.mark.parametrize("path", ["/open%2f..%2fadmin", "/open%5C..%5Cadmin", "/%2Fadmin"])
def test_an_escaped_slash_is_answered_with_the_path_that_it_means(scene, path):
    answer = scene.gateway(PROTECTED.host, path)
    assert (answer.status, answer.location) == (307, "/admin")
