"""What is wrong with a part of an object: data that ends up in a condition, and its words."""

import msgspec


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One mistake, or one thing that this version does not support.

    The message names the field and what to do about it.
    """

    reason: str
    """A reason of the spec, such as ``UnsupportedValue`` or ``BackendNotFound``."""
    field: str
    """Path below the object, such as ``spec.rules[0].filters[1].requestMirror``."""
    message: str

    def __str__(self) -> str:
        """The field and the message, as conditions show them."""
        return f"{self.field}: {self.message}"


def sentence(findings: tuple[Finding, ...], most: int = 5) -> str:
    """Join findings for a condition's message; at most `most` are spelled out."""
    text = "; ".join(str(finding) for finding in findings[:most])
    rest = len(findings) - most
    return f"{text}; and {rest} more" if rest > 0 else text


def indefinite(kind: str) -> str:
    """A kind with its article, as it is spoken: an HTTPRoute, a GRPCRoute."""
    return f"{'an' if kind[0] in 'HX' else 'a'} {kind}"
