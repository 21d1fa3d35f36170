"""Protobuf's wire format, as far as cached bytes are put together, and hashes of bytes."""

import hashlib
from collections.abc import Iterable

LENGTH_DELIMITED = 2
DIGEST_SIZE = 16
_LOW = 0x7F
_MORE = 0x80


def varint(number: int) -> bytes:
    """A non-negative number, seven bits a byte, lowest first."""
    out = bytearray()
    while number > _LOW:
        out.append(number & _LOW | _MORE)
        number >>= 7
    out.append(number)
    return bytes(out)


def framed(field: int, body: bytes) -> bytes:
    """`body` as the length-delimited field `field` of an enclosing message."""
    return varint(field << 3 | LENGTH_DELIMITED) + varint(len(body)) + body


def digest(content: bytes) -> bytes:
    """Content hash, 16 bytes."""
    return hashlib.blake2b(content, digest_size=DIGEST_SIZE).digest()


def version(head: bytes, digests: Iterable[bytes]) -> str:
    """Content hash over the head of a message and the digests of its parts, in hexadecimal."""
    return digest(b"".join((head, *digests))).hex()
