"""Envoy's messages of HTTP filters, as far as xds uses them; see `xds.messages`."""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from typing import Any, Final

from envoy.extensions.common.matching.v3 import extension_matcher_pb2
from envoy.extensions.filters.common.matcher.action.v3 import skip_action_pb2
from envoy.extensions.filters.http.composite.v3 import composite_pb2
from envoy.extensions.filters.http.cors.v3 import cors_pb2
from envoy.extensions.filters.http.ext_authz.v3 import ext_authz_pb2
from envoy.extensions.filters.http.fault.v3 import fault_pb2
from envoy.extensions.filters.http.local_ratelimit.v3 import local_rate_limit_pb2
from envoy.extensions.filters.http.stateful_session.v3 import stateful_session_pb2
from envoy.extensions.http.stateful_session.cookie.v3 import cookie_pb2
from envoy.extensions.http.stateful_session.header.v3 import header_pb2

Composite: Final[Any] = composite_pb2.Composite
ExecuteFilterAction: Final[Any] = composite_pb2.ExecuteFilterAction
ExtensionWithMatcher: Final[Any] = extension_matcher_pb2.ExtensionWithMatcher
ExtensionWithMatcherPerRoute: Final[Any] = extension_matcher_pb2.ExtensionWithMatcherPerRoute
SkipFilter: Final[Any] = skip_action_pb2.SkipFilter
Cors: Final[Any] = cors_pb2.Cors
CorsPolicy: Final[Any] = cors_pb2.CorsPolicy
ExtAuthz: Final[Any] = ext_authz_pb2.ExtAuthz
HttpFault: Final[Any] = fault_pb2.HTTPFault
LocalRateLimit: Final[Any] = local_rate_limit_pb2.LocalRateLimit
StatefulSession: Final[Any] = stateful_session_pb2.StatefulSession
StatefulSessionPerRoute: Final[Any] = stateful_session_pb2.StatefulSessionPerRoute
CookieSession: Final[Any] = cookie_pb2.CookieBasedSessionState
HeaderSession: Final[Any] = header_pb2.HeaderBasedSessionState
