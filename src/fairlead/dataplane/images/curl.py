"""A stand-in for `curl` on machines without it: what people type to look at an HTTP service.

The usual flags of curl, with its messages and exit codes; anything else is refused (exit code 2)
rather than ignored.
"""

import base64
import http.client
import signal
import socket
import ssl
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, NoReturn
from urllib.parse import SplitResult, urljoin, urlsplit

from fairlead.dataplane.images.curl_options import CurlError, Options, parse, proxy_for

AGENT = "curl/8.8.0"
_REDIRECTS = {301, 302, 303, 307, 308}
_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\r": "\r", "\\\\": "\\"}
_HTTP_ERROR = 400


@dataclass
class Transfer:
    """One URL and what became of it."""

    options: Options
    url: str
    began: float = field(default_factory=time.monotonic)
    status: int = 0
    size: int = 0
    redirects: int = 0
    remote: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def run(self, out: BinaryIO) -> None:
        """Request, follow, write. Raises CurlError."""
        method = self._method()
        most = int(self.options.last("max-redirs", "50"))
        while True:
            response = self._exchange(method)
            location = response.getheader("location")
            follow = "location" in self.options.switches and self.status in _REDIRECTS and location
            self._write_head(response, out)
            if not follow:
                break
            response.read()
            if self.redirects >= most:
                raise CurlError(47, f"Maximum ({most}) redirects followed")
            self.redirects += 1
            self.url = urljoin(self.url, location or "")
            if self.status == 303 or (self.status in {301, 302} and method == "POST"):  # noqa: PLR2004 - as curl
                method, self.options.data = "GET", []
        if "fail" in self.options.switches and self.status >= _HTTP_ERROR:
            raise CurlError(22, f"The requested URL returned error: {self.status}")
        while block := response.read1(65536):
            self.size += len(block)
            out.write(block)
            out.flush()

    def write_out(self) -> str:
        """What `-w` asks for."""
        text = self.options.last("write-out")
        for escape, character in _ESCAPES.items():
            text = text.replace(escape, character)
        fields = {
            "http_code": f"{self.status:03}",
            "response_code": f"{self.status:03}",
            "time_total": f"{time.monotonic() - self.began:.6f}",
            "size_download": str(self.size),
            "num_redirects": str(self.redirects),
            "url_effective": self.url,
            "remote_ip": self.remote,
            "content_type": next((v for n, v in self.headers if n.lower() == "content-type"), ""),
        }
        for name, value in fields.items():
            text = text.replace("%{" + name + "}", value)
        return text

    def _method(self) -> str:
        if method := self.options.last("request"):
            return method
        if "head" in self.options.switches:
            return "HEAD"
        return "POST" if self.options.data and "get" not in self.options.switches else "GET"

    def _exchange(self, method: str) -> http.client.HTTPResponse:
        url = urlsplit(self.url if "://" in self.url else f"http://{self.url}")
        if url.scheme not in {"http", "https"}:
            raise CurlError(1, f'Protocol "{url.scheme}" not supported')
        if not url.hostname:
            raise CurlError(3, "URL rejected: No host part in the URL")
        body = b"&".join(self.options.data)
        if "get" in self.options.switches and body:
            query = "&".join(part for part in (url.query, body.decode()) if part)
            url, body = url._replace(query=query), b""
        connection, target = self._connect(url)
        headers = self._headers(url, body)
        self._say("> ", f"{method} {target} HTTP/1.1", headers)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body or None)
            response = connection.getresponse()
        except http.client.RemoteDisconnected as error:
            raise CurlError(52, "Empty reply from server") from error
        except (OSError, http.client.HTTPException) as error:
            raise CurlError(56, f"Recv failure: {error}") from error
        self.status, self.headers = response.status, response.getheaders()
        self._say("< ", f"HTTP/1.1 {response.status} {response.reason}", self.headers)
        return response

    def _connect(self, url: SplitResult) -> tuple[http.client.HTTPConnection, str]:
        """A connection to the server or its proxy, and the request target."""
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        limit = self.options.seconds("connect-timeout")
        proxy = proxy_for(self.options, url)
        to = (proxy.hostname or "", proxy.port or 1080) if proxy else (host, port)
        connection: http.client.HTTPConnection
        if url.scheme == "https":
            context = ssl.create_default_context()
            if "insecure" in self.options.switches:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            connection = http.client.HTTPSConnection(*to, timeout=limit, context=context)
            if proxy:
                connection.set_tunnel(host, port)
        else:
            connection = http.client.HTTPConnection(*to, timeout=limit)
            if proxy:
                target = f"http://{url.netloc.rpartition('@')[2]}{target}"
        self._open(connection, to, proxied=proxy is not None)
        return connection, target

    def _open(
        self, connection: http.client.HTTPConnection, to: tuple[str, int], *, proxied: bool
    ) -> None:
        for entry in self.options.values.get("resolve", []):
            name, port, address = entry.lstrip("+").split(":", 2)
            if (name, int(port)) == to:
                connection._create_connection = _dialer(address.strip("[]"))  # type: ignore[attr-defined]  # noqa: SLF001
        try:
            connection.connect()
        except socket.gaierror as error:
            what = "proxy" if proxied else "host"
            raise CurlError(5 if proxied else 6, f"Could not resolve {what}: {to[0]}") from error
        except ssl.SSLCertVerificationError as error:
            raise CurlError(60, f"SSL certificate problem: {error.verify_message}") from error
        except ssl.SSLError as error:
            raise CurlError(35, f"TLS connect error: {error.reason}") from error
        except TimeoutError as error:
            raise CurlError(28, "Connection timed out") from error
        except OSError as error:
            spent = (time.monotonic() - self.began) * 1000
            message = f"Failed to connect to {to[0]} port {to[1]} after {spent:.0f} ms"
            raise CurlError(7, f"{message}: Couldn't connect to server") from error
        connection.sock.settimeout(None)
        self.remote = str(connection.sock.getpeername()[0])

    def _headers(self, url: SplitResult, body: bytes) -> list[tuple[str, str]]:
        """The headers of curl and the user's own, which replace or (``Name:``) remove them."""
        options = self.options
        headers = {"Host": url.netloc.rpartition("@")[2], "User-Agent": AGENT, "Accept": "*/*"}
        if "user-agent" in options.values:
            headers["User-Agent"] = options.last("user-agent")
        if user := options.last("user", url.netloc.rpartition("@")[0]):
            headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
        for name in ("cookie", "referer"):
            if name in options.values:
                headers[name.title()] = options.last(name)
        if "json" in options.values:
            headers["Accept"] = "application/json"
        if body:
            form = "application/x-www-form-urlencoded"
            headers["Content-Type"] = "application/json" if "json" in options.values else form
            headers["Content-Length"] = str(len(body))
        more: list[tuple[str, str]] = []
        for line in options.values.get("header", []):
            name, colon, value = line.partition(":")
            for own in [own for own in headers if own.lower() == name.rstrip(";").lower()]:
                del headers[own]
            if (colon and value.strip()) or line.endswith(";"):
                more.append((name.rstrip(";"), value.strip()))
        return [*headers.items(), *more, ("Connection", "close")]

    def _write_head(self, response: http.client.HTTPResponse, out: BinaryIO) -> None:
        if self.options.switches & {"include", "head"}:
            lines = [f"HTTP/1.1 {response.status} {response.reason}"]
            lines += [f"{name}: {value}" for name, value in self.headers]
            out.write("\r\n".join([*lines, "", ""]).encode("latin-1", "replace"))

    def _say(self, prefix: str, line: str, headers: list[tuple[str, str]]) -> None:
        if "verbose" in self.options.switches:
            lines = [line, *(f"{name}: {value}" for name, value in headers), ""]
            sys.stderr.write("".join(f"{prefix}{text}\n" for text in lines))


def _dialer(address: str) -> Callable[..., socket.socket]:
    """Connects to `address` whatever the name says (`--resolve`)."""

    def dial(to: tuple[str, int], *rest: object) -> socket.socket:
        return socket.create_connection((address, to[1]), *rest)  # type: ignore[arg-type]

    return dial


def _out_of_time(_number: int, _frame: object) -> NoReturn:
    raise CurlError(28, "Operation timed out")


def main(arguments: list[str]) -> int:
    """Fetch every URL; returns the exit code of the last one that failed, else 0."""
    try:
        options = parse(arguments)
        if "version" in options.switches:
            sys.stdout.write(f"{AGENT.replace('/', ' ')} (fairlead's stand-in)\n")
            return 0
        limit = options.seconds("max-time")
    except CurlError as error:
        sys.stderr.write(f"curl: ({error.code}) {error}\n")
        return error.code
    signal.signal(signal.SIGALRM, _out_of_time)
    outputs = options.values.get("output", [])
    code = 0
    for number, url in enumerate(options.urls):
        transfer = Transfer(options, url)
        signal.setitimer(signal.ITIMER_REAL, limit or 0)
        try:
            _save(transfer, outputs[number] if number < len(outputs) else "-")
        except CurlError as error:
            code = error.code
            if "silent" not in options.switches or "show-error" in options.switches:
                sys.stderr.write(f"curl: ({code}) {error}\n")
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.write(transfer.write_out())
        sys.stdout.flush()
    return code


def _save(transfer: Transfer, output: str) -> None:
    """Run a transfer into a file, or (``-``) to standard output. Raises CurlError."""
    try:
        if output == "-":
            transfer.run(sys.stdout.buffer)
        else:
            with open(output, "wb") as out:  # noqa: PTH123 - pathlib is slow to import
                transfer.run(out)
    except OSError as error:
        raise CurlError(23, f"Failure writing output to destination: {error.strerror}") from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
