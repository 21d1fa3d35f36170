"""Kubeconfig files and service accounts: what requests carry, and when it is renewed."""

import asyncio
import base64
import json
import ssl
import subprocess
import sys
import tempfile

import pytest

from fairlead.providers.kube import config
from fairlead.providers.kube.config import ConfigError, in_cluster, load
from support.certificates import CA
from support.kubeconfig import write

PLUGIN = """#!/bin/sh
echo "$KUBERNETES_EXEC_INFO" > {seen}
echo '{{"apiVersion": "{version}", "kind": "ExecCredential",
        "status": {{"token": "'"$(cat {token})"'"}}}}'
"""


def test_context_namespace_and_token(tmp_path):
    found = load(write(tmp_path / "k", {"token": "secret-token"}))
    assert (found.server, found.context, found.namespace) == ("http://127.0.0.1:1", "one", "team")
    assert found.credentials.current().authorization == "Bearer secret-token"
    assert "secret-token" not in repr(found) + repr(found.credentials.current())
    assert load(tmp_path / "k", "two").namespace == "default"


def test_what_is_missing_is_named(tmp_path, monkeypatch):
    file = write(tmp_path / "k", {"token": "t"})
    with pytest.raises(ConfigError, match=r"context three .*three"):
        load(file, "three")
    with pytest.raises(ConfigError, match=r"there is no kubeconfig .*absent"):
        load(tmp_path / "absent")
    (tmp_path / "bad").write_text("[]")
    with pytest.raises(ConfigError, match=r"kubeconfig .*bad"):
        load(tmp_path / "bad")
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigError, match="--kubeconfig"):
        load()


def test_files_are_merged(tmp_path, monkeypatch):
    write(tmp_path / "a", {"token": "from-a"})
    write(tmp_path / "b", {"token": "from-b"})
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'absent'}:{tmp_path / 'a'}:{tmp_path / 'b'}")
    assert load().credentials.current().authorization == "Bearer from-a"


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_an_exec_plugin_is_asked_again_on_renewal(tmp_path, monkeypatch, version):
    monkeypatch.setattr(config, "_PAUSE", 0.0)
    token, seen = tmp_path / "token", tmp_path / "seen"
    token.write_text("first")
    api_version = f"client.authentication.k8s.io/{version}"
    plugin = tmp_path / "plugin"
    plugin.write_text(PLUGIN.format(seen=seen, version=api_version, token=token))
    plugin.chmod(0o700)
    command = {"apiVersion": api_version, "command": str(plugin), "interactiveMode": "Never"}
    file = write(tmp_path / "k", {"exec": command})

    async def script():
        found = load(file)  # while a loop is running
        assert found.credentials.current().authorization == "Bearer first"
        token.write_text("second")
        await found.credentials.renew()
        assert found.credentials.current().authorization == "Bearer second"

    asyncio.run(script())
    assert json.loads(seen.read_text())["apiVersion"] == api_version


def test_a_plugin_that_fails_says_so(tmp_path):
    command = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", "echo log in first >&2; exit 3"],
    }
    with pytest.raises(ConfigError, match="log in first"):
        load(write(tmp_path / "k", {"exec": command}))


def test_a_token_file_is_read_again_on_renewal(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "_PAUSE", 0.0)
    token = tmp_path / "token"
    token.write_text("first\n")
    found = load(write(tmp_path / "k", {"tokenFile": str(token)}))
    assert found.credentials.current().authorization == "Bearer first"
    token.write_text("second\n")
    asyncio.run(found.credentials.renew())
    assert found.credentials.current().authorization == "Bearer second"


def test_keys_in_the_file_are_on_disk_no_longer_than_reading_takes(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    authority = CA("a")
    made = authority.issue(name="client", client=True)
    user = {
        "client-certificate-data": base64.b64encode(made.cert_pem.encode()).decode(),
        "client-key-data": base64.b64encode(made.key_pem.encode()).decode(),
    }
    ca = base64.b64encode(authority.cert_pem.encode()).decode()
    file = write(tmp_path / "k", user, "https://127.0.0.1:1/", **{"certificate-authority-data": ca})
    for _ in range(2):
        found = load(file)
        tls = found.credentials.current().tls
        assert isinstance(tls, ssl.SSLContext)
        assert tls.verify_mode == ssl.CERT_REQUIRED
        assert len(tls.get_ca_certs()) == 1
        assert list(scratch.iterdir()) == []
    assert found.server == "https://127.0.0.1:1"


def test_a_service_account_whose_token_is_replaced(tmp_path):
    authority = CA("a")
    (tmp_path / "token").write_text("first")
    (tmp_path / "ca.crt").write_text(authority.cert_pem)
    (tmp_path / "namespace").write_text("here")
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    found = in_cluster(tmp_path, environment)
    assert (found.server, found.namespace) == ("https://[fd00::1]:443", "here")
    assert found.credentials.current().authorization == "Bearer first"
    (tmp_path / "token").write_text("second")
    asyncio.run(found.credentials.renew())
    assert found.credentials.current().authorization == "Bearer second"
    (tmp_path / "token").write_text("")  # being replaced
    asyncio.run(found.credentials.renew())
    assert found.credentials.current().authorization == "Bearer second"


def test_no_service_account_is_said(tmp_path):
    environment = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    with pytest.raises(ConfigError, match="service account"):
        in_cluster(tmp_path, environment)


def test_the_library_is_loaded_without_its_models(tmp_path):
    file = write(tmp_path / "k", {"token": "t"})
    script = (
        "import sys; from pathlib import Path; from fairlead.providers.kube.config import load;"
        f"load(Path({str(file)!r})); print(len(sys.modules));"
        "print([each for each in sys.modules if each.startswith('kubernetes_asyncio')])"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded, rest = run.stdout.splitlines()
    assert int(loaded) < 700
    assert rest == "[]"


def test_of_several_files_the_first_context_counts_as_with_kubectl(tmp_path, monkeypatch):
    first = write(tmp_path / "a", {"token": "t"}, server="http://127.0.0.1:1")
    other = write(tmp_path / "b", {"token": "t"}, server="http://127.0.0.1:2")
    other.write_text(other.read_text().replace("current-context: one", "current-context: two"))
    nobody = tmp_path / "empty"
    nobody.write_text("# nothing yet\n")
    monkeypatch.setenv("KUBECONFIG", f"{nobody}:{tmp_path / 'absent'}:{first}:{other}")
    assert load().context == "one"
    monkeypatch.setenv("KUBECONFIG", f"{other}:{first}")
    assert load().context == "two"
    assert load(None, "one").context == "one"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"), ("[1]", "is none"), ("hello", "is none"), ("a: [", "parsing"),
        ("\0", "control characters"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_kubeconfig_is_told_as_such(tmp_path, text, words):
    (tmp_path / "k").write_text(text)
    with pytest.raises(ConfigError, match=rf"kubeconfig .*/k.*{words}"):
        load(tmp_path / "k")


@pytest.mark.parametrize(
    "url", ["127.0.0.1:6443", "ftp://x", "http://", "http://[::1", "http://x:99999", "https://..:1"]
)
def test_what_is_no_url_of_a_server_or_proxy_is_told_as_such(tmp_path, url):
    with pytest.raises(ConfigError, match="context one: `server` of the cluster"):
        load(write(tmp_path / "k", {}, server=url))
    with pytest.raises(ConfigError, match="context one: `proxy-url` of the cluster"):
        load(write(tmp_path / "k", {}, **{"proxy-url": url}))


def test_the_password_of_a_proxy_is_not_told(tmp_path):
    with pytest.raises(ConfigError) as raised:
        load(write(tmp_path / "k", {}, **{"proxy-url": "socks5://u:swordfish@x:99999"}))
    assert "swordfish" not in str(raised.value)


def test_an_ipv6_server(tmp_path):
    assert load(write(tmp_path / "k", {}, server="https://[::1]:6443")).server[-10:] == "[::1]:6443"


def test_a_token_that_is_none_is_not_sent(tmp_path):
    (tmp_path / "token").write_text("swordfish\nx-other: y")
    with pytest.raises(ConfigError, match="the token is none") as raised:
        load(write(tmp_path / "k", {"tokenFile": "token"}))
    assert "swordfish" not in str(raised.value)


def test_what_a_plugin_says_is_told_once(tmp_path):
    plugin = tmp_path / "plugin"
    plugin.write_text("#!/bin/sh\necho log in first >&2; exit 3\n")
    plugin.chmod(0o755)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(plugin)}}
    code = "from fairlead.cli import main; main(['check', '--kubeconfig', 'k'])"
    write(tmp_path / "k", user)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: context one of kubeconfig k: ")
    assert done.stderr.count("log in first") == 1


@pytest.mark.parametrize(
    ("server", "no_proxy", "proxy"),
    [
        ("https://kube.example:6443", "", "http://secure:1"),
        ("http://kube.example:6443", "", "http://plain:1"),
        ("https://kube.example:6443", "other.example, .example", ""),
        ("https://kube.example:6443", "kube.example", ""),
        ("https://10.1.2.3:6443", "10.0.0.0/8", ""),
        ("https://11.1.2.3:6443", "10.0.0.0/8,11.1.2.4", "http://secure:1"),
        ("https://11.1.2.3:6443", "11.1.2.3", ""),
        ("https://11.1.2.3:6443", "*", ""),
        ("https://[2001:db8::1]:6443", "2001:db8::/32", ""),
        ("https://127.0.0.2:6443", "", ""),
        ("https://[::1]:6443", "", ""),
        ("https://localhost:6443", "", ""),
    ],
)
def test_the_proxy_of_the_environment(tmp_path, monkeypatch, server, no_proxy, proxy):
    for name in ("http_proxy", "https_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "secure:1")
    monkeypatch.setenv("HTTP_PROXY", "http://plain:1")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    assert load(write(tmp_path / "k", {}, server)).proxy == proxy
    own = load(write(tmp_path / "k", {}, server, **{"proxy-url": "http://own:1"}))
    assert own.proxy == "http://own:1"
