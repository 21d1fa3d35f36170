"""The one error of the graph: it always means a bug in the program, never in what users wrote."""


class GraphError(Exception):
    """A function of the graph raised, or the graph is built or used against its rules.

    The message names the collection or index and, where there is one, the key. What a function
    raised is its `__cause__`. The graph is as it was before the call that raised.
    """
