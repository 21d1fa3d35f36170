"""Benchmarks in a Kubernetes cluster, after the tests of gateway-api-bench."""
