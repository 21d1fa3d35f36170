"""Proxies, and objects as an API server returns them."""

import json

from fairlead.dataplane.kubernetes import live, names, plan
from fairlead.dataplane.kubernetes.manifests import Common
from fairlead.dataplane.kubernetes.pod import PodSettings
from fairlead.ir.fleet import Proxy
from fairlead.ir.infrastructure import AskedAddress, ProxyPort

OURS = "fairlead.dev/gateway-controller"
COMMON = Common(PodSettings("example/fairlead:1", "fairlead:15010"), "PEM", OURS)
HTTP = ProxyPort("http-80", 80, "TCP")
ANY = AskedAddress()


def proxy(name="edge", *asked, **more):
    """A proxy that asks for addresses, one that is any by default."""
    fields = {"owner": "uid-1", "ports": (HTTP,), "addresses": asked or (ANY,), **more}
    return Proxy(f"gateway/infra/{name}", "gateway", "infra", name, **fields)


def stored(manifest, **more):
    """An object that was applied, as it is kept."""
    uid = f"uid-{manifest['kind']}-{manifest['metadata']['name']}"
    kept = json.loads(json.dumps(manifest))
    kept["metadata"]["uid"] = uid
    fields = {f"f:{name}": {} for name in kept.get("spec", {})}
    managed = {"manager": names.FIELD_MANAGER, "operation": "Apply"}
    kept["metadata"]["managedFields"] = [{**managed, "fieldsV1": {"f:spec": fields}}]
    for part, fields in more.items():
        kept.setdefault(part, {}).update(fields)
    found = live.live(kept["kind"], json.dumps(kept).encode())
    assert found is not None
    return found


def made(wanted, common=COMMON, **services):
    """All that there is once a plan was carried out, by kind and name.

    Args:
        wanted: The proxy.
        common: What all have in common.
        services: Number (as ``s1``) to the address that a load balancer has given.
    """
    found = carried_out(wanted, {}, common)
    for number, address in services.items():
        give(found, wanted, int(number[1:]), address)
    return found


def carried_out(wanted, found, common=COMMON):
    """All that there is once plans were carried out until nothing is left to do."""
    found = dict(found)
    for _ in range(5):
        applied, deleted = plan.plan(wanted, common, found, {})
        for step in deleted:
            del found[step.kind, step.name]
        for step in applied:
            found[step.kind, step.name] = stored(step.body())
        if not applied and not deleted:
            return found
    raise AssertionError([step.name for step in (*applied, *deleted)])


def give(found, wanted, number, address):
    """Let a load balancer give a Service an address."""
    key = ("Service", names.service_name(wanted.gateway, number))
    ingress = {"ip": address} if address[0].isdigit() else {"hostname": address}
    document = found[key].document()
    found[key] = stored(document, status={"loadBalancer": {"ingress": [ingress]}})
