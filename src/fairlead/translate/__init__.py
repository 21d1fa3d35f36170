"""Objects to IR and reports: pure functions on the graph, one module for each kind or concern."""
