"""Named gRPC backends that tell what reached them, and a client that says what came back.

Backends take every method of every service. Methods whose name starts with ``List`` answer three
times; with ``Chat``, once for each message, as soon as it comes; all others once. An answer is
JSON: the backend's name, the method, the metadata as [name, value] pairs, and the message.
"""

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import grpc

LISTED = 3
SECONDS = 20
"""How long a call may take."""


class GrpcEcho(grpc.GenericRpcHandler):
    """One backend, on a port of its own of 127.0.0.1 while it is entered."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self.seen: Counter[str] = Counter()
        """How many calls of each method have come."""
        self._server = grpc.server(ThreadPoolExecutor(8), handlers=(self,))

    def __enter__(self) -> Self:
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.stop(None).wait()

    def service(self, handler_call_details: Any) -> Any:
        method = handler_call_details.method
        name = method.rpartition("/")[2]
        self.seen[method] += 1

        def answer(message: bytes, context: Any) -> bytes:
            metadata = [[key, str(value)] for key, value in context.invocation_metadata()]
            said = {"backend": self.name, "method": method, "metadata": metadata}
            return json.dumps({**said, "message": message.decode()}).encode()

        if name.startswith("List"):
            return grpc.unary_stream_rpc_method_handler(
                lambda message, context: (answer(message, context) for _ in range(LISTED))
            )
        if name.startswith("Chat"):
            return grpc.stream_stream_rpc_method_handler(
                lambda messages, context: (answer(message, context) for message in messages)
            )
        return grpc.unary_unary_rpc_method_handler(answer)


@dataclass(frozen=True)
class Reply:
    """What a call came to."""

    code: grpc.StatusCode
    details: str = ""
    text: bytes = b""
    metadata: tuple[tuple[str, str], ...] = ()
    """Of the response."""

    @property
    def said(self) -> dict:
        return json.loads(self.text)

    @property
    def backend(self) -> str:
        """Name of the backend that answered, else the status code's."""
        return self.said["backend"] if self.text else self.code.name

    def received(self, name: str) -> list[str]:
        """The values of a header as it reached the backend."""
        return [value for key, value in self.said["metadata"] if key == name]


class GrpcClient:
    """Calls over one connection to a proxy, for one authority."""

    def __init__(self, place: tuple[str, int], authority: str) -> None:
        options = (("grpc.default_authority", authority), ("grpc.enable_http_proxy", 0))
        self.channel = grpc.insecure_channel("{}:{}".format(*place), options=options)

    def close(self) -> None:
        self.channel.close()

    def call(self, method: str, message: str = "hello", **metadata: str) -> Reply:
        """One unary call of ``/SERVICE/METHOD``; underscores in `metadata` become hyphens."""
        try:
            text, call = self.channel.unary_unary(method).with_call(
                message.encode(), metadata=_pairs(metadata), timeout=SECONDS
            )
        except grpc.RpcError as error:
            return Reply(error.code(), error.details() or "")
        return Reply(call.code(), call.details() or "", text, _strings(call.initial_metadata()))

    def listed(self, method: str) -> list[str]:
        """The backends of all answers to a call that is answered by a stream."""
        answers = self.channel.unary_stream(method)(b"", timeout=SECONDS)
        return [json.loads(text)["backend"] for text in answers]

    def shares(self, method: str, number: int) -> Counter:
        """How often each backend (or status code) answers; many calls are under way at a time."""
        call = self.channel.unary_unary(method)
        waiting = [call.future(b"", timeout=SECONDS) for _ in range(number)]
        return Counter(
            each.code().name if each.exception() else json.loads(each.result())["backend"]
            for each in waiting
        )


def _pairs(metadata: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-"), value) for name, value in metadata.items())


def _strings(metadata: Any) -> tuple[tuple[str, str], ...]:
    return tuple((key, str(value)) for key, value in metadata)
