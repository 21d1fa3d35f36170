"""64 HTTPS listeners with 1,000 certificates: until all serve, and until a new one does."""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench import manifests, processes, tls
from bench.figure import Figure

LISTENERS = 64
CERTIFICATES = 1000
ROTATIONS = 20
EVERY = 10
"""Every 10th certificate is asked for at the end of the load."""
PORT = 8443


def _name(number: int) -> str:
    return f"site-{number:04d}.part-{number % LISTENERS}.example.com"


def _gateway() -> manifests.Object:
    """A Gateway whose listeners hold the certificates of all their sites."""
    made = manifests.gateway()
    made["spec"]["listeners"] = [
        {
            "name": f"part-{listener}",
            "protocol": "HTTPS",
            "port": PORT,
            "hostname": f"*.part-{listener}.example.com",
            "tls": {
                "certificateRefs": [
                    {"name": f"site-{number}"}
                    for number in range(listener, CERTIFICATES, LISTENERS)
                ]
            },
        }
        for listener in range(LISTENERS)
    ]
    return made


def run() -> Iterator[Figure]:
    """Yield seconds of the load, and milliseconds from a Secret's write until it is shown."""
    pairs = [tls.certificate(_name(number)) for number in range(CERTIFICATES)]
    with tempfile.TemporaryDirectory(prefix="fairlead-bench-") as name:
        folder = Path(name)
        manifests.write(folder, "gateway", _gateway())
        for number, pair in enumerate(pairs):
            manifests.write(folder, f"site-{number}", tls.secret(f"site-{number}", pair))
        started = time.monotonic()
        with processes.fairlead(folder) as ours:
            address = ours.address(PORT)
            for number in range(0, CERTIFICATES, EVERY):
                _shown(address, _name(number), tls.serial(pairs[number]), 60)
            yield Figure("certificates.load", time.monotonic() - started, "s")
            memory = processes.resident(ours.gateway_pid())
            yield Figure("certificates.envoy_memory", memory, "MiB")
            times = [_rotate(folder, address, number) for number in range(ROTATIONS)]
            yield Figure("certificates.new.median", 1000 * statistics.median(times), "ms", 100)
            yield Figure("certificates.new.max", 1000 * max(times), "ms", 100)


def _rotate(folder: Path, address: tuple[str, int], number: int) -> float:
    """Seconds from the write of a new certificate until a handshake shows it."""
    pair = tls.certificate(_name(number))
    started = time.monotonic()
    manifests.write(folder, f"site-{number}", tls.secret(f"site-{number}", pair))
    _shown(address, _name(number), tls.serial(pair), 10)
    return time.monotonic() - started


def _shown(address: tuple[str, int], name: str, serial: int, seconds: float) -> None:
    def shown() -> bool:
        try:
            return tls.presented(address, name) == serial
        except OSError:
            return False

    processes.wait_for(shown, seconds, f"the certificate of {name}", pause=0.001)
