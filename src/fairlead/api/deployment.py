"""Deployment (apps/v1)."""

from typing import Literal

from fairlead.api.metadata import ApiObject, LabelSelector
from fairlead.api.model import Lenient
from fairlead.api.pod import PodTemplateSpec
from fairlead.api.scalar import NonNegative


class RollingUpdate(Lenient, frozen=True, kw_only=True):
    """appsv1.RollingUpdateDeployment: numbers of pods or percentages such as `25%`."""

    max_surge: NonNegative | str = "25%"
    max_unavailable: NonNegative | str = "25%"


class DeploymentStrategy(Lenient, frozen=True, kw_only=True):
    """appsv1.DeploymentStrategy."""

    type: Literal["RollingUpdate", "Recreate"] = "RollingUpdate"
    rolling_update: RollingUpdate | None = None


class DeploymentSpec(Lenient, frozen=True, kw_only=True):
    """appsv1.DeploymentSpec."""

    selector: LabelSelector
    template: PodTemplateSpec
    replicas: NonNegative = 1
    strategy: DeploymentStrategy = DeploymentStrategy()
    min_ready_seconds: NonNegative = 0
    paused: bool = False


class Deployment(ApiObject, frozen=True, kw_only=True):
    """Replicas of one pod template."""

    spec: DeploymentSpec
    api_version: str = "apps/v1"
    kind: str = "Deployment"
