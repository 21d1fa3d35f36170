"""All checks, before an installation or after it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus

import msgspec

from fairlead.install import cluster, workload
from fairlead.install.check import control_plane, gateway_api, gateways, rights, server
from fairlead.install.check.finding import Finding
from fairlead.install.values import Values
from fairlead.providers.kube.client import ApiError, KubeClient

_REMEDY = "check the kubeconfig, or whether the cluster runs"


async def before(client: KubeClient, values: Values) -> list[Finding]:
    """Whether Fairlead can be installed."""
    try:
        found = server.judge(await server.version(client))
    except ApiError as error:
        return [_not_seen(server.TOPIC, error)]
    try:
        definitions = await gateway_api.definitions(client)
        existing = await gateway_api.objects(client, definitions)
        found += gateway_api.judge(definitions, existing, installed=False)
    except ApiError as error:
        found.append(_not_seen(gateway_api.TOPIC, error))
    try:
        missing = await rights.refused(client, rights.of_installing(values))
    except ApiError as error:
        return [*found, _not_seen(rights.TOPIC, error)]
    return found + rights.judge_installing(missing)


async def after(
    client: KubeClient, values: Values, now: Callable[[], datetime], dial: gateways.Dial
) -> list[Finding]:
    """Whether Fairlead does well.

    Args:
        client: of the cluster.
        values: of which the namespace and what follows from the Deployment count.
        now: the time in UTC.
        dial: how connections to Gateways are tried.
    """
    try:
        found = server.judge(await server.version(client))
    except ApiError as error:
        return [_not_seen(server.TOPIC, error)]
    facts = existing = None
    try:
        facts = await control_plane.read(client, values.namespace)
        seen = control_plane.judge(facts, values.namespace, now())
    except ApiError as error:
        seen = [_not_seen(control_plane.TOPIC, error)]
    deployment = facts.deployment if facts else None
    try:
        definitions = await gateway_api.definitions(client)
        existing = await gateway_api.objects(client, definitions)
        found += gateway_api.judge(definitions, existing, installed=deployment is not None)
    except ApiError as error:
        found.append(_not_seen(gateway_api.TOPIC, error))
    found += seen
    if facts is None or deployment is None:
        return found
    environment = workload.environment(deployment)
    try:
        found += await _rights(client, values, environment)
    except ApiError as error:
        found.append(_not_seen(rights.TOPIC, error))
    if existing is None:
        return found
    controller = workload.controller_name(environment, values)
    found += gateways.judge(existing, controller, facts.proxies)
    ports = gateways.ports(gateways.of_classes(existing, controller))
    return found + await gateways.reach(ports, dial)


async def _rights(
    client: KubeClient, values: Values, environment: Mapping[str, str]
) -> list[Finding]:
    """Those of the control plane with these variables."""
    user = f"system:serviceaccount:{values.namespace}:{workload.NAME}"
    wanted = rights.of_control_plane(await _as_installed(client, values, environment))
    return rights.judge_control_plane(await rights.refused(client, wanted, user), len(wanted))


async def _as_installed(
    client: KubeClient, values: Values, environment: Mapping[str, str]
) -> Values:
    """The values on which rights depend, as the installation tells them."""
    limited = {
        key.namespace
        for key, _ in await cluster.ours(client, values)
        if key.kind == "Role" and key.name == f"{values.scope}-secrets"
    }
    return msgspec.structs.replace(
        values,
        snapshots=environment.get("FAIRLEAD_SNAPSHOTS") != "false",
        secret_namespaces=tuple(sorted(limited)),
    )


def _not_seen(topic: str, error: ApiError) -> Finding:
    remedy = "ask for the right to read it" if error.code == HTTPStatus.FORBIDDEN else _REMEDY
    return Finding(topic, "error", str(error), remedy)
