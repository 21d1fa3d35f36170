"""A view on manifests whose pods run and whose proxies have acknowledged everything."""

from datetime import UTC, datetime, timedelta

from fairlead.analysis.aligned import aligned
from fairlead.analysis.columns import table
from fairlead.analysis.describe import DESCRIPTIONS
from fairlead.analysis.view import ProxyFacts, View
from fairlead.dataplane.pod import PodFacts
from fairlead.ir.proxy_status import ProxyStatus
from fairlead.ir.workload import Workload
from fairlead.status.conditions import status, timestamp, transitions
from translate.world import World

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


class Scene:
    """Implements `analysis.view.Live`; `proxies_` and `problems_` may be changed by a test."""

    def __init__(self, *manifests, running=True):
        self.world = World(*manifests)
        if running:
            self.run_pods()
        self.proxies_ = {}
        for name, proxy in self.world.outputs.fleet.items():
            self.proxies_[name] = ProxyFacts(name, proxy.kind, connected=True, synced=True)
            bound = tuple(
                sorted(key[1] for key, _ in self.world.outputs.listeners.items() if key[0] == name)
            )
            self.world.apply(ProxyStatus(name, connected=True, listeners=bound))
        self.problems_ = ()

    def run_pods(self, *, ready=True):
        """Let every pod that shall run, run."""
        for number, (key, pod) in enumerate(self.world.outputs.pods.items(), 2):
            labels = tuple(sorted(pod.metadata.labels.items()))
            self.world.apply(Workload(*key, labels, f"127.64.0.{number}", ready))

    @property
    def view(self):
        return View(self.world.sources, self.world.outputs, self)

    def describe(self, kind, name, namespace="default"):
        """The lines of a description as `fairlead describe` prints them; None for no object."""
        lines = DESCRIPTIONS[kind][1](self.view, (namespace, name))
        return lines and "".join(f"{'   ' * depth}{text}\n" for depth, text in lines)

    def table(self, kind, namespace=None, *, wide=False):
        """A table as `fairlead get -A` prints it without the namespaces."""
        found = table(self.view, kind, namespace, None)
        shown = [i for i, column in enumerate(found.columns) if wide or not column.wide]
        header = [found.columns[i].name for i in shown]
        return aligned([header, *([row.cells[i] for i in shown] for row in found.rows)])

    def status(self, kind, key):
        report = self.world.outputs.reports.get((kind, *key))
        return status(report, transitions(report, (), timestamp(NOW))) if report else {}

    def born(self, _kind, _key):
        return NOW - timedelta(seconds=90)

    def now(self):
        return NOW

    def proxies(self):
        return self.proxies_

    def pods(self):
        facts = PodFacts(1, restarts=2, uptime=90.0, pids=(4711,), logs=("/logs/echo.log",))
        return dict.fromkeys(self.world.outputs.pods.keys(), facts)

    def problems(self):
        return self.problems_
