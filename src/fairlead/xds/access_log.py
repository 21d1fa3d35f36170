"""Access logs of proxies: a file to which a line of JSON is written for each request or connection.

What a line holds, the protocol's module says (`xds.http`, `xds.tcp`), as field name and format
string of Envoy's (``envoy.config.core.v3.SubstitutionFormatString.json_format``).
"""

from collections.abc import Mapping

from fairlead.ir.listener import GatewayListener, OutboundListener
from fairlead.xds.messages import FileAccessLog, Message, StdoutAccessLog, extension, struct

_STDOUT = "/dev/stdout"
"""Not opened by its name, which a process without root may not do in a container."""


def log_path(pattern: str, listener: GatewayListener | OutboundListener) -> str:
    """Where a listener's log goes, empty for nowhere; ``{proxy}`` stands for its proxy's name."""
    return pattern.replace("{proxy}", listener.proxy) if listener.access_log else ""


def fields(path: str, line: Mapping[str, str]) -> dict[str, Message]:
    """Return the field `access_log` of a filter; nothing if there is no path."""
    if not path:
        return {}
    form = {"json_format": struct(line)}
    if path == _STDOUT:
        log = extension("envoy.access_loggers.stdout", StdoutAccessLog(log_format=form))
    else:
        log = extension("envoy.access_loggers.file", FileAccessLog(path=path, log_format=form))
    return {"access_log": [log]}
