"""The control plane's certificate in a cluster: a Secret that the leader renews and all read.

In: a Secret of our namespace. Out: the current `Bundle`. A replica that does not lead only reads,
and waits until there is something to read.
"""

import asyncio
import base64
import binascii
import datetime as dt
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from fairlead.identity.authority import Bundle, renewed, usable
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.paths import path_of
from fairlead.providers.kube.watch_event import decoded

_LOG = logging.getLogger(__name__)
SECRET: Final = "fairlead-xds"  # noqa: S105 - a name
SERVICE: Final = "fairlead"
LOOK_SECONDS: Final = 30.0
"""Between two looks at the Secret. An authority is announced a day ahead, so there is time."""
FIRST_LOOK_SECONDS: Final = 0.5
"""The same while there is no certificate yet."""
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_FIELDS: Final[Mapping[str, str]] = {
    "ca.crt": "authorities",
    "ca.key": "authority_key",
    "tls.crt": "certificate",
    "tls.key": "key",
    "next.key": "next_key",
}


class _Metadata(msgspec.Struct):
    resourceVersion: str = ""  # noqa: N815 - Kubernetes' name


class _Secret(msgspec.Struct):
    metadata: _Metadata
    data: dict[str, str] = {}


class XdsCertificates:
    """Keeps the certificate of this replica; `run` is for a task of its own.

    Args:
        client: of the API server.
        namespace: of the control plane.
        clock: the time, with its zone.
        on_change: called with each new bundle.
        look_seconds: between two looks at the Secret.
    """

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        clock: Callable[[], dt.datetime],
        on_change: Callable[[Bundle], None] = lambda _: None,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._clock = clock
        self._on_change = on_change
        self._look_seconds = look_seconds
        self._leading = False
        self._bundle: Bundle | None = None
        self._there = asyncio.Event()
        self._wake = asyncio.Event()

    @property
    def names(self) -> tuple[str, ...]:
        """DNS names of the control plane, by which proxies may call it."""
        full = f"{SERVICE}.{self._namespace}"
        return (SERVICE, full, f"{full}.svc", f"{full}.svc.cluster.local")

    @property
    def bundle(self) -> Bundle:
        """The current one; may be read from any thread.

        Raises:
            LookupError: there is none yet; see `ready`.
        """
        if self._bundle is None:
            raise LookupError("there is no certificate yet")
        return self._bundle

    async def ready(self) -> Bundle:
        """Wait until there is a certificate."""
        await self._there.wait()
        return self.bundle

    def lead(self, *, leading: bool) -> None:
        """Whether this replica makes and renews the certificate."""
        self._leading = leading
        self._wake.set()

    async def run(self) -> None:
        """Read, and renew while leading, for ever."""
        while True:
            self._wake.clear()
            try:
                await self._look()
            except ApiError as error:
                _LOG.warning("Secret %s/%s: %s", self._namespace, SECRET, error)
            pause = FIRST_LOOK_SECONDS if self._bundle is None else self._look_seconds
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        """One look at the Secret; writes it if it's due and ours to write."""
        path = path_of("v1", "secrets", self._namespace, SECRET)
        secret = await self._read(path)
        found = None if secret is None else _bundle_of(secret)
        if self._leading:
            made = renewed(found, self.names, self._clock())
            if made is not None:
                if not await self._write(path, secret, made):
                    self._wake.set()  # somebody else has written: look again
                    return
                found = made
        # A leader replaces what nobody can use; the others wait for that.
        if found is not None and found != self._bundle and usable(found):
            _LOG.info("the control plane shows a new certificate")
            self._bundle = found
            self._there.set()
            self._on_change(found)

    async def _read(self, path: str) -> _Secret | None:
        try:
            return decoded(await self._client.get(path), _Secret, path)
        except ApiError as error:
            if error.code == _NOT_FOUND:
                return None
            raise

    async def _write(self, path: str, secret: _Secret | None, bundle: Bundle) -> bool:
        """Write the Secret; False if it is no longer what it was."""
        try:
            if secret is None:
                collection = path_of("v1", "secrets", self._namespace)
                await self._client.create(collection, self._manifest(bundle, ""))
            else:
                version = secret.metadata.resourceVersion
                await self._client.replace(path, self._manifest(bundle, version))
        except ApiError as error:
            if error.code == _CONFLICT:
                return False
            raise
        _LOG.info("wrote Secret %s/%s", self._namespace, SECRET)
        return True

    def _manifest(self, bundle: Bundle, resource_version: str) -> dict[str, Any]:
        metadata = {
            "name": SECRET,
            "namespace": self._namespace,
            "labels": {"app.kubernetes.io/managed-by": "fairlead"},
        }
        if resource_version:
            metadata["resourceVersion"] = resource_version
        data = {key: getattr(bundle, field) for key, field in _FIELDS.items()}
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "type": "Opaque",
            "data": {key: base64.b64encode(value).decode() for key, value in data.items() if value},
        }


def _bundle_of(secret: _Secret) -> Bundle | None:
    """What a Secret holds; None if that is not all there or no base64."""
    try:
        values = {
            field: base64.b64decode(secret.data.get(key, ""), validate=True)
            for key, field in _FIELDS.items()
        }
    except binascii.Error:
        return None
    bundle = Bundle(**values)
    whole = bundle.authorities and bundle.authority_key and bundle.certificate and bundle.key
    return bundle if whole else None
