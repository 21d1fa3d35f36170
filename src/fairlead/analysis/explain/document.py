"""A decision as JSON: what `fairlead explain -o json` prints."""

from collections.abc import Iterable
from typing import Any

from fairlead.analysis.explain.decision import Decision, Share, Where
from fairlead.analysis.explain.facts import Facts
from fairlead.analysis.explain.losers import Loser
from fairlead.analysis.explain.policies import of_backend, of_rule
from fairlead.analysis.explain.request import Headers, Request
from fairlead.analysis.explain.steps import request_steps, response_steps
from fairlead.analysis.reached import reached_at
from fairlead.ir.backend import Forward
from fairlead.ir.filter import HeaderModifier
from fairlead.ir.listener import GatewayListener, OutboundListener, UdpListener

Json = dict[str, Any]


def document(
    facts: Facts, request: Request, decision: Decision, losers: Iterable[Loser] = ()
) -> Json:
    """The decision with its reasons; fields that have nothing to tell are left out."""
    shown = decision.shown
    made: Json = {
        "request": _kept(
            {
                "method": request.method,
                "url": f"{request.scheme}://{request.host}{request.path}",
                "headers": _headers(request.headers),
                "from": request.source,
                "gateway": request.gateway,
                "sni": request.sni,
            }
        ),
        "listener": _listener(facts, decision),
        "virtualHost": decision.host.name if decision.host is not None else None,
        "seen": _kept({"host": shown.host, "path": shown.path}) if shown is not None else None,
        "rule": _rule(decision),
        "status": decision.status,
        "grpcStatus": decision.grpc_status,
        "location": decision.location,
        "closed": decision.closed or None,
        "reason": decision.why,
        "notes": [*decision.notes, *decision.chances],
        "backends": [_share(facts, share) for share in decision.shares],
        "notChosen": [
            _kept(
                {
                    "kind": loser.kind,
                    "namespace": loser.namespace,
                    "name": loser.name,
                    "rule": loser.rule,
                    "match": loser.match,
                    "reason": loser.why,
                    "matches": loser.near or None,
                }
            )
            for loser in losers
        ],
    }
    return _kept(made)


def _kept(fields: Json) -> Json:
    """Fields that have a value."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}


def _headers(headers: Headers) -> list[Json]:
    return [{"name": name, "value": value} for name, value in headers]


def _listener(facts: Facts, decision: Decision) -> Json | None:
    where = decision.where
    if where is None:
        return None
    return {
        "kind": where.kind,
        "namespace": where.namespace,
        "name": where.name,
        "port": where.port,
        "listener": where.listener,
        **({} if where.meshed else {"meshed": False}),
        **_bound(facts, where),
    }


def _bound(facts: Facts, where: Where) -> Json:
    """Where the listener really is."""
    match facts.outputs.listeners.get((where.proxy, where.listener)):
        case OutboundListener(address=address, bind_port=port):
            return {"addresses": [address], "boundPort": port}
        case GatewayListener(bind_port=port) | UdpListener(bind_port=port) as bound:
            return {"addresses": list(reached_at(bound, facts.sources)), "boundPort": port}
        case None:
            return {}


def _modifier(modifier: HeaderModifier | None) -> Json:
    """What is done to the headers of an answer."""
    if modifier is None:
        return {}
    added: dict[str, str] = {}
    for name, value in modifier.add:
        added[name] = f"{added[name]},{value}" if name in added else value
    return _kept({"remove": list(modifier.remove), "set": dict(modifier.set), "add": added})


def _rule(decision: Decision) -> Json | None:
    rule = decision.rule
    if rule is None:
        return None
    origin = rule.origin
    return _kept(
        {
            "id": rule.name,
            "kind": origin.kind,
            "namespace": origin.namespace,
            "name": origin.name,
            "rule": origin.rule,
            "field": origin.field,
            "filters": [*request_steps(decision, rule), *response_steps(rule)],
            "policies": list(of_rule(rule)),
            "responseHeaders": _modifier(rule.response_headers),
        }
    )


def _share(facts: Facts, share: Share) -> Json:
    sent = share.sent
    own = share.backend.response_headers if isinstance(share.backend, Forward) else None
    form: Json | None = None
    if sent is not None:
        form = {
            "method": sent.method,
            "host": sent.host,
            "path": sent.path,
            "headers": _headers(sent.headers),
        }
    return _kept(
        {
            "weight": share.weight,
            "cluster": share.cluster,
            "status": share.status,
            "reason": share.why,
            "request": form,
            "endpoints": [f"{each.address}:{each.port}" for each in share.endpoints],
            "policies": list(of_backend(facts, share.backend)),
            "responseHeaders": _modifier(own),
        }
    )
