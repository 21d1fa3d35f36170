"""A whole collection of an API server, read in pages."""

from typing import Final, Generic, TypeVar

import msgspec

from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.watch_event import decoded

T = TypeVar("T")

_PAGE: Final = "500"
_GONE: Final = 410


class _Meta(msgspec.Struct):
    continue_: str = msgspec.field(default="", name="continue")


class _Page(msgspec.Struct, Generic[T]):
    items: list[T] | None = None
    metadata: _Meta = msgspec.field(default_factory=_Meta)


async def pages(client: KubeClient, path: str, item: type[T], **selectors: str) -> list[T]:
    """All objects of a collection.

    An API server forgets where a list was left off within minutes. What is then read is all of it
    at once, as kubectl does.

    Args:
        client: of the cluster.
        path: from `path_of`.
        item: what an object is decoded to.
        selectors: such as `labelSelector`.

    Raises:
        ApiError: The server refuses, or its answer is no list.
    """
    found: list[T] = []
    query = {**selectors, "limit": _PAGE}
    while True:
        try:
            body = await client.get(path, **query)
        except ApiError as error:
            if error.code != _GONE or "continue" not in query:
                raise
            found, query = [], dict(selectors)
            continue
        page = decoded(body, _Page[item], f"GET {path}")
        found += page.items or ()
        if not page.metadata.continue_:
            return found
        query["continue"] = page.metadata.continue_
