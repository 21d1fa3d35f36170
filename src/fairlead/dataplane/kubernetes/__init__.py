"""Proxies of Gateways as Deployments of a cluster, and what they need around them."""
