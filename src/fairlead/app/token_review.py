"""Who a proxy is, by the token of its pod's service account: the API server says (TokenReview).

A token that was found good is not asked about again for `FRESH_SECONDS`. While the API server is
away, one that it has vouched for stays good until it expires, so that proxies can come back to us;
one that was never seen has to wait. `docs/trust.md` says what that means.
"""

import asyncio
import base64
import binascii
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from fairlead.ads.access import TOKEN_METADATA, Identity, Refusal, RefusedError
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError
from fairlead.providers.kube.paths import path_of

_LOG = logging.getLogger(__name__)
AUDIENCE: Final = "fairlead"
FRESH_SECONDS: Final = 60.0
"""How long an answer counts."""
_ANSWER_SECONDS: Final = 5.0
_MOST_KNOWN: Final = 4096
"""Tokens that are remembered, those that were used last."""
_AT_ONCE: Final = 16
"""Questions to the API server."""
_LONGEST_TOKEN: Final = 16 * 1024
_SUBJECTS: Final = "system:serviceaccount:"
_POD_NAME: Final = "authentication.kubernetes.io/pod-name"


class _Claims(msgspec.Struct):
    """What a token says of itself; nothing is believed of it that the API server has not said."""

    exp: float
    sub: str
    aud: list[str] | str = ""


class _User(msgspec.Struct):
    username: str = ""
    extra: dict[str, list[str]] = {}


class _ReviewStatus(msgspec.Struct):
    authenticated: bool = False
    user: _User = msgspec.field(default_factory=_User)
    audiences: list[str] = []


class _Review(msgspec.Struct):
    status: _ReviewStatus = msgspec.field(default_factory=_ReviewStatus)


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that the API server has vouched for."""

    identity: Identity
    asked: float
    """When, in seconds since the epoch."""


class TokenReviewer:
    """Authenticates streams; `authenticate` is an `ads.access.Authenticate`.

    Args:
        client: of the API server.
        clock: the time, with its zone.
        audience: whom tokens have to be for.
    """

    def __init__(
        self, client: KubeClient, clock: Callable[[], datetime], audience: str = AUDIENCE
    ) -> None:
        self._client = client
        self._clock = clock
        self._audience = audience
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._asking = asyncio.Semaphore(_AT_ONCE)

    async def authenticate(self, metadata: Mapping[str, str]) -> Identity:
        """Who sends this.

        Raises:
            RefusedError: nobody vouches for it, or nobody can be asked.
        """
        token = _bearer(metadata)
        self._check(token)
        digest = hashlib.sha256(token.encode()).digest()
        known = self._known.get(digest)
        if known is not None and self._now() - known.asked < FRESH_SECONDS:
            self._known.move_to_end(digest)
            return known.identity
        try:
            async with self._asking:
                identity = await self._ask(token)
        except (ApiError, TimeoutError, msgspec.MsgspecError) as error:
            if known is not None:  # and it has not expired, see `_check`
                _LOG.warning("letting a known proxy in without asking: %s", _words(error))
                return known.identity
            _LOG.warning("a proxy has to wait, nobody can be asked for its token: %s", error)
            raise RefusedError(Refusal.UNAVAILABLE, "tokens cannot be reviewed now") from error
        except RefusedError:
            self._known.pop(digest, None)
            raise
        self._remember(digest, _Known(identity, self._now()))
        return identity

    def _check(self, token: str) -> None:
        """Let a token pass if it is worth asking about it: it has not expired and is for us.

        Raises:
            RefusedError: it can't be a good one.
        """
        try:
            claims = _claims(token)
        except (ValueError, msgspec.MsgspecError) as error:
            raise _unknown() from error
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        expected = self._audience in audiences and claims.sub.startswith(_SUBJECTS)
        if not expected or claims.exp <= self._now():
            raise _unknown()

    async def _ask(self, token: str) -> Identity:
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [self._audience]},
        }
        async with asyncio.timeout(_ANSWER_SECONDS):
            body = await self._client.create(
                path_of("authentication.k8s.io/v1", "tokenreviews"), review
            )
        status = msgspec.json.decode(body, type=_Review).status
        user = status.user
        if not status.authenticated or self._audience not in status.audiences:
            raise _unknown()
        if not user.username.startswith(_SUBJECTS):
            raise _unknown()
        pods = user.extra.get(_POD_NAME, [])
        return Identity(user.username, pods[0] if pods else "")

    def _remember(self, digest: bytes, known: _Known) -> None:
        self._known[digest] = known
        self._known.move_to_end(digest)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    def _now(self) -> float:
        return self._clock().timestamp()


def _bearer(metadata: Mapping[str, str]) -> str:
    scheme, _, token = metadata.get(TOKEN_METADATA, "").partition(" ")
    if scheme.lower() != "bearer" or not token or len(token) > _LONGEST_TOKEN:
        raise _unknown()
    return token


def _claims(token: str) -> _Claims:
    """The claims of a JWT, unverified.

    Raises:
        ValueError: it is none.
    """
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        raise ValueError("no JWT")
    try:
        body = base64.b64decode(parts[1] + "=" * (-len(parts[1]) % 4), altchars=b"-_")
    except binascii.Error as error:
        raise ValueError("no base64") from error
    return msgspec.json.decode(body, type=_Claims)


def _unknown() -> RefusedError:
    return RefusedError(Refusal.UNAUTHENTICATED, "no valid token for this audience")


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
