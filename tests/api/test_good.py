"""What a cluster accepts is accepted, and means the same."""

import pytest

from fairlead import api


def one(text):
    """The only object of a text without problems."""
    decoded = api.decode(text)
    assert [str(problem) for problem in decoded.problems] == []
    (obj,) = decoded.objects
    return obj


def route(spec):
    return one(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\n"
        f"spec: {spec.rstrip()}\n"
    )


def test_the_schemas_defaults_of_a_route():
    spec = route("{parentRefs: [{name: g}]}").spec
    assert spec.parent_refs == (
        api.ParentReference(name="g", group="gateway.networking.k8s.io", kind="Gateway"),
    )
    assert spec.rules == (
        api.HTTPRouteRule(
            matches=(api.HTTPRouteMatch(path=api.HTTPPathMatch(type="PathPrefix", value="/")),)
        ),
    )


def test_a_list_that_is_empty_is_not_defaulted():
    assert route("{rules: [{matches: []}]}").spec.rules[0].matches == ()


def test_defaults_inside_a_rule():
    rule = route(
        """

          rules:
          - matches: [{path: {type: Exact}, headers: [{name: a, value: b}]}]
            retry: {}
            filters:
            - {type: RequestRedirect, requestRedirect: {}}
            - type: RequestMirror
              requestMirror: {backendRef: {name: m, port: 1}, fraction: {numerator: 1}}
        """
    ).spec.rules[0]
    assert rule.matches[0].path == api.HTTPPathMatch(type="Exact", value="/")
    assert rule.matches[0].headers[0].type == "Exact"
    assert rule.retry.attempts == 1
    assert rule.filters[0].request_redirect.status_code == 302
    assert rule.filters[1].request_mirror.fraction.denominator == 100
    backend = rule.filters[1].request_mirror.backend_ref
    assert (backend.group, backend.kind) == ("", "Service")


def test_what_the_user_left_out_of_a_parent_ref_stays_out():
    ref = route("{parentRefs: [{name: s, kind: Service, group: ''}]}").spec.parent_refs[0]
    assert (ref.namespace, ref.section_name, ref.port) == (None, None, None)


def test_defaults_of_a_gateway():
    gateway = one(
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {name: g, namespace: infra}
        spec:
          gatewayClassName: fairlead
          listeners:
          - {name: http, port: 80, protocol: HTTP}
          - name: https
            port: 443
            protocol: HTTPS
            tls: {certificateRefs: [{name: cert}]}
          addresses: [{value: 127.0.0.5}]
        """
    )
    http, https = gateway.spec.listeners
    assert http.allowed_routes.namespaces.from_ == "Same"
    assert https.tls.mode == "Terminate"
    assert https.tls.certificate_refs[0].kind == "Secret"
    assert gateway.spec.addresses[0].type == "IPAddress"
    assert gateway.key == ("infra", "g")


def test_defaults_of_a_service():
    service = one(
        "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80}]}}"
    )
    assert service.spec.type == "ClusterIP"
    assert service.spec.ports == (api.ServicePort(port=80, protocol="TCP"),)
    assert service.key == ("default", "s")
    assert not service.spec.headless


def test_ports_by_number_and_by_name():
    service = one(
        "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {clusterIP: None, ports:"
        " [{name: a, port: 80, targetPort: 8080}, {name: b, port: 81, targetPort: web}]}}"
    )
    assert [port.target_port for port in service.spec.ports] == [8080, "web"]
    assert service.spec.headless


def test_a_cluster_scoped_object_has_no_namespace():
    gateway_class = one(
        "{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: c,"
        " namespace: x}, spec: {controllerName: example.com/c}}"
    )
    assert gateway_class.key == ("", "c")


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_served_versions(version):
    decoded = api.decode(
        f"{{apiVersion: gateway.networking.k8s.io/{version}, kind: HTTPRoute,"
        " metadata: {name: r}, spec: {}}"
    )
    (obj,) = decoded.objects
    assert obj.api_version == f"gateway.networking.k8s.io/{version}"


def test_what_others_write_is_dropped():
    obj = one(
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata:
          name: r
          creationTimestamp: null
          managedFields: [{manager: kubectl, fieldsV1: {}}]
        spec: {}
        status: {parents: [{anything: goes}]}
        """
    )
    assert obj.metadata.creation_timestamp is None
    assert "status" not in api.to_raw(obj)


def test_nulls_where_a_cluster_takes_them():
    service = one(
        "{apiVersion: v1, kind: Service, metadata: {name: s, labels: null},"
        " spec: {selector: null, ports: [{port: 80, name: null}]}}"
    )
    assert service.spec.ports[0].name == ""
    rules = route("{rules: [{matches: null}]}").spec.rules
    assert rules[0].matches == api.HTTPRouteRule().matches


def test_a_list_is_its_items():
    decoded = api.decode(
        "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: Namespace, metadata:"
        " {name: a}}, {apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {k: v}}]}"
    )
    assert [(obj.kind, obj.key) for obj in decoded.objects] == [
        ("Namespace", ("", "a")),
        ("ConfigMap", ("default", "b")),
    ]


def test_a_typed_list_gives_its_items_their_kind():
    decoded = api.decode("{apiVersion: v1, kind: NamespaceList, items: [{metadata: {name: a}}]}")
    assert decoded.objects[0].key == ("", "a")


def test_a_pod_as_kubernetes_users_write_it():
    pod = one(
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: p}
        spec:
          nodeSelector: {disk: ssd}
          volumes: [{name: v, emptyDir: {}}]
          containers:
          - name: c
            image: hashicorp/http-echo:1.0
            imagePullPolicy: IfNotPresent
            args: ["-text=hello"]
            resources: {limits: {memory: 64Mi}}
            ports: [{containerPort: 5678}]
            env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
            readinessProbe: {httpGet: {path: /, port: 5678}, periodSeconds: 1}
        """
    )
    container = pod.spec.containers[0]
    assert container.args == ("-text=hello",)
    assert container.env[0].value_from.field_ref.field_path == "spec.nodeName"
    assert container.readiness_probe.http_get.port == 5678
    assert container.readiness_probe.failure_threshold == 3


def test_numbers_as_keys_are_text():
    config = one("{apiVersion: v1, kind: ConfigMap, metadata: {name: c}, data: {8080: web}}")
    assert config.data == {"8080": "web"}


def test_a_parsed_value_is_decoded_too():
    decoded = api.decode(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n", "labels": {"a": "b"}}}
    )
    assert decoded.objects[0].metadata.labels == {"a": "b"}


def test_what_is_decoded_can_be_written_and_read_again():
    obj = route(
        "{hostnames: [a.example], rules: [{name: x, backendRefs: [{name: s, port: 80, weight: 3}],"
        " timeouts: {request: 1m30s}}]}"
    )
    again = api.decode(api.to_raw(obj))
    assert again.objects == (obj,)
    assert list(api.to_raw(obj)) == ["apiVersion", "kind", "metadata", "spec"]


SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: s}
data: {k: czNjcmV0}
stringData: {p: s3cret}
"""


def test_a_secret_never_shows_its_values():
    secret = one(SECRET)
    assert secret.data == {"k": "czNjcmV0"}
    shown = f"{secret!r} {secret!s} {secret.__rich_repr__()} {api.to_raw(secret)} {(secret,)!r}"
    assert "s3cret" not in shown
    assert "czNjcmV0" not in shown
    assert "['k', 'p']" in repr(secret)


def test_selectors():
    selector = api.LabelSelector(
        match_labels={"app": "a"},
        match_expressions=(
            api.LabelSelectorRequirement(key="tier", operator="In", values=("x", "y")),
            api.LabelSelectorRequirement(key="old", operator="DoesNotExist"),
            api.LabelSelectorRequirement(key="zone", operator="NotIn", values=("z",)),
        ),
    )
    assert selector.matches({"app": "a", "tier": "y"})
    assert not selector.matches({"app": "a"})
    assert not selector.matches({"app": "a", "tier": "y", "old": ""})
    assert not selector.matches({"app": "a", "tier": "y", "zone": "z"})
    assert not selector.matches({"app": "b", "tier": "y"})
    assert api.LabelSelector().matches({})
    typo = api.LabelSelectorRequirement(key="app", operator="Is", values=("a",))
    assert not api.LabelSelector(match_expressions=(typo,)).matches({"app": "a"})


def test_numbers_with_a_point_are_whole_if_nothing_follows_it():
    """As kubectl sends them: JSON knows one kind of number."""
    rule = route("{rules: [{backendRefs: [{name: s, port: 80.0, weight: 3.0}]}]}").spec.rules[0]
    assert (rule.backend_refs[0].port, rule.backend_refs[0].weight) == (80, 3)


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan", "80.5"])
def test_numbers_that_are_not_whole_are_refused(number):
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: PORT}]}\n"
    text = text.replace("PORT", number)
    (problem,) = api.decode(text).problems
    assert (problem.code, problem.field) == ("GW011", "spec.ports[0].port")
    assert problem.message.startswith("must be a whole number, not the number")
