"""A client that speaks HTTP/3."""

import asyncio
import ssl
from dataclasses import dataclass, field

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated

from support.http import Response

TIMEOUT = 20.0


@dataclass
class _Pending:
    done: asyncio.Future
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Client(QuicConnectionProtocol):
    """One connection, for requests one after the other or at once."""

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self._http = H3Connection(self._quic)
        self._pending: dict[int, _Pending] = {}

    async def request(self, host, path="/", method="GET", headers=(), body=b"") -> Response:
        """One exchange; raises ConnectionError if the connection ends before the answer."""
        stream = self._quic.get_next_available_stream_id()
        pending = self._pending[stream] = _Pending(asyncio.get_running_loop().create_future())
        named = [(":method", method), (":scheme", "https"), (":authority", host), (":path", path)]
        fields = [(name.encode(), value.encode()) for name, value in (*named, *headers)]
        self._http.send_headers(stream, fields, end_stream=not body)
        if body:
            self._http.send_data(stream, body, end_stream=True)
        self.transmit()
        async with asyncio.timeout(TIMEOUT):
            await pending.done
        status = int(pending.headers.pop(":status"))
        return Response(status, pending.body.decode(errors="replace"), pending.headers)

    def quic_event_received(self, event) -> None:
        if isinstance(event, ConnectionTerminated):
            for pending in self._pending.values():
                if not pending.done.done():
                    pending.done.set_exception(ConnectionError(event.reason_phrase))
            return
        for each in self._http.handle_event(event):
            pending = self._pending.get(getattr(each, "stream_id", -1))
            if pending is None:
                continue
            if isinstance(each, HeadersReceived):
                pending.headers |= {k.decode(): v.decode() for k, v in each.headers}
            elif isinstance(each, DataReceived):
                pending.body += each.data
            if each.stream_ended and not pending.done.done():
                pending.done.set_result(None)


def opened(place, server_name, ca_pem=""):
    """A context manager whose value is a `Client`; raises ConnectionError if there is nobody."""
    configuration = QuicConfiguration(
        alpn_protocols=H3_ALPN, is_client=True, server_name=server_name
    )
    if ca_pem:
        configuration.load_verify_locations(cadata=ca_pem.encode())
    else:
        configuration.verify_mode = ssl.CERT_NONE
    return connect(*place, configuration=configuration, create_protocol=Client)


async def get(place, server_name, host=None, path="/", *, ca_pem="") -> Response:
    """One request on a connection of its own."""
    async with asyncio.timeout(TIMEOUT), opened(place, server_name, ca_pem) as client:
        return await client.request(host or server_name, path)
