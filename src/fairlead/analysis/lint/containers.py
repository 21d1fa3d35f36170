"""Containers whose rollout is left to chance: images without version, pods without readiness."""

from collections.abc import ItemsView, Iterator

from fairlead import api
from fairlead.analysis.lint.facts import Facts
from fairlead.analysis.lint.remark import Remark, remark
from fairlead.api.codes import Code
from fairlead.api.finding import Path


def remarks(facts: Facts) -> Iterator[Remark]:
    """Look at the pods that Services send to: those that are written, and those of Deployments."""
    selectors: dict[str, list[set[tuple[str, str]]]] = {}
    for key, service in facts.sources.services.items():
        if service.spec.selector:
            selectors.setdefault(key[0], []).append(set(service.spec.selector.items()))
    for key, pod in facts.sources.pods.items():
        if _selected(selectors.get(key[0], []), pod.metadata.labels.items()):
            yield from _containers(pod, pod.spec, ("spec",))
    for key, deployment in facts.sources.deployments.items():
        template = deployment.spec.template
        if _selected(selectors.get(key[0], []), template.metadata.labels.items()):
            yield from _containers(deployment, template.spec, ("spec", "template", "spec"))


def _selected(selectors: list[set[tuple[str, str]]], labels: ItemsView[str, str]) -> bool:
    return any(selector <= labels for selector in selectors)


def _containers(obj: api.Pod | api.Deployment, spec: api.PodSpec, at: Path) -> Iterator[Remark]:
    for index, container in enumerate(spec.containers):
        here = (*at, "containers", index)
        name = container.image.rpartition("/")[2]
        if container.image and "@" not in name and name.partition(":")[2] in ("", "latest"):
            yield remark(
                obj,
                Code.CONTAINER,
                (*here, "image"),
                f"the image {container.image} has no version, so pods may run different ones",
                "write a tag or a digest",
                severity="info",
            )
        if container.readiness_probe is None:
            yield remark(
                obj,
                Code.CONTAINER,
                here,
                f"the container {container.name} has no readinessProbe, so its pods get requests "
                "before they listen",
                "add a readinessProbe",
                severity="info",
            )
