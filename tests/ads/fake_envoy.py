"""Envoy's side of delta ADS as far as order and refusal matter, without I/O.

Resources are texts instead of protobuf messages: a cluster ``eds``, endpoints anything, a route
table parts ``|HOST>CLUSTER``, a listener or scope the name of its table. What contains ``BAD``
is refused. The behaviour that is modelled, each point seen on Envoy 1.40:

- a new or changed cluster warms until endpoints come that were sent after it; while anything
  warms, answers to cluster responses are kept back; endpoints are subscribed for new clusters
  only, not for changed ones;
- of a cluster or listener response the good resources apply, the bad ones are named; of route
  tables the first bad one stops the response; scopes apply together or not at all;
- listeners are subscribed once the first clusters are there.
"""

from collections import deque
from dataclasses import dataclass, field

from envoy.service.discovery.v3 import discovery_pb2

from fairlead.ads import type_url
from fairlead.ads.wire import Request

SUBSCRIPTIONS = (
    type_url.CLUSTER,
    type_url.ENDPOINTS,
    type_url.LISTENER,
    type_url.SCOPE,
    type_url.ROUTES,
)
"""In the order in which a reconnecting Envoy repeats them: that of the first time."""


def decode(data):
    """A response as (type url, nonce, {name: (version, text)}, removed names)."""
    message = discovery_pb2.DeltaDiscoveryResponse.FromString(data)
    resources = {r.name: (r.version, r.resource.value.decode()) for r in message.resources}
    assert all(r.resource.type_url == message.type_url for r in message.resources)
    return message.type_url, message.nonce, resources, list(message.removed_resources)


def clusters_of(table):
    """Clusters that a table's text points at."""
    return {part.split(">")[1] for part in table.split("|")[1:] if ">" in part}


@dataclass
class FakeEnvoy:
    """Holds what an Envoy would hold; `out` are its requests, in order."""

    out: deque = field(default_factory=deque)
    versions: dict = field(default_factory=dict)
    """What it would report when it reconnects: {type: {name: version}}."""
    active: dict = field(default_factory=dict)
    """What serves: {type: {name: text}}."""
    warming: dict = field(default_factory=dict)
    kept_back: list = field(default_factory=list)
    watched: dict = field(default_factory=dict)
    """Names subscribed, of the types that are subscribed by name."""
    seen: list = field(default_factory=list)
    """(type, names, removed) of every response."""
    listening: bool = False
    bad: str = "BAD"
    """What is refused contains it."""

    def __post_init__(self):
        for url in type_url.ORDER:
            self.versions[url] = {}
            self.active[url] = {}
        self.watched = {type_url.ENDPOINTS: set(), type_url.ROUTES: set()}

    # Streams

    def start(self):
        """Open a stream as a fresh process does."""
        self._request(type_url.CLUSTER, node="test")

    def reconnect(self):
        """Open a stream with all that is held; what was under way is lost."""
        self.out.clear()
        self.kept_back.clear()
        node = "test"
        for url in SUBSCRIPTIONS:
            names = self.watched.get(url)
            if names == set():
                continue
            if url in (type_url.LISTENER, type_url.SCOPE) and not self.listening:
                continue
            self._request(
                url,
                node=node,
                subscribe=tuple(sorted(names or ())),
                initial_versions=tuple(sorted(self.versions[url].items())),
            )
            node = ""

    def _request(self, url, **fields):
        self.out.append(Request(type_url=url, **fields))

    # Responses

    def take(self, data):
        """Process a response and answer it."""
        url, nonce, resources, removed = decode(data)
        self.seen.append((url, sorted(resources), removed))
        take = {
            type_url.CLUSTER: self._clusters,
            type_url.ENDPOINTS: self._endpoints,
            type_url.ROUTES: self._routes,
            type_url.SCOPE: self._scopes,
            type_url.LISTENER: self._listeners,
        }[url]
        error = take(resources, removed)
        if error is None:
            for name, (version, _) in resources.items():
                if url not in self.watched or name in self.watched[url]:
                    self.versions[url][name] = version
            for name in removed:
                self.versions[url].pop(name, None)
        answer = (url, nonce, error)
        if url == type_url.CLUSTER and self.warming:
            self.kept_back.append(answer)
        else:
            self._answer(*answer)
        self._warmed()

    def _answer(self, url, nonce, error):
        self._request(url, nonce=nonce, error=error)

    def _warmed(self):
        if self.warming:
            return
        for answer in self.kept_back:
            self._answer(*answer)
        self.kept_back.clear()
        if not self.listening:
            self.listening = True
            self._request(type_url.SCOPE)
            self._request(type_url.LISTENER)

    def _clusters(self, resources, removed):
        bad = []
        for name, (_, text) in resources.items():
            if self.bad in text:
                bad.append(name)
                continue
            held = self.warming.get(name, self.active[type_url.CLUSTER].get(name))
            if held == text:
                continue
            if "eds" in text:
                self.warming[name] = text
                self._watch(type_url.ENDPOINTS, {name})
            else:
                self.active[type_url.CLUSTER][name] = text
        for name in removed:
            assert name not in self.used_clusters(), f"cluster {name} is removed while in use"
            self.active[type_url.CLUSTER].pop(name, None)
            self.warming.pop(name, None)
            self._unwatch(type_url.ENDPOINTS, {name})
        if bad:
            return "Error adding/updating cluster(s) " + ", ".join(f"{n}: no good" for n in bad)
        return None

    def _endpoints(self, resources, removed):
        assert not removed, "endpoints that may come again are told to be gone"
        for name, (_, text) in resources.items():
            if name not in self.watched[type_url.ENDPOINTS]:
                continue
            if self.bad in text:
                return "malformed IP address"
            self.active[type_url.ENDPOINTS][name] = text
            if name in self.warming:
                self.active[type_url.CLUSTER][name] = self.warming.pop(name)
        return None

    def _routes(self, resources, removed):
        assert not removed, "a route table that may come again is told to be gone"
        for name, (_, text) in resources.items():
            if name not in self.watched[type_url.ROUTES]:
                continue
            if self.bad in text:
                return "no argument for repetition operator: *"
            self.active[type_url.ROUTES][name] = text
        return None

    def _scopes(self, resources, removed):
        if any(self.bad in text for _, text in resources.values()):
            return "bad scope"
        return self._pointers(type_url.SCOPE, resources, removed)

    def _listeners(self, resources, removed):
        good = {name: value for name, value in resources.items() if self.bad not in value[1]}
        self._pointers(type_url.LISTENER, good, removed)
        if len(good) < len(resources):
            names = sorted(resources.keys() - good.keys())
            return "Error adding/updating listener(s) " + "".join(f"{n}: bad\n" for n in names)
        return None

    def _pointers(self, url, resources, removed):
        for name in removed:
            self.active[url].pop(name, None)
        self.active[url].update({name: text for name, (_, text) in resources.items()})
        wanted = {*self.active[type_url.SCOPE].values(), *self.active[type_url.LISTENER].values()}
        self._watch(type_url.ROUTES, wanted)
        self._unwatch(type_url.ROUTES, self.watched[type_url.ROUTES] - wanted)

    def _watch(self, url, names):
        new = names - self.watched[url]
        if new:
            self.watched[url] |= new
            self._request(url, subscribe=tuple(sorted(new)))

    def _unwatch(self, url, names):
        gone = names & self.watched[url]
        if gone:
            self.watched[url] -= gone
            for name in gone:
                self.versions[url].pop(name, None)
                self.active[url].pop(name, None)
            self._request(url, unsubscribe=tuple(sorted(gone)))

    # What serves

    def used_clusters(self):
        """Clusters that the active route tables point at."""
        return {c for table in self.active[type_url.ROUTES].values() for c in clusters_of(table)}

    def dead_routes(self):
        """Clusters that are pointed at but have no endpoints."""
        return self.used_clusters() - self.active[type_url.CLUSTER].keys()
