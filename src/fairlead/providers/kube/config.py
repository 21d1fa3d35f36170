"""Which cluster, and who we are in it: from a kubeconfig file or a pod's service account.

In: paths and the environment. Out: a `ClusterConfig`, whose `Credentials` hand out what requests
carry now, and renew it when the server no longer takes it. Nothing of it appears in a repr.
"""

import asyncio
import contextlib
import os
import ssl
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from time import monotonic
from types import SimpleNamespace
from typing import Any, Final, Protocol
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import msgspec.yaml

from fairlead.api.raw import is_map
from fairlead.providers.kube.config_library import library
from fairlead.providers.kube.errors import ConfigError

__all__ = ["ClusterConfig", "ConfigError", "Credential", "Credentials", "load"]

_SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_PAUSE: Final = 5.0
"""Seconds between two renewals: a server that refuses us is not asked for ever more tokens."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request carries."""

    authorization: str = field(default="", repr=False)
    """Value of the header of that name; empty for none."""
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """Whom to trust, and our certificate where there is one; None without TLS."""


class Credentials(Protocol):
    """Where a `Credential` comes from."""

    def current(self) -> Credential:
        """What counts now; a file that it comes from is read again now and then."""
        ...

    async def renew(self) -> None:
        """Get new ones, since the server refused those; at most one attempt at a time.

        Raises:
            ConfigError: They cannot be had.
        """
        ...


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """How an API server is reached."""

    server: str
    """URL without a slash at its end."""
    credentials: Credentials = field(repr=False)
    namespace: str = "default"
    """Of the context, or of the pod."""
    context: str = ""
    """Name of the kubeconfig's context; empty in a pod."""
    server_name: str = ""
    """Name that the server's certificate must have, if not the URL's host."""
    proxy: str = ""
    """URL of an HTTP proxy on the way; empty for none."""


def load(kubeconfig: Path | None = None, context: str | None = None) -> ClusterConfig:
    """Find the cluster, as kubectl does; runs exec plugins, so it may take a while.

    Args:
        kubeconfig: file to read; else `KUBECONFIG`, else ~/.kube/config, else the service account
            of the pod that this runs in.
        context: of the kubeconfig; else its current one.

    Raises:
        ConfigError: There is none, or it cannot be used; the message says what to do.
    """
    files = str(kubeconfig) if kubeconfig is not None else os.environ.get("KUBECONFIG", "")
    default = Path.home() / ".kube" / "config"
    if not files and default.is_file():
        files = str(default)
    if files:
        return _from_files(files, context)
    if context is not None:
        raise ConfigError(f"there is no kubeconfig with a context {context}; give --kubeconfig")
    if os.environ.get("KUBERNETES_SERVICE_HOST"):
        return in_cluster(_SERVICE_ACCOUNT, os.environ)
    raise ConfigError(
        "no cluster is configured: give --kubeconfig FILE, set KUBECONFIG, or write ~/.kube/config"
    )


def in_cluster(directory: Path, environment: Mapping[str, str]) -> ClusterConfig:
    """The cluster of the pod that this runs in.

    Args:
        directory: where the service account is mounted.
        environment: of a container, with KUBERNETES_SERVICE_HOST and _PORT.

    Raises:
        ConfigError: The service account is not mounted.
    """
    where = "the pod's service account cannot be used"

    def read() -> _Read:
        loader = _guarded(
            lambda: library("incluster_config").InClusterConfigLoader(
                token_filename=str(directory / "token"),
                cert_filename=str(directory / "ca.crt"),
                environ=environment,
            ),
            where,
        )
        return _Read(loader.load_and_set, where)

    credentials = _ServiceAccount(read)
    namespace = directory / "namespace"
    return ClusterConfig(
        server=credentials.server,
        credentials=credentials,
        namespace=namespace.read_text().strip() if namespace.is_file() else "default",
    )


class _Read:
    """What the library makes of a configuration: an attribute for each of its own.

    Args:
        fill: gives them their values; returns the context as the file has it, if there is one.
        where: for messages.
    """

    def __init__(self, fill: Callable[[Any], Any], where: str) -> None:
        self.found: Any = SimpleNamespace(
            api_key={}, host="", ssl_ca_cert=None, cert_file=None, key_file=None, verify_ssl=True,
            tls_server_name=None, proxy=None, refresh_api_key_hook=None,
        )  # fmt: skip
        self._where = where
        context: dict[str, Any] = _guarded(lambda: fill(self.found), where) or {}
        self.context = str(context.get("name", ""))
        self.namespace = str(context.get("context", {}).get("namespace") or "default")
        self.tls: ssl.SSLContext | None = _guarded(lambda: _tls(self.found), where)

    def authorization(self) -> str:
        """The value of the header."""
        value = str(self.found.api_key.get("BearerToken", "")).strip()
        if not value.isprintable():
            raise ConfigError(f"{self._where}: the token is none, it has line breaks or the like")
        return value


def _tls(found: Any) -> ssl.SSLContext | None:  # noqa: ANN401 - a configuration, to the library
    """Made of the files that were named or written."""
    if not found.host.startswith("https"):
        return None
    made = ssl.create_default_context(cafile=found.ssl_ca_cert)
    if not found.verify_ssl:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if found.cert_file:
        made.load_cert_chain(found.cert_file, found.key_file)
    return made


class _ServiceAccount:
    """A token that the kubelet replaces; its file is read again every minute."""

    def __init__(self, read: Callable[[], _Read]) -> None:
        self._again = read
        self._read = read()
        self.server = str(self._read.found.host)

    def current(self) -> Credential:
        with contextlib.suppress(Exception):  # being replaced; the last one is still good
            self._read.found.refresh_api_key_hook(self._read.found)
        return Credential(self._read.authorization(), self._read.tls)

    async def renew(self) -> None:
        with contextlib.suppress(ConfigError):  # being replaced; the next try comes soon
            self._read = self._again()


class _Kubeconfig:
    """Whatever a user's entry says; renewed by doing again what it says."""

    def __init__(self, files: str, context: str, first: Credential) -> None:
        self._files = files
        self._context = context
        self._credential = first
        self._renewing = asyncio.Lock()
        self._renewed = monotonic()

    def current(self) -> Credential:
        return self._credential

    async def renew(self) -> None:
        async with self._renewing:
            if monotonic() - self._renewed < _PAUSE:
                return
            try:
                read = await asyncio.to_thread(_read_files, self._files, self._context)
            finally:
                self._renewed = monotonic()
            self._credential = Credential(read.authorization(), read.tls)


def _from_files(given: str, context: str | None) -> ClusterConfig:
    files, current = _told(given)
    with ThreadPoolExecutor(1) as thread:  # a loop may be running in this one
        read = thread.submit(_read_files, files, context or current).result()
    where = f"kubeconfig {files}, context {read.context}"
    _check_url(read.found.host, f"{where}: `server` of the cluster")
    if read.found.proxy:
        _check_url(read.found.proxy, f"{where}: `proxy-url` of the cluster")
    return ClusterConfig(
        server=read.found.host,
        credentials=_Kubeconfig(files, read.context, Credential(read.authorization(), read.tls)),
        namespace=read.namespace,
        context=read.context,
        server_name=read.found.tls_server_name or "",
        proxy=read.found.proxy or _proxy_of_environment(read.found.host),
    )


def _told(given: str) -> tuple[str, str | None]:
    """The files that say something, and the context that kubectl takes: the first that one names.

    Raises:
        ConfigError: None of them does, or one is no kubeconfig.
    """
    there = [each for each in given.split(os.pathsep) if each and Path(each).expanduser().is_file()]
    if not there:
        raise ConfigError(f"there is no kubeconfig {given}")
    kept: list[str] = []
    contexts: list[str] = []
    for each in there:
        where = f"kubeconfig {each}"
        found: object = _guarded(lambda path=each: _yaml(Path(path).expanduser()), where)
        if found is None:
            continue
        if not is_map(found):
            raise ConfigError(f"{where} is none: it has no `clusters`, `users` and `contexts`")
        kept.append(each)
        if named := found.get("current-context"):
            contexts.append(str(named))
    if not kept:
        raise ConfigError(f"kubeconfig {given} is empty")
    return os.pathsep.join(kept), contexts[0] if contexts else None


def _yaml(path: Path) -> object:
    return msgspec.yaml.decode(path.read_bytes())


def _check_url(url: str, what: str) -> None:
    """Raise ConfigError, which does not quote it: a proxy's has its password."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and parts.port != 0
        host = (parts.hostname or "").encode("idna")
    except ValueError:
        fits, host = False, b""
    if not (fits and host):
        raise ConfigError(f"{what} has to be an http or https URL")


def _proxy_of_environment(server: str) -> str:
    """As kubectl has it: HTTPS_PROXY and HTTP_PROXY, but for this machine and what NO_PROXY names.

    An entry of NO_PROXY is a host, with what is below it, an address, or a network.
    """
    parts = urlsplit(server)
    proxy = getproxies_environment().get(parts.scheme, "")
    host = parts.hostname or ""
    if not proxy or host == "localhost" or proxy_bypass(parts.netloc):
        return ""
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    with contextlib.suppress(ValueError):  # a name
        address = ip_address(host)
        if address.is_loopback or any(address in each for each in _networks()):
            return ""
    _check_url(proxy, f"the proxy of the environment, {parts.scheme.upper()}_PROXY,")
    return proxy


def _networks() -> Iterator[IPv4Network | IPv6Network]:
    for each in getproxies_environment().get("no", "").split(","):
        with contextlib.suppress(ValueError):
            yield ip_network(each.strip(), strict=False)


def _read_files(files: str, context: str | None) -> _Read:
    """Read the files; keys that stand in them are in files of ours no longer than that takes."""
    with tempfile.TemporaryDirectory(prefix="fairlead-") as directory:

        def fill(found: Any) -> Any:  # noqa: ANN401 - the library's
            return asyncio.run(
                library("kube_config").load_kube_config(
                    config_file=files,
                    context=context,
                    client_configuration=found,
                    temp_file_path=directory,
                )
            ).current_context

        chosen = f"context {context} of kubeconfig" if context else "kubeconfig"
        return _Read(fill, f"{chosen} {files}")


def _guarded(action: Callable[[], Any], context: str) -> Any:  # noqa: ANN401 - the library's
    """Run what the library does, whose errors are of many types."""
    try:
        return action()
    except ConfigError:
        raise
    except Exception as error:
        words = str(error) or type(error).__name__
        raise ConfigError(f"{context}: {words}") from error
