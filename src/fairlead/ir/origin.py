"""Where a piece of configuration comes from."""

import msgspec


class Origin(msgspec.Struct, frozen=True, gc=False):
    """The object, rule and field that a rule, cluster or policy was made from.

    Ends up in Envoy's metadata, access logs, NACK messages, `describe` and `explain`.
    """

    kind: str
    namespace: str
    name: str
    rule: str = ""
    """Name of the rule, or its index in the route as a decimal; empty if not about a rule."""
    field: str = ""
    """Path below the object, such as ``spec.rules[0].filters[1]``; empty for the whole object."""

    def __str__(self) -> str:
        """``HTTPRoute ns/name``, with ``rule R`` and the field where they are known."""
        text = f"{self.kind} {self.namespace}/{self.name}"
        if self.rule:
            text += f" rule {self.rule}"
        if self.field:
            text += f" {self.field}"
        return text
