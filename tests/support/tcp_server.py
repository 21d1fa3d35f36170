"""A TCP server of a test's own, a thread for each connection."""

import socketserver
import threading
from typing import Self


class TcpServer(socketserver.ThreadingTCPServer):
    """Listens on a port of its own of 127.0.0.1 while it is entered."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)

    @property
    def port(self) -> int:
        return self.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_exception) -> None:
        self.shutdown()
        self.server_close()
