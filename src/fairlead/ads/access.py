"""Who may be served what, where proxies come by TLS.

A client says who it is in the metadata of its stream: a token, and the node id that it serves as.
Both are judged before anything of the stream is read and before anything is answered, so that a
stranger learns nothing, not even which proxies there are.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

NODE_METADATA = "fairlead-node"
"""Carries the node id, ``PROXY~INSTANCE``; the first request has to name the same one."""
TOKEN_METADATA = "authorization"  # noqa: S105 - a name
"""Carries ``Bearer TOKEN``."""
INSTANCE_MARK = "~"
"""Between a proxy's name and that of its instance; in no name of Kubernetes."""


class Refusal(Enum):
    """Why a stream isn't served; named as gRPC's status codes."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    """Nobody vouches for the client."""
    PERMISSION_DENIED = "PERMISSION_DENIED"
    """The client is known, and may not be served as this node."""
    UNAVAILABLE = "UNAVAILABLE"
    """Cannot be told now; the client shall come again."""


class RefusedError(Exception):
    """A stream that is not served. The message is sent to the client: it must not tell anything."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the client is, as somebody trustworthy says."""

    subject: str
    """Such as ``system:serviceaccount:NAMESPACE:NAME``."""
    instance: str = ""
    """The one instance (pod) that it may serve as; empty where that isn't known."""


Authenticate: TypeAlias = Callable[[Mapping[str, str]], Awaitable[Identity]]
"""Metadata of a stream, names in lower case, to who the client is; raises `RefusedError`."""


@dataclass(frozen=True, slots=True)
class Access:
    """Rules for streams that come from elsewhere."""

    authenticate: Authenticate
    subject_of: Callable[[str], str]
    """Name of a proxy to the only subject that may be served as it; empty for nobody."""

    async def admitted(self, metadata: Mapping[str, str]) -> str:
        """The node id that the client may be served as.

        Raises:
            RefusedError: it is not who it should be, or that can't be told now.
        """
        identity = await self.authenticate(metadata)
        node = metadata.get(NODE_METADATA, "")
        proxy, instance = split_node(node)
        expected = self.subject_of(proxy)
        named = not identity.instance or identity.instance == instance
        if not (expected and expected == identity.subject and named):
            raise RefusedError(Refusal.PERMISSION_DENIED, "not the identity of this node")
        return node


def split_node(node: str) -> tuple[str, str]:
    """Name of the proxy and of its instance; the latter is empty where there is only one."""
    proxy, _, instance = node.partition(INSTANCE_MARK)
    return proxy, instance
