"""Settings of how a Gateway's proxy is run in a cluster, one entry of a ConfigMap each.

In: keys and values as they are written. Out: an `ir.infrastructure.Deployment`, or what is wrong
with one of them, in words. Without a cluster they are checked and have no effect.
"""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from fairlead import api
from fairlead.ir.infrastructure import Autoscaling, Deployment

MOST_INSTANCES: Final = 1000
MOST_THREADS: Final = 256
MOST_DRAIN: Final = 3600
"""Seconds."""
_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?")
_UNITS: Mapping[str, Decimal] = {
    "": Decimal(1),
    "m": Decimal("0.001"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}
_CLASS = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
"""A label key (a name, or a domain and a name)."""
_LOG_LEVELS = ("debug", "info", "warning", "error")
_SERVICE_TYPES = ("LoadBalancer", "ClusterIP", "NodePort")
_UNKNOWN_TO = {
    "ClusterIP": ("externalTrafficPolicy", "loadBalancerClass"),
    "NodePort": ("loadBalancerClass",),
}
"""Settings that mean nothing for a type of Service."""
_RESOURCES = ("cpu", "memory")
DEFAULT_CPU = 80
"""Percent of the requested CPU at which instances are added."""


class SettingError(ValueError):
    """A value that a setting cannot have; the message says which it can."""


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
            raise SettingError(f"write a number from {least} to {most}")
        return int(text)

    return read


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise SettingError(f"write {' or '.join(words)}")
        return text

    return read


def _quantity(text: str) -> str:
    if not _QUANTITY.fullmatch(text) or not _amount(text):
        raise SettingError("write a quantity such as 100m or 256Mi, more than 0")
    return text


def _amount(quantity: str) -> Decimal:
    found = _QUANTITY.fullmatch(quantity)
    return Decimal(found[1]) * _UNITS[found[2] or ""] if found else Decimal(0)


def _disruption(text: str) -> str:
    if text == "disabled":
        return ""
    number = text.removesuffix("%")
    top = 100 if text.endswith("%") else MOST_INSTANCES
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:9]) <= top):
        raise SettingError(
            "write how many instances may be taken away at once, such as 1 or 25%, or disabled"
        )
    return text


def _class(text: str) -> str:
    if not _CLASS.fullmatch(text):
        raise SettingError("write the name of a load balancer class, such as example.com/internal")
    return text


def _placement(name: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            return api.placement.read(name, text)
        except api.placement.PlacementError as error:
            raise SettingError(f"{error}; write {name} as in the spec of a pod") from None

    return read


_READERS: Mapping[str, Callable[[str], Any]] = {
    "replicas": _number(1, MOST_INSTANCES),
    "minReplicas": _number(1, MOST_INSTANCES),
    "maxReplicas": _number(1, MOST_INSTANCES),
    "targetCPUUtilization": _number(1, 1000),
    "podDisruptionBudget": _disruption,
    "cpuRequest": _quantity,
    "memoryRequest": _quantity,
    "cpuLimit": _quantity,
    "memoryLimit": _quantity,
    "serviceType": _one_of(*_SERVICE_TYPES),
    "externalTrafficPolicy": _one_of("Cluster", "Local"),
    "loadBalancerClass": _class,
    **{name: _placement(name) for name in api.placement.FIELDS},
    "drainSeconds": _number(1, MOST_DRAIN),
    "logLevel": _one_of(*_LOG_LEVELS),
    "concurrency": _number(1, MOST_THREADS),
}
KEYS: tuple[str, ...] = tuple(_READERS)


def check(name: str, value: str) -> None:
    """Refuse a value that cannot be.

    Args:
        name: One of `KEYS`.
        value: As it is written, without blanks around it.

    Raises:
        SettingError: Its words follow "NAME is VALUE;".
    """
    _READERS[name](value)


def of(settings: Mapping[str, str]) -> Deployment:
    """What checked settings say together; others among them are not looked at.

    Raises:
        SettingError: Two of them contradict each other; the message names both.
    """
    given = {name: read(settings[name]) for name, read in _READERS.items() if name in settings}
    default = Deployment()
    _check_service(given)
    limits = _resources(given, "Limit", ())
    # A limit below the usual request means less than usual.
    usual = tuple((name, _least(value, dict(limits).get(name))) for name, value in default.requests)
    requests = _resources(given, "Request", usual)
    for name, limit in limits:
        if _amount(dict(requests)[name]) > _amount(limit):
            raise SettingError(f"{name}Request is more than {name}Limit; lower it")
    return Deployment(
        replicas=given.get("replicas", default.replicas),
        autoscaling=_autoscaling(given),
        disruption=given.get("podDisruptionBudget", default.disruption),
        requests=requests,
        limits=limits,
        placement=tuple((name, given[name]) for name in api.placement.FIELDS if name in given),
        service_type=given.get("serviceType", default.service_type),
        external_traffic_policy=given.get("externalTrafficPolicy", default.external_traffic_policy),
        load_balancer_class=given.get("loadBalancerClass", default.load_balancer_class),
        drain=given.get("drainSeconds", default.drain),
        log_level=given.get("logLevel", default.log_level),
        concurrency=given.get("concurrency", default.concurrency),
    )


def _least(quantity: str, limit: str | None) -> str:
    return min(quantity, limit, key=_amount) if limit else quantity


def _resources(
    given: Mapping[str, Any], suffix: str, usual: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """Quantities by resource, sorted: what is given over what is usual."""
    asked = {name: given[name + suffix] for name in _RESOURCES if name + suffix in given}
    return tuple(sorted({**dict(usual), **asked}.items()))


def _autoscaling(given: Mapping[str, Any]) -> Autoscaling | None:
    """Asked for by `maxReplicas`; what else concerns it says nothing without."""
    most = given.get("maxReplicas")
    if most is None:
        for name in ("minReplicas", "targetCPUUtilization"):
            if name in given:
                raise SettingError(f"{name} needs maxReplicas; add it, or remove {name}")
        return None
    least = given.get("minReplicas", min(given.get("replicas", 1), most))
    if least > most:
        raise SettingError("minReplicas is more than maxReplicas; lower it")
    return Autoscaling(least, most, given.get("targetCPUUtilization", DEFAULT_CPU))


def merged(defaults: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A Gateway's settings over those of its class, as they are written.

    What the class says of a type of Service goes where the Gateway chooses another one.
    """
    lost = _UNKNOWN_TO.get(own.get("serviceType", ""), ())
    return {**{key: value for key, value in defaults.items() if key not in lost}, **own}


def _check_service(given: Mapping[str, Any]) -> None:
    kind = given.get("serviceType", "LoadBalancer")
    for name in _UNKNOWN_TO.get(kind, ()):
        if name in given:
            raise SettingError(f"{name} means nothing for serviceType {kind}; remove it")
