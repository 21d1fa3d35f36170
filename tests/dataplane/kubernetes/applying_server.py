"""An API server that carries out server-side apply, as far as one field manager is concerned."""

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from support.api_server import ApiServer

if TYPE_CHECKING:
    import asyncio

GATEWAYS = "gateway.networking.k8s.io/v1"
RESOURCES = (
    ("v1", "services"),
    ("v1", "serviceaccounts"),
    ("v1", "configmaps"),
    ("v1", "secrets"),
    ("v1", "nodes"),
    ("apps/v1", "deployments"),
    ("autoscaling/v2", "horizontalpodautoscalers"),
    ("policy/v1", "poddisruptionbudgets"),
    (GATEWAYS, "gateways"),
    (GATEWAYS, "gatewayclasses"),
)


@dataclass(slots=True)
class Refusal:
    """What is answered to writes of some path, in place of doing them."""

    path: str
    code: int
    reason: str
    message: str


@dataclass(slots=True)
class Written:
    """What was written."""

    applied: list[tuple[str, str]] = field(default_factory=list)
    deleted: list[tuple[str, str]] = field(default_factory=list)


class ApplyingServer(ApiServer):
    """Applies and deletes; a Service's load balancer answers at once, if there is one."""

    def __init__(self, *, balancer: str | None = "198.51.100.1") -> None:
        super().__init__(*RESOURCES)
        self.balancer = balancer
        self.refusals: list[Refusal] = []
        self.late: tuple[str, asyncio.Event] | None = None
        """Resource whose writes are answered once something has happened, without status."""
        self.written = Written()

    def get(self, plural, name, namespace="infra"):
        """An object that there is, or None."""
        return self._of(plural).objects.get((namespace, name))

    def gateway(self, name="edge", class_name="ours", namespace="infra"):
        """Create a Gateway; its UID."""
        metadata = {"name": name, "namespace": namespace}
        made = self.put(
            "gateways", {"metadata": metadata, "spec": {"gatewayClassName": class_name}}
        )
        return made["metadata"]["uid"]

    def gateway_class(self, name, controller):
        """Create a GatewayClass."""
        self.put(
            "gatewayclasses", {"metadata": {"name": name}, "spec": {"controllerName": controller}}
        )

    async def _handle(self, request):
        if request.method not in {"PATCH", "DELETE"}:
            return await super()._handle(request)
        for refusal in self.refusals:
            if refusal.path in request.path:
                body = {"reason": refusal.reason, "message": refusal.message}
                return web.json_response(body, status=refusal.code)
        *_, namespace, plural, name = request.path.split("/")
        body = json.loads(await request.read())
        if request.method == "DELETE":
            self.written.deleted.append((plural, name))
            self.remove(plural, namespace, name)
            return web.json_response({})
        assert request.query["fieldManager"] == "fairlead-deployer"
        self.written.applied.append((plural, name))
        status = (self.get(plural, name, namespace) or {}).get("status", {})
        if plural == "services" and body["spec"]["type"] == "LoadBalancer" and self.balancer:
            status = {"loadBalancer": {"ingress": [{"ip": self.balancer}]}}
        if self.late is not None and self.late[0] == plural:
            answer = self.put(plural, {**body, "status": {}})
            self.put(plural, {**body, "status": status})
            await self.late[1].wait()
            return web.json_response(answer)
        return web.json_response(self.put(plural, {**body, "status": status}))
