"""Tokens of proxies: what the API server says counts, and for how long when it says nothing."""

import asyncio
import base64
import datetime as dt
import json

import pytest

from fairlead.ads.access import Identity, Refusal, RefusedError
from fairlead.app.token_review import FRESH_SECONDS, TokenReviewer
from fairlead.providers.kube.errors import ApiError, UnreachableError

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SUBJECT = "system:serviceaccount:shop:edge"


def token(subject=SUBJECT, audiences=("fairlead",), seconds=3600.0, note=""):
    claims = {"sub": subject, "aud": audiences, "exp": NOW.timestamp() + seconds, "note": note}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


class Reviews:
    """An API server that knows some tokens."""

    def __init__(self, *good, audiences=("fairlead",), pod="edge-1"):
        self.good = set(good)
        self.asked = 0
        self.failure = None
        self.audiences = list(audiences)
        self.pod = pod

    async def create(self, path, obj):
        assert path == "/apis/authentication.k8s.io/v1/tokenreviews"
        assert obj["spec"]["audiences"] == ["fairlead"]
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        if obj["spec"]["token"] not in self.good:
            return json.dumps({"status": {"error": "unknown"}}).encode()
        user = {
            "username": SUBJECT,
            "uid": "1",
            "groups": ["system:serviceaccounts"],
            "extra": {"authentication.kubernetes.io/pod-name": [self.pod]} if self.pod else {},
        }
        status = {"authenticated": True, "user": user, "audiences": self.audiences}
        return json.dumps({"kind": "TokenReview", "status": status}).encode()


class Scene:
    def __init__(self, reviews):
        self.reviews = reviews
        self.time = NOW
        self.reviewer = TokenReviewer(reviews, lambda: self.time)

    def ask(self, value, scheme="Bearer"):
        """The identity, or why there is none."""
        metadata = {} if value is None else {"authorization": f"{scheme} {value}"}
        try:
            return asyncio.run(self.reviewer.authenticate(metadata))
        except RefusedError as refused:
            return refused.refusal

    def wait(self, seconds):
        self.time += dt.timedelta(seconds=seconds)


def test_the_api_server_says_who_it_is_and_which_pod():
    scene = Scene(Reviews(token()))
    assert scene.ask(token()) == Identity(SUBJECT, "edge-1")
    assert Scene(Reviews(token(), pod="")).ask(token()) == Identity(SUBJECT)


def test_an_answer_counts_for_a_minute():
    scene = Scene(Reviews(token()))
    for _ in range(5):
        scene.ask(token())
    assert scene.reviews.asked == 1
    scene.wait(FRESH_SECONDS + 1)
    scene.ask(token())
    assert scene.reviews.asked == 2


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "plain",
        "a.b.c",
        "e30.e30.e30",
        "e30.W10.e30",
        token(audiences=("https://kubernetes.default.svc",)),
        token(subject="system:node:one"),
        token(seconds=-1),
        "x" * 100_000,
    ],
)
def test_what_cannot_be_good_is_not_even_asked_about(value):
    scene = Scene(Reviews(token()))
    assert scene.ask(value) is Refusal.UNAUTHENTICATED
    assert scene.reviews.asked == 0


def test_another_scheme_is_none():
    assert Scene(Reviews(token())).ask(token(), "Basic") is Refusal.UNAUTHENTICATED


def test_a_token_that_nobody_vouches_for_is_refused():
    scene = Scene(Reviews())
    assert scene.ask(token()) is Refusal.UNAUTHENTICATED


def test_a_token_for_another_audience_is_refused_whatever_it_says_of_itself():
    scene = Scene(Reviews(token(), audiences=["somebody"]))
    assert scene.ask(token()) is Refusal.UNAUTHENTICATED


def test_one_that_is_withdrawn_ends_within_a_minute():
    scene = Scene(Reviews(token()))
    scene.ask(token())
    scene.reviews.good.clear()
    scene.wait(FRESH_SECONDS + 1)
    assert scene.ask(token()) is Refusal.UNAUTHENTICATED
    scene.reviews.failure = UnreachableError("refused")
    assert scene.ask(token()) is Refusal.UNAVAILABLE


@pytest.mark.parametrize(
    "failure",
    [
        UnreachableError("connection refused"),
        ApiError(500, "InternalError", "etcd"),
        ApiError(429, "TooManyRequests", "later"),
        ApiError(403, "Forbidden", "no right"),
        TimeoutError(),
    ],
)
def test_while_the_api_server_is_away_known_ones_come_back_until_they_expire(failure):
    scene = Scene(Reviews(token(), token(note="new")))
    scene.ask(token())
    scene.reviews.failure = failure
    scene.wait(1800)
    assert scene.ask(token()) == Identity(SUBJECT, "edge-1")
    assert scene.ask(token(note="new")) is Refusal.UNAVAILABLE
    scene.wait(1801)
    assert scene.ask(token()) is Refusal.UNAUTHENTICATED


def test_an_answer_that_is_none_is_no_answer():
    scene = Scene(Reviews(token()))

    async def nonsense(*_):
        return b"<html>"

    scene.reviews.create = nonsense
    assert scene.ask(token()) is Refusal.UNAVAILABLE


def test_tokens_are_in_no_message(caplog):
    scene = Scene(Reviews(token()))
    scene.ask(token())
    scene.reviews.failure = UnreachableError("connection refused")
    scene.wait(FRESH_SECONDS + 1)
    scene.ask(token())
    scene.ask(token(note="new"))
    assert "connection refused" in caplog.text
    assert token().split(".")[1][:20] not in caplog.text
