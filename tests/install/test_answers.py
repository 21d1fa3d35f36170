"""What API servers, and whatever is in front of them, answer to installing and checking."""

import asyncio
from datetime import UTC, datetime

import pytest

from fairlead.app.replica_choice import choose
from fairlead.install import apply, remove
from fairlead.install.check import gateways, run
from fairlead.install.values import Values
from fairlead.providers.kube.client import KubeClient
from fairlead.providers.kube.errors import ApiError
from support.api_server import ApiServer, without_credentials

VALUES = Values()


def checked(client):
    return run.after(client, VALUES, lambda: datetime.now(UTC), gateways.dial)


def installed(client):
    return apply.install(client, VALUES, print, force=False, patience=0)


def planned(client):
    return remove.plan(client, VALUES, definitions=False, proxies=False)


def asked(server, question):
    async def main():
        async with server.serving() as url, KubeClient(without_credentials(url)) as client:
            return await question(client)

    return asyncio.run(main())


@pytest.mark.parametrize(
    "page", [b"<html>Log in</html>", b"[1]", b"null", b"", b'{"a":' * 9000 + b"1"]
)
@pytest.mark.parametrize("question", [installed, planned, lambda client: choose(client, "x")])
def test_a_page_that_is_no_answer_is_told_as_such(page, question):
    server = ApiServer()
    server.page = page
    with pytest.raises(ApiError, match="the answer is cut short or of another kind"):
        asked(server, question)


@pytest.mark.parametrize("page", [b"<html>Log in</html>", b"[1]", b"null", b"", b"{}"])
@pytest.mark.parametrize("check", [checked, lambda client: run.before(client, VALUES)])
def test_to_a_check_such_a_page_is_a_finding(page, check):
    server = ApiServer()
    server.page = page
    (found,) = asked(server, check)
    assert (found.topic, found.severity) == ("Kubernetes", "error")
    assert "GET /version" in found.message


def severities(server, check):
    return {each.topic: each.severity for each in asked(server, check)}


def test_a_check_goes_on_where_one_topic_may_not_be_seen():
    server = ApiServer(("apps/v1", "deployments"), ("v1", "pods"), ("v1", "configmaps"))
    container = {"image": "fairlead:dev", "env": []}
    spec = {"replicas": 1, "template": {"spec": {"containers": [container]}}}
    metadata = {"namespace": "fairlead-system", "name": "fairlead"}
    server.put("deployments", {"metadata": metadata, "spec": spec})
    fine = severities(server, checked)
    assert fine == {
        "Kubernetes": "ok", "Gateway API": "error", "Control plane": "error", "Rights": "ok",
        "Gateways": "warning",
    }  # fmt: skip
    server.forbidden = {"customresourcedefinitions"}
    (hidden,) = [each for each in asked(server, checked) if each.topic == "Gateway API"]
    assert "403 Forbidden" in hidden.message
    assert hidden.remedy == "ask for the right to read it"
    assert severities(server, checked) == {key: fine[key] for key in fine if key != "Gateways"}
    server.forbidden = {"rolebindings"}
    assert severities(server, checked) == {**fine, "Rights": "error"}
    server.forbidden = {"/pods"}
    assert list(severities(server, checked)) == ["Kubernetes", "Gateway API", "Control plane"]


def test_rights_that_may_not_be_asked_for_are_not_taken_to_be_there():
    server = ApiServer()
    assert severities(server, lambda client: run.before(client, VALUES))["Rights"] == "ok"
    server.forbidden = {"selfsubjectaccessreviews"}
    assert severities(server, lambda client: run.before(client, VALUES))["Rights"] == "warning"
