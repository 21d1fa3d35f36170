"""ClusterTrustBundle (certificates.k8s.io/v1beta1 and v1alpha1)."""

from fairlead.api.metadata import ApiObject
from fairlead.api.model import Model


class ClusterTrustBundleSpec(Model, frozen=True, kw_only=True):
    """ClusterTrustBundleSpec."""

    trust_bundle: str
    """PEM of certificates, in any order."""
    signer_name: str = ""


class ClusterTrustBundle(ApiObject, frozen=True, kw_only=True):
    """Certificates of authorities that a whole cluster may trust. Cluster-scoped."""

    spec: ClusterTrustBundleSpec
    api_version: str = "certificates.k8s.io/v1beta1"
    kind: str = "ClusterTrustBundle"
