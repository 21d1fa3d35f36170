"""One application of changes: feedback is part of it, and what comes out is whole."""

import pytest

from fairlead.app.gateways import GatewayFeedback
from fairlead.app.pipeline import Effects, Pipeline
from fairlead.dataplane.addresses import GatewayAddresses
from fairlead.graph import Change
from fairlead.translate.sources import Settings
from support.generators import finish
from translate.world import objects

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: fairlead, listeners: [{name: web, protocol: HTTP, port: 80}]}
"""
PROXY = "gateway/default/edge"
LISTENER = "type.googleapis.com/envoy.config.listener.v3.Listener"


@pytest.fixture
def pipeline(tmp_path):
    made = Pipeline(Settings(port_offset=20000))
    addresses = GatewayAddresses(tmp_path / "addresses.json")
    made.add_feedback(GatewayFeedback(made, addresses, tuple).answer)
    yield made
    addresses.release()


def apply(pipeline, *changes):
    return finish(pipeline.apply(changes))


def gateway(pipeline, text=GATEWAY):
    (found,) = objects(text)
    return Change(pipeline.sources.gateways, found.key, found)


def test_a_gateway_comes_with_its_address_and_listener_in_one_go(pipeline):
    effects = apply(pipeline, gateway(pipeline))
    assert effects.fleet[PROXY].gateway == "edge"
    resource = effects.resources[PROXY][LISTENER, "http-80"]
    (address,) = pipeline.sources.gateway_addresses.get(("default", "edge"))
    assert address.startswith("127.0.0.")
    body = resource.head + b"".join(part.body for part in resource.parts)
    assert address.encode() in body
    report = effects.reports["Gateway", "default", "edge"]
    assert report.addresses == (("IPAddress", address),)


def test_a_removed_gateway_takes_everything_along(pipeline):
    apply(pipeline, gateway(pipeline))
    effects = apply(pipeline, Change(pipeline.sources.gateways, ("default", "edge"), None))
    assert effects.fleet == {PROXY: None}
    assert set(effects.resources[PROXY].values()) == {None}
    assert effects.reports == {("Gateway", "default", "edge"): None}
    assert len(pipeline.sources.gateway_addresses) == 0


def test_an_address_that_this_machine_does_not_have_is_not_bound(pipeline):
    wanted = GATEWAY.replace("listeners:", "addresses: [{value: 192.0.2.1}], listeners:")
    effects = apply(pipeline, gateway(pipeline, wanted))
    assert pipeline.sources.gateway_addresses.get(("default", "edge")) == ()
    assert (LISTENER, "http-80") not in effects.resources.get(PROXY, {})
    conditions = {c.type: c for c in effects.reports["Gateway", "default", "edge"].conditions}
    assert conditions["Programmed"].reason == "AddressNotUsable"
    effects = apply(pipeline, gateway(pipeline))
    assert effects.resources[PROXY][LISTENER, "http-80"] is not None


def test_nothing_changes_nothing(pipeline):
    apply(pipeline, gateway(pipeline))
    effects = apply(pipeline, gateway(pipeline))
    assert effects == Effects()
