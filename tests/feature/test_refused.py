"""What Envoy refuses although we let it pass: found, held back, replaced, and told in its words."""

import asyncio
import http.client
import time

import pytest

from fairlead.app.gateways import wanted_addresses
from fairlead.app.pipeline import Effects, Pipeline
from fairlead.graph import Change
from fairlead.ir.workload import Workload
from fairlead.translate.sources import Settings
from feature.harness import free_offset
from feature.planted import PLANTS, SECURE, spoilt
from feature.route_scene import documents, route, service
from fuzz.envoys import running
from support import tls
from support.certificates import CA, ca_config_map, tls_secret
from support.generators import finish
from translate.world import objects

pytestmark = pytest.mark.envoy

ADDRESS = "127.34.0.1"
AUTHORITY = CA("planted")
FOUND = 12.0
"""Seconds from a refusal until the culprit is known and all else applies."""
CLIENT = Workload("default", "client", (), "127.34.0.2", ready=True)

KINDS = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate}
spec:
  gatewayClassName: fairlead
  tls: {backend: {clientCertificateRef: {group: "", kind: Secret, name: client}}}
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - name: a
    port: 443
    protocol: HTTPS
    hostname: a.example
    tls: {certificateRefs: [{name: fine}]}
  - name: b
    port: 443
    protocol: HTTPS
    hostname: b.example
    tls: {certificateRefs: [{name: fine}]}
  - {name: tcp, port: 90, protocol: TCP}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {name: bytes}
spec: {parentRefs: [{name: gate, sectionName: tcp}], rules: [{backendRefs: [{name: s, port: 80}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: encrypted}
spec:
  targetRefs: [{group: "", kind: Service, name: secured}]
  validation:
    hostname: a.example
    caCertificateRefs: [{group: "", kind: ConfigMap, name: authorities}]
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackendTrafficPolicy
metadata: {name: budget}
spec:
  targetRefs: [{group: "", kind: Service, name: budgeted}]
  retryConstraint: {budget: {percent: 5, interval: 5s}, minRetryRate: {count: 1, interval: 2s}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: shaped}
spec: {host: shaped, trafficPolicy: {outlierDetection: {consecutive5xxErrors: 3}}}
---
apiVersion: gateway.networking.x-k8s.io/v1alpha1
kind: XBackend
metadata: {name: outside}
spec:
  type: ExternalHostname
  port: {number: 443}
  externalHostname: {hostname: outside.invalid}
---
apiVersion: v1
kind: Pod
metadata: {name: client}
spec: {containers: [{name: main, image: app}]}
"""
OTHERS = """
- matches: [{path: {value: /secured}}]
  backendRefs: [{name: secured, port: 80}]
- matches: [{path: {value: /budgeted}}]
  backendRefs: [{name: budgeted, port: 80}]
- matches: [{path: {value: /shaped}}]
  backendRefs: [{name: shaped, port: 80}]
- matches: [{path: {value: /outside}}]
  backendRefs: [{group: gateway.networking.x-k8s.io, kind: XBackend, name: outside}]
"""


def manifests(port):
    parents = "{name: gate}"
    names = ("s", "secured", "budgeted", "shaped")
    return documents(
        KINDS,
        *(service(name, port) for name in names),
        route("h", "- backendRefs: [{name: s, port: 80}]", parents=parents, hostnames="h.example"),
        route("others", OTHERS, parents=parents, hostnames="a.example, b.example"),
        tls_secret("fine", AUTHORITY.issue(["a.example", "b.example"])),
        tls_secret("client", AUTHORITY.issue(client=True, name="gate")),
        ca_config_map("authorities", AUTHORITY.cert_pem),
    )


def witness(number):
    """A route that tells which change has arrived."""
    rule = f"""
    - filters: [{{type: RequestRedirect, requestRedirect: {{hostname: w{number}.example}}}}]
    """
    return route("witness", rule, parents="{name: gate}", hostnames="witness.example")


class Scene:
    """A pipeline whose resources can be spoilt on their way to real Envoys."""

    def __init__(self, port):
        self.offset = free_offset()
        self.pipeline = Pipeline(Settings(port_offset=self.offset))
        self.pipeline.add_feedback(self._addresses)
        self.envoys = None
        self.planted = None
        self.news = []
        self.first = self.apply(*objects(manifests(port)), *objects(witness(0)))

    def _addresses(self, events):
        sources = self.pipeline.sources
        for key, (_, gateway) in events[sources.gateways].items():
            yield Change(
                sources.gateway_addresses, key, (ADDRESS,) if wanted_addresses(gateway) else None
            )

    def apply(self, *items):
        sources = self.pipeline.sources
        return finish(
            self.pipeline.apply(Change(sources.of(item.kind), item.key, item) for item in items)
        )

    async def deliver(self, effects):
        """Send what has changed, spoilt if it is to be; what the proxies refuse."""
        while True:
            if (plant := self.planted) is not None:
                changes = effects.resources.setdefault(plant.proxy, {})
                key = (plant.url, plant.name)
                current = changes.get(key) or self.pipeline.resources.get((plant.proxy, *key))
                changes[key] = spoilt(plant, current)
            refused = await self.envoys.take(effects, complaints=True)
            news = self.news.copy()
            self.news.clear()
            if not news:
                return refused
            source = self.pipeline.sources.proxy_status
            effects = finish(self.pipeline.apply(Change(source, each.proxy, each) for each in news))

    def restored(self, plant):
        """The change by which the resource is as it should be again."""
        effects = Effects()
        key = (plant.url, plant.name)
        made = self.pipeline.resources.get((plant.proxy, *key))
        effects.resources[plant.proxy] = {key: made}
        return effects

    def told(self, identity):
        """Messages of all conditions of an object."""
        report = self.pipeline.outputs.reports.get(identity)
        parts = (*report.parents, *report.ancestors, *report.listeners)
        found = [*report.conditions, *(c for part in parts for c in part.conditions)]
        return [condition.message for condition in found]

    def ask(self, host):
        connection = http.client.HTTPConnection(ADDRESS, 80 + self.offset, timeout=20)
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status, answer.getheader("location", "")

    def ask_secure(self):
        """The status that a host on its own chain answers with."""
        context = tls.client_context(AUTHORITY.cert_pem)
        return tls.get(
            (ADDRESS, 443 + self.offset), SECURE, SECURE, "/none", context=context
        ).status


async def _plant(scene, number, plant):
    """Spoil one resource together with a good change, and put it right again."""
    scene.planted = plant
    begin = time.monotonic()
    refused = await scene.deliver(scene.apply(*objects(witness(number))))
    taken = time.monotonic() - begin
    assert [(each.type_url, each.name, each.part) for each in refused] == [
        (plant.url, plant.name, plant.part)
    ]
    assert taken < FOUND
    words = refused[0].message
    assert words
    assert any(words in message for message in scene.told(plant.told)), scene.told(plant.told)
    await _serves(scene, number)
    scene.planted = None
    assert await scene.deliver(scene.restored(plant)) == []
    assert not any(words in message for message in scene.told(plant.told))
    await _serves(scene, number)
    return taken


async def _serves(scene, number):
    """What was good is served, and so is the last good version of what is spoilt."""
    _, location = await asyncio.to_thread(scene.ask, "witness.example")
    assert location == f"http://w{number}.example/"
    assert (await asyncio.to_thread(scene.ask, "h.example"))[0] == 200
    assert await asyncio.to_thread(scene.ask_secure) == 404


async def _all(port):
    scene = Scene(port)
    slowest, failures = 0.0, []
    async with running(scene.news.append) as scene.envoys:
        assert await scene.deliver(scene.first) == []
        running_pod = [Change(scene.pipeline.sources.workloads, ("default", "client"), CLIENT)]
        assert await scene.deliver(finish(scene.pipeline.apply(running_pod))) == []
        await _serves(scene, 0)
        for number, plant in enumerate(PLANTS, start=1):
            try:
                slowest = max(slowest, await _plant(scene, number, plant))
            except (AssertionError, TimeoutError) as error:
                failures.append(f"{plant.title}: {error!r}"[:600])
                scene.planted = None
                await scene.deliver(scene.restored(plant))
    return slowest, failures


def test_what_envoy_refuses_is_found_and_told_while_all_else_applies(echo):
    slowest, failures = asyncio.run(_all(echo.port("good")))
    assert not failures, "\n".join(failures)
    assert len(PLANTS) >= 50
    print(f"{len(PLANTS)} refusals; the slowest was found after {slowest:.2f} s")  # noqa: T201
