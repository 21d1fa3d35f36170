"""Certificate authorities that peers' certificates may come from.

In: lists of references to ConfigMaps, Secrets and ClusterTrustBundles that hold authorities, in
Gateways (for clients), BackendTLSPolicies and XBackends (for endpoints). Out: one
`ir.secret.TrustBundle` for each list, and findings for references that cannot be used. A list of
which a part is good is served with that part; one without any good reference has no bundle, and
whoever asks for it refuses connections. Who names a bundle does not run again when its content
changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from fairlead import api
from fairlead.graph import Collection, Context, Graph
from fairlead.ir.listener import ClientValidation
from fairlead.ir.origin import Origin
from fairlead.ir.secret import SYSTEM_TRUST, TrustBundle
from fairlead.translate import authorities
from fairlead.translate.authorities import Authorities, Referent
from fairlead.translate.finding import Finding
from fairlead.translate.references import Grants
from fairlead.translate.sources import Key, Settings, Sources

Owner: TypeAlias = tuple[str, str, str]
"""Kind, namespace and name of the object that lists authorities."""


class TrustList(msgspec.Struct, frozen=True, gc=False):
    """References to authorities, as one object lists them."""

    owner: Owner
    referrer: tuple[str, str, str]
    """Group, kind and namespace of the owner."""
    field: str
    """Path of the list below the owner."""
    referents: tuple[Referent, ...]
    """In the order of the list."""


class Trust(msgspec.Struct, frozen=True, gc=False):
    """What a list of authorities comes to."""

    name: str
    """Of an `ir.secret.TrustBundle`; empty where no reference can be used."""
    findings: tuple[Finding, ...]
    """One for each reference that cannot be used."""


class Validation(msgspec.Struct, frozen=True, gc=False):
    """How certificates of clients are checked on one port of a Gateway."""

    validation: ClientValidation | None
    """None asks for no certificate, unless there are findings: then no client can be let in."""
    findings: tuple[Finding, ...]
    """Reasons InvalidCACertificateRef, InvalidCACertificateKind or RefNotPermitted."""


class _Found(msgspec.Struct, frozen=True, gc=False):
    """A bundle together with the findings; changes with its content."""

    bundle: TrustBundle | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class TrustInputs:
    """What lists of authorities are resolved to."""

    settings: Settings
    trusts: Collection[str, Trust]
    """By name of the list (`trust_name`)."""
    bundles: Collection[str, TrustBundle]
    """By name; without `SYSTEM_TRUST`."""


def build(graph: Graph, sources: Sources, settings: Settings, grants: Grants) -> TrustInputs:
    """Resolve all lists of authorities."""
    lists = graph.join(
        "trust lists",
        sources.gateways.flat_map("trust lists of Gateways", _of_gateway),
        sources.backend_tls_policies.flat_map("trust lists of BackendTLSPolicies", _of_policy),
        sources.backends.flat_map("trust lists of XBackends", _of_backend),
    )
    known = authorities.build(
        sources, lists.index("trust lists by referent", lambda _name, each: each.referents)
    )

    def find(ctx: Context, name: str, asked: TrustList) -> _Found:
        return _found(ctx, known, grants, name, asked)

    found = lists.map("trust with content", find)

    def told(_ctx: Context, name: str, each: _Found) -> Trust:
        return Trust(name if each.bundle else "", each.findings)

    return TrustInputs(
        settings,
        found.map("trust", told),
        found.map("trust bundles", lambda _ctx, _name, each: each.bundle),
    )


def client_validation(
    ctx: Context, inputs: TrustInputs, gateway: api.Gateway, port: int
) -> Validation:
    """How an HTTPS listener of `gateway` on `port` checks certificates of clients.

    Gateway.spec.tls.frontend: the entry of the port in `perPort`, else `default`.
    """
    written, which = _frontend(gateway, port)
    if written is None:
        return Validation(None, ())
    name = trust_name(("Gateway", *gateway.key), which)
    trust = ctx.fetch(inputs.trusts, name) or Trust("", ())
    if not trust.name:
        return Validation(None, trust.findings)
    insecure = written.mode == "AllowInsecureFallback"
    return Validation(ClientValidation(trust.name, insecure), trust.findings)


def insecure_fallback(gateway: api.Gateway) -> bool:
    """Whether a Gateway lets in clients with bad certificates on any port.

    Condition InsecureFrontendValidationMode.
    """
    frontend = gateway.spec.tls.frontend if gateway.spec.tls else None
    if frontend is None:
        return False
    configs = (frontend.default, *(each.tls for each in frontend.per_port))
    return any(
        each.validation is not None and each.validation.mode == "AllowInsecureFallback"
        for each in configs
    )


def bundle(
    ctx: Context, inputs: TrustInputs, owner: Owner, validation: api.BackendTLSPolicyValidation
) -> Trust:
    """Whom endpoints' certificates must come from.

    Args:
        ctx: The function run that asks.
        inputs: From `build`.
        owner: The BackendTLSPolicy or XBackend.
        validation: Of that object.

    Returns:
        The name of the bundle, and findings with the reasons InvalidCACertificateRef or InvalidKind
        (RefNotPermitted is impossible: references are local), or Invalid for a value of
        wellKnownCACertificates that is not there, and where nobody is named.
    """
    well_known = validation.well_known_ca_certificates
    if not well_known:
        found = ctx.fetch(inputs.trusts, trust_name(owner))
        field = f"{_VALIDATION[owner[0]]}.caCertificateRefs"
        message = "nobody is trusted; write it, or wellKnownCACertificates"
        return found or Trust("", (Finding("Invalid", field, message),))
    if well_known == "System" and inputs.settings.system_trust:
        return Trust(SYSTEM_TRUST, ())
    field = f"{_VALIDATION[owner[0]]}.wellKnownCACertificates"
    if well_known == "System":
        message = "this machine has no list of certificate authorities; use caCertificateRefs"
    else:
        message = f"{well_known} is not known; use System or caCertificateRefs"
    return Trust("", (Finding("Invalid", field, message),))


def trust_name(owner: Owner, port: int | None = None) -> str:
    """Name of the `ir.secret.TrustBundle` of a list; `port` for a Gateway's list for one port."""
    name = f"trust/{'/'.join(owner)}"
    return name if port is None else f"{name}/{port}"


_VALIDATION = {"BackendTLSPolicy": "spec.validation", "XBackend": "spec.tls.validation"}
"""Path of the validation by kind."""


def _frontend(
    gateway: api.Gateway, port: int
) -> tuple[api.FrontendTLSValidation | None, int | None]:
    """The validation for a port; with it the port if the entry is of that port alone."""
    frontend = gateway.spec.tls.frontend if gateway.spec.tls else None
    if frontend is None:
        return None, None
    for each in frontend.per_port:
        if each.port == port:
            return each.tls.validation, port
    return frontend.default.validation, None


def _of_gateway(_ctx: Context, key: Key, gateway: api.Gateway) -> Iterator[tuple[str, TrustList]]:
    frontend = gateway.spec.tls.frontend if gateway.spec.tls else None
    if frontend is None:
        return
    listed: dict[int | None, tuple[str, api.TLSConfig]] = {None: ("default", frontend.default)}
    for index, each in enumerate(frontend.per_port):
        listed.setdefault(each.port, (f"perPort[{index}].tls", each.tls))
    owner = ("Gateway", *key)
    for port, (field, config) in listed.items():
        if config.validation is not None:
            path = f"spec.tls.frontend.{field}.validation.caCertificateRefs"
            refs = tuple(
                authorities.referent(ref.group, ref.kind, ref.namespace or key[0], ref.name)
                for ref in config.validation.ca_certificate_refs
            )
            referrer = (api.GATEWAY_GROUP, "Gateway", key[0])
            yield trust_name(owner, port), TrustList(owner, referrer, path, refs)


def _of_policy(
    _ctx: Context, key: Key, policy: api.BackendTLSPolicy
) -> Iterator[tuple[str, TrustList]]:
    yield from _of_endpoints(api.GATEWAY_GROUP, ("BackendTLSPolicy", *key), policy.spec.validation)


def _of_backend(_ctx: Context, key: Key, backend: api.XBackend) -> Iterator[tuple[str, TrustList]]:
    if backend.spec.tls.validation is not None:
        owner = ("XBackend", *key)
        yield from _of_endpoints(api.EXPERIMENTAL_GROUP, owner, backend.spec.tls.validation)


def _of_endpoints(
    group: str, owner: Owner, validation: api.BackendTLSPolicyValidation
) -> Iterator[tuple[str, TrustList]]:
    if not validation.ca_certificate_refs:
        return
    kind, namespace, _ = owner
    refs = tuple(
        authorities.referent(ref.group, ref.kind, namespace, ref.name)
        for ref in validation.ca_certificate_refs
    )
    path = f"{_VALIDATION[kind]}.caCertificateRefs"
    yield trust_name(owner), TrustList(owner, (group, kind, namespace), path, refs)


def _found(
    ctx: Context,
    known: Collection[Referent, Authorities],
    grants: Grants,
    name: str,
    asked: TrustList,
) -> _Found:
    texts: dict[str, None] = {}
    findings: list[Finding] = []
    for index, referent in enumerate(asked.referents):
        at = f"{asked.field}[{index}]"
        permitted = not referent[2] or grants.permit(ctx, asked.referrer, referent)
        found = authorities.look_up(ctx, known, referent) if permitted else None
        if found is None:
            findings.append(_forbidden(asked, referent, f"{at}.namespace"))
        elif isinstance(found, Finding):
            reason = _reason(found.reason, asked.owner[0])
            findings.append(Finding(reason, f"{at}.{found.field}", found.message))
        else:
            texts[found] = None
    if not texts:
        return _Found(None, tuple(findings))
    origin = Origin(*asked.owner, field=asked.field)
    return _Found(TrustBundle(name, "".join(texts), origin), tuple(findings))


def _forbidden(asked: TrustList, referent: Referent, field: str) -> Finding:
    _, kind, namespace, name = referent
    message = (
        f"{kind} {namespace}/{name} is in another namespace; create a ReferenceGrant in "
        f"{namespace} from {asked.referrer[1]} in {asked.referrer[2]} to {kind} {name}"
    )
    return Finding("RefNotPermitted", field, message)


def _reason(reason: str, owner: str) -> str:
    """The spec's reason for this kind of owner: Gateways have their own word for a wrong kind."""
    if reason == "InvalidKind" and owner == "Gateway":
        return "InvalidCACertificateKind"
    return reason
