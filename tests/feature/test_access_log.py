"""`--access-log`: a line for each request, by the proxy that took it."""

import json

from feature.scene import Caller, client, deployment, route, service, to

FILES = {
    "web.yaml": client() + deployment("web") + service("web"),
    "gateway.yaml": """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: shop}
spec: {gatewayClassName: fairlead, listeners: [{name: http, protocol: HTTP, port: 80}]}
---
"""
    + route("web", "web", f"[{to('web', prefix='/in')}]").replace(
        "parentRefs: [", "parentRefs: [{name: shop}, "
    ),
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


def test_nothing_is_logged_unless_asked_for(serve):
    run = serve(FILES)
    run.until_pods()
    assert run.request("/in/a").status == 200
    assert run.stop() == 130  # what Envoy holds back it writes as it ends
    assert not list((run.state / "logs" / "proxies").rglob("access.log"))
