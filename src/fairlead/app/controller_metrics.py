"""A controller's own metrics, made when they are asked for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from fairlead import __version__
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.providers.kube.informer import InformerState


@dataclass(frozen=True, slots=True)
class Counted:
    """What a controller counts, at one moment."""

    leading: bool
    ready: bool
    turns: int
    """Applications of changes."""
    proxies: Mapping[str, ProxyStatus | None]
    """Every proxy that shall run, as all replicas know it."""
    connected: int
    """Envoys that are connected to this replica."""
    informers: Mapping[str, InformerState]
    """By kind."""
    writes: Mapping[str, int]
    """Of status, by result."""
    problems: int
    """Objects that cannot be read."""


def metrics(counted: Counted) -> Iterator[Metric]:
    """Yield all metrics; names begin with ``fairlead_``."""
    version = GaugeMetricFamily("fairlead_build_info", "Version", labels=["version"])
    version.add_metric([__version__], 1)
    yield version
    for name, value, text in (
        ("leader", counted.leading, "Whether this replica writes"),
        ("ready", counted.ready, "Whether this replica serves proxies"),
        ("connected_envoys", counted.connected, "Envoys connected to this replica"),
        ("unreadable_objects", counted.problems, "Objects that could not be read"),
    ):
        yield GaugeMetricFamily(f"fairlead_{name}", text, value=value)
    yield CounterMetricFamily(
        "fairlead_changes_applied", "Applications of changes", value=counted.turns
    )
    yield from _proxies(counted.proxies)
    yield from _informers(counted.informers)
    written = CounterMetricFamily("fairlead_status_writes", "Of status", labels=["result"])
    for result, value in sorted(counted.writes.items()):
        written.add_metric([result], value)
    yield written


def _proxies(proxies: Mapping[str, ProxyStatus | None]) -> Iterator[Metric]:
    connected = sum(status is not None and status.connected for status in proxies.values())
    refused = sum(len(status.rejections) for status in proxies.values() if status is not None)
    yield GaugeMetricFamily("fairlead_proxies", "Proxies that shall run", value=len(proxies))
    yield GaugeMetricFamily(
        "fairlead_proxies_connected", "Proxies connected to any replica", value=connected
    )
    yield GaugeMetricFamily(
        "fairlead_rejected_resources", "What proxies refused and go without", value=refused
    )


def _informers(informers: Mapping[str, InformerState]) -> Iterator[Metric]:
    objects = GaugeMetricFamily("fairlead_objects", "Objects that are known", labels=["kind"])
    events = CounterMetricFamily("fairlead_watch_events", "Events of watches", labels=["kind"])
    lists = CounterMetricFamily("fairlead_lists", "Whole lists", labels=["kind"])
    errors = CounterMetricFamily("fairlead_watch_errors", "Failed tries", labels=["kind"])
    for kind, state in sorted(informers.items()):
        objects.add_metric([kind], state.objects)
        events.add_metric([kind], state.events)
        lists.add_metric([kind], state.lists)
        errors.add_metric([kind], state.errors)
    yield from (objects, events, lists, errors)
