"""Tables of who may only read objects: what became of them is what their status says."""

from datetime import UTC, datetime

import msgspec
import yaml

from fairlead import api
from fairlead.app.answers import Query, table_of
from fairlead.app.cluster_view import reported, view_of
from fairlead.providers.batch import Batch, ObjectChange
from fairlead.providers.kube.listing import Listing
from fairlead.translate.report import Condition

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
OURS = "fairlead.dev/gateway-controller"
MANIFESTS = """
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: ours}
spec: {controllerName: fairlead.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: a, creationTimestamp: "2026-05-06T07:08:00Z"}
spec:
  gatewayClassName: ours
  listeners: [{name: http, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart, namespace: a}
spec: {parentRefs: [{name: edge}]}
"""
ROUTE = ("HTTPRoute", ("a", "cart"))
GATEWAY = ("Gateway", ("a", "edge"))


def condition(kind, status, reason="", message=""):
    return {"type": kind, "status": status, "reason": reason, "message": message}


def parent(name, *conditions, controller=OURS):
    return {"parentRef": {"name": name}, "controllerName": controller, "conditions": conditions}


def rows(kind, status, *, leave_out=(), hidden=(), controller=""):
    """Cells of a kind's table, where objects have these statuses."""
    written = [api.decode(each).objects[0] for each in yaml.safe_load_all(MANIFESTS)]
    changes = [ObjectChange(o.kind, o.key, o) for o in written if o.kind not in leave_out]
    changes.sort(key=lambda each: (each.kind, each.key))
    listing = Listing(Batch(tuple(changes)), (), status, hidden, controller=controller)
    return [row.cells for row in table_of(view_of(listing, lambda: NOW), Query(kind)).rows]


def test_what_nobody_has_told_is_unknown():
    assert rows("httproutes", {})[0][1:5] == ("gateway/edge", "Unknown", "Unknown", "0/1")
    name, owner, address, programmed, age, *_ = rows("gateways", {})[0]
    assert (name, owner, address, programmed, age) == ("edge", "ours", "<none>", "Unknown", "9s")


def test_what_our_controller_told_is_shown():
    status = {
        ROUTE: {
            "parents": [
                parent("edge", condition("Accepted", "False"), controller="example.com/other"),
                parent(
                    "edge",
                    condition("Accepted", "True"),
                    condition("ResolvedRefs", "False", "BackendNotFound", "no such Service"),
                ),
            ]
        },
        GATEWAY: {
            "addresses": [{"type": "IPAddress", "value": "198.51.100.7"}],
            "conditions": [condition("Programmed", "True")],
        },
    }
    (row,) = rows("httproutes", status)
    assert row[1:5] == ("gateway/edge", "True", "False", "1/1")
    assert "BackendNotFound" in row
    assert rows("gateways", status)[0][2:4] == ("198.51.100.7:80", "True")


def test_routes_of_gateways_that_are_hidden_are_shown_by_their_status():
    status = {ROUTE: {"parents": [parent("edge", condition("Accepted", "True"))]}}
    (row,) = rows("httproutes", status, leave_out={"Gateway", "GatewayClass"})
    assert row[1:3] == ("gateway/edge", "True")


def test_classes_that_are_hidden_are_taken_to_be_ours():
    hidden = ("gatewayclasses",)
    assert rows("gateways", {}, leave_out={"GatewayClass"}, hidden=hidden)[0][3] == "Unknown"
    assert "OtherController" in rows("gateways", {}, leave_out={"GatewayClass"})[0]


def test_an_installation_may_have_a_controller_name_of_its_own():
    controller = "example.com/edge"
    told = parent("edge", condition("Accepted", "True"), controller=controller)
    status = {ROUTE: {"parents": [parent("edge", condition("Accepted", "False")), told]}}
    (row,) = rows("httproutes", status, controller=controller)
    assert row[1:3] == ("gateway/edge", "True")
    assert "OtherController" in rows("gateways", status, controller=controller)[0]


def test_nothing_is_told_of_what_is_not_ours():
    assert reported("Gateway", ("a", "x"), None, {"conditions": []}) is None
    theirs = {"parents": [parent("edge", controller="example.com/other")]}
    assert reported("HTTPRoute", ("a", "x"), None, theirs) is None


def test_parents_are_those_of_the_status():
    ours = {"parents": [parent("edge", condition("Accepted", "True", "Accepted"))]}
    report = reported("HTTPRoute", ("a", "x"), None, ours)
    (told,) = report.parents
    assert told.parent_ref == msgspec.convert({"name": "edge"}, api.ParentReference)
    assert told.conditions == (Condition("Accepted", "True", "Accepted", "", 0),)
