"""Session persistence: a client stays at an endpoint, of each backend that it is sent to."""

import http.client
import math
from collections import Counter
from http.cookies import SimpleCookie
from textwrap import dedent

import pytest

from feature.harness import Instance
from feature.route_scene import Answer, Scene, both, documents, manifests_of, service, sides

SESSIONS = 100
REQUESTS = 20

COOKIE = both(
    "cookie",
    """
    - matches: [{path: {value: /generated}}]
      sessionPersistence: {cookie: {}}
      backendRefs: [{name: many, port: 80}]
    - matches: [{path: {value: /named}}]
      sessionPersistence:
        absoluteTimeout: 1h30m
        cookie: {name: stay, path: /named, lifetimeType: Permanent}
      backendRefs: [{name: many, port: 80}]
    - matches: [{path: {value: /old}}]
      sessionPersistence:
        sessionName: old-stay
        absoluteTimeout: 60s
        cookieConfig: {lifetimeType: Permanent}
      backendRefs: [{name: many, port: 80}]
    - matches: [{path: {value: /none}}]
      backendRefs: [{name: many, port: 80}]
    """,
)
HEADER = both(
    "header",
    """
    - sessionPersistence: {type: Header, header: {name: x-stay}}
      backendRefs: [{name: many, port: 80}]
    """,
)
SPLIT = both(
    "split",
    """
    - sessionPersistence: {cookie: {name: stay}}
      backendRefs: [{name: many, port: 80, weight: 7}, {name: more, port: 80, weight: 3}]
    """,
)


def endpoints(name, *ports):
    """One EndpointSlice for each endpoint of a Service, all of them on 127.0.0.1."""
    return documents(
        *(
            dedent(f"""\
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata:
                  name: {name}-{port}
                  labels: {{kubernetes.io/service-name: {name}}}
                addressType: IPv4
                ports: [{{name: p80, port: {port}}}]
                endpoints: [{{addresses: [127.0.0.1]}}]
                """)
            for port in ports
        )
    )


@pytest.fixture(scope="module")
def scene(request, echo, tmp_path_factory):
    files = manifests_of(request.module, echo)
    many = [echo.port(f"many-{number}") for number in range(3)]
    more = [echo.port(f"more-{number}") for number in range(3)]
    files["many.yaml"] = documents(service("many", None), endpoints("many", *many))
    files["more.yaml"] = documents(service("more", None), endpoints("more", *more))
    run = Instance(tmp_path_factory.mktemp("scene"), files)
    try:
        run.start()
        run.until_pods()
        yield Scene(run, echo)
    finally:
        run.stop()


class Browser:
    """A client with a connection of its own and a place for cookies."""

    def __init__(self, scene, side, target):
        self.cookies: dict[str, str] = {}
        place = scene.gateway_place() if side == "gateway" else scene.pod_place()
        self._host = target.host if side == "gateway" else target.name
        self._start = "" if side == "gateway" else f"http://{target.name}"
        self._connection = http.client.HTTPConnection(*place, timeout=20)

    def ask(self, path, headers=()):
        sent = {"Host": self._host, **dict(headers)}
        if self.cookies:
            pairs = (f'{name}="{value}"' for name, value in self.cookies.items())
            sent["Cookie"] = "; ".join(pairs)
        self._connection.request("GET", f"{self._start}{path}", headers=sent)
        response = self._connection.getresponse()
        pairs = tuple((name.lower(), value) for name, value in response.getheaders())
        answer = Answer(response.status, pairs, response.read().decode())
        for value in answer.values("set-cookie"):
            self.cookies |= {name: each.value for name, each in SimpleCookie(value).items()}
        return answer

    def forget(self):
        self.cookies.clear()

    def close(self):
        self._connection.close()


@pytest.fixture
def browser(scene):
    opened = []

    def opens(side, target):
        opened.append(Browser(scene, side, target))
        return opened[-1]

    yield opens
    for each in opened:
        each.close()


@sides
def test_nobody_switches(browser, side):
    client = browser(side, COOKIE)
    first: Counter[str] = Counter()
    for _ in range(SESSIONS):
        client.forget()
        backends = {client.ask("/generated").backend for _ in range(REQUESTS)}
        assert len(backends) == 1
        first.update(backends)
    assert len(first) == 3, "sessions spread over the endpoints"


@sides
def test_who_sends_no_cookie_is_spread(browser, side):
    client = browser(side, COOKIE)
    assert len({client.ask("/none").backend for _ in range(50)}) == 3


@sides
def test_a_cookie_of_a_session_has_no_end(browser, side):
    client = browser(side, COOKIE)
    [cookie] = client.ask("/generated").values("set-cookie")
    assert cookie.startswith("fairlead-")
    assert "Path=/;" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Max-Age" not in cookie
    assert "Expires" not in cookie
    assert client.ask("/generated").values("set-cookie") == [], "only once"


@sides
@pytest.mark.parametrize(
    ("path", "start", "age"),
    [("/named", "stay=", "Max-Age=5400; Path=/named"), ("/old", "old-stay=", "Max-Age=60; Path=/")],
)
def test_a_permanent_cookie_has_an_end(browser, side, path, start, age):
    client = browser(side, COOKIE)
    answer = client.ask(path)
    [cookie] = answer.values("set-cookie")
    assert cookie.startswith(start)
    assert age in cookie
    assert {client.ask(path).backend for _ in range(20)} == {answer.backend}


@sides
def test_a_backend_is_told_of_its_cookie_and_others(browser, side):
    client = browser(side, COOKIE)
    client.cookies["own"] = "1"
    client.ask("/generated")
    answer = client.ask("/generated")
    [cookie] = answer.received("cookie")
    assert 'own="1"' in cookie
    assert "fairlead-" in cookie


@sides
def test_a_header_holds_a_session(browser, side):
    client = browser(side, HEADER)
    answer = client.ask("/")
    [value] = answer.values("x-stay")
    stays = {client.ask("/", {"x-stay": value}).backend for _ in range(50)}
    assert stays == {answer.backend}


@sides
def test_a_session_does_not_change_the_shares(browser, side):
    """GEP-1619: backends are chosen by weight; each keeps the client at one endpoint."""
    client = browser(side, SPLIT)
    answers = Counter(client.ask("/").backend for _ in range(400))
    many = sum(number for name, number in answers.items() if name.startswith("many"))
    assert abs(many - 280) < 4 * math.sqrt(400 * 0.7 * 0.3)
    assert len(answers) == 2, "one endpoint of each backend"
    assert sorted(name.partition("-")[0] for name in client.cookies) == ["stay", "stay"]
    assert "stay" in client.cookies, "the first backend's has the name that is written"


def test_an_endpoint_that_goes_takes_its_sessions_only(scene, browser):
    """Last, since it takes an endpoint away."""
    clients = {}
    while len(clients) < 3:
        client = browser("gateway", COOKIE)
        clients[client.ask("/generated").backend] = client
    gone, *left = sorted(clients)
    ports = [scene.echo.port(name) for name in left]
    scene.run.write("many.yaml", documents(service("many", None), endpoints("many", *ports)))
    client = clients[gone]
    scene.run.until("another endpoint", lambda: client.ask("/generated").backend != gone)
    assert {client.ask("/generated").backend for _ in range(20)} <= set(left)
    assert len({client.ask("/generated").backend for _ in range(20)}) == 1
    for name in left:
        assert {clients[name].ask("/generated").backend for _ in range(20)} == {name}
