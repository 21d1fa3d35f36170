"""Requests in whose bytes two readers might find different requests.

Each has a place for its target, ``{t}``, and ``SMUGGLED`` in it stands for a whole request that
nobody may take for one. All of them are wrong, or ambiguous, or merely unusual; a proxy may refuse
them or forward them as the one request that the standard sees.
"""

SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: {h}\r\nX: y\r\n\r\n"
"""What a desynchronised backend would take for the next request."""
_SIZE = len(SMUGGLED)

_POST = "POST {t} HTTP/1.1\r\nHost: {h}\r\n"
_CHUNKED = _POST + "Transfer-Encoding: chunked\r\n"
_GET = "GET {t} HTTP/1.1\r\nHost: {h}\r\n"
_LAST = "0\r\n\r\n"


def _coded(line: str) -> str:
    """A body of no bytes and a request by this Transfer-Encoding, one body by its length."""
    return _POST + "Content-Length: {all}\r\n" + line + "\r\n\r\n" + _LAST + SMUGGLED


HTTP1 = {
    # both ways to frame a body at once
    "CL.TE": _POST
    + "Content-Length: {all}\r\nTransfer-Encoding: chunked\r\n\r\n"
    + _LAST
    + SMUGGLED,
    "TE.CL": _CHUNKED + "Content-Length: 4\r\n\r\n{hex}\r\n" + SMUGGLED + "\r\n" + _LAST,
    "CL.0": _GET + "Content-Length: {size}\r\n\r\n" + SMUGGLED,
    "TE then CL of nothing": _CHUNKED + "Content-Length: 0\r\n\r\n" + _LAST + SMUGGLED,
    # spellings of Transfer-Encoding that one reader takes for chunked and another does not
    "TE with a space before the colon": _coded("Transfer-Encoding : chunked"),
    "TE with a tab": _coded("Transfer-Encoding:\tchunked"),
    "TE with a vertical tab": _coded("Transfer-Encoding: \x0bchunked"),
    "TE with a form feed": _coded("Transfer-Encoding:\x0cchunked"),
    "TE in quotes": _coded('Transfer-Encoding: "chunked"'),
    "TE in quotes of one": _coded("Transfer-Encoding: 'chunked'"),
    "TE xchunked": _coded("Transfer-Encoding: xchunked"),
    "TE chunked, identity": _coded("Transfer-Encoding: chunked, identity"),
    "TE identity, chunked": _coded("Transfer-Encoding: identity, chunked"),
    "TE gzip, chunked": _coded("Transfer-Encoding: gzip, chunked"),
    "TE chunked, chunked": _coded("Transfer-Encoding: chunked, chunked"),
    "TE twice": _coded("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
    "TE twice, the first is unknown": _coded("Transfer-Encoding: x\r\nTransfer-Encoding: chunked"),
    "TE with a comma": _coded("Transfer-Encoding: ,chunked"),
    "TE with a parameter": _coded("Transfer-Encoding: chunked;q=1"),
    "TE folded": _coded("Transfer-Encoding:\r\n chunked"),
    "TE folded into another": _coded("X: a\r\n Transfer-Encoding: chunked"),
    "TE after a bare CR": _coded("X: a\rTransfer-Encoding: chunked"),
    "TE after a bare LF": _coded("X: a\nTransfer-Encoding: chunked"),
    "TE with a NUL": _coded("Transfer-Encoding: chunked\0"),
    "TE in capitals": _coded("TRANSFER-ENCODING: CHUNKED"),
    "TE with an underscore": _coded("Transfer_Encoding: chunked"),
    "TE with a byte beyond ASCII": _coded("Transfer-Encoding: chunked\xa0"),
    "TE with a leading space": _coded(" Transfer-Encoding: chunked"),
    "TE empty": _coded("Transfer-Encoding:"),
    # lengths
    "two lengths": _POST + "Content-Length: 0\r\nContent-Length: {size}\r\n\r\n" + SMUGGLED,
    "two equal lengths": _POST + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": _POST + "Content-Length: 0, {size}\r\n\r\n" + SMUGGLED,
    "a length with a sign": _POST + "Content-Length: +{size}\r\n\r\n" + SMUGGLED,
    "a negative length": _POST + "Content-Length: -1\r\n\r\n" + SMUGGLED,
    "a hexadecimal length": _POST + "Content-Length: 0x{hex}\r\n\r\n" + SMUGGLED,
    "a length with a point": _POST + "Content-Length: {size}.0\r\n\r\n" + SMUGGLED,
    "a length with an exponent": _POST + "Content-Length: 1e1\r\n\r\n" + SMUGGLED,
    "a length with a space in it": _POST + "Content-Length: 1 0\r\n\r\n" + SMUGGLED,
    "a length past 64 bits": _POST + f"Content-Length: {2**64}\r\n\r\n" + SMUGGLED,
    "an empty length": _POST + "Content-Length: \r\n\r\n" + SMUGGLED,
    "a length with a space before the colon": _POST + "Content-Length : {size}\r\n\r\n" + SMUGGLED,
    "a folded length": _POST + "Content-Length:\r\n {size}\r\n\r\n" + SMUGGLED,
    # chunks
    "a chunk extension": _CHUNKED + "\r\n3;a=b\r\nabc\r\n" + _LAST,
    "a chunk extension with a bare LF": _CHUNKED + "\r\n3;\nx\r\nabc\r\n" + _LAST + SMUGGLED,
    "a chunk extension with a bare CR": _CHUNKED + "\r\n3;a\rb\r\nabc\r\n" + _LAST,
    "a long chunk extension": _CHUNKED + "\r\n3;" + "a" * 20_000 + "\r\nabc\r\n" + _LAST,
    "a chunk size with a sign": _CHUNKED + "\r\n+3\r\nabc\r\n" + _LAST,
    "a negative chunk size": _CHUNKED + "\r\n-3\r\nabc\r\n" + _LAST + SMUGGLED,
    "a chunk size with 0x": _CHUNKED + "\r\n0x3\r\nabc\r\n" + _LAST + SMUGGLED,
    "a chunk size past 64 bits": _CHUNKED + "\r\n10000000000000003\r\nabc\r\n" + _LAST + SMUGGLED,
    "a chunk size with a space": _CHUNKED + "\r\n3 \r\nabc\r\n" + _LAST,
    "a chunk that ends by LF": _CHUNKED + "\r\n3\nabc\n0\n\n" + SMUGGLED,
    "a chunk without an end": _CHUNKED + "\r\n3\r\nabcXX" + _LAST + SMUGGLED,
    "a last chunk without an end": _CHUNKED + "\r\n0\r\n" + SMUGGLED,
    "a chunk shorter than it says": _CHUNKED + "\r\n{hex}\r\nabc\r\n" + _LAST + SMUGGLED,
    "trailers that frame": _CHUNKED + "\r\n0\r\nContent-Length: {size}\r\n\r\n",
    "trailers that route": _CHUNKED + "\r\n0\r\nHost: other\r\nX-Fairlead-Listener: b\r\n\r\n",
    # lines
    "bare LF ends lines": "GET {t} HTTP/1.1\nHost: {h}\n\n",
    "bare LF ends the head": _GET + "X: y\n\n",
    "a bare CR in a value": _GET + "X: a\rb\r\n\r\n",
    "a NUL in a value": _GET + "X: a\0b\r\n\r\n",
    "a NUL in a name": _GET + "X\0Y: a\r\n\r\n",
    "a header without a colon": _GET + "Nothing\r\n\r\n",
    "a header without a name": _GET + ": a\r\n\r\n",
    "a name with a space in it": _GET + "X Y: a\r\n\r\n",
    "a folded header": _GET + "X: a\r\n b\r\n\r\n",
    "a folded first header": "GET {t} HTTP/1.1\r\n X: a\r\nHost: {h}\r\n\r\n",
    # request lines and hosts
    "two hosts": _GET + "Host: other\r\n\r\n",
    "no host": "GET {t} HTTP/1.1\r\n\r\n",
    "an absolute target for another host": "GET http://other{p} HTTP/1.1\r\nHost: {h}\r\n\r\n",
    "a host with a path": "GET {t} HTTP/1.1\r\nHost: {h}/smuggled\r\n\r\n",
    "a host with a user": "GET {t} HTTP/1.1\r\nHost: a@{h}\r\n\r\n",
    "two spaces": "GET  {t} HTTP/1.1\r\nHost: {h}\r\n\r\n",
    "a tab for a space": "GET\t{t} HTTP/1.1\r\nHost: {h}\r\n\r\n",
    "a space in the target": "GET {t} /smuggled HTTP/1.1\r\nHost: {h}\r\n\r\n",
    "a bare CR in the target": "GET {t}\r HTTP/1.1\r\nHost: {h}\r\n\r\n",
    "HTTP/0.9": "GET {t}\r\n\r\n",
    "HTTP/1.0 with chunks": "POST {t} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + _LAST,
    "HTTP/1.2": "GET {t} HTTP/1.2\r\nHost: {h}\r\n\r\n",
    "HTTP/2.0": "GET {t} HTTP/2.0\r\nHost: {h}\r\n\r\n",
    "http/1.1": "GET {t} http/1.1\r\nHost: {h}\r\n\r\n",
    "an unknown method": "G=T {t} HTTP/1.1\r\nHost: {h}\r\n\r\n",
    # hop by hop
    "an upgrade to h2c": _GET
    + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
    "an upgrade to something": _GET + "Connection: Upgrade\r\nUpgrade: x\r\n\r\n" + SMUGGLED[:1],
    "a websocket without a key": _GET + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "a connection that names the length": _POST
    + "Connection: content-length\r\nContent-Length: 3\r\n\r\nabc",
    "a connection that names the host": _GET + "Connection: host, close\r\n\r\n",
    "a connection that names the coding": _CHUNKED
    + "Connection: transfer-encoding\r\n\r\n3\r\nabc\r\n"
    + _LAST,
    "an expectation": _POST + "Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    "an unknown expectation": _POST + "Expect: x\r\nContent-Length: 3\r\n\r\nabc",
    "TE trailers": _GET + "TE: trailers, deflate\r\nConnection: TE\r\n\r\n",
}


def http1(name: str, target: str, host: str) -> bytes:
    """The bytes of a case.

    Args:
        name: Of the case.
        target: What stands in the request line, a path or a URL.
        host: Of the Host header.
    """
    path = "/" + target.removeprefix("http://").partition("/")[2]
    smuggled = SMUGGLED.replace("{h}", host)
    size = len(smuggled)
    known = {"{t}": target, "{p}": path, "{h}": host, "{size}": str(size), "{hex}": f"{size:x}"}
    text = HTTP1[name].replace("{all}", str(size + len(_LAST)))
    for mark, value in known.items():
        text = text.replace(mark, value)
    return text.encode("latin-1")


def http2(target: str, host: str) -> dict[str, tuple[list[tuple[bytes, bytes]], bytes]]:
    """Name to fields and body of requests that would be others in HTTP/1.1."""
    smuggled = SMUGGLED.replace("{h}", host).encode()
    injected = b"a\r\n\r\n" + smuggled
    path, authority = target.encode(), host.encode()

    def fields(*more: tuple[bytes, bytes], **pseudo: bytes | None) -> list[tuple[bytes, bytes]]:
        found = {"method": b"GET", "scheme": b"http", "authority": authority, "path": path}
        found.update(pseudo)
        named = [(f":{name}".encode(), value) for name, value in found.items() if value is not None]
        return [*named, *more]

    def posted(*more: tuple[bytes, bytes]) -> list[tuple[bytes, bytes]]:
        return fields(*more, method=b"POST")

    chunks = b"0\r\n\r\n" + smuggled
    return {
        "nothing unusual": (fields(), b""),
        "TE": (posted((b"transfer-encoding", b"chunked")), chunks),
        "TE and CL": (
            posted((b"transfer-encoding", b"chunked"), (b"content-length", b"5")),
            chunks,
        ),
        "TE beside a name with CRLF": (posted((b"a\r\ntransfer-encoding", b"chunked")), chunks),
        "a value with CRLF": (fields((b"x", injected)), b""),
        "a value with LF": (fields((b"x", injected.replace(b"\r", b""))), b""),
        "a value with CR": (fields((b"x", b"a\rtransfer-encoding: chunked")), b""),
        "a value with NUL": (fields((b"x", b"a\0b")), b""),
        "a name with CRLF": (fields((b"x: y\r\nz", b"a")), b""),
        "a name with a colon": (fields((b"x: y", b"a")), b""),
        "a name with a space": (fields((b"x y", b"a")), b""),
        "an empty name": (fields((b"", b"a")), b""),
        "a name in capitals": (fields((b"X", b"a")), b""),
        "a length too small": (posted((b"content-length", b"1")), smuggled),
        "a length too large": (posted((b"content-length", b"9000")), smuggled),
        "a length of 0 with a body": (posted((b"content-length", b"0")), smuggled),
        "two lengths": (posted((b"content-length", b"0"), (b"content-length", b"9")), smuggled),
        "a length with a sign": (posted((b"content-length", b"+3")), b"abc"),
        "a list of lengths": (posted((b"content-length", b"3, 3")), b"abc"),
        "a path with CRLF": (fields(path=path + b" HTTP/1.1\r\nx: " + injected), b""),
        "a path with a space": (fields(path=path + b" /smuggled HTTP/1.1"), b""),
        "a path without a slash": (fields(path=b"smuggled"), b""),
        "an empty path": (fields(path=b""), b""),
        "no path": (fields(path=None), b""),
        "a path that is a URL": (fields(path=b"http://other/smuggled"), b""),
        "a path with NUL": (fields(path=path + b"\0"), b""),
        "a method with CRLF": (fields(method=b"GET /smuggled HTTP/1.1\r\nx:"), b""),
        "a method with a space": (fields(method=b"GET /smuggled"), b""),
        "no method": (fields(method=None), b""),
        "a scheme with CRLF": (fields(scheme=b"http\r\nx: " + injected), b""),
        "a scheme that is a URL": (fields(scheme=b"http://other/smuggled?"), b""),
        "no scheme": (fields(scheme=None), b""),
        "an authority with CRLF": (fields(authority=authority + b"\r\nx: " + injected), b""),
        "an authority with a path": (fields(authority=authority + b"/smuggled"), b""),
        "a host beside the authority": (fields((b"host", b"other")), b""),
        "two hosts and no authority": (
            fields((b"host", authority), (b"host", b"other"), authority=None),
            b"",
        ),
        "neither host nor authority": (fields(authority=None), b""),
        "two paths": (fields((b":path", b"/smuggled")), b""),
        "two methods": ([(b":method", b"POST"), *fields()], b""),
        "a pseudo-header at the end": (fields((b"x", b"a"), (b":path", b"/smuggled")), b""),
        "an unknown pseudo-header": (fields((b":evil", b"a")), b""),
        "a pseudo-header of answers": (fields((b":status", b"200")), b""),
        "connection": (fields((b"connection", b"close")), b""),
        "proxy-connection": (fields((b"proxy-connection", b"keep-alive")), b""),
        "keep-alive": (fields((b"keep-alive", b"1")), b""),
        "upgrade": (fields((b"upgrade", b"h2c"), (b"connection", b"upgrade")), b""),
        "te": (fields((b"te", b"gzip")), b""),
        "CONNECT": ([(b":method", b"CONNECT"), (b":authority", authority)], smuggled),
        "CONNECT with a protocol": (
            fields((b":protocol", b"websocket"), method=b"CONNECT"),
            smuggled,
        ),
    }
