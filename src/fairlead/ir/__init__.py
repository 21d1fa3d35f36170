"""What proxies shall do, in terms of neither Kubernetes nor Envoy.

Everything here is a frozen value that holds tuples only: equality by content alone decides
whether anything is pushed. They never form cycles, which spares the garbage collector from
tracking them. A bad reference stays in the model as ``Invalid``.
"""
