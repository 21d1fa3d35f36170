"""`--access-log`, or a Gateway's setting: a line for each request, by the proxy that took it."""

import json

from feature.scene import Caller, client, deployment, gateway, route, service, to

RULES = f"[{to('web', prefix='/in')}]"
FILES = {
    "web.yaml": client() + deployment("web") + service("web"),
    "gateway.yaml": gateway("shop"),
    "route.yaml": route("web", "web", RULES, gateways=["shop"]),
}


def logged(run, proxy):
    path = run.state / "logs" / "proxies" / proxy / "access.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_each_proxy_logs_its_own_requests(serve):
    run = serve(FILES, "--access-log")
    run.until_pods()
    assert run.request("/in/a", host="shop.example").status == 200
    assert Caller(run).status("http://web/other") == 404
    (edge,) = run.until("logged by the Gateway", lambda: logged(run, "gateway/default/shop"))
    (mesh,) = run.until("logged by the mesh", lambda: logged(run, "mesh"))
    assert (edge["host"], edge["path"], edge["status"]) == ("shop.example", "/in/a", 200)
    assert edge["route"] == "default/web/0/0"
    assert (mesh["host"], mesh["path"], mesh["status"]) == ("web", "/other", 404)


ASKING = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {accessLog: enabled}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: asking}
spec:
  gatewayClassName: fairlead
  infrastructure: {parametersRef: {group: "", kind: ConfigMap, name: settings}}
  listeners: [{name: http, protocol: HTTP, port: 80}]
"""


def test_a_gateway_may_ask_for_it_alone(serve):
    both = route("web", "web", RULES, gateways=["asking", "shop"])
    run = serve({**FILES, "route.yaml": both, "asking.yaml": ASKING})
    run.until_pods()
    for name in ("asking", "shop"):
        assert run.request("/in/a", base=run.url(name)).status == 200
    assert Caller(run).status("http://web/other") == 404
    assert run.stop() == 130  # what Envoy holds back it writes as it ends
    assert [line["path"] for line in logged(run, "gateway/default/asking")] == ["/in/a"]
    assert not logged(run, "gateway/default/shop")
    assert not logged(run, "mesh")


def test_nothing_is_logged_unless_asked_for(serve):
    run = serve(FILES)
    run.until_pods()
    assert run.request("/in/a").status == 200
    assert run.stop() == 130  # what Envoy holds back it writes as it ends
    assert not list((run.state / "logs" / "proxies").rglob("access.log"))
