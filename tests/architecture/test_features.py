"""docs/features.md tells the truth: complete names, tests that exist, planned things refused."""

import ast
import re
from pathlib import Path

import pytest

from fairlead import api
from fairlead.translate import rules

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "features.md"
STATES = {"done", "partial", "planned"}

# The names of pkg/features of Gateway API v1.7.0.
NORTH_SOUTH = re.findall(
    r"\w+",
    """
Gateway GatewayPort8080 GatewayStaticAddresses GatewayHTTPListenerIsolation GatewayInfrastructure
GatewayAddressEmpty GatewayHTTPSListenerDetectMisdirectedRequests ListenerSet
GatewayFrontendClientCertificateValidation GatewayBackendClientCertificate
GatewayFrontendClientCertificateValidationInsecureFallback GatewayListenerFilters
GatewayAddressRoutability GatewayAddressRoutabilityCluster ClusterTrustBundle
GatewayRouteHostnameIntersectionPrecedence ReferenceGrant BackendTLSPolicy
BackendTLSPolicySANValidation GRPCRoute GRPCRouteNamedRouteRule GRPCRouteRequestHeaderModifier
HTTPRoute HTTPRouteDestinationPortMatching HTTPRouteBackendRequestHeaderModification
HTTPRouteQueryParamMatching HTTPRouteMethodMatching HTTPRouteResponseHeaderModification
HTTPRoutePortRedirect HTTPRouteSchemeRedirect HTTPRoutePathRedirect HTTPRouteHostRewrite
HTTPRoutePathRewrite HTTPRouteRequestMirror HTTPRouteRequestMultipleMirrors
HTTPRouteRequestPercentageMirror HTTPRouteRequestTimeout HTTPRouteBackendTimeout
HTTPRouteParentRefPort HTTPRouteBackendProtocolH2C HTTPRouteBackendProtocolWebSocket
HTTPRouteNamedRouteRule HTTPRouteCORS HTTPRoute303RedirectStatusCode
HTTPRoute307RedirectStatusCode HTTPRoute308RedirectStatusCode HTTPRouteRetryCodes
HTTPRouteRetryConnectionError HTTPRouteBackendURLRewrite TCPRoute TLSRoute TLSRouteModeTerminate
TLSRouteModeMixed UDPRoute
""",
)
MESH = re.findall(
    r"\w+",
    """
Mesh MeshClusterIPMatching MeshConsumerRoute MeshHTTPRouteRewritePath MeshHTTPRouteSchemeRedirect
MeshHTTPRouteRedirectPort MeshHTTPRouteRedirectPath MeshHTTPRouteBackendRequestHeaderModification
MeshHTTPRouteQueryParamMatching MeshHTTPRouteNamedRouteRule
""",
)
KINDS = ("GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute", "ListenerSet", "BackendTLSPolicy")
BACKEND = {"backendRef": {"name": "other", "port": 80}}
FILTERS = {
    "HTTPRouteRequestMirror": {"type": "RequestMirror", "requestMirror": BACKEND},
    "HTTPRouteCORS": {"type": "CORS", "cors": {"allowOrigins": ["https://a.example"]}},
    "HTTPRouteResponseHeaderModification": {
        "type": "ResponseHeaderModifier",
        "responseHeaderModifier": {"add": [{"name": "x", "value": "y"}]},
    },
    "HTTPRouteHostRewrite": {"type": "URLRewrite", "urlRewrite": {"hostname": "a.example"}},
}


def rows(direction):
    """(feature, state, remarks, tests) of one table."""
    section = PAGE.read_text().split(f"## {direction}", 1)[1].split("\n## ", 1)[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0] != "Feature":
            yield cells


SECTIONS = ("North-south", "East-west", "Without a feature name")
ALL = [(section, *row) for section in SECTIONS for row in rows(section)]


def test_every_official_feature_has_one_row():
    names = [row[0] for row in rows("North-south")]
    assert sorted(names) == sorted(NORTH_SOUTH)
    names = [row[0] for row in rows("East-west")]
    assert len(names) == len(set(names))
    assert set(MESH) <= set(names) <= {*MESH, *NORTH_SOUTH}


@pytest.mark.parametrize(
    ("direction", "feature", "state", "remarks", "shown"), ALL, ids=lambda value: value[:40]
)
def test_a_row_is_shown_by_tests_that_exist(direction, feature, state, remarks, shown):
    assert state in STATES, (direction, feature)
    named = re.findall(r"`([\w/]+)\.py::(\w+)`", shown)
    assert bool(named) == (state != "planned")
    assert remarks or state != "partial"
    for module, test in named:
        place = "" if module.startswith("cluster/") else "feature/"
        tree = ast.parse((ROOT / "tests" / f"{place}{module}.py").read_text())
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert test in defined, f"{module}.py has no {test}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_read_only_if_it_is_more_than_planned(kind):
    state = {row[0]: row[1] for row in rows("North-south")}[kind]
    assert (kind in api.KIND_OF) == (state != "planned")


@pytest.mark.parametrize("feature", FILTERS)
def test_a_filter_is_carried_out_only_if_it_is_more_than_planned(feature):
    state = {row[0]: row[1] for row in rows("North-south")}[feature]
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "route", "namespace": "default"},
        "spec": {
            "parentRefs": [{"name": "gateway"}],
            "rules": [{"filters": [FILTERS[feature]], "backendRefs": [BACKEND["backendRef"]]}],
        },
    }
    decoded = api.decode(route)
    assert not decoded.problems
    findings = rules.check(decoded.objects[0])[0].findings
    assert bool(findings) == (state == "planned")
