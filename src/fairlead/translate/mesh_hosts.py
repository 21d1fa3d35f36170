"""Domains of Services in the route tables of the mesh.

In: a Service port, its virtual address and the namespace of the clients. Out: the authorities by
which they may call it. The port is part of them: it is what names the Service port.
"""

import re

from fairlead.translate.service_port import PortKey

_HTTP_PORT = 80


def domains(
    port: PortKey, client_namespace: str, address: str | None, cluster_domain: str
) -> tuple[str, ...]:
    """Return the domains of a Service port, sorted.

    Args:
        port: The Service port.
        client_namespace: In the Service's own namespace, its bare name counts too.
        address: Virtual address of the Service, None if it has none.
        cluster_domain: Last part of the FQDN, such as ``cluster.local``.
    """
    namespace, service, number = port
    short = f"{service}.{namespace}"
    hosts = [short, f"{short}.svc", f"{short}.svc.{cluster_domain}"]
    if client_namespace == namespace:
        hosts.append(service)
    if address is not None:
        hosts.append(f"[{address}]" if ":" in address else address)
    with_port = [f"{host}:{number}" for host in hosts]
    return tuple(sorted([*with_port, *hosts] if number == _HTTP_PORT else with_port))


def service_name(cluster_domain: str) -> str:
    """Return the RE2 expression for authorities that are names of a Service, of any port.

    Those of two labels are left out: they may be anybody's.

    Args:
        cluster_domain: Last part of the FQDN, such as ``cluster.local``.
    """
    return rf"(?i)[^.:]+\.[^.:]+\.svc(\.{re.escape(cluster_domain)})?(:[0-9]+)?"
