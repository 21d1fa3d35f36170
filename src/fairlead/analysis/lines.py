"""Lines of a description, and those that several kinds of description share."""

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from fairlead import api
from fairlead.analysis.routes import RouteRule
from fairlead.analysis.view import ProxyFacts, View, rejections_of
from fairlead.translate.report import Condition
from fairlead.translate.sources import Key

Line: TypeAlias = tuple[int, str]
"""(depth from 0, text without newline)."""


def condition_lines(conditions: Iterable[Condition], depth: int) -> Iterator[Line]:
    """``Accepted: True (Accepted)``, and the message where there is one."""
    for condition in conditions:
        text = f"{condition.type}: {condition.status} ({condition.reason})"
        yield depth, f"{text}: {condition.message}" if condition.message else text


def rejection_lines(
    proxies: Iterable[ProxyFacts], kind: str, key: Key, depth: int
) -> Iterator[Line]:
    """What proxies refused of an object, in Envoy's own words."""
    for proxy in proxies:
        for rejection in rejections_of(proxy, kind, key):
            yield depth, f"proxy {proxy.name} refused {rejection.name}: {rejection.message}"


def problem_lines(view: View, kind: str, key: Key, depth: int) -> Iterator[Line]:
    """What is wrong with the object's document; the last good version is what is described."""
    for problem in view.live.problems():
        if (problem.kind, problem.namespace, problem.name) == (kind, *key):
            yield depth, str(problem)


def section(title: str, lines: list[Line]) -> list[Line]:
    """`lines` under a title; nothing where there are none."""
    return [(0, title), *lines] if lines else []


def percent(weight: int, total: int) -> str:
    """A share as ``90%``, with one decimal where it isn't whole; ``0%`` of a sum of 0."""
    share = 100 * weight / total if total else 0.0
    return f"{share:.1f}".removesuffix(".0") + "%"


def rule_matches(rule: RouteRule) -> list[str]:
    """Each match of a rule in words; one for a rule that takes everything."""
    match rule:
        case api.HTTPRouteRule():
            texts = [match_text(match) for match in rule.matches]
        case api.GRPCRouteRule():
            texts = [_grpc_text(match) for match in rule.matches]
        case _:
            return ["everything"]
    return texts or ["every request"]


def match_text(match: api.HTTPRouteMatch) -> str:
    """One match in words, such as ``GET path prefix /cart, header x-version=next``."""
    kinds = {"Exact": "path", "PathPrefix": "path prefix", "RegularExpression": "path matching"}
    parts = [f"{kinds[match.path.type]} {match.path.value}"]
    parts += _conditions("header", match.headers)
    parts += _conditions("query", match.query_params)
    if parts == ["path prefix /"]:
        return f"every {match.method} request" if match.method else "every request"
    text = ", ".join(parts)
    return f"{match.method} {text}" if match.method else text


def _grpc_text(match: api.GRPCRouteMatch) -> str:
    """One match in words, such as ``method com.example.User/Login, header x-version=next``."""
    parts: list[str] = []
    if method := match.method:
        how = "method" if method.type == "Exact" else "method matching"
        parts.append(f"{how} {method.service or '*'}/{method.method or '*'}")
    parts += _conditions("header", match.headers)
    return ", ".join(parts) or "every request"


def _conditions(
    what: str,
    conditions: Iterable[api.HTTPHeaderMatch | api.HTTPQueryParamMatch | api.GRPCHeaderMatch],
) -> Iterator[str]:
    for condition in conditions:
        sign = "=" if condition.type == "Exact" else "=~"
        yield f"{what} {condition.name}{sign}{condition.value}"
