"""Wiring of each role. Only this package starts tasks, and only in its one task group."""
