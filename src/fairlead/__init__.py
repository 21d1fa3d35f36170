"""Fairlead: one Gateway API control plane for both directions, with Envoy as its data plane."""

__version__ = "0.1.0"
