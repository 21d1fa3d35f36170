"""A cluster's API as the tests use it: through `kubectl proxy`, apart from the code under test.

Whatever kubeconfig there is, kubectl understands it; so the tests say nothing about
authentication, and a fault in our own client cannot hide itself. Everything is synchronous.
"""

import contextlib
import http.client
import json
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

Object = dict[str, Any]
MANAGER = "cluster-test"
"""Field manager of what the tests apply."""
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class ApiError(Exception):
    """What the API server refused: status code, reason and message."""

    def __init__(self, code: int, body: bytes) -> None:
        try:
            status = json.loads(body)
        except ValueError:
            status = {"message": body.decode(errors="replace")}
        self.code = code
        self.reason = str(status.get("reason", ""))
        super().__init__(f"{code} {self.reason}: {status.get('message', '')}")


class Cluster:
    """The cluster of the current kubeconfig; `close` ends its proxy.

    Args:
        options: More options of kubectl, such as ``--as=USER``.
    """

    def __init__(self, *options: str) -> None:
        command = ["kubectl", "proxy", "--port=0", *options]
        self._proxy = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._proxy.stdout is not None
        line = self._proxy.stdout.readline()
        self._port = int(line.rpartition(":")[2] or 0)
        if not self._port:
            self.close()
            raise RuntimeError("kubectl proxy did not start: is there a kubeconfig?")
        self._kinds: dict[str, tuple[str, str, bool]] = {}
        self._listed: set[str] = set()
        self._resources: set[tuple[str, str]] = set()

    @property
    def url(self) -> str:
        """The API server as the proxy offers it: no credentials needed."""
        return f"http://127.0.0.1:{self._port}"

    def close(self) -> None:
        """Stop the proxy."""
        self._proxy.terminate()
        self._proxy.wait(10)
        assert self._proxy.stdout is not None
        self._proxy.stdout.close()

    def request(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Any:
        """One request; the decoded answer. Raises ApiError."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        headers = {"content-type": content_type, "accept": accept}
        data = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, path, data, headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise ApiError(answer.status, content)
        return json.loads(content)

    def forget_kinds(self) -> None:
        """Discover again at the next use: definitions have come or gone."""
        self._kinds = {}
        self._listed = set()

    def kinds(self) -> list[str]:
        """Every kind that can be listed."""
        self._know()
        return sorted(self._listed)

    def resources(self) -> set[tuple[str, str]]:
        """Every resource that is served, as (group, plural)."""
        self._know()
        return self._resources

    def _know(self, kind: str = "Pod") -> None:
        if kind not in self._kinds:
            self._kinds = dict(self._discovered())

    def path(self, kind: str, name: str = "", namespace: str = "") -> str:
        """Path of an object, of a namespace's list, or of the list of all namespaces."""
        self._know(kind)
        prefix, plural, namespaced = self._kinds[kind]
        middle = f"/namespaces/{namespace}" if namespaced and namespace else ""
        return f"{prefix}{middle}/{plural}" + (f"/{name}" if name else "")

    def _discovered(self) -> Iterator[tuple[str, tuple[str, str, bool]]]:
        for root in ("/apis", "/api"):  # the core group last: it wins where kinds have one name
            for group in self.request("GET", root, accept=_DISCOVERY)["items"]:
                name = group["metadata"].get("name", "")
                for version in reversed(group["versions"]):  # the preferred one last: it wins
                    prefix = "/".join(filter(None, (root, name, version["version"])))
                    for each in version["resources"]:
                        kind = each["responseKind"]["kind"] or each["singularResource"]
                        scope = each["scope"] == "Namespaced"
                        self._resources.add((name, each["resource"]))
                        if "list" in each["verbs"]:
                            self._listed.add(kind)
                        yield kind, (prefix, each["resource"], scope)

    def apply(self, *objects: Object, manager: str = MANAGER) -> list[Object]:
        """Apply objects by server-side apply, taking over their fields; what they became."""
        query = urllib.parse.urlencode({"fieldManager": manager, "force": "true"})
        return [
            self.request("PATCH", f"{self._path_of(each)}?{query}", each, _APPLY)
            for each in objects
        ]

    def create(self, body: Object) -> Object:
        """Create one object; `generateName` works."""
        namespace = body["metadata"].get("namespace", "")
        return self.request("POST", self.path(body["kind"], "", namespace), body)

    def get(self, kind: str, name: str, namespace: str = "") -> Object:
        """One object; raises ApiError (404)."""
        return self.request("GET", self.path(kind, name, namespace))

    def find(self, kind: str, name: str, namespace: str = "") -> Object | None:
        """One object, or None where there is none."""
        try:
            return self.get(kind, name, namespace)
        except ApiError as error:
            if error.code == http.client.NOT_FOUND:
                return None
            raise

    def list(self, kind: str, namespace: str = "", **query: str) -> list[Object]:
        """Objects of a namespace, or of all; `query` has labelSelector or fieldSelector."""
        path = f"{self.path(kind, '', namespace)}?{urllib.parse.urlencode(query)}"
        return self.request("GET", path)["items"]

    def patch(
        self, kind: str, name: str, namespace: str, body: Object, *, status: bool = False
    ) -> Object:
        """JSON merge patch, of the object or of its status."""
        path = self.path(kind, name, namespace) + ("/status" if status else "")
        return self.request("PATCH", path, body, MERGE)

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete; what is absent already is fine."""
        try:
            self.request("DELETE", self.path(kind, name, namespace))
        except ApiError as error:
            if error.code != http.client.NOT_FOUND:
                raise

    @contextlib.contextmanager
    def watch(self, kind: str, namespace: str = "", **query: str) -> Iterator[Iterator[Object]]:
        """Events (`type`, `object`) from now on; iterate in a thread of your own."""
        listed = self.request("GET", self.path(kind, "", namespace) + "?limit=1")
        query |= {"watch": "1", "resourceVersion": listed["metadata"]["resourceVersion"]}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=3600)
        path = f"{self.path(kind, '', namespace)}?{urllib.parse.urlencode(query)}"
        connection.request("GET", path, headers={"accept": "application/json"})
        answer = connection.getresponse()
        try:
            yield (json.loads(line) for line in answer)
        finally:
            connection.close()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints; raises CalledProcessError."""
        command = ["kubectl", *arguments]
        return subprocess.run(
            command, input=stdin, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    def _path_of(self, body: Object) -> str:
        metadata = body["metadata"]
        return self.path(body["kind"], metadata["name"], metadata.get("namespace", ""))


def wait_for(check: Callable[[], Any], what: str, seconds: float = 30, pause: float = 0.05) -> Any:
    """Poll until `check()` is truthy and return that; raises TimeoutError that names `what`."""
    end = time.monotonic() + seconds
    while not (found := check()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(pause)
    return found
