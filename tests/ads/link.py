"""A machine and a fake Envoy on one link: messages wait on it until a test delivers them."""

from collections import deque

from ads.fake_envoy import FakeEnvoy
from fairlead.ads import type_url
from fairlead.ads.machine import Machine
from fairlead.ir.origin import Origin
from fairlead.xds.resource import Part, bundled, composed
from fairlead.xds.wire import digest


def part(key, text, fallback=""):
    body = text.encode()
    return Part(key, body, fallback.encode(), digest(body), (Origin("HTTPRoute", "ns", key),))


def resource(url, name, *parts, head=""):
    return composed(url, name, head.encode(), tuple(bundled((each,)) for each in parts))


def cluster(name, text="eds 1"):
    return resource(type_url.CLUSTER, name, part("", text))


def endpoints(name, text="e1"):
    return resource(type_url.ENDPOINTS, name, part("", text, "none"))


def listener(name, table):
    return resource(type_url.LISTENER, name, part("", table))


def scope(name, table):
    return resource(type_url.SCOPE, name, part("", table))


def routes(name, hosts):
    """A table from {host: cluster}; a host that is refused answers 500 instead."""
    parts = [part(host, f"|{host}>{to}", f"|{host}=500") for host, to in sorted(hosts.items())]
    return resource(type_url.ROUTES, name, *parts, head=name)


def changes(*resources, gone=()):
    found = {(r.type_url, r.name): r for r in resources}
    return found | dict.fromkeys(gone)


def text(made):
    """What Envoy gets to see of a resource."""
    return (made.head + b"".join(p.body for p in made.parts)).decode()


class Link:
    """In-order delivery in both directions, when the test says so."""

    def __init__(self):
        self.machine = Machine("test")
        self.envoy = FakeEnvoy()
        self.down = deque()
        self.now = 100.0

    def start(self):
        self.machine.connect()
        self.envoy.start()

    def restart(self):
        """Envoy is a new process that holds nothing."""
        self.envoy = FakeEnvoy()
        self.down.clear()
        self.start()

    def reconnect(self):
        """The stream breaks and Envoy comes back with what it holds."""
        self.down.clear()
        self.machine.connect()
        self.envoy.reconnect()

    def update(self, *resources, gone=()):
        self.machine.update(changes(*resources, gone=gone), self.now)

    def poll(self):
        """Let the machine write all it wants to."""
        count = 0
        while (data := self.machine.poll(self.now)) is not None:
            self.down.append(data)
            count += 1
            assert count < 1000, "the machine does not come to rest"
        return count

    def deliver_request(self):
        if self.envoy.out:
            self.machine.receive(self.envoy.out.popleft(), self.now)

    def deliver_response(self):
        if self.down:
            self.envoy.take(self.down.popleft())

    def exchange(self):
        """Deliver everything, without time passing."""
        for _ in range(1000):
            self.poll()
            if not self.down and not self.envoy.out:
                return
            while self.down:
                self.deliver_response()
            while self.envoy.out:
                self.deliver_request()
        raise AssertionError("the exchange does not come to rest")

    def settle(self):
        """Deliver everything and let time pass until nothing is left to do."""
        for _ in range(50):
            self.exchange()
            deadline = self.machine.next_deadline()
            if self.machine.synced or deadline is None:
                return
            self.now = max(self.now, deadline)
        raise AssertionError("the machine does not settle")

    def sent(self, url):
        """Names and removals of the responses of one type that Envoy has seen."""
        return [(names, removed) for u, names, removed in self.envoy.seen if u == url]
