"""What Fairlead needs in a cluster: its objects, the chart made of them, and who may do what.

`values` says what can be chosen, `manifests` makes all objects from it by pure functions, and
`chart` the Helm chart from the same functions. `apply`, `remove` and `check` speak to a cluster.
"""
