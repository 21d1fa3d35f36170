"""What a controller's options come to."""

import dataclasses

import pytest

from fairlead.app.settings import ControllerSettings

SETTINGS = ControllerSettings("fairlead-system", "pod", "image", "host:1", "example.com/ours")


@pytest.mark.parametrize(
    ("pod_ips", "bound"),
    [
        ((), ("0.0.0.0",)),
        (("10.244.1.2",), ("0.0.0.0",)),
        (("fd00::2",), ("::",)),
        (("fd00::2", "10.244.1.2", "fd00::3"), ("0.0.0.0", "::")),
    ],
)
def test_proxies_bind_the_ip_families_that_pods_have(pod_ips, bound):
    assert dataclasses.replace(SETTINGS, pod_ips=pod_ips).bind_addresses == bound
