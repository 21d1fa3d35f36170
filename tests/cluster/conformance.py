"""``python -m cluster.conformance``: the official suite, all gateway profiles and features.

It installs our image (IMAGE), runs the suite, writes its report, and says in the end how many
tests passed, failed and were skipped, and in what time. Runs where the Gateways' addresses can be
reached: the Makefile's targets do that. Other arguments go to the suite, as -run-test NAME.
"""

import argparse
import collections
import dataclasses
import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

from cluster import installation

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "conformance/report.yaml"
SCRATCH = ROOT / ".cache/conformance"
PROFILES = ("GATEWAY-HTTP", "GATEWAY-TLS", "GATEWAY-GRPC", "GATEWAY-TCP", "GATEWAY-UDP")
UNTESTED = (
    "ClusterTrustBundle",
    "GatewayListenerFilters",
    "GatewayAddressRoutability",
    "GatewayAddressRoutabilityCluster",
)
"""Names of features for which the suite has no test."""
MESH = (
    "Mesh",
    "MeshClusterIPMatching",
    "MeshConsumerRoute",
    "MeshHTTPRouteBackendRequestHeaderModification",
    "MeshHTTPRouteNamedRouteRule",
    "MeshHTTPRouteQueryParamMatching",
    "MeshHTTPRouteRedirectPath",
    "MeshHTTPRouteRedirectPort",
    "MeshHTTPRouteRewritePath",
    "MeshHTTPRouteSchemeRedirect",
)
"""Features of the mesh profiles."""
SHORT = (
    *("GatewayModifyListeners", "GatewayInvalidTLSConfiguration", "GatewayStaticAddresses"),
    *("GatewayInfrastructureMetadata", "GatewayNameMaximumLength", "GatewayOptionalAddressValue"),
    *("GatewayPreserveForeignConditions", "GatewaySecretMissingReferenceGrant"),
    *("GatewayFrontendClientCertificateValidation", "GatewayTLSBackendClientCertificate"),
    *("GatewayWithAttachedRoutes", "GatewayHTTPListenerIsolation"),
    *("HTTPRouteSimpleSameNamespace", "HTTPRouteMatching", "HTTPRouteHTTPSListener"),
    *("HTTPRouteReferenceGrant", "HTTPRouteInvalidNonExistentBackendRef", "HTTPRouteWeight"),
    *("HTTPRouteServiceTypes", "HTTPRoutePreserveForeignStatus", "HTTPRouteCORS"),
    *("HTTPRouteRequestMirror", "HTTPRouteTimeoutRequest", "HTTPRouteRetry"),
    *("HTTPRouteRedirectPortAndScheme", "HTTPRouteBackendProtocolWebSocket"),
    *("HTTPRouteHTTPSListenerDetectMisdirectedRequests", "HTTPRouteRewritePath"),
    *("ListenerSetHTTPRouting", "ListenerSetAllowedNamespaceSelector", "ListenerSetReferenceGrant"),
    *("BackendTLSPolicy", "BackendTLSPolicyInvalidCACertificateRef"),
    *("GRPCExactMethodMatching", "GRPCRouteHeaderMatching", "GRPCRouteWeight"),
    *("TLSRouteSimpleSameNamespace", "TLSRouteTerminateSimpleSameNamespace"),
    *("TLSRouteMixedTerminationSameNamespace", "TLSRouteInvalidReferenceGrant"),
    *("TCPRouteMultipleRoutesAttachment", "TCPRouteParentRefPortAndSectionName"),
    *("UDPRoute", "UDPRouteMultipleRoutesAttachment"),
)
"""A choice over all kinds that takes less than ten minutes.

Without TCPRouteWeightedRouting: it dials once, for 30 s, and a node that has not heard of the new
Service yet keeps that one connection going nowhere. Weights of connections are in `make test`.
"""

_STARTED = re.compile(r"=== RUN   TestConformance/([^/\s]+)$")
_ENDED = re.compile(r"    --- (PASS|FAIL|SKIP): TestConformance/([^/\s]+) \(([\d.]+)s\)$")


@dataclasses.dataclass(slots=True)
class Outcome:
    """What came of one run of the suite."""

    code: int
    seconds: float
    results: dict[str, tuple[str, float]]
    """By test: PASS, FAIL or SKIP, and the seconds it took."""
    last_words: tuple[str, ...]
    """The end of the output."""

    def named(self, result: str) -> list[str]:
        """The tests that ended so; those of the mesh are left out of the skipped ones."""
        return [
            name
            for name, (found, _) in self.results.items()
            if found == result and not (result == "SKIP" and name.startswith("Mesh"))
        ]

    def told(self) -> str:
        """One line, and the names of those that did not pass."""
        counts = collections.Counter(
            {each: len(self.named(each)) for each in ("PASS", "FAIL", "SKIP")}
        )
        slowest = sorted(self.results.items(), key=lambda each: -each[1][1])[:3]
        lines = [
            (
                f"conformance: {counts['PASS']} passed, {counts['FAIL']} failed,"
                f" {counts['SKIP']} skipped in {self.seconds:.0f} s"
            ),
            "slowest: " + ", ".join(f"{name} {took:.0f} s" for name, (_, took) in slowest),
        ]
        lines += [f"failed: {name}" for name in self.named("FAIL")]
        if not self.results:
            lines += ["no test began; the output ends with:", *self.last_words]
        return "\n".join(lines)


def flags(report: Path) -> list[str]:
    """What the suite is told in every run."""
    given = {
        "gateway-class": "fairlead",
        "exempt-features": ",".join((*UNTESTED, *MESH)),
        "conformance-profiles": ",".join(PROFILES),
        "usable-address": os.environ.get("USABLE_ADDRESS", "198.51.100.200"),
        "unusable-address": os.environ.get("UNUSABLE_ADDRESS", "192.0.2.1"),
        "organization": "fairlead",
        "project": "fairlead",
        "url": "https://fairlead.dev",
        "version": "v" + importlib.metadata.version("fairlead"),
        "contact": "@fairlead/maintainers",
        # In the end the suite waits 30 s for its namespaces to be gone, which tells of a cluster's
        # pace: Kubernetes looks at what is left of one at intervals that double.
        "timeout-config-overrides": "DeleteTimeout:90",
        "report-output": str(report),
    }
    return [
        "-test.v",
        "-test.timeout=90m",
        "-all-features",
        *(f"-{name}={value}" for name, value in given.items()),
    ]


def run(suite: list[str], report: Path, more: list[str]) -> Outcome:
    """Run the suite once; its output goes to a file, its progress to stderr."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    report.parent.mkdir(parents=True, exist_ok=True)
    results: dict[str, tuple[str, float]] = {}
    last: collections.deque[str] = collections.deque(maxlen=10)
    start = time.monotonic()
    command = [*suite, *flags(report), *more]
    with (
        (SCRATCH / "output.log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process,
    ):
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip("\n")
            log.write(line + "\n")
            log.flush()
            last.append(line)
            if started := _STARTED.match(line):
                sys.stderr.write(f"[{time.monotonic() - start:5.0f} s] {started[1]}\n")
            if ended := _ENDED.match(line):
                results[ended[2]] = ended[1], float(ended[3])
        code = process.wait()
    if report.exists():
        report.chmod(0o644)
    return Outcome(code, time.monotonic() - start, results, tuple(last))


def main(arguments: list[str]) -> int:
    """Run as often as asked; returns 1 if a test failed or a gateway test was skipped."""
    parser = argparse.ArgumentParser(prog="python -m cluster.conformance", description=__doc__)
    parser.add_argument("--short", action="store_true", help="a ten-minute choice of tests")
    parser.add_argument("--runs", type=int, default=1, help="runs in a row [default: 1]")
    parser.add_argument("--suite", required=True, help="command that runs the suite")
    parser.add_argument("--no-install", action="store_true", help="take what is installed")
    given, more = parser.parse_known_args(arguments)
    if given.short:
        more += [f"-test.run=^TestConformance$/^({'|'.join(SHORT)})$"]
    if not given.no_install:
        sys.stderr.write(installation.install())
    report = SCRATCH / "report.yaml" if more else REPORT
    outcomes: list[Outcome] = []
    for _ in range(given.runs):
        outcomes.append(run(shlex.split(given.suite), report, more))
        print(outcomes[-1].told(), flush=True)  # noqa: T201
    where = SCRATCH / "output.log"
    print(f"output: {where}, report: {report}")  # noqa: T201
    skipped = [] if more else [each for one in outcomes for each in one.named("SKIP")]
    return int(bool(skipped) or any(one.code or not one.named("PASS") for one in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
