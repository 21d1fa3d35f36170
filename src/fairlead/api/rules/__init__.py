"""Rules between fields: what the CRDs say in CEL and API servers say in code, one file per kind.

Every rule takes a decoded object or a part of one and yields findings; it never raises and never
needs another object. `fairlead.api.validate` knows which rules an object has to keep.
"""
