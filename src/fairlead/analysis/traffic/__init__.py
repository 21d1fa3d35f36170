"""Traffic tests: what users expect of requests, held against decisions and real answers."""
