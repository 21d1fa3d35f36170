"""`fairlead explain`: what happens to a request, and why, read from the IR that `xds` compiles.

In: objects, IR and reports of one moment (`Facts`) and a `Request`. Out: a `Decision`, which holds
for Envoy as `xds` configures it: no rule is looked for in any other order than the virtual host's.
"""

from fairlead.analysis.explain.decide import decide
from fairlead.analysis.explain.decision import Decision, Sent, Share, Shown
from fairlead.analysis.explain.facts import Facts
from fairlead.analysis.explain.request import Request, RequestError, parse

__all__ = [
    "Decision",
    "Facts",
    "Request",
    "RequestError",
    "Sent",
    "Share",
    "Shown",
    "decide",
    "parse",
]
