"""A control plane that hands every Envoy the same listener: it answers 200 by itself."""

import contextlib

import grpc
import grpc.aio
from envoy.config.listener.v3 import listener_pb2
from envoy.extensions.filters.http.router.v3 import router_pb2
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm_pb2,
)
from envoy.service.discovery.v3 import discovery_pb2
from google.protobuf import json_format

LDS = "type.googleapis.com/envoy.config.listener.v3.Listener"
METHOD = "DeltaAggregatedResources"


def listener(port):
    """A listener on 127.0.0.1 that answers `hello`."""
    manager = {
        "@type": "type.googleapis.com/" + hcm_pb2.HttpConnectionManager.DESCRIPTOR.full_name,
        "statPrefix": "test",
        "routeConfig": {
            "virtualHosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [
                        {
                            "match": {"prefix": "/"},
                            "directResponse": {"status": 200, "body": {"inlineString": "hello"}},
                        }
                    ],
                }
            ]
        },
        "httpFilters": [
            {
                "name": "router",
                "typedConfig": {
                    "@type": "type.googleapis.com/" + router_pb2.Router.DESCRIPTOR.full_name
                },
            }
        ],
    }
    message = {
        "name": "test",
        "address": {"socketAddress": {"address": "127.0.0.1", "portValue": port}},
        "filterChains": [{"filters": [{"name": "http", "typedConfig": manager}]}],
    }
    return json_format.ParseDict(message, listener_pb2.Listener())


class ControlPlane:
    """Delta ADS on a Unix socket, no more than these tests need."""

    def __init__(self, path, port):
        self._path = path
        self._port = port
        self.nodes = []

    @contextlib.asynccontextmanager
    async def serving(self):
        server = grpc.aio.server()
        handler = grpc.stream_stream_rpc_method_handler(
            self._stream,
            request_deserializer=discovery_pb2.DeltaDiscoveryRequest.FromString,
            response_serializer=discovery_pb2.DeltaDiscoveryResponse.SerializeToString,
        )
        service = "envoy.service.discovery.v3.AggregatedDiscoveryService"
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(service, {METHOD: handler}),)
        )
        server.add_insecure_port(f"unix:{self._path}")
        await server.start()
        try:
            yield self
        finally:
            await server.stop(0)

    async def _stream(self, requests, _context):
        answered = set()
        async for request in requests:
            if request.node.id:
                self.nodes.append(request.node.id)
            if request.type_url in answered:
                continue
            answered.add(request.type_url)
            response = discovery_pb2.DeltaDiscoveryResponse(
                type_url=request.type_url, nonce=str(len(answered))
            )
            if request.type_url == LDS:
                resource = response.resources.add(name="test", version="1")
                resource.resource.Pack(listener(self._port))
            yield response
