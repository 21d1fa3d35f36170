"""Where this machine keeps its own certificate authorities (wellKnownCACertificates: System)."""

import os
from collections.abc import Mapping
from pathlib import Path

PLACES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Alpine, distroless images
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # RHEL without the old link
    "/etc/ssl/cert.pem",  # Alpine without ca-certificates
)
OVERRIDE = "SSL_CERT_FILE"
"""Environment variable that names another file, as for OpenSSL."""


def find(environment: Mapping[str, str] = os.environ) -> str:
    """Path of a file that proxies on this machine can load; empty if there is none."""
    chosen = environment.get(OVERRIDE)
    for place in (chosen,) if chosen else PLACES:
        path = Path(place)
        if path.is_file() and path.stat().st_size:
            return str(path.absolute())
    return ""
