"""Access logs of proxies: a file to which a line of JSON is written for each request or connection.

What a line holds, the protocol's module says (`xds.http`, `xds.tcp`), as field name and format
string of Envoy's (``envoy.config.core.v3.SubstitutionFormatString.json_format``).
"""

from collections.abc import Mapping

from fairlead.xds.messages import FileAccessLog, Message, extension, struct


def fields(path: str, line: Mapping[str, str]) -> dict[str, Message]:
    """Return the field `access_log` of a filter; nothing if there is no path."""
    if not path:
        return {}
    log = FileAccessLog(path=path, log_format={"json_format": struct(line)})
    return {"access_log": [extension("envoy.access_loggers.file", log)]}
