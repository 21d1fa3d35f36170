"""External authorization (`ir.http_policy.ExternalAuth`) as Envoy's ``ext_authz`` filter.

A service that does not answer, or not in time, refuses: nothing passes unasked.
"""

import re
from typing import Final

from fairlead.ir.http_policy import ExternalAuth
from fairlead.xds.filter_messages import ExtAuthz
from fairlead.xds.messages import Message, duration

FILTER: Final = "envoy.filters.http.ext_authz"

SECONDS: Final = 5
"""Until an answer is no longer waited for."""

_OF_THE_ANSWER: Final = (
    *("host", ":authority", ":status", "connection", "keep-alive", "proxy-connection"),
    *("te", "trailer", "transfer-encoding", "upgrade", "date", "server"),
    *("content-encoding", "content-length", "content-range", "content-type"),
)
"""Headers that tell about the service's answer itself, or that must not be changed; they would
break the request."""
_FOREIGN: Final = f"(?i)(?:{'|'.join(map(re.escape, _OF_THE_ANSWER))})"
_ANYTHING: Final = [{"safe_regex": {"regex": ".*"}}]


def config(auth: ExternalAuth, *, before_routing: bool) -> Message:
    """An ExtAuthz.

    Args:
        auth: What to ask whom.
        before_routing: Whether a rule is looked for only afterwards, and may match what the
            service has added.
    """
    fields: dict[str, Message] = {
        "transport_api_version": "V3",
        "decoder_header_mutation_rules": {"disallow_expression": {"regex": _FOREIGN}},
        "clear_route_cache": before_routing,
    }
    if auth.request_headers:
        fields["allowed_headers"] = _exactly(auth.request_headers)
    if auth.body_bytes:
        fields["with_request_body"] = {"max_request_bytes": auth.body_bytes}
    if auth.protocol == "grpc":
        fields["grpc_service"] = {
            "envoy_grpc": {"cluster_name": auth.cluster, "authority": auth.authority},
            "timeout": duration(SECONDS),
        }
    else:
        fields["http_service"] = _http(auth)
    return ExtAuthz(**fields)


def _http(auth: ExternalAuth) -> dict[str, Message]:
    """An HttpService; the host of its URI is not used."""
    passed_on = _exactly(auth.response_headers) if auth.response_headers else None
    return {
        "server_uri": {
            "uri": f"http://{auth.authority}",
            "cluster": auth.cluster,
            "timeout": duration(SECONDS),
        },
        "path_prefix": auth.path,
        "authorization_response": {
            "allowed_upstream_headers": passed_on or {"patterns": _ANYTHING}
        },
    }


def _exactly(names: tuple[str, ...]) -> dict[str, Message]:
    """A ListStringMatcher of names of headers."""
    return {"patterns": [{"exact": name, "ignore_case": True} for name in names]}
