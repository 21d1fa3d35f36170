"""Where resources live on an API server."""

from urllib.parse import quote


def path_of(
    api_version: str, plural: str, namespace: str = "", name: str = "", subresource: str = ""
) -> str:
    """Path of a resource, or of one object of it.

    Args:
        api_version: `v1`, or group and version such as `apps/v1`.
        plural: name of the resource, such as `deployments`.
        namespace: empty for all namespaces, and for cluster-scoped resources.
        name: empty for the whole collection.
        subresource: such as `status`.
    """
    root = "apis" if "/" in api_version else "api"
    parts = [root, *api_version.split("/")]
    if namespace:
        parts += ["namespaces", namespace]
    parts += [part for part in (plural, name, subresource) if part]
    return "/" + "/".join(quote(part, safe="") for part in parts)
