"""Kubernetes: a thin client of the API server, and the provider that watches it.

`config` finds the cluster and who we are, `client` speaks to it, `informer` keeps a copy of one
resource, `provider` makes `Batch`es of all that Fairlead reads.
"""
