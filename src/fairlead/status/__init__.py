"""Reports become status: conditions with their times, kept for `get` and written to files."""
