"""Rules (`ir.rule.Rule`) as ``envoy.config.route.v3.Route``.

A rule is one Route, named as the rule, which is how access logs and refusals name it. Only where
backends rewrite paths each in its own way does a rule become several, since Envoy's weighted
clusters can't: each then matches its share of the requests. A redirect to a well-known port is
two, for hosts with a port and without.
"""

from collections.abc import Iterator
from itertools import accumulate

from msgspec.structs import replace

from fairlead.ir.backend import Forward, Invalid
from fairlead.ir.rule import Redirect, Respond, Route, Rule
from fairlead.xds import action, header, match
from fairlead.xds.messages import Message

MILLION = 1_000_000


def routes(rule: Rule) -> list[dict[str, Message]]:
    """Fields of the Routes that carry out `rule`, in order."""
    rule = _headers_of_backends(rule)
    common: dict[str, Message] = {"name": rule.name}
    common.update(header.modifications(rule.request_headers, rule.response_headers))
    if isinstance(rule.action, Route):
        forwarding = rule.action
        if any(isinstance(each, Forward) and each.rewrite for each in forwarding.backends):
            return [{**common, **fields} for fields in _shares(rule, forwarding)]
    if isinstance(rule.action, Redirect) and action.hides_port(rule.action):
        return [{**common, **fields} for fields in _by_port(rule, rule.action)]
    return [{**common, "match": match.route_match(rule.match), **_action(rule)}]


def _by_port(rule: Rule, redirect: Redirect) -> Iterator[dict[str, Message]]:
    """A redirect to a well-known port: it takes the place of another, else is not shown.

    Envoy keeps the port of the request unless it is told another one, which it then shows.
    """
    with_port, without = match.route_match(rule.match), match.route_match(rule.match)
    with_port["headers"] = [*with_port.get("headers", ()), match.HOST_WITH_PORT]
    fields = action.redirect(redirect, rule.match.path)
    yield {"match": with_port, "redirect": fields}
    yield {"match": without, "redirect": {**fields, "port_redirect": 0}}


def _headers_of_backends(rule: Rule) -> Rule:
    """The rule with its header modifiers moved to its backends, if one of them has its own.

    Envoy applies those of a weighted cluster first and those of the route on top, but a
    backendRef's filters come after the rule's.
    """
    if not isinstance(rule.action, Route):
        return rule
    forwards = [each for each in rule.action.backends if isinstance(each, Forward)]
    if not any(each.request_headers or each.response_headers for each in forwards):
        return rule
    backends = tuple(
        replace(
            backend,
            request_headers=header.composed(rule.request_headers, backend.request_headers),
            response_headers=header.composed(rule.response_headers, backend.response_headers),
        )
        if isinstance(backend, Forward)
        else backend
        for backend in rule.action.backends
    )
    moved = replace(rule.action, backends=backends)
    return replace(rule, action=moved, request_headers=None, response_headers=None)


def _action(rule: Rule) -> dict[str, Message]:
    """The action of a rule that is one Route."""
    match rule.action:
        case Redirect() as redirect:
            return {"redirect": action.redirect(redirect, rule.match.path)}
        case Respond() as answer:
            return {"direct_response": action.respond(answer)}
        case Route() as route:
            backends = action.weighted(route)
            if all(isinstance(each, Invalid) for each in backends):
                return _refusal(route)
            host = header.host(rule.request_headers)
            return {"route": action.forward(route, rule.match.path, backends, host=host)}


def _refusal(route: Route) -> dict[str, Message]:
    return {"direct_response": {"status": route.unavailable}}


def _shares(rule: Rule, route: Route) -> Iterator[dict[str, Message]]:
    """One Route for each backend; the last one takes all that the others leave.

    Envoy draws one random number a request and compares it with the fraction of each Route that
    it tries, so the fractions are cumulative, and shares are exact to a millionth.
    """
    backends = action.weighted(route)
    if not backends:
        yield {"match": match.route_match(rule.match), **_refusal(route)}
        return
    sums = list(accumulate(backend.weight for backend in backends))
    host = header.host(rule.request_headers)
    for backend, total in zip(backends, sums, strict=True):
        condition = match.route_match(rule.match)
        if total < sums[-1]:
            share = {"numerator": round(total * MILLION / sums[-1]), "denominator": "MILLION"}
            condition["runtime_fraction"] = {"default_value": share}
        if isinstance(backend, Invalid):
            yield {"match": condition, **_refusal(route)}
        else:
            fields = action.forward(route, rule.match.path, (backend,), backend.rewrite, host)
            yield {"match": condition, "route": fields}
