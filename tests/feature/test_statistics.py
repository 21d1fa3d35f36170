"""What proxies count: no time series for what nobody uses, of however many Services."""

from feature.scene import client, deployment, gateway, route, service, to

IDLE = 40
FILES = {
    "web.yaml": client() + deployment("web") + service("web"),
    "idle.yaml": "".join(service(f"idle-{number}") for number in range(IDLE)),
    "gateway.yaml": gateway("shop"),
    "routes.yaml": "".join(
        route(name, name, f"[{to(name, prefix=f'/{name}')}]", gateways=["shop"])
        for name in ("web", *(f"idle-{number}" for number in range(IDLE)))
    ),
}


def test_services_that_nothing_was_asked_of_have_no_series(serve):
    run = serve(FILES)
    run.until_pods()
    assert run.request("/web").status == 200
    pages = [page.decode() for page in run.envoys("/stats/prometheus").values()]
    assert any('envoy_cluster_name="default/web/' in page for page in pages)
    assert not any("idle-" in page for page in pages)
