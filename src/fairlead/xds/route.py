"""Rules (`ir.rule.Rule`) as ``envoy.config.route.v3.Route``.

A rule is one Route, named as the rule, which is how access logs and refusals name it. Only where
backends rewrite paths each in its own way does a rule become several, since Envoy's weighted
clusters can't, or each has filters of its own: each then matches its share of the requests. A
redirect to a well-known port is two, for hosts with a port and without. CORS adds routes for what
Envoy's filter leaves open (`xds.cors`).
"""

from collections.abc import Iterator
from itertools import accumulate, product

from msgspec.structs import replace

from fairlead.ir.backend import Forward, Invalid
from fairlead.ir.http_policy import Cors, HttpPolicies
from fairlead.ir.match import Match
from fairlead.ir.rule import Redirect, Respond, Route, Rule
from fairlead.xds import action, cors, header, match, policy
from fairlead.xds.http_filters import CORS
from fairlead.xds.messages import Message, any_of, wrapped

MILLION = 1_000_000
PREFLIGHT = 200
"""Status of a preflight, be its origin allowed or not."""
REPLAYED = 1024 * 1024
"""Bytes of a request that are kept for further attempts, where a route asks for some. Else those of
the connection's buffer are (`listener.BUFFER_LIMIT`); a longer request is sent once."""


def placed(rule: Rule) -> Iterator[tuple[Match, list[dict[str, Message]]]]:
    """Fields of all Routes that carry out `rule`, with what each list of them is for, in order."""
    allowed = rule.policies.cors if rule.policies else None
    if allowed is not None:
        for condition, answer in cors.preflights(rule, allowed):
            yield condition, list(_preflights(rule, condition, answer))
    yield rule.match, routes(rule)


def routes(rule: Rule) -> list[dict[str, Message]]:
    """Fields of the Routes that carry out `rule`, in order."""
    rule = _headers_of_backends(rule)
    common: dict[str, Message] = {"name": rule.name}
    common.update(header.modifications(rule.request_headers, rule.response_headers))
    if isinstance(rule.action, Route):
        forwarding = rule.action
        if forwarding.retry is not None and forwarding.retry.attempts:
            common["request_body_buffer_limit"] = wrapped(REPLAYED)
        if any(isinstance(each, Forward) and _apart(each) for each in forwarding.backends):
            return list(_shares(rule, forwarding, common))
    if isinstance(rule.action, Redirect):
        return list(_redirects(rule, rule.action, common))
    common = _with_filters(common, rule.policies)
    return [{**common, "match": match.route_match(rule.match), **_action(rule)}]


def _apart(backend: Forward) -> bool:
    """Whether a backend needs a Route of its own."""
    return bool(backend.rewrite or backend.mirrors or backend.policies)


def _with_filters(fields: dict[str, Message], policies: HttpPolicies | None) -> dict[str, Message]:
    """Fields of a Route, with its filters; what a backend says of CORS gives way to the filter."""
    configured = policy.of_rule(policies)
    if not configured:
        return fields
    fields = {**fields, "typed_per_filter_config": configured}
    if CORS in configured:
        removed = fields.get("response_headers_to_remove", ())
        fields["response_headers_to_remove"] = [*removed, *cors.RESPONSE_HEADERS]
    return fields


def _preflights(rule: Rule, condition: Match, answer: Cors) -> Iterator[dict[str, Message]]:
    """Routes whose requests the CORS filter answers before they get anywhere.

    Those of other origins are answered without a word of what is allowed (HTTPCORSFilter).
    """
    common: dict[str, Message] = {"name": rule.name, "match": match.route_match(condition)}
    answered = {
        **common,
        "route": {"cluster": action.INVALID},
        "typed_per_filter_config": {CORS: any_of(cors.config(answer))},
    }
    if cors.any_origin(answer):
        yield answered
        return
    for origins in cors.allowed_origins(answer):
        yield {**answered, "match": _narrowed(common["match"], origins)}
    yield {**common, "direct_response": {"status": PREFLIGHT}}


def _narrowed(condition: dict[str, Message], header: Message) -> dict[str, Message]:
    """A RouteMatch that asks for one header more."""
    return {**condition, "headers": [*condition.get("headers", ()), header]}


def _redirects(
    rule: Rule, redirect: Redirect, common: dict[str, Message]
) -> Iterator[dict[str, Message]]:
    """The Routes of a redirect: first those whose answer scripts of another origin may read."""
    allowed = rule.policies.cors if rule.policies else None
    others = replace(rule.policies, cors=None) if rule.policies else None
    common = _with_filters(common, others)
    if action.hides_port(redirect):
        made = [{**common, **fields} for fields in _by_port(rule, redirect)]
    else:
        made = [{**common, "match": match.route_match(rule.match), **_action(rule)}]
    if allowed is not None:
        for origins, fields in product(cors.allowed_origins(allowed), made):
            condition = _narrowed(fields["match"], origins)
            added = [*fields.get("response_headers_to_add", ()), *cors.answered(allowed)]
            yield {**fields, "match": condition, "response_headers_to_add": added}
    yield from made


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


def _shares(rule: Rule, route: Route, common: dict[str, Message]) -> Iterator[dict[str, Message]]:
    """One Route for each backend; the last one takes all that the others leave.

    Envoy draws one random number a request and compares it with the fraction of each Route that
    it tries, so the fractions are cumulative, and shares are exact to a millionth.
    """
    backends = action.weighted(route)
    if not backends:
        refused = _with_filters(common, rule.policies)
        yield {**refused, "match": match.route_match(rule.match), **_refusal(route)}
        return
    sums = list(accumulate(backend.weight for backend in backends))
    host = header.host(rule.request_headers)
    for backend, total in zip(backends, sums, strict=True):
        condition = match.route_match(rule.match)
        if total < sums[-1]:
            share = {"numerator": round(total * MILLION / sums[-1]), "denominator": "MILLION"}
            condition["runtime_fraction"] = {"default_value": share}
        own = backend.policies if isinstance(backend, Forward) else None
        fields = {**_with_filters(common, _merged(rule.policies, own)), "match": condition}
        if isinstance(backend, Invalid):
            yield {**fields, **_refusal(route)}
        else:
            target = action.forward(route, rule.match.path, (backend,), backend.rewrite, host)
            yield {**fields, "route": target}


def _merged(of_rule: HttpPolicies | None, own: HttpPolicies | None) -> HttpPolicies | None:
    """The filters of a backendRef, and those of the rule where it has none of the kind."""
    if of_rule is None or own is None:
        return of_rule or own
    return HttpPolicies(
        cors=own.cors or of_rule.cors,
        external_auth=own.external_auth or of_rule.external_auth,
        rate_limit=own.rate_limit or of_rule.rate_limit,
        fault=own.fault or of_rule.fault,
    )
