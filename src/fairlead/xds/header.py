"""Changes of headers (`ir.filter.HeaderModifier`) as Envoy's fields for them.

The same fields exist on routes, virtual hosts and weighted clusters.
"""

from fairlead.ir.filter import HeaderModifier
from fairlead.xds.messages import Message

HOST = "host"
"""Envoy keeps this header out of modifiers: setting it is a rewrite of the host."""


def modifications(
    request: HeaderModifier | None, response: HeaderModifier | None
) -> dict[str, Message]:
    """Fields that change request and response headers."""
    fields: dict[str, Message] = {}
    for side, modifier in (("request", request), ("response", response)):
        if modifier is None:
            continue
        if options := _options(modifier):
            fields[f"{side}_headers_to_add"] = options
        if removed := [name for name in modifier.remove if name != HOST]:
            fields[f"{side}_headers_to_remove"] = removed
    return fields


def composed(first: HeaderModifier | None, then: HeaderModifier | None) -> HeaderModifier | None:
    """One modifier that does what the two do one after the other."""
    if first is None or then is None:
        return first or then
    replaced = dict(first.set)
    gone = {*then.remove, *(name for name, _ in then.set)}
    added = [pair for pair in first.add if pair[0] not in gone]
    for name in then.remove:
        replaced.pop(name, None)
    replaced.update(then.set)
    return HeaderModifier(
        set=tuple(replaced.items()),
        add=(*added, *then.add),
        remove=tuple(dict.fromkeys((*first.remove, *then.remove))),
    )


def host(modifier: HeaderModifier | None) -> str | None:
    """The value that the Host header is set to, None where it is left alone."""
    return dict(modifier.set).get(HOST) if modifier else None


def _options(modifier: HeaderModifier) -> list[Message]:
    """`HeaderValueOption` for `set` and `add`."""
    replaced = [_option(*pair, "OVERWRITE_IF_EXISTS_OR_ADD") for pair in modifier.set]
    added = [_option(*pair, "APPEND_IF_EXISTS_OR_ADD") for pair in modifier.add]
    return [option for option in (*replaced, *added) if option["header"]["key"] != HOST]


def _option(name: str, value: str, action: str) -> dict[str, Message]:
    """One header; Envoy would take a percent sign for the start of a command."""
    return {
        "header": {"key": name, "value": value.replace("%", "%%")},
        "append_action": action,
        "keep_empty_value": True,
    }
