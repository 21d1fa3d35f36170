"""HTTPRouteFilter and what each of its types holds (gateway.networking.k8s.io/v1)."""

from typing import Annotated, Literal

from msgspec import Meta

from fairlead.api.model import Model
from fairlead.api.reference import BackendObjectReference, LocalObjectReference
from fairlead.api.scalar import (
    HeaderName,
    HeaderValue,
    NonNegative,
    Percent,
    PortNumber,
    Positive,
    PreciseHostname,
    UrlPath,
)


class HTTPHeader(Model, frozen=True, kw_only=True):
    """HTTPHeader."""

    name: HeaderName
    value: HeaderValue


HeaderList = Annotated[tuple[HTTPHeader, ...], Meta(max_length=16)]
HeaderNames = Annotated[tuple[HeaderName, ...], Meta(max_length=64)]
Replacement = Annotated[str, Meta(max_length=1024)]


class HTTPHeaderFilter(Model, frozen=True, kw_only=True):
    """HTTPHeaderFilter: RequestHeaderModifier and ResponseHeaderModifier."""

    set: HeaderList = ()
    add: HeaderList = ()
    remove: Annotated[tuple[str, ...], Meta(max_length=16)] = ()


class HTTPPathModifier(Model, frozen=True, kw_only=True):
    """HTTPPathModifier; the field that `type` names is set."""

    type: Literal["ReplaceFullPath", "ReplacePrefixMatch"]
    replace_full_path: Replacement | None = None
    replace_prefix_match: Replacement | None = None


class HTTPRequestRedirectFilter(Model, frozen=True, kw_only=True):
    """HTTPRequestRedirectFilter."""

    scheme: Literal["http", "https"] | None = None
    hostname: PreciseHostname | None = None
    path: HTTPPathModifier | None = None
    port: PortNumber | None = None
    status_code: Literal[301, 302, 303, 307, 308] = 302


class HTTPURLRewriteFilter(Model, frozen=True, kw_only=True):
    """HTTPURLRewriteFilter."""

    hostname: PreciseHostname | None = None
    path: HTTPPathModifier | None = None


class Fraction(Model, frozen=True, kw_only=True):
    """Fraction."""

    numerator: NonNegative
    denominator: Positive = 100


class HTTPRequestMirrorFilter(Model, frozen=True, kw_only=True):
    """HTTPRequestMirrorFilter; without `percent` and `fraction`, every request is mirrored."""

    backend_ref: BackendObjectReference
    percent: Percent | None = None
    fraction: Fraction | None = None


class HTTPCORSFilter(Model, frozen=True, kw_only=True):
    """HTTPCORSFilter; `max_age` in seconds."""

    allow_origins: Annotated[
        tuple[
            Annotated[
                str,
                Meta(
                    min_length=1,
                    max_length=253,
                    pattern=r"(^\*\Z)|(^(http(s)?):\/\/(((\*\.)?([a-zA-Z0-9\-]+\.)*[a-zA-Z0-9-]+|\*)"
                    r"(:([0-9]{1,5}))?)\Z)",
                    description="an origin such as https://example.com, or *",
                ),
            ],
            ...,
        ],
        Meta(max_length=64),
    ] = ()
    allow_credentials: bool | None = None
    allow_methods: Annotated[
        tuple[
            Literal[
                "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "*"
            ],
            ...,
        ],
        Meta(max_length=9),
    ] = ()
    allow_headers: HeaderNames = ()
    expose_headers: HeaderNames = ()
    max_age: Positive = 5


class HTTPAuthConfig(Model, frozen=True, kw_only=True):
    """HTTPAuthConfig."""

    path: UrlPath = ""
    allowed_headers: Annotated[tuple[str, ...], Meta(max_length=64)] = ()
    allowed_response_headers: Annotated[tuple[str, ...], Meta(max_length=64)] = ()


class GRPCAuthConfig(Model, frozen=True, kw_only=True):
    """GRPCAuthConfig."""

    allowed_headers: Annotated[tuple[str, ...], Meta(max_length=64)] = ()


class ForwardBodyConfig(Model, frozen=True, kw_only=True):
    """ForwardBodyConfig; `max_size` in bytes."""

    max_size: NonNegative = 0


class HTTPExternalAuthFilter(Model, frozen=True, kw_only=True):
    """HTTPExternalAuthFilter (experimental)."""

    protocol: Literal["HTTP", "GRPC"]
    backend_ref: BackendObjectReference
    grpc: GRPCAuthConfig | None = None
    http: HTTPAuthConfig | None = None
    forward_body: ForwardBodyConfig | None = None


class HTTPRouteFilter(Model, frozen=True, kw_only=True):
    """HTTPRouteFilter; the field that `type` names is set, and no other."""

    type: Literal[
        "RequestHeaderModifier",
        "ResponseHeaderModifier",
        "RequestMirror",
        "RequestRedirect",
        "URLRewrite",
        "ExtensionRef",
        "CORS",
        "ExternalAuth",
    ]
    request_header_modifier: HTTPHeaderFilter | None = None
    response_header_modifier: HTTPHeaderFilter | None = None
    request_mirror: HTTPRequestMirrorFilter | None = None
    request_redirect: HTTPRequestRedirectFilter | None = None
    url_rewrite: HTTPURLRewriteFilter | None = None
    cors: HTTPCORSFilter | None = None
    external_auth: HTTPExternalAuthFilter | None = None
    extension_ref: LocalObjectReference | None = None
