"""Runs what the IR asks for: Envoys, and pods as local processes with addresses of their own.

What comes in are the fleet (`ir.fleet.Proxy`) and the pods that shall run; what goes out are facts
about both. A runner converges on what it was last told; nothing it started outlives it.
"""
