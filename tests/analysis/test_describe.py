"""Descriptions, word for word: people and scripts search them for lines."""

from pathlib import Path

import msgspec
import pytest

from analysis.scene import Scene
from fairlead import api
from fairlead.ir.origin import Origin
from fairlead.ir.proxy_status import Rejection

EXAMPLES = Path(__file__).parents[2] / "examples"


def manifests(folder):
    return [path.read_text() for path in sorted((EXAMPLES / folder).glob("*.yaml"))]


@pytest.fixture(scope="module")
def canary():
    return Scene(*manifests("canary"))


@pytest.fixture(scope="module")
def shop():
    return Scene(*manifests("gateway"))


def test_a_service_behind_a_split_has_the_lines_that_people_know_from_istioctl(canary):
    text = canary.describe("service", "backend-v1", "istio-test")
    lines = text.splitlines()
    known = [
        "Service: backend-v1",
        "   Port: http 80/HTTP targets pod port 5678",
        'DestinationRule: backend-v1-settings for "backend-v1.istio-test.svc.cluster.local"',
        "   Traffic Policy TLS Mode: ISTIO_MUTUAL",
        "   Policies: load balancer",
        "Skipping Gateway information (no ingress gateway pods)",
        "HTTPRoute: backend-split sends 90% of backend:80 here (Accepted, 1/1 proxies)",
        "Endpoints: 3 of 3 ready",
    ]
    assert [line for line in lines if line in known] == known


def test_the_root_service_shows_the_whole_split_and_what_holds_without_the_route(canary):
    text = canary.describe("service", "backend", "istio-test")
    assert (
        "HTTPRoute: backend-split routes requests to backend:80 (Accepted, 1/1 proxies)\n"
        "   rule 0: every request\n"
        "      90% backend-v1:80 (3 of 3 endpoints ready)\n"
        "         DestinationRule backend-v1-settings: load balancer ROUND_ROBIN, "
        "TLS mode ISTIO_MUTUAL (not enforced between local processes)\n"
        "      10% backend-v2:80 (2 of 2 endpoints ready)\n"
        "         DestinationRule backend-v2-settings: load balancer ROUND_ROBIN, "
        "TLS mode ISTIO_MUTUAL (not enforced between local processes)\n"
        "Endpoints: 5 of 5 ready\n"
    ) in text
    assert (
        "   the selector of backend also covers backend-v2: without HTTPRoute backend-split, "
        "40% of the requests to port 80 would go there instead of 10%\n"
    ) in text


def test_a_route_is_told_with_parents_rules_shares_and_filters(shop):
    text = shop.describe("route", "cart")
    assert "   gateway/shop (1/1 proxies)\n      URL: http://127.0.0.1:8080\n" in text
    assert (
        '   rule 1 "split":\n'
        "      match path prefix /cart\n"
        "      filter URLRewrite ReplacePrefixMatch '/'\n"
        "      95% cart:80 (2 of 2 endpoints ready)\n"
        "      5% cart-next:80 (1 of 1 endpoints ready)\n"
        "         filter ResponseHeaderModifier add set-cookie: cart=next\n"
        '   rule 2 "old-address":\n'
        "      match path /basket\n"
        "      filter RequestRedirect 301, ReplaceFullPath '/cart'\n"
    ) in text
    assert "match path prefix /cart, header x-version=next" in text


def test_a_gateway_is_told_with_url_listeners_and_routes(shop):
    text = shop.describe("gateway", "shop")
    assert "   URL: http://127.0.0.1:8080\n" in text
    assert "   http: HTTP port 8080, any host, 1 route\n" in text
    assert "   HTTPRoute cart: shop.example.com (Accepted, 1/1 proxies)\n" in text


def test_a_backend_tells_which_gateway_leads_to_it(shop):
    text = shop.describe("service", "cart-next")
    share = 'HTTPRoute: cart rule 1 "split" sends 5% of gateway shop (http://127.0.0.1:8080) here'
    assert f"{share} (Accepted, 1/1 proxies)\n" in text
    assert "Skipping Gateway" not in text


def test_a_missing_backend_is_named_with_what_its_share_gets(canary):
    route = manifests("canary")[3].replace("name: backend-v2, port", "name: backend-v3, port")
    scene = Scene(*manifests("canary"), route)
    text = scene.describe("service", "backend", "istio-test")
    assert "10% backend-v3:80: answered 500, there is no Service backend-v3\n" in text
    assert "HTTPRoute backend-split, parent service/backend:80: ResolvedRefs is False" in text
    v1 = scene.describe("service", "backend-v1", "istio-test")
    assert "(Accepted, not ResolvedRefs: BackendNotFound, 1/1 proxies)" in v1
    assert canary.describe("service", "backend-v3", "istio-test") is None


def test_endpoints_that_are_not_ready_are_counted_and_answered_503():
    scene = Scene(*manifests("canary"), running=False)
    scene.run_pods(ready=False)
    text = scene.describe("route", "backend-split", "istio-test")
    assert "90% backend-v1:80 (0 of 3 endpoints ready): answered 503\n" in text


def test_a_refusal_is_told_in_envoys_words_and_not_counted_as_programmed():
    scene = Scene(*manifests("canary"))
    origin = Origin("HTTPRoute", "istio-test", "backend-split")
    refused = Rejection("type", "mesh/istio-test", "part", "no such luck", (origin,))
    scene.proxies_["mesh"] = msgspec.structs.replace(scene.proxies_["mesh"], rejections=(refused,))
    text = scene.describe("route", "backend-split", "istio-test")
    assert "   proxy mesh refused mesh/istio-test: no such luck\n" in text
    assert "service/backend:80 (0/1 proxies)" in text


def test_problems_of_the_document_are_part_of_its_description():
    scene = Scene(*manifests("gateway"))
    problem = api.Problem(
        severity="error",
        code="GW999",
        message="bad",
        kind="Gateway",
        namespace="default",
        name="shop",
        file="g.yaml",
        line=3,
    )
    scene.problems_ = (problem,)
    assert f"Problems:\n   {problem}\n" in scene.describe("gateway", "shop")
    assert "Problems:" not in scene.describe("route", "cart")


@pytest.mark.parametrize("kind", ["service", "route", "gateway"])
def test_what_is_not_there_has_no_description(canary, kind):
    assert canary.describe(kind, "nothing") is None
