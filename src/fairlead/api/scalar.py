r"""Strings and numbers with the bounds that the CRDs' schemas set.

Each alias carries a `description`: the words that a problem uses to say what was expected.
Patterns end in `\Z`, since `$` lets a final newline pass in Python, and are written so that no
input backtracks exponentially; what they match is what the schema's pattern matches.
"""

from typing import Annotated, TypeAlias

from msgspec import Meta

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
FIELD_NAME = r"[A-Za-z0-9!#$%&'*+\-.^_\x60|~]+"
HEADER_VALUE = r"[!-~]+([\t ][!-~]+)*"
PATH = r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|[%][0-9a-fA-F]{2})+"
DOMAIN_PREFIXED = rf"{SUBDOMAIN}\/[A-Za-z0-9\/\-._~%!$&'()*+,;=:]+"

Hostname: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=253,
        pattern=rf"^(\*\.)?{SUBDOMAIN}\Z",
        description="a host name in lower case, without port, optionally starting with `*.`",
    ),
]
PreciseHostname: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=253,
        pattern=rf"^{SUBDOMAIN}\Z",
        description="a host name in lower case, without port or wildcard",
    ),
]
SectionName: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=253,
        pattern=rf"^{SUBDOMAIN}\Z",
        description="lower case letters, digits, `-` and `.`",
    ),
]
ObjectName: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=253, description="the name of an object")
]
NamespaceName: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=63,
        pattern=rf"^{LABEL}\Z",
        description="the name of a namespace: lower case letters, digits and `-`",
    ),
]
Group: TypeAlias = Annotated[
    str,
    Meta(
        max_length=253,
        pattern=rf"^\Z|^{SUBDOMAIN}\Z",
        description='an API group such as gateway.networking.k8s.io, or "" for core kinds',
    ),
]
KindName: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=63,
        pattern=r"^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?\Z",
        description="a kind such as Service",
    ),
]
PortNumber: TypeAlias = Annotated[int, Meta(ge=1, le=65535, description="a port, 1 to 65535")]
HeaderName: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=256,
        pattern=rf"^{FIELD_NAME}\Z",
        description="a header name (letters, digits and !#$%&'*+-.^_`|~)",
    ),
]
HeaderValue: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=4096, description="a header value")
]
"""`HEADER_VALUE` is the pattern of the experimental channel; the standard one has none."""
GatewayDuration: TypeAlias = Annotated[
    str,
    Meta(
        pattern=r"^([0-9]{1,5}(h|m|s|ms)){1,4}\Z",
        description="a duration of whole h, m, s and ms such as 1h30m or 500ms (GEP-2257)",
    ),
]
UrlPath: TypeAlias = Annotated[
    str,
    Meta(
        max_length=1024,
        pattern=rf"^{PATH}\Z",
        description="a URL path; other characters are percent-encoded",
    ),
]
ControllerName: TypeAlias = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=253,
        pattern=rf"^{DOMAIN_PREFIXED}\Z",
        description="a domain-prefixed path such as example.com/controller",
    ),
]
NonNegative: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1, description="zero or more")]
"""As in int32, like all numbers of Kubernetes that say nothing else."""
Positive: TypeAlias = Annotated[int, Meta(ge=1, le=2**31 - 1, description="one or more")]
Percent: TypeAlias = Annotated[int, Meta(ge=0, le=100, description="a percentage, 0 to 100")]
AnnotationValue: TypeAlias = Annotated[
    str, Meta(max_length=4096, description="a value of at most 4096 characters")
]
