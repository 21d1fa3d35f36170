"""No key leaves the proxies: what the instance says, writes and answers is searched for its bytes.

A key counts as told in any form in which somebody could read it: as PEM, as base64 of it (how
Secrets hold it), as DER, and as the number that it is.
"""

import base64
import json
import os
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from fairlead.app.instance import read_instance
from feature.harness import Instance
from feature.route_scene import at_gateway, documents, pod, service
from support import tls
from support.certificates import CA, secret, tls_secret
from support.http import over_socket
from support.tried import tell

AUTHORITY = CA("secrets")
LISTENER, CLIENT = AUTHORITY.issue(["a.example"]), AUTHORITY.issue(client=True, name="client")
PASSWORD = "hunter2-and-more-of-it"
"""Of a Secret that a pod has in its environment: nobody else sees it."""
BROKEN = LISTENER.key_pem.replace("-----END", "!!-----END")
KINDS = (
    *("gateways", "httproutes", "services", "pods", "secrets", "configmaps", "proxies", "problems"),
    *("gatewayclasses", "namespaces", "endpointslices", "listenersets", "referencegrants"),
)

GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gateway}
spec:
  gatewayClassName: fairlead
  tls: {backend: {clientCertificateRef: {name: client}}}
  listeners:
  - {name: http, port: 80, protocol: HTTP}
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: a}, {name: broken}]}}
"""


def forms(key_pem: str) -> list[bytes]:
    """What a key looks like; the middle of each, so that no frame or line break hides it."""
    key = serialization.load_pem_private_key(key_pem.encode(), None)
    pkcs8, pem = serialization.PrivateFormat.PKCS8, key_pem.encode()
    der = key.private_bytes(serialization.Encoding.DER, pkcs8, serialization.NoEncryption())
    number = key.private_numbers().private_value
    body = b"".join(pem.splitlines()[1:-1])
    return [
        pem.splitlines()[1],
        body[40:100],
        base64.b64encode(pem)[100:160],
        der[30:60],
        der[30:60].hex().encode(),
        number.to_bytes(32, "big"),
        f"{number:x}".encode(),
        str(number).encode(),
    ]


NEEDLES = {
    "the key of the listener": forms(LISTENER.key_pem),
    "the key of the client certificate": forms(CLIENT.key_pem),
    "the password": [PASSWORD.encode(), base64.b64encode(PASSWORD.encode())],
}


@pytest.fixture(scope="module")
def run(echo, tmp_path_factory):
    password = "env: [{name: WORD, valueFrom: {secretKeyRef: {name: password, key: word}}}]"
    files = {
        "gateway.yaml": GATEWAY,
        "route.yaml": at_gateway("all", "- backendRefs: [{name: v1, port: 80}]").text,
        "backend.yaml": service("v1", echo.port("v1")),
        "client.yaml": pod().replace(
            "image: curlimages/curl,", f"image: curlimages/curl, {password},"
        ),
        "secrets.yaml": documents(
            tls_secret("a", LISTENER),
            tls_secret("client", CLIENT),
            secret("broken", {"tls.crt": LISTENER.cert_pem, "tls.key": BROKEN}),
            secret("password", {"word": PASSWORD}, kind="Opaque"),
        ),
    }
    folder = tmp_path_factory.mktemp("secrets")
    instance = Instance(folder, files, "--access-log", "--status-dir", str(folder / "status"))
    try:
        instance.start()
        instance.until_pods()
        place = ("127.0.0.1", 0)
        parts = instance.url().removeprefix("http://").rpartition(":")
        place = (parts[0], 443 + instance.offset)
        assert tls.get(place, "a.example", context=AUTHORITY.client_context()).status == 200
        broken = instance.manifests / "more.yaml"
        broken.write_text(tls_secret("a", LISTENER).replace("metadata:", "metadatas:"))
        instance.until("the fault", lambda: "metadatas" in instance.output())
        yield instance
    finally:
        instance.stop()


def runtime_dir(run) -> Path:
    found = read_instance(run.state)
    assert found is not None
    return Path(found.runtime_dir)


def told(path: Path, target: str) -> bytes:
    """An answer over a Unix socket, head and body."""
    with over_socket(path) as connection:
        connection.request("GET", target)
        answer = connection.getresponse()
        return str(answer.getheaders()).encode() + answer.read()


def sockets(run) -> list[Path]:
    return [each for each in runtime_dir(run).rglob("*") if each.is_socket()]


def outputs(run):
    """Name and bytes of everything that an instance tells anybody."""
    yield "the console", run.log.read_bytes()
    for root in (run.state, run.log.parent / "status", runtime_dir(run)):
        for path in root.rglob("*"):
            if path.is_file():
                yield f"file {path.name}", path.read_bytes()
    commands = [
        ("get", kind, "-A", "-o", form) for kind in KINDS for form in ("yaml", "json", "wide")
    ]
    commands += [
        ("describe", "gateway", "gateway"),
        ("describe", "route", "all"),
        ("describe", "service", "v1"),
        ("describe", "pod", "client"),
        ("describe", "secret", "a"),
        ("debug", "graph"),
        ("explain", "GET https://a.example/"),
        ("lint", "-f", str(run.manifests)),
        ("lint", "-f", str(run.manifests), "-o", "json"),
    ]
    for command in commands:
        done = run.fairlead(*command)
        yield f"fairlead {' '.join(command[:3])}", (done.stdout + done.stderr).encode()
    for path in sockets(run):
        if path.name == "api.sock":
            targets = [f"/v1/objects/{kind}" for kind in KINDS] + [
                "/debug/graph",
                "/debug/receipts",
            ]
        elif path.name.startswith("envoy-"):
            targets = ["/config_dump?include_eds", "/config_dump?resource=dynamic_active_secrets"]
            targets += ["/certs", "/server_info", "/stats", "/clusters", "/listeners", "/init_dump"]
        else:
            continue
        for target in targets:
            yield f"{path.name} {target}", told(path, target)


def test_no_output_holds_a_key(run):
    found = list(outputs(run))
    for name, content in found:
        for what, needles in NEEDLES.items():
            assert not [each for each in needles if each in content], f"{name} holds {what}"
    tell("outputs searched for keys", len(found), forms=sum(map(len, NEEDLES.values())))
    names = " ".join(name for name, _ in found)
    assert "/config_dump" in names
    assert "access.log" in names
    assert "status" in names or "gateway.yaml" in names
    assert "pod" in names


def test_the_search_would_find_a_key(run):
    written = (run.manifests / "secrets.yaml").read_bytes().replace(b"\n", b"").replace(b" ", b"")
    found = [any(each in written for each in needles) for needles in NEEDLES.values()]
    assert found == [True, True, True]


def test_sockets_are_for_the_user_alone(run):
    folder = runtime_dir(run)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert folder.stat().st_uid == os.getuid()
    found = sockets(run)
    assert {"api.sock", "ads.sock"} <= {each.name for each in found}
    assert any(each.name.startswith("envoy-") for each in found)
    for path in found:
        private = not stat.S_IMODE(path.stat().st_mode) & 0o077
        assert private or stat.S_IMODE(path.parent.stat().st_mode) == 0o700, path
    assert not stat.S_IMODE(run.state.stat().st_mode) & 0o077


def test_nothing_but_gateways_and_pods_listens_on_tcp(run):
    """No admin interface, xDS or API of ours can be reached over the network."""
    pids = {int(each["status"]["pid"]) for each in run.get("proxies")}
    own = {run.process.pid}
    inodes = {pid: _socket_inodes(pid) for pid in pids | own}
    listening = _listening()
    assert not inodes[run.process.pid] & listening.keys()
    gateways = {
        item["value"] for each in run.get("gateways") for item in each["status"]["addresses"]
    }
    for pid in pids:
        for inode in inodes[pid] & listening.keys():
            address = listening[inode]
            assert address.startswith("127.")
            assert address in gateways or run.outbound("client")[0] == address


def _socket_inodes(pid: int) -> set[str]:
    links = [str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()]
    return {link[8:-1] for link in links if link.startswith("socket:[")}


def _listening() -> dict[str, str]:
    """Inode to address of what listens on TCP on this machine (/proc/net/tcp)."""
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                raw = bytes.fromhex(fields[1].partition(":")[0])[::-1]
                found[fields[9]] = ".".join(map(str, raw)) if len(raw) == 4 else "::"
    return found


def test_statuses_say_what_is_wrong_without_the_key(run):
    told = json.dumps(run.one("gateways", "gateway")["status"])
    assert "broken" in told
    assert "PRIVATE KEY-----" not in told
